//! When runs are due, by the words of a view's settings.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::str::FromStr;

#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    Every(i64),
    /// A time of day by the clock of a zone.
    Daily(jiff::civil::Time, TimeZone),
    OnDeploy,
    Never,
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Schedule, String> {
        let not = || {
            format!(
                "'{text}' is no schedule; use a duration such as 1h, a time of day such as '02:00 Europe/Berlin', \
                     on-deploy or never"
            )
        };
        match text {
            "never" => return Ok(Schedule::Never),
            "on-deploy" => return Ok(Schedule::OnDeploy),
            _ => {}
        }
        if let Ok(every_ms) = crate::time::parse_duration_ms(text) {
            return if every_ms >= 1000 { Ok(Schedule::Every(every_ms)) } else { Err(not()) };
        }
        let (time, zone) = text.split_once(' ').unwrap_or((text, "UTC"));
        let time = jiff::civil::Time::strptime("%H:%M", time).map_err(|_| not())?;
        Ok(Schedule::Daily(time, TimeZone::get(zone).map_err(|_| not())?))
    }
}

impl Schedule {
    /// Whether a run is due, the last one having begun at `last_ms`.
    pub fn is_due(&self, last_ms: i64, now_ms: i64) -> bool {
        match self {
            Schedule::Every(every_ms) => now_ms.saturating_sub(last_ms) >= *every_ms,
            Schedule::Daily(time, zone) => {
                daily(*time, zone, last_ms).is_some_and(|next_ms| next_ms <= now_ms)
            }
            Schedule::OnDeploy | Schedule::Never => false,
        }
    }
}

/// The first such time of day after `last_ms`.
fn daily(time: jiff::civil::Time, zone: &TimeZone, last_ms: i64) -> Option<i64> {
    let date = zone.to_datetime(Timestamp::from_millisecond(last_ms).ok()?).date();
    let at = |date: jiff::civil::Date| Some(zone.to_timestamp(date.to_datetime(time)).ok()?.as_millisecond());
    let today = at(date)?;
    if today > last_ms { Some(today) } else { at(date.checked_add(1.day()).ok()?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_time_of_day_is_by_the_clock_of_its_zone_also_where_it_changes() {
        let schedule: Schedule = "02:30 Europe/Berlin".parse().unwrap();
        let last = ms("2026-11-20T01:30:00Z");
        assert!(!schedule.is_due(last, ms("2026-11-21T01:29:00Z")));
        assert!(schedule.is_due(last, ms("2026-11-21T01:30:00Z")));
        // That morning there is no 02:30: it is due when the clocks have been moved on.
        let last = ms("2026-03-28T01:30:00Z");
        assert!(!schedule.is_due(last, ms("2026-03-29T00:59:00Z")));
        assert!(schedule.is_due(last, ms("2026-03-29T01:30:00Z")));
    }

    #[test]
    fn durations_words_and_nothing_else_are_schedules() {
        assert_eq!("1h".parse(), Ok(Schedule::Every(3_600_000)));
        assert_eq!("never".parse(), Ok(Schedule::Never));
        assert_eq!("on-deploy".parse(), Ok(Schedule::OnDeploy));
        for text in ["", "0s", "1ms", "25:00", "02:00 Nowhere/Else", "hourly"] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }
}
