//! From a payload and its place to an event of the append: checked, timed, counted.

use super::recipient::{Fault, Recipient, Taken};
use super::{Appended, Error, Marks, Options, Place, Progress, REASONS_MAX, Reason, TimeSource};
use crate::event::{Event, Lineage, Typing};
use crate::extract::{Path, Probe, Refusal, Scratch};
use crate::offset::{Offset, Range};
use crate::time::{Rfc3339, is_plausible};
use std::cell::Cell;
use std::rc::Rc;

/// Events between two reports of progress, where bytes do not make for them.
const REPORT_EVENTS: u64 = 1 << 16;

pub struct Sink<'a> {
    recipient: &'a mut dyn Recipient,
    options: &'a Options,
    probe: Probe,
    scratch: Scratch,
    /// As it was given, for messages.
    path: String,
    /// The file's name, for lineage: the same wherever the file lies.
    source: String,
    appended: Appended,
    events: u64,
    bytes: Rc<Cell<u64>>,
    bytes_total: Option<u64>,
    progress: &'a mut dyn FnMut(Progress),
}

impl<'a> Sink<'a> {
    pub fn new(
        recipient: &'a mut dyn Recipient,
        options: &'a Options,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Result<Sink<'a>, Error> {
        let time = match &options.time {
            TimeSource::Path(path) => Some(Path::new(path).map_err(Error::TimePath)?),
            TimeSource::Ingested | TimeSource::Zero => None,
        };
        let id = options.id.as_deref().map(Path::new).transpose().map_err(Error::IdPath)?;
        Ok(Sink {
            recipient,
            options,
            probe: Probe::new(time, id, options.rule.clone())?,
            scratch: Scratch::default(),
            path: String::new(),
            source: String::new(),
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
        })
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
        self.source = name.unwrap_or(path).into();
        self.recipient.begin(&self.source, marks);
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

    /// Takes a payload; `place` says where its first byte is.
    #[inline]
    pub fn payload(
        &mut self,
        payload: &[u8],
        typing: Typing,
        position: u64,
        place: Place,
    ) -> Result<(), Error> {
        match self.recipient.has(payload) {
            Ok(false) => {}
            Ok(true) => return Ok(()),
            Err(fault) => return self.fail(place, fault),
        }
        let probed = match self.probe.probe(&mut self.scratch, typing, payload) {
            Ok(probed) => probed,
            Err(refusal) => return self.refuse_probed(payload, place, refusal),
        };
        let time_ms = match &self.options.time {
            TimeSource::Path(path) => match probed.time_ms {
                Some(time_ms) if self.options.any_time || is_plausible(time_ms) => time_ms,
                Some(time_ms) => {
                    let time = Rfc3339(time_ms).to_string();
                    return self.refuse(place, Reason::ImplausibleTime { path: path.clone(), time });
                }
                None => return self.refuse(place, Reason::NoTime(path.clone())),
            },
            TimeSource::Ingested => self.recipient.ingested_ms(),
            TimeSource::Zero => 0,
        };
        let ingested_ms = self.recipient.ingested_ms();
        let pushed = self.recipient.push(&Event {
            offset: Offset::ZERO,
            time_ms,
            ingested_ms,
            id: probed.id.as_deref(),
            schema: None,
            lineage: Lineage { source: Some(&self.source), position, ..Lineage::default() },
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
        if memchr::memchr2(b'\n', b'\r', payload).is_none() {
            return self.payload(payload, Typing::Json, position, place);
        }
        if let Err(refusal) = self.probe.probe(&mut self.scratch, Typing::Json, payload) {
            return self.refuse_probed(payload, place, refusal);
        }
        let line_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let line: Vec<u8> = payload.iter().map(|byte| if line_end(byte) { b' ' } else { *byte }).collect();
        self.payload(&line, Typing::Json, position, place)
    }

    /// Refuses one line: counts it, or ends the append.
    #[cold]
    pub fn refuse(&mut self, place: Place, reason: Reason) -> Result<(), Error> {
        if !self.options.skip {
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

/// The place behind `before`, which begins at `place`.
fn moved(place: Place, before: &[u8]) -> Place {
    let (line, column) = match place {
        Place::Line(line) => (line, 1),
        Place::LineColumn(line, column) => (line, column),
        Place::Row(_) => return place,
    };
    let feeds = memchr::memchr_iter(b'\n', before).count() as u64;
    match memchr::memrchr(b'\n', before) {
        Some(last) => Place::LineColumn(line + feeds, (before.len() - last) as u64),
        None => Place::LineColumn(line, column + before.len() as u64),
    }
}
