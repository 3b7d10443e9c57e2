//! Times as milliseconds UTC: read from text by RFC 3339 or a stated format, read from epoch
//! numbers in a stated unit, printed as RFC 3339. Also durations and sizes as people write them.
//! Knows nothing of events, and has no clock.

mod amount;
mod number;
mod rfc3339;

pub use amount::{format_bytes, format_duration_ms, parse_bytes, parse_duration_ms};
pub use rfc3339::{Rfc3339, parse_rfc3339};

use chrono::format::{Item, Parsed, StrftimeItems};
use std::fmt;
use std::str::FromStr;

/// Why something is not a time, a duration or a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("not a time of RFC 3339")]
    NotRfc3339,
    #[error("not a time of the format '{0}'")]
    NotOfFormat(String),
    #[error("the unit of this number is not known: state it with --time-unit s|ms|us|ns")]
    NoUnit,
    #[error("not a number of digits with an optional fraction")]
    NotANumber,
    #[error("a time out of range")]
    OutOfRange,
    #[error("'{0}' is not a unit of time: use s, ms, us or ns")]
    Unit(String),
    #[error("'{0}' is not a time format: use the directives of strftime, such as %Y-%m-%d %H:%M:%S")]
    Format(String),
    #[error("'{0}' is not a duration: use a whole number and ms, s, m, h, d or w, such as 30s")]
    Duration(String),
    #[error("'{0}' is not a size: use a whole number and B, KiB, MiB, GiB or TiB, such as 64MiB")]
    Size(String),
}

/// What an epoch number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl FromStr for Unit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Unit, Error> {
        match text {
            "s" => Ok(Unit::Seconds),
            "ms" => Ok(Unit::Milliseconds),
            "us" => Ok(Unit::Microseconds),
            "ns" => Ok(Unit::Nanoseconds),
            _ => Err(Error::Unit(text.into())),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Seconds => "s",
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "us",
            Unit::Nanoseconds => "ns",
        })
    }
}

/// How the times of a stream are written: text by RFC 3339 unless a format is stated, numbers only
/// if their unit is stated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimeRule {
    format: Option<Format>,
    unit: Option<Unit>,
}

#[derive(Clone, Debug, PartialEq)]
struct Format {
    text: String,
    items: Vec<Item<'static>>,
}

impl TimeRule {
    /// Text by RFC 3339, and no numbers.
    pub const DEFAULT: TimeRule = TimeRule { format: None, unit: None };

    /// `format` has the directives of strftime as the crate chrono reads them.
    pub fn new(format: Option<&str>, unit: Option<Unit>) -> Result<TimeRule, Error> {
        let format = format.map(Format::new).transpose()?;
        Ok(TimeRule { format, unit })
    }

    pub fn format(&self) -> Option<&str> {
        self.format.as_ref().map(|format| format.text.as_str())
    }

    pub fn unit(&self) -> Option<Unit> {
        self.unit
    }

    /// Milliseconds UTC; finer than that is floored, and a text without a zone is UTC.
    pub fn parse_text(&self, text: &[u8]) -> Result<i64, Error> {
        match &self.format {
            None => parse_rfc3339(text).ok_or(Error::NotRfc3339),
            Some(format) => format.parse(text),
        }
    }

    /// Milliseconds UTC from the characters of a number, exact and floored: `-?digits[.digits]`.
    pub fn parse_number(&self, text: &[u8]) -> Result<i64, Error> {
        number::epoch_ms(text, self.unit.ok_or(Error::NoUnit)?)
    }

    /// [`TimeRule::parse_number`] of a whole number.
    pub fn from_integer(&self, number: i64) -> Result<i64, Error> {
        match self.unit.ok_or(Error::NoUnit)? {
            Unit::Seconds => number.checked_mul(1000).ok_or(Error::OutOfRange),
            Unit::Milliseconds => Ok(number),
            Unit::Microseconds => Ok(number.div_euclid(1000)),
            Unit::Nanoseconds => Ok(number.div_euclid(1_000_000)),
        }
    }

    /// A time from a text that may as well be a number, as in a CSV row: a stated format decides,
    /// else whether it is written as a number.
    pub fn parse_either(&self, text: &[u8]) -> Result<i64, Error> {
        if self.format.is_none() && number::is_number(text) {
            self.parse_number(text)
        } else {
            self.parse_text(text)
        }
    }
}

impl Format {
    fn new(text: &str) -> Result<Format, Error> {
        let items = StrftimeItems::new(text).parse_to_owned().map_err(|_| Error::Format(text.into()))?;
        Ok(Format { text: text.into(), items })
    }

    fn parse(&self, text: &[u8]) -> Result<i64, Error> {
        self.moment(text).ok_or_else(|| Error::NotOfFormat(self.text.clone()))
    }

    fn moment(&self, text: &[u8]) -> Option<i64> {
        let mut parsed = Parsed::new();
        chrono::format::parse(&mut parsed, std::str::from_utf8(text).ok()?, self.items.iter()).ok()?;
        let offset_s = parsed.offset().unwrap_or(0);
        // A format without minutes means the full hour, one without any time of day midnight.
        if parsed.hour_mod_12().is_some() && parsed.minute().is_none() {
            parsed.set_minute(0).ok()?;
        }
        let local = match parsed.to_naive_datetime_with_offset(offset_s) {
            Ok(local) => local,
            Err(_) if parsed.hour_mod_12().is_none() && parsed.minute().is_none() => {
                parsed.to_naive_date().ok()?.and_time(chrono::NaiveTime::MIN)
            }
            Err(_) => return None,
        };
        // A leap second is kept by chrono as a nanosecond part above one second.
        Some(local.and_utc().timestamp_millis() - i64::from(offset_s) * 1000)
    }
}

/// The first moment of 1990, UTC.
const PLAUSIBLE_FROM_MS: i64 = 631_152_000_000;
/// The first moment of 2100, UTC.
const PLAUSIBLE_TO_MS: i64 = 4_102_444_800_000;

/// Whether an event may have this time without being asked for: from 1990 until before 2100. A
/// number read in the wrong unit hardly ever falls in between.
pub fn is_plausible(ms: i64) -> bool {
    (PLAUSIBLE_FROM_MS..PLAUSIBLE_TO_MS).contains(&ms)
}
