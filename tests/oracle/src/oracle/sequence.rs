//! Flights of an origin one after the other, by day: the guest `sequence`, an ordered machine.

use super::field::{integer, required, text};
use super::{Answer, Cell, Clock, Plain, Seen, Verdict, each, windows};
use std::collections::BTreeMap;

const DAY_MS: i64 = 24 * 3_600_000;
/// Minutes above which a flight is late.
const LATE_MINUTES: i64 = 15;

struct Flight {
    time_ms: i64,
    offset: u64,
    delay: i64,
}

/// Flights without a delay are folded and make no cell.
pub fn sequence(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut cells: BTreeMap<Cell, Vec<Flight>> = BTreeMap::new();
    let mut answer = each(events, clock, Some((DAY_MS, DAY_MS)), |event, object| {
        let (origin, delay) = (text(object, "origin"), integer(object, "delay"));
        let (origin, delay) = (required(origin?)?, delay?);
        let Some(delay) = delay else { return Ok(Verdict::Folded) };
        for window in windows(event.time_ms, DAY_MS, DAY_MS) {
            let flight = Flight { time_ms: event.time_ms, offset: event.offset, delay };
            cells.entry((vec![Some(origin.clone())], window)).or_default().push(flight);
        }
        Ok(Verdict::Folded)
    });
    answer.rows = cells.into_iter().map(|(cell, flights)| (cell, Some(row(&flights)))).collect();
    answer
}

/// `first, last, first_seen, last_seen, streak, crossings`: the delays of the first and
/// last flight by time, then offset, and by offset; the longest run of late flights in the order of
/// the log; and how many late flights follow one that was not late.
fn row(flights: &[Flight]) -> Vec<Plain> {
    let by_time = |flight: &&Flight| (flight.time_ms, flight.offset);
    let shown = |flight: Option<&Flight>| flight.map_or(Plain::Absent, |one| Plain::Integer(one.delay));
    let late: Vec<bool> = flights.iter().map(|flight| flight.delay > LATE_MINUTES).collect();
    let streak = late.split(|late| !late).map(<[bool]>::len).max().unwrap_or(0);
    let crossings = late.windows(2).filter(|pair| !pair[0] && pair[1]).count();
    vec![
        shown(flights.iter().min_by_key(by_time)),
        shown(flights.iter().max_by_key(by_time)),
        shown(flights.first()),
        shown(flights.last()),
        Plain::Integer(streak as i64),
        Plain::Integer(crossings as i64),
    ]
}
