//! Points in time.

use std::cmp::Ordering;
use std::fmt;

use super::{Codec, Datum, DecodeError, Kind, OutOfRange, Value};

/// Milliseconds since 1970-01-01T00:00Z, without leap seconds, as the contract has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl From<i64> for Timestamp {
    /// Milliseconds UTC.
    fn from(ms: i64) -> Self {
        Self(ms)
    }
}

/// RFC 3339 with Z, milliseconds only if they are not 0: `2001-01-03T13:05:00Z`. Years beyond four
/// digits, which RFC 3339 lacks, have as many as they need.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY_MS: i64 = 86_400_000;
        let (year, month, day) = civil(self.0.div_euclid(DAY_MS));
        let ms = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match ms % 1000 {
            0 => f.write_str("Z"),
            ms => write!(f, ".{ms:03}Z"),
        }
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

impl Codec for Timestamp {
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    #[inline]
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        i64::decode(input).map(Self)
    }
}

impl Value for Timestamp {
    type Ref<'a> = Self;
    const KIND: Kind = Kind::Timestamp;

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
