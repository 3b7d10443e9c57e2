//! Random JSON texts, nearly JSON texts, and worse.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Names that the tests' paths have, among others; each also in an escaped spelling.
const NAMES: [&str; 12] = [
    "a",
    "b",
    "c",
    "0",
    "1",
    "a\\u0062",
    "\\u0061",
    "a_rather_long_name_of_a_field",
    "a_rather_long_name_of_b_field",
    "",
    "a/b",
    "~",
];

fn space() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just("\r ")].prop_map(String::from)
}

pub fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i16>().prop_map(|n| n.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        (any::<i32>(), "[0-9]{1,5}").prop_map(|(n, f)| format!("{n}.{f}")),
        (any::<i8>(), "[0-9]{1,24}").prop_map(|(n, f)| format!("{n}.{f}")),
        "-?[1-9][0-9]{0,25}",
        (any::<i32>(), "[eE][+-]?[0-9]{1,3}").prop_map(|(n, e)| format!("{n}{e}")),
        any::<f64>().prop_filter("JSON has no infinity", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        select(
            &[
                "0",
                "-0",
                "0.0",
                "-0.00",
                "9223372036854775807",
                "9223372036854775808",
                "-9223372036854775808",
                "-9223372036854775809",
                "18446744073709551616",
                "1e400",
                "1.0",
                "92233720368547758.07",
                "92233720368547758.08",
                "01",
                "-",
                "1.",
                ".5",
                "+1",
                "1e",
                "1e+",
                "-01",
                "0x10",
                "00"
            ][..]
        )
        .prop_map(String::from),
    ]
}

fn text_part() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z0-9 ]{0,20}",
        2 => "\\PC{0,6}".prop_map(|text| text.replace(['"', '\\'], "")),
        2 => select(&["\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\uD83D\\uDE00", "\\b\\f\\r\\t", "\\u0000", "é", "😀"][..])
            .prop_map(String::from),
        1 => select(&["\\ud800", "\\udc00", "\\ud800\\u0041", "\\x", "\\u12", "\u{1}", "\n", "\\", "\\uD800\\uD800", "\u{7f}"][..])
            .prop_map(String::from),
    ]
}

pub fn text() -> impl Strategy<Value = String> {
    vec(text_part(), 0..4).prop_map(|parts| parts.concat())
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => number(),
        4 => text().prop_map(|text| format!("\"{text}\"")),
        2 => number().prop_map(|number| format!("\"{number}\"")),
        2 => select(&["true", "false", "null", "nul", "True", "\"MTIz\"", "\"MTI=\"", "\"MTJ=\"", "\"2001-01-31T23:59:60.5+02:00\"",
            "\"2001-01-31\"", "[]", "{}"][..]).prop_map(String::from),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![12 => select(&NAMES[..]).prop_map(String::from), 1 => text()]
}

fn spaced(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (space(), inner, space()).prop_map(|(before, inner, after)| before + &inner + &after)
}

pub fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(
        6,
        64,
        8,
        |inner| prop_oneof![3 => object_of(inner.clone()), 1 => array_of(inner)],
    )
}

pub fn object() -> impl Strategy<Value = String> {
    object_of(value())
}

fn object_of(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (spaced(name().prop_map(|name| format!("\"{name}\""))), spaced(inner))
        .prop_map(|(name, value)| format!("{name}:{value}"));
    spaced(vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(","))))
}

fn array_of(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    spaced(vec(spaced(inner), 0..5).prop_map(|values| format!("[{}]", values.join(","))))
}

/// A text with some of its bytes replaced, left out, doubled or cut off.
pub fn mutated(text: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => select(&b"{}[]\":,\\ 0e.-tu\n"[..]), 1 => any::<u8>()];
    (text, vec((any::<prop::sample::Index>(), 0..4, byte), 0..3)).prop_map(|(text, changes)| {
        let mut bytes = text.into_bytes();
        for (at, change, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}
