//! Counts over a range of a log, that let a reader check that no event went missing.

/// How many counts there are.
pub const COUNTS: usize = 8;

/// Counts over a range. Conservation: `folded + rejected + ignored + lost` is the range's number
/// of offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub folded: u64,
    pub rejected: u64,
    pub ignored: u64,
    /// Folded events with a window that was closed in the prefix before them.
    pub late: u64,
    pub fuel: u64,
    /// Calls of several rows that failed and were made again as halves.
    pub splits: u64,
    /// Chunks or micro-batches.
    pub chunks: u64,
    /// Offsets whose events the log has lost.
    pub lost: u64,
}

impl Tally {
    /// These counts, always in the same order.
    pub fn counts(self) -> [u64; COUNTS] {
        let Tally { folded, rejected, ignored, late, fuel, splits, chunks, lost } = self;
        [folded, rejected, ignored, late, fuel, splits, chunks, lost]
    }

    pub fn of_counts([folded, rejected, ignored, late, fuel, splits, chunks, lost]: [u64; COUNTS]) -> Tally {
        Tally { folded, rejected, ignored, late, fuel, splits, chunks, lost }
    }

    /// The counts of both ranges.
    pub fn plus(self, other: Tally) -> Tally {
        let mut counts = self.counts();
        counts.iter_mut().zip(other.counts()).for_each(|(sum, count)| *sum = sum.saturating_add(count));
        Tally::of_counts(counts)
    }
}
