//! Pay of drivers by day, trip by trip, with the distances that came last by their own times.

use super::field::{integer, required, text, time};
use super::{Answer, Cell, Clock, Plain, Seen, Unfit, Verdict, each, windows};
use serde_json::Value;
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What was said of a trip: when, at which offset, metres, and seconds if it was the trip's own event.
type Said = (i64, u64, i64, Option<i64>);

pub fn earnings(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut cells: BTreeMap<Cell, BTreeMap<String, Vec<Said>>> = BTreeMap::new();
    let mut answer = each(events, clock, Some((DAY_MS, DAY_MS)), |event, object| {
        let is_ended = match object.get("type") {
            Some(Value::String(kind)) if kind == "trip.ended" => true,
            Some(Value::String(kind)) if kind == "trip.corrected" => false,
            _ => return Ok(Verdict::Ignored),
        };
        let (driver, trip) = (required(text(object, "driver_id")?)?, text(object, "trip_id")?);
        let (metres, seconds) = (integer(object, "metres")?, integer(object, "seconds")?);
        let (trip, ended_ms) = (required(trip)?, time(object, "ended_at")?);
        let metres = within_32_bits(required(metres)?)?;
        let (ended_ms, seconds) = match is_ended {
            true => (event.time_ms, Some(within_32_bits(required(seconds)?)?)),
            false => (required(ended_ms)?, None),
        };
        if event.time_ms < ended_ms || event.time_ms > ended_ms + 6 * HOUR_MS {
            return Ok(Verdict::Rejected);
        }
        let day = windows(ended_ms, DAY_MS, DAY_MS)[0];
        let trips = cells.entry((vec![Some(driver)], day)).or_default();
        trips.entry(trip).or_default().push((event.time_ms, event.offset, metres, seconds));
        Ok(Verdict::Folded)
    });
    answer.rows = cells.into_iter().map(|(cell, trips)| (cell, Some(row(trips)))).collect();
    answer
}

fn within_32_bits(value: i64) -> Result<i64, Unfit> {
    if (0..1 << 32).contains(&value) { Ok(value) } else { Err(Unfit) }
}

/// `trips, km, pay`, in metres and cents.
fn row(trips: BTreeMap<String, Vec<Said>>) -> Vec<Plain> {
    let (mut paid, mut driven, mut pay) = (0, 0, 0);
    for mut said in trips.into_values() {
        said.sort_unstable();
        let Some(seconds) = said.iter().rev().find_map(|(.., seconds)| *seconds) else { continue };
        let metres = said[said.len() - 1].2;
        paid += 1;
        driven += metres;
        pay += cents(metres, seconds);
    }
    vec![Plain::Integer(paid), Plain::Integer(driven), Plain::Integer(pay)]
}

/// The tariff, stretch by stretch: up to which metre, and cents a kilometre.
const TARIFF: [(i64, i64); 3] = [(5_000, 110), (20_000, 80), (i64::MAX, 50)];

fn cents(metres: i64, seconds: i64) -> i64 {
    let (mut from, mut cents_by_metre) = (0, 0);
    for (to, rate) in TARIFF {
        cents_by_metre += (metres.min(to) - from).max(0) * rate;
        from = to;
    }
    let (whole, rest) = (cents_by_metre / 1_000, cents_by_metre % 1_000);
    let way = if rest >= 500 { whole + 1 } else { whole };
    let minutes = if seconds % 60 == 0 { seconds / 60 } else { seconds / 60 + 1 };
    i64::max(500, 200 + way + 20 * minutes)
}
