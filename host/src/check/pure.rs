//! The law *pure*: equal input, equal output, in a fresh instance, in one that has made other calls,
//! on another thread, and again. Owns what is observed of a transform and in which instances.

use super::Law;
use super::bench::{self, Bench, Piece, join};
use super::sample::Row;
use super::trial::{CellName, Finding, Item, Outcome, Side, fold_of, rows_of, states};
use crate::calls::{Calls, Error, Verdicts};
use crate::column::{Blobs, Value};
use crate::transform::{Events, Fault, Transform};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Times that one event is folded: enough for a clock that counts milliseconds to move.
const REPEATS_OF_ONE: usize = 200;
/// Times that a few are.
const REPEATS_OF_FEW: usize = 8;
const FEW_ROWS: usize = 16;
/// Pairs and cells that are also merged and presented one at a time.
const SINGLY_MAX: usize = 64;

/// What a transform was seen to do with one chunk: each step by the cell it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Observed {
    fold: Step,
    merge: Step,
    present: Step,
}

type Step = Result<BTreeMap<Option<CellName>, Outcome>, Unseen>;

/// A step with no result.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unseen {
    Failed(String),
    /// Limits count what earlier calls left behind, so an instance that is used again may meet
    /// them where a fresh one does not.
    Limit,
}

/// A transform in one kind of instance.
struct Instance<'t> {
    calls: Calls,
    transform: &'t dyn Transform,
}

/// Whether these items break the law: piece 0 is what earlier calls have seen, piece 1 is folded.
pub fn breach(bench: &Bench<'_>, items: &[Item]) -> Result<Option<Finding>, Error> {
    let (before, rows) = (rows_of(items, 0), rows_of(items, 1));
    let target = bench.sample.chunk(&rows);
    let fresh = Instance::new(&bench.subject.fresh);
    let reference = fresh.observe(&target)?;
    let found = |how: &str, other: &Observed| {
        let from = before.len();
        difference(&reference, other, items, &fold_of(from..items.len()), how)
    };
    let repeats = match rows.len() {
        0 | 1 => REPEATS_OF_ONE,
        2..=FEW_ROWS => REPEATS_OF_FEW,
        _ => 1,
    };
    for _ in 0..repeats {
        if let Some(finding) = found("again, in another fresh instance", &fresh.observe(&target)?) {
            return Ok(Some(finding));
        }
    }
    for other in on_threads(&bench.subject.fresh, &target)? {
        if let Some(finding) = found("on another thread", &other) {
            return Ok(Some(finding));
        }
    }
    let singly = fresh.singly(&target, &reference)?;
    if let Some(finding) = found("one at a time", &singly) {
        return Ok(Some(finding));
    }
    let Some(reused) = &bench.subject.reused else { return Ok(None) };
    let reused = reused();
    let reused = Instance::new(&reused);
    let mut how = "in an instance that has made the same calls before".to_owned();
    if before.is_empty() {
        reused.observe(&target)?;
    } else {
        how = format!("in an instance that has made {} before", fold_of(0..before.len()));
        reused.observe(&bench.sample.chunk(&before))?;
    }
    Ok(found(&how, &reused.observe(&target)?))
}

/// Whether these rows break the law in any way of cutting them.
pub fn breach_anyhow(bench: &Bench<'_>, rows: &[Row]) -> Result<Option<Finding>, Error> {
    for items in super::trial::cuts(Law::Pure, rows) {
        if let Some(finding) = breach(bench, &items)? {
            return Ok(Some(finding));
        }
    }
    Ok(None)
}

/// What was seen of one event, to be looked at again later.
pub struct Remembered {
    items: Vec<Item>,
    seen: Observed,
}

pub fn remember(bench: &Bench<'_>, row: Row) -> Result<Remembered, Error> {
    let seen = Instance::new(&bench.subject.fresh).observe(&bench.sample.chunk(&[row]))?;
    Ok(Remembered { items: vec![Item { row, piece: 1 }], seen })
}

impl Remembered {
    /// Whether the same event now gives something else: a clock that counts seconds needs a while.
    pub fn breach(&self, bench: &Bench<'_>) -> Result<Option<Finding>, Error> {
        let now =
            Instance::new(&bench.subject.fresh).observe(&bench.sample.chunk(&rows_of(&self.items, 1)))?;
        Ok(difference(&self.seen, &now, &self.items, &fold_of(0..1), "a while later"))
    }
}

fn on_threads(fresh: &Arc<dyn Transform>, target: &Events) -> Result<Vec<Observed>, Error> {
    let seen: Vec<Option<Result<Observed, Error>>> = std::thread::scope(|scope| {
        let threads = [0, 1].map(|_| scope.spawn(|| Instance::new(fresh).observe(target)));
        threads.into_iter().map(|thread| thread.join().ok()).collect()
    });
    seen.into_iter().flatten().collect()
}

impl<'t> Instance<'t> {
    fn new(transform: &'t Arc<dyn Transform>) -> Instance<'t> {
        let calls = Calls::new(transform.clone(), Arc::new(Verdicts::default()));
        Instance { calls, transform: &**transform }
    }

    /// Folds a chunk and its halves, merges the halves, presents the chunk.
    fn observe(&self, target: &Events) -> Result<Observed, Error> {
        let description = self.calls.description();
        let whole = bench::fold(&self.calls, target)?;
        let rows = target.rows();
        let half = rows / 2;
        let merge = match half {
            0 => Ok(BTreeMap::new()),
            _ => {
                let left = bench::fold(&self.calls, &target.slice(description, 0, half))?;
                let right = bench::fold(&self.calls, &target.slice(description, half, rows))?;
                match (&whole, left, right) {
                    (Ok(whole), Ok(left), Ok(right)) => self.merge(whole, &left, &right)?,
                    _ => Ok(BTreeMap::new()),
                }
            }
        };
        let present = match &whole {
            Ok(whole) => self.present(whole)?,
            Err(_) => Ok(BTreeMap::new()),
        };
        let fold = whole.as_ref().map(seen_in).map_err(unseen);
        Ok(Observed { fold, merge, present })
    }

    fn merge(&self, whole: &Piece, left: &Piece, right: &Piece) -> Result<Step, Error> {
        let joined = join(&whole.part, &left.part, &right.part);
        let (mut lefts, mut rights, mut names) = (Blobs::default(), Blobs::default(), Vec::new());
        for (cell, l, r) in &joined.pairs {
            names.push(name(whole, *cell));
            lefts.push(left.part.states.get(*l));
            rights.push(right.part.states.get(*r));
        }
        let merged =
            if names.is_empty() { Ok(Blobs::default()) } else { self.transform.merge(&lefts, &rights) };
        match merged {
            Err(fault @ Fault::Host(_)) => Err(self.calls.error(fault)),
            Err(fault) => Ok(Err(unseen(&fault))),
            Ok(states) => Ok(Ok(names
                .into_iter()
                .zip(states.iter())
                .map(|(name, state)| (name, state_of(state)))
                .collect())),
        }
    }

    fn present(&self, whole: &Piece) -> Result<Step, Error> {
        let description = self.calls.description();
        let mut states = whole.part.states.clone();
        if let Some(initial) = &description.initial {
            let anchors: Blobs = (0..states.len()).map(|_| initial.as_slice()).collect();
            match self.transform.merge(&anchors, &states) {
                Err(fault @ Fault::Host(_)) => return Err(self.calls.error(fault)),
                Err(fault) => return Ok(Err(unseen(&fault))),
                Ok(anchored) => states = anchored,
            }
        }
        let presented = self.calls.present(&whole.part.keys, &whole.part.windows, &states)?;
        let mut seen: BTreeMap<Option<CellName>, Outcome> = BTreeMap::new();
        for cell in 0..states.len() {
            let row: Vec<Value<'_>> = description
                .outputs
                .iter()
                .zip(&presented.columns)
                .map(|(field, column)| column.value(&field.kind, cell))
                .collect();
            seen.insert(name(whole, cell), Outcome::Says(format!("{row:?}")));
        }
        Ok(Ok(seen))
    }

    /// What `reference` has, with pairs and cells each in a call of their own: a transform must not
    /// look at what stands beside them.
    fn singly(&self, target: &Events, reference: &Observed) -> Result<Observed, Error> {
        let mut seen = reference.clone();
        let (Ok(Ok(whole)), true) = (bench::fold(&self.calls, target), target.rows() > 1) else {
            return Ok(seen);
        };
        let description = self.calls.description();
        let half = target.rows() / 2;
        let left = bench::fold(&self.calls, &target.slice(description, 0, half))?;
        let right = bench::fold(&self.calls, &target.slice(description, half, target.rows()))?;
        for cell in 0..whole.part.hashes.len().min(SINGLY_MAX) {
            let one = only(&whole, cell);
            if let (Ok(left), Ok(right), Ok(merge)) = (&left, &right, &mut seen.merge)
                && let Ok(one) = self.merge(&one, left, right)?
            {
                merge.extend(one);
            }
            if let (Ok(present), Ok(one)) = (&mut seen.present, self.present(&one)?) {
                present.extend(one);
            }
        }
        Ok(seen)
    }
}

/// A piece with one of its cells.
fn only(whole: &Piece, cell: usize) -> Piece {
    let mut one = Piece::default();
    one.part.keys.push(whole.part.keys.get(cell));
    one.part.states.push(whole.part.states.get(cell));
    one.part.hashes.extend(whole.part.hashes.get(cell));
    one.part.windows.extend(whole.part.windows.get(cell));
    one
}

fn name(piece: &Piece, cell: usize) -> Option<CellName> {
    Some((piece.part.keys.get(cell).to_vec(), piece.part.windows.get(cell).copied().unwrap_or(0)))
}

fn state_of(state: &[u8]) -> Outcome {
    Outcome::State(state.to_vec())
}

fn seen_in(piece: &Piece) -> BTreeMap<Option<CellName>, Outcome> {
    let rejected = piece.rejected.iter().map(|found| (found.row as usize, found.reason.clone())).collect();
    let cells = states(piece).into_iter().map(|(cell, state)| (Some(cell), Outcome::State(state)));
    cells.chain([(None, Outcome::Rejected(rejected))]).collect()
}

fn unseen(fault: &Fault) -> Unseen {
    match fault {
        fault if fault.is_a_limit() => Unseen::Limit,
        // What a trap has to say may hold addresses.
        Fault::Trap(_) => Unseen::Failed("trapped".into()),
        fault => Unseen::Failed(fault.to_string()),
    }
}

/// The first thing in which two observations differ.
fn difference(
    reference: &Observed,
    other: &Observed,
    items: &[Item],
    fold: &str,
    how: &str,
) -> Option<Finding> {
    let steps = [
        (fold.to_owned(), &reference.fold, &other.fold),
        (format!("merge of the halves of {fold}"), &reference.merge, &other.merge),
        (format!("present of {fold}"), &reference.present, &other.present),
    ];
    for (what, left, right) in steps {
        let Some((cell, left, right)) = unequal(left, right) else { continue };
        return Some(Finding {
            law: Law::Pure,
            items: items.to_vec(),
            cell,
            left: Side { how: format!("{what}, in a fresh instance"), outcome: left },
            right: Side { how: format!("{what}, {how}"), outcome: right },
        });
    }
    None
}

fn unequal(left: &Step, right: &Step) -> Option<(Option<CellName>, Outcome, Outcome)> {
    let failed = |unseen: &Unseen| match unseen {
        Unseen::Failed(why) => Outcome::Failed(why.clone()),
        Unseen::Limit => Outcome::Failed("met a limit".into()),
    };
    match (left, right) {
        (Err(Unseen::Limit), _) | (_, Err(Unseen::Limit)) => None,
        (Err(a), Err(b)) if a == b => None,
        (Err(a), Err(b)) => Some((None, failed(a), failed(b))),
        (Err(a), Ok(_)) => Some((None, failed(a), Outcome::Says("succeeds".into()))),
        (Ok(_), Err(b)) => Some((None, Outcome::Says("succeeds".into()), failed(b))),
        (Ok(a), Ok(b)) => {
            let cells = a.keys().chain(b.keys());
            let found = cells.into_iter().find(|cell| a.get(*cell) != b.get(*cell))?;
            let of = |step: &BTreeMap<Option<CellName>, Outcome>| {
                step.get(found).cloned().unwrap_or(Outcome::NoCell)
            };
            Some((found.clone(), of(a), of(b)))
        }
    }
}
