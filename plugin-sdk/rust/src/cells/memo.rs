//! Where the cells of numbered keys were found before: one look into an array, without a hash and
//! without comparing keys. It only remembers; what it does not know is looked up elsewhere.

use std::hint::cold_path;

use crate::key::{Key, Radix};

/// Tables that there are at most: windows that a chunk touches, few unless its times are wild.
const TABLES_MAX: usize = 16;
/// Room for as many keys as a chunk has rows, and for this many such tables.
const TABLES_OF_ALL_ROWS: usize = 4;
/// No cell.
const UNKNOWN: u32 = u32::MAX;

pub(crate) struct Memo<R> {
    radixes: R,
    /// The product of the radixes; `None` until a key told them.
    places: Option<usize>,
    /// Rows of the chunk: keys that may be numbered.
    rows: usize,
    /// The cells of one window by place.
    now: Table,
    others: Vec<Table>,
}

struct Table {
    window_ms: i64,
    cells: Vec<u32>,
}

impl<R: Default + AsRef<[Radix]>> Memo<R> {
    pub(crate) fn new(rows: usize) -> Memo<R> {
        let now = Table { window_ms: 0, cells: Vec::new() };
        Memo { radixes: R::default(), places: None, rows, now, others: Vec::new() }
    }

    /// The cell of `key` in this window, if it is noted.
    #[inline]
    pub(crate) fn find<K: Key<Radixes = R>>(&self, key: &K, window_ms: i64) -> Option<usize> {
        match self.now.cells.get(self.place(key, window_ms)?) {
            Some(cell) if *cell != UNKNOWN => Some(*cell as usize),
            _ => {
                cold_path();
                None
            }
        }
    }

    /// Where the cell of `key` is noted, if it can be and this is the window turned to.
    #[inline]
    pub(crate) fn place<K: Key<Radixes = R>>(&self, key: &K, window_ms: i64) -> Option<usize> {
        if self.now.window_ms != window_ms {
            cold_path();
            return None;
        }
        match key.place(&self.radixes) {
            Some(place) => Some(place),
            None => {
                cold_path();
                None
            }
        }
    }

    /// Makes ready for keys in this window, as far as there is room.
    pub(crate) fn turn<K: Key<Radixes = R>>(&mut self, key: &K, window_ms: i64) {
        let places = self.places.or_else(|| self.settle(key)).unwrap_or(0);
        if places == 0 || (self.now.window_ms == window_ms && !self.now.cells.is_empty()) {
            return;
        }
        if let Some(table) = self.others.iter_mut().find(|table| table.window_ms == window_ms) {
            std::mem::swap(table, &mut self.now);
            return;
        }
        let tables = (self.rows * TABLES_OF_ALL_ROWS / places).min(TABLES_MAX);
        let table = Table { window_ms, cells: vec![UNKNOWN; places] };
        if self.now.cells.is_empty() {
            self.now = table;
        } else if self.others.len() + 1 < tables {
            self.others.push(std::mem::replace(&mut self.now, table));
        }
    }

    /// Notes the cell of a key at its place.
    pub(crate) fn note(&mut self, place: Option<usize>, cell: usize) {
        if let Some(known) = place.and_then(|place| self.now.cells.get_mut(place)) {
            *known = cell as u32;
        }
    }

    /// Learns the radixes of a key, unless that key does not tell. With more keys than rows the look-up
    /// table would cost more than it spares: then none is made.
    fn settle<K: Key<Radixes = R>>(&mut self, key: &K) -> Option<usize> {
        let radixes = key.radixes();
        let product = Radix::product(radixes.as_ref())?;
        if product <= self.rows {
            (self.radixes, self.places) = (radixes, Some(product));
        } else {
            self.places = Some(0);
        }
        self.places
    }
}
