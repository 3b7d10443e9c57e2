//! When the newest events came in: what a query must know of an event that it lacks, thousands of times a
//! second, and would otherwise unpack a block for.

use std::collections::VecDeque;

/// Entries that are kept: of so many milliseconds at least, since events of one have one entry together.
const KEPT: usize = 8_192;

/// From which offset on events came in at which time, ascending; without a gap up to the head.
#[derive(Debug, Default)]
pub struct Ingested(VecDeque<(u64, i64)>);

impl Ingested {
    /// Takes in what a commit brings, whose first offset is the head.
    pub fn extend(&mut self, entries: Vec<(u64, i64)>) {
        let last_ms = self.0.back().map(|(_, ms)| *ms);
        let goes_on = entries.first().is_some_and(|(_, ms)| Some(*ms) == last_ms);
        self.0.extend(entries.into_iter().skip(usize::from(goes_on)));
        let beyond = self.0.len().saturating_sub(KEPT);
        self.0.drain(..beyond);
    }

    /// Milliseconds UTC, for an offset below the head; None if it lies before what is kept.
    pub fn of(&self, offset: u64) -> Option<i64> {
        let place = self.0.partition_point(|(first, _)| *first <= offset);
        self.0.get(place.checked_sub(1)?).map(|(_, ms)| *ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_known_and_the_oldest_forgotten() {
        let mut ingested = Ingested::default();
        assert_eq!(ingested.of(3), None);
        ingested.extend(vec![(10, 5), (12, 6)]);
        ingested.extend(vec![(14, 6)]);
        assert_eq!(ingested.0.len(), 2, "the last one goes on");
        assert_eq!(
            [9, 10, 11, 12, 99].map(|offset| ingested.of(offset)),
            [None, Some(5), Some(5), Some(6), Some(6)]
        );
        ingested.extend((0..KEPT as u64).map(|i| (100 + i, 1_000 + i as i64)).collect());
        assert_eq!(
            [12, 99, 100, 101].map(|offset| ingested.of(offset)),
            [None, None, Some(1_000), Some(1_001)]
        );
    }
}
