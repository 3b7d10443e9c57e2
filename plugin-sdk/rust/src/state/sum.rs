//! Exact sums of integers and decimals, and exact means of them.

use std::fmt;
use std::marker::PhantomData;

use crate::value::Decimal;

use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// What [`Sum`] and [`Mean`](super::Mean) add up: integers of up to 64 bits, [`Decimal`].
pub trait Addend: Copy {
    /// The column of a sum.
    const KIND: Kind;
    /// How many units make one: 10^N for decimals.
    const SCALE: i64;

    fn units(self) -> i128;

    /// `None` if the sum does not fit the type.
    fn from_units(units: i128) -> Option<Self>;
}

macro_rules! addend {
    ($($integer:ty)*) => {$(
        impl Addend for $integer {
            const KIND: Kind = Kind::Integer;
            const SCALE: i64 = 1;

            #[inline]
            fn units(self) -> i128 {
                self.into()
            }

            fn from_units(units: i128) -> Option<Self> {
                units.try_into().ok()
            }
        }
    )*};
}

addend!(u8 u16 u32 u64 i8 i16 i32 i64);

impl<const N: u8> Addend for Decimal<N> {
    const KIND: Kind = Kind::Decimal(N);
    const SCALE: i64 = Self::SCALE;

    #[inline]
    fn units(self) -> i128 {
        self.0.into()
    }

    fn from_units(units: i128) -> Option<Self> {
        units.try_into().ok().map(Self)
    }
}

/// The exact sum of integers or decimals: `sum.add(order.amount)`. Order-free; 16 bytes; presents
/// in the kind of what it adds, 0 at first.
///
/// It holds 128 bits: each addend is below 2^64, so to overflow it takes 2^63 of them, more than an
/// offset can count. (Should it come to that it wraps, which is still associative.) A sum that does
/// not fit the 64 bits of its column is out of range when it is presented, never when it is added
/// to: what is added later may bring it back.
pub struct Sum<T> {
    /// The lower and the upper half: an `i128` would be aligned to 16 bytes and, with the parts beside
    /// it, make a cell larger than the 64 bytes of a cache line.
    low: u64,
    high: i64,
    of: PhantomData<T>,
}

impl<T> Sum<T> {
    #[inline]
    fn of_units(units: i128) -> Self {
        Self { low: units as u64, high: (units >> 64) as i64, of: PhantomData }
    }

    /// The sum, exactly, in units (of 10^-N for decimals).
    #[inline]
    pub fn units(&self) -> i128 {
        i128::from(self.high) << 64 | i128::from(self.low)
    }
}

impl<T: Addend> Sum<T> {
    #[inline]
    pub fn add(&mut self, value: T) {
        *self = Self::of_units(self.units().wrapping_add(value.units()));
    }

    /// Takes back what was added: the image of a row before it changed.
    #[inline]
    pub fn subtract(&mut self, value: T) {
        *self = Self::of_units(self.units().wrapping_sub(value.units()));
    }

    /// The sum, if it fits the type of its addends.
    pub fn get(&self) -> Option<T> {
        T::from_units(self.units())
    }
}

impl<T> Clone for Sum<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Sum<T> {}

impl<T> Default for Sum<T> {
    #[inline]
    fn default() -> Self {
        Self::of_units(0)
    }
}

impl<T> PartialEq for Sum<T> {
    fn eq(&self, other: &Self) -> bool {
        self.units() == other.units()
    }
}

impl<T> Eq for Sum<T> {}

impl<T> fmt::Debug for Sum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sum").field(&self.units()).finish()
    }
}

impl<T> Codec for Sum<T> {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        self.units().encode(out);
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        i128::decode(input).map(Self::of_units)
    }
}

impl<T: Addend> State for Sum<T> {
    const ORDER_FREE: bool = true;

    #[inline]
    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        *self = Self::of_units(self.units().wrapping_add(right.units()));
        Ok(())
    }
}

impl<T: Addend> Present for Sum<T> {
    const KIND: Kind = T::KIND;

    fn present(&self) -> Result<Datum, OutOfRange> {
        let units = i64::try_from(self.units());
        units.map(Datum::Integer).map_err(|_| out_of_range(self.units(), T::KIND))
    }
}

#[cold]
fn out_of_range(units: i128, kind: Kind) -> OutOfRange {
    let digits = if let Kind::Decimal(digits) = kind { digits } else { 0 };
    let mut value = String::new();
    // Writing to a string cannot fail.
    let _ = crate::value::write_decimal(units, digits, &mut value);
    OutOfRange { value, kind }
}

/// The double nearest to `numerator / denominator`, ties to even: one rounding of the exact
/// quotient. The denominator is not 0 and below 2^127.
///
/// Where both are below 2^53 they are doubles themselves and IEEE 754 division is that rounding.
/// Beyond, long division makes at least 64 bits of the quotient, and a remainder sets the last of
/// them: far below the 53 that count, it only decides ties.
pub(crate) fn nearest(numerator: i128, denominator: u128) -> f64 {
    const EXACT: u128 = 1 << 53;
    let magnitude = numerator.unsigned_abs();
    if magnitude <= EXACT && denominator <= EXACT {
        return numerator as f64 / denominator as f64;
    }
    let mut quotient = magnitude / denominator;
    let mut rest = magnitude % denominator;
    let mut scale = 1.0;
    while quotient < 1 << 63 && rest != 0 {
        rest <<= 1;
        quotient <<= 1;
        if rest >= denominator {
            rest -= denominator;
            quotient |= 1;
        }
        // A power of two, at the least 2^-190: exact, and so is the product with it.
        scale *= 0.5;
    }
    let rounded = (quotient | u128::from(rest != 0)) as f64 * scale;
    if numerator < 0 { -rounded } else { rounded }
}
