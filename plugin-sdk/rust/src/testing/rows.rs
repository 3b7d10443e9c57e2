//! Columns to rows as a host prints them.

use std::cmp::Ordering;

use crate::column::{Blobs, Column, i64s, u32s};
use crate::value::{Datum, Kind, Timestamp, write_datum};

/// The value of a row.
pub(super) fn datum(column: &Column, kind: Kind, row: usize) -> Datum {
    if !column.is_present(row) {
        return Datum::Absent;
    }
    let word = || i64::from_le_bytes(i64s(&column.fixed)[row]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match kind {
        Kind::Boolean => Datum::Boolean(column.fixed[row] != 0),
        Kind::Integer | Kind::Timestamp | Kind::Decimal(_) => Datum::Integer(word()),
        Kind::Float => Datum::Float(f64::from_bits(word() as u64)),
        Kind::Text => {
            let code = u32::from_le_bytes(u32s(&column.fixed)[row]);
            Datum::Text(text(column.heap.get(code as usize)))
        }
        Kind::Binary => Datum::Binary(column.heap.get(row).to_vec()),
        Kind::Json => Datum::Json(text(column.heap.get(row))),
    }
}

/// A key and a window, in the order of rows: null first, text by bytes, then the window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) key: Vec<Datum>,
    pub(super) window: Option<i64>,
}

impl Eq for Place {}

impl Ord for Place {
    fn cmp(&self, other: &Place) -> Ordering {
        let parts = self.key.iter().zip(&other.key).map(|(part, other)| compare(part, other));
        let keys = parts.into_iter().fold(Ordering::Equal, Ordering::then);
        keys.then(self.window.cmp(&other.window))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Place) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Two parts of one key column, so of one kind if they are there.
fn compare(part: &Datum, other: &Datum) -> Ordering {
    match (part, other) {
        (Datum::Boolean(part), Datum::Boolean(other)) => part.cmp(other),
        (Datum::Integer(part), Datum::Integer(other)) => part.cmp(other),
        (Datum::Text(part), Datum::Text(other)) => part.cmp(other),
        (Datum::Binary(part), Datum::Binary(other)) => part.cmp(other),
        (part, other) => (*part != Datum::Absent).cmp(&(*other != Datum::Absent)),
    }
}

/// Columns of places: what `present` is given.
pub(super) fn key_columns(kinds: &[Kind], places: &[&Place]) -> (Vec<Column>, Vec<u8>) {
    let column = |(i, kind): (usize, &Kind)| {
        let mut column = crate::column::Builder::new(*kind);
        places.iter().for_each(|place| column.push_datum(&place.key[i]));
        column.finish()
    };
    let windows = places.iter().filter_map(|place| place.window).flat_map(i64::to_le_bytes).collect();
    (kinds.iter().enumerate().map(column).collect(), windows)
}

/// A row as a JSON object.
pub(super) fn json(members: &[(&str, Kind, Datum)], window: Option<i64>, keys: usize) -> String {
    let mut json = String::from("{");
    let mut member = |name: &str, kind: Kind, datum: &Datum| {
        if json.len() > 1 {
            json.push(',');
        }
        write_datum(Kind::Text, &Datum::Text(name.to_owned()), &mut json);
        json.push(':');
        write_datum(kind, datum, &mut json);
    };
    for (i, (name, kind, datum)) in members.iter().enumerate() {
        if let (true, Some(start)) = (i == keys, window) {
            member("window", Kind::Timestamp, &Datum::Integer(start));
        }
        member(name, *kind, datum);
    }
    json.push('}');
    json
}

/// The window of each cell, if there are windows.
pub(super) fn windows(windows: &[u8]) -> Vec<Option<i64>> {
    i64s(windows).iter().map(|start| Some(i64::from_le_bytes(*start))).collect()
}

/// States in the order given.
pub(super) fn states<'a>(states: impl Iterator<Item = &'a Vec<u8>>) -> Blobs {
    states.map(Vec::as_slice).collect()
}

/// How a place reads in a message.
pub(super) fn shown(place: &Place) -> String {
    let window = place.window.map_or_else(String::new, |start| format!(" in window {}", Timestamp(start)));
    format!("key {:?}{window}", place.key)
}
