//! Extraction against an oracle that shares no code with it: serde_json's tree, and arithmetic on
//! strings. Seeds are printed by proptest and kept as regressions by the reader, not by a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "extract/accepts.rs"]
mod accepts;
#[path = "extract/assembled.rs"]
mod assembled;
#[path = "extract/chunks.rs"]
mod chunks;
#[path = "extract/generate.rs"]
mod generate;
#[path = "extract/oracle.rs"]
mod oracle;
#[path = "extract/probes.rs"]
mod probes;
#[path = "extract/rules.rs"]
mod rules;
#[path = "extract/values.rs"]
mod values;

use bifocal::column::Value;
use bifocal::description::{Description, Field, Filter, Kind, Order};
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::{Extracted, Extractor, Scratch};
use bifocal::offset::{Offset, Range};
use bifocal::time::TimeRule;

fn field(path: &str, kind: Kind) -> Field {
    Field { name: path.into(), path: path.into(), kind, required: false }
}

fn required(path: &str, kind: Kind) -> Field {
    Field { required: true, ..field(path, kind) }
}

fn describe(inputs: Vec<Field>) -> Description {
    Description {
        name: "sample".into(),
        summary: String::new(),
        inputs,
        keys: vec![],
        outputs: vec![],
        only: None,
        window: None,
        order: Order::None,
        initial: None,
        annotations: vec![],
    }
}

fn only(path: &str, one_of: &[&str], inputs: Vec<Field>) -> Description {
    let one_of = one_of.iter().map(|text| text.to_string()).collect();
    Description { only: Some(Filter { path: path.into(), one_of }), ..describe(inputs) }
}

fn event(offset: u64, payload: &[u8]) -> Event<'_> {
    Event {
        offset: Offset(offset),
        time_ms: 1000 + offset as i64,
        ingested_ms: 5000,
        id: None,
        schema: None,
        lineage: Lineage::default(),
        typing: Typing::Json,
        payload,
    }
}

fn extract_events(description: &Description, events: &[Event<'_>]) -> Extracted {
    let extractor = Extractor::new(description, TimeRule::default()).expect("a lawful description");
    let from = events.first().map_or(0, |event| event.offset.0);
    let range = Range::new(Offset(from), Offset(from + events.len() as u64));
    let extracted = extractor.extract(&mut Scratch::default(), range, events.iter().copied());
    check(description, events.len(), &extracted);
    extracted
}

/// What must hold of every chunk: well-formed columns, each text once, nothing lost.
fn check(description: &Description, events: usize, extracted: &Extracted) {
    let rows = extracted.events.rows();
    assert_eq!(rows, extracted.offsets.len());
    assert_eq!(rows + extracted.rejected.len() + extracted.ignored as usize, events);
    assert_eq!(extracted.events.columns.len(), description.inputs.len());
    for (column, field) in extracted.events.columns.iter().zip(&description.inputs) {
        column.check(&field.kind, rows, &field.name).expect("a well-formed column");
        let absent = (0..rows).any(|row| !column.is_present(row));
        assert_eq!(absent, !column.validity.is_empty(), "validity exactly if a row is absent");
        if field.kind == Kind::Text {
            let distinct: std::collections::BTreeSet<&[u8]> = column.heap.iter().collect();
            assert_eq!(distinct.len(), column.heap.len(), "each distinct text once");
        }
    }
}

fn extract_typed(typing: Typing, kind: Kind, payload: &str) -> Result<Option<OwnedValue>, String> {
    let description = describe(vec![field("a", kind)]);
    let event = Event { typing, ..event(0, payload.as_bytes()) };
    let extracted = extract_events(&description, &[event]);
    match extracted.rejected.first() {
        Some(rejected) => Err(rejected.reason.clone()),
        None => Ok(owned(extracted.events.columns[0].value(&description.inputs[0].kind, 0))),
    }
}

/// The field `a` of one payload.
fn extract_one(kind: Kind, payload: &str) -> Result<Option<OwnedValue>, String> {
    extract_typed(Typing::Json, kind, payload)
}

#[derive(Clone, Debug, PartialEq)]
enum OwnedValue {
    Boolean(bool),
    Integer(i64),
    /// The bits, so that -0 and 0 differ.
    Float(u64),
    Bytes(Vec<u8>),
}

fn owned(value: Value<'_>) -> Option<OwnedValue> {
    match value {
        Value::Absent => None,
        Value::Boolean(value) => Some(OwnedValue::Boolean(value)),
        Value::Integer(value) => Some(OwnedValue::Integer(value)),
        Value::Float(value) => Some(OwnedValue::Float(value.to_bits())),
        Value::Bytes(value) => Some(OwnedValue::Bytes(value.to_vec())),
    }
}
