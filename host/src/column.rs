//! Columns in the form in which they cross the boundary: little-endian byte buffers, whose layout
//! `wit/transform.wit` defines. Owns reading, building, checking and slicing them.

use crate::description::Kind;
use hashbrown::HashMap;
use std::ops::Range;

/// Variable-width values: `ends` has one u32 a value; value i is `bytes[ends[i-1]..ends[i]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blobs {
    pub ends: Vec<u8>,
    pub bytes: Vec<u8>,
}

impl Blobs {
    pub fn len(&self) -> usize {
        self.ends.len() / 4
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Value `i`; empty when `i` or an end is out of range ([`Blobs::check`] excludes the latter).
    pub fn get(&self, i: usize) -> &[u8] {
        let from = if i == 0 { 0 } else { read_u32(&self.ends, i - 1).unwrap_or(0) };
        let to = read_u32(&self.ends, i).unwrap_or(from);
        self.bytes.get(from as usize..to as usize).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        u32s(&self.ends).map(move |to| {
            let value = self.bytes.get(from as usize..to as usize).unwrap_or_default();
            from = to;
            value
        })
    }

    /// Appends a value. The sum of all values stays below 4 GiB: callers bound what they gather.
    pub fn push(&mut self, value: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(value));
    }

    /// Appends the value that `write` appends to the bytes, without a copy in between.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.extend_from_slice(&(self.bytes.len() as u32).to_le_bytes());
    }

    /// The last value; empty if there is none.
    pub fn last(&self) -> &[u8] {
        self.len().checked_sub(1).map_or(&[], |last| self.get(last))
    }

    pub fn clear(&mut self) {
        self.ends.clear();
        self.bytes.clear();
    }

    /// Values `[from, to)` with ends counted from 0.
    pub fn slice(&self, from: usize, to: usize) -> Blobs {
        let mut out = Blobs::default();
        (from..to.min(self.len())).for_each(|i| out.push(self.get(i)));
        out
    }

    /// Ends that ascend and reach exactly the last byte.
    pub fn check(&self, what: &str) -> Result<(), String> {
        if !self.ends.len().is_multiple_of(4) {
            return Err(format!("{what}: ends has {} bytes, not a multiple of 4", self.ends.len()));
        }
        let mut last = 0;
        for (i, end) in u32s(&self.ends).enumerate() {
            if end < last {
                return Err(format!("{what}: ends do not ascend at value {i}: {end} after {last}"));
            }
            last = end;
        }
        if last as usize != self.bytes.len() {
            return Err(format!("{what}: the last end is {last} but there are {} bytes", self.bytes.len()));
        }
        Ok(())
    }

    /// Values that are UTF-8 each; the ends have been checked.
    pub fn check_text(&self, what: &str) -> Result<(), String> {
        // One pass over all bytes is far faster than one a value; a value can still start or end
        // inside a character, which only the boundaries tell.
        let Ok(text) = simdutf8::basic::from_utf8(&self.bytes) else {
            let bad = self.iter().position(|value| std::str::from_utf8(value).is_err());
            return Err(format!("{what}: value {} is not UTF-8", bad.unwrap_or(0)));
        };
        match u32s(&self.ends).position(|end| !text.is_char_boundary(end as usize)) {
            Some(value) => Err(format!("{what}: value {value} is not UTF-8")),
            None => Ok(()),
        }
    }

    /// Keeps the values of these stretches, which ascend, in place.
    fn keep(&mut self, stretches: &[Range<usize>]) {
        let mut kept = Blobs::default();
        let end = |i: usize| if i == 0 { 0 } else { read_u32(&self.ends, i - 1).unwrap_or(0) };
        kept.ends.reserve_exact(stretches.iter().map(|rows| rows.len() * 4).sum());
        for rows in stretches {
            let (from, to) = (end(rows.start), end(rows.end));
            let before = kept.bytes.len() as u32;
            kept.bytes.extend_from_slice(self.bytes.get(from as usize..to as usize).unwrap_or_default());
            let ends = self.ends.get(rows.start * 4..rows.end * 4).unwrap_or_default();
            u32s(ends).for_each(|end| kept.ends.extend_from_slice(&(end - from + before).to_le_bytes()));
        }
        *self = kept;
    }
}

impl<'a> FromIterator<&'a [u8]> for Blobs {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(values: I) -> Blobs {
        let mut blobs = Blobs::default();
        values.into_iter().for_each(|value| blobs.push(value));
        blobs
    }
}

/// One column of rows; its kind is declared elsewhere, by a [`crate::description::Field`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    pub fixed: Vec<u8>,
    pub heap: Blobs,
    /// Bit i%8 of byte i/8 set: row i is present. Empty: every row is.
    pub validity: Vec<u8>,
}

/// One value of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Absent,
    Boolean(bool),
    /// Integers; timestamps in milliseconds UTC; decimals as value x 10^n.
    Integer(i64),
    Float(f64),
    /// Text, binary and json, as bytes.
    Bytes(&'a [u8]),
}

impl Column {
    pub fn is_present(&self, row: usize) -> bool {
        self.validity.is_empty() || self.validity.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }

    /// The value of a row; `Absent` for rows that are out of range.
    pub fn value(&self, kind: &Kind, row: usize) -> Value<'_> {
        if !self.is_present(row) {
            return Value::Absent;
        }
        let value = match kind {
            Kind::Boolean => self.fixed.get(row).map(|byte| Value::Boolean(*byte != 0)),
            Kind::Integer | Kind::Timestamp | Kind::Decimal(_) => {
                read_i64(&self.fixed, row).map(Value::Integer)
            }
            Kind::Float => read_i64(&self.fixed, row).map(|bits| Value::Float(f64::from_bits(bits as u64))),
            Kind::Text => read_u32(&self.fixed, row).map(|code| Value::Bytes(self.heap.get(code as usize))),
            Kind::Binary | Kind::Json | Kind::Other(_) => Some(Value::Bytes(self.heap.get(row))),
        };
        value.unwrap_or(Value::Absent)
    }

    /// The code of a row of text; none if it is absent or out of range.
    pub fn code(&self, row: usize) -> Option<usize> {
        if self.is_present(row) { read_u32(&self.fixed, row).map(|code| code as usize) } else { None }
    }

    /// Whether this is a well-formed column of `rows` rows of `kind`; the fault names `what`.
    pub fn check(&self, kind: &Kind, rows: usize, what: &str) -> Result<(), String> {
        let fixed = rows * kind.width();
        if self.fixed.len() != fixed {
            return Err(format!(
                "{what}: {rows} rows of kind {kind} need {fixed} bytes, got {}",
                self.fixed.len()
            ));
        }
        if !self.validity.is_empty() && self.validity.len() != rows.div_ceil(8) {
            return Err(format!(
                "{what}: validity has {} bytes, {rows} rows need {}",
                self.validity.len(),
                rows.div_ceil(8)
            ));
        }
        self.heap.check(what)?;
        match kind {
            Kind::Text => self.check_text(rows, what),
            Kind::Boolean => match self.fixed.iter().position(|byte| *byte > 1) {
                Some(row) if self.is_present(row) => Err(format!("{what}: row {row} is neither 0 nor 1")),
                _ => Ok(()),
            },
            Kind::Binary | Kind::Json => {
                if self.heap.len() != rows {
                    return Err(format!(
                        "{what}: {rows} rows of kind {kind} need as many values, got {}",
                        self.heap.len()
                    ));
                }
                if *kind == Kind::Json { self.check_json(rows, what) } else { Ok(()) }
            }
            _ if !self.heap.is_empty() => {
                Err(format!("{what}: kind {kind} has no heap, got {} values", self.heap.len()))
            }
            _ => Ok(()),
        }
    }

    fn check_text(&self, rows: usize, what: &str) -> Result<(), String> {
        let values = self.heap.len() as u32;
        for (row, code) in u32s(&self.fixed).take(rows).enumerate() {
            if code >= values && self.is_present(row) {
                return Err(format!("{what}: row {row} has code {code} of {values} values"));
            }
        }
        self.heap.check_text(what)
    }

    fn check_json(&self, rows: usize, what: &str) -> Result<(), String> {
        for row in (0..rows).filter(|row| self.is_present(*row)) {
            if let Err(error) = serde_json::from_slice::<&serde_json::value::RawValue>(self.heap.get(row)) {
                return Err(format!("{what}: row {row} is not JSON: {error}"));
            }
        }
        Ok(())
    }

    /// Rows `[from, to)`. A text heap much larger than the slice is cut down to what it uses.
    pub fn slice(&self, kind: &Kind, from: usize, to: usize) -> Column {
        let width = kind.width();
        let mut out = Column {
            fixed: self.fixed.get(from * width..to * width).unwrap_or_default().to_vec(),
            heap: Blobs::default(),
            validity: self.slice_validity(from, to),
        };
        match kind {
            Kind::Text if self.heap.len() > 2 * (to - from) => self.recode(&mut out),
            Kind::Text => out.heap = self.heap.clone(),
            Kind::Binary | Kind::Json => out.heap = self.heap.slice(from, to),
            _ => {}
        }
        out
    }

    fn slice_validity(&self, from: usize, to: usize) -> Vec<u8> {
        if self.validity.is_empty() {
            Vec::new()
        } else {
            keep_bits(&self.validity, std::slice::from_ref(&(from..to)))
        }
    }

    /// Keeps the rows of these stretches, which ascend and are of this column; moves as much at once as
    /// there is, and keeps a text heap as it is. `validity` stays only if an absent row does.
    pub fn keep(&mut self, kind: &Kind, stretches: &[Range<usize>]) {
        let width = kind.width();
        let mut end = 0;
        for rows in stretches {
            let bytes = rows.start * width..(rows.end * width).min(self.fixed.len());
            let length = bytes.len();
            if bytes.start != end && length > 0 {
                self.fixed.copy_within(bytes, end);
            }
            end += length;
        }
        self.fixed.truncate(end);
        let all = 0..self.heap.len();
        if matches!(kind, Kind::Binary | Kind::Json) && *stretches != *std::slice::from_ref(&all) {
            self.heap.keep(stretches);
        }
        if !self.validity.is_empty() {
            let rows: usize = stretches.iter().map(Range::len).sum();
            self.validity = keep_bits(&self.validity, stretches);
            if ones(&self.validity) == rows {
                self.validity.clear();
            }
        }
    }

    /// Fills `out.heap` with the values that `out.fixed` uses, and rewrites its codes.
    fn recode(&self, out: &mut Column) {
        let mut codes = std::collections::BTreeMap::new();
        for row in 0..out.fixed.len() / 4 {
            let code = if out.is_present(row) { read_u32(&out.fixed, row).unwrap_or(0) } else { 0 };
            let next = codes.len() as u32;
            let new = *codes.entry(code).or_insert_with(|| {
                out.heap.push(self.heap.get(code as usize));
                next
            });
            if let Some(place) = out.fixed.get_mut(row * 4..row * 4 + 4) {
                place.copy_from_slice(&new.to_le_bytes());
            }
        }
    }

    /// The chosen rows, in the order given; a text heap is kept as it is.
    pub fn pick(&self, kind: &Kind, rows: &[usize]) -> Column {
        let width = kind.width();
        let mut out = Column::default();
        if !self.validity.is_empty() {
            out.validity = vec![0; rows.len().div_ceil(8)];
        }
        for (i, row) in rows.iter().enumerate() {
            out.fixed.extend_from_slice(self.fixed.get(row * width..(row + 1) * width).unwrap_or_default());
            if !out.validity.is_empty() && self.is_present(*row) {
                set_bit(&mut out.validity, i);
            }
            if matches!(kind, Kind::Binary | Kind::Json) {
                out.heap.push(self.heap.get(*row));
            }
        }
        if *kind == Kind::Text {
            out.heap = self.heap.clone();
        }
        out
    }
}

/// Builds a column row by row. Extraction, which must be faster, has a dictionary of its own.
#[derive(Debug, Default)]
pub struct Builder {
    column: Column,
    rows: usize,
    absent: bool,
    /// Code of each distinct text.
    codes: HashMap<Box<[u8]>, u32>,
}

impl Builder {
    pub fn push(&mut self, kind: &Kind, value: Value<'_>) {
        let column = &mut self.column;
        if self.rows.is_multiple_of(8) {
            column.validity.push(0);
        }
        match value {
            Value::Absent => self.absent = true,
            _ => set_bit(&mut column.validity, self.rows),
        }
        match kind {
            Kind::Boolean => column.fixed.push(u8::from(value == Value::Boolean(true))),
            Kind::Integer | Kind::Timestamp | Kind::Decimal(_) => {
                let number = if let Value::Integer(number) = value { number } else { 0 };
                column.fixed.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Float => {
                let number = if let Value::Float(number) = value { number } else { 0.0 };
                column.fixed.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Text => {
                let code = self.code(if let Value::Bytes(bytes) = value { bytes } else { b"" });
                self.column.fixed.extend_from_slice(&code.to_le_bytes());
            }
            Kind::Binary | Kind::Json | Kind::Other(_) => {
                column.heap.push(if let Value::Bytes(bytes) = value { bytes } else { b"" });
            }
        }
        self.rows += 1;
    }

    /// The code of a text, which stands in the heap once however many rows have it.
    fn code(&mut self, text: &[u8]) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let code = self.column.heap.len() as u32;
        self.column.heap.push(text);
        self.codes.insert(text.into(), code);
        code
    }

    pub fn finish(mut self) -> Column {
        if !self.absent {
            self.column.validity.clear();
        }
        self.column
    }
}

/// The bits of these stretches, one behind the other; those behind the last one are 0.
fn keep_bits(bits: &[u8], stretches: &[Range<usize>]) -> Vec<u8> {
    let rows: usize = stretches.iter().map(Range::len).sum();
    // Bits that do not fill a byte yet wait in `waiting`.
    let (mut out, mut waiting, mut count) = (Vec::with_capacity(rows.div_ceil(8) + 1), 0u16, 0);
    for stretch in stretches {
        for at in stretch.clone().step_by(8) {
            let two = [at / 8, at / 8 + 1].map(|byte| bits.get(byte).copied().unwrap_or(0));
            let taken = (stretch.end - at).min(8);
            let eight = u16::from_le_bytes(two) >> (at % 8) & (0xff >> (8 - taken));
            waiting |= eight << count;
            count += taken;
            if count >= 8 {
                out.push(waiting as u8);
                waiting >>= 8;
                count -= 8;
            }
        }
    }
    if count > 0 {
        out.push(waiting as u8);
    }
    out
}

/// How many bits are set.
fn ones(bits: &[u8]) -> usize {
    bits.iter().map(|byte| byte.count_ones() as usize).sum()
}

pub fn set_bit(bits: &mut [u8], i: usize) {
    if let Some(byte) = bits.get_mut(i / 8) {
        *byte |= 1 << (i % 8);
    }
}

pub fn read_u32(bytes: &[u8], i: usize) -> Option<u32> {
    bytes.get(i * 4..i * 4 + 4)?.try_into().ok().map(u32::from_le_bytes)
}

pub fn read_i64(bytes: &[u8], i: usize) -> Option<i64> {
    bytes.get(i * 8..i * 8 + 8)?.try_into().ok().map(i64::from_le_bytes)
}

pub fn u32s(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks::<4>().0.iter().map(|value| u32::from_le_bytes(*value))
}

pub fn i64s(bytes: &[u8]) -> impl Iterator<Item = i64> {
    bytes.as_chunks::<8>().0.iter().map(|value| i64::from_le_bytes(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_text_column_holds_each_distinct_value_once() {
        let mut builder = Builder::default();
        let texts: [&[u8]; 5] = [b"EUR", b"USD", b"EUR", b"", b"EUR"];
        texts.iter().for_each(|text| builder.push(&Kind::Text, Value::Bytes(text)));
        builder.push(&Kind::Text, Value::Absent);
        let column = builder.finish();
        assert_eq!(column.heap.len(), 3);
        column.check(&Kind::Text, 6, "column").unwrap();
        for (row, text) in texts.iter().enumerate() {
            assert_eq!(column.value(&Kind::Text, row), Value::Bytes(text));
        }
        assert_eq!(column.value(&Kind::Text, 5), Value::Absent);
    }

    #[test]
    fn a_slice_and_a_pick_have_the_rows_they_name() {
        let mut builder = Builder::default();
        let number =
            |row: usize| if row.is_multiple_of(3) { Value::Absent } else { Value::Integer(row as i64) };
        (0..40).for_each(|row| builder.push(&Kind::Integer, number(row)));
        let column = builder.finish();
        let slice = column.slice(&Kind::Integer, 5, 29);
        (0..24).for_each(|row| assert_eq!(slice.value(&Kind::Integer, row), number(row + 5)));
        let pick = column.pick(&Kind::Integer, &[39, 0, 7]);
        assert_eq!([0, 1, 2].map(|row| pick.value(&Kind::Integer, row)), [number(39), number(0), number(7)]);
    }
}
