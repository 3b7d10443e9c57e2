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
    /// Whether some row was absent, so that `validity` is kept.
    absent: bool,
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
        Gather { form, width, column, dictionary, rows: 0, absent: false }
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
        if self.absent {
            self.mark(true);
        }
    }

    #[inline(always)]
    pub fn integer(&mut self, number: i64) {
        self.column.fixed.extend_from_slice(&number.to_le_bytes());
        self.present();
    }

    pub fn absent(&mut self) {
        let fixed = self.column.fixed.len() + self.width;
        self.column.fixed.resize(fixed, 0);
        if self.width == 0 {
            self.column.heap.push(&[]);
        }
        if !self.absent {
            self.absent = true;
            self.column.validity.clear();
            self.column.validity.resize(self.rows.div_ceil(8), 0xff);
        }
        self.rows += 1;
        self.mark(false);
    }

    /// Marks the last row.
    fn mark(&mut self, present: bool) {
        let row = self.rows - 1;
        self.column.validity.resize(self.rows.div_ceil(8), 0);
        if present {
            set_bit(&mut self.column.validity, row);
        } else if let Some(byte) = self.column.validity.get_mut(row / 8) {
            *byte &= !(1 << (row % 8));
        }
    }

    /// Cuts the column down to `rows` rows, of which it has at most one more. A text that only that
    /// one used stays in the heap.
    pub fn cut(&mut self, rows: usize) {
        if self.rows <= rows {
            return;
        }
        self.rows = rows;
        self.column.fixed.truncate(rows * self.width);
        if self.width == 0 {
            let heap = &mut self.column.heap;
            heap.ends.truncate(rows * 4);
            let end = heap.ends.last_chunk::<4>().map_or(0, |end| u32::from_le_bytes(*end));
            heap.bytes.truncate(end as usize);
        }
    }

    pub fn finish(mut self) -> Column {
        assert!(u32::try_from(self.column.heap.bytes.len()).is_ok(), "a chunk's payloads exceed 4 GiB");
        if self.absent {
            self.tidy();
        }
        self.column
    }

    fn tidy(&mut self) {
        let validity = &mut self.column.validity;
        validity.truncate(self.rows.div_ceil(8));
        if let Some(last) = validity.last_mut() {
            *last &= 0xff >> (validity_padding(self.rows));
        }
        let present: u32 = validity.iter().map(|byte| byte.count_ones()).sum();
        if present as usize == self.rows {
            validity.clear();
        } else if self.form == Form::Text && self.column.heap.is_empty() {
            // The code that absent rows have must exist.
            self.column.heap.push(&[]);
        }
    }
}

/// Bits of the last byte that stand for no row.
fn validity_padding(rows: usize) -> usize {
    rows.next_multiple_of(8) - rows
}
