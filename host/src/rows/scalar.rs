//! How single values look as text, in every format that is text. Writes into buffers that grow; no
//! value costs an allocation.

use crate::time::Rfc3339;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

const DAY_MS: i64 = 86_400_000;

/// Prints times as [`Rfc3339`] does, and remembers the last date: neighbours mostly share it.
#[derive(Debug)]
pub struct Moments {
    day: Option<i64>,
    /// The date and the `T`.
    date: String,
}

impl Moments {
    pub fn new() -> Moments {
        Moments { day: None, date: String::new() }
    }

    pub fn write(&mut self, out: &mut Vec<u8>, time_ms: i64) {
        let day = time_ms.div_euclid(DAY_MS);
        if self.day != Some(day) {
            // The first day of all begins before the least i64.
            let midnight = Rfc3339(day.checked_mul(DAY_MS).unwrap_or(time_ms)).to_string();
            self.date = midnight.split_inclusive('T').next().unwrap_or_default().into();
            self.day = Some(day);
        }
        out.extend_from_slice(self.date.as_bytes());
        let rest_ms = time_ms.rem_euclid(DAY_MS) as u32;
        let second = rest_ms / 1000;
        out.extend_from_slice(&two_digits(second / 3600));
        out.push(b':');
        out.extend_from_slice(&two_digits(second / 60 % 60));
        out.push(b':');
        out.extend_from_slice(&two_digits(second % 60));
        let ms = rest_ms % 1000;
        if ms != 0 {
            out.push(b'.');
            out.push(b'0' + (ms / 100) as u8);
            out.extend_from_slice(&two_digits(ms % 100));
        }
        out.push(b'Z');
    }
}

impl Default for Moments {
    fn default() -> Moments {
        Moments::new()
    }
}

fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

pub fn integer(out: &mut Vec<u8>, number: i64) {
    json(out, &number);
}

/// The shortest text that reads back as the same number, which is finite: with a point, or with an
/// exponent where it is below 10^-4 or from 10^16 on. It is the rule of every SDK, so that a float prints
/// the same in a column and within a `json` output.
pub fn float(out: &mut Vec<u8>, number: f64) {
    shortest(out, ryu::Buffer::new().format_finite(number));
}

/// [`float`] of a number of single precision, which needs fewer digits.
pub fn float32(out: &mut Vec<u8>, number: f32) {
    shortest(out, ryu::Buffer::new().format_finite(number));
}

/// All `digits` digits after the point: 1182.50.
pub fn decimal(out: &mut Vec<u8>, number: i64, digits: u8) {
    let Some(unit) = 10u64.checked_pow(u32::from(digits)) else { return integer(out, number) };
    if number < 0 {
        out.push(b'-');
    }
    json(out, &(number.unsigned_abs() / unit));
    if digits > 0 {
        let point = out.len();
        // The unit in front makes for leading zeros; its 1 becomes the point.
        json(out, &(number.unsigned_abs() % unit + unit));
        if let Some(one) = out.get_mut(point) {
            *one = b'.';
        }
    }
}

pub fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let from = out.len();
    out.resize(from + base64::encoded_len(bytes.len(), true).unwrap_or(0), 0);
    if let Some(place) = out.get_mut(from..) {
        // The place is exactly as long as the text.
        let written = STANDARD.encode_slice(bytes, place);
        debug_assert!(written.is_ok());
    }
}

/// A text with quotes and escapes.
pub fn quoted(out: &mut Vec<u8>, text: &str) {
    json(out, text);
}

/// What ryu prints, whose rule begins with exponents one digit later. (The standard library has another last
/// digit where two are equally near.)
fn shortest(out: &mut Vec<u8>, text: &str) {
    let (sign, size) = text.strip_prefix('-').map_or(("", text), |size| ("-", size));
    let Some((first, rest)) = size.strip_prefix("0.0000").and_then(|digits| digits.split_at_checked(1))
    else {
        return out.extend_from_slice(text.as_bytes());
    };
    let point = if rest.is_empty() { "" } else { "." };
    [sign, first, point, rest, "e-5"].iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}

/// Numbers and texts by serde_json, which cannot fail for them.
fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_have_one_text() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (1e-4, "0.0001"),
            (1e-5, "1e-5"),
            (-1.5e-5, "-1.5e-5"),
            (9.9e-5, "9.9e-5"),
            (1.5e-6, "1.5e-6"),
            (9_007_199_254_740_992.0, "9007199254740992.0"),
            (1e16, "1e16"),
            (1e100, "1e100"),
            (5e-324, "5e-324"),
            // 30023997515803.3125: of two that are equally near, the even one.
            (30_023_997_515_803.312, "30023997515803.312"),
        ];
        for (number, expected) in cases {
            let mut out = Vec::new();
            float(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        let mut out = Vec::new();
        float32(&mut out, 0.1);
        assert_eq!(out, b"0.1");
    }
}
