//! What a chunk is cut into changes nothing: neither rows nor verdicts, and no scratch is seen later.

use crate::{check, describe, event, field, generate, only, owned};
use bifocal::description::{Description, Kind};
use bifocal::event::Event;
use bifocal::extract::{Extractor, Rejected, Scratch};
use bifocal::offset::{Offset, Range};
use bifocal::time::TimeRule;
use proptest::collection::vec;
use proptest::prelude::*;

/// Rows as values, rejected events and the count of those ignored, over chunks of `size`.
type Outcome = (Vec<(u64, Vec<Option<crate::OwnedValue>>)>, Vec<Rejected>, u64);

fn outcome(description: &Description, scratch: &mut Scratch, events: &[Event<'_>], size: usize) -> Outcome {
    let extractor = Extractor::new(description, TimeRule::default()).expect("a lawful description");
    let (mut rows, mut rejected, mut ignored) = (Vec::new(), Vec::new(), 0);
    for chunk in events.chunks(size) {
        let from = chunk[0].offset;
        let range = Range::new(from, from.plus(chunk.len() as u64));
        let extracted = extractor.extract(scratch, range, chunk.iter().copied());
        check(description, chunk.len(), &extracted);
        for (row, offset) in extracted.offsets.iter().enumerate() {
            let columns = extracted.events.columns.iter().zip(&description.inputs);
            rows.push((
                *offset,
                columns.map(|(column, field)| owned(column.value(&field.kind, row))).collect(),
            ));
        }
        rejected.extend(extracted.rejected);
        ignored += extracted.ignored;
    }
    (rows, rejected, ignored)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_change_nothing(payloads in vec(generate::object(), 1..40), size in 1usize..40) {
        let inputs = vec![
            field("a", Kind::Text), field("a.b", Kind::Json), field("b", Kind::Text), field("c", Kind::Integer),
            field("0", Kind::Decimal(4)), field("1", Kind::Boolean), field("@offset", Kind::Integer), field("ab", Kind::Binary),
        ];
        let description = describe(inputs);
        let events: Vec<_> = payloads.iter().enumerate().map(|(i, payload)| event(i as u64, payload.as_bytes())).collect();
        let whole = outcome(&description, &mut Scratch::default(), &events, events.len());
        let mut used = Scratch::default();
        outcome(&only("b", &["x"], vec![field("c", Kind::Text)]), &mut used, &events, 3);
        prop_assert_eq!(&outcome(&description, &mut used, &events, size), &whole);
        prop_assert_eq!(&outcome(&description, &mut used, &events, events.len()), &whole);
    }
}

#[test]
fn many_distinct_texts_are_each_coded_once() {
    // Short ones, long ones that differ in the middle only, and each of them again.
    let text = |i: usize| match i % 3 {
        0 => format!("{i}"),
        1 => format!("a text whose middle {i:08} differs, its ends do not"),
        _ => format!("{i:016}"),
    };
    let payloads: Vec<String> = (0..20_000).map(|i| format!("{{\"a\":\"{}\"}}", text(i % 15_000))).collect();
    let events: Vec<_> =
        payloads.iter().enumerate().map(|(i, payload)| event(i as u64, payload.as_bytes())).collect();
    let description = describe(vec![field("a", Kind::Text)]);
    let mut scratch = Scratch::default();
    for size in [20_000, 1, 7_000] {
        let (rows, ..) = outcome(&description, &mut scratch, &events, size);
        for (i, (_, values)) in rows.iter().enumerate() {
            assert_eq!(values[0], Some(crate::OwnedValue::Bytes(text(i % 15_000).into())));
        }
    }
}

#[test]
fn absent_rows_have_a_code_that_exists() {
    let description = describe(vec![field("a", Kind::Text)]);
    let extractor = Extractor::new(&description, TimeRule::default()).unwrap();
    let events = [event(0, b"{}"), event(1, b"{}")];
    let range = Range::new(Offset(0), Offset(2));
    let column =
        extractor.extract(&mut Scratch::default(), range, events.into_iter()).events.columns.remove(0);
    assert_eq!(
        (column.heap.len(), column.fixed.as_slice(), column.validity.as_slice()),
        (1, &[0; 8][..], &[0][..])
    );
}

#[test]
fn validity_is_there_only_if_a_row_that_stays_is_absent() {
    let description = describe(vec![field("a", Kind::Integer), field("b", Kind::Integer)]);
    let extractor = Extractor::new(&description, TimeRule::default()).unwrap();
    let events =
        [event(0, b"{\"a\":1,\"b\":1}"), event(1, b"{\"b\":\"poison\"}"), event(2, b"{\"a\":2,\"b\":1}")];
    let range = Range::new(Offset(0), Offset(3));
    let extracted = extractor.extract(&mut Scratch::default(), range, events.into_iter());
    assert_eq!(extracted.offsets, [0, 2]);
    assert!(extracted.events.columns[0].validity.is_empty());
}
