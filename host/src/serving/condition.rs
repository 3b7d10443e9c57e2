//! `OUTPUT>VALUE`: what a row must be like to be in an answer.

use crate::column::Value;
use crate::description::{Field, Kind};
use crate::rows::Rows;
use crate::time::TimeRule;
use std::cmp::Ordering;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// Two characters before one: `>=` is no `>`.
const OPERATORS: [(&str, Operator); 6] = [
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    ("!=", Operator::Unequal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("=", Operator::Equal),
];

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    column: usize,
    operator: Operator,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Bytes(Vec<u8>),
}

impl Condition {
    pub fn new(fields: &[Field], text: &str) -> Result<Condition, String> {
        let place = OPERATORS.iter().filter_map(|(sign, operator)| Some((text.find(sign)?, sign, *operator)));
        // The leftmost; of two that begin at one place the longer, which comes first.
        let Some((at, sign, operator)) =
            place.min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())))
        else {
            return Err(format!("'{text}' is no condition; write OUTPUT>VALUE, with one of > >= < <= = !="));
        };
        let (name, value) =
            (text.get(..at).unwrap_or_default(), text.get(at + sign.len()..).unwrap_or_default());
        let names = || fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ");
        let column = fields.iter().position(|field| field.name == name);
        let column =
            column.ok_or_else(|| format!("there is no column '{name}'; the columns are {}", names()))?;
        let kind = fields.get(column).map_or(Kind::Text, |field| field.kind.clone());
        Ok(Condition { column, operator, wanted: Wanted::new(name, &kind, value)? })
    }

    /// A null is equal to null alone, and neither greater nor less than anything.
    pub fn holds(&self, rows: &Rows, row: usize) -> bool {
        let Some((field, column)) = rows.fields.get(self.column).zip(rows.columns.get(self.column)) else {
            return false;
        };
        let value = column.value(&field.kind, row);
        let wanted = self.wanted.value();
        let is_null = matches!(value, Value::Absent);
        if is_null || self.wanted == Wanted::Null {
            let same = is_null && self.wanted == Wanted::Null;
            return match self.operator {
                Operator::Equal => same,
                Operator::Unequal => !same,
                _ => false,
            };
        }
        let order = compare(value, wanted);
        match self.operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::Unequal => order != Ordering::Equal,
            Operator::Less => order == Ordering::Less,
            Operator::AtMost => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::AtLeast => order != Ordering::Less,
        }
    }
}

impl Wanted {
    fn new(name: &str, kind: &Kind, text: &str) -> Result<Wanted, String> {
        let not = |what: &str| format!("'{name}' is {what}, which '{text}' is not");
        if text == "null" {
            return Ok(Wanted::Null);
        }
        match kind {
            Kind::Boolean => Ok(Wanted::Boolean(text.parse().map_err(|_| not("true or false"))?)),
            Kind::Integer => Ok(Wanted::Integer(text.parse().map_err(|_| not("an integer"))?)),
            Kind::Float => Ok(Wanted::Float(text.parse().map_err(|_| not("a number"))?)),
            Kind::Timestamp => {
                let time = TimeRule::default().parse_text(text.as_bytes());
                Ok(Wanted::Integer(time.map_err(|_| not("a time"))?))
            }
            Kind::Decimal(digits) => {
                let scaled = decimal(text, *digits);
                Ok(Wanted::Integer(scaled.ok_or_else(|| not(&format!("a decimal of {digits} digits")))?))
            }
            Kind::Text => Ok(Wanted::Bytes(text.as_bytes().to_vec())),
            kind => Err(format!("'{name}' is {kind}, which cannot be compared")),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Wanted::Null => Value::Absent,
            Wanted::Boolean(value) => Value::Boolean(*value),
            Wanted::Integer(value) => Value::Integer(*value),
            Wanted::Float(value) => Value::Float(*value),
            Wanted::Bytes(value) => Value::Bytes(value),
        }
    }
}

/// `12.5` with two digits is 1250.
pub fn decimal(text: &str, digits: u8) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let zeros = usize::from(digits).checked_sub(fraction.len())?;
    let all = format!("{whole}{fraction}{}", "0".repeat(zeros));
    all.parse::<i64>().ok()?.checked_mul(sign)
}

/// Values of one kind; null first.
pub fn compare(a: Value<'_>, b: Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(&b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(&b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(&b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Absent, Value::Absent) => Ordering::Equal,
        (Value::Absent, _) => Ordering::Less,
        (_, Value::Absent) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}
