//! The third computation: chosen cells from the raw payloads, on one thread, in chunks that no executor
//! uses. Owns who is at fault where batch and speed differ; publishes nothing and knows no catalog.

use crate::calls;
use crate::cell::{Cell, Found};
use crate::extract::Scratch;
use crate::half::{self, Job};
use crate::merge::Source;
use crate::offset::{Offset, Range};
use crate::reconcile::Drift;
use crate::store::{self, ViewFile};
use crate::table::{Below, Table};
use std::collections::BTreeSet;

/// Rows of one call: no divisor of what an executor takes, nor of each other.
const CHUNK_ROWS: [u64; 2] = [50_021, 7_919];

/// Who said something else than the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The batch view that was served.
    OldBatch,
    /// What speed had folded since.
    Generation,
    /// What the new run has made.
    NewBatch,
    /// The transform: two witnesses differ.
    Version,
}

impl Party {
    pub fn name(self) -> &'static str {
        match self {
            Party::OldBatch => "old batch",
            Party::Generation => "generation",
            Party::NewBatch => "new batch",
            Party::Version => "version",
        }
    }
}

/// What is judged: a run that was compared with the overlay of `base` and a generation `[N, H)`.
pub struct Case<'a> {
    /// Over a log that is read past every cache.
    pub job: &'a Job<'a>,
    pub base: Option<&'a ViewFile>,
    /// `[N, H)`.
    pub generation: Range,
    /// The generation's cells alone.
    pub near: &'a dyn Below,
    /// Whether the new run's cells are of `[N, H)` alone, as an incremental run compares them.
    pub is_incremental: bool,
}

/// Cells by key and window.
type Wanted = BTreeSet<(Vec<u8>, i64)>;

/// Cells and rejected offsets of a range, as the witness has them.
struct Told {
    table: Table,
    rejected: Vec<u64>,
}

impl Case<'_> {
    /// Everyone who is at fault. Empty only if nothing differs.
    pub fn blame(&self, drift: &Drift, new_rejected: &[u64]) -> Result<BTreeSet<Party>, half::Error> {
        let wanted: Wanted = drift.cells.iter().map(|pair| (pair.key.clone(), pair.window)).collect();
        let [first, second] = CHUNK_ROWS;
        let (old, near) = self.told(&wanted, first)?;
        let (old_again, near_again) = self.told(&wanted, second)?;
        let mut blamed = BTreeSet::new();
        if !is_same(&old, &old_again) || !is_same(&near, &near_again) {
            return Ok([Party::Version].into());
        }
        let is_whole = self.job.is_whole();
        let whole = old.table.overlaid(self.job.calls, &near.table, is_whole)?;
        for pair in &drift.cells {
            let (key, window) = (&pair.key[..], pair.window);
            if let Some(base) = self.base.filter(|_| !self.is_incremental)
                && !says(Below::find(base, key, window)?, &old.table, key, window)
            {
                blamed.insert(Party::OldBatch);
            }
            if !says(self.near.find(key, window)?, &near.table, key, window) {
                blamed.insert(Party::Generation);
            }
            let truth = if self.is_incremental { &near.table } else { &whole };
            let batch = pair.batch.as_ref().map(found);
            if !says(batch, truth, key, window) {
                blamed.insert(Party::NewBatch);
            }
        }
        if drift.rejected.is_some() {
            blamed.extend(self.rejecting_wrongly(&old, &near, new_rejected)?);
        }
        Ok(blamed)
    }

    /// `[0, N)` and `[N, H)`, each less what nobody asked for.
    fn told(&self, wanted: &Wanted, chunk_rows: u64) -> Result<(Told, Told), half::Error> {
        let boundary = self.generation.from;
        let nothing = || Told { table: Table::default(), rejected: Vec::new() };
        // An incremental run says nothing of what lies before; whole states grow from the batch view.
        if self.is_incremental {
            let below = self.base.map(|base| base as &dyn Below);
            return Ok((nothing(), self.fold(self.generation, below, wanted, chunk_rows)?));
        }
        let old = self.fold(Range::new(Offset::ZERO, boundary), None, wanted, chunk_rows)?;
        let near = self.fold(self.generation, Some(&old.table), wanted, chunk_rows)?;
        Ok((old, near))
    }

    fn fold(
        &self,
        range: Range,
        below: Option<&dyn Below>,
        wanted: &Wanted,
        chunk_rows: u64,
    ) -> Result<Told, half::Error> {
        let mut told = Told { table: Table::default(), rejected: Vec::new() };
        let mut scratch = Scratch::default();
        let left = self.job.left(below);
        for chunk in range.chunks(chunk_rows) {
            let folded = half::fold(self.job, &mut scratch, chunk)?;
            for part in &folded.outcome.parts {
                told.table.absorb(self.job.calls, &chosen(part, wanted), &left)?;
            }
            told.rejected.extend(folded.rejected.iter().map(|event| event.offset));
        }
        Ok(told)
    }

    fn rejecting_wrongly(
        &self,
        old: &Told,
        near: &Told,
        new: &[u64],
    ) -> Result<BTreeSet<Party>, half::Error> {
        let mut blamed = BTreeSet::new();
        let from = if self.is_incremental { self.generation.from.0 } else { 0 };
        let truth = old.rejected.iter().chain(&near.rejected).copied().filter(|offset| *offset >= from);
        let is_new_right = truth.clone().eq(new.iter().copied().filter(|offset| *offset >= from));
        if !is_new_right {
            blamed.insert(Party::NewBatch);
        }
        if let Some(base) = self.base.filter(|_| !self.is_incremental) {
            let said = base.rejected().map(|event| Ok(event?.offset));
            if said.collect::<Result<Vec<u64>, store::Error>>()? != old.rejected {
                blamed.insert(Party::OldBatch);
            }
        }
        if blamed.is_empty() {
            blamed.insert(Party::Generation);
        }
        Ok(blamed)
    }
}

fn found(cell: &Cell) -> Found<'_> {
    match &cell.broken {
        Some(cause) => Found::Broken(cause.into()),
        None => Found::State((&cell.state).into()),
    }
}

/// Whether what was said of a cell is what the witness has.
fn says(said: Option<Found<'_>>, truth: &Table, key: &[u8], window: i64) -> bool {
    match (said, truth.find(key, window)) {
        (None, None) => true,
        (Some(Found::State(state)), Some(cell)) => cell.broken.is_none() && *state == *cell.state,
        (Some(Found::Broken(_)), Some(cell)) => cell.broken.is_some(),
        _ => false,
    }
}

fn is_same(a: &Told, b: &Told) -> bool {
    let cells = |told: &Told| -> Vec<Cell> { told.table.iter_sorted().map(|cell| cell.to_owned()).collect() };
    let same = |(a, b): (&Cell, &Cell)| {
        (a.key == b.key && a.window == b.window) && crate::reconcile::is_same(&a.as_ref(), &b.as_ref())
    };
    let (x, y) = (cells(a), cells(b));
    a.rejected == b.rejected && x.len() == y.len() && x.iter().zip(&y).all(same)
}

/// The cells of a chunk that are asked for.
fn chosen(part: &calls::Part, wanted: &Wanted) -> calls::Part {
    part.chosen(|key, window| wanted.contains(&(key.to_vec(), window)))
}

/// The cells of a generation by themselves: merged from its parts.
pub struct Cells(Table);

impl Cells {
    /// Those that differ, from cells in canonical order.
    pub fn of(cells: &mut dyn Source, drift: &Drift) -> Result<Cells, crate::table::Error> {
        let wanted: Wanted = drift.cells.iter().map(|pair| (pair.key.clone(), pair.window)).collect();
        let mut table = Table::default();
        while let Some(cell) = cells.head() {
            if wanted.contains(&(cell.key.to_vec(), cell.window)) {
                table.put(cell);
            }
            cells.advance()?;
        }
        Ok(Cells(table))
    }
}

impl Below for Cells {
    fn find(&self, key: &[u8], window: i64) -> Result<Option<Found<'_>>, store::Error> {
        Below::find(&self.0, key, window)
    }
}
