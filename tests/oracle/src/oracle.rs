//! The judge: what each transform should say, as a straight loop over events in the order of their
//! offsets, with plain collections and its own reading of JSON. Knows neither the SDK nor the host,
//! and nothing of folds, merges, states or chunks.

mod earnings;
mod field;
mod flights;
mod fraud;
mod hopping;
mod number;
mod orders_cdc;
mod overall;
mod recommend;
mod revenue;
mod sequence;
mod trending;

pub use earnings::earnings;
pub use flights::flights;
pub use fraud::fraud;
pub use hopping::hopping;
pub use orders_cdc::orders_cdc;
pub use overall::overall;
pub use recommend::{recent, together};
pub use revenue::revenue;
pub use sequence::sequence;
pub use trending::trending;

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The time that stands in a payload.
pub fn time_of(payload: &str, name: &str) -> Option<i64> {
    let Ok(Value::Object(object)) = serde_json::from_str(payload) else { return None };
    field::time(&object, name).ok().flatten()
}

/// One event of a log.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub offset: u64,
    pub time_ms: i64,
    pub ingested_ms: i64,
    pub payload: &'a str,
}

/// What decides which events are late.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub out_of_orderness_ms: i64,
    pub max_ahead_ms: i64,
    pub lateness_ms: i64,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    Absent,
    Integer(i64),
    Float(f64),
    Text(String),
}

/// Keys and the window's start, as rows are sorted: null first, text by bytes.
pub type Cell = (Vec<Option<String>>, i64);

/// All that a run should say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Outputs; None: the cell is broken, since a value is out of range of its column.
    pub rows: BTreeMap<Cell, Option<Vec<Plain>>>,
    pub rejected: Vec<u64>,
    pub ignored: u64,
    pub folded: u64,
    pub late: u64,
}

/// What becomes of an event. Its effect on cells has happened when this is said.
enum Verdict {
    Folded,
    Rejected,
    Ignored,
}

/// An event that cannot be read.
struct Unfit;

/// Gives each event to `judge`, in order, and counts what it says.
fn each(
    events: &[Seen<'_>],
    clock: Clock,
    window: Option<(i64, i64)>,
    mut judge: impl FnMut(&Seen<'_>, &Map<String, Value>) -> Result<Verdict, Unfit>,
) -> Answer {
    let mut answer = Answer::default();
    let mut greatest_ms: Option<i64> = None;
    for event in events {
        let payload: Value = serde_json::from_str(event.payload).expect("a log holds JSON");
        let Value::Object(object) = payload else { panic!("a payload that is no object: {}", event.payload) };
        match judge(event, &object).unwrap_or(Verdict::Rejected) {
            Verdict::Rejected => answer.rejected.push(event.offset),
            Verdict::Ignored => answer.ignored += 1,
            Verdict::Folded => {
                answer.folded += 1;
                let ends = window.map_or(Vec::new(), |(size_ms, slide_ms)| {
                    let starts = windows(event.time_ms, size_ms, slide_ms);
                    starts.into_iter().map(|start| start + size_ms).collect()
                });
                let closed = |end: i64| {
                    greatest_ms.is_some_and(|greatest| {
                        end + clock.lateness_ms <= greatest - clock.out_of_orderness_ms
                    })
                };
                answer.late += u64::from(ends.into_iter().any(closed));
            }
        }
        if event.time_ms - event.ingested_ms <= clock.max_ahead_ms {
            greatest_ms = greatest_ms.max(Some(event.time_ms));
        }
    }
    answer
}

/// Starts of the windows that hold a time, ascending.
fn windows(time_ms: i64, size_ms: i64, slide_ms: i64) -> Vec<i64> {
    let last = time_ms - time_ms.rem_euclid(slide_ms);
    let mut starts = Vec::new();
    let mut start = last;
    while start + size_ms > time_ms {
        starts.push(start);
        start -= slide_ms;
    }
    starts.reverse();
    starts
}

/// A sum as its column holds it; None if it is out of range.
fn in_range(sum: i128) -> Option<Plain> {
    i64::try_from(sum).ok().map(Plain::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hopping_windows_hold_the_time() {
        assert_eq!(windows(59, 60, 15), [0, 15, 30, 45]);
        assert_eq!(windows(60, 60, 15), [15, 30, 45, 60]);
        assert_eq!(windows(-1, 60, 15), [-60, -45, -30, -15]);
        assert_eq!(windows(7, 5, 5), [5]);
    }
}
