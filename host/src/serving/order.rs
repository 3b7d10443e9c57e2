//! Rows in an order of somebody's choice: gathered, sorted, cut off.

use super::condition::compare;
use crate::description::Field;
use crate::rows::Rows;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Rows that are gathered to be sorted.
const ROWS_MAX: usize = 1_000_000;

/// A column and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By {
    pub column: usize,
    pub descends: bool,
}

/// Rows on their way into order.
pub struct Sorting {
    by: Vec<By>,
    limit: usize,
    /// A column of which each value has its own limit.
    per: Option<usize>,
    parts: Vec<Rows>,
    count: usize,
}

impl Sorting {
    pub fn new(by: Vec<By>, limit: usize, per: Option<usize>) -> Sorting {
        Sorting { by, limit, per, parts: Vec::new(), count: 0 }
    }

    /// Takes rows; forgets those that cannot be among the first any more.
    pub fn add(&mut self, rows: Rows) -> Result<(), String> {
        self.count += rows.count;
        self.parts.push(rows);
        if self.count > ROWS_MAX {
            let sorted = self.sorted();
            (self.count, self.parts) = (sorted.count, vec![sorted]);
            if self.count > ROWS_MAX / 2 {
                return Err(format!("more than {ROWS_MAX} rows to be sorted; ask for fewer, or say a limit"));
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Rows {
        self.sorted()
    }

    fn sorted(&self) -> Rows {
        let fields = self.parts.first().map(|part| part.fields.clone()).unwrap_or_default();
        let rows = Rows::joined(fields, &self.parts);
        let mut places: Vec<usize> = (0..rows.count).collect();
        // Stable: rows that are alike stay in the order of their keys.
        places.sort_by(|a, b| self.compare(&rows, *a, *b));
        match self.per.and_then(|column| rows.fields.get(column).zip(rows.columns.get(column))) {
            None => places.truncate(self.limit),
            Some((field, column)) => {
                let mut taken: BTreeMap<String, usize> = BTreeMap::new();
                places.retain(|row| {
                    let count = taken.entry(format!("{:?}", column.value(&field.kind, *row))).or_default();
                    *count += 1;
                    *count <= self.limit
                });
            }
        }
        picked(&rows, &places)
    }

    fn compare(&self, rows: &Rows, a: usize, b: usize) -> Ordering {
        for by in &self.by {
            let Some((field, column)) = rows.fields.get(by.column).zip(rows.columns.get(by.column)) else {
                continue;
            };
            let order = compare(column.value(&field.kind, a), column.value(&field.kind, b));
            let order = if by.descends { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }
}

pub fn first(rows: &Rows, count: usize) -> Rows {
    picked(rows, &(0..count).collect::<Vec<_>>())
}

/// These rows, in this order.
pub fn picked(rows: &Rows, places: &[usize]) -> Rows {
    let pick = |(field, column): (&Field, &crate::column::Column)| column.pick(&field.kind, places);
    let columns = rows.fields.iter().zip(&rows.columns).map(pick).collect();
    Rows::new(rows.fields.clone(), columns, places.len())
}
