//! Rows as CSV (RFC 4180, lines end in a line feed): a header, null as nothing, the empty text as
//! `""`. Written by hand: no writer at hand tells these two apart.

use super::{Encode, Error, GATHER_BYTES, scalar, value};
use crate::column::{Column, Value};
use crate::description::{Field, Kind};
use std::io::Write;

pub struct Csv<'a> {
    out: &'a mut dyn Write,
    kinds: Vec<Kind>,
    buffer: Vec<u8>,
    moments: scalar::Moments,
}

impl<'a> Csv<'a> {
    pub fn new(fields: &[Field], out: &'a mut dyn Write) -> Csv<'a> {
        let mut buffer = Vec::with_capacity(GATHER_BYTES + 4096);
        for (i, field) in fields.iter().enumerate() {
            separate(&mut buffer, i);
            text(&mut buffer, field.name.as_bytes());
        }
        buffer.push(b'\n');
        let kinds = fields.iter().map(|field| field.kind.clone()).collect();
        Csv { out, kinds, buffer, moments: scalar::Moments::new() }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Encode for Csv<'_> {
    fn rows(&mut self, columns: &[Column], count: usize) -> Result<(), Error> {
        for row in 0..count {
            for (i, (kind, column)) in self.kinds.iter().zip(columns).enumerate() {
                separate(&mut self.buffer, i);
                write(&mut self.buffer, &mut self.moments, kind, value(column, kind, row));
            }
            self.buffer.push(b'\n');
            if self.buffer.len() >= GATHER_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.flush()?;
        Ok(self.out.flush()?)
    }
}

fn separate(out: &mut Vec<u8>, i: usize) {
    if i > 0 {
        out.push(b',');
    }
}

fn write(out: &mut Vec<u8>, moments: &mut scalar::Moments, kind: &Kind, value: Value<'_>) {
    match (value, kind) {
        (Value::Absent, _) => {}
        (Value::Boolean(true), _) => out.extend_from_slice(b"true"),
        (Value::Boolean(false), _) => out.extend_from_slice(b"false"),
        (Value::Float(number), _) => scalar::float(out, number),
        (Value::Integer(time_ms), Kind::Timestamp) => moments.write(out, time_ms),
        (Value::Integer(number), Kind::Decimal(digits)) => scalar::decimal(out, number, *digits),
        (Value::Integer(number), _) => scalar::integer(out, number),
        (Value::Bytes([]), Kind::Binary) => text(out, b""),
        (Value::Bytes(bytes), Kind::Binary) => scalar::base64(out, bytes),
        (Value::Bytes(bytes), _) => text(out, String::from_utf8_lossy(bytes).as_bytes()),
    }
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    let needs_quotes = |byte: &u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    if !text.is_empty() && !text.iter().any(needs_quotes) {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for (i, part) in text.split(|byte| *byte == b'"').enumerate() {
        if i > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part);
    }
    out.push(b'"');
}
