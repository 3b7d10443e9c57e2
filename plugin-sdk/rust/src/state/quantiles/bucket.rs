//! Which bucket a number is in, and which numbers are in a bucket. The formula is the docstring of
//! [`Quantiles`](super::Quantiles).

use crate::value::{Datum, Decimal, Kind, one_nan};

/// What [`Quantiles`](super::Quantiles) measure. Sealed: the formula is part of their bytes.
pub trait Measure: Copy + sealed::Sealed {
    /// The column of a quantile.
    const KIND: Kind;

    /// The bucket of this number, `bits` bits of the mantissa wide.
    fn bucket(self, bits: u32) -> i32;

    /// Whether any number is in the bucket.
    fn has(bucket: i32, bits: u32) -> bool;

    /// The least and the greatest number in a bucket that [has](Measure::has) some.
    fn bounds(bucket: i32, bits: u32) -> (Self, Self);

    /// The number that stands for all in the bucket.
    fn middle(bucket: i32, bits: u32) -> Self;

    fn datum(self) -> Datum;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f64 {}
    impl Sealed for i64 {}
    impl<const N: u8> Sealed for super::Decimal<N> {}
}

const MANTISSA_BITS: u32 = 52;
const EXPONENT_MAX: u64 = 0x7ff;
const EXPONENT_OF_ONE: u32 = 1023;

/// `cut` with its sign, which 0 lacks: hence 1 up.
#[inline]
fn signed(cut: u64, negative: bool) -> i32 {
    // A cut has 11 + BITS bits, at most 27.
    let bucket = cut as i32 + 1;
    if negative { -bucket } else { bucket }
}

/// The cut of a bucket other than 0.
fn cut_of(bucket: i32) -> u64 {
    u64::from(bucket.unsigned_abs()) - 1
}

fn cut_of_infinity(bits: u32) -> u64 {
    EXPONENT_MAX << bits
}

impl Measure for f64 {
    const KIND: Kind = Kind::Float;

    #[inline]
    fn bucket(self, bits: u32) -> i32 {
        let value = one_nan(self);
        let magnitude = value.abs().to_bits();
        if magnitude == 0 { 0 } else { signed(magnitude >> (MANTISSA_BITS - bits), value.is_sign_negative()) }
    }

    fn has(bucket: i32, bits: u32) -> bool {
        bucket == 0 || cut_of(bucket) <= cut_of_infinity(bits) || bucket == f64::NAN.bucket(bits)
    }

    fn bounds(bucket: i32, bits: u32) -> (f64, f64) {
        if bucket == 0 {
            return (0.0, 0.0);
        }
        let cut = cut_of(bucket);
        if cut >= cut_of_infinity(bits) {
            let only = Self::middle(bucket, bits);
            return (only, only);
        }
        // The first bucket of all begins after 0, which has its own.
        let near = f64::from_bits((cut << (MANTISSA_BITS - bits)).max(1));
        let far = f64::from_bits(((cut + 1) << (MANTISSA_BITS - bits)) - 1);
        if bucket < 0 { (-far, -near) } else { (near, far) }
    }

    fn middle(bucket: i32, bits: u32) -> f64 {
        if bucket == 0 {
            return 0.0;
        }
        let cut = cut_of(bucket);
        if cut > cut_of_infinity(bits) {
            return one_nan(f64::NAN);
        }
        let is_infinite = cut == cut_of_infinity(bits);
        let half = if is_infinite { 0 } else { 1 << (MANTISSA_BITS - 1 - bits) };
        let magnitude = f64::from_bits(cut << (MANTISSA_BITS - bits) | half);
        if bucket < 0 { -magnitude } else { magnitude }
    }

    fn datum(self) -> Datum {
        Datum::Float(self)
    }
}

impl Measure for i64 {
    const KIND: Kind = Kind::Integer;

    #[inline]
    fn bucket(self, bits: u32) -> i32 {
        let magnitude = self.unsigned_abs();
        if magnitude == 0 {
            return 0;
        }
        let exponent = magnitude.ilog2();
        // The leading bit shifted out, the rest from the top on, as in the mantissa of a double.
        let mantissa = (magnitude << (63 - exponent) << 1) >> (64 - bits);
        signed(u64::from(exponent + EXPONENT_OF_ONE) << bits | mantissa, self < 0)
    }

    fn has(bucket: i32, bits: u32) -> bool {
        magnitudes(bucket, bits).is_some()
    }

    fn bounds(bucket: i32, bits: u32) -> (i64, i64) {
        let (near, far) = magnitudes(bucket, bits).unwrap_or_default();
        if bucket < 0 { (negative(far), negative(near)) } else { (near as i64, far as i64) }
    }

    fn middle(bucket: i32, bits: u32) -> i64 {
        let (near, far) = magnitudes(bucket, bits).unwrap_or_default();
        let magnitude = near + (far - near) / 2;
        if bucket < 0 { negative(magnitude) } else { magnitude as i64 }
    }

    fn datum(self) -> Datum {
        Datum::Integer(self)
    }
}

/// -2^63 has a magnitude that is no i64.
fn negative(magnitude: u64) -> i64 {
    0_i64.wrapping_sub_unsigned(magnitude)
}

/// The least and the greatest magnitude of the integers in a bucket; `None` if there are none.
fn magnitudes(bucket: i32, bits: u32) -> Option<(u64, u64)> {
    if bucket == 0 {
        return Some((0, 0));
    }
    let greatest = i64::MAX as u64 + u64::from(bucket < 0);
    let cut = cut_of(bucket);
    let exponent = u32::try_from(cut >> bits).ok()?.checked_sub(EXPONENT_OF_ONE)?;
    if exponent > 63 {
        return None;
    }
    // One with its mantissa, scaled by 2^(exponent - bits); below 2^80.
    let scaled = u128::from(1 << bits | cut & ((1 << bits) - 1)) << exponent;
    let (near, width) = (scaled >> bits, 1_u128 << exponent >> bits);
    let is_whole = near << bits == scaled;
    let near = u64::try_from(near).ok().filter(|near| is_whole && *near <= greatest)?;
    let far = u128::from(near) + width.max(1) - 1;
    Some((near, far.min(greatest.into()) as u64))
}

impl<const N: u8> Measure for Decimal<N> {
    const KIND: Kind = Kind::Decimal(N);

    #[inline]
    fn bucket(self, bits: u32) -> i32 {
        self.0.bucket(bits)
    }

    fn has(bucket: i32, bits: u32) -> bool {
        i64::has(bucket, bits)
    }

    fn bounds(bucket: i32, bits: u32) -> (Self, Self) {
        let (least, greatest) = i64::bounds(bucket, bits);
        (Self(least), Self(greatest))
    }

    fn middle(bucket: i32, bits: u32) -> Self {
        Self(i64::middle(bucket, bits))
    }

    fn datum(self) -> Datum {
        Datum::Integer(self.0)
    }
}
