//! Fields of a payload, by the rules that the documentation states: missing or null is absent, a
//! present value of another type is unfit.

use super::Unfit;
use serde_json::{Map, Value};

pub fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, Unfit> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Unfit),
    }
}

/// Exact 64 bits, no fraction, no exponent.
pub fn integer(object: &Map<String, Value>, name: &str) -> Result<Option<i64>, Unfit> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number.to_string().parse().map(Some).map_err(|_| Unfit),
        Some(_) => Err(Unfit),
    }
}

/// The double nearest to a number.
pub fn number(object: &Map<String, Value>, name: &str) -> Result<Option<f64>, Unfit> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number.to_string().parse().map(Some).map_err(|_| Unfit),
        Some(_) => Err(Unfit),
    }
}

/// In hundredths, from the characters of a number or a string: an exponent, or digits other than 0
/// after the second, are unfit.
pub fn cents(object: &Map<String, Value>, name: &str) -> Result<Option<i64>, Unfit> {
    let text = match object.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(Unfit),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = fraction.trim_end_matches('0');
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let magnitude = whole.strip_prefix('-').unwrap_or(whole);
    if magnitude.is_empty() || digits.len() > 2 || !is_number(magnitude) || !is_number(fraction) {
        return Err(Unfit);
    }
    let units: i128 = format!("{magnitude}{digits:0<2}").parse().map_err(|_| Unfit)?;
    let signed = if whole.starts_with('-') { -units } else { units };
    i64::try_from(signed).map(Some).map_err(|_| Unfit)
}

/// Milliseconds of `2001-02-03T04:05:06Z`, with or without a fraction of up to three digits: the only
/// times that cases hold within their payloads.
pub fn time(object: &Map<String, Value>, name: &str) -> Result<Option<i64>, Unfit> {
    let text = match object.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(Unfit),
    };
    let parts: Vec<&str> = text.split(['-', 'T', ':', '.', 'Z']).collect();
    let number = |i: usize| parts.get(i).and_then(|part| part.parse::<i64>().ok()).ok_or(Unfit);
    let (year, month, day) = (number(0)?, number(1)?, number(2)?);
    if !(1..=12).contains(&month) {
        return Err(Unfit);
    }
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut days = day - 1;
    days += (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<i64>();
    let months = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += months.iter().take(month as usize - 1).sum::<i64>();
    let ms = if text.contains('.') { number(6)? } else { 0 };
    Ok(Some((((days * 24 + number(3)?) * 60 + number(4)?) * 60 + number(5)?) * 1_000 + ms))
}

/// The object at a name; anything else has no fields.
pub fn object(object: &Map<String, Value>, name: &str) -> Map<String, Value> {
    object.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The value of a field that must be there.
pub fn required<T>(value: Option<T>) -> Result<T, Unfit> {
    value.ok_or(Unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_by_the_calendar() {
        for (json, expected) in [
            ("\"1970-01-01T00:00:00Z\"", Some(0)),
            ("\"2000-03-01T00:00:00Z\"", Some(951_868_800_000)),
            ("\"2026-11-20T00:00:00.007Z\"", Some(1_795_132_800_007)),
            ("\"soon\"", None),
            ("{}", None),
        ] {
            let object = serde_json::from_str(&format!("{{\"a\":{json}}}")).unwrap();
            assert_eq!(time(&object, "a").ok().flatten(), expected, "{json}");
        }
    }

    #[test]
    fn cents_are_read_from_characters() {
        for (json, expected) in [
            ("1182.5", Some(118_250)),
            ("-0.00", Some(0)),
            ("\"12.340\"", Some(1_234)),
            ("92233720368547758.07", Some(i64::MAX)),
            ("-92233720368547758.08", Some(i64::MIN)),
            ("92233720368547758.08", None),
            ("1.005", None),
            ("1e2", None),
            ("\"\"", None),
            ("true", None),
        ] {
            let object = serde_json::from_str(&format!("{{\"a\":{json}}}")).unwrap();
            assert_eq!(cents(&object, "a").ok().flatten(), expected, "{json}");
        }
    }
}
