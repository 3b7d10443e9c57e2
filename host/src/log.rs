//! The log of one stream: events with dense offsets, never changed once appended. This one lives in
//! memory; whatever takes its place keeps the same door. Owns deduplication by id, the watermark and
//! the digest of a range; knows nothing of files, JSON or transforms.

mod append;
mod block;
mod digests;
mod door;
mod ids;
mod read;
mod watermark;

pub use append::{Append, Pushed};
pub use door::{ReadLog, Times, Unreadable, WatermarkRule};
pub use ids::Ids;
pub use read::Events;

use crate::digest::Digest;
use crate::offset::{Offset, Range};
use std::collections::BTreeMap;

/// The most bytes that the payload or the id of one event may have.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// What is fixed when a stream is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Where a payload holds its event's time; None: events have no time of their own.
    pub time: Option<String>,
    /// Where a payload holds its event's id; None: nothing is deduplicated.
    pub id: Option<String>,
    pub out_of_orderness_ms: i64,
    /// An event dated further after its own ingest time never moves the watermark.
    pub max_ahead_ms: i64,
    /// An id is remembered for this many offsets.
    pub dedup_events: u64,
    /// What payloads, ids and columns of the log may take together.
    pub memory_bytes_max: u64,
}

impl Default for Stream {
    fn default() -> Stream {
        Stream {
            time: None,
            id: None,
            out_of_orderness_ms: 0,
            max_ahead_ms: 3_600_000,
            dedup_events: 10_000_000,
            memory_bytes_max: u64::MAX,
        }
    }
}

impl Stream {
    pub fn rule(&self) -> WatermarkRule {
        WatermarkRule { out_of_orderness_ms: self.out_of_orderness_ms, max_ahead_ms: self.max_ahead_ms }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "a {part} of {bytes} bytes is more than the {PAYLOAD_BYTES_MAX} that one event may have; split the event"
    )]
    TooLarge { part: &'static str, bytes: usize },
    #[error("the events take more than {limit_bytes} bytes of memory; append fewer, or raise the limit")]
    Full { limit_bytes: u64 },
}

/// Where the log ends, and what follows from all events before it.
#[derive(Clone, Copy, Debug, Default)]
struct Tip {
    head: u64,
    /// Greatest event time that counts for the watermark.
    greatest_ms: Option<i64>,
    /// Least and greatest event time of all.
    times_ms: Option<(i64, i64)>,
    future: u64,
    memory_bytes: u64,
}

/// Consecutive events that came from one place at one moment.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u64,
    ingested_ms: i64,
    source: Option<u32>,
    typing: crate::event::Typing,
    /// The position that the events' own positions are counted from.
    position: u64,
}

/// What few events have, and no event of a file.
#[derive(Debug)]
struct Rare {
    schema: Option<i64>,
    partition: Option<String>,
    key: Option<Vec<u8>>,
    headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Log {
    stream: Stream,
    tip: Tip,
    blocks: Vec<block::Block>,
    runs: Vec<Run>,
    sources: Vec<String>,
    rare: BTreeMap<u64, Rare>,
    ids: ids::Ids,
    maxima: watermark::Maxima,
    digests: digests::Snapshots,
}

impl Log {
    pub fn new(stream: Stream) -> Log {
        Log {
            ids: ids::Ids::new(stream.dedup_events),
            stream,
            tip: Tip::default(),
            blocks: Vec::new(),
            runs: Vec::new(),
            sources: Vec::new(),
            rare: BTreeMap::new(),
            maxima: watermark::Maxima::default(),
            digests: digests::Snapshots::default(),
        }
    }

    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The offset after the last event.
    pub fn head(&self) -> Offset {
        Offset(self.tip.head)
    }

    /// All events: `[0, head)`.
    pub fn range(&self) -> Range {
        Range::new(Offset::ZERO, self.head())
    }

    /// Least and greatest event time; None if there is no event.
    pub fn times_ms(&self) -> Option<(i64, i64)> {
        self.tip.times_ms
    }

    /// Events dated more than `max_ahead_ms` after their own ingest time.
    pub fn future_events(&self) -> u64 {
        self.tip.future
    }

    /// What payloads, ids and columns take.
    pub fn memory_bytes(&self) -> u64 {
        self.tip.memory_bytes
    }

    /// Starts an append: nothing of it is kept unless it is committed.
    pub fn append(&mut self) -> Append<'_> {
        Append::new(self)
    }

    /// The events of a range, less what is at or beyond the head. Starting costs two binary
    /// searches, wherever the range begins.
    pub fn read(&self, range: Range) -> Events<'_> {
        Events::new(self, range)
    }

    /// The greatest event time in `[0, offset)`, ignoring events dated more than `max_ahead_ms`
    /// after their own ingest time, less `out_of_orderness_ms`. None if no event counts.
    pub fn watermark_before(&self, offset: Offset) -> Option<i64> {
        let greatest_ms = self.greatest_before(offset.0)?;
        Some(greatest_ms.saturating_sub(self.stream.out_of_orderness_ms))
    }

    /// SHA-256 over the events of a range: payload, event time, id and, only if asked, ingest time.
    /// How the events were appended does not matter. Only what was never digested before is read.
    pub fn digest(&self, range: Range, with_ingested: bool) -> Digest {
        self.digests.of(self, range, with_ingested)
    }
}
