//! What changes between two builds of a transform over the same events: rows, not states, since two
//! builds may keep their states differently. Knows nothing of how rows were made.

use crate::column::{Builder, Column, Value};
use crate::description::{Description, Field, Kind};
use crate::key;
use crate::rows::Rows;
use std::cmp::Ordering;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("rows cannot be matched: the old build is keyed by ({old}), the new one by ({new})")]
    Keys { old: String, new: String },
}

/// The rows that differ.
pub struct Change {
    /// Rows that either build has.
    pub compared: u64,
    pub changed: u64,
    pub gone: u64,
    pub new: u64,
    /// Keys and window, `change` (`changed`, `gone`, `new`), then each output before and after.
    pub table: Rows,
}

impl Change {
    pub fn is_none(&self) -> bool {
        self.rows() == 0
    }

    pub fn rows(&self) -> u64 {
        self.changed + self.gone + self.new
    }
}

/// Compares two views' rows, each in canonical order.
pub fn between(
    (old, old_rows): (&Description, &Rows),
    (new, new_rows): (&Description, &Rows),
) -> Result<Change, Error> {
    if identity(old) != identity(new) {
        let names = |description: &Description| identity(description).join(", ");
        return Err(Error::Keys { old: names(old), new: names(new) });
    }
    let mut sheet = Sheet::new(new, old_rows, new_rows);
    let (old_keys, new_keys) = (encoded(new, old_rows), encoded(new, new_rows));
    let (mut i, mut j) = (0, 0);
    while i < old_keys.len() || j < new_keys.len() {
        let order = match (old_keys.get(i), new_keys.get(j)) {
            (Some(a), Some(b)) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        sheet.compared += 1;
        match order {
            Ordering::Less => sheet.push("gone", Some(i), None),
            Ordering::Greater => sheet.push("new", None, Some(j)),
            Ordering::Equal if sheet.is_equal(i, j) => {}
            Ordering::Equal => sheet.push("changed", Some(i), Some(j)),
        }
        i += usize::from(order != Ordering::Greater);
        j += usize::from(order != Ordering::Less);
    }
    Ok(sheet.finish())
}

/// What makes rows of two builds comparable: keys by name and kind, and whether there are windows.
fn identity(description: &Description) -> Vec<String> {
    let keys = description.keys.iter().map(|field| format!("{} {}", field.name, field.kind));
    keys.chain(description.window.map(|_| "window".to_string())).collect()
}

/// Key columns, and the window if there is one.
fn identifying(description: &Description) -> usize {
    description.keys.len() + usize::from(description.window.is_some())
}

fn encoded(description: &Description, rows: &Rows) -> Vec<Vec<u8>> {
    let width = identifying(description);
    let (fields, columns) = (rows.fields.get(..width), rows.columns.get(..width));
    let one = |row| {
        let mut out = Vec::new();
        key::encode(fields.unwrap_or_default(), columns.unwrap_or_default(), row, &mut out);
        out
    };
    (0..rows.count).map(one).collect()
}

/// The table of differences in the making.
struct Sheet<'a> {
    old: &'a Rows,
    new: &'a Rows,
    width: usize,
    /// Each output of either build: where it is in the old rows and in the new ones.
    outputs: Vec<(Field, Option<usize>, Option<usize>)>,
    builders: Vec<Builder>,
    counts: [u64; 3],
    compared: u64,
}

impl<'a> Sheet<'a> {
    fn new(description: &Description, old: &'a Rows, new: &'a Rows) -> Sheet<'a> {
        let width = identifying(description);
        let place = |rows: &Rows, field: &Field| {
            rows.fields
                .iter()
                .skip(width)
                .position(|other| other.name == field.name && other.kind == field.kind)
        };
        let mut outputs = Vec::new();
        for (i, field) in new.fields.iter().enumerate().skip(width) {
            outputs.push((field.clone(), place(old, field).map(|place| place + width), Some(i)));
        }
        for (i, field) in old.fields.iter().enumerate().skip(width) {
            if place(new, field).is_none() {
                outputs.push((field.clone(), Some(i), None));
            }
        }
        let mut builders = Vec::new();
        builders.resize_with(width + 1 + outputs.len() * 2, Builder::default);
        Sheet { old, new, width, outputs, builders, counts: [0; 3], compared: 0 }
    }

    fn is_equal(&self, i: usize, j: usize) -> bool {
        self.outputs.iter().all(|(field, before, after)| {
            let (before, after) = (
                value(self.old, *before, &field.kind, Some(i)),
                value(self.new, *after, &field.kind, Some(j)),
            );
            before == after
                || matches!((before, after), (Value::Float(a), Value::Float(b)) if a.to_bits() == b.to_bits())
        })
    }

    fn push(&mut self, what: &'static str, i: Option<usize>, j: Option<usize>) {
        let place = match what {
            "changed" => 0,
            "gone" => 1,
            _ => 2,
        };
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        let (named, row) = if j.is_some() { (self.new, j) } else { (self.old, i) };
        let mut builders = self.builders.iter_mut();
        for (at, field) in named.fields.iter().take(self.width).enumerate() {
            if let Some(builder) = builders.next() {
                builder.push(&field.kind, value(named, Some(at), &field.kind, row));
            }
        }
        if let Some(builder) = builders.next() {
            builder.push(&Kind::Text, Value::Bytes(what.as_bytes()));
        }
        for (field, before, after) in &self.outputs {
            for (rows, at, row) in [(self.old, before, i), (self.new, after, j)] {
                if let Some(builder) = builders.next() {
                    builder.push(&field.kind, value(rows, *at, &field.kind, row));
                }
            }
        }
    }

    fn finish(self) -> Change {
        let named = |name: String, kind: &Kind| Field {
            name,
            path: String::new(),
            kind: kind.clone(),
            required: false,
        };
        let mut fields: Vec<Field> = self.new.fields.iter().take(self.width).cloned().collect();
        fields.push(named("change".into(), &Kind::Text));
        for (field, _, _) in &self.outputs {
            fields.push(named(format!("{}_before", field.name), &field.kind));
            fields.push(named(field.name.clone(), &field.kind));
        }
        let columns: Vec<Column> = self.builders.into_iter().map(Builder::finish).collect();
        let [changed, gone, new] = self.counts;
        let count = (changed + gone + new) as usize;
        Change { compared: self.compared, changed, gone, new, table: Rows::new(fields, columns, count) }
    }
}

fn value<'a>(rows: &'a Rows, column: Option<usize>, kind: &Kind, row: Option<usize>) -> Value<'a> {
    let found = column.and_then(|column| rows.columns.get(column)).zip(row);
    found.map_or(Value::Absent, |(column, row)| column.value(kind, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: Kind) -> Field {
        Field { name: name.into(), path: String::new(), kind, required: false }
    }

    fn description() -> Description {
        Description {
            name: "t".into(),
            summary: String::new(),
            inputs: Vec::new(),
            keys: vec![field("k", Kind::Integer)],
            outputs: vec![field("n", Kind::Integer)],
            only: None,
            window: None,
            order: crate::description::Order::None,
            initial: None,
            annotations: Vec::new(),
        }
    }

    fn rows(cells: &[(i64, i64)]) -> Rows {
        let (mut keys, mut values) = (Builder::default(), Builder::default());
        for (key, value) in cells {
            keys.push(&Kind::Integer, Value::Integer(*key));
            values.push(&Kind::Integer, Value::Integer(*value));
        }
        let fields = vec![field("k", Kind::Integer), field("n", Kind::Integer)];
        Rows::new(fields, vec![keys.finish(), values.finish()], cells.len())
    }

    #[test]
    fn rows_that_changed_went_or_came_are_told_apart() {
        let (old, new) = (rows(&[(-1, 5), (2, 7), (3, 9)]), rows(&[(2, 8), (3, 9), (4, 1)]));
        let change = between((&description(), &old), (&description(), &new)).unwrap();
        assert_eq!((change.compared, change.changed, change.gone, change.new), (4, 1, 1, 1));
        let shown: Vec<Value> = (0..3).map(|row| change.table.columns[1].value(&Kind::Text, row)).collect();
        assert_eq!(shown, [Value::Bytes(b"gone"), Value::Bytes(b"changed"), Value::Bytes(b"new")]);
        assert_eq!(change.table.columns[2].value(&Kind::Integer, 1), Value::Integer(7));
        assert_eq!(change.table.columns[3].value(&Kind::Integer, 1), Value::Integer(8));
    }

    #[test]
    fn equal_rows_are_no_change() {
        let change = between((&description(), &rows(&[(1, 1)])), (&description(), &rows(&[(1, 1)]))).unwrap();
        assert!(change.is_none() && change.compared == 1);
    }

    #[test]
    fn builds_with_other_keys_cannot_be_compared() {
        let mut other = description();
        other.keys[0].kind = Kind::Text;
        assert!(between((&description(), &rows(&[])), (&other, &rows(&[]))).is_err());
    }
}
