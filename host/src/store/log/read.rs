//! Reading a range of a log: pieces in order, each read by a short transaction of its own, so that no
//! reader keeps the writer's file from freeing pages.

use super::StreamLog;
use super::before::Before;
use super::record::Stretch;
use crate::digest::Digest;
use crate::event::Event;
use crate::extract::{Extracted, Extractor, Scratch};
use crate::log::{ReadLog, Times, Unreadable};
use crate::offset::{Offset, Range};
use crate::store::error::Error;

/// The stretches of a range, in order. The first and the last one may reach beyond it.
#[derive(Debug)]
pub struct Pieces<'a> {
    log: &'a StreamLog,
    next: u64,
    to: u64,
}

impl Iterator for Pieces<'_> {
    type Item = Result<Stretch, Error>;

    fn next(&mut self) -> Option<Result<Stretch, Error>> {
        if self.next >= self.to {
            return None;
        }
        let stretch = self.log.stretch_at(self.next);
        self.next = stretch.as_ref().map_or(self.to, Stretch::end);
        Some(stretch)
    }
}

impl StreamLog {
    /// The stretches that hold the events of a range, less what is at or beyond the head.
    pub fn pieces(&self, range: Range) -> Pieces<'_> {
        Pieces { log: self, next: range.from.0, to: range.to.0.min(self.head()) }
    }

    /// The stretch that holds one event.
    pub fn stretch_at(&self, offset: u64) -> Result<Stretch, Error> {
        let segment = self.segment_of(offset)?;
        let piece = segment.piece_at(offset)?.map(|piece| piece.stretch);
        piece.filter(|stretch| stretch.first <= offset).ok_or_else(|| {
            Error::damaged(segment.file(), format!("the event at offset {offset} is not where it should be"))
        })
    }

    /// What holds for `[0, offset)`.
    pub(super) fn before(&self, offset: u64) -> Result<Before, Error> {
        let (mut at, mut before) = self.segment_of(offset)?.known_before(offset)?;
        while at < offset {
            let stretch = self.stretch_at(at)?;
            before.extend(self.settings.stream.rule(), stretch.between(at, offset));
            at = stretch.end();
        }
        Ok(before)
    }

    /// Gives the events of a range to `visit`, in order.
    pub fn visit(&self, range: Range, mut visit: impl FnMut(Event<'_>)) -> Result<(), Error> {
        for stretch in self.pieces(range) {
            stretch?.between(range.from.0, range.to.0).for_each(&mut visit);
        }
        Ok(())
    }

    fn stretches(&self, range: Range) -> Result<Vec<Stretch>, Error> {
        self.pieces(range).collect()
    }
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Unreadable {
        Unreadable(error.to_string())
    }
}

impl ReadLog for StreamLog {
    fn head(&self) -> Offset {
        Offset(StreamLog::head(self))
    }

    fn extract(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<Extracted, Unreadable> {
        let stretches = self.stretches(range)?;
        let events = stretches.iter().flat_map(|stretch| stretch.between(range.from.0, range.to.0));
        Ok(extractor.extract(scratch, range, events))
    }

    fn times(&self, range: Range) -> Result<Times, Unreadable> {
        let (mut times_ms, mut ingested_ms) = (Vec::new(), Vec::new());
        self.visit(range, |event| {
            times_ms.push(event.time_ms);
            ingested_ms.push(event.ingested_ms);
        })?;
        let greatest_before_ms = self.before(range.from.0)?.greatest_ms;
        Ok(Times { times_ms, ingested_ms, greatest_before_ms, rule: self.settings.stream.rule() })
    }

    fn digest(&self, range: Range, with_ingested: bool) -> Result<Digest, Unreadable> {
        let (from, to) = (self.before(range.from.0)?, self.before(range.to.0)?);
        Ok(to.running.digest(range, &from.running, with_ingested))
    }
}
