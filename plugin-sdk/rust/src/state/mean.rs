//! Exact means.

use std::fmt;

use super::sum::nearest;
use super::{Addend, Codec, Count, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State, Sum};

/// The mean of integers or decimals: `mean.add(flight.delay)`. Order-free; 24 bytes: the exact
/// [`Sum`] and a [`Count`]; presents as a float, null if nothing was added.
///
/// What it shows is the double nearest to the exact quotient (ties to even). While the sum, in units
/// of 10^-N for decimals, and the count x 10^N are at most 2^53, that is what IEEE 754 division of
/// the two doubles gives, so for integers it equals `double(sum) / double(count)`, as SQL engines
/// compute it.
pub struct Mean<T> {
    sum: Sum<T>,
    count: Count,
}

impl<T: Addend> Mean<T> {
    #[inline]
    pub fn add(&mut self, value: T) {
        self.sum.add(value);
        self.count.add(1);
    }

    /// `None` if nothing was added.
    pub fn get(&self) -> Option<f64> {
        // At most 2^64 x 10^18, below 2^124.
        let units_each = u128::from(self.count.get()) * u128::from(T::SCALE.unsigned_abs());
        (units_each > 0).then(|| nearest(self.sum.units(), units_each))
    }

    #[inline]
    pub fn sum(&self) -> Sum<T> {
        self.sum
    }

    #[inline]
    pub fn count(&self) -> u64 {
        self.count.get()
    }
}

impl<T> Clone for Mean<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Mean<T> {}

impl<T> Default for Mean<T> {
    #[inline]
    fn default() -> Self {
        Self { sum: Sum::default(), count: Count::default() }
    }
}

impl<T> fmt::Debug for Mean<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mean").field("sum", &self.sum).field("count", &self.count).finish()
    }
}

impl<T: Addend> Codec for Mean<T> {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        self.sum.encode(out);
        self.count.encode(out);
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mean = Self { sum: Sum::decode(input)?, count: Count::decode(input)? };
        if mean.count.get() == 0 && mean.sum.units() != 0 {
            return Err(DecodeError::Malformed("a mean of nothing with a sum"));
        }
        Ok(mean)
    }
}

impl<T: Addend> State for Mean<T> {
    const ORDER_FREE: bool = true;

    #[inline]
    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        self.sum.merge(right.sum)?;
        self.count.merge(right.count)
    }
}

impl<T: Addend> Present for Mean<T> {
    const KIND: Kind = Kind::Float;

    fn present(&self) -> Result<Datum, OutOfRange> {
        Ok(self.get().map_or(Datum::Absent, Datum::Float))
    }
}
