//! Cells in memory: one state for each (key, window), found by hash, merged in bulk, read in
//! canonical order. Owns the arenas that keys and states live in; knows nothing of where they come
//! from.

mod keys;

use crate::calls::{self, Calls, Part};
pub use crate::cell::CellRef;
use crate::cell::Found;
use crate::column::Blobs;
use crate::store;
use hashbrown::HashTable;
use keys::{KeyId, Keys};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The rank of a cell's key, its window, and which cell it is.
type Place = (u32, i64, Slot);

/// One cell's place in its table; stable for the table's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(u32);

#[derive(Clone, Copy, Debug)]
struct Cell {
    window: i64,
    key: KeyId,
    /// The cell of the same key that was there before: a point query finds all of them, however many cells
    /// there are. `NO_CELL`: there was none.
    earlier: u32,
    state: Span,
}

/// There are fewer cells than this.
const NO_CELL: u32 = u32::MAX;

impl Cell {
    fn hash(&self) -> u64 {
        self.key.hash_in(self.window)
    }
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

/// A key is held once, however many windows it has: a cell is found by its key's number and its
/// window, and put in order by its key's rank.
///
/// States are replaced in place when their length stays; what longer ones leave behind is
/// compacted away once it is more than half of the arena.
#[derive(Clone, Debug, Default)]
pub struct Table {
    keys: Keys,
    /// The newest cell of each key, by its number.
    newest: Vec<u32>,
    index: HashTable<u32>,
    cells: Vec<Cell>,
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

    /// Bytes that it holds, room to grow among them, with those that it takes to put cells in order.
    pub fn bytes(&self) -> usize {
        let to_sort = self.cells.len() * (size_of::<Place>() + size_of::<Slot>());
        let newest = self.newest.capacity() * size_of::<u32>();
        let cells = self.cells.capacity() * size_of::<Cell>();
        self.keys.bytes() + self.index.allocation_size() + newest + cells + self.states.capacity() + to_sort
    }

    pub fn find(&self, key: &[u8], window: i64) -> Option<CellRef<'_>> {
        self.slot(self.keys.find(key)?, window).map(|slot| self.cell(slot))
    }

    fn slot(&self, key: KeyId, window: i64) -> Option<Slot> {
        let same = |slot: &u32| {
            let cell = self.cells.get(*slot as usize);
            cell.is_some_and(|cell| cell.key == key && cell.window == window)
        };
        self.index.find(key.hash_in(window), same).map(|slot| Slot(*slot))
    }

    pub fn cell(&self, slot: Slot) -> CellRef<'_> {
        let nothing = CellRef { key: &[], window: 0, state: &[], broken: None };
        self.cells.get(slot.0 as usize).map_or(nothing, |cell| CellRef {
            key: self.keys.get(cell.key),
            window: cell.window,
            state: cell.state.of(&self.states),
            broken: self.broken.get(&slot).map(String::as_str),
        })
    }

    /// The window of the cell with this number.
    pub fn window(&self, cell: usize) -> i64 {
        self.cells.get(cell).map_or(0, |cell| cell.window)
    }

    fn state(&self, slot: Slot) -> &[u8] {
        self.cells.get(slot.0 as usize).map_or(&[], |cell| cell.state.of(&self.states))
    }

    /// Cells in canonical order: by key, then window.
    pub fn sorted(&self) -> Vec<Slot> {
        let ranks = self.keys.ranks();
        let rank = |cell: &Cell| cell.key.of(&ranks);
        let windows = self.cells.iter().zip(0..).map(|(cell, slot)| (rank(cell), cell.window, Slot(slot)));
        let mut order: Vec<Place> = windows.collect();
        order.sort_unstable();
        order.into_iter().map(|(.., slot)| slot).collect()
    }

    /// The cells of one key, by window.
    pub fn of_key(&self, key: &[u8]) -> Vec<Slot> {
        let newest = self.keys.find(key).and_then(|key| self.newest.get(key.place()));
        let mut next = newest.copied().unwrap_or(NO_CELL);
        let mut found: Vec<(i64, Slot)> = Vec::new();
        while let Some(cell) = self.cells.get(next as usize) {
            found.push((cell.window, Slot(next)));
            next = cell.earlier;
        }
        found.sort_unstable();
        found.into_iter().map(|(_, slot)| slot).collect()
    }

    pub fn iter_sorted(&self) -> impl Iterator<Item = CellRef<'_>> {
        self.sorted().into_iter().map(|slot| self.cell(slot))
    }

    /// Merges later states to the right of those that are here.
    pub fn absorb(&mut self, calls: &Calls, part: &Part, left: &Left<'_>) -> Result<(), Error> {
        let ids = self.ids(part);
        let mut pairs = Pairs::with_capacity(ids.len());
        let cells = ids.iter().zip(&part.windows).zip(part.states.iter()).enumerate();
        for (cell, ((key, window), state)) in cells {
            match self.slot(*key, *window) {
                Some(slot) if self.broken.contains_key(&slot) => {}
                Some(slot) => pairs.push(slot, self.state(slot), state),
                None => match left {
                    Left::Nothing => _ = self.insert(*key, *window, state),
                    Left::Whole { below, initial } => {
                        let slot = self.insert(*key, *window, &[]);
                        let name = part.keys.get(cell);
                        let below = below.map_or(Ok(None), |below| below.find(name, *window))?;
                        self.found(slot, below, initial, state, &mut pairs);
                    }
                },
            }
        }
        Ok(self.merge(calls, &pairs)?)
    }

    /// This table's numbers for the keys of a part's cells.
    fn ids(&mut self, part: &Part) -> Vec<KeyId> {
        let mut ids: Vec<KeyId> = Vec::with_capacity(part.states.len());
        for (cell, first) in part.firsts.iter().enumerate() {
            let id = match ids.get(*first as usize) {
                Some(id) => *id,
                None => self.keys.id(part.keys.get(cell)),
            };
            ids.push(id);
        }
        ids
    }

    /// A cell's first state, where states are whole: it goes onto the one below, else the initial.
    fn found(
        &mut self,
        slot: Slot,
        below: Option<Found<'_>>,
        initial: &[u8],
        state: &[u8],
        pairs: &mut Pairs,
    ) {
        match below {
            Some(Found::Broken(cause)) => _ = self.broken.insert(slot, cause.into()),
            Some(Found::State(found)) => pairs.push(slot, &found, state),
            None => pairs.push(slot, initial, state),
        }
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
        let ids: Vec<KeyId> = above.keys.iter().map(|key| out.keys.id(key)).collect();
        let mut pairs = Pairs::default();
        for (slot, above_cell) in above.cells.iter().enumerate() {
            let (key, cell) = (above_cell.key.of(&ids), above.cell(Slot(slot as u32)));
            let here = out.slot(key, cell.window);
            match (here, cell.broken) {
                (Some(here), None) if whole => out.replace(here, cell.state),
                (Some(here), None) if out.broken.contains_key(&here) => {}
                (Some(here), None) => pairs.push(here, out.state(here), cell.state),
                (None, None) => _ = out.insert(key, cell.window, cell.state),
                (here, Some(cause)) => {
                    let here = here.unwrap_or_else(|| out.insert(key, cell.window, &[]));
                    out.broken.insert(here, cause.into());
                }
            }
        }
        out.merge(calls, &pairs)?;
        Ok(out)
    }

    /// Adds a cell that is not there yet.
    pub fn put(&mut self, cell: CellRef<'_>) {
        let key = self.keys.id(cell.key);
        let slot = self.insert(key, cell.window, cell.state);
        if let Some(cause) = cell.broken {
            self.broken.insert(slot, cause.into());
        }
    }

    fn insert(&mut self, key: KeyId, window: i64, state: &[u8]) -> Slot {
        let slot = self.cells.len() as u32;
        if self.newest.len() <= key.place() {
            self.newest.resize(key.place() + 1, NO_CELL);
        }
        let newest = self.newest.get_mut(key.place());
        let earlier = newest.map_or(NO_CELL, |newest| std::mem::replace(newest, slot));
        let cell = Cell { window, key, earlier, state: append(&mut self.states, state) };
        self.cells.push(cell);
        let cells = &self.cells;
        self.index.insert_unique(cell.hash(), slot, |slot| cells.get(*slot as usize).map_or(0, Cell::hash));
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
    fn with_capacity(pairs: usize) -> Pairs {
        Pairs { slots: Vec::with_capacity(pairs), ..Pairs::default() }
    }

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
