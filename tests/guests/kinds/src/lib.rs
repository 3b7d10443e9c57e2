//! Every kind of input, key and output, each of them optional, in one global window. For conformance: an
//! SDK in another language writes this transform in its own words, and rows and states are compared.

use bifocal_sdk::*;

#[derive(Event)]
struct Thing<'a> {
    boolean: Option<bool>,
    integer: Option<i64>,
    float: Option<f64>,
    text: Option<&'a str>,
    binary: Option<&'a [u8]>,
    timestamp: Option<Timestamp>,
    #[event(path = "inner.decimal")]
    decimal: Option<Decimal<3>>,
    #[event(path = "/inner/a~1b/0")]
    json: Option<Json<'a>>,
    #[event(path = "@time")]
    time: Timestamp,
    #[event(path = "@offset")]
    offset: i64,
}

#[derive(Key)]
struct Parts<'a> {
    boolean: Option<bool>,
    integer: Option<i64>,
    text: Option<&'a str>,
    binary: Option<&'a [u8]>,
    timestamp: Option<Timestamp>,
    decimal: Option<Decimal<3>>,
}

#[derive(State)]
struct Last8 {
    last_boolean: Last<bool>,
    last_integer: Last<i64>,
    last_float: Last<f64>,
    last_text: Last<String>,
    last_binary: Last<Vec<u8>>,
    last_timestamp: Last<Timestamp>,
    last_decimal: Last<Decimal<3>>,
    last_json: Last<JsonText>,
}

/// The last value of every kind, by a key of every kind.
#[transform(time = "at")]
pub fn kinds(thing: Thing, out: &mut Cells<Parts, Last8>) -> Result<(), Reject> {
    let Thing { boolean, integer, float, text, binary, timestamp, decimal, json, time, offset } = thing;
    let cell = out.cell(Parts { boolean, integer, text, binary, timestamp, decimal });
    if let Some(value) = boolean {
        cell.last_boolean.see(time, offset, value);
    }
    if let Some(value) = integer {
        cell.last_integer.see(time, offset, value);
    }
    if let Some(value) = float {
        cell.last_float.see(time, offset, value);
    }
    if let Some(value) = text {
        cell.last_text.see(time, offset, value);
    }
    if let Some(value) = binary {
        cell.last_binary.see(time, offset, value);
    }
    if let Some(value) = timestamp {
        cell.last_timestamp.see(time, offset, value);
    }
    if let Some(value) = decimal {
        cell.last_decimal.see(time, offset, value);
    }
    if let Some(value) = json {
        cell.last_json.see(time, offset, value);
    }
    Ok(())
}
