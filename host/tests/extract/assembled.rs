//! Columns that are projected once, kept as bytes and put together for one version are what that
//! version would have extracted.

use crate::generate::{mutated, number, object, text};
use crate::{check, describe, event, field, only, owned};
use bifocal::description::{Description, Field, Filter, Kind};
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::{Extracted, Extractor, Need, Projection, Projector, Rejected, Scratch};
use bifocal::offset::{Offset, Range};
use bifocal::stripe::{Projected, decode, encode};
use bifocal::time::{TimeRule, Unit};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::borrow::Cow;

const PATHS: [(&str, &[Kind]); 22] = [
    ("a", ANY),
    ("b", ANY),
    ("a", ANY),
    ("b", ANY),
    ("a", ANY),
    ("ab", ANY),
    ("a.b", ANY),
    ("/a/0", ANY),
    ("0", ANY),
    ("c", ANY),
    ("nowhere", ANY),
    ("", &[Kind::Json, Kind::Binary]),
    ("@offset", &[Kind::Integer]),
    ("@schema", &[Kind::Integer]),
    ("@time", &[Kind::Timestamp]),
    ("@ingested", &[Kind::Timestamp]),
    ("@key", &[Kind::Binary]),
    ("@id", TEXT),
    ("@source", TEXT),
    ("@partition", TEXT),
    ("@header.a", TEXT),
    ("@header.b", TEXT),
];
const TEXT: &[Kind] = &[Kind::Text];
const ANY: &[Kind] = &[
    Kind::Boolean,
    Kind::Integer,
    Kind::Float,
    Kind::Text,
    Kind::Text,
    Kind::Binary,
    Kind::Timestamp,
    Kind::Decimal(0),
    Kind::Decimal(2),
    Kind::Json,
];
const FILTERS: [&str; 6] = ["a", "b", "a.b", "@source", "@header.a", "c"];

fn input() -> impl Strategy<Value = Field> {
    (select(&PATHS[..]), any::<prop::sample::Index>(), prop::bool::weighted(0.3)).prop_map(
        |((path, kinds), kind, required)| Field {
            required,
            ..field(path, kinds[kind.index(kinds.len())].clone())
        },
    )
}

fn filter() -> impl Strategy<Value = Filter> {
    let wanted = select(&["", "x", "y", "1", "null", "true", "MTIz"][..]).prop_map(String::from);
    (select(&FILTERS[..]), vec(wanted, 0..5)).prop_map(|(path, one_of)| Filter { path: path.into(), one_of })
}

fn description() -> impl Strategy<Value = Description> {
    (vec(input(), 0..7), proptest::option::of(filter()))
        .prop_map(|(inputs, only)| Description { only, ..describe(inputs) })
}

/// A payload whose fields mostly have values that some kind takes, so that rows are kept as well.
fn tame() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        4 => select(&["1", "\"x\"", "\"y\"", "null", "true", "\"1\"", "1.25", "\"MTIz\"", "\"true\"", "\" null\"", "\"null\"", "\"\""][..])
            .prop_map(String::from),
        1 => number(),
        1 => text().prop_map(|text| format!("\"{text}\"")),
        1 => select(&["\"2001-01-31T23:59:60.5+02:00\"", "\"é😀\"", "\"\\u00e9\"", "[]", "{\"b\":\"x\"}", "[\"y\"]"][..]).prop_map(String::from),
    ];
    vec((select(&["a", "b", "ab", "0", "c"][..]), value), 0..6).prop_map(|members| {
        let members = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        12 => tame().prop_map(String::into_bytes),
        3 => object().prop_map(String::into_bytes),
        1 => mutated(object()),
    ]
}

/// An event without its payload's place in a log.
#[derive(Clone, Debug)]
struct Sample {
    payload: Vec<u8>,
    typing: Typing,
    time_ms: i64,
    schema: Option<i64>,
    texts: [Option<String>; 3],
    key: Option<Vec<u8>>,
    headers: Vec<(String, String)>,
}

fn sample() -> impl Strategy<Value = Sample> {
    let text = || proptest::option::of(select(&["x", "y", "é"][..]).prop_map(String::from));
    let header = (select(&["a", "b"][..]), select(&["x", "y", ""][..]));
    let header = header.prop_map(|(name, value)| (name.to_string(), value.to_string()));
    let record = (
        select(&[Typing::Json, Typing::Text][..]),
        any::<i64>(),
        any::<Option<i64>>(),
        [text(), text(), text()],
        proptest::option::of(vec(any::<u8>(), 0..3)),
        vec(header, 0..3),
    );
    (payload(), record).prop_map(|(payload, (typing, time_ms, schema, texts, key, headers))| Sample {
        payload,
        typing,
        time_ms,
        schema,
        texts,
        key,
        headers,
    })
}

fn events(from: u64, samples: &[Sample]) -> Vec<Event<'_>> {
    samples
        .iter()
        .enumerate()
        .map(|(i, sample)| Event {
            time_ms: sample.time_ms,
            id: sample.texts[0].as_deref(),
            schema: sample.schema,
            typing: sample.typing,
            lineage: Lineage {
                source: sample.texts[1].as_deref(),
                position: i as u64,
                partition: sample.texts[2].as_deref(),
                key: sample.key.as_deref(),
                headers: &sample.headers,
            },
            offset: Offset(from + i as u64),
            ..event(0, &sample.payload)
        })
        .collect()
}

fn rule() -> TimeRule {
    TimeRule::new(None, Some(Unit::Seconds)).unwrap()
}

/// All that must be equal; columns as values.
type Outcome = (Vec<u64>, Vec<u8>, Vec<Vec<Option<crate::OwnedValue>>>, Vec<Rejected>, u64);

fn outcome(description: &Description, extracted: &Extracted) -> Outcome {
    check(description, extracted.range.count() as usize, extracted);
    let rows = extracted.offsets.len();
    let columns = extracted.events.columns.iter().zip(&description.inputs);
    let values = columns.map(|(column, field)| (0..rows).map(|row| owned(column.value(&field.kind, row))));
    let values = values.map(Iterator::collect).collect();
    let Extracted { offsets, events, rejected, ignored, .. } = extracted;
    (offsets.clone(), events.times.clone(), values, rejected.clone(), *ignored)
}

/// What is kept of events: each column as bytes and back.
fn kept(needs: &[Need], range: Range, events: &[Event<'_>]) -> Vec<Projected> {
    let projected = Projector::new(needs).project(&mut Scratch::default(), range, events.iter().copied());
    let rows = events.len();
    let through = |(projected, need): (Projected, &Need)| {
        projected.column.check(need.kind(), rows, need.path().as_str()).expect("a well-formed column");
        let back = decode(&encode(&projected, need.kind(), rows), need.kind(), rows).expect("decoded");
        assert_eq!(back, projected);
        back
    };
    projected.into_iter().zip(needs).map(through).collect()
}

/// Compares for one version whose columns another one asked for as well.
fn compare(
    description: &Description,
    other: &Description,
    (from, samples): (u64, &[Sample]),
    cut: (usize, usize),
) -> Result<(), TestCaseError> {
    let extractor = Extractor::new(description, rule()).expect("a lawful description");
    let others = Extractor::new(other, rule()).expect("a lawful description");
    let events = events(from, samples);
    let range = Range::new(Offset(from), Offset(from + events.len() as u64));
    let all: Vec<Need> = others.needs().chain(extractor.needs()).cloned().collect();
    let all = kept(&all, range, &events);
    let columns = &all[others.needs().count()..];
    let times_ms: Vec<i64> = events.iter().map(|event| event.time_ms).collect();
    let parts = [(0, events.len()), cut, (cut.0, events.len()), (0, cut.1)];
    for (from, to) in parts {
        let part = Range::new(range.from.plus(from as u64), range.from.plus(to as u64));
        let events = events[from..to].iter().copied();
        let expected = outcome(description, &extractor.extract(&mut Scratch::default(), part, events));
        let borrowed: Vec<Cow<'_, Projected>> = columns.iter().map(Cow::Borrowed).collect();
        let moved = columns.iter().cloned().map(Cow::Owned).collect();
        for columns in [borrowed, moved] {
            let projection = Projection { range, times_ms: &times_ms, columns };
            let found = extractor.assemble(projection, part);
            prop_assert_eq!(found.range, part);
            prop_assert_eq!(&outcome(description, &found), &expected);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn assembled_columns_are_the_extracted_ones(
        description in description(),
        other in description(),
        from in prop_oneof![4 => 0u64..1000, 1 => Just(i64::MAX as u64 - 5)],
        samples in vec(sample(), 1..50),
        cut in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let (a, b) = (cut.0.index(samples.len() + 1), cut.1.index(samples.len() + 1));
        compare(&description, &other, (from, &samples), (a.min(b), a.max(b)))?;
    }

    #[test]
    fn a_few_rejected_events_among_many_are_taken_out(
        description in description(),
        samples in vec(sample(), 3),
        picks in vec(prop::bool::weighted(0.05), 300..600),
        cut in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let samples: Vec<Sample> = picks.iter().enumerate().map(|(i, odd)| samples[if *odd { 1 + i % 2 } else { 0 }].clone()).collect();
        let (a, b) = (cut.0.index(samples.len() + 1), cut.1.index(samples.len() + 1));
        compare(&description, &describe(vec![]), (7, &samples), (a.min(b), a.max(b)))?;
    }
}

fn assemble(extractor: &Extractor, payloads: &[&[u8]]) -> Extracted {
    let events: Vec<Event<'_>> =
        payloads.iter().enumerate().map(|(i, payload)| event(i as u64, payload)).collect();
    let range = Range::new(Offset(0), Offset(events.len() as u64));
    let needs: Vec<Need> = extractor.needs().cloned().collect();
    let columns = kept(&needs, range, &events).into_iter().map(Cow::Owned).collect();
    let times_ms: Vec<i64> = events.iter().map(|event| event.time_ms).collect();
    extractor.assemble(Projection { range, times_ms: &times_ms, columns }, range)
}

#[test]
fn verdicts_come_in_the_order_of_extraction() {
    let n = Field { required: true, ..field("n", Kind::Integer) };
    let m = Field { required: true, ..field("m", Kind::Decimal(1)) };
    let extractor = Extractor::new(&only("t", &["x"], vec![n, m]), TimeRule::default()).unwrap();
    let payloads: [&[u8]; 9] = [
        br#"{"t":"y","n":"poison"}"#,
        br#"{"t":"y","#,
        br#"{"t":1,"n":1,"m":1}"#,
        br#"{"t":"x","n":1,"m":1}"#,
        br#"{"t":"x","n":"poison","m":"poison"}"#,
        br#"{"t":"x","m":1.25}"#,
        br#"{"t":"x","n":1,"m":null}"#,
        br#"{"t":"x","n":1,"m":1.25}"#,
        br#"{"n":null}"#,
    ];
    let extracted = assemble(&extractor, &payloads);
    assert_eq!((extracted.offsets.as_slice(), extracted.ignored), (&[3][..], 3));
    let rejected: Vec<(u64, &str)> =
        extracted.rejected.iter().map(|rejected| (rejected.offset, rejected.reason.as_str())).collect();
    assert_eq!(
        rejected,
        [
            (1, "payload: column 10: expected a name in quotes, found the end"),
            (4, "n: expected integer, found text \"poison\""),
            (5, "n: expected integer, found nothing"),
            (6, "m: expected decimal(1), found null"),
            (7, "m: expected decimal(1), found number 1.25 (more than 1 digit after the point)"),
        ]
    );
}

#[test]
fn needs_are_told_apart_by_all_that_decides_a_column() {
    let inputs = vec![
        field("a", Kind::Text),
        field("a", Kind::Decimal(2)),
        field("@offset", Kind::Integer),
        field("a", Kind::Text),
        field("a", Kind::Timestamp),
        field("@time", Kind::Timestamp),
        field("", Kind::Json),
    ];
    let description = only("a", &["x"], inputs.clone());
    let identities = |rule: TimeRule| -> Vec<String> {
        Extractor::new(&description, rule).unwrap().needs().map(Need::identity).collect()
    };
    assert_eq!(
        identities(TimeRule::default()),
        ["1 text a", "1 decimal(2) a", "1 timestamp(,) a", "1 timestamp @time", "1 json "]
    );
    let stated = TimeRule::new(Some("%Y %j"), Some(Unit::Seconds)).unwrap();
    assert_eq!(identities(stated)[2..4], ["1 timestamp(s,5:%Y %j) a", "1 timestamp @time"]);
    let filtered = only("@id", &["x"], inputs);
    let last = Extractor::new(&filtered, TimeRule::default()).unwrap().needs().map(Need::identity).last();
    assert_eq!(last.as_deref(), Some("1 text @id"));
}

#[test]
fn a_column_that_is_whole_is_moved_and_not_copied() {
    let extractor = Extractor::new(
        &describe(vec![field("a", Kind::Text), field("b", Kind::Integer)]),
        TimeRule::default(),
    )
    .unwrap();
    let events = [event(0, br#"{"a":"x","b":1}"#), event(1, br#"{"a":"y","b":2}"#)];
    let range = Range::new(Offset(0), Offset(2));
    let needs: Vec<Need> = extractor.needs().cloned().collect();
    let columns = kept(&needs, range, &events);
    let places: Vec<*const u8> = columns.iter().map(|column| column.column.fixed.as_ptr()).collect();
    let columns = columns.into_iter().map(Cow::Owned).collect();
    let extracted = extractor.assemble(Projection { range, times_ms: &[1, 2], columns }, range);
    let moved = extracted.events.columns.iter().map(|column| column.fixed.as_ptr());
    assert_eq!(moved.collect::<Vec<_>>(), places);
}

#[test]
fn a_required_json_of_a_row_of_texts_must_not_be_null() {
    let required = Field { required: true, ..field("a", Kind::Json) };
    let extractor = Extractor::new(&describe(vec![required]), TimeRule::default()).unwrap();
    let events = [Event { typing: Typing::Text, ..event(0, br#"{"a":" null"}"#) }];
    let range = Range::new(Offset(0), Offset(1));
    let extracted = extractor.extract(&mut Scratch::default(), range, events.into_iter());
    assert_eq!(extracted.rejected[0].reason, "a: expected json, found null");
}
