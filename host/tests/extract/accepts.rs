//! What is a JSON text, and where the first fault of one is that is not.

use crate::generate::{mutated, object, value};
use bifocal::event::Typing;
use bifocal::extract::{DEPTH_MAX, Probe, Refusal, Scratch};
use bifocal::time::TimeRule;
use proptest::prelude::*;

fn validate(payload: &[u8]) -> Result<(), Refusal> {
    let probe = Probe::new(None, None, TimeRule::default()).expect("no path is refused");
    probe.probe(&mut Scratch::default(), Typing::Json, payload).map(|_| ())
}

fn strict(payload: &[u8]) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::from_slice(payload)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_are_accepted_exactly_if_a_strict_decoder_accepts_them(
        payload in prop_oneof![mutated(value()), mutated(object()), object().prop_map(String::into_bytes)],
    ) {
        let (ours, theirs) = (validate(&payload), strict(&payload));
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?} {:?}", String::from_utf8_lossy(&payload), ours, theirs);
    }

    #[test]
    fn any_bytes_are_accepted_exactly_if_a_strict_decoder_accepts_them(
        payload in proptest::collection::vec(
            prop_oneof![3 => proptest::sample::select(&b"{}[]\":,\\ 01e.-truefalsn\n"[..]), 1 => any::<u8>()], 0..200,
        ),
    ) {
        prop_assert_eq!(validate(&payload).is_ok(), strict(&payload).is_ok());
    }

    #[test]
    fn the_first_fault_is_where_no_continuation_is_json_any_more(payload in mutated(object())) {
        if let Err(Refusal::Malformed(malformed)) = validate(&payload) {
            prop_assert!(malformed.column >= 1 && malformed.column <= payload.len() + 1);
            // All before the fault could still become JSON: a decoder runs into its end, or into
            // the fault at the very end that a cut makes (a number cut short, half a character).
            let before = &payload[..malformed.column - 1];
            if let Err(Refusal::Malformed(cut)) = validate(before) {
                prop_assert_eq!(cut.column, malformed.column, "{:?}: {} {}", String::from_utf8_lossy(&payload), malformed, cut);
            }
        }
    }
}

/// Each text, and what is said of it.
const FAULTS: &[(&[u8], &str)] = &[
    (b"", "column 1: expected a value, found the end"),
    (b"  ", "column 3: expected a value, found the end"),
    (b"{\"a\":1} x", "column 9: expected the end, found 'x'"),
    (b"{\"a\":1}{}", "column 8: expected the end, found '{'"),
    (b"{\"a\" 1}", "column 6: expected ':', found '1'"),
    (b"{\"a\":}", "column 6: expected a value, found '}'"),
    (b"{a:1}", "column 2: expected a name in quotes, found 'a'"),
    (b"{\"a\":1,}", "column 8: expected a name in quotes, found '}'"),
    (b"{,}", "column 2: expected a name in quotes, found ','"),
    (b"[1,]", "column 4: expected a value, found ']'"),
    (b"[1 2]", "column 4: expected ',' or ']', found '2'"),
    (b"{\"a\":[1}", "column 8: expected ',' or ']', found '}'"),
    (b"{\"a\":{\"b\":1]}", "column 12: expected ',' or '}', found ']'"),
    (b"{\"a\":01}", "column 7: expected no digit after a leading 0, found '1'"),
    (b"{\"a\":-}", "column 7: expected a digit, found '}'"),
    (b"{\"a\":1.}", "column 8: expected a digit, found '}'"),
    (b"{\"a\":.5}", "column 6: expected a value, found '.'"),
    (b"{\"a\":+1}", "column 6: expected a value, found '+'"),
    (b"{\"a\":1e}", "column 8: expected a digit, found '}'"),
    (b"{\"a\":1e+}", "column 9: expected a digit, found '}'"),
    (b"{\"a\":NaN}", "column 6: expected a value, found 'N'"),
    (b"{\"a\":tru}", "column 6: expected a value, found 't'"),
    (b"{\"a\":truely}", "column 10: expected ',' or '}', found 'l'"),
    (b"{'a':1}", "column 2: expected a name in quotes, found '''"),
    (b"{\"a\":\"x", "column 8: expected a closing quote, found the end"),
    (b"{\"a\":\"x\\\"}", "column 11: expected a closing quote, found the end"),
    (b"{\"a\":\"x\ny\"}", "column 8: expected an escape instead of a control character, found byte 0x0a"),
    (b"{\"a\":\"\\x\"}", "column 8: expected an escape, found 'x'"),
    (b"{\"a\":\"\\u12g4\"}", "column 11: expected a hexadecimal digit, found 'g'"),
    (b"{\"a\":\"\\ud800\"}", "column 7: expected a pair of surrogates, found '\\'"),
    (b"{\"\\udc00\":1}", "column 3: expected a pair of surrogates, found '\\'"),
    (b"{\"z\":[[\"\\ud800\\u0041\"]]}", "column 9: expected a pair of surrogates, found '\\'"),
    (b"{\"a\":\"\xff\"}", "column 7: expected UTF-8, found byte 0xff"),
    (b"{\"a\":\"\xc3\xa9\xed\xa0\x80\"}", "column 9: expected UTF-8, found byte 0xed"),
    (b"{\"a\":1 \xff}", "column 8: expected ',' or '}', found byte 0xff"),
    (b"\xef\xbb\xbf{}", "column 1: expected a value, found '\u{feff}'"),
    (b"{\"a\":1\0}", "column 7: expected ',' or '}', found byte 0x00"),
    (b"{\"a\":1\\}", "column 7: expected ',' or '}', found '\\'"),
    ("{\"a\":é}".as_bytes(), "column 6: expected a value, found 'é'"),
];

#[test]
fn faults_are_named_with_their_column_and_what_was_found() {
    for (payload, expected) in FAULTS {
        let found = validate(payload).expect_err("malformed").to_string();
        assert_eq!(found.as_bytes(), expected.as_bytes(), "{}", String::from_utf8_lossy(payload));
        assert!(strict(payload).is_err());
    }
}

#[test]
fn every_kind_of_document_is_accepted() {
    for payload in [
        "{}",
        "[]",
        "0",
        "-0.0e+00",
        "\"\"",
        "null",
        " \t\r\n{ \"a\" : [ ] } \n",
        "\"\\uD83D\\uDE00\"",
        "\"\u{7f}\"",
    ] {
        validate(payload.as_bytes()).expect(payload);
    }
}

#[test]
fn nesting_is_bounded_and_takes_no_stack() {
    let nested = |open: &str, close: &str, levels: u32| {
        open.repeat(levels as usize) + "0" + &close.repeat(levels as usize)
    };
    for (open, close) in [("[", "]"), ("[[{\"a\":", "}]]")] {
        let levels = DEPTH_MAX / open.matches(['[', '{']).count() as u32;
        validate(nested(open, close, levels).as_bytes()).expect("as deep as allowed");
        validate(nested(open, close, levels + 1).as_bytes()).expect_err("one level too deep");
    }
    let bottomless = "{\"a\":[".repeat(1 << 20);
    let error = validate(bottomless.as_bytes()).expect_err("too deep").to_string();
    assert_eq!(error, "column 385: expected no more than 128 levels of nesting, found '{'");
}

#[test]
fn texts_of_every_length_end_at_their_quote() {
    for length in 0..300 {
        for inside in ["x", "é", "\\\\", "\\\""] {
            let payload = format!("[\"{}\",1]", inside.repeat(length));
            validate(payload.as_bytes()).expect(&payload);
            let open = format!("[\"{}\\\",1]", inside.repeat(length));
            validate(open.as_bytes()).expect_err(&open);
        }
    }
}
