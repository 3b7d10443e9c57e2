//! Logs in memory and runs over them, and what a run said as plain values.

use crate::oracle::{Answer, Cell, Clock, Plain, Seen};
use bifocal::batch::Shape;
use bifocal::column::{Column, Value};
use bifocal::description::{Field, Kind};
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::Extractor;
use bifocal::half::Half;
use bifocal::log::{Log, Stream};
use bifocal::offset::Offset;
use bifocal::run::{self, Outcome, Plan, Progress, Stage, Through};
use bifocal::time::TimeRule;
use bifocal::transform::Transform;
use generator::rng::Rng;
use generator::wild::Arrival;
use std::sync::Arc;

pub fn log(arrivals: &[Arrival], clock: Clock) -> Log {
    let mut log = Log::new(Stream {
        out_of_orderness_ms: clock.out_of_orderness_ms,
        max_ahead_ms: clock.max_ahead_ms,
        ..Stream::default()
    });
    let mut append = log.append();
    for arrival in arrivals {
        let event = Event {
            offset: Offset::ZERO,
            time_ms: arrival.time_ms,
            ingested_ms: arrival.ingested_ms,
            id: None,
            schema: None,
            lineage: Lineage::default(),
            typing: Typing::Json,
            payload: arrival.payload.as_bytes(),
        };
        append.push(&event).expect("an event that fits");
    }
    append.commit();
    log
}

/// The same events for the oracle.
pub fn seen(arrivals: &[Arrival]) -> Vec<Seen<'_>> {
    let mut seen = Vec::with_capacity(arrivals.len());
    for (offset, arrival) in arrivals.iter().enumerate() {
        let Arrival { time_ms, ingested_ms, payload } = arrival;
        seen.push(Seen { offset: offset as u64, time_ms: *time_ms, ingested_ms: *ingested_ms, payload });
    }
    seen
}

/// A run cut at random.
pub fn plan(rng: &mut Rng, through: Through, head: u64, clock: Clock) -> Plan {
    let sizes = [1, 2, 7, 64, 1000, 65_536];
    // Small sizes on long logs only take time.
    let fitting = |rng: &mut Rng| (*rng.pick(&sizes)).max(head / 300 + 1);
    let cut = match rng.below(6) {
        0 => 0,
        1 => head,
        _ => rng.below(head + 1),
    };
    Plan {
        through,
        cut: Offset(cut),
        shape: Shape { threads: rng.between(1, 3) as usize, chunk_rows: fitting(rng) },
        micro_batch_rows: fitting(rng),
        lateness_ms: clock.lateness_ms,
        drill: None,
    }
}

pub fn run(transform: &Arc<dyn Transform>, log: &Log, plan: &Plan) -> Outcome {
    let extractor =
        Extractor::new(transform.description(), TimeRule::default()).expect("paths that can be read");
    run::run(transform.clone(), log, &extractor, plan, &mut Unwatched).expect("a run")
}

struct Unwatched;

impl Progress for Unwatched {
    fn begin(&mut self, _: Stage, _: u64) {}
    fn advance(&mut self, _: u64) {}
}

/// What a run said, in the oracle's terms.
pub fn answer(transform: &Arc<dyn Transform>, outcome: &Outcome) -> Answer {
    let keys = transform.description().keys.len();
    let windowed = transform.description().window.is_some();
    let mut answer = Answer::default();
    let rows = &outcome.rows;
    for row in 0..rows.count {
        let values = values(&rows.fields, &rows.columns, row);
        let cell = cell(&values, keys, windowed);
        let outputs = values[keys + usize::from(windowed)..].to_vec();
        assert!(answer.rows.insert(cell, Some(outputs)).is_none(), "a cell has two rows");
    }
    for broken in &outcome.broken {
        let values = values(&broken.cell.fields, &broken.cell.columns, 0);
        assert!(answer.rows.insert(cell(&values, keys, windowed), None).is_none(), "a broken cell has a row");
    }
    for half in parts(outcome) {
        answer.rejected.extend(half.rejected.iter().map(|event| event.offset));
        answer.folded += half.tally.folded;
        answer.ignored += half.tally.ignored;
        answer.late += half.tally.late;
    }
    answer
}

/// The parts that a view is made of: batch and speed, or batch alone.
fn parts(outcome: &Outcome) -> Vec<&Half> {
    let done = match (&outcome.base, &outcome.generation) {
        (Some(base), Some(generation)) => vec![base, generation],
        _ => outcome.full.iter().collect(),
    };
    done.into_iter().map(|done| &done.half).collect()
}

fn values(fields: &[Field], columns: &[Column], row: usize) -> Vec<Plain> {
    fields
        .iter()
        .zip(columns)
        .map(|(field, column)| plain(column.value(&field.kind, row), &field.kind))
        .collect()
}

fn plain(value: Value<'_>, kind: &Kind) -> Plain {
    match value {
        Value::Absent => Plain::Absent,
        Value::Integer(value) => Plain::Integer(value),
        Value::Float(value) => Plain::Float(value),
        Value::Bytes(value) => Plain::Text(String::from_utf8(value.to_vec()).expect("a text")),
        Value::Boolean(_) => panic!("the oracle has no {kind}"),
    }
}

fn cell(values: &[Plain], keys: usize, windowed: bool) -> Cell {
    let key = |value: &Plain| match value {
        Plain::Absent => None,
        Plain::Text(text) => Some(text.clone()),
        other => panic!("the oracle has no key like {other:?}"),
    };
    let window = match values.get(keys) {
        Some(Plain::Integer(window)) if windowed => *window,
        _ => 0,
    };
    (values[..keys].iter().map(key).collect(), window)
}
