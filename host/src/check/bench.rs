//! The transform on the bench: single calls on chosen rows, nothing halved or hidden. Owns how
//! cells of two pieces meet; knows nothing of laws.

use super::Subject;
use super::sample::{Row, Sample};
use crate::calls::{Calls, Error, Merged, Part, Verdicts};
use crate::column::Blobs;
use crate::description::Description;
use crate::transform::{Events, Fault, Rejection};
use hashbrown::HashTable;
use std::sync::Arc;

/// What one successful call of `fold` made of consecutive rows.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    pub part: Part,
    pub rejected: Vec<Rejection>,
    pub fuel: u64,
}

impl Piece {
    pub fn refuses(&self, row: usize) -> Option<&str> {
        let found = self.rejected.binary_search_by_key(&row, |rejection| rejection.row as usize).ok()?;
        self.rejected.get(found).map(|rejection| rejection.reason.as_str())
    }
}

pub struct Bench<'a> {
    pub subject: &'a Subject,
    /// Each call in a fresh instance.
    pub calls: Calls,
    pub sample: &'a Sample<'a>,
}

impl<'a> Bench<'a> {
    pub fn new(subject: &'a Subject, sample: &'a Sample<'a>) -> Bench<'a> {
        Bench { subject, calls: Calls::new(subject.fresh.clone(), Arc::new(Verdicts::default())), sample }
    }

    pub fn description(&self) -> &Description {
        self.calls.description()
    }

    pub fn fold(&self, rows: &[Row]) -> Result<Result<Piece, Fault>, Error> {
        self.fold_events(&self.sample.chunk(rows))
    }

    pub fn fold_events(&self, events: &Events) -> Result<Result<Piece, Fault>, Error> {
        fold(&self.calls, events)
    }

    /// Pairs of states, merged in bulk.
    pub fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Merged, Error> {
        if left.is_empty() { Ok(Merged::default()) } else { self.calls.merge(left, right) }
    }
}

pub fn fold(calls: &Calls, events: &Events) -> Result<Result<Piece, Fault>, Error> {
    let folded = calls.fold_whole(events)?;
    Ok(folded.map(|(part, folded)| Piece { part, rejected: folded.rejected, fuel: folded.fuel }))
}

/// The cells of a part, to be found by key and window.
pub struct Index<'p> {
    part: &'p Part,
    /// None: the part is so small that looking through it is faster.
    table: Option<HashTable<u32>>,
}

const SCANNED_MAX: usize = 16;

impl<'p> Index<'p> {
    pub fn new(part: &'p Part) -> Index<'p> {
        let table = (part.hashes.len() > SCANNED_MAX).then(|| {
            let mut table = HashTable::with_capacity(part.hashes.len());
            for (cell, hash) in part.hashes.iter().enumerate() {
                let hash_of = |cell: &u32| part.hashes.get(*cell as usize).copied().unwrap_or(0);
                table.insert_unique(*hash, cell as u32, hash_of);
            }
            table
        });
        Index { part, table }
    }

    /// The place of cell `cell` of `other` in this part.
    pub fn find(&self, other: &Part, cell: usize) -> Option<usize> {
        let hash = other.hashes.get(cell)?;
        let same = |here: usize| {
            self.part.windows.get(here) == other.windows.get(cell)
                && self.part.keys.get(here) == other.keys.get(cell)
        };
        match &self.table {
            Some(table) => table.find(*hash, |here| same(*here as usize)).map(|here| *here as usize),
            None => {
                let mut hashes = self.part.hashes.iter().enumerate();
                hashes.find(|(here, known)| *known == hash && same(*here)).map(|(here, _)| here)
            }
        }
    }
}

/// How the cells of a chunk meet those of its two pieces.
#[derive(Debug, Default)]
pub struct Joined {
    /// Places of a cell in the whole, the left and the right piece.
    pub pairs: Vec<(usize, usize, usize)>,
    /// The first cell that is not what the pieces say, where one piece alone has it, or not there.
    pub odd: Option<Odd>,
}

/// A cell that only one piece has, or only the whole: as it should be, and as the whole has it.
#[derive(Clone, Debug)]
pub struct Odd {
    pub key: Vec<u8>,
    pub window: i64,
    pub expected: Option<Vec<u8>>,
    pub found: Option<Vec<u8>>,
}

pub fn join(whole: &Part, left: &Part, right: &Part) -> Joined {
    let (in_left, in_right) = (Index::new(left), Index::new(right));
    let mut joined = Joined::default();
    let mut alone = 0;
    for cell in 0..whole.hashes.len() {
        let expected = match (in_left.find(whole, cell), in_right.find(whole, cell)) {
            (Some(l), Some(r)) => {
                joined.pairs.push((cell, l, r));
                continue;
            }
            (Some(l), None) => Some(left.states.get(l)),
            (None, Some(r)) => Some(right.states.get(r)),
            (None, None) => None,
        };
        alone += usize::from(expected.is_some());
        if expected != Some(whole.states.get(cell)) && joined.odd.is_none() {
            joined.odd = Some(odd(whole, cell, expected, Some(whole.states.get(cell))));
        }
    }
    if joined.odd.is_none() && left.hashes.len() + right.hashes.len() > 2 * joined.pairs.len() + alone {
        joined.odd = lost(whole, left).or_else(|| lost(whole, right));
    }
    joined
}

/// The first cell of a piece that the whole lacks.
fn lost(whole: &Part, piece: &Part) -> Option<Odd> {
    let in_whole = Index::new(whole);
    let cell = (0..piece.hashes.len()).find(|cell| in_whole.find(piece, *cell).is_none())?;
    Some(odd(piece, cell, Some(piece.states.get(cell)), None))
}

fn odd(part: &Part, cell: usize, expected: Option<&[u8]>, found: Option<&[u8]>) -> Odd {
    Odd {
        key: part.keys.get(cell).to_vec(),
        window: part.windows.get(cell).copied().unwrap_or(0),
        expected: expected.map(<[u8]>::to_vec),
        found: found.map(<[u8]>::to_vec),
    }
}
