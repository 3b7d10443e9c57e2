//! From a payload and its place to an event of the append: checked, timed, counted.

use super::recipient::{Fault, Recipient, Taken};
use super::{Appended, Error, Marks, Options, Place, Progress, REASONS_MAX, Reason, TimeSource};
use crate::event::{Event, Lineage, Typing};
use crate::extract::{Path, Probe, Refusal, Scratch};
use crate::offset::{Offset, Range};
use crate::time::TimeRule;
use crate::time::{Rfc3339, is_plausible};
use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

/// Events between two reports of progress, where bytes do not make for them.
const REPORT_EVENTS: u64 = 1 << 16;

/// How payloads are read; what it takes is prepared once.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub probe: &'a Probe,
    pub time: &'a TimeSource,
    pub any_time: bool,
    pub skip: bool,
}

/// What an envelope says of the event in it; where the payload says the same, that counts.
#[derive(Clone, Copy, Default)]
pub struct Envelope<'a> {
    pub time_ms: Option<i64>,
    pub id: Option<&'a str>,
    pub source: Option<&'a str>,
    pub headers: &'a [(String, String)],
}

/// How a payload is read and where it is.
#[derive(Clone, Copy)]
pub struct At {
    pub typing: Typing,
    pub position: u64,
    /// Of its first byte.
    pub place: Place,
}

/// What finds the time and id of payloads.
pub fn probe(time: &TimeSource, id: Option<&str>, rule: TimeRule) -> Result<Probe, Error> {
    let time = match time {
        TimeSource::Path(path) => Some(Path::new(path).map_err(Error::TimePath)?),
        TimeSource::Ingested | TimeSource::Zero => None,
    };
    let id = id.map(Path::new).transpose().map_err(Error::IdPath)?;
    Ok(Probe::new(time, id, rule)?)
}

impl<'a> Rules<'a> {
    pub fn of(options: &'a Options, probe: &'a Probe) -> Rules<'a> {
        Rules { probe, time: &options.time, any_time: options.any_time, skip: options.skip }
    }
}

pub struct Sink<'a> {
    recipient: &'a mut dyn Recipient,
    rules: Rules<'a>,
    scratch: &'a mut Scratch,
    /// As it was given, for messages.
    path: String,
    /// The file's name, for lineage: the same wherever the file lies.
    source: Option<String>,
    /// Where the source at hand begins, if it is a part of a larger one.
    positions_before: u64,
    appended: Appended,
    events: u64,
    bytes: Rc<Cell<u64>>,
    bytes_total: Option<u64>,
    progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Sink<'a> {
    pub fn new(
        recipient: &'a mut dyn Recipient,
        rules: Rules<'a>,
        scratch: &'a mut Scratch,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Sink<'a> {
        Sink {
            recipient,
            rules,
            scratch,
            path: String::new(),
            source: None,
            positions_before: 0,
            appended: Appended {
                range: Range::new(Offset::ZERO, Offset::ZERO),
                skipped: 0,
                reasons: Vec::new(),
                duplicates: 0,
                conflicts: 0,
                times_ms: None,
            },
            events: 0,
            bytes: Rc::default(),
            bytes_total: None,
            progress,
        }
    }

    pub fn total(&mut self, bytes: Option<u64>) {
        self.bytes_total = bytes;
        self.report();
    }

    /// Counts the bytes that are read from files.
    pub fn bytes_read(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.bytes)
    }

    /// Counts bytes of a file that is not read from its beginning to its end.
    pub fn count_bytes(&mut self, bytes: u64) {
        self.bytes.set(self.bytes.get() + bytes);
        self.report();
    }

    pub fn begin(&mut self, path: &str, marks: Marks) {
        self.path = path.into();
        let name = std::path::Path::new(path).file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or(path);
        self.source = Some(name.into());
        self.recipient.begin(name, marks);
    }

    /// Begins a part of a source, if it has one, behind `positions_before` of its positions.
    pub fn begin_part(&mut self, source: Option<&str>, positions_before: u64) {
        self.source = source.map(str::to_owned);
        self.positions_before = positions_before;
    }

    pub fn end(&mut self) -> Result<(), Error> {
        let ended = self.recipient.end();
        ended.or_else(|fault| self.fail(Place::Line(0), fault))
    }

    pub fn report(&mut self) {
        let progress =
            Progress { bytes: self.bytes.get(), bytes_total: self.bytes_total, events: self.events };
        (self.progress)(progress);
    }

    /// Takes a payload.
    #[inline]
    pub fn payload(&mut self, payload: &[u8], at: At) -> Result<(), Error> {
        match self.recipient.has(payload) {
            Ok(false) => self.event(payload, at, None),
            Ok(true) => Ok(()),
            Err(fault) => self.fail(at.place, fault),
        }
    }

    /// Takes the payload of an event that came in an envelope, if it did.
    #[inline]
    fn event(&mut self, payload: &[u8], at: At, envelope: Option<&Envelope<'_>>) -> Result<(), Error> {
        let At { typing, position, place } = at;
        let probed = match self.rules.probe.probe(self.scratch, typing, payload) {
            Ok(probed) => probed,
            Err(refusal) => return self.refuse_probed(payload, place, refusal),
        };
        let ingested_ms = self.recipient.ingested_ms();
        let time_ms = match self.rules.time_ms(probed.time_ms, envelope, ingested_ms) {
            Ok(time_ms) => time_ms,
            Err(reason) => return self.refuse(place, reason),
        };
        let envelope = envelope.copied().unwrap_or_default();
        let pushed = self.recipient.push(&Event {
            offset: Offset::ZERO,
            time_ms,
            ingested_ms,
            id: probed.id.as_deref().or(envelope.id),
            schema: None,
            lineage: Lineage {
                source: envelope.source.or(self.source.as_deref()),
                position: self.positions_before + position,
                headers: envelope.headers,
                ..Lineage::default()
            },
            typing,
            payload,
        });
        match pushed {
            Ok(Taken::Appended | Taken::Waiting) => {
                let (first, last) = self.appended.times_ms.unwrap_or((time_ms, time_ms));
                self.appended.times_ms = Some((first.min(time_ms), last.max(time_ms)));
            }
            Ok(Taken::Duplicate) => self.appended.duplicates += 1,
            Ok(Taken::Conflict) => self.appended.conflicts += 1,
            Err(fault) => return self.fail(place, fault),
        }
        self.events += 1;
        if self.events.is_multiple_of(REPORT_EVENTS) {
            self.report();
        }
        Ok(())
    }

    #[cold]
    fn fail(&mut self, place: Place, fault: Fault) -> Result<(), Error> {
        let path = self.path.clone();
        match fault {
            Fault::Refused(reason) => self.refuse(place, reason),
            Fault::Full(source) => Err(Error::Log { path, place, source }),
            Fault::Store(source) => Err(Error::Store { path, source }),
            Fault::Said(words) => Err(Error::Said(words)),
            Fault::Many { events_max } => Err(Error::Many { events_max }),
            Fault::Changed => Err(Error::Changed),
        }
    }

    #[cold]
    fn refuse_probed(&mut self, payload: &[u8], place: Place, refusal: Refusal) -> Result<(), Error> {
        match refusal {
            Refusal::Malformed(malformed) => {
                let before = payload.get(..malformed.column - 1).unwrap_or(payload);
                self.refuse(moved(place, before), Reason::of(malformed))
            }
            Refusal::Wrong { path, expected, found } => {
                let expected = format!("{expected} at '{path}'");
                self.refuse(place, Reason::Malformed { expected, found })
            }
        }
    }

    /// Takes a payload that may run over several lines. Once it is known to be JSON, so that no text
    /// in it has a line end, a space is as good as one.
    pub fn element(&mut self, payload: &[u8], position: u64, place: Place) -> Result<(), Error> {
        let at = At { typing: Typing::Json, position, place };
        match self.line_of(payload, place)? {
            Some(Cow::Borrowed(payload)) => self.payload(payload, at),
            Some(Cow::Owned(line)) => self.payload(&line, at),
            None => Ok(()),
        }
    }

    /// The same for what came in an envelope.
    pub fn enclosed(&mut self, payload: &[u8], at: At, envelope: &Envelope<'_>) -> Result<(), Error> {
        match self.line_of(payload, at.place)? {
            Some(line) => self.event(&line, at, Some(envelope)),
            None => Ok(()),
        }
    }

    /// A payload as one line; None if it was refused and is left out.
    fn line_of<'b>(&mut self, payload: &'b [u8], place: Place) -> Result<Option<Cow<'b, [u8]>>, Error> {
        if memchr::memchr2(b'\n', b'\r', payload).is_none() {
            return Ok(Some(Cow::Borrowed(payload)));
        }
        if let Err(refusal) = self.rules.probe.probe(self.scratch, Typing::Json, payload) {
            return self.refuse_probed(payload, place, refusal).map(|()| None);
        }
        let line_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let line = payload.iter().map(|byte| if line_end(byte) { b' ' } else { *byte });
        Ok(Some(Cow::Owned(line.collect())))
    }

    /// Refuses one line: counts it, or ends the append.
    #[cold]
    pub fn refuse(&mut self, place: Place, reason: Reason) -> Result<(), Error> {
        if !self.rules.skip {
            let kept = self.recipient.kept();
            return Err(Error::Refused { path: self.path.clone(), place, reason, kept });
        }
        self.appended.skipped += 1;
        if self.appended.reasons.len() < REASONS_MAX {
            self.appended.reasons.push(format!("{}: {place}: {reason}", self.path));
        }
        Ok(())
    }

    pub fn skipped(&self) -> u64 {
        self.appended.skipped
    }

    /// What ends the append, whether lines may be skipped or not.
    pub fn broken(&self, place: Place, reason: Reason) -> Error {
        Error::Broken { path: self.path.clone(), place, reason, kept: self.recipient.kept() }
    }

    /// An error of the file as a whole.
    pub fn format_error(&self, what: impl Into<String>) -> Error {
        Error::Format { path: self.path.clone(), what: what.into() }
    }

    pub fn finish(mut self) -> Appended {
        self.report();
        self.appended
    }
}

impl Rules<'_> {
    #[inline]
    fn time_ms(
        &self,
        found: Option<i64>,
        envelope: Option<&Envelope<'_>>,
        ingested_ms: i64,
    ) -> Result<i64, Reason> {
        let enclosed = envelope.and_then(|envelope| envelope.time_ms);
        let (time_ms, path) = match (self.time, found, enclosed) {
            (TimeSource::Zero, ..) => return Ok(0),
            (TimeSource::Path(path), Some(time_ms), _) => (time_ms, path.as_str()),
            (_, _, Some(time_ms)) => (time_ms, "time"),
            (TimeSource::Path(path), None, None) if envelope.is_none() => {
                return Err(Reason::NoTime(path.clone()));
            }
            _ => return Ok(ingested_ms),
        };
        if self.any_time || is_plausible(time_ms) {
            return Ok(time_ms);
        }
        Err(Reason::ImplausibleTime { path: path.into(), time: Rfc3339(time_ms).to_string() })
    }
}

/// The place behind `before`, which begins at `place`.
fn moved(place: Place, before: &[u8]) -> Place {
    let (line, column) = match place {
        Place::Line(line) => (line, 1),
        Place::LineColumn(line, column) => (line, column),
        Place::Row(_) | Place::Element(_) => return place,
    };
    let feeds = memchr::memchr_iter(b'\n', before).count() as u64;
    match memchr::memrchr(b'\n', before) {
        Some(last) => Place::LineColumn(line + feeds, (before.len() - last) as u64),
        None => Place::LineColumn(line, column + before.len() as u64),
    }
}
