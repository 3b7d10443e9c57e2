//! Values of Arrow arrays as JSON, by the rule that the parent states. Each array's type is looked
//! at once a batch, not once a value.

use crate::rows::scalar::{self, Moments};
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::*;
use arrow_schema::{DataType, Field, TimeUnit};

const DAY_MS: i64 = 86_400_000;

/// Refuses a column that has no form, naming it.
pub fn check(field: &Field) -> Result<(), String> {
    match field.data_type() {
        DataType::List(inner) => check(inner),
        DataType::Struct(fields) => fields.iter().try_for_each(|inner| check(inner)),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                if let Some(key) = fields.first().filter(|key| key.data_type().is_nested()) {
                    return Err(format!(
                        "the keys of column '{}' are of type {}, and no text; leave the column out",
                        field.name(),
                        key.data_type()
                    ));
                }
                fields.iter().try_for_each(|inner| check(inner))
            }
            _ => Err(no_form(field)),
        },
        kind if is_plain(kind) => Ok(()),
        _ => Err(no_form(field)),
    }
}

fn no_form(field: &Field) -> String {
    format!(
        "column '{}' is of type {}, which has no form in JSON; leave it out, or write it as another type",
        field.name(),
        field.data_type()
    )
}

fn is_plain(kind: &DataType) -> bool {
    use DataType::*;
    kind.is_numeric()
        || matches!(kind, Null | Boolean | Utf8 | Binary | FixedSizeBinary(_) | Date32 | Timestamp(..))
        || matches!(kind, Time32(_) | Time64(_))
}

/// An array whose type is known, and what it takes to write its values.
pub enum Values<'a> {
    Absent,
    Boolean(&'a BooleanArray),
    Int8(&'a Int8Array),
    Int16(&'a Int16Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    UInt8(&'a UInt8Array),
    UInt16(&'a UInt16Array),
    UInt32(&'a UInt32Array),
    UInt64(&'a UInt64Array),
    Float16(&'a Float16Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    Decimal(Box<dyn Fn(usize) -> String + 'a>, i8),
    SmallDecimal(&'a Decimal128Array, u8),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
    FixedBinary(&'a FixedSizeBinaryArray),
    /// Milliseconds of a value.
    Time(Box<dyn Fn(usize) -> i64 + 'a>, Moments),
    /// Nanoseconds since midnight.
    TimeOfDay(Box<dyn Fn(usize) -> i64 + 'a>),
    List(&'a ListArray, Box<Nullable<'a>>),
    Object(Vec<(Vec<u8>, Nullable<'a>)>),
    Map(&'a MapArray, Box<Nullable<'a>>, Box<Nullable<'a>>),
}

/// Values, some of which may be null.
pub struct Nullable<'a> {
    array: Option<&'a dyn Array>,
    values: Values<'a>,
}

impl<'a> Nullable<'a> {
    fn of(array: &'a dyn Array) -> Nullable<'a> {
        let array_if_null = Some(array).filter(|array| array.null_count() > 0);
        Nullable { array: array_if_null, values: Values::of(array) }
    }

    /// Whether there was something to write.
    #[inline]
    fn write(&mut self, out: &mut Vec<u8>, i: usize) -> bool {
        if self.array.is_some_and(|array| array.is_null(i)) {
            return false;
        }
        self.values.write(out, i)
    }

    fn write_or_null(&mut self, out: &mut Vec<u8>, i: usize) {
        if !self.write(out, i) {
            out.extend_from_slice(b"null");
        }
    }
}

impl<'a> Values<'a> {
    /// Rows as objects.
    pub fn of_batch(batch: &'a RecordBatch) -> Values<'a> {
        let schema = batch.schema_ref();
        let columns = schema.fields().iter().zip(batch.columns());
        Values::Object(columns.map(|(field, column)| (head(field), Nullable::of(column.as_ref()))).collect())
    }

    fn of(array: &'a dyn Array) -> Values<'a> {
        match array.data_type() {
            DataType::Boolean => Values::Boolean(array.as_boolean()),
            DataType::Int8 => Values::Int8(array.as_primitive()),
            DataType::Int16 => Values::Int16(array.as_primitive()),
            DataType::Int32 => Values::Int32(array.as_primitive()),
            DataType::Int64 => Values::Int64(array.as_primitive()),
            DataType::UInt8 => Values::UInt8(array.as_primitive()),
            DataType::UInt16 => Values::UInt16(array.as_primitive()),
            DataType::UInt32 => Values::UInt32(array.as_primitive()),
            DataType::UInt64 => Values::UInt64(array.as_primitive()),
            DataType::Float16 => Values::Float16(array.as_primitive()),
            DataType::Float32 => Values::Float32(array.as_primitive()),
            DataType::Float64 => Values::Float64(array.as_primitive()),
            DataType::Utf8 => Values::Text(array.as_string()),
            DataType::Binary => Values::Binary(array.as_binary()),
            DataType::FixedSizeBinary(_) => Values::FixedBinary(array.as_fixed_size_binary()),
            DataType::Date32 | DataType::Timestamp(..) => Values::Time(milliseconds(array), Moments::new()),
            DataType::Time32(_) | DataType::Time64(_) => Values::TimeOfDay(nanoseconds(array)),
            DataType::List(_) => {
                let list: &ListArray = array.as_list();
                Values::List(list, Box::new(Nullable::of(list.values().as_ref())))
            }
            DataType::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                Values::Object(columns.map(|(field, column)| (head(field), Nullable::of(column))).collect())
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (keys, values) = (Nullable::of(map.keys().as_ref()), Nullable::of(map.values().as_ref()));
                Values::Map(map, Box::new(keys), Box::new(values))
            }
            _ => decimals(array),
        }
    }

    /// Whether there was something to write: NaN and infinities are nothing. `i` is in range and not
    /// null.
    #[inline]
    pub fn write(&mut self, out: &mut Vec<u8>, i: usize) -> bool {
        match self {
            Values::Absent => return false,
            Values::Boolean(array) => out.extend_from_slice(if array.value(i) { b"true" } else { b"false" }),
            Values::Int8(array) => scalar::integer(out, array.value(i).into()),
            Values::Int16(array) => scalar::integer(out, array.value(i).into()),
            Values::Int32(array) => scalar::integer(out, array.value(i).into()),
            Values::Int64(array) => scalar::integer(out, array.value(i)),
            Values::UInt8(array) => scalar::integer(out, array.value(i).into()),
            Values::UInt16(array) => scalar::integer(out, array.value(i).into()),
            Values::UInt32(array) => scalar::integer(out, array.value(i).into()),
            Values::UInt64(array) => out.extend_from_slice(array.value(i).to_string().as_bytes()),
            Values::Float16(array) => return float32(out, array.value(i).to_f32()),
            Values::Float32(array) => return float32(out, array.value(i)),
            Values::Float64(array) => return float(out, array.value(i)),
            Values::Decimal(digits, scale) => point(out, &digits(i), *scale),
            Values::SmallDecimal(array, scale) => match i64::try_from(array.value(i)) {
                Ok(number) => scalar::decimal(out, number, *scale),
                Err(_) => point(out, &array.value(i).to_string(), *scale as i8),
            },
            Values::Text(array) => scalar::quoted(out, array.value(i)),
            Values::Binary(array) => base64(out, array.value(i)),
            Values::FixedBinary(array) => base64(out, array.value(i)),
            Values::Time(time_ms, moments) => {
                out.push(b'"');
                moments.write(out, time_ms(i));
                out.push(b'"');
            }
            Values::TimeOfDay(nanoseconds) => time_of_day(out, nanoseconds(i)),
            Values::List(array, values) => list(out, range(array.value_offsets(), i), values),
            Values::Object(fields) => object(out, fields, i),
            Values::Map(array, keys, values) => map(out, range(array.value_offsets(), i), keys, values),
        }
        true
    }
}

/// A field's name, quoted, and a colon.
fn head(field: &Field) -> Vec<u8> {
    let mut head = Vec::new();
    scalar::quoted(&mut head, field.name());
    head.push(b':');
    head
}

fn object(out: &mut Vec<u8>, fields: &mut [(Vec<u8>, Nullable<'_>)], i: usize) {
    out.push(b'{');
    let mut is_first = true;
    for (head, values) in fields {
        let before = out.len();
        if !is_first {
            out.push(b',');
        }
        out.extend_from_slice(head);
        match values.write(out, i) {
            true => is_first = false,
            false => out.truncate(before),
        }
    }
    out.push(b'}');
}

fn list(out: &mut Vec<u8>, range: std::ops::Range<usize>, values: &mut Nullable<'_>) {
    out.push(b'[');
    for (count, i) in range.enumerate() {
        if count > 0 {
            out.push(b',');
        }
        values.write_or_null(out, i);
    }
    out.push(b']');
}

fn map(out: &mut Vec<u8>, range: std::ops::Range<usize>, keys: &mut Nullable<'_>, values: &mut Nullable<'_>) {
    out.push(b'{');
    for (count, i) in range.enumerate() {
        if count > 0 {
            out.push(b',');
        }
        let mut key = Vec::new();
        keys.write_or_null(&mut key, i);
        if key.starts_with(b"\"") {
            out.extend_from_slice(&key);
        } else {
            scalar::quoted(out, &String::from_utf8_lossy(&key));
        }
        out.push(b':');
        values.write_or_null(out, i);
    }
    out.push(b'}');
}

fn range(offsets: &[i32], i: usize) -> std::ops::Range<usize> {
    let offset = |i: usize| offsets.get(i).map_or(0, |offset| *offset as usize);
    offset(i)..offset(i + 1)
}

fn float(out: &mut Vec<u8>, number: f64) -> bool {
    if !number.is_finite() {
        return false;
    }
    scalar::float(out, number);
    shorten(out);
    true
}

fn float32(out: &mut Vec<u8>, number: f32) -> bool {
    if !number.is_finite() {
        return false;
    }
    scalar::float32(out, number);
    shorten(out);
    true
}

/// 14.0 is 14, which can be read as an integer too: where some rows are null, writers make floats of
/// integers. -0.0 stays what it is.
fn shorten(out: &mut Vec<u8>) {
    if out.ends_with(b".0") && !out.ends_with(b"-0.0") {
        out.truncate(out.len() - 2);
    }
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    scalar::base64(out, bytes);
    out.push(b'"');
}

fn decimals<'a>(array: &'a dyn Array) -> Values<'a> {
    match array.data_type() {
        DataType::Decimal32(_, scale) => {
            let array = array.as_primitive::<Decimal32Type>();
            Values::Decimal(Box::new(|i| array.value(i).to_string()), *scale)
        }
        DataType::Decimal64(_, scale) => {
            let array = array.as_primitive::<Decimal64Type>();
            Values::Decimal(Box::new(|i| array.value(i).to_string()), *scale)
        }
        DataType::Decimal128(_, scale @ 0..=18) => Values::SmallDecimal(array.as_primitive(), *scale as u8),
        DataType::Decimal128(_, scale) => {
            let array = array.as_primitive::<Decimal128Type>();
            Values::Decimal(Box::new(|i| array.value(i).to_string()), *scale)
        }
        DataType::Decimal256(_, scale) => {
            let array = array.as_primitive::<Decimal256Type>();
            Values::Decimal(Box::new(|i| array.value(i).to_string()), *scale)
        }
        // Null, and what `check` has refused.
        _ => Values::Absent,
    }
}

/// Digits with a point so many places from their end; Parquet has no negative ones.
fn point(out: &mut Vec<u8>, digits: &str, scale: i8) {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    out.extend_from_slice(sign.as_bytes());
    let scale = usize::try_from(scale).unwrap_or(0);
    let filled = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = filled.split_at_checked(filled.len() - scale).unwrap_or((&filled, ""));
    out.extend_from_slice(whole.as_bytes());
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    }
}

fn milliseconds<'a>(array: &'a dyn Array) -> Box<dyn Fn(usize) -> i64 + 'a> {
    match array.data_type() {
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>();
            Box::new(|i| i64::from(array.value(i)) * DAY_MS)
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            let array = array.as_primitive::<TimestampSecondType>();
            Box::new(|i| array.value(i).saturating_mul(1000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let array = array.as_primitive::<TimestampMillisecondType>();
            Box::new(|i| array.value(i))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let array = array.as_primitive::<TimestampMicrosecondType>();
            Box::new(|i| array.value(i).div_euclid(1000))
        }
        _ => {
            let array = array.as_primitive::<TimestampNanosecondType>();
            Box::new(|i| array.value(i).div_euclid(1_000_000))
        }
    }
}

fn nanoseconds<'a>(array: &'a dyn Array) -> Box<dyn Fn(usize) -> i64 + 'a> {
    match array.data_type() {
        DataType::Time32(TimeUnit::Second) => {
            let array = array.as_primitive::<Time32SecondType>();
            Box::new(|i| i64::from(array.value(i)) * 1_000_000_000)
        }
        DataType::Time32(_) => {
            let array = array.as_primitive::<Time32MillisecondType>();
            Box::new(|i| i64::from(array.value(i)) * 1_000_000)
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            let array = array.as_primitive::<Time64MicrosecondType>();
            Box::new(|i| array.value(i).saturating_mul(1000))
        }
        _ => {
            let array = array.as_primitive::<Time64NanosecondType>();
            Box::new(|i| array.value(i))
        }
    }
}

/// The fraction in as many digits as it takes: 3, 6 or 9.
fn time_of_day(out: &mut Vec<u8>, nanoseconds: i64) {
    let (second, rest) = (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000));
    let text = format!("\"{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    out.extend_from_slice(text.as_bytes());
    if rest != 0 {
        let fraction = format!(".{rest:09}");
        let fraction = fraction.strip_suffix("000").unwrap_or(&fraction);
        out.extend_from_slice(fraction.strip_suffix("000").unwrap_or(fraction).as_bytes());
    }
    out.push(b'"');
}
