//! Cells in memory: one state for each (key, window), found by hash, merged in bulk, read in
//! canonical order. Owns the arena that states live in; knows nothing of where they come from.

use crate::calls::{self, Calls, Part, hash_of};
pub use crate::cell::CellRef;
use crate::cell::Found;
use crate::column::Blobs;
use crate::store;
use hashbrown::HashTable;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One cell's place in its table; stable for the table's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(u32);

#[derive(Clone, Copy, Debug)]
struct Cell {
    hash: u64,
    window: i64,
    key: Span,
    state: Span,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    from: usize,
    len: u32,
}

impl Span {
    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.from..self.from + self.len as usize).unwrap_or_default()
    }
}

/// States are replaced in place when their length stays; what longer ones leave behind is
/// compacted away once it is more than half of the arena.
#[derive(Clone, Debug, Default)]
pub struct Table {
    index: HashTable<u32>,
    cells: Vec<Cell>,
    keys: Vec<u8>,
    states: Vec<u8>,
    unused_bytes: usize,
    broken: BTreeMap<Slot, String>,
}

/// What a cell's first state is merged onto.
pub enum Left<'a> {
    /// Nothing: states are deltas, the first one stays as it is.
    Nothing,
    /// The state of the cell below, else the initial one: states are whole.
    Whole { below: Option<&'a dyn Below>, initial: &'a [u8] },
}

/// Whole states that others grow from: a table, or files.
pub trait Below: Sync {
    fn find(&self, key: &[u8], window: i64) -> Result<Option<Found<'_>>, store::Error>;
}

impl Below for Table {
    fn find(&self, key: &[u8], window: i64) -> Result<Option<Found<'_>>, store::Error> {
        Ok(Table::find(self, key, window).map(|cell| match cell.broken {
            Some(cause) => Found::Broken(Cow::Borrowed(cause)),
            None => Found::State(Cow::Borrowed(cell.state)),
        }))
    }
}

/// Why states could not be merged: ours, never a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Call(#[from] calls::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Pairs gathered for one bulk merge.
#[derive(Default)]
struct Pairs {
    slots: Vec<Slot>,
    left: Blobs,
    right: Blobs,
}

const UNUSED_BYTES_MIN: usize = 1 << 20;

impl Table {
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub fn broken_count(&self) -> usize {
        self.broken.len()
    }

    /// Bytes held for keys and states.
    pub fn bytes(&self) -> usize {
        self.keys.len() + self.states.len() + self.cells.len() * (size_of::<Cell>() + 8)
    }

    pub fn find(&self, key: &[u8], window: i64) -> Option<CellRef<'_>> {
        self.slot(hash_of(key, window), key, window).map(|slot| self.cell(slot))
    }

    fn slot(&self, hash: u64, key: &[u8], window: i64) -> Option<Slot> {
        let same = |slot: &u32| {
            let cell = self.cells.get(*slot as usize);
            cell.is_some_and(|cell| cell.window == window && cell.key.of(&self.keys) == key)
        };
        self.index.find(hash, same).map(|slot| Slot(*slot))
    }

    pub fn cell(&self, slot: Slot) -> CellRef<'_> {
        let nothing = CellRef { key: &[], window: 0, state: &[], broken: None };
        self.cells.get(slot.0 as usize).map_or(nothing, |cell| CellRef {
            key: cell.key.of(&self.keys),
            window: cell.window,
            state: cell.state.of(&self.states),
            broken: self.broken.get(&slot).map(String::as_str),
        })
    }

    /// Cells in canonical order: by key, then window.
    pub fn sorted(&self) -> Vec<Slot> {
        // The first eight bytes of a key decide nearly every comparison without a look at the arena.
        let mut order: Vec<(u64, u32)> =
            (0..self.cells.len() as u32).map(|slot| (prefix(self.cell(Slot(slot)).key), slot)).collect();
        order.sort_unstable_by(|(a, x), (b, y)| {
            let (x, y) = (self.cell(Slot(*x)), self.cell(Slot(*y)));
            a.cmp(b).then_with(|| x.key.cmp(y.key)).then_with(|| x.window.cmp(&y.window))
        });
        order.into_iter().map(|(_, slot)| Slot(slot)).collect()
    }

    pub fn iter_sorted(&self) -> impl Iterator<Item = CellRef<'_>> {
        self.sorted().into_iter().map(|slot| self.cell(slot))
    }

    /// Merges later states to the right of those that are here.
    pub fn absorb(&mut self, calls: &Calls, part: &Part, left: &Left<'_>) -> Result<(), Error> {
        let mut pairs = Pairs::default();
        let cells = part.keys.iter().zip(part.states.iter()).zip(part.hashes.iter().zip(&part.windows));
        for ((key, state), (hash, window)) in cells {
            match self.slot(*hash, key, *window) {
                Some(slot) if self.broken.contains_key(&slot) => {}
                Some(slot) => pairs.push(slot, self.cell(slot).state, state),
                None => self.first(*hash, key, *window, state, left, &mut pairs)?,
            }
        }
        Ok(self.merge(calls, &pairs)?)
    }

    /// A cell's first state.
    fn first(
        &mut self,
        hash: u64,
        key: &[u8],
        window: i64,
        state: &[u8],
        left: &Left<'_>,
        pairs: &mut Pairs,
    ) -> Result<(), store::Error> {
        let Left::Whole { below, initial } = left else {
            self.insert(hash, key, window, state);
            return Ok(());
        };
        let slot = self.insert(hash, key, window, &[]);
        match below.map_or(Ok(None), |below| below.find(key, window))? {
            Some(Found::Broken(cause)) => {
                self.broken.insert(slot, cause.into());
            }
            Some(Found::State(found)) => pairs.push(slot, &found, state),
            None => pairs.push(slot, initial, state),
        }
        Ok(())
    }

    fn merge(&mut self, calls: &Calls, pairs: &Pairs) -> Result<(), calls::Error> {
        if pairs.slots.is_empty() {
            return Ok(());
        }
        let merged = calls.merge(&pairs.left, &pairs.right)?;
        for (slot, state) in pairs.slots.iter().zip(merged.states.iter()) {
            self.replace(*slot, state);
        }
        for (pair, cause) in merged.broken {
            if let Some(slot) = pairs.slots.get(pair) {
                self.broken.insert(*slot, cause);
            }
        }
        self.compact();
        Ok(())
    }

    /// This table with a later one laid over it: deltas are merged to the right, whole states replace.
    pub fn overlaid(&self, calls: &Calls, above: &Table, whole: bool) -> Result<Table, calls::Error> {
        let mut out = self.clone();
        let mut pairs = Pairs::default();
        for slot in (0..above.cells.len() as u32).map(Slot) {
            let cell = above.cell(slot);
            let hash = hash_of(cell.key, cell.window);
            let here = out.slot(hash, cell.key, cell.window);
            match (here, cell.broken) {
                (Some(here), None) if whole => out.replace(here, cell.state),
                (Some(here), None) if out.broken.contains_key(&here) => {}
                (Some(here), None) => pairs.push(here, out.cell(here).state, cell.state),
                (None, None) => {
                    out.insert(hash, cell.key, cell.window, cell.state);
                }
                (here, Some(cause)) => {
                    let here = here.unwrap_or_else(|| out.insert(hash, cell.key, cell.window, &[]));
                    out.broken.insert(here, cause.into());
                }
            }
        }
        out.merge(calls, &pairs)?;
        Ok(out)
    }

    fn insert(&mut self, hash: u64, key: &[u8], window: i64, state: &[u8]) -> Slot {
        let slot = self.cells.len() as u32;
        let key = append(&mut self.keys, key);
        let state = append(&mut self.states, state);
        self.cells.push(Cell { hash, window, key, state });
        let cells = &self.cells;
        self.index.insert_unique(hash, slot, |slot| cells.get(*slot as usize).map_or(0, |cell| cell.hash));
        Slot(slot)
    }

    fn replace(&mut self, slot: Slot, state: &[u8]) {
        let Some(cell) = self.cells.get_mut(slot.0 as usize) else { return };
        if cell.state.len as usize == state.len() {
            if let Some(place) = self.states.get_mut(cell.state.from..cell.state.from + state.len()) {
                place.copy_from_slice(state);
            }
        } else {
            self.unused_bytes += cell.state.len as usize;
            cell.state = append(&mut self.states, state);
        }
    }

    fn compact(&mut self) {
        if self.unused_bytes < UNUSED_BYTES_MIN || self.unused_bytes * 2 < self.states.len() {
            return;
        }
        let mut states = Vec::with_capacity(self.states.len() - self.unused_bytes);
        for cell in &mut self.cells {
            cell.state = append(&mut states, cell.state.of(&self.states));
        }
        self.states = states;
        self.unused_bytes = 0;
    }
}

impl Pairs {
    fn push(&mut self, slot: Slot, left: &[u8], right: &[u8]) {
        self.slots.push(slot);
        self.left.push(left);
        self.right.push(right);
    }
}

fn append(arena: &mut Vec<u8>, bytes: &[u8]) -> Span {
    let from = arena.len();
    arena.extend_from_slice(bytes);
    Span { from, len: bytes.len() as u32 }
}

fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(bytes)
}
