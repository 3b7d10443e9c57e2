//! Rows as JSON objects: one array, or one line each.

use super::{Encode, Error, GATHER_BYTES, scalar, value};
use crate::column::{Blobs, Column, Value, read_u32};
use crate::description::{Field, Kind};
use std::io::Write;

/// Integers beyond are strings: a reader that has only doubles would change them in silence.
const EXACT_MAX: u64 = 1 << 53;

pub struct Json<'a> {
    out: &'a mut dyn Write,
    /// What stands before a field's value: a brace or comma, its name, a colon.
    heads: Vec<Vec<u8>>,
    kinds: Vec<Kind>,
    is_array: bool,
    written: u64,
    buffer: Vec<u8>,
    moments: scalar::Moments,
}

/// A column of the rows at hand.
struct Source<'a> {
    head: &'a [u8],
    kind: &'a Kind,
    column: &'a Column,
    /// The values of a text column, already quoted.
    quoted: Option<Blobs>,
}

impl<'a> Json<'a> {
    pub fn array(fields: &[Field], out: &'a mut dyn Write) -> Result<Json<'a>, Error> {
        Ok(Json { is_array: true, ..Json::lines(fields, out)? })
    }

    pub fn lines(fields: &[Field], out: &'a mut dyn Write) -> Result<Json<'a>, Error> {
        let head = |(i, field): (usize, &Field)| {
            let mut head = vec![if i == 0 { b'{' } else { b',' }];
            scalar::quoted(&mut head, &field.name);
            head.push(b':');
            head
        };
        Ok(Json {
            out,
            heads: fields.iter().enumerate().map(head).collect(),
            kinds: fields.iter().map(|field| field.kind.clone()).collect(),
            is_array: false,
            written: 0,
            buffer: Vec::with_capacity(GATHER_BYTES + 4096),
            moments: scalar::Moments::new(),
        })
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

impl Encode for Json<'_> {
    fn rows(&mut self, columns: &[Column], count: usize) -> Result<(), Error> {
        let heads = std::mem::take(&mut self.heads);
        let kinds = std::mem::take(&mut self.kinds);
        let fields = heads.iter().zip(&kinds).zip(columns);
        let sources: Vec<Source<'_>> = fields
            .map(|((head, kind), column)| Source { head, kind, column, quoted: quoted(column, kind, count) })
            .collect();
        for row in 0..count {
            self.buffer.extend_from_slice(match (self.is_array, self.written) {
                (false, _) => b"",
                (true, 0) => b"[\n",
                (true, _) => b",\n",
            });
            for source in &sources {
                self.buffer.extend_from_slice(source.head);
                source.write(&mut self.buffer, &mut self.moments, row);
            }
            self.buffer.extend_from_slice(match (self.is_array, sources.is_empty()) {
                (false, false) => b"}\n",
                (false, true) => b"{}\n",
                (true, false) => b"}",
                (true, true) => b"{}",
            });
            self.written += 1;
            if self.buffer.len() >= GATHER_BYTES {
                self.flush()?;
            }
        }
        (self.heads, self.kinds) = (heads, kinds);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.buffer.extend_from_slice(match (self.is_array, self.written) {
            (false, _) => b"",
            (true, 0) => b"[]\n",
            (true, _) => b"\n]\n",
        });
        self.flush()?;
        Ok(self.out.flush()?)
    }
}

impl Source<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, moments: &mut scalar::Moments, row: usize) {
        if let Some(quoted) = &self.quoted
            && self.column.is_present(row)
        {
            let code = read_u32(&self.column.fixed, row).unwrap_or(u32::MAX);
            return out.extend_from_slice(quoted.get(code as usize));
        }
        match (value(self.column, self.kind, row), self.kind) {
            (Value::Absent, _) => out.extend_from_slice(b"null"),
            (Value::Boolean(true), _) => out.extend_from_slice(b"true"),
            (Value::Boolean(false), _) => out.extend_from_slice(b"false"),
            (Value::Float(number), _) => scalar::float(out, number),
            (Value::Integer(time_ms), Kind::Timestamp) => {
                out.push(b'"');
                moments.write(out, time_ms);
                out.push(b'"');
            }
            (Value::Integer(number), Kind::Decimal(digits)) => scalar::decimal(out, number, *digits),
            (Value::Integer(number), _) if number.unsigned_abs() > EXACT_MAX => {
                out.push(b'"');
                scalar::integer(out, number);
                out.push(b'"');
            }
            (Value::Integer(number), _) => scalar::integer(out, number),
            (Value::Bytes(bytes), Kind::Binary) => {
                out.push(b'"');
                scalar::base64(out, bytes);
                out.push(b'"');
            }
            (Value::Bytes(bytes), Kind::Json) => nested(out, bytes),
            (Value::Bytes(bytes), _) => scalar::quoted(out, &String::from_utf8_lossy(bytes)),
        }
    }
}

/// A JSON text within a line: a line feed is only allowed between its parts, where a space is one
/// as well.
fn nested(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
}

/// All values of a text column, quoted once each, unless most of them are not used.
fn quoted(column: &Column, kind: &Kind, count: usize) -> Option<Blobs> {
    if *kind != Kind::Text || column.heap.len() > count.saturating_mul(2) {
        return None;
    }
    let mut quoted = Blobs::default();
    let mut buffer = Vec::new();
    for value in column.heap.iter() {
        // Ends are 32 bits; escapes can make six bytes of one.
        if quoted.bytes.len() + 6 * value.len() + 2 > u32::MAX as usize {
            return None;
        }
        buffer.clear();
        scalar::quoted(&mut buffer, &String::from_utf8_lossy(value));
        quoted.push(&buffer);
    }
    Some(quoted)
}
