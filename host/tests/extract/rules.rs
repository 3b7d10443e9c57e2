//! The rules one by one: paths, the record, the filter, what is said of a rejected event.

use crate::{
    OwnedValue, check, describe, event, extract_events, extract_one, extract_typed, field, only, owned,
    required,
};
use bifocal::description::{Description, Kind};
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::{Extracted, Extractor, Scratch};
use bifocal::offset::{Offset, Range};
use bifocal::time::{TimeRule, Unit};

fn reason(kind: Kind, payload: &str) -> String {
    extract_one(kind, payload).expect_err("rejected")
}

fn integer(number: i64) -> Result<Option<OwnedValue>, String> {
    Ok(Some(OwnedValue::Integer(number)))
}

fn text(text: &str) -> Option<OwnedValue> {
    Some(OwnedValue::Bytes(text.into()))
}

#[test]
fn reasons_name_path_kind_and_what_was_found() {
    let cases = [
        (Kind::Decimal(2), r#"{"a":"abc"}"#, r#"a: expected decimal(2), found text "abc""#),
        (
            Kind::Decimal(2),
            r#"{"a":1.505}"#,
            "a: expected decimal(2), found number 1.505 (more than 2 digits after the point)",
        ),
        (Kind::Decimal(2), r#"{"a":1e2}"#, "a: expected decimal(2), found number 1e2 (it has an exponent)"),
        (Kind::Decimal(2), r#"{"a":" 1"}"#, r#"a: expected decimal(2), found text " 1""#),
        (Kind::Decimal(2), r#"{"a":"+1"}"#, r#"a: expected decimal(2), found text "+1""#),
        (Kind::Integer, r#"{"a":1.0}"#, "a: expected integer, found number 1.0 (it has a fraction)"),
        (
            Kind::Integer,
            r#"{"a":9223372036854775808}"#,
            "a: expected integer, found number 9223372036854775808 (out of range)",
        ),
        (Kind::Integer, r#"{"a":"1"}"#, r#"a: expected integer, found text "1""#),
        (Kind::Float, r#"{"a":1e400}"#, "a: expected float, found number 1e400 (out of range)"),
        (Kind::Text, r#"{"a":1}"#, "a: expected text, found number 1"),
        (Kind::Text, r#"{"a":{"b":1}}"#, "a: expected text, found an object"),
        (Kind::Boolean, r#"{"a":[1]}"#, "a: expected boolean, found an array"),
        (Kind::Integer, r#"{"a":true}"#, "a: expected integer, found true"),
        (
            Kind::Timestamp,
            r#"{"a":"noon"}"#,
            r#"a: expected timestamp, found text "noon" (not a time of RFC 3339)"#,
        ),
        (
            Kind::Timestamp,
            r#"{"a":1}"#,
            "a: expected timestamp, found number 1 (the unit of this number is not known: state it with --time-unit s|ms|us|ns)",
        ),
        (Kind::Text, r#"{"a"}"#, "payload: column 5: expected ':', found '}'"),
    ];
    for (kind, payload, expected) in cases {
        assert_eq!(reason(kind, payload), expected);
    }
}

#[test]
fn reasons_are_bounded() {
    let long = reason(Kind::Integer, &format!("{{\"a\":\"{}\"}}", "é".repeat(10_000)));
    assert_eq!(long, format!("a: expected integer, found text \"{}…", "é".repeat(19)));
}

#[test]
fn a_required_field_must_be_there() {
    let description = describe(vec![required("a", Kind::Integer)]);
    let extracted = extract_events(
        &description,
        &[event(7, b"{}"), event(8, b"{\"a\":null}"), event(9, b"{\"a\":1}"), event(10, b"[]")],
    );
    let reasons: Vec<_> =
        extracted.rejected.iter().map(|rejected| (rejected.offset, rejected.reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            (7, "a: expected integer, found nothing"),
            (8, "a: expected integer, found null"),
            (10, "a: expected integer, found nothing"),
        ]
    );
    assert_eq!(extracted.offsets, [9]);
}

#[test]
fn the_first_field_at_fault_is_named() {
    let description =
        describe(vec![field("a", Kind::Integer), required("b", Kind::Text), field("c", Kind::Text)]);
    let extracted =
        extract_events(&description, &[event(0, br#"{"c":1,"a":2}"#), event(1, br#"{"c":1,"a":"2"}"#)]);
    let reasons: Vec<_> = extracted.rejected.iter().map(|rejected| rejected.reason.as_str()).collect();
    assert_eq!(reasons, ["b: expected text, found nothing", "a: expected integer, found text \"2\""]);
}

#[test]
fn of_equal_names_the_last_counts() {
    assert_eq!(extract_one(Kind::Integer, r#"{"a":"x","a":2}"#), integer(2));
    assert_eq!(extract_one(Kind::Integer, r#"{"a":1,"a":null}"#), Ok(None));
    assert_eq!(extract_one(Kind::Integer, r#"{"a":1,"\u0061":2}"#), integer(2));
    let description =
        describe(vec![field("a.b", Kind::Integer), field("a.c", Kind::Integer), field("a", Kind::Json)]);
    let payloads: [&[u8]; 3] = [
        br#"{"a":{"b":1,"c":2},"a":{"b":3}}"#,
        br#"{"a":{"b":1,"c":2},"a":4}"#,
        br#"{"a":4,"a":{"c":2,"b":1,"b":2}}"#,
    ];
    let events: Vec<_> = payloads.iter().enumerate().map(|(i, payload)| event(i as u64, payload)).collect();
    let extracted = extract_events(&description, &events);
    let row = |row| -> Vec<_> {
        let columns = extracted.events.columns.iter().zip(&description.inputs);
        columns.map(|(column, field)| owned(column.value(&field.kind, row))).collect()
    };
    assert_eq!(row(0), [Some(OwnedValue::Integer(3)), None, text(r#"{"b":3}"#)]);
    assert_eq!(row(1), [None, None, text("4")]);
    assert_eq!(
        row(2),
        [Some(OwnedValue::Integer(2)), Some(OwnedValue::Integer(2)), text(r#"{"c":2,"b":1,"b":2}"#)]
    );
}

#[test]
fn epoch_numbers_need_a_unit_and_text_may_have_a_format() {
    let time = |rule: TimeRule, typing, payload: &str| {
        let description = describe(vec![field("a", Kind::Timestamp)]);
        let extractor = Extractor::new(&description, rule).unwrap();
        let event = Event { typing, ..event(0, payload.as_bytes()) };
        let extracted =
            extractor.extract(&mut Scratch::default(), Range::new(Offset(0), Offset(1)), [event].into_iter());
        check(&description, 1, &extracted);
        extracted.events.columns[0].fixed.first_chunk::<8>().map(|ms| i64::from_le_bytes(*ms))
    };
    let seconds = || TimeRule::new(None, Some(Unit::Seconds)).unwrap();
    assert_eq!(time(seconds(), Typing::Json, r#"{"a":1.5}"#), Some(1500));
    assert_eq!(time(seconds(), Typing::Json, r#"{"a":-2}"#), Some(-2000));
    assert_eq!(time(seconds(), Typing::Json, r#"{"a":1e3}"#), None);
    assert_eq!(time(seconds(), Typing::Json, r#"{"a":"1970-01-01T00:00:01Z"}"#), Some(1000));
    assert_eq!(time(seconds(), Typing::Json, r#"{"a":"12"}"#), None);
    assert_eq!(time(seconds(), Typing::Text, r#"{"a":"12"}"#), Some(12_000));
    assert_eq!(time(seconds(), Typing::Text, r#"{"a":"1970-01-01"}"#), Some(0));
    let days = || TimeRule::new(Some("%Y%m%d"), None).unwrap();
    assert_eq!(time(days(), Typing::Text, r#"{"a":"19700102"}"#), Some(86_400_000));
    assert_eq!(time(days(), Typing::Json, r#"{"a":"19700102"}"#), Some(86_400_000));
    assert_eq!(time(days(), Typing::Json, r#"{"a":19700102}"#), None);
}

#[test]
fn text_typed_values_are_read_as_the_declared_kind() {
    let typed = |kind, payload: &str| extract_typed(Typing::Text, kind, payload);
    assert_eq!(typed(Kind::Integer, r#"{"a":"0012"}"#), integer(12));
    assert_eq!(typed(Kind::Integer, r#"{"a":"\u0031"}"#), integer(1));
    assert_eq!(typed(Kind::Decimal(2), r#"{"a":"-0.10"}"#), integer(-10));
    assert_eq!(typed(Kind::Boolean, r#"{"a":"true"}"#), Ok(Some(OwnedValue::Boolean(true))));
    assert_eq!(typed(Kind::Float, r#"{"a":"1e2"}"#), Ok(Some(OwnedValue::Float(100f64.to_bits()))));
    for (kind, wrong) in [
        (Kind::Integer, ""),
        (Kind::Integer, "1 "),
        (Kind::Float, "NaN"),
        (Kind::Float, "inf"),
        (Kind::Boolean, "True"),
        (Kind::Float, ".5"),
    ] {
        let reason = typed(kind.clone(), &format!("{{\"a\":\"{wrong}\"}}")).expect_err("rejected");
        assert_eq!(reason, format!("a: expected {kind}, found text \"{wrong}\""));
    }
}

#[test]
fn parts_of_the_record_are_fields_too() {
    let paths = [
        ("@offset", Kind::Integer),
        ("@schema", Kind::Integer),
        ("@time", Kind::Timestamp),
        ("@ingested", Kind::Timestamp),
        ("@key", Kind::Binary),
        ("@id", Kind::Text),
        ("@source", Kind::Text),
        ("@partition", Kind::Text),
        ("@header.h", Kind::Text),
    ];
    let description = describe(paths.iter().map(|(path, kind)| field(path, kind.clone())).collect());
    let header = |name: &str, value: &str| (name.to_string(), value.to_string());
    let headers = [header("h", "1"), header("h", "2"), header("H", "3")];
    let lineage = Lineage {
        source: Some("s"),
        position: 1,
        partition: Some("p"),
        key: Some(b"\xff"),
        headers: &headers,
    };
    let full = Event { id: Some("i"), schema: Some(-3), lineage, ..event(5, b"not JSON, and nobody looks") };
    let extracted = extract_events(&description, &[full, event(6, b"")]);
    let row = |row| -> Vec<_> {
        let columns = extracted.events.columns.iter().zip(&description.inputs);
        columns.map(|(column, field)| owned(column.value(&field.kind, row))).collect()
    };
    let number = |number| Some(OwnedValue::Integer(number));
    assert_eq!(
        row(0),
        [
            number(5),
            number(-3),
            number(1005),
            number(5000),
            Some(OwnedValue::Bytes(vec![0xff])),
            text("i"),
            text("s"),
            text("p"),
            text("2"),
        ]
    );
    assert_eq!(row(1), [number(6), None, number(1006), number(5000), None, None, None, None, None]);
    let demanding = describe(vec![required("@id", Kind::Text)]);
    let extracted = extract_events(&demanding, &[full, event(6, b"")]);
    assert_eq!(extracted.offsets, [5]);
    assert_eq!(extracted.rejected[0].reason, "@id: expected text, found nothing");
}

#[test]
fn the_empty_path_is_the_whole_payload() {
    let binary = describe(vec![field("", Kind::Binary)]);
    let extracted = extract_events(&binary, &[event(0, b"\xff\0"), event(1, b"")]);
    assert_eq!(extracted.events.columns[0].heap.iter().collect::<Vec<_>>(), [&b"\xff\0"[..], b""]);
    let both = describe(vec![field("", Kind::Binary), field("", Kind::Json), field("a", Kind::Integer)]);
    let extracted = extract_events(&both, &[event(0, b" {\"a\": 1} "), event(1, b"\xff")]);
    assert_eq!(extracted.events.columns[0].heap.get(0), b" {\"a\": 1} ");
    assert_eq!(extracted.events.columns[1].heap.get(0), b"{\"a\": 1}");
    assert_eq!(extracted.rejected[0].reason, "payload: column 1: expected a value, found byte 0xff");
}

#[test]
fn documents_that_are_no_objects_have_no_fields() {
    for payload in ["[1]", "\"a\"", "1", "null", "[[{\"a\":1}]]"] {
        assert_eq!(extract_one(Kind::Integer, payload), Ok(None), "{payload}");
    }
}

fn filtered(path: &str, one_of: &[&str], payloads: &[&str]) -> Extracted {
    let events: Vec<_> =
        payloads.iter().enumerate().map(|(i, payload)| event(i as u64, payload.as_bytes())).collect();
    extract_events(&only(path, one_of, vec![required("n", Kind::Integer)]), &events)
}

#[test]
fn events_that_are_not_wanted_are_ignored_and_never_rejected() {
    let extracted = filtered(
        "t.k",
        &["x", "é"],
        &[
            r#"{"t":{"k":"x"},"n":1}"#,
            r#"{"t":{"k":"y"},"n":"poison"}"#,
            r#"{"t":{"k":"\u0078"},"n":2}"#,
            r#"{"n":3}"#,
            "4",
            r#"{"t":{"k":1},"n":5}"#,
            r#"{"t":{"k":null}}"#,
            r#"{"t":{"k":"x"},"n":"poison"}"#,
            r#"{"t":{"k":"é"},"n":8}"#,
            r#"{"t":{"k":"x"},"n":9,"t":{}}"#,
            r#"{"t":{"k":"y"},"t":{"k":"x"},"n":10}"#,
            r#"{"t":{"k":"xx"},"n":1}"#,
        ],
    );
    assert_eq!(extracted.offsets, [0, 2, 8, 10]);
    assert_eq!(extracted.rejected.iter().map(|rejected| rejected.offset).collect::<Vec<_>>(), [7]);
    assert_eq!(extracted.ignored, 7);
}

#[test]
fn the_filter_may_look_at_the_record_and_may_want_nothing() {
    let sources = only("@source", &["s"], vec![]);
    let here = Event { lineage: Lineage { source: Some("s"), ..Lineage::default() }, ..event(1, b"{}") };
    let extracted = extract_events(&sources, &[event(0, b"{}"), here]);
    assert_eq!((extracted.offsets.as_slice(), extracted.ignored), (&[1][..], 1));
    assert_eq!(filtered("t", &[], &[r#"{"t":"","n":1}"#]).ignored, 1);
    assert_eq!(filtered("t", &[""], &[r#"{"t":"","n":1}"#]).offsets, [0]);
}

fn refusal(description: &Description) -> String {
    Extractor::new(description, TimeRule::default()).expect_err("refused").to_string()
}

#[test]
fn paths_and_kinds_that_no_event_could_answer_are_refused() {
    let cases = [
        (
            "@nope",
            Kind::Text,
            "input '@nope': path '@nope': a record has @offset @schema @time @ingested @key @id @source @partition @header.NAME",
        ),
        (
            "@header.",
            Kind::Text,
            "input '@header.': path '@header.': a record has @offset @schema @time @ingested @key @id @source @partition @header.NAME",
        ),
        (
            "@time",
            Kind::Integer,
            "input '@time': path '@time' is timestamp, not integer; declare it as that kind",
        ),
        (
            "@offset",
            Kind::Text,
            "input '@offset': path '@offset' is integer, not text; declare it as that kind",
        ),
        ("", Kind::Text, "input '': path '' is binary or json, not text; declare it as that kind"),
        (
            "/a~2",
            Kind::Text,
            "input '/a~2': path '/a~2': in a JSON Pointer ~ is written ~0 and / within a name ~1",
        ),
        ("a", Kind::Other("x".into()), "input 'a': kind other(x) is unknown to this host"),
    ];
    for (path, kind, expected) in cases {
        assert_eq!(refusal(&describe(vec![field(path, kind)])), expected);
    }
    assert_eq!(
        refusal(&only("@offset", &["1"], vec![])),
        "filter: path '@offset' is never a text, so that no event would be wanted"
    );
    assert_eq!(
        refusal(&only("", &["1"], vec![])),
        "filter: path '' is never a text, so that no event would be wanted"
    );
}
