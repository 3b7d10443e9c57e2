//! Calls of a transform as every executor makes them: results checked, failures halved down to the
//! single row or cell, which alone decides. Owns what is rejected and what is broken; knows nothing
//! of logs, threads or the order in which cells are merged.

use crate::column::{Blobs, Column, i64s};
use crate::description::Description;
use crate::digest::Digest;
use crate::extract::{Extracted, Rejected};
use crate::key;
use crate::limits::Limits;
use crate::transform::{Cells, Events, Fault, Folded, Transform};
use hashbrown::HashTable;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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
    /// The most rows a call is given; lowered when chunks fail whose halves pass.
    rows_max: AtomicUsize,
    fuel_per_row: AtomicU64,
    /// Fuel a row of the last call that had rows enough to tell; 0: none had.
    usual_fuel: AtomicU64,
    pairs: Size,
    cells: Size,
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
            rows_max: AtomicUsize::new(usize::MAX),
            fuel_per_row: AtomicU64::new(0),
            usual_fuel: AtomicU64::new(0),
            pairs: Size::default(),
            cells: Size::default(),
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
        if out.splits > splits {
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
        by_fuel.min(self.rows_max.load(Ordering::Relaxed)).max(1)
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
            Err(fault @ Fault::Host(_)) => return Err(self.error(fault)),
            Err(fault) => (out.rejected.len(), fault),
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
        if out.rejected.len() == rejected && is_of_size(&fault) {
            self.rows_max.fetch_min(half, Ordering::Relaxed);
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
                self.pairs.learn(to - from, fault);
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
            Err(fault @ Fault::Host(_)) => return Err(self.error(fault)),
            Err(fault) => fault,
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
                self.cells.learn(to - from, fault);
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
            Err(fault @ Fault::Host(_)) => return Err(self.error(fault)),
            Err(fault) => fault,
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

/// Whether a call of fewer rows or cells may pass where this one met its limit.
fn is_of_size(fault: &Fault) -> bool {
    matches!(fault, Fault::Fuel { .. } | Fault::Memory { .. } | Fault::ResultSize { .. })
}

/// How many pairs or cells a call is given: fewer after one that met a limit and passed as halves, more
/// again after many that passed, since a few dear ones among them may have been the cause.
#[derive(Debug)]
struct Size {
    most: AtomicUsize,
    /// Calls of that size that have passed one after the other.
    passed: AtomicUsize,
}

/// Calls that pass before larger ones are tried.
const PASSED_BEFORE_MORE: usize = 64;

impl Default for Size {
    fn default() -> Size {
        Size { most: AtomicUsize::new(CELLS_PER_CALL), passed: AtomicUsize::new(0) }
    }
}

impl Size {
    fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// A call of so many passed, or failed as a whole though none of them alone did.
    fn learn(&self, tried: usize, fault: Option<Fault>) {
        match fault {
            Some(fault) if is_of_size(&fault) => {
                self.most.fetch_min(tried.div_ceil(2), Ordering::Relaxed);
                self.passed.store(0, Ordering::Relaxed);
            }
            None if tried == self.most() && tried < CELLS_PER_CALL => {
                let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
                if passed >= PASSED_BEFORE_MORE {
                    self.passed.store(0, Ordering::Relaxed);
                    self.most.store((tried * 2).min(CELLS_PER_CALL), Ordering::Relaxed);
                }
            }
            _ => {}
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

/// Checks what `fold` returned against the contract, and gives it its canonical keys.
fn checked(
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
