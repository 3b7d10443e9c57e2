//! Departures and delays by origin and hour.

use super::field::{integer, required, text};
use super::number::{mean, p95};
use super::{Answer, Cell, Clock, Plain, Seen, Verdict, each, windows};
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;

pub fn flights(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut cells: BTreeMap<Cell, (Vec<i64>, i64)> = BTreeMap::new();
    let mut answer = each(events, clock, Some((HOUR_MS, HOUR_MS)), |event, object| {
        let (origin, delay) = (text(object, "origin"), integer(object, "delay"));
        let (origin, delay) = (required(origin?)?, delay?);
        for window in windows(event.time_ms, HOUR_MS, HOUR_MS) {
            let (delays, cancelled) = cells.entry((vec![Some(origin.clone())], window)).or_default();
            match delay {
                Some(delay) => delays.push(delay),
                None => *cancelled += 1,
            }
        }
        Ok(Verdict::Folded)
    });
    let row = |(cell, (delays, cancelled))| (cell, Some(row(delays, cancelled)));
    answer.rows = cells.into_iter().map(row).collect();
    answer
}

/// `departures, cancelled, mean_delay, p95_delay`.
fn row(mut delays: Vec<i64>, cancelled: i64) -> Vec<Plain> {
    let counts = [Plain::Integer(delays.len() as i64), Plain::Integer(cancelled)];
    if delays.is_empty() {
        return [&counts[..], &[Plain::Absent, Plain::Absent]].concat();
    }
    let sum = delays.iter().map(|delay| i128::from(*delay)).sum();
    let mean = mean(sum, delays.len() as u64);
    let (exact, told) = p95(&mut delays);
    let error = (i128::from(told) - i128::from(exact)).abs();
    assert!(error * 256 <= i128::from(exact).abs(), "{told} for {exact} is beyond the stated error");
    [&counts[..], &[Plain::Float(mean), Plain::Integer(told)]].concat()
}
