//! No result of `fold` is believed: every column, end, code, window and row number is looked at, and what
//! passes gets its canonical keys.

use super::{Part, hash_in, hash_of_key};
use crate::column::{Blobs, Column, i64s};
use crate::description::Description;
use crate::key;
use crate::limits::Limits;
use crate::transform::{Cells, Folded};
use hashbrown::HashTable;

/// Checks what `fold` returned against the contract, and gives it its canonical keys.
pub fn checked(
    description: &Description,
    limits: &Limits,
    rows: usize,
    folded: &mut Folded,
) -> Result<Part, String> {
    let cells = std::mem::take(&mut folded.cells);
    check_rejected(rows, folded)?;
    check_cells(description, limits, rows, &cells)?;
    let count = cells.states.len();
    let windows = match description.window {
        Some(_) => i64s(&cells.windows).collect(),
        None => vec![0; count],
    };
    let (keys, key_hashes) = encoded(description, &cells.keys, count);
    let firsts = firsts(&keys, &key_hashes);
    let hashes = key_hashes.iter().zip(&windows).map(|(hash, window)| hash_in(*hash, *window)).collect();
    let part = Part { keys, hashes, firsts, windows, states: cells.states };
    match twin(&part) {
        Some(cell) => Err(format!("cell {cell} has the key and window of an earlier one")),
        None => Ok(part),
    }
}

/// The canonical keys of all cells, and the hash of each.
fn encoded(description: &Description, columns: &[Column], count: usize) -> (Blobs, Vec<u64>) {
    let parts = key::Parts::new(&description.keys, columns);
    let (mut keys, mut hashes) = (Blobs::default(), Vec::with_capacity(count));
    for row in 0..count {
        keys.push_with(|key| parts.push(row, key));
        hashes.push(hash_of_key(keys.last()));
    }
    (keys, hashes)
}

/// For each cell the first one with the same key.
fn firsts(keys: &Blobs, hashes: &[u64]) -> Vec<u32> {
    let mut distinct: HashTable<u32> = HashTable::new();
    let hash = |cell: &u32| hashes.get(*cell as usize).copied().unwrap_or(0);
    let first = |(cell, (key, own)): (usize, (&[u8], &u64))| {
        let same = |other: &u32| hash(other) == *own && keys.get(*other as usize) == key;
        *distinct.entry(*own, same, hash).or_insert(cell as u32).get()
    };
    keys.iter().zip(hashes).enumerate().map(first).collect()
}

fn check_rejected(rows: usize, folded: &Folded) -> Result<(), String> {
    let mut next = 0;
    for rejection in &folded.rejected {
        if rejection.row as usize >= rows {
            return Err(format!("row {} of {rows} is rejected", rejection.row));
        }
        if rejection.row < next {
            return Err(format!("rejected row {} does not ascend", rejection.row));
        }
        next = rejection.row + 1;
    }
    Ok(())
}

fn check_cells(description: &Description, limits: &Limits, rows: usize, cells: &Cells) -> Result<(), String> {
    cells.states.check("states")?;
    let count = cells.states.len();
    let most = limits.cells_per_event;
    if count > rows.saturating_mul(most) {
        return Err(format!("{count} cells of {rows} events, more than {most} an event"));
    }
    if cells.keys.len() != description.keys.len() {
        return Err(format!("{} keys are described, {} returned", description.keys.len(), cells.keys.len()));
    }
    for (field, column) in description.keys.iter().zip(&cells.keys) {
        column.check(&field.kind, count, &format!("key '{}'", field.name))?;
    }
    let windows = if description.window.is_some() { count * 8 } else { 0 };
    if cells.windows.len() != windows {
        return Err(format!("{count} cells need {windows} bytes of windows, got {}", cells.windows.len()));
    }
    let slide_ms = description.window.map_or(1, |window| window.slide_ms);
    match i64s(&cells.windows).find(|start| start.rem_euclid(slide_ms) != 0) {
        Some(start) => Err(format!("window {start} is not a multiple of the slide of {slide_ms} ms")),
        None => Ok(()),
    }
}

/// The first cell whose key and window an earlier one has.
fn twin(part: &Part) -> Option<usize> {
    let mut seen: HashTable<u32> = HashTable::with_capacity(part.hashes.len());
    let place = |cell: u32| (part.firsts.get(cell as usize), part.windows.get(cell as usize));
    for (cell, hash) in part.hashes.iter().enumerate() {
        let own = place(cell as u32);
        if seen.find(*hash, |other| place(*other) == own).is_some() {
            return Some(cell);
        }
        seen.insert_unique(*hash, cell as u32, |other| {
            part.hashes.get(*other as usize).copied().unwrap_or(0)
        });
    }
    None
}
