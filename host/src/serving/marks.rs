//! What is said of a row beside its outputs: settled, revised, pending.

use super::field;
use super::query::{Late, Lens, Query};
use crate::cell::CellRef;
use crate::column::{Builder, Value};
use crate::description::{Field, Kind};
use crate::merge::{Only, Source};
use crate::near::Pointer;
use crate::rows::Rows;
use crate::table;
use std::cmp::Ordering;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The window is closed in what batch has folded: only a correction can change the row.
    pub settled: bool,
    /// It has changed since: speed holds more, and the row has it.
    pub revised: bool,
    /// Speed holds more, and the row does not have it.
    pub pending: bool,
}

pub fn fields(query: &Query) -> Vec<Field> {
    let mut fields = vec![field("settled", Kind::Boolean), field("revised", Kind::Boolean)];
    if query.late == Late::BatchWins {
        fields.push(field("pending", Kind::Boolean));
    }
    fields
}

/// Adds the columns of marks, one a row.
pub fn add(rows: &mut Rows, marks: &[Marks], query: &Query) {
    let column = |mark: fn(&Marks) -> bool| {
        let mut builder = Builder::default();
        marks.iter().for_each(|marks| builder.push(&Kind::Boolean, Value::Boolean(mark(marks))));
        builder.finish()
    };
    rows.columns.push(column(|marks| marks.settled));
    rows.columns.push(column(|marks| marks.revised));
    if query.late == Late::BatchWins {
        rows.columns.push(column(|marks| marks.pending));
    }
    rows.fields.extend(fields(query));
}

/// Marks cells that come in canonical order.
pub struct Marker<'a> {
    query: &'a Query,
    settled_to_ms: Option<i64>,
    /// The settled cells that speed holds, each part by itself.
    touched: Vec<Box<dyn Source + 'a>>,
    pending: u64,
}

impl<'a> Marker<'a> {
    pub fn new(pointer: &'a Pointer, query: &'a Query) -> Result<Marker<'a>, table::Error> {
        let settled_to_ms = pointer.base.as_ref().and_then(|base| base.settled_to_ms);
        let mut touched: Vec<Box<dyn Source + 'a>> = Vec::new();
        if settled_to_ms.is_some() && query.lens == Lens::Merged {
            let is_settled =
                move |cell: &CellRef<'_>| query.is_settled(pointer, cell.window) && query.has(cell);
            for part in &pointer.parts {
                let source = part.source(&query.leading, query.is_key)?;
                touched.push(Box::new(Only::new(source, is_settled)?));
            }
        }
        Ok(Marker { query, settled_to_ms, touched, pending: 0 })
    }

    pub fn mark(&mut self, cell: &CellRef<'_>) -> Result<Marks, table::Error> {
        let last = self.query.last_window(cell.window);
        let settled = self.query.has_windows && self.settled_to_ms.is_some_and(|to| last < to);
        let touched = self.touches(cell.key, last)?;
        let wins = self.query.late == Late::BatchWins;
        self.pending += u64::from(touched && wins);
        Ok(Marks { settled, revised: touched && !wins, pending: touched && wins })
    }

    /// Whether speed holds a settled cell of this key up to this window, beyond those that were passed.
    fn touches(&mut self, key: &[u8], last: i64) -> Result<bool, table::Error> {
        let mut is_touched = false;
        let at = CellRef { key, window: last, state: &[], broken: None };
        for source in &mut self.touched {
            while let Some(head) = source.head().filter(|head| head.order(&at) != Ordering::Greater) {
                let is_of_row =
                    head.key == key && self.query.grain.is_some() || head.order(&at) == Ordering::Equal;
                is_touched |= is_of_row;
                // A settled cell that has no row yet waits for the next run.
                self.pending += u64::from(!is_of_row && self.query.late == Late::BatchWins);
                source.advance()?;
            }
        }
        Ok(is_touched)
    }

    /// Settled cells for which speed holds more than is shown.
    pub fn finish(mut self) -> Result<u64, table::Error> {
        if self.query.late == Late::BatchWins {
            for source in &mut self.touched {
                while source.head().is_some() {
                    self.pending += 1;
                    source.advance()?;
                }
            }
        }
        Ok(self.pending)
    }
}
