//! Exact decimal numbers with a fixed number of digits after the point.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Neg, Sub};
use std::str::FromStr;

use super::{Codec, Datum, DecodeError, Kind, OutOfRange, Value};

/// An exact decimal number with `N` digits after the point, 0 to 18: the integer *value x 10^N* in
/// 64 bits. `Decimal::<2>(118_250)` is 1182.50; the range for two digits is about +-92 quadrillion.
///
/// `+`, `-` and unary `-` panic when the result does not fit, which rejects the event at hand and no
/// other; `checked_add`, `checked_sub` and `checked_mul` return `None` instead. Sums over events do
/// not overflow: [`Sum`](crate::state::Sum) holds 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal<const N: u8>(pub i64);

/// A text that is not a decimal number of so many digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not an optional minus, digits, and optionally a point and digits (an exponent is refused).
    Malformed,
    /// A digit other than 0 stands after the last one that counts.
    Inexact,
    /// More than 64 bits.
    TooLarge,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecimalError::Malformed => "not a decimal number",
            DecimalError::Inexact => "more digits after the point than the decimal holds",
            DecimalError::TooLarge => "does not fit a decimal of 64 bits",
        })
    }
}

impl std::error::Error for DecimalError {}

impl<const N: u8> Decimal<N> {
    pub const ZERO: Self = Self(0);
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    /// 10^N. Reading it is what refuses an `N` above 18, when the plugin is compiled.
    pub const SCALE: i64 = {
        assert!(N <= 18, "a decimal has at most 18 digits after the point");
        10_i64.pow(N as u32)
    };

    /// Sign, whole part and fraction in units of 10^-N: `from_parts(true, 3, 50)` is -3.50 for two
    /// digits. `None` if the fraction has more than `N` digits or the number more than 64 bits.
    pub const fn from_parts(negative: bool, whole: u64, fraction: u64) -> Option<Self> {
        if fraction >= Self::SCALE as u64 {
            return None;
        }
        // At most 2^64 x 10^18 + 10^18: below 2^127.
        let magnitude = whole as i128 * Self::SCALE as i128 + fraction as i128;
        let units = if negative { -magnitude } else { magnitude };
        if units < i64::MIN as i128 || units > i64::MAX as i128 { None } else { Some(Self(units as i64)) }
    }

    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// Times an integer: price x quantity.
    pub const fn checked_mul(self, by: i64) -> Option<Self> {
        match self.0.checked_mul(by) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }

    /// The nearest double, ties to even.
    pub fn to_f64(self) -> f64 {
        crate::state::nearest(i128::from(self.0), Self::SCALE as u128)
    }
}

impl<const N: u8> Add for Decimal<N> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.checked_add(other).expect("decimal overflow: the sum does not fit 64 bits")
    }
}

impl<const N: u8> Sub for Decimal<N> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.checked_sub(other).expect("decimal overflow: the difference does not fit 64 bits")
    }
}

impl<const N: u8> Neg for Decimal<N> {
    type Output = Self;

    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

/// All digits: `1182.50`, `-0.05`, and no point if `N` is 0.
impl<const N: u8> fmt::Display for Decimal<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(self.0.into(), N, f)
    }
}

pub(crate) fn write_decimal(units: i128, digits: u8, out: &mut impl fmt::Write) -> fmt::Result {
    let scale = 10_u128.pow(digits.into());
    let magnitude = units.unsigned_abs();
    let sign = if units < 0 { "-" } else { "" };
    write!(out, "{sign}{}", magnitude / scale)?;
    if digits > 0 {
        write!(out, ".{:0width$}", magnitude % scale, width = usize::from(digits))?;
    }
    Ok(())
}

/// The rule by which the host extracts decimals: read from the characters, never through a float.
impl<const N: u8> FromStr for Decimal<N> {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        if !is_number(whole) || !is_number(fraction) {
            return Err(DecimalError::Malformed);
        }
        let (counted, beyond) = fraction.split_at(fraction.len().min(N.into()));
        if beyond.bytes().any(|byte| byte != b'0') {
            return Err(DecimalError::Inexact);
        }
        let whole = whole.parse::<u64>().map_err(|_| DecimalError::TooLarge)?;
        let padding = 10_u64.pow(u32::from(N) - counted.len() as u32);
        // At most 18 digits, so neither the number nor its padded form exceeds 64 bits.
        let fraction = counted.bytes().fold(0, |units, byte| units * 10 + u64::from(byte - b'0')) * padding;
        Self::from_parts(negative, whole, fraction).ok_or(DecimalError::TooLarge)
    }
}

impl<const N: u8> Codec for Decimal<N> {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        i64::decode(input).map(Self)
    }
}

impl<const N: u8> Value for Decimal<N> {
    type Ref<'a> = Self;
    const KIND: Kind = {
        assert!(N <= 18, "a decimal has at most 18 digits after the point");
        Kind::Decimal(N)
    };

    #[inline]
    fn lend(&self) -> Self {
        *self
    }

    #[inline]
    fn own(of: Self) -> Self {
        of
    }

    #[inline]
    fn compare(a: Self, b: Self) -> Ordering {
        a.cmp(&b)
    }

    fn datum(of: Self) -> Result<Datum, OutOfRange> {
        Ok(Datum::Integer(of.0))
    }
}
