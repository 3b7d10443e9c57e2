//! Values of all kinds at all sorts of paths, compared with the oracle's.

use crate::generate::{mutated, number, object, text};
use crate::oracle::{cast, lookup};
use crate::{OwnedValue, describe, event, extract_events, extract_one, extract_typed, field, owned};
use bifocal::description::{Field, Kind};
use bifocal::event::{Event, Typing};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const KINDS: [Kind; 9] = [
    Kind::Boolean,
    Kind::Integer,
    Kind::Float,
    Kind::Text,
    Kind::Binary,
    Kind::Timestamp,
    Kind::Decimal(0),
    Kind::Decimal(2),
    Kind::Decimal(18),
];

/// Paths, and the names that they stand for.
const PATHS: [(&str, &[&str]); 18] = [
    ("a", &["a"]),
    ("b", &["b"]),
    ("ab", &["ab"]),
    ("a.b", &["a", "b"]),
    ("a.a.a", &["a", "a", "a"]),
    ("a.0", &["a", "0"]),
    ("/a/0", &["a", "0"]),
    ("/a/1/b", &["a", "1", "b"]),
    ("/0", &["0"]),
    ("0", &["0"]),
    ("/a~1b", &["a/b"]),
    ("/~0", &["~"]),
    ("/", &[""]),
    ("a.", &["a", ""]),
    ("/a/01", &["a", "01"]),
    ("c.a_rather_long_name_of_a_field", &["c", "a_rather_long_name_of_a_field"]),
    ("a_rather_long_name_of_b_field", &["a_rather_long_name_of_b_field"]),
    ("nowhere", &["nowhere"]),
];

fn inputs() -> impl Strategy<Value = Vec<(usize, Kind, bool)>> {
    vec((0..PATHS.len(), select(&KINDS[..]), prop::bool::weighted(0.1)), 1..14)
}

/// What the oracle says of an event: a row, or the first path at fault.
fn expected(
    fields: &[(usize, Kind, bool)],
    typing: Typing,
    payload: &[u8],
) -> Result<Vec<Option<OwnedValue>>, String> {
    let document: serde_json::Value = serde_json::from_slice(payload).map_err(|_| "payload".to_string())?;
    let value = |(path, kind, required): &(usize, Kind, bool)| {
        let (path, names) = PATHS[*path];
        match cast(lookup(&document, names), kind, typing) {
            Ok(None) if *required => Err(path.to_string()),
            Ok(value) => Ok(value),
            Err(()) => Err(path.to_string()),
        }
    };
    fields.iter().map(value).collect()
}

fn compare(
    fields: &[(usize, Kind, bool)],
    typing: Typing,
    payloads: &[Vec<u8>],
) -> Result<(), TestCaseError> {
    let inputs = fields
        .iter()
        .map(|(path, kind, required)| Field { required: *required, ..field(PATHS[*path].0, kind.clone()) });
    let description = describe(inputs.collect());
    let events: Vec<Event<'_>> = payloads
        .iter()
        .enumerate()
        .map(|(i, payload)| Event { typing, ..event(i as u64, payload) })
        .collect();
    let extracted = extract_events(&description, &events);
    let mut rows = extracted.offsets.iter().enumerate();
    let mut rejected = extracted.rejected.iter();
    for (offset, payload) in payloads.iter().enumerate() {
        let shown = String::from_utf8_lossy(payload);
        match expected(fields, typing, payload) {
            Ok(values) => {
                let (row, found) = rows.next().expect("a row");
                prop_assert_eq!(*found, offset as u64, "{}", &shown);
                prop_assert_eq!(
                    &extracted.events.times[row * 8..row * 8 + 8],
                    &events[offset].time_ms.to_le_bytes()[..]
                );
                for ((column, input), value) in
                    extracted.events.columns.iter().zip(&description.inputs).zip(values)
                {
                    prop_assert_eq!(
                        owned(column.value(&input.kind, row)),
                        value,
                        "{} {} in {}",
                        input.path,
                        input.kind,
                        &shown
                    );
                }
            }
            Err(path) => {
                let found = rejected.next().expect("a rejected event");
                prop_assert_eq!(found.offset, offset as u64);
                prop_assert!(
                    found.reason.starts_with(&format!("{path}: expected "))
                        || path == "payload" && found.reason.starts_with("payload: column "),
                    "{} of {}",
                    &found.reason,
                    &shown
                );
                prop_assert!(found.reason.len() < 300);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_are_what_the_oracle_says(
        fields in inputs(),
        typing in select(&[Typing::Json, Typing::Text][..]),
        payloads in vec(prop_oneof![4 => object().prop_map(String::into_bytes), 1 => mutated(object())], 1..12),
    ) {
        compare(&fields, typing, &payloads)?;
    }

    #[test]
    fn flat_rows_of_one_shape_are_what_the_oracle_says(
        fields in inputs(),
        names in vec(select(&["a", "b", "ab", "0", "a_rather_long_name_of_b_field", "other"][..]), 1..7),
        values in vec(vec(prop_oneof![number(), text().prop_map(|text| format!("\"{text}\"")), Just("null".into())], 7), 1..12),
        separators in select(&[(":", ","), (": ", ", ")][..]),
    ) {
        let row = |values: &Vec<String>| {
            let members: Vec<String> = names.iter().zip(values).map(|(name, value)| format!("\"{name}\"{}{value}", separators.0)).collect();
            format!("{{{}}}", members.join(separators.1)).into_bytes()
        };
        let payloads: Vec<Vec<u8>> = values.iter().map(row).collect();
        compare(&fields, Typing::Json, &payloads)?;
    }

    #[test]
    fn numbers_are_what_the_oracle_says(number in number(), kind in select(&KINDS[..]), typing in select(&[Typing::Json, Typing::Text][..]), quoted: bool) {
        let payload = if quoted { format!("{{\"a\":\"{number}\"}}") } else { format!("{{\"a\":{number}}}") };
        compare(&[(0, kind, false)], typing, &[payload.into_bytes()])?;
    }

    #[test]
    fn floats_are_read_to_the_nearest(number in any::<f64>().prop_filter("JSON has no infinity", |n| n.is_finite())) {
        let expected = Ok(Some(OwnedValue::Float(number.to_bits())));
        prop_assert_eq!(extract_one(Kind::Float, &format!("{{\"a\":{number}}}")), expected.clone());
        prop_assert_eq!(extract_one(Kind::Float, &format!("{{\"a\":{number:e}}}")), expected);
    }

    #[test]
    fn decimals_of_doubles_with_few_digits_are_exact(cents in -1_000_000_000_000i64..1_000_000_000_000) {
        let sign = if cents < 0 { "-" } else { "" };
        let payload = format!("{{\"a\":{sign}{}.{:02}}}", cents.abs() / 100, cents.abs() % 100);
        prop_assert_eq!(extract_one(Kind::Decimal(2), &payload), Ok(Some(OwnedValue::Integer(cents))));
    }

    #[test]
    fn json_is_kept_as_it_stands(value in crate::generate::value()) {
        let payload = format!("{{\"a\":{value}}}");
        if let Ok(document) = serde_json::from_str::<serde_json::Value>(&payload) {
            let expected = (!document["a"].is_null()).then(|| OwnedValue::Bytes(value.trim_matches(['\t', '\n', '\r', ' ']).into()));
            prop_assert_eq!(extract_one(Kind::Json, &payload), Ok(expected));
        }
    }

    #[test]
    fn json_in_a_text_typed_payload_is_the_text(value in crate::generate::value()) {
        let payload = serde_json::json!({ "a": value }).to_string();
        let found = extract_typed(Typing::Text, Kind::Json, &payload);
        match serde_json::from_str::<serde_json::Value>(&value) {
            Ok(serde_json::Value::Null) => prop_assert_eq!(found, Ok(None)),
            Ok(_) => prop_assert_eq!(found, Ok(Some(OwnedValue::Bytes(value.into())))),
            Err(_) => prop_assert!(found.is_err()),
        }
    }

    #[test]
    fn no_payload_makes_it_panic(payload in mutated(object()), cut in any::<prop::sample::Index>()) {
        let inputs = KINDS.iter().cloned().chain([Kind::Json]).zip(PATHS).map(|(kind, (path, _))| field(path, kind));
        let description = describe(inputs.collect());
        extract_events(&description, &[event(0, &payload), event(1, &payload[..cut.index(payload.len() + 1)])]);
    }
}

#[test]
fn base64_is_strict() {
    let binary = |text: &str| extract_one(Kind::Binary, &format!("{{\"a\":\"{text}\"}}"));
    assert_eq!(binary("MTIz"), Ok(Some(OwnedValue::Bytes(b"123".into()))));
    assert_eq!(binary("MTI="), Ok(Some(OwnedValue::Bytes(b"12".into()))));
    assert_eq!(binary(""), Ok(Some(OwnedValue::Bytes(b"".into()))));
    assert_eq!(binary("+\\/8="), Ok(Some(OwnedValue::Bytes(vec![0xfb, 0xff]))));
    for wrong in ["MTI", "MTJ=", "MT-z", "MTIz\\n", "M", "====", " MTIz"] {
        assert_eq!(
            binary(wrong),
            Err(format!("a: expected binary, found text \"{wrong}\" (not base64 with padding)"))
        );
    }
}
