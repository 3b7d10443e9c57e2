//! Windows rolled up to a grain: the states of one key within a stretch of time merged to one.

use super::grain::Grain;
use super::{Error, query};
use crate::calls::Calls;
use crate::cell::{Cell, CellRef};
use crate::column::Blobs;
use crate::merge::Source;
use crate::table;

/// Rows that are merged at a time.
const GROUPS: usize = 4_096;

/// Cells of longer windows, in canonical order.
pub struct Rolled<'a, S> {
    calls: &'a Calls,
    source: S,
    grain: &'a Grain,
    /// Those at hand, each with what is still to be merged onto it.
    groups: Vec<Group>,
    place: usize,
}

struct Group {
    cell: Cell,
    later: Vec<Vec<u8>>,
}

impl<'a, S: Source> Rolled<'a, S> {
    pub fn new(calls: &'a Calls, source: S, grain: &'a Grain) -> Result<Rolled<'a, S>, Error> {
        query::require_rolling(calls.description()).map_err(Error::Asked)?;
        let mut rolled = Rolled { calls, source, grain, groups: Vec::new(), place: 0 };
        // What does not fit the clock is found at the first window.
        if let Some(cell) = rolled.source.head() {
            grain.bucket(cell.window).map_err(Error::Asked)?;
        }
        rolled.refill()?;
        Ok(rolled)
    }

    fn refill(&mut self) -> Result<(), table::Error> {
        self.groups.clear();
        self.place = 0;
        // Windows ascend within a key: what lies before the end of a stretch is in it.
        let mut end = i64::MIN;
        while let Some(cell) = self.source.head() {
            let goes_on = |group: &Group| group.cell.key == cell.key && cell.window < end;
            if let Some(group) = self.groups.last_mut().filter(|group| goes_on(group)) {
                group.add(&cell);
            } else if self.groups.len() == GROUPS {
                break;
            } else {
                let (from, to) = self.grain.bucket(cell.window).unwrap_or((cell.window, cell.window + 1));
                end = to;
                let first = Cell { window: from, ..cell.to_owned() };
                self.groups.push(Group { cell: first, later: Vec::new() });
            }
            self.source.advance()?;
        }
        Ok(self.merge()?)
    }

    /// Round by round, each merging the next state of every group that has one.
    fn merge(&mut self) -> Result<(), crate::calls::Error> {
        for round in 0.. {
            let mut open: Vec<&mut Group> =
                self.groups.iter_mut().filter(|group| group.is_open(round)).collect();
            if open.is_empty() {
                return Ok(());
            }
            let left: Blobs = open.iter().map(|group| &group.cell.state[..]).collect();
            let right: Blobs =
                open.iter().filter_map(|group| group.later.get(round).map(Vec::as_slice)).collect();
            let merged = self.calls.merge(&left, &right)?;
            for (group, state) in open.iter_mut().zip(merged.states.iter()) {
                group.cell.state = state.to_vec();
            }
            for (pair, cause) in merged.broken {
                if let Some(group) = open.get_mut(pair) {
                    group.cell.broken = Some(cause);
                }
            }
        }
        Ok(())
    }
}

impl Group {
    fn add(&mut self, cell: &CellRef<'_>) {
        match cell.broken {
            Some(cause) if self.cell.broken.is_none() => self.cell.broken = Some(cause.into()),
            Some(_) => {}
            None => self.later.push(cell.state.to_vec()),
        }
    }

    fn is_open(&self, round: usize) -> bool {
        self.cell.broken.is_none() && round < self.later.len()
    }
}

impl<S: Source> Source for Rolled<'_, S> {
    fn head(&self) -> Option<CellRef<'_>> {
        self.groups.get(self.place).map(|group| group.cell.as_ref())
    }

    fn advance(&mut self) -> Result<(), table::Error> {
        self.place += 1;
        if self.place < self.groups.len() { Ok(()) } else { self.refill() }
    }
}
