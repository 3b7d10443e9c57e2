//! Raw JSON text as a value, and values as JSON, by the rules of the host's own JSON output.

mod read;

use std::cmp::Ordering;
use std::fmt::Write;

use super::decimal::write_decimal;
use super::{Codec, Datum, DecodeError, Kind, OutOfRange, Timestamp, Value};

pub use read::JsonError;

/// The text of one JSON value as it stands in the payload, borrowed from a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<'a>(pub &'a str);

/// The text of one JSON value, owned: what a state holds. Kept and compared as bytes, never parsed;
/// whoever makes one answers for its being JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonText(pub String);

impl Codec for JsonText {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        String::decode(input).map(Self)
    }
}

impl Value for JsonText {
    type Ref<'a> = Json<'a>;
    const KIND: Kind = Kind::Json;

    fn lend(&self) -> Json<'_> {
        Json(&self.0)
    }

    fn own(of: Json<'_>) -> Self {
        Self(of.0.to_owned())
    }

    fn compare(a: Json<'_>, b: Json<'_>) -> Ordering {
        a.0.cmp(b.0)
    }

    fn datum(of: Json<'_>) -> Result<Datum, OutOfRange> {
        Ok(Datum::Json(of.0.to_owned()))
    }
}

/// Beyond these a double, which is all that many readers of JSON have, no longer tells neighbours
/// apart.
const EXACT_MAX: u64 = 1 << 53;

pub(crate) fn write_datum(kind: Kind, datum: &Datum, out: &mut String) {
    match datum {
        Datum::Absent => out.push_str("null"),
        Datum::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Datum::Integer(value) => write_integer(kind, *value, out),
        Datum::Float(value) if value.is_finite() => write_float(*value, out),
        Datum::Float(_) => out.push_str("null"),
        Datum::Text(text) => write_text(text, out),
        Datum::Binary(bytes) => write_base64(bytes, out),
        Datum::Json(json) => out.push_str(json),
    }
}

fn write_integer(kind: Kind, value: i64, out: &mut String) {
    match kind {
        Kind::Timestamp => put(write!(out, "\"{}\"", Timestamp(value))),
        Kind::Decimal(digits) => put(write_decimal(value.into(), digits, out)),
        _ if value.unsigned_abs() > EXACT_MAX => put(write!(out, "\"{value}\"")),
        _ => put(write!(out, "{value}")),
    }
}

/// The shortest text that reads back as the same number: with a point, or with an exponent where it is below
/// 10^-4 or from 10^16 on. ryu begins with exponents one digit later; the standard library has another last
/// digit where two are equally near.
fn write_float(finite: f64, out: &mut String) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(finite);
    let (sign, size) = text.strip_prefix('-').map_or(("", text), |size| ("-", size));
    let Some((first, rest)) = size.strip_prefix("0.0000").and_then(|digits| digits.split_at_checked(1))
    else {
        return out.push_str(text);
    };
    let point = if rest.is_empty() { "" } else { "." };
    [sign, first, point, rest, "e-5"].iter().for_each(|part| out.push_str(part));
}

/// Writing to a `String` cannot fail.
fn put(written: std::fmt::Result) {
    debug_assert!(written.is_ok());
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' => put(write!(out, "\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// RFC 4648, the standard alphabet, padded.
fn write_base64(bytes: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.push('"');
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= group.len() { char::from(digit) } else { '=' });
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_have_one_text() {
        let cases = [
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1e-4, "0.0001"),
            (-1.5e-5, "-1.5e-5"),
            (1e-5, "1e-5"),
            (1.5e-6, "1.5e-6"),
            (1e16, "1e16"),
            (1e300, "1e300"),
            // 30023997515803.3125: of two that are equally near, the even one.
            (30_023_997_515_803.312, "30023997515803.312"),
        ];
        for (number, expected) in cases {
            let mut out = String::new();
            write_float(number, &mut out);
            assert_eq!(out, expected);
        }
    }
}
