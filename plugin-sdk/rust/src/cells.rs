//! The cells that one chunk touches. Owns how a key and a time become a cell, fast, and the form in
//! which cells leave `fold`; knows nothing of events, nor of what a state means.

mod memo;
mod windows;

use crate::column::{Blobs, Builder};
use crate::description::Window;
use crate::key::Key;
use crate::plugin::CellColumns;
use crate::state::State;
use crate::table::{Table, mix};
use crate::value::Timestamp;
use memo::Memo;
use windows::Windows;

/// Where a transform puts what it has seen: one state `S` for each key `K` and window.
///
/// ```
/// # use bifocal_sdk::*;
/// # #[derive(Event)] struct Order<'a> { merchant_id: Text<'a>, amount: Decimal<2> }
/// # #[derive(Key)] struct Merchant<'a> { merchant_id: Text<'a> }
/// # #[derive(State)] struct Revenue { amount: Sum<Decimal<2>>, orders: Count }
/// #[transform(window = "1h")]
/// fn revenue(order: Order, out: &mut Cells<Merchant, Revenue>) -> Result<(), Reject> {
///     let cell = out.cell(Merchant { merchant_id: order.merchant_id });
///     cell.amount.add(order.amount);
///     cell.orders.add(1);
///     Ok(())
/// }
/// ```
///
/// # Hopping windows
///
/// With windows that overlap an event counts in `size / slide` of them. [`Cells::cell`] gives one
/// state at a time and the function is run once for each of the windows, so code is the same for all
/// windows and every state sees its events in the order of the log. If the state is order-free the
/// work is shared: the function runs once on panes as wide as the slide, which are merged into
/// windows when the chunk ends.
pub struct Cells<K: Key, S> {
    windows: Windows,
    /// One a cell. Apart from the cells' names, so that what is updated lies close together.
    states: Vec<S>,
    memo: Memo<K::Radixes>,
    names: Vec<Name<K>>,
    by_identity: Table,
    /// Further names of cells: equal keys that lie elsewhere. Apart, since most have none.
    aliases: Vec<Alias<K>>,
    by_alias: Table,
    keys: Vec<Builder>,
    /// Cells by what their keys are; filled when some text is first met in a second place.
    by_content: Option<Table>,
    touched: bool,
}

struct Name<K> {
    key: K,
    window_ms: i64,
}

impl<K: Key> Name<K> {
    #[inline]
    fn is(&self, key: &K, window_ms: i64) -> bool {
        (self.window_ms == window_ms) & self.key.is(key)
    }
}

struct Alias<K> {
    name: Name<K>,
    cell: usize,
}

/// Cells for which room is made at once. Room costs address space; only cells cost memory.
const ROOM_MAX: usize = 8192;

impl<K: Key, S: State> Cells<K, S> {
    /// Cells of `window` for a chunk of `rows` events.
    pub(crate) fn new(window: Option<Window>, rows: usize) -> Cells<K, S> {
        Cells {
            windows: Windows::new(window),
            states: Vec::with_capacity(rows.min(ROOM_MAX)),
            memo: Memo::new(rows),
            names: Vec::with_capacity(rows.min(ROOM_MAX)),
            by_identity: Table::for_rows(rows),
            aliases: Vec::new(),
            by_alias: Table::default(),
            keys: K::fields().into_iter().map(|field| Builder::new(field.kind)).collect(),
            by_content: None,
            touched: false,
        }
    }

    /// The event's time.
    #[inline]
    pub fn time(&self) -> Timestamp {
        Timestamp(self.windows.time_ms())
    }

    /// The state of `key` in the window of the event's time.
    ///
    /// The cell exists from then on, whether or not something is added to it.
    #[inline]
    pub fn cell(&mut self, key: K) -> &mut S {
        self.cell_at(self.time(), key)
    }

    /// The state of `key` in the window that holds `time`, for events that concern another time
    /// than their own: a correction, a refund of yesterday's order.
    ///
    /// # Panics
    ///
    /// If `time` is so early that its window would start before the least number. The host
    /// rejects such an event.
    #[inline]
    pub fn cell_at(&mut self, time: Timestamp, key: K) -> &mut S {
        let window_ms = self.windows.start(time.0);
        self.touched = true;
        let i = if K::NUMBERED {
            match self.memo.find(&key, window_ms) {
                Some(i) => i,
                None => self.number(key, window_ms),
            }
        } else {
            self.look_up(key, window_ms)
        };
        &mut self.states[i]
    }

    /// Looks up the cell of a numbered key and remembers it.
    #[inline(never)]
    fn number(&mut self, key: K, window_ms: i64) -> usize {
        self.memo.turn(&key, window_ms);
        if let Some(i) = self.memo.find(&key, window_ms) {
            return i;
        }
        let place = self.memo.place(&key, window_ms);
        let i = self.look_up(key, window_ms);
        self.memo.note(place, i);
        i
    }

    #[inline]
    fn look_up(&mut self, key: K, window_ms: i64) -> usize {
        let hash = mix(key.identity(), window_ms as u64);
        match self.by_identity.find_in(hash, &self.names, |name| name.is(&key, window_ms)) {
            Some(i) => i,
            None => self.meet(hash, key, window_ms),
        }
    }

    /// A key that is no cell's own: another name of one, or a new cell.
    #[inline(never)]
    fn meet(&mut self, hash: u64, key: K, window_ms: i64) -> usize {
        let is = |alias: &Alias<K>| alias.name.is(&key, window_ms);
        if let Some(i) = self.by_alias.find_in(hash, &self.aliases, is) {
            return self.aliases[i].cell;
        }
        key.push(&mut self.keys);
        if self.by_content.is_none() && self.keys.iter().any(Builder::is_aliased) {
            let mut by_content = Table::default();
            let names = self.names.iter().enumerate();
            names.for_each(|(i, name)| by_content.insert(self.content_hash(i, name.window_ms)));
            self.by_content = Some(by_content);
        }
        let new = self.states.len();
        if let Some(by_content) = &self.by_content {
            let content = self.content_hash(new, window_ms);
            let same = |i: usize| {
                self.names[i].window_ms == window_ms && self.keys.iter().all(|column| column.same(i, new))
            };
            if let Some(cell) = by_content.find(content, same) {
                self.keys.iter_mut().for_each(Builder::pop);
                self.by_alias.insert(hash);
                self.aliases.push(Alias { name: Name { key, window_ms }, cell });
                return cell;
            }
            self.by_content.iter_mut().for_each(|table| table.insert(content));
        }
        self.by_identity.insert(hash);
        self.names.push(Name { key, window_ms });
        self.states.push(S::default());
        new
    }

    /// The hash of what the keys of row `row` are, and of a window.
    fn content_hash(&self, row: usize, window_ms: i64) -> u64 {
        self.keys.iter().fold(mix(0, window_ms as u64), |hash, column| mix(hash, column.hash(row)))
    }

    /// Begins an event.
    #[inline]
    pub(crate) fn begin(&mut self, time_ms: i64) {
        self.windows.begin(time_ms);
        self.touched = false;
    }

    /// Turns to the `hop`th of the windows that hold a time, the latest being 0.
    pub(crate) fn hop(&mut self, hop: i64) {
        self.windows.hop(hop);
    }

    /// Whether the event has asked for a cell.
    #[inline]
    pub(crate) fn is_touched(&self) -> bool {
        self.touched
    }

    /// The cells as columns.
    pub(crate) fn finish(self) -> CellColumns {
        let rows = self.names.iter().map(|name| name.window_ms).zip(&self.states);
        let (windows, states) = encode(self.windows.is_global(), rows);
        CellColumns { keys: self.keys.into_iter().map(Builder::finish).collect(), windows, states }
    }

    /// The same of windows that are each `hops` panes wide, where the cells are panes.
    ///
    /// For order-free states only: then merging panes, in any order, is folding events.
    pub(crate) fn finish_panes(self, hops: i64) -> Result<CellColumns, String> {
        let mut wide: Vec<(usize, i64, S)> = Vec::new();
        let mut by_key = Table::default();
        for (row, (name, pane)) in self.names.iter().zip(&self.states).enumerate() {
            for hop in 0..hops {
                let window_ms = name.window_ms - hop * self.windows.slide_ms();
                let hash = self.content_hash(row, window_ms);
                let found = by_key.find(hash, |i| {
                    let (other, start_ms, _) = &wide[i];
                    *start_ms == window_ms && self.keys.iter().all(|column| column.same(*other, row))
                });
                match found {
                    Some(i) => wide[i].2.merge(pane.clone()).map_err(|error| error.to_string())?,
                    None => {
                        by_key.insert(hash);
                        wide.push((row, window_ms, pane.clone()));
                    }
                }
            }
        }
        let rows = wide.iter().map(|(_, window_ms, state)| (*window_ms, state));
        let (windows, states) = encode(self.windows.is_global(), rows);
        let keys = self.keys.iter().map(|column| column.pick(wide.iter().map(|(row, ..)| *row))).collect();
        Ok(CellColumns { keys, windows, states })
    }
}

/// Window starts and states.
fn encode<'a, S: State + 'a>(global: bool, rows: impl Iterator<Item = (i64, &'a S)>) -> (Vec<u8>, Blobs) {
    let (mut windows, mut states) = (Vec::new(), Blobs::default());
    let count = rows.size_hint().0;
    windows.reserve(if global { 0 } else { count * 8 });
    states.ends.reserve(count * 4);
    for (window_ms, state) in rows {
        states.push_with(|bytes| state.encode(bytes));
        if states.len() == 1 {
            // States are often all of one length.
            states.bytes.reserve(states.bytes.len() * (count - 1));
        }
        if !global {
            windows.extend_from_slice(&window_ms.to_le_bytes());
        }
    }
    (windows, states)
}
