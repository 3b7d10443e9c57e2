//! Longer windows than a view has: hours, days, weeks and months, by the clock of a time zone.

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::str::FromStr;

/// What windows are rolled up to.
#[derive(Clone, Debug)]
pub struct Grain {
    unit: Unit,
    zone: TimeZone,
    /// Of the view's windows.
    window_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Divides a day; counted from midnight.
    Milliseconds(i64),
    Days(i64),
    /// From Monday on.
    Week,
    Month,
}

const DAY_MS: i64 = 86_400_000;

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Unit, String> {
        let not = || {
            format!("'{text}' is no grain: use a duration that divides a day, such as 1h, or days, 1w or 1mo")
        };
        match text {
            "1mo" => return Ok(Unit::Month),
            "1w" => return Ok(Unit::Week),
            _ => {}
        }
        let ms = crate::time::parse_duration_ms(text).map_err(|_| not())?;
        if ms > 0 && ms % DAY_MS == 0 {
            return Ok(if ms == 7 * DAY_MS { Unit::Week } else { Unit::Days(ms / DAY_MS) });
        }
        if ms > 0 && DAY_MS % ms == 0 { Ok(Unit::Milliseconds(ms)) } else { Err(not()) }
    }
}

impl Grain {
    /// `window_ms`: of the view's windows, which must fit.
    pub fn new(text: &str, zone: TimeZone, window_ms: i64) -> Result<Grain, String> {
        let unit: Unit = text.parse()?;
        let fits = match unit {
            Unit::Milliseconds(ms) => ms % window_ms == 0,
            _ => DAY_MS % window_ms == 0,
        };
        if !fits {
            let window = crate::time::format_duration_ms(window_ms);
            return Err(format!("windows of {window} do not make up a grain of {text}; choose a multiple"));
        }
        Ok(Grain { unit, zone, window_ms })
    }

    /// Start and end of the stretch that a window lies in; an error if it lies in two.
    pub fn bucket(&self, window: i64) -> Result<(i64, i64), String> {
        let found = self.local(window).and_then(|local| {
            let (from, to) = self.unit.bounds(local).ok()?;
            Some((self.instant(from)?, self.instant(to)?))
        });
        let (from, to) =
            found.ok_or_else(|| "a window lies beyond the years that have a calendar".to_string())?;
        // Where clocks are set back an hour comes twice: both lie in the stretch that has the first.
        if window >= from && window + self.window_ms <= to {
            return Ok((from, to));
        }
        Err(format!(
            "windows of {} do not fit the clock of this time zone; choose another --tz",
            crate::time::format_duration_ms(self.window_ms)
        ))
    }

    fn local(&self, ms: i64) -> Option<DateTime> {
        Some(self.zone.to_datetime(Timestamp::from_millisecond(ms).ok()?))
    }

    fn instant(&self, local: DateTime) -> Option<i64> {
        Some(self.zone.to_timestamp(local).ok()?.as_millisecond())
    }

    /// The last window of the stretch that begins at `from`.
    pub fn last_window(&self, from: i64) -> i64 {
        self.bucket(from).map_or(from, |(_, to)| to - self.window_ms)
    }
}

impl Unit {
    fn bounds(self, local: DateTime) -> Result<(DateTime, DateTime), jiff::Error> {
        let date = local.date();
        match self {
            Unit::Milliseconds(ms) => {
                let midnight = date.to_datetime(jiff::civil::Time::midnight());
                let since = local.since(midnight)?.total(jiff::Unit::Millisecond)? as i64;
                let from = midnight.checked_add((since / ms * ms).milliseconds())?;
                Ok((from, from.checked_add(ms.milliseconds())?))
            }
            Unit::Days(days) => {
                let epoch = jiff::civil::date(1970, 1, 1);
                let since = i64::from(date.since((jiff::Unit::Day, epoch))?.get_days());
                let from = epoch.checked_add((since.div_euclid(days) * days).days())?;
                Ok((start_of(from), start_of(from.checked_add(days.days())?)))
            }
            Unit::Week => {
                let back = i64::from(date.weekday().since(Weekday::Monday));
                let from = date.checked_sub(back.days())?;
                Ok((start_of(from), start_of(from.checked_add(7.days())?)))
            }
            Unit::Month => {
                let from = date.first_of_month();
                Ok((start_of(from), start_of(from.checked_add(1.months())?)))
            }
        }
    }
}

fn start_of(date: jiff::civil::Date) -> DateTime {
    date.to_datetime(jiff::civil::Time::midnight())
}
