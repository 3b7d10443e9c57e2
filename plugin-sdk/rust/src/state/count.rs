//! How many.

use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// A number of things: `count.add(1)`. Order-free; 8 bytes; presents as an integer, 0 at first.
///
/// It stays at 2^64 - 1 rather than wrap; already beyond 2^63 - 1 it is out of range of its column,
/// so no wrong number is ever shown. (Saturating addition of unsigned numbers is associative.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(u64);

impl Count {
    #[inline]
    pub fn add(&mut self, n: u64) {
        self.0 = self.0.saturating_add(n);
    }

    #[inline]
    pub fn get(&self) -> u64 {
        self.0
    }
}

impl Codec for Count {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        u64::decode(input).map(Self)
    }
}

impl State for Count {
    const ORDER_FREE: bool = true;

    #[inline]
    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        self.add(right.0);
        Ok(())
    }
}

impl Present for Count {
    const KIND: Kind = Kind::Integer;

    fn present(&self) -> Result<Datum, OutOfRange> {
        i64::try_from(self.0).map(Datum::Integer).map_err(|_| OutOfRange::new(self.0, Kind::Integer))
    }
}
