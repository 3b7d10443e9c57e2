//! Epoch numbers, exact: read from their characters, never through a float.

use super::{Error, Unit};

/// `-?digits[.digits]`, cut into its parts.
struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
}

fn split(text: &[u8]) -> Option<Number<'_>> {
    let (negative, text) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let whole = parts.next()?;
    let fraction = parts.next();
    let are_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    (are_digits(whole) && fraction.is_none_or(are_digits)).then_some(Number {
        negative,
        whole,
        fraction: fraction.unwrap_or_default(),
    })
}

pub(super) fn is_number(text: &[u8]) -> bool {
    split(text).is_some()
}

pub(super) fn epoch_ms(text: &[u8], unit: Unit) -> Result<i64, Error> {
    // Milliseconds are the number with its point moved `right` digits to the right.
    let right: i32 = match unit {
        Unit::Seconds => 3,
        Unit::Milliseconds => 0,
        Unit::Microseconds => -3,
        Unit::Nanoseconds => -6,
    };
    let number = split(text).ok_or(Error::NotANumber)?;
    let whole_digits = number.whole.len() as i64 + i64::from(right);
    let mut ms: i64 = 0;
    let mut below = false;
    for (i, digit) in number.whole.iter().chain(number.fraction).enumerate() {
        let digit = i64::from(digit - b'0');
        if (i as i64) < whole_digits {
            ms = ms.checked_mul(10).and_then(|ms| ms.checked_sub(digit)).ok_or(Error::OutOfRange)?;
        } else {
            below |= digit != 0;
        }
    }
    // A fraction shorter than the move is filled up with zeros.
    let given = (number.whole.len() + number.fraction.len()) as i64;
    for _ in given..whole_digits {
        ms = ms.checked_mul(10).ok_or(Error::OutOfRange)?;
    }
    // Counted downwards, since the least i64 has no positive counterpart.
    match number.negative {
        true => ms.checked_sub(i64::from(below)),
        false => ms.checked_neg(),
    }
    .ok_or(Error::OutOfRange)
}
