//! Sorted cells of several sources as one: in canonical order, each cell once, in bounded memory.
//! Owns what becomes of a cell that several have; knows nothing of files or of how cells were folded.

use crate::calls::{self, Calls};
use crate::cell::CellRef;
use crate::column::Blobs;
use crate::store::Scan;
use crate::table::{Error, Slot, Table};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Cells in canonical order, standing on one of them.
pub trait Source {
    /// None at the end.
    fn head(&self) -> Option<CellRef<'_>>;
    fn advance(&mut self) -> Result<(), Error>;
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn head(&self) -> Option<CellRef<'_>> {
        (**self).head()
    }

    fn advance(&mut self) -> Result<(), Error> {
        (**self).advance()
    }
}

impl Source for Scan<'_> {
    fn head(&self) -> Option<CellRef<'_>> {
        Scan::head(self)
    }

    fn advance(&mut self) -> Result<(), Error> {
        Ok(Scan::advance(self)?)
    }
}

/// A table as a source, or those of its cells that are wanted.
pub struct Sorted<'a> {
    table: &'a Table,
    /// In canonical order.
    slots: Cow<'a, [Slot]>,
    place: usize,
}

impl<'a> Sorted<'a> {
    pub fn new(table: &'a Table) -> Sorted<'a> {
        Sorted::of(table, table.sorted())
    }

    /// These cells alone, which are in canonical order.
    pub fn of(table: &'a Table, slots: impl Into<Cow<'a, [Slot]>>) -> Sorted<'a> {
        Sorted { table, slots: slots.into(), place: 0 }
    }
}

impl Source for Sorted<'_> {
    fn head(&self) -> Option<CellRef<'_>> {
        self.slots.get(self.place).map(|slot| self.table.cell(*slot))
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.place += 1;
        Ok(())
    }
}

/// Those cells of a source that are wanted.
pub struct Only<S, F> {
    source: S,
    wanted: F,
}

impl<S: Source, F: Fn(&CellRef<'_>) -> bool> Only<S, F> {
    pub fn new(source: S, wanted: F) -> Result<Only<S, F>, Error> {
        let mut only = Only { source, wanted };
        only.settle()?;
        Ok(only)
    }

    fn settle(&mut self) -> Result<(), Error> {
        while self.source.head().is_some_and(|cell| !(self.wanted)(&cell)) {
            self.source.advance()?;
        }
        Ok(())
    }
}

impl<S: Source, F: Fn(&CellRef<'_>) -> bool> Source for Only<S, F> {
    fn head(&self) -> Option<CellRef<'_>> {
        self.source.head()
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.source.advance()?;
        self.settle()
    }
}

/// Cells, and bytes of them, that are gathered before the transform is called.
const GROUP_CELLS: usize = 16_384;
const GROUP_BYTES: usize = 8 << 20;

/// Each cell that a source has, in canonical order. Sources are given oldest first: deltas of a cell are
/// merged left to right; of whole states the newest is the cell's. A cell that is broken in one of them
/// is broken, with the oldest cause.
pub struct Merge<'a> {
    calls: &'a Calls,
    sources: Vec<Box<dyn Source + 'a>>,
    group: Group,
    /// The cell of the group that it stands on.
    place: usize,
    /// Sources that stand on the same cell: kept for its memory.
    having: Vec<usize>,
}

impl<'a> Merge<'a> {
    pub fn new(calls: &'a Calls, sources: Vec<Box<dyn Source + 'a>>) -> Result<Merge<'a>, Error> {
        let mut merge = Merge { calls, sources, group: Group::default(), place: 0, having: Vec::new() };
        merge.refill()?;
        Ok(merge)
    }

    fn refill(&mut self) -> Result<(), Error> {
        let is_whole = self.calls.description().initial.is_some();
        self.group.clear();
        self.place = 0;
        while !self.group.is_full() {
            least(&self.sources, &mut self.having);
            if self.having.is_empty() {
                break;
            }
            self.group.gather(&self.sources, &self.having, is_whole);
            for place in &self.having {
                self.sources.get_mut(*place).map_or(Ok(()), |source| source.advance())?;
            }
        }
        Ok(self.group.merge(self.calls)?)
    }
}

impl Source for Merge<'_> {
    fn head(&self) -> Option<CellRef<'_>> {
        self.group.cell(self.place)
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.place += 1;
        if self.place < self.group.windows.len() { Ok(()) } else { self.refill() }
    }
}

/// The sources that stand on the least cell, oldest first.
fn least(sources: &[Box<dyn Source + '_>], having: &mut Vec<usize>) {
    having.clear();
    let mut least: Option<CellRef<'_>> = None;
    for (place, source) in sources.iter().enumerate() {
        let Some(cell) = source.head() else { continue };
        let order = least.map_or(Ordering::Less, |least| cell.order(&least));
        if order == Ordering::Less {
            having.clear();
            least = Some(cell);
        }
        if order != Ordering::Greater {
            having.push(place);
        }
    }
}

/// Consecutive cells with all their parts.
#[derive(Default)]
struct Group {
    keys: Blobs,
    windows: Vec<i64>,
    /// The parts of all cells, those of one cell oldest first; of a broken one nothing.
    parts: Blobs,
    /// Where the parts of each cell end.
    ends: Vec<usize>,
    broken: BTreeMap<usize, String>,
    /// The state of each cell once all parts are merged.
    states: Vec<State>,
    rounds: Vec<Blobs>,
}

/// Where a state is.
#[derive(Clone, Copy)]
enum State {
    Part(usize),
    /// Round and place in it.
    Merged(usize, usize),
}

impl Group {
    fn is_full(&self) -> bool {
        self.windows.len() >= GROUP_CELLS || self.keys.bytes.len() + self.parts.bytes.len() >= GROUP_BYTES
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.windows.clear();
        self.parts.clear();
        self.ends.clear();
        self.broken.clear();
        self.states.clear();
        self.rounds.clear();
    }

    fn cell(&self, place: usize) -> Option<CellRef<'_>> {
        let window = *self.windows.get(place)?;
        let broken = self.broken.get(&place).map(String::as_str);
        let state = if broken.is_some() { &[] } else { self.state(place) };
        Some(CellRef { key: self.keys.get(place), window, state, broken })
    }

    fn state(&self, place: usize) -> &[u8] {
        match self.states.get(place) {
            Some(State::Part(part)) => self.parts.get(*part),
            Some(State::Merged(round, pair)) => {
                self.rounds.get(*round).map_or(&[], |states| states.get(*pair))
            }
            None => &[],
        }
    }

    /// Adds the cell that these sources stand on.
    fn gather(&mut self, sources: &[Box<dyn Source + '_>], having: &[usize], is_whole: bool) {
        let cells = || having.iter().filter_map(|place| sources.get(*place)?.head());
        let Some(first) = cells().next() else { return };
        self.states.push(State::Part(self.parts.len()));
        if let Some(cause) = cells().find_map(|cell| cell.broken) {
            self.broken.insert(self.windows.len(), cause.into());
        } else if is_whole {
            cells().next_back().into_iter().for_each(|cell| self.parts.push(cell.state));
        } else {
            cells().for_each(|cell| self.parts.push(cell.state));
        }
        self.keys.push(first.key);
        self.windows.push(first.window);
        self.ends.push(self.parts.len());
    }

    /// Round r merges part r of each cell that has one onto what is to its left.
    fn merge(&mut self, calls: &Calls) -> Result<(), calls::Error> {
        for round in 1.. {
            let open = self.having_part(round);
            if open.is_empty() {
                break;
            }
            let left = open.iter().map(|(cell, _)| self.state(*cell)).collect();
            let right = open.iter().map(|(_, part)| self.parts.get(*part)).collect();
            let merged = calls.merge(&left, &right)?;
            for (pair, cause) in merged.broken {
                open.get(pair).map(|(cell, _)| self.broken.insert(*cell, cause));
            }
            for (pair, (cell, _)) in open.iter().enumerate() {
                let state = State::Merged(self.rounds.len(), pair);
                self.states.get_mut(*cell).into_iter().for_each(|at| *at = state);
            }
            self.rounds.push(merged.states);
        }
        Ok(())
    }

    /// The cells that have a part of this number and can be merged, each with the part's place.
    fn having_part(&self, number: usize) -> Vec<(usize, usize)> {
        let firsts = std::iter::once(0).chain(self.ends.iter().copied());
        let parts = firsts.zip(&self.ends).map(|(first, end)| (first + number, *end)).enumerate();
        let open = parts.filter(|(cell, (part, end))| part < end && !self.broken.contains_key(cell));
        open.map(|(cell, (part, _))| (cell, part)).collect()
    }
}
