//! What either executor makes of a range of a log: cells, verdicts and the counts that let a
//! reader check that no event went missing. Owns what both halves share; decides nothing.

use crate::calls::{self, Calls, Outcome};
use crate::description::Window;
use crate::extract::{Extracted, Extractor, Rejected, Scratch};
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
    let (mut chunk, times) = job.log.extract(job.extractor, scratch, range)?;
    let mut outcome = job.calls.fold(&chunk)?;
    let mut rejected = std::mem::take(&mut chunk.rejected);
    rejected.append(&mut outcome.rejected);
    rejected.sort_by_key(|event| event.offset);
    let late = match job.calls.description().window {
        Some(window) => {
            let times = times.map_or_else(|| job.log.times(range), Ok)?;
            late(&chunk, &rejected, &times, window, job.lateness_ms)
        }
        None => 0,
    };
    let lost = job.log.lost(range);
    Ok(FoldedChunk { range, outcome, rejected, ignored: chunk.ignored, late, lost })
}

/// How many of a chunk's events were folded and have a window that was closed before them.
fn late(chunk: &Extracted, rejected: &[Rejected], times: &Times, window: Window, lateness_ms: i64) -> u64 {
    let is_folded = |offset| {
        let is_rejected = rejected.binary_search_by_key(&offset, |event| event.offset).is_ok();
        chunk.offsets.binary_search(&offset).is_ok() && !is_rejected
    };
    // The first window to close that holds the event: of hopping ones the earliest.
    let closes_ms = |time_ms: i64| {
        let slide = time_ms.div_euclid(window.slide_ms) * window.slide_ms;
        slide.saturating_add(window.slide_ms).saturating_add(lateness_ms)
    };
    // A window closes after all of its events.
    let behind = times.behind(lateness_ms).into_iter();
    let late = behind.filter(|event| closes_ms(event.time_ms) <= event.watermark_ms);
    late.filter(|event| is_folded(chunk.range.from.0 + event.row as u64)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::WatermarkRule;
    use crate::offset::Offset;
    use crate::transform::Events;

    /// Late events as the words say it, one by one.
    fn straight(times: &Times, window: Window, lateness_ms: i64, is_folded: impl Fn(usize) -> bool) -> u64 {
        let mut greatest_ms = times.greatest_before_ms;
        let mut late = 0;
        for (row, (time_ms, ingested_ms)) in times.times_ms.iter().zip(&times.ingested_ms).enumerate() {
            let start_ms = time_ms.div_euclid(window.slide_ms) * window.slide_ms;
            let closed_at_ms = start_ms + window.slide_ms + lateness_ms;
            let watermark_ms = times.rule.watermark(greatest_ms);
            late += u64::from(is_folded(row) && watermark_ms.is_some_and(|ms| closed_at_ms <= ms));
            if !times.rule.is_future(*time_ms, *ingested_ms) {
                greatest_ms = greatest_ms.max(Some(*time_ms));
            }
        }
        late
    }

    #[test]
    fn late_events_are_those_that_the_words_name() {
        let mut state = 7_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % bound
        };
        let window = Window { size_ms: 100, slide_ms: 50 };
        let mut found = 0;
        for round in 0..4_000 {
            let rule = WatermarkRule {
                out_of_orderness_ms: [0, 40][round % 2],
                max_ahead_ms: [5, 1_000, i64::MAX][round / 2 % 3],
            };
            let spread = [1, 30, 400][round / 6 % 3];
            let times_ms: Vec<i64> = (0..20).map(|i| i * 10 - below(spread) as i64).collect();
            let ingested_ms = times_ms.iter().map(|time_ms| time_ms + below(20) as i64 - 10).collect();
            let greatest_before_ms = (round % 4 > 0).then(|| below(200) as i64 - 100);
            let times = Times { times_ms, ingested_ms, greatest_before_ms, rule };
            // One event in five is ignored, one in seven rejected.
            let range = Range::new(Offset(100), Offset(120));
            let offsets = (100..120).filter(|offset| offset % 5 != 0).collect();
            let chunk =
                Extracted { range, offsets, events: Events::default(), rejected: Vec::new(), ignored: 0 };
            let rejected = (100..120).filter(|offset| offset % 7 == 0);
            let rejected: Vec<Rejected> =
                rejected.map(|offset| Rejected { offset, reason: String::new() }).collect();
            let is_folded = |row: usize| !(100 + row).is_multiple_of(5) && !(100 + row).is_multiple_of(7);
            for lateness_ms in [0, 60] {
                let expected = straight(&times, window, lateness_ms, is_folded);
                assert_eq!(late(&chunk, &rejected, &times, window, lateness_ms), expected, "{times:?}");
                found += expected;
            }
        }
        assert!(found > 1_000, "{found}");
    }
}
