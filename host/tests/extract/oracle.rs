//! What extraction must give, by the slow road: a whole tree, then strings of digits.

use crate::OwnedValue;
use base64::Engine;
use bifocal::description::Kind;
use bifocal::event::Typing;
use chrono::DateTime;
use serde_json::Value;

/// The value at a path of names; an array is entered by digits.
pub fn lookup<'a>(document: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().try_fold(document, |value, name| match value {
        Value::Object(members) => members.get(*name),
        Value::Array(elements) if *name == "0" || !name.starts_with('0') => {
            elements.get(name.parse::<usize>().ok()?)
        }
        _ => None,
    })
}

/// The value of a kind; Err if it is of another type.
pub fn cast(value: Option<&Value>, kind: &Kind, typing: Typing) -> Result<Option<OwnedValue>, ()> {
    let value = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let any = typing == Typing::Text;
    let cast = match (kind, value) {
        (Kind::Boolean, Value::Bool(value)) => OwnedValue::Boolean(*value),
        (Kind::Boolean, Value::String(text)) if any => OwnedValue::Boolean(text.parse().map_err(|_| ())?),
        (Kind::Integer, Value::Number(number)) => OwnedValue::Integer(scaled(&number.to_string(), 0, false)?),
        (Kind::Integer, Value::String(text)) if any => OwnedValue::Integer(scaled(text, 0, false)?),
        (Kind::Decimal(n), Value::Number(number)) => {
            OwnedValue::Integer(scaled(&number.to_string(), *n, true)?)
        }
        (Kind::Decimal(n), Value::String(text)) => OwnedValue::Integer(scaled(text, *n, true)?),
        (Kind::Float, Value::Number(number)) => float(&number.to_string())?,
        (Kind::Float, Value::String(text)) if any => {
            let plain = text.bytes().all(|byte| b"0123456789+-.eE".contains(&byte));
            let point = text.split(['e', 'E']).next().unwrap_or_default();
            let point = point.strip_prefix('-').unwrap_or(point);
            let digits =
                point.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
            if !plain || !digits {
                return Err(());
            }
            float(text)?
        }
        (Kind::Text, Value::String(text)) => OwnedValue::Bytes(text.clone().into_bytes()),
        (Kind::Binary, Value::String(text)) => {
            OwnedValue::Bytes(base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| ())?)
        }
        (Kind::Timestamp, Value::String(text)) => OwnedValue::Integer(time(text)?),
        _ => return Err(()),
    };
    Ok(Some(cast))
}

fn float(text: &str) -> Result<OwnedValue, ()> {
    let number: f64 = text.parse().map_err(|_| ())?;
    if number.is_finite() { Ok(OwnedValue::Float(number.to_bits())) } else { Err(()) }
}

/// Digits with the point moved `n` places to the right.
fn scaled(text: &str, n: u8, may_have_point: bool) -> Result<i64, ()> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || (digits.contains('.') && !may_have_point) {
        return Err(());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(n) {
        return Err(());
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    format!("{sign}{whole}{fraction:0<width$}", width = usize::from(n)).parse().map_err(|_| ())
}

/// Only what both RFC 3339 and chrono know, with what the rule adds filled in.
fn time(text: &str) -> Result<i64, ()> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        _ if text.len() > 10 && !text.get(10..).unwrap_or("Z").contains(['Z', 'z', '+', '-']) => {
            format!("{text}Z")
        }
        _ => text.into(),
    };
    DateTime::parse_from_rfc3339(&full).map(|time| time.timestamp_millis()).map_err(|_| ())
}
