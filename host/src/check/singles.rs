//! Every event of the sample folded alone: the call that decides its verdict, and the cells that it
//! touches. Owns who shares a cell with whom.

use super::bench::{Bench, Piece};
use super::sample::Row;
use super::trial::CellName;
use crate::calls::Error;
use crate::pool;
use crate::transform::Fault;
use std::collections::BTreeMap;

/// Fuel that all calls on single events may take together, about: some seconds.
const FUEL_MAX: u64 = 10_000_000_000;
/// Events of which the price of one is learnt.
const PRICED: usize = 32;
/// However expensive events are, so many are folded alone.
const ROWS_MIN: usize = 1024;

/// What a call on one event said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single {
    Taken,
    Refused,
    /// The call failed, so no chunk with the event can succeed if the transform is lawful.
    Failed,
    /// It failed for one of the limits of a call.
    Limited,
}

/// A number for a cell, in order of first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellNumber(pub u32);

#[derive(Default)]
pub struct Singles {
    pub verdicts: Vec<Single>,
    /// What the call made of each event; None: it failed.
    pieces: Vec<Option<Piece>>,
    /// The cells that each event touches.
    cells: Vec<Vec<CellNumber>>,
    /// The events that touch each cell, in order.
    pub groups: Vec<Vec<Row>>,
    pub names: Vec<CellName>,
}

/// How many events of the sample can be folded alone at a bearable price.
pub fn affordable(bench: &Bench<'_>) -> Result<usize, Error> {
    let rows = bench.sample.rows();
    let step = (rows / PRICED).max(1);
    let (mut fuel, mut calls) = (0, 0);
    for row in bench.sample.all().into_iter().step_by(step) {
        if let Ok((_, folded)) = bench.calls.fold_whole(&bench.sample.chunk(&[row]))? {
            fuel += folded.fuel;
            calls += 1;
        }
    }
    let fuel_of_one = fuel / u64::max(calls, 1);
    let affordable = FUEL_MAX.checked_div(fuel_of_one).unwrap_or(u64::MAX);
    Ok(usize::try_from(affordable).unwrap_or(usize::MAX).max(ROWS_MIN).min(rows))
}

pub fn fold(bench: &Bench<'_>, threads: usize) -> Result<Singles, Error> {
    let mut singles = Singles::default();
    let mut numbers: BTreeMap<CellName, CellNumber> = BTreeMap::new();
    pool::in_order(
        threads,
        bench.sample.all().into_iter(),
        || (),
        |_, row| Ok((row, bench.fold(&[row])?)),
        |(row, single): (Row, Result<Piece, Fault>)| {
            singles.note(&mut numbers, row, single);
            Ok::<(), Error>(())
        },
    )?;
    Ok(singles)
}

impl Singles {
    fn note(&mut self, numbers: &mut BTreeMap<CellName, CellNumber>, row: Row, single: Result<Piece, Fault>) {
        let mut touched = Vec::new();
        let verdict = match &single {
            Err(fault) if fault.is_a_limit() => Single::Limited,
            Err(_) => Single::Failed,
            Ok(piece) => {
                for (key, window) in piece.part.keys.iter().zip(&piece.part.windows) {
                    let name = (key.to_vec(), *window);
                    let number = *numbers.entry(name).or_insert_with_key(|name| {
                        self.names.push(name.clone());
                        self.groups.push(Vec::new());
                        CellNumber(self.names.len() as u32 - 1)
                    });
                    touched.push(number);
                    if let Some(group) = self.groups.get_mut(number.0 as usize) {
                        group.push(row);
                    }
                }
                if piece.rejected.is_empty() { Single::Taken } else { Single::Refused }
            }
        };
        self.pieces.push(single.ok());
        touched.sort_unstable();
        self.cells.push(touched);
        self.verdicts.push(verdict);
    }

    pub fn piece(&self, row: Row) -> Option<&Piece> {
        self.pieces.get(row.0 as usize)?.as_ref()
    }

    /// The most fuel that one event took.
    pub fn fuel_max(&self) -> u64 {
        self.pieces.iter().flatten().map(|piece| piece.fuel).max().unwrap_or(0)
    }

    /// The cells that an event touches, ascending.
    pub fn cells(&self, row: Row) -> &[CellNumber] {
        self.cells.get(row.0 as usize).map_or(&[], Vec::as_slice)
    }

    pub fn share_a_cell(&self, a: Row, b: Row) -> bool {
        self.cells(a).iter().any(|cell| self.cells(b).binary_search(cell).is_ok())
    }

    pub fn touches(&self, row: Row, cell: &CellName) -> bool {
        self.cells(row).iter().any(|number| self.names.get(number.0 as usize) == Some(cell))
    }

    /// Events whose call alone succeeds; chunks of these have no reason to fail.
    pub fn sound(&self) -> Vec<Row> {
        self.which(|single| matches!(single, Single::Taken | Single::Refused))
    }

    pub fn failed(&self) -> Vec<Row> {
        self.which(|single| matches!(single, Single::Failed | Single::Limited))
    }

    fn which(&self, wanted: impl Fn(&Single) -> bool) -> Vec<Row> {
        let verdicts = self.verdicts.iter().enumerate();
        verdicts.filter(|(_, single)| wanted(single)).map(|(row, _)| Row(row as u32)).collect()
    }
}
