//! One column in the making, row by row; the last row can be taken back.

use super::dictionary::Dictionary;
use crate::column::{Column, set_bit};
use crate::description::Kind;

/// A kind that this host knows, small enough to be looked at for every value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Boolean,
    Integer,
    Float,
    Text,
    Binary,
    Timestamp,
    Decimal(u8),
    Json,
}

impl Form {
    /// None for a kind of a later contract.
    pub fn of(kind: &Kind) -> Option<Form> {
        Some(match kind {
            Kind::Boolean => Form::Boolean,
            Kind::Integer => Form::Integer,
            Kind::Float => Form::Float,
            Kind::Text => Form::Text,
            Kind::Binary => Form::Binary,
            Kind::Timestamp => Form::Timestamp,
            Kind::Decimal(places) => Form::Decimal(*places),
            Kind::Json => Form::Json,
            Kind::Other(_) => return None,
        })
    }
}

pub(super) struct Gather<'a> {
    pub form: Form,
    /// Bytes a row in `fixed`.
    width: usize,
    pub column: Column,
    /// For text.
    pub dictionary: &'a mut Dictionary,
    rows: usize,
    /// Bit i%8 of byte i/8 set: row i is absent. As long as the last such row needs it.
    absents: Vec<u8>,
    /// Likewise, and absent because of a null.
    nulls: Vec<u8>,
}

impl<'a> Gather<'a> {
    pub fn new(form: Form, dictionary: &'a mut Dictionary, rows: usize) -> Gather<'a> {
        let width = match form {
            Form::Boolean => 1,
            Form::Text => 4,
            Form::Binary | Form::Json => 0,
            Form::Integer | Form::Float | Form::Timestamp | Form::Decimal(_) => 8,
        };
        let mut column = Column::default();
        column.fixed.reserve_exact(rows * width);
        match form {
            Form::Text => dictionary.clear(rows),
            Form::Binary | Form::Json => column.heap.ends.reserve_exact(rows * 4),
            _ => {}
        }
        Gather { form, width, column, dictionary, rows: 0, absents: Vec::new(), nulls: Vec::new() }
    }

    /// A text: `bytes[from..to]`. A function of its own has registers enough.
    #[inline(never)]
    pub fn text(&mut self, bytes: &[u8], from: usize, to: usize) {
        let code = self.dictionary.code(&mut self.column.heap, bytes, from, to);
        self.column.fixed.extend_from_slice(&code.to_le_bytes());
        self.present();
    }

    /// A value of variable width that is no text.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.column.heap.push(bytes);
        self.present();
    }

    pub fn boolean(&mut self, value: bool) {
        self.column.fixed.push(u8::from(value));
        self.present();
    }

    /// Counts a row whose value has been appended to the column.
    #[inline(always)]
    pub fn present(&mut self) {
        self.rows += 1;
    }

    #[inline(always)]
    pub fn integer(&mut self, number: i64) {
        self.column.fixed.extend_from_slice(&number.to_le_bytes());
        self.present();
    }

    /// Appends a row without a value: there is nothing, or a null.
    pub fn absent(&mut self, null: bool) {
        let fixed = self.column.fixed.len() + self.width;
        self.column.fixed.resize(fixed, 0);
        if self.width == 0 {
            self.column.heap.push(&[]);
        }
        mark(&mut self.absents, self.rows);
        if null {
            mark(&mut self.nulls, self.rows);
        }
        self.rows += 1;
    }

    /// Whether the last row, if it is absent, has a null.
    #[inline(always)]
    pub fn last_absence(&self) -> Option<bool> {
        let row = self.rows.wrapping_sub(1);
        is_marked(&self.absents, row).then(|| is_marked(&self.nulls, row))
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Cuts the column down to `rows` rows, of which it has at most one more. A text that only that
    /// one used stays in the heap.
    pub fn cut(&mut self, rows: usize) {
        if self.rows <= rows {
            return;
        }
        self.rows = rows;
        self.column.fixed.truncate(rows * self.width);
        truncate(&mut self.absents, rows);
        truncate(&mut self.nulls, rows);
        if self.width == 0 {
            let heap = &mut self.column.heap;
            heap.ends.truncate(rows * 4);
            let end = heap.ends.last_chunk::<4>().map_or(0, |end| u32::from_le_bytes(*end));
            heap.bytes.truncate(end as usize);
        }
    }

    /// The column, and which of its absent rows have a null: nothing if none has.
    pub fn finish(mut self) -> (Column, Vec<u8>) {
        assert!(u32::try_from(self.column.heap.bytes.len()).is_ok(), "a chunk's payloads exceed 4 GiB");
        let length = self.rows.div_ceil(8);
        if self.absents.iter().any(|byte| *byte != 0) {
            self.absents.resize(length, 0);
            self.column.validity = self.absents.iter().map(|byte| !byte).collect();
            truncate(&mut self.column.validity, self.rows);
            if self.form == Form::Text && self.column.heap.is_empty() {
                // The code that absent rows have must exist.
                self.column.heap.push(&[]);
            }
        }
        if self.nulls.iter().any(|byte| *byte != 0) {
            self.nulls.resize(length, 0);
        } else {
            self.nulls.clear();
        }
        (self.column, self.nulls)
    }
}

fn mark(bits: &mut Vec<u8>, row: usize) {
    if bits.len() <= row / 8 {
        bits.resize(row / 8 + 1, 0);
    }
    set_bit(bits, row);
}

#[inline(always)]
fn is_marked(bits: &[u8], row: usize) -> bool {
    bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
}

/// Cuts bits down to those of so many rows.
fn truncate(bits: &mut Vec<u8>, rows: usize) {
    let length = rows.div_ceil(8);
    bits.truncate(length);
    if bits.len() == length
        && let Some(last) = bits.last_mut()
    {
        *last &= 0xff >> (rows.next_multiple_of(8) - rows);
    }
}
