//! One column in the making, row by row; the last row can be taken back.

use crate::column::{Column, set_bit};
use crate::description::Kind;

pub(super) struct Gather {
    pub kind: Kind,
    pub column: Column,
    rows: usize,
    /// Whether some row was absent, so that `validity` is kept.
    absent: bool,
}

impl Gather {
    pub fn new(kind: Kind, rows: usize) -> Gather {
        let mut column = Column::default();
        column.fixed.reserve_exact(rows * kind.width());
        if matches!(kind, Kind::Binary | Kind::Json) {
            column.heap.ends.reserve_exact(rows * 4);
        }
        Gather { kind, column, rows: 0, absent: false }
    }

    /// A row whose value has been appended to the column.
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
        let fixed = self.column.fixed.len() + self.kind.width();
        self.column.fixed.resize(fixed, 0);
        if self.kind.width() == 0 {
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
        self.column.fixed.truncate(rows * self.kind.width());
        if self.kind.width() == 0 {
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
        } else if self.kind == Kind::Text && self.column.heap.is_empty() {
            // The code that absent rows have must exist.
            self.column.heap.push(&[]);
        }
    }
}

/// Bits of the last byte that stand for no row.
fn validity_padding(rows: usize) -> usize {
    rows.next_multiple_of(8) - rows
}
