//! What either executor makes of a range of a log: cells, verdicts and the counts that let a
//! reader check that no event went missing. Owns what both halves share; decides nothing.

use crate::calls::{self, Calls, Outcome};
use crate::extract::{Extracted, Extractor, Rejected};
use crate::log::{ReadLog, Unreadable};
use crate::offset::Range;
use crate::store;
use crate::table::{self, Below, Left, Table};

pub use crate::tally::Tally;

/// Why a range could not be folded: ours, never a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Call(#[from] calls::Error),
    #[error(transparent)]
    Log(#[from] Unreadable),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<table::Error> for Error {
    fn from(error: table::Error) -> Error {
        match error {
            table::Error::Call(error) => Error::Call(error),
            table::Error::Store(error) => Error::Store(error),
        }
    }
}

/// A transform over a log: what both executors are given.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub calls: &'a Calls,
    pub log: &'a dyn ReadLog,
    pub extractor: &'a Extractor,
    /// How long after its end a window stays open.
    pub lateness_ms: i64,
}

impl<'a> Job<'a> {
    /// States are whole, not deltas: the transform has an initial state.
    pub fn is_whole(&self) -> bool {
        self.calls.description().initial.is_some()
    }

    /// What the first state of a cell is merged onto.
    pub fn left<'b>(&'b self, below: Option<&'b dyn Below>) -> Left<'b> {
        match &self.calls.description().initial {
            Some(initial) => Left::Whole { below, initial },
            None => Left::Nothing,
        }
    }
}

/// Cells and verdicts over a range.
#[derive(Clone, Debug)]
pub struct Half {
    pub range: Range,
    pub table: Table,
    /// By extraction or by the transform; ascending.
    pub rejected: Vec<Rejected>,
    pub tally: Tally,
}

/// A chunk that has been folded, on its way to the table.
pub struct FoldedChunk {
    pub range: Range,
    pub outcome: Outcome,
    /// By extraction or by the transform; ascending.
    pub rejected: Vec<Rejected>,
    ignored: u64,
    late: u64,
    lost: u64,
}

impl FoldedChunk {
    pub fn tally(&self) -> Tally {
        Tally {
            folded: self.outcome.folded,
            rejected: self.rejected.len() as u64,
            ignored: self.ignored,
            late: self.late,
            fuel: self.outcome.fuel,
            splits: self.outcome.splits,
            chunks: 1,
            lost: self.lost,
        }
    }
}

impl Half {
    pub fn new(range: Range) -> Half {
        Half { range, table: Table::default(), rejected: Vec::new(), tally: Tally::default() }
    }

    /// Merges a chunk to the right of what is here.
    pub fn absorb(&mut self, calls: &Calls, chunk: FoldedChunk, left: &Left<'_>) -> Result<(), table::Error> {
        for part in &chunk.outcome.parts {
            self.table.absorb(calls, part, left)?;
        }
        self.tally = self.tally.plus(chunk.tally());
        self.rejected.extend(chunk.rejected);
        Ok(())
    }
}

/// Folds one extracted chunk; the verdicts of extraction and of the transform become one list.
pub fn fold(job: &Job<'_>, chunk: Extracted) -> Result<FoldedChunk, Error> {
    let mut outcome = job.calls.fold(&chunk)?;
    let mut rejected = chunk.rejected;
    rejected.append(&mut outcome.rejected);
    rejected.sort_by_key(|event| event.offset);
    let late = late(job, chunk.range, &chunk.offsets, &rejected)?;
    let lost = job.log.lost(chunk.range);
    Ok(FoldedChunk { range: chunk.range, outcome, rejected, ignored: chunk.ignored, late, lost })
}

/// Folded events of `range` with a window that was closed before them. `offsets` were extracted.
fn late(job: &Job<'_>, range: Range, offsets: &[u64], rejected: &[Rejected]) -> Result<u64, Unreadable> {
    let Some(window) = job.calls.description().window else { return Ok(0) };
    // The first window to close that holds the event: of hopping ones the earliest.
    let closes_ms = |time_ms: i64| {
        let slide = time_ms.div_euclid(window.slide_ms) * window.slide_ms;
        slide.saturating_add(window.slide_ms).saturating_add(job.lateness_ms)
    };
    let times = job.log.times(range)?;
    let none_closed = |(least_ms, watermark_ms)| closes_ms(least_ms) > watermark_ms;
    if times.bounds().is_none_or(none_closed) {
        return Ok(0);
    }
    let mut folded = offsets
        .iter()
        .filter(|offset| rejected.binary_search_by_key(*offset, |event| event.offset).is_err())
        .peekable();
    let mut count = 0;
    for (offset, (time_ms, watermark_ms)) in (range.from.0..).zip(times.with_watermark()) {
        if folded.next_if_eq(&&offset).is_some() {
            count += u64::from(watermark_ms.is_some_and(|watermark_ms| closes_ms(time_ms) <= watermark_ms));
        }
    }
    Ok(count)
}
