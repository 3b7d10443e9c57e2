//! Batch against speed, cell by cell: what the two halves say of the same offsets must be the same
//! bytes. Owns the compare; explains nothing (see `check` for the law behind a difference).

use crate::cell::Cell;
use crate::extract::Rejected;
use crate::half::Half;
use crate::merge::Source;
use crate::offset::Range;
use crate::store;
use crate::table::{self, CellRef, Table};
use crate::tally::Tally;
use std::cmp::Ordering;

/// How a cell differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side<'a> {
    /// Both have it, with other bytes.
    Both { batch: CellRef<'a>, speed: CellRef<'a> },
    /// Batch has it, the overlay does not.
    Missing(CellRef<'a>),
    /// The overlay has it, batch does not.
    Extra(CellRef<'a>),
}

impl<'a> Side<'a> {
    /// The cell, from batch where batch has it.
    pub fn cell(&self) -> CellRef<'a> {
        match *self {
            Side::Both { batch: cell, .. } | Side::Missing(cell) | Side::Extra(cell) => cell,
        }
    }
}

/// The result of a compare.
#[derive(Clone, Debug, Default)]
pub struct Difference<'a> {
    /// Cells that either side has.
    pub compared: u64,
    pub differ: u64,
    pub missing: u64,
    pub extra: u64,
    /// The first of those that differ, in canonical order.
    pub first: Vec<Side<'a>>,
    /// The first offset that one side rejected and the other did not.
    pub rejected: Option<u64>,
    /// What conservation found amiss, in words.
    pub conservation: Option<String>,
}

/// Differing cells that are kept to be looked at.
const KEPT_MAX: usize = 10_000;

impl Difference<'_> {
    pub fn is_none(&self) -> bool {
        self.cells() == 0 && self.rejected.is_none() && self.conservation.is_none()
    }

    pub fn cells(&self) -> u64 {
        self.differ + self.missing + self.extra
    }
}

/// Compares batch over `[0, H)` with the overlay of batch `[0, N)` and speed `[N, H)`.
pub fn compare<'a>(full: &'a Half, base: &Half, generation: &Half, overlaid: &'a Table) -> Difference<'a> {
    let mut difference = cells(&full.table, overlaid);
    let halves = base.rejected.iter().chain(&generation.rejected);
    difference.rejected = first_unequal(&full.rejected, halves);
    difference.conservation =
        [full, base, generation].into_iter().find_map(|half| unconserved(half.range, half.tally));
    difference
}

fn cells<'a>(batch: &'a Table, overlaid: &'a Table) -> Difference<'a> {
    let mut out = Difference::default();
    let (mut left, mut right) = (batch.iter_sorted().peekable(), overlaid.iter_sorted().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return out,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.key.cmp(b.key).then_with(|| a.window.cmp(&b.window)),
        };
        out.compared += 1;
        let side = match order {
            Ordering::Less => left.next().map(Side::Missing),
            Ordering::Greater => right.next().map(Side::Extra),
            Ordering::Equal => left
                .next()
                .zip(right.next())
                .and_then(|(batch, speed)| (!is_same(&batch, &speed)).then_some(Side::Both { batch, speed })),
        };
        if let Some(side) = side {
            out.note(side);
        }
    }
}

impl<'a> Difference<'a> {
    fn note(&mut self, side: Side<'a>) {
        match side {
            Side::Both { .. } => self.differ += 1,
            Side::Missing(_) => self.missing += 1,
            Side::Extra(_) => self.extra += 1,
        }
        if self.first.len() < KEPT_MAX {
            self.first.push(side);
        }
    }
}

/// Two broken cells are the same whatever broke them: neither says anything.
pub fn is_same(a: &CellRef<'_>, b: &CellRef<'_>) -> bool {
    match (a.broken, b.broken) {
        (Some(_), Some(_)) => true,
        (None, None) => a.state == b.state,
        _ => false,
    }
}

/// What a run's cells and the speed view's have in common, and what not.
#[derive(Clone, Debug, Default)]
pub struct Drift {
    /// Cells that either side has.
    pub compared: u64,
    /// Cells that are not the same bytes in both.
    pub differ: u64,
    /// The first of those that differ, in canonical order.
    pub cells: Vec<Pair>,
    /// The first offset that one side rejected and the other did not.
    pub rejected: Option<u64>,
    /// What conservation found amiss, in words.
    pub conservation: Vec<String>,
}

/// A cell as batch and as speed have it.
#[derive(Clone, Debug)]
pub struct Pair {
    pub key: Vec<u8>,
    pub window: i64,
    pub batch: Option<Cell>,
    pub speed: Option<Cell>,
}

impl Drift {
    pub fn is_none(&self) -> bool {
        self.differ == 0 && self.rejected.is_none() && self.conservation.is_empty()
    }

    fn note(&mut self, batch: Option<CellRef<'_>>, speed: Option<CellRef<'_>>) {
        let Some(cell) = batch.or(speed) else { return };
        self.differ += 1;
        if self.cells.len() < KEPT_MAX {
            let owned = |cell: Option<CellRef<'_>>| cell.map(|cell| cell.to_owned());
            let (key, window) = (cell.key.to_vec(), cell.window);
            self.cells.push(Pair { key, window, batch: owned(batch), speed: owned(speed) });
        }
    }

    /// Compares cells in canonical order.
    pub fn of(batch: &mut dyn Source, speed: &mut dyn Source) -> Result<Drift, table::Error> {
        let mut drift = Drift::default();
        loop {
            let order = match (batch.head(), speed.head()) {
                (None, None) => return Ok(drift),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.order(&b),
            };
            drift.compared += 1;
            match (order, batch.head(), speed.head()) {
                (Ordering::Equal, Some(a), Some(b)) if is_same(&a, &b) => {}
                (Ordering::Equal, a, b) => drift.note(a, b),
                (Ordering::Less, a, _) => drift.note(a, None),
                (Ordering::Greater, _, b) => drift.note(None, b),
            }
            if order != Ordering::Greater {
                batch.advance()?;
            }
            if order != Ordering::Less {
                speed.advance()?;
            }
        }
    }

    /// Compares rejected offsets, ascending.
    pub fn compare_rejected(
        &mut self,
        batch: impl Iterator<Item = Result<Rejected, store::Error>>,
        speed: impl Iterator<Item = Result<Rejected, store::Error>>,
    ) -> Result<(), store::Error> {
        let (mut batch, mut speed) = (batch, speed);
        loop {
            let next = |event: Option<Result<Rejected, store::Error>>| event.transpose();
            let (a, b) = (next(batch.next())?, next(speed.next())?);
            let (a, b) = (a.map(|event| event.offset), b.map(|event| event.offset));
            if a != b {
                self.rejected = a.into_iter().chain(b).min();
                return Ok(());
            }
            if a.is_none() {
                return Ok(());
            }
        }
    }

    /// Notes a part whose counts are not those of its range.
    pub fn check_conserved(&mut self, what: &str, range: Range, tally: Tally) {
        self.conservation.extend(unconserved(range, tally).map(|amiss| format!("{what}: {amiss}")));
    }
}

fn first_unequal<'a>(batch: &[Rejected], halves: impl Iterator<Item = &'a Rejected>) -> Option<u64> {
    let mut batch = batch.iter().map(|event| event.offset);
    let mut halves = halves.map(|event| event.offset);
    loop {
        match (batch.next(), halves.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return a.into_iter().chain(b).min(),
        }
    }
}

fn unconserved(range: Range, tally: Tally) -> Option<String> {
    let Tally { folded, rejected, ignored, lost, .. } = tally;
    (folded + rejected + ignored + lost != range.count()).then(|| {
        format!(
            "{range} holds {} events, but {folded} were folded, {rejected} rejected, {ignored} ignored and {lost} lost",
            range.count()
        )
    })
}
