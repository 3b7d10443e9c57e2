//! Building a column row by row: text coded so that each distinct value is once in the heap.

use std::num::NonZero;

use super::{Blobs, Column, Text, Validity};
use crate::table::{Table, hash_bytes, mix};
use crate::value::{Datum, Kind};

/// A column that is built row by row, by parts of keys or by presented values.
pub struct Builder {
    kind: Kind,
    rows: usize,
    fixed: Vec<u8>,
    heap: Blobs,
    validity: Validity,
    /// Text values by where they lie, and by what they say.
    places: Table,
    contents: Table,
    /// Where each value in `places` lies (address, length) and its code.
    known: Vec<(usize, usize, u32)>,
    /// The codes of the texts of one dictionary, that of the first [`Text`].
    coded: Option<Coded>,
    aliased: bool,
}

struct Coded {
    dictionary: usize,
    /// This column's code of each of the dictionary's.
    codes: Vec<Option<NonZero<u32>>>,
}

impl Builder {
    pub(crate) fn new(kind: Kind) -> Builder {
        Builder {
            kind,
            rows: 0,
            fixed: Vec::new(),
            heap: Blobs::default(),
            validity: Validity::default(),
            places: Table::default(),
            contents: Table::default(),
            known: Vec::new(),
            coded: None,
            aliased: false,
        }
    }

    /// Whether a text was met in two places: then keys that are not identical can be equal.
    pub(crate) fn is_aliased(&self) -> bool {
        self.aliased
    }

    pub(crate) fn push_number(&mut self, number: i64) {
        if self.kind == Kind::Boolean {
            self.fixed.push(number as u8);
        } else {
            self.fixed.extend_from_slice(&number.to_le_bytes());
        }
        self.end_row(true);
    }

    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        self.heap.push(bytes);
        self.end_row(true);
    }

    /// `lasting`: the text lies where it is as long as this column lives.
    pub(crate) fn push_text(&mut self, text: &[u8], lasting: bool) {
        let code = if lasting { self.code_by_place(text) } else { self.code_by_content(text).0 };
        self.fixed.extend_from_slice(&code.to_le_bytes());
        self.end_row(true);
    }

    /// The same for a text of a dictionary, which lives as long as this column.
    pub(crate) fn push_coded(&mut self, text: Text<'_>) {
        let code = self.code_by_code(text);
        self.fixed.extend_from_slice(&code.to_le_bytes());
        self.end_row(true);
    }

    pub(crate) fn push_absent(&mut self) {
        match self.kind {
            Kind::Boolean => self.fixed.push(0),
            Kind::Text => self.fixed.extend_from_slice(&[0; 4]),
            Kind::Binary | Kind::Json => self.heap.push(b""),
            _ => self.fixed.extend_from_slice(&[0; 8]),
        }
        self.end_row(false);
    }

    /// Appends a presented value; the datum is of the column's kind.
    pub fn push_datum(&mut self, datum: &Datum) {
        match datum {
            Datum::Absent => self.push_absent(),
            Datum::Boolean(value) => self.push_number((*value).into()),
            Datum::Integer(value) => self.push_number(*value),
            Datum::Float(value) => self.push_number(value.to_bits() as i64),
            Datum::Text(text) => self.push_text(text.as_bytes(), false),
            Datum::Binary(bytes) => self.push_bytes(bytes),
            Datum::Json(json) => self.push_bytes(json.as_bytes()),
        }
    }

    fn end_row(&mut self, present: bool) {
        self.validity.push(present);
        self.rows += 1;
    }

    fn code_by_code(&mut self, text: Text<'_>) -> u32 {
        let new = || Coded { dictionary: text.dictionary(), codes: vec![None; text.distinct()] };
        let coded = self.coded.get_or_insert_with(new);
        if coded.dictionary != text.dictionary() {
            return self.code_by_place(text.bytes());
        }
        // One more than the code, so that a free place takes no room of its own.
        if let Some(Some(next)) = coded.codes.get(text.code()) {
            return next.get() - 1;
        }
        let (code, is_new) = self.code_by_content(text.bytes());
        self.aliased |= !is_new;
        if let Some(place) = self.coded.as_mut().and_then(|coded| coded.codes.get_mut(text.code())) {
            *place = NonZero::new(code + 1);
        }
        code
    }

    fn code_by_place(&mut self, text: &[u8]) -> u32 {
        let (address, length) = (text.as_ptr() as usize, text.len());
        let hash = mix(length as u64, address as u64);
        let is = |known: &(usize, usize, u32)| (known.0, known.1) == (address, length);
        if let Some(i) = self.places.find_in(hash, &self.known, is) {
            return self.known[i].2;
        }
        let (code, is_new) = self.code_by_content(text);
        self.aliased |= !is_new;
        self.places.insert(hash);
        self.known.push((address, length, code));
        code
    }

    fn code_by_content(&mut self, text: &[u8]) -> (u32, bool) {
        let hash = hash_bytes(text);
        let heap = &self.heap;
        if let Some(code) = self.contents.find(hash, |code| heap.get(code) == text) {
            return (code as u32, false);
        }
        let code = self.heap.len();
        self.contents.insert(hash);
        self.heap.push(text);
        (code as u32, true)
    }

    /// Removes the last row. A text that it alone used stays in the heap, which may hold such.
    pub(crate) fn pop(&mut self) {
        self.rows -= 1;
        self.fixed.truncate(self.rows * width(&self.kind));
        if matches!(self.kind, Kind::Binary | Kind::Json) {
            self.heap.pop();
        }
        self.validity.pop();
    }

    /// A hash of what a row is.
    pub(crate) fn hash(&self, row: usize) -> u64 {
        if !self.validity.get(row) { 1 } else { hash_bytes(self.value(row)) }
    }

    /// Whether two rows are equal.
    pub(crate) fn same(&self, row: usize, other: usize) -> bool {
        let present = (self.validity.get(row), self.validity.get(other));
        present == (false, false) || (present == (true, true) && self.value(row) == self.value(other))
    }

    fn value(&self, row: usize) -> &[u8] {
        match width(&self.kind) {
            0 => self.heap.get(row),
            width => &self.fixed[row * width..(row + 1) * width],
        }
    }

    /// The rows at these places, in this order.
    pub(crate) fn pick(&self, rows: impl Iterator<Item = usize>) -> Column {
        let mut out = Column::default();
        let mut validity = Validity::default();
        for row in rows {
            match width(&self.kind) {
                0 => out.heap.push(self.heap.get(row)),
                _ => out.fixed.extend_from_slice(self.value(row)),
            }
            validity.push(self.validity.get(row));
        }
        if self.kind == Kind::Text {
            out.heap = self.heap.clone();
        }
        out.validity = validity.finish();
        out
    }

    pub(crate) fn finish(self) -> Column {
        Column { fixed: self.fixed, heap: self.heap, validity: self.validity.finish() }
    }
}

fn width(kind: &Kind) -> usize {
    match kind {
        Kind::Boolean => 1,
        Kind::Text => 4,
        Kind::Binary | Kind::Json => 0,
        _ => 8,
    }
}
