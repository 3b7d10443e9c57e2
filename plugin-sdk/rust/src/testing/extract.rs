//! JSON events to columns, slowly and plainly: one value at a time, for the tests of plugins. A host
//! has its own, fast one; both follow the same rules.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::column::{Builder, Column};
use crate::description::{Field, Filter};
use crate::value::{Datum, Kind, Timestamp};

/// One event of a bench, with its inputs in the order of their declaration.
pub(super) struct Record {
    pub(super) offset: i64,
    pub(super) time: Timestamp,
    pub(super) inputs: Vec<Datum>,
}

/// The columns of `records`.
pub(super) fn columns(fields: &[Field], records: &[Record]) -> Vec<Column> {
    let column = |(i, field): (usize, &Field)| {
        let mut column = Builder::new(field.kind);
        records.iter().for_each(|record| column.push_datum(&record.inputs[i]));
        column.finish()
    };
    fields.iter().enumerate().map(column).collect()
}

/// The value of an input, or why the event is to be rejected.
pub(super) fn input(field: &Field, offset: i64, time: Timestamp, payload: &str) -> Result<Datum, String> {
    let datum = match field.path.as_str() {
        "" => Datum::Binary(payload.as_bytes().to_vec()),
        "@offset" => Datum::Integer(offset),
        "@time" | "@ingested" => Datum::Integer(time.0),
        path if path.starts_with('@') => Datum::Absent,
        path => match raw_at(payload, path)? {
            Some(raw) => parse(field.kind, &raw)
                .ok_or_else(|| format!("{path}: {raw} is not of kind {:?}", field.kind))?,
            None => Datum::Absent,
        },
    };
    if field.required && datum == Datum::Absent {
        return Err(format!("{}: is missing", field.path));
    }
    Ok(datum)
}

/// Whether the filter wants the event.
pub(super) fn is_wanted(only: Option<&Filter>, payload: &str) -> bool {
    let Some(only) = only else { return true };
    let raw = raw_at(payload, &only.path).ok().flatten();
    let text = raw.and_then(|raw| serde_json::from_str::<String>(&raw).ok());
    text.is_some_and(|text| only.one_of.contains(&text))
}

/// The event's time.
pub(super) fn time(payload: &str, path: &str, unit: &str) -> Result<Timestamp, String> {
    let raw = raw_at(payload, path)?.ok_or_else(|| format!("{path}: the time is missing"))?;
    let number = raw.parse::<i64>().ok().and_then(|number| match unit {
        "s" => number.checked_mul(1000),
        "us" => Some(number.div_euclid(1000)),
        "ns" => Some(number.div_euclid(1_000_000)),
        _ => Some(number),
    });
    match number.map(Datum::Integer).or_else(|| parse(Kind::Timestamp, &raw)) {
        Some(Datum::Integer(ms)) => Ok(Timestamp(ms)),
        _ => Err(format!("{path}: {raw} is not a time")),
    }
}

/// The JSON text at a path; `None` if nothing or null is there.
fn raw_at(payload: &str, path: &str) -> Result<Option<String>, String> {
    let root: &RawValue = serde_json::from_str(payload).map_err(|error| format!("not JSON: {error}"))?;
    let steps: Vec<String> = match path.strip_prefix('/') {
        Some(pointer) => pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
        None => path.split('.').map(str::to_owned).collect(),
    };
    let mut at = root.get();
    for step in steps {
        let next = if at.starts_with('[') {
            let list: Vec<&RawValue> = serde_json::from_str(at).map_err(|error| error.to_string())?;
            step.parse::<usize>().ok().and_then(|i| list.get(i).copied())
        } else if at.starts_with('{') {
            let object: BTreeMap<String, &RawValue> =
                serde_json::from_str(at).map_err(|error| error.to_string())?;
            object.get(&step).copied()
        } else {
            None
        };
        match next {
            Some(next) => at = next.get(),
            None => return Ok(None),
        }
    }
    Ok((at != "null").then(|| at.to_owned()))
}

/// JSON text as a value of a kind; `None`: it is none.
fn parse(kind: Kind, raw: &str) -> Option<Datum> {
    let text = || serde_json::from_str::<String>(raw).ok();
    match kind {
        Kind::Boolean => raw.parse().ok().map(Datum::Boolean),
        Kind::Integer => raw.parse().ok().map(Datum::Integer),
        Kind::Float if raw.starts_with('"') => None,
        Kind::Float => raw.parse().ok().map(Datum::Float),
        Kind::Text => text().map(Datum::Text),
        Kind::Binary => text().and_then(|text| base64(&text)).map(Datum::Binary),
        Kind::Timestamp => match raw.parse() {
            Ok(ms) => Some(Datum::Integer(ms)),
            Err(_) => text().and_then(|text| instant(&text)).map(Datum::Integer),
        },
        Kind::Decimal(digits) => {
            decimal(&text().unwrap_or_else(|| raw.to_owned()), digits).map(Datum::Integer)
        }
        Kind::Json => Some(Datum::Json(raw.to_owned())),
    }
}

fn decimal(text: &str, digits: u8) -> Option<i64> {
    let (sign, number) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    if !is_number(whole) || !(fraction.is_empty() || is_number(fraction)) || fraction.len() > digits.into() {
        return None;
    }
    let units: i128 = format!("{whole}{fraction:0<width$}", width = usize::from(digits)).parse().ok()?;
    i64::try_from(sign * units).ok()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    text.len().is_multiple_of(4).then_some(bytes)
}

/// RFC 3339, or the same without a zone, which is UTC; also with a space for the T, or a date alone.
fn instant(text: &str) -> Option<i64> {
    let (date, time) = text.split_at_checked(10)?;
    let [year, month, day] = numbers(date, '-')?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let day_ms = days(year, month, day) * 86_400_000;
    let Some(time) = time.strip_prefix(['T', 't', ' ']) else { return time.is_empty().then_some(day_ms) };
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    let ms = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?;
    let zone_ms = match zone {
        "" | "Z" | "z" => 0,
        _ => {
            let [hours, minutes] = numbers(zone.get(1..)?, ':')?;
            (hours * 60 + minutes) * if zone.starts_with('-') { -60_000 } else { 60_000 }
        }
    };
    Some(day_ms + ((hour * 60 + minute) * 60 + second) * 1000 + ms - zone_ms)
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let parts = text.split(between).map(str::parse).collect::<Result<Vec<i64>, _>>().ok()?;
    parts.try_into().ok()
}

/// Days since 1970-01-01. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_back_from_what_they_show() {
        for ms in [0, 1, 951_782_400_000, 1_077_926_400_000, -1, -62_135_596_800_000, 253_402_300_799_999] {
            assert_eq!(instant(&Timestamp(ms).to_string()), Some(ms), "{}", Timestamp(ms));
        }
        assert_eq!(instant("2001-01-01T02:01:00+02:00"), instant("2001-01-01 00:01:00"));
        assert_eq!(instant("2001-01-01T02:01:00.9999Z").map(|ms| ms % 1000), Some(999));
        assert_eq!(instant("2001-01-01"), Some(978_307_200_000));
        assert_eq!(instant("yesterday at"), None);
    }

    #[test]
    fn values_are_exactly_of_their_kind() {
        let cases = [
            (Kind::Integer, "1.0", None),
            (Kind::Integer, "-7", Some(Datum::Integer(-7))),
            (Kind::Decimal(2), "12.5", Some(Datum::Integer(1250))),
            (Kind::Decimal(2), "\"-0.05\"", Some(Datum::Integer(-5))),
            (Kind::Decimal(2), "12.505", None),
            (Kind::Decimal(2), "1e2", None),
            (Kind::Float, "\"1\"", None),
            (Kind::Float, "1e3", Some(Datum::Float(1000.0))),
            (Kind::Text, "7", None),
            (Kind::Binary, "\"AQI=\"", Some(Datum::Binary(vec![1, 2]))),
            (Kind::Json, "[1, {}]", Some(Datum::Json("[1, {}]".into()))),
        ];
        for (kind, raw, expected) in cases {
            assert_eq!(parse(kind, raw), expected, "{kind:?} {raw}");
        }
    }

    #[test]
    fn paths_are_dotted_or_pointers_and_the_last_of_two_names_counts() {
        let payload = r#"{"a":{"b":[{"c":1}]},"a/b":2,"d":1,"d":3,"e":null}"#;
        let at = |path| raw_at(payload, path).unwrap();
        assert_eq!(at("a.b").as_deref(), Some(r#"[{"c":1}]"#));
        assert_eq!(at("/a/b/0/c").as_deref(), Some("1"));
        assert_eq!(at("/a~1b").as_deref(), Some("2"));
        assert_eq!(at("d").as_deref(), Some("3"));
        assert_eq!((at("e"), at("f"), at("a.x.y")), (None, None, None));
    }
}
