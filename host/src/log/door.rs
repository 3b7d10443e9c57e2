//! What executors ask of a log, wherever it is kept.

use super::Log;
use crate::digest::Digest;
use crate::extract::{Extracted, Extractor, Scratch};
use crate::offset::{Offset, Range};

/// A log could not be read: the host's fault or the disk's, never a transform's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log could not be read: {0}")]
pub struct Unreadable(pub String);

/// A log to be read by ranges, from several threads.
pub trait ReadLog: Sync {
    /// The offset after the last event.
    fn head(&self) -> Offset;

    /// The events of a range in columns; with their times, if the log had them at hand anyway. The
    /// range ends at or before the head.
    fn extract(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable>;

    /// When the events of a range happened and came in.
    fn times(&self, range: Range) -> Result<Times, Unreadable>;

    /// SHA-256 over the events of a range: payload, event time, id and, only if asked, ingest time (see
    /// [`crate::event::Running`]).
    fn digest(&self, range: Range, with_ingested: bool) -> Result<Digest, Unreadable>;

    /// Events of a range that are lost for good: no call above gives them, and times have the watermark's
    /// in their place.
    fn lost(&self, range: Range) -> u64 {
        _ = range;
        0
    }
}

/// What the watermark within a range follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// One an event.
    pub times_ms: Vec<i64>,
    /// One an event.
    pub ingested_ms: Vec<i64>,
    /// The greatest time that counts before the range.
    pub greatest_before_ms: Option<i64>,
    pub rule: WatermarkRule,
}

/// A stream's settings that the watermark depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatermarkRule {
    pub out_of_orderness_ms: i64,
    /// An event dated further after its own ingest time never moves the watermark.
    pub max_ahead_ms: i64,
}

impl WatermarkRule {
    pub fn is_future(self, time_ms: i64, ingested_ms: i64) -> bool {
        time_ms > ingested_ms.saturating_add(self.max_ahead_ms)
    }

    /// The watermark of a prefix whose greatest counting time is this.
    pub fn watermark(self, greatest_ms: Option<i64>) -> Option<i64> {
        greatest_ms.map(|time_ms| time_ms.saturating_sub(self.out_of_orderness_ms))
    }
}

/// An event that lies behind the watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Counted from the first event of the range.
    pub row: usize,
    pub time_ms: i64,
    /// Before the event.
    pub watermark_ms: i64,
}

impl Times {
    /// The events that lie further than `lateness_ms` behind the watermark before them, ascending: few, and no
    /// other can have a window that was closed.
    pub fn behind(&self, lateness_ms: i64) -> Vec<Behind> {
        let all = self.watermarks().enumerate();
        let behind = all.filter(|(_, (time_ms, before_ms))| time_ms.saturating_add(lateness_ms) < *before_ms);
        behind.map(|(row, (time_ms, watermark_ms))| Behind { row, time_ms, watermark_ms }).collect()
    }

    /// Each event's time, with the watermark before it.
    pub fn with_watermark(&self) -> impl Iterator<Item = (i64, Option<i64>)> {
        self.watermarks().map(|(time_ms, before_ms)| (time_ms, (before_ms > i64::MIN).then_some(before_ms)))
    }

    /// The same; `i64::MIN` where there is none yet: the greater of two options costs several times the greater
    /// of two numbers.
    fn watermarks(&self) -> impl Iterator<Item = (i64, i64)> {
        let rule = self.rule;
        let mut greatest_ms = self.greatest_before_ms.unwrap_or(i64::MIN);
        self.times_ms.iter().zip(&self.ingested_ms).map(move |(time_ms, ingested_ms)| {
            let before_ms = greatest_ms.saturating_sub(rule.out_of_orderness_ms);
            let counts = !rule.is_future(*time_ms, *ingested_ms);
            greatest_ms = greatest_ms.max(if counts { *time_ms } else { i64::MIN });
            (*time_ms, before_ms)
        })
    }
}

impl ReadLog for Log {
    fn head(&self) -> Offset {
        Log::head(self)
    }

    fn extract(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable> {
        Ok((extractor.extract(scratch, range, self.read(range)), None))
    }

    fn times(&self, range: Range) -> Result<Times, Unreadable> {
        let (times_ms, ingested_ms) =
            self.read(range).map(|event| (event.time_ms, event.ingested_ms)).unzip();
        let greatest_before_ms = self.greatest_before(range.from.0);
        Ok(Times { times_ms, ingested_ms, greatest_before_ms, rule: self.stream.rule() })
    }

    fn digest(&self, range: Range, with_ingested: bool) -> Result<Digest, Unreadable> {
        Ok(Log::digest(self, range, with_ingested))
    }
}
