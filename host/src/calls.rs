//! Calls of a transform as every executor makes them: results checked, failures halved down to the
//! single row or cell, which alone decides. Owns what is rejected and what is broken; knows nothing
//! of logs, threads or the order in which cells are merged.

mod checked;
mod faults;
mod size;

pub use faults::KINDS as FAULT_KINDS;

use checked::checked;
use faults::Faults;
use size::Size;

use crate::column::{Blobs, Column};
use crate::description::Description;
use crate::digest::Digest;
use crate::extract::{Extracted, Rejected};
use crate::key;
use crate::limits::Limits;
use crate::transform::{Events, Fault, Folded, Transform};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A failure of the host itself: an instance that could not be had. Never a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transform '{transform}' could not be called: {fault}")]
pub struct Error {
    transform: String,
    fault: Fault,
}

/// Checked cells of consecutive events, with their keys in canonical form.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub keys: Blobs,
    /// Hash of each cell's key and window.
    pub hashes: Vec<u64>,
    /// For each cell the first one that has its key, which is itself where the key is new: a table
    /// looks each key up once, however many windows it has.
    pub firsts: Vec<u32>,
    /// One a cell; 0 for a global window.
    pub windows: Vec<i64>,
    pub states: Blobs,
}

impl Part {
    /// The cells that are wanted, by key and window.
    pub fn chosen(&self, is_wanted: impl Fn(&[u8], i64) -> bool) -> Part {
        let mut out = Part::default();
        // Where the first kept cell of each key went, by the place of the first one of all.
        let mut kept = vec![None; self.firsts.len()];
        let names = self.keys.iter().zip(&self.windows).zip(&self.firsts);
        for (((key, window), first), (hash, state)) in names.zip(self.hashes.iter().zip(self.states.iter())) {
            if is_wanted(key, *window) {
                let place = out.windows.len() as u32;
                let first = kept.get_mut(*first as usize).map_or(place, |kept| *kept.get_or_insert(place));
                out.firsts.push(first);
                out.keys.push(key);
                out.hashes.push(*hash);
                out.windows.push(*window);
                out.states.push(state);
            }
        }
        out
    }
}

/// What became of a chunk.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Earlier events first; to be merged left to right.
    pub parts: Vec<Part>,
    /// By the transform, ascending.
    pub rejected: Vec<Rejected>,
    /// Rows that calls of `fold` accepted.
    pub folded: u64,
    pub fuel: u64,
    /// Calls that failed with more than one row.
    pub splits: u64,
}

/// States after a merge; a broken pair has an empty state.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    pub states: Blobs,
    pub broken: Vec<(usize, String)>,
}

/// Presented columns; a broken cell has an absent value in each.
#[derive(Clone, Debug, Default)]
pub struct Presented {
    pub columns: Vec<Column>,
    pub broken: Vec<(usize, String)>,
}

/// Pairs of one bulk merge, and cells of one `present`.
const CELLS_PER_CALL: usize = 16_384;
/// Bytes of state that one bulk merge gathers on each side, unless one pair alone has more.
const STATE_BYTES_PER_CALL: usize = 8 << 20;
/// Rows of a call whose fuel tells what a row takes: what a call takes whatever its rows is small beside it.
const TELLING_ROWS: usize = 1_024;
/// A call of several rows gets this many times the fuel that such rows have been seen to take.
const FUEL_HEADROOM: u64 = 64;

/// A transform with what is remembered of it between calls. None of that changes a result: it only
/// saves calls that would fail, and obeys the recorded verdicts on which machines may differ.
pub struct Calls {
    transform: Arc<dyn Transform>,
    limits: Limits,
    /// Events whose row alone overflowed the stack.
    verdicts: Arc<Verdicts>,
    rows: Size,
    fuel_per_row: AtomicU64,
    /// Fuel a row of the last call that had rows enough to tell; 0: none had.
    usual_fuel: AtomicU64,
    pairs: Size,
    cells: Size,
    faults: Faults,
    /// Time of chunks that had to be halved, in nanoseconds.
    bisecting_ns: AtomicU64,
}

/// Recorded verdicts by offset: a stack overflow, the one failure on which machines may differ.
#[derive(Debug, Default)]
pub struct Verdicts(Mutex<BTreeSet<(u64, String)>>);

impl Verdicts {
    fn record(&self, offset: u64, reason: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((offset, reason.into()));
    }

    fn between(&self, from: u64, to: u64) -> Vec<(u64, String)> {
        let verdicts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.range((from, String::new())..(to, String::new())).cloned().collect()
    }
}

impl Calls {
    pub fn new(transform: Arc<dyn Transform>, verdicts: Arc<Verdicts>) -> Calls {
        Calls {
            limits: transform.limits(),
            transform,
            verdicts,
            rows: Size::up_to(usize::MAX),
            fuel_per_row: AtomicU64::new(0),
            usual_fuel: AtomicU64::new(0),
            pairs: Size::up_to(CELLS_PER_CALL),
            cells: Size::up_to(CELLS_PER_CALL),
            faults: Faults::default(),
            bisecting_ns: AtomicU64::new(0),
        }
    }

    pub fn description(&self) -> &Description {
        self.transform.description()
    }

    pub fn version(&self) -> Digest {
        self.transform.version()
    }

    /// Time that has gone to folds that failed with more than one row, and to their halves.
    pub fn bisecting(&self) -> Duration {
        Duration::from_nanos(self.bisecting_ns.load(Ordering::Relaxed))
    }

    /// How often a call has failed by the transform's fault, one a kind, in the order of [`FAULT_KINDS`].
    pub fn faults(&self) -> [u64; FAULT_KINDS.len()] {
        self.faults.counts()
    }

    /// Folds a chunk. Whatever fails is halved; a row that fails alone is rejected.
    pub fn fold(&self, chunk: &Extracted) -> Result<Outcome, Error> {
        let mut out = Outcome::default();
        let obeyed = self.verdicts.between(chunk.range.from.0, chunk.range.to.0);
        if obeyed.is_empty() {
            self.fold_pieces(&chunk.events, &chunk.offsets, &mut out)?;
            return Ok(out);
        }
        self.fold_between(chunk, obeyed, &mut out)?;
        Ok(out)
    }

    /// Folds the runs of rows between those that have a recorded verdict.
    fn fold_between(
        &self,
        chunk: &Extracted,
        obeyed: Vec<(u64, String)>,
        out: &mut Outcome,
    ) -> Result<(), Error> {
        let mut from = 0;
        for (offset, reason) in obeyed {
            let Ok(row) = chunk.offsets.binary_search(&offset) else { continue };
            self.fold_slice(chunk, from, row, out)?;
            out.rejected.push(Rejected { offset, reason });
            from = row + 1;
        }
        self.fold_slice(chunk, from, chunk.offsets.len(), out)
    }

    fn fold_slice(&self, chunk: &Extracted, from: usize, to: usize, out: &mut Outcome) -> Result<(), Error> {
        let events = chunk.events.slice(self.description(), from, to);
        self.fold_pieces(&events, chunk.offsets.get(from..to).unwrap_or_default(), out)
    }

    /// Folds at most so many rows a call as limits have allowed so far.
    fn fold_pieces(&self, events: &Events, offsets: &[u64], out: &mut Outcome) -> Result<(), Error> {
        let rows = offsets.len();
        let mut from = 0;
        while from < rows {
            let to = rows.min(from.saturating_add(self.step()));
            if from == 0 && to == rows {
                return self.fold_piece(events, offsets, out);
            }
            let piece = events.slice(self.description(), from, to);
            self.fold_piece(&piece, offsets.get(from..to).unwrap_or_default(), out)?;
            from = to;
        }
        Ok(())
    }

    fn fold_piece(&self, events: &Events, offsets: &[u64], out: &mut Outcome) -> Result<(), Error> {
        let (started, splits) = (Instant::now(), out.splits);
        let folded = self.fold_halving(events, offsets, out);
        if out.splits == splits {
            self.rows.learn(offsets.len(), None);
        } else {
            let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.bisecting_ns.fetch_add(took, Ordering::Relaxed);
        }
        folded
    }

    /// Rows of the next call: what usually takes a quarter of its fuel, so that a language whose rows are dear
    /// does not fold each chunk twice to find that out; at first as many as tell.
    fn step(&self) -> usize {
        let by_fuel = match self.usual_fuel.load(Ordering::Relaxed) {
            0 => TELLING_ROWS,
            fuel => {
                let rows = usize::try_from(self.limits.fuel / 4 / fuel).unwrap_or(usize::MAX);
                rows.max(TELLING_ROWS)
            }
        };
        by_fuel.min(self.rows.most()).max(1)
    }

    /// Folds rows, or their halves. True if every row was decided by a call that succeeded.
    fn fold_halving(&self, events: &Events, offsets: &[u64], out: &mut Outcome) -> Result<(), Error> {
        let rows = offsets.len();
        let (rejected, fault) = match self.fold_once(events, rows) {
            Ok((part, folded)) => {
                out.folded += (rows - folded.rejected.len()) as u64;
                let named = folded.rejected.into_iter();
                out.rejected.extend(named.filter_map(|rejection| {
                    let offset = *offsets.get(rejection.row as usize)?;
                    Some(Rejected { offset, reason: rejection.reason })
                }));
                out.fuel += folded.fuel;
                out.parts.push(part);
                return Ok(());
            }
            Err(fault) => (out.rejected.len(), self.transforms(fault)?),
        };
        if let [offset] = offsets {
            let reason = format!("the transform {fault}");
            if let Fault::Stack { .. } = fault {
                self.verdicts.record(*offset, &reason);
            }
            out.rejected.push(Rejected { offset: *offset, reason });
            return Ok(());
        }
        out.splits += 1;
        let half = rows.div_ceil(2);
        for (from, to) in [(0, half), (half, rows)] {
            let piece = events.slice(self.description(), from, to);
            self.fold_halving(&piece, offsets.get(from..to).unwrap_or_default(), out)?;
        }
        if out.rejected.len() == rejected {
            self.rows.learn(rows, Some(&fault));
        }
        Ok(())
    }

    /// One call on all rows, with nothing halved: for looking at a transform, not for an answer.
    pub fn fold_whole(&self, events: &Events) -> Result<Result<(Part, Folded), Fault>, Error> {
        match self.fold_once(events, events.rows()) {
            Err(fault @ Fault::Host(_)) => Err(self.error(fault)),
            result => Ok(result),
        }
    }

    fn fold_once(&self, events: &Events, rows: usize) -> Result<(Part, Folded), Fault> {
        let mut folded = self.transform.fold(events, self.fuel(rows))?;
        if rows > 0 {
            self.fuel_per_row.fetch_max(folded.fuel / rows as u64, Ordering::Relaxed);
        }
        if rows >= TELLING_ROWS {
            self.usual_fuel.store((folded.fuel / rows as u64).max(1), Ordering::Relaxed);
        }
        let part = checked(self.description(), &self.limits, rows, &mut folded).map_err(Fault::Malformed)?;
        Ok((part, folded))
    }

    /// The single row has the full limit; more rows have what such rows take, many times over, so
    /// that an endless loop in one of them is found at a small price.
    fn fuel(&self, rows: usize) -> u64 {
        let seen = self.fuel_per_row.load(Ordering::Relaxed);
        if rows <= 1 || seen == 0 {
            return self.limits.fuel;
        }
        let wanted = (seen + 1000).saturating_mul(rows as u64).saturating_mul(FUEL_HEADROOM);
        wanted.min(self.limits.fuel)
    }

    /// Merges pair by pair, left earlier in the log; what fails is halved to the single pair.
    pub fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Merged, Error> {
        let mut out = Merged::default();
        let mut from = 0;
        while from < left.len() {
            let to = pairs_of_one_call(left, right, from, self.pairs.most());
            let broken = out.broken.len();
            let fault = if from == 0 && to == left.len() {
                self.merge_halving(left, right, 0, &mut out)?
            } else {
                self.merge_halving(&left.slice(from, to), &right.slice(from, to), from, &mut out)?
            };
            if out.broken.len() == broken {
                self.pairs.learn(to - from, fault.as_ref());
            }
            from = to;
        }
        Ok(out)
    }

    /// Merges pairs, or their halves; gives what kept the call of all of them from succeeding.
    fn merge_halving(
        &self,
        left: &Blobs,
        right: &Blobs,
        first: usize,
        out: &mut Merged,
    ) -> Result<Option<Fault>, Error> {
        let pairs = left.len();
        let fault = match self.merge_once(left, right) {
            Ok(states) if out.states.is_empty() => {
                out.states = states;
                return Ok(None);
            }
            Ok(states) => {
                states.iter().for_each(|state| out.states.push(state));
                return Ok(None);
            }
            Err(fault) => self.transforms(fault)?,
        };
        if pairs <= 1 {
            out.states.push(&[]);
            out.broken.push((first, format!("merge {fault}")));
            return Ok(Some(fault));
        }
        let half = pairs.div_ceil(2);
        self.merge_halving(&left.slice(0, half), &right.slice(0, half), first, out)?;
        self.merge_halving(&left.slice(half, pairs), &right.slice(half, pairs), first + half, out)?;
        Ok(Some(fault))
    }

    fn merge_once(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        let states = self.transform.merge(left, right)?;
        states.check("merged states").map_err(Fault::Malformed)?;
        if states.len() != left.len() {
            let what = format!("{} pairs merged to {} states", left.len(), states.len());
            return Err(Fault::Malformed(what));
        }
        Ok(states)
    }

    /// Presents cells, given in order; `keys` in canonical form.
    pub fn present(&self, keys: &Blobs, windows: &[i64], states: &Blobs) -> Result<Presented, Error> {
        let mut out = Presented::default();
        let mut builders: Vec<crate::column::Builder> = Vec::new();
        builders.resize_with(self.description().outputs.len(), Default::default);
        let mut from = 0;
        while from < states.len() {
            let to = states.len().min(from + self.cells.most());
            let cells = Shown {
                keys: key::columns(&self.description().keys, (from..to).map(|i| keys.get(i))),
                windows: windows.get(from..to).unwrap_or_default(),
                states: states.slice(from, to),
            };
            let broken = out.broken.len();
            let fault = self.present_halving(&cells, from, &mut builders, &mut out.broken)?;
            if out.broken.len() == broken {
                self.cells.learn(to - from, fault.as_ref());
            }
            from = to;
        }
        out.columns = builders.into_iter().map(crate::column::Builder::finish).collect();
        Ok(out)
    }

    fn present_halving(
        &self,
        cells: &Shown<'_>,
        first: usize,
        builders: &mut [crate::column::Builder],
        broken: &mut Vec<(usize, String)>,
    ) -> Result<Option<Fault>, Error> {
        let outputs = &self.description().outputs;
        let rows = cells.states.len();
        let fault = match self.present_once(cells) {
            Ok(columns) => {
                for ((field, column), builder) in outputs.iter().zip(&columns).zip(builders) {
                    (0..rows).for_each(|row| builder.push(&field.kind, column.value(&field.kind, row)));
                }
                return Ok(None);
            }
            Err(fault) => self.transforms(fault)?,
        };
        if rows <= 1 {
            let absent = crate::column::Value::Absent;
            outputs.iter().zip(builders).for_each(|(field, builder)| builder.push(&field.kind, absent));
            broken.push((first, format!("present {fault}")));
            return Ok(Some(fault));
        }
        let half = rows.div_ceil(2);
        self.present_halving(&cells.slice(self.description(), 0, half), first, builders, broken)?;
        self.present_halving(&cells.slice(self.description(), half, rows), first + half, builders, broken)?;
        Ok(Some(fault))
    }

    fn present_once(&self, cells: &Shown<'_>) -> Result<Vec<Column>, Fault> {
        let description = self.description();
        let windows: Vec<u8> = match description.window {
            Some(_) => cells.windows.iter().flat_map(|window| window.to_le_bytes()).collect(),
            None => Vec::new(),
        };
        let columns = self.transform.present(&cells.keys, &windows, &cells.states)?;
        if columns.len() != description.outputs.len() {
            let what =
                format!("{} outputs are described, {} presented", description.outputs.len(), columns.len());
            return Err(Fault::Malformed(what));
        }
        for (field, column) in description.outputs.iter().zip(&columns) {
            let what = format!("output '{}'", field.name);
            column.check(&field.kind, cells.states.len(), &what).map_err(Fault::Malformed)?;
        }
        Ok(columns)
    }

    /// A fault of the transform's, which is counted; one of ours is no verdict.
    fn transforms(&self, fault: Fault) -> Result<Fault, Error> {
        if !fault.is_the_transforms() {
            return Err(self.error(fault));
        }
        self.faults.count(&fault);
        Ok(fault)
    }

    /// A failure of ours, with the name of what was called.
    pub fn error(&self, fault: Fault) -> Error {
        Error { transform: self.description().name.clone(), fault }
    }
}

/// Cells on their way to `present`.
struct Shown<'a> {
    keys: Vec<Column>,
    windows: &'a [i64],
    states: Blobs,
}

impl Shown<'_> {
    fn slice(&self, description: &Description, from: usize, to: usize) -> Shown<'_> {
        let keys = self.keys.iter().zip(&description.keys);
        Shown {
            keys: keys.map(|(column, field)| column.slice(&field.kind, from, to)).collect(),
            windows: self.windows.get(from..to).unwrap_or_default(),
            states: self.states.slice(from, to),
        }
    }
}

/// Where the pairs of a bulk merge that starts at `from` end: bounded in number and in bytes.
fn pairs_of_one_call(left: &Blobs, right: &Blobs, from: usize, most: usize) -> usize {
    let mut bytes = 0;
    let last = left.len().min(from + most);
    for i in from..last {
        bytes += left.get(i).len() + right.get(i).len();
        if bytes > STATE_BYTES_PER_CALL {
            return (i).max(from + 1);
        }
    }
    last
}

/// Hashes are never stored and never shown: seeded anew by each process, so that nobody can choose
/// keys that collide.
static SEED: LazyLock<hashbrown::DefaultHashBuilder> = LazyLock::new(Default::default);

/// The hash of a key.
pub fn hash_of_key(key: &[u8]) -> u64 {
    let mut hasher = SEED.build_hasher();
    hasher.write(key);
    hasher.finish()
}

/// The hash of what has this hash, or this number, in a window.
pub fn hash_in(of: u64, window: i64) -> u64 {
    let mut hasher = SEED.build_hasher();
    hasher.write_u64(of);
    hasher.write_i64(window);
    hasher.finish()
}
