//! What either executor makes of a range of a log: cells, verdicts and the counts that let a
//! reader check that no event went missing. Owns what both halves share; decides nothing.

use crate::calls::{self, Calls, Outcome};
use crate::description::Window;
use crate::extract::{Extractor, Rejected, Scratch};
use crate::log::{ReadLog, Times, Unreadable};
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

/// Folds one chunk; the verdicts of extraction and of the transform become one list.
pub fn fold(job: &Job<'_>, scratch: &mut Scratch, range: Range) -> Result<FoldedChunk, Error> {
    let (chunk, times) = job.log.extract(job.extractor, scratch, range)?;
    let mut outcome = job.calls.fold(&chunk)?;
    let mut rejected = chunk.rejected;
    rejected.append(&mut outcome.rejected);
    rejected.sort_by_key(|event| event.offset);
    let late = match job.calls.description().window {
        Some(window) => {
            let times = times.map_or_else(|| job.log.times(range), Ok)?;
            let folded = |offset| {
                let is_rejected = rejected.binary_search_by_key(&offset, |event| event.offset).is_ok();
                chunk.offsets.binary_search(&offset).is_ok() && !is_rejected
            };
            (range.from.0..)
                .zip(lateness(&times, window, job.lateness_ms))
                .filter(|(offset, is_late)| *is_late && folded(*offset))
                .count() as u64
        }
        None => 0,
    };
    let lost = job.log.lost(range);
    Ok(FoldedChunk { range, outcome, rejected, ignored: chunk.ignored, late, lost })
}

/// Whether each event has a window that was closed before it.
fn lateness(times: &Times, window: Window, lateness_ms: i64) -> impl Iterator<Item = bool> {
    // The first window to close that holds the event: of hopping ones the earliest.
    let closes_ms = move |time_ms: i64| {
        let slide = time_ms.div_euclid(window.slide_ms) * window.slide_ms;
        slide.saturating_add(window.slide_ms).saturating_add(lateness_ms)
    };
    times.with_watermark().map(move |(time_ms, watermark_ms)| {
        // A window closes after all of its events: nearly all need no division.
        let may_be = |watermark_ms| time_ms.checked_add(lateness_ms).is_none_or(|ms| ms < watermark_ms);
        watermark_ms.is_some_and(|watermark_ms| may_be(watermark_ms) && closes_ms(time_ms) <= watermark_ms)
    })
}
