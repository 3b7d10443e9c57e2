//! Places in a log: offsets and half-open ranges of them.

use std::fmt;

/// The place of one event in its stream: dense, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    pub const ZERO: Offset = Offset(0);

    /// The offset `count` events further on.
    pub fn plus(self, count: u64) -> Offset {
        Offset(self.0.saturating_add(count))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The events `[from, to)`. Never reversed: `from <= to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    pub from: Offset,
    pub to: Offset,
}

impl Range {
    /// `[from, to)`, or the empty range at `from` if `to` is before it.
    pub fn new(from: Offset, to: Offset) -> Range {
        Range { from, to: to.max(from) }
    }

    pub fn count(self) -> u64 {
        self.to.0 - self.from.0
    }

    pub fn is_empty(self) -> bool {
        self.from == self.to
    }

    /// Consecutive ranges that make up this one, cut at multiples of `events`, so that whoever keeps
    /// something by such stretches finds it whole; none if it is empty.
    pub fn chunks(self, events: u64) -> impl Iterator<Item = Range> {
        let step = events.max(1);
        let first = self.from.0 / step;
        (first..self.to.0.div_ceil(step)).filter_map(move |i| {
            let from = self.from.max(Offset(i.saturating_mul(step)));
            let to = self.to.min(Offset(i.saturating_add(1).saturating_mul(step)));
            (from < to).then(|| Range::new(from, to))
        })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.from, self.to)
    }
}
