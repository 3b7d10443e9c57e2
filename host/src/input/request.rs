//! The body of one request to one batch: all of its events, or nothing. Owns what each content type
//! means; knows nothing of HTTP, and has no clock.
//!
//! | content type                                | events                                         |
//! |---------------------------------------------|------------------------------------------------|
//! | `application/x-ndjson`, `…/ndjson`          | a line each                                    |
//! | the same with `typing=text`                 | a line each, an object of texts, as CSV rows are |
//! | `application/json`                          | an element of an array each, or one value      |
//! | `application/cloudevents+json`              | one, see `cloud_events`                        |
//! | `application/cloudevents-batch+json`        | an element each                                |

mod cloud_events;
mod encoding;
mod form;

pub use encoding::{Encoding, decode};
pub use form::Form;

use super::buffer::Buffer;
use super::reading::Reading;
use super::recipient::{Fault, Recipient, Taken};
use super::sink::Sink;
use super::{Kept, Place, Reason, array, lines};
use crate::digest::Digest;
use crate::event::{Event, Typing};
use crate::extract::Scratch;
use crate::store::{self, Batch, Mark};
use std::cell::RefCell;

/// Events of one request: each takes more memory than an empty line on the wire.
pub const EVENTS_MAX: u64 = 1 << 20;

/// Why a request makes no batch. Nothing of it is appended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Type(String),
    #[error("Content-Encoding '{0}' is not read; send gzip, zstd, or the body as it is")]
    Encoding(String),
    #[error("the body has more than {bytes_max} bytes; send it as several requests")]
    TooLarge { bytes_max: usize },
    #[error("the body has more than {EVENTS_MAX} events; send it as several requests")]
    TooMany,
    /// Whoever keeps count of memory had none for it.
    #[error("too many bodies are being read; try again a little later")]
    NoRoom,
    #[error("the {compression} data is {state} after {bytes} bytes; send it again")]
    Compressed { compression: &'static str, state: &'static str, bytes: usize },
    #[error("{place}: {reason}")]
    Refused { place: Place, reason: Reason },
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What no request leads to.
    #[error("{0}")]
    Other(String),
}

/// Where the events of a request come from, if whoever sends them says so.
#[derive(Clone, Debug, Default)]
pub struct Origin<'a> {
    /// A file's name, a topic.
    pub source: Option<&'a str>,
    /// Positions of the source before the first line of the body.
    pub positions_before: u64,
    pub mark: Option<Progressed>,
    /// Let in times outside 1990-2100.
    pub any_time: bool,
}

/// How far a request brings its source; see [`Mark`].
#[derive(Clone, Copy, Debug)]
pub struct Progressed {
    pub first: Digest,
    pub rows: u64,
    pub digest: Digest,
    /// Up to where the log is known to have no more of it; see [`Batch`].
    pub after: Option<u64>,
}

thread_local! {
    /// What reading leaves for the next request: allocations.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Reads a body that is not compressed, of events that came in at `now_ms`.
pub fn batch(
    reading: &Reading,
    form: &Form,
    origin: &Origin<'_>,
    body: Vec<u8>,
    now_ms: i64,
) -> Result<Batch, Error> {
    let mut rules = reading.rules();
    rules.any_time |= origin.any_time;
    let mut gather = Gather { reading, batch: Batch::default(), now_ms, position: 0 };
    gather.batch.reserve(body.len());
    SCRATCH.with_borrow_mut(|scratch| {
        let mut progress = |_| {};
        let mut sink = Sink::new(&mut gather, rules, scratch, &mut progress);
        sink.begin_part(origin.source, origin.positions_before);
        match form {
            Form::Lines(typing) => lines::read(Buffer::whole(body), *typing, &mut sink),
            Form::Json if body.trim_ascii_start().starts_with(b"[") => {
                array::read(Buffer::whole(body), &mut sink)
            }
            Form::Json => sink.element(body.trim_ascii_end(), 1, Place::Line(1)),
            Form::CloudEvent => return cloud_events::one(&body, reading.has_ids, &mut sink),
            Form::CloudEvents => return cloud_events::several(&body, reading.has_ids, &mut sink),
            Form::Enclosed(attributes) => {
                return cloud_events::enclosed(attributes.clone(), &body, reading.has_ids, &mut sink);
            }
        }
        .map_err(Error::from)
    })?;
    let Gather { mut batch, position, .. } = gather;
    if let (Some(source), Some(Progressed { first, rows, digest, after })) = (origin.source, origin.mark) {
        batch.after = after;
        batch.mark = Some(Mark { source: source.into(), first, rows, position, digest, next_offset: 0 });
    }
    Ok(batch)
}

struct Gather<'a> {
    reading: &'a Reading,
    batch: Batch,
    now_ms: i64,
    /// Of the last event.
    position: u64,
}

impl Recipient for Gather<'_> {
    #[inline]
    fn ingested_ms(&mut self) -> i64 {
        self.now_ms
    }

    #[inline]
    fn push(&mut self, event: &Event<'_>) -> Result<Taken, Fault> {
        if self.batch.events() == EVENTS_MAX {
            return Err(Fault::Many { events_max: EVENTS_MAX });
        }
        let event = self.reading.checked(event)?;
        self.batch.push(&event).map_err(|_| Fault::Refused(Reason::TooLong))?;
        self.position = event.lineage.position;
        Ok(Taken::Waiting)
    }

    fn kept(&self) -> Kept {
        Kept::Nothing
    }
}

impl From<super::Error> for Error {
    fn from(error: super::Error) -> Error {
        match error {
            super::Error::Refused { place, reason, .. } | super::Error::Broken { place, reason, .. } => {
                Error::Refused { place, reason }
            }
            super::Error::Many { .. } => Error::TooMany,
            super::Error::Store { source, .. } => Error::Store(source),
            other => Error::Other(other.to_string()),
        }
    }
}

/// A typing as a parameter of the content type.
fn typing(text: &str) -> Option<Typing> {
    match text {
        "json" => Some(Typing::Json),
        "text" => Some(Typing::Text),
        _ => None,
    }
}
