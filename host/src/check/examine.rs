//! All laws on one sample, in the order in which a failure of one would spoil the next. Owns what is
//! tried, and which law a breach is put down to.

use super::bench::{Bench, Piece};
use super::random::Random;
use super::sample::{Row, Sequence};
use super::singles::{self, Single, Singles};
use super::sweep::Sweep;
use super::trial::{self, Finding, Item, Outcome, Side, Trial};
use super::{Breach, Coverage, Law, Options, Shown, pure};
use crate::calls::{Error, Part};
use crate::column::Blobs;
use crate::description::Description;
use crate::extract::Extracted;
use crate::offset::{Offset, Range};
use crate::table::{self, Left, Table};
use crate::transform::Fault;
use std::collections::BTreeSet;

/// Rows of the first chunks on which `pure` is tried.
const PURE_ROWS: [usize; 4] = [1, 16, 512, usize::MAX];
/// Companies in which an event that fails alone is folded.
const COMPANY_ROWS: [usize; 3] = [2, 8, 64];
/// Events that fail alone and are tried in company.
const COMPANIES_MAX: usize = 64;
/// Events of one cell that are cut down at once.
const GROUP_ROWS_MAX: usize = 2048;

pub struct Examination<'c, 'a> {
    pub bench: &'c Bench<'a>,
    pub options: &'c Options,
    pub laws: &'c [Law],
}

impl Examination<'_, '_> {
    /// The breaches, the cause first, and what was covered on the way to them.
    pub fn breaches(&self, coverage: &mut Coverage) -> Result<Vec<Breach>, Error> {
        if let Some(breach) = self.described()? {
            return Ok(vec![breach]);
        }
        if let Some(finding) = self.impure()? {
            return Ok(vec![self.breach(&Singles::default(), finding)?]);
        }
        let remembered = self.first(1).first().map(|row| pure::remember(self.bench, *row)).transpose()?;
        let singles = singles::fold(self.bench, self.options.threads)?;
        self.cover(&singles, coverage);
        if let Some(finding) = self.fails_only_alone(&singles)? {
            return Ok(vec![self.breach(&singles, finding)?]);
        }
        let mut sweep = Sweep::new(self.bench, &singles, self.options.seed);
        self.sweep(&mut sweep, coverage)?;
        let mut breaches: Vec<Breach> = Vec::new();
        for (law, items) in std::mem::take(&mut sweep.suspects) {
            // What another breach explains is said there.
            let explained = |breach: &Breach| match breach.law {
                Law::Split => law != Law::Total,
                Law::Pure | Law::Monotone => true,
                other => other == law,
            };
            if breaches.iter().any(explained) {
                continue;
            }
            let finding = match self.trial().look(law, &items)? {
                Some(finding) => Some(finding),
                // A suspect that is none the second time is a transform that is not pure.
                None => self.impure_on(&items.iter().map(|item| item.row).collect::<Vec<_>>())?,
            };
            if let Some(finding) = finding {
                breaches.push(self.breach(&singles, finding)?);
            }
        }
        if breaches.is_empty()
            && let Some(remembered) = remembered
            && let Some(finding) = remembered.breach(self.bench)?
        {
            breaches.push(self.breach(&singles, finding)?);
        }
        coverage.cuts = sweep.coverage.cuts;
        coverage.merges = sweep.coverage.merges;
        coverage.windows_cut = sweep.coverage.windows_cut.len() as u64;
        coverage.chunks_failed = sweep.coverage.chunks_failed;
        Ok(breaches)
    }

    pub fn trial(&self) -> Trial<'_, '_> {
        Trial { bench: self.bench }
    }

    fn first(&self, rows: usize) -> Vec<Row> {
        self.bench.sample.all().into_iter().take(rows).collect()
    }

    fn described(&self) -> Result<Option<Breach>, Error> {
        let Some(again) = &self.bench.subject.described_again else { return Ok(None) };
        if again == self.bench.description() {
            return Ok(None);
        }
        let side = |how: &str, description: &Description| Shown {
            side: Side { how: how.into(), outcome: Outcome::Says(format!("{description:?}")) },
            outputs: Vec::new(),
        };
        Ok(Some(Breach {
            law: Law::Pure,
            also: Vec::new(),
            events: Vec::new(),
            cell: None,
            left: side("describe", self.bench.description()),
            right: side("describe, again", again),
            usual_cause: "a clock, randomness or a static in describe, which may depend on settings alone",
        }))
    }

    /// `pure` on the first rows, on more, on all.
    fn impure(&self) -> Result<Option<Finding>, Error> {
        let all = self.bench.sample.all();
        let mut random = Random::new(self.options.seed);
        for count in PURE_ROWS {
            let count = count.min(all.len());
            let from = random.below(all.len() - count + 1);
            let rows = all.get(from..from + count).unwrap_or_default();
            if let Some(finding) = self.impure_on(rows)? {
                return Ok(Some(finding));
            }
        }
        Ok(None)
    }

    fn impure_on(&self, rows: &[Row]) -> Result<Option<Finding>, Error> {
        if rows.is_empty() {
            return Ok(None);
        }
        let after = |cut: usize| -> Vec<Item> {
            rows.iter().enumerate().map(|(i, row)| Item { row: *row, piece: u8::from(i >= cut) }).collect()
        };
        for items in [after(0), after(rows.len() / 2)] {
            if let Some(finding) = pure::breach(self.bench, &items)? {
                return Ok(Some(finding));
            }
        }
        Ok(None)
    }

    fn cover(&self, singles: &Singles, coverage: &mut Coverage) {
        for verdict in &singles.verdicts {
            match verdict {
                Single::Taken => coverage.folded += 1,
                Single::Refused | Single::Failed => coverage.rejected += 1,
                Single::Limited => {
                    coverage.rejected += 1;
                    coverage.limited += 1;
                }
            }
        }
        coverage.fuel_of_one_max = singles.fuel_max();
        coverage.cells = singles.names.len() as u64;
        coverage.keys = singles.names.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len() as u64;
    }

    /// Events that fail alone, in the company of their neighbours.
    fn fails_only_alone(&self, singles: &Singles) -> Result<Option<Finding>, Error> {
        let (all, failed) = (self.bench.sample.all(), singles.failed());
        let step = failed.len().div_ceil(COMPANIES_MAX).max(1);
        for row in failed.iter().step_by(step) {
            for company in COMPANY_ROWS {
                let from =
                    (row.0 as usize).saturating_sub(company / 2).min(all.len().saturating_sub(company));
                let rows = all.iter().skip(from).take(company);
                let items: Vec<Item> =
                    rows.map(|other| Item { row: *other, piece: u8::from(other == row) }).collect();
                if let Some(finding) = self.trial().breach(Law::Monotone, &items)? {
                    return Ok(Some(finding));
                }
            }
        }
        Ok(None)
    }

    /// Few events of one cell, many of one cell, then all in the order of the log.
    fn sweep(&self, sweep: &mut Sweep<'_, '_>, coverage: &mut Coverage) -> Result<(), Error> {
        sweep.try_few(self.options.tries_max)?;
        self.present_singles(sweep)?;
        let mut groups: Vec<&Vec<Row>> =
            sweep.singles.groups.iter().filter(|group| group.len() > 1).collect();
        // In an order of chance, so that a budget that ends has seen cells of all kinds.
        for i in (1..groups.len()).rev() {
            groups.swap(i, sweep.random.below(i + 1));
        }
        let budget = self.options.cuts_max / 2;
        for group in groups {
            if sweep.is_over() || sweep.coverage.cuts >= budget {
                break;
            }
            let rows = group.iter().copied().take(GROUP_ROWS_MAX).collect();
            let left = (budget - sweep.coverage.cuts).min(budget / 4 + 1);
            sweep.cut_group(&Sequence::new(self.bench.sample, rows), left)?;
        }
        let sequence = Sequence::new(self.bench.sample, sweep.singles.sound());
        if !sweep.is_over() {
            let left = self.options.cuts_max.saturating_sub(sweep.coverage.cuts);
            sweep.cut_down(&sequence, left)?;
        }
        if !sweep.is_over() {
            coverage.out_of_range = self.present_all(&sequence, sweep)?;
        }
        Ok(())
    }

    /// Presents the states of single events.
    fn present_singles(&self, sweep: &mut Sweep<'_, '_>) -> Result<(), Error> {
        let (mut rows, mut all) = (Vec::new(), Part::default());
        for row in self.bench.sample.all() {
            let Some(Piece { part, .. }) = sweep.singles.piece(row) else { continue };
            for (cell, window) in part.windows.iter().enumerate() {
                rows.push(row);
                all.keys.push(part.keys.get(cell));
                all.windows.push(*window);
                all.states.push(part.states.get(cell));
            }
        }
        let mut states = all.states;
        if let Some(initial) = &self.bench.description().initial {
            let anchors: Blobs = (0..states.len()).map(|_| initial.as_slice()).collect();
            let merged = self.bench.merge(&anchors, &states)?;
            if let Some(row) = merged.broken.first().and_then(|(cell, _)| rows.get(*cell)) {
                sweep.suspects.entry(Law::Total).or_insert(vec![Item { row: *row, piece: 0 }]);
                return Ok(());
            }
            states = merged.states;
        }
        let presented = self.bench.calls.present(&all.keys, &all.windows, &states)?;
        let breach = presented.broken.iter().find(|(_, cause)| !trial::is_out_of_range(cause));
        if let Some(row) = breach.and_then(|(cell, _)| rows.get(*cell)) {
            sweep.suspects.entry(Law::Total).or_insert(vec![Item { row: *row, piece: 0 }]);
        }
        Ok(())
    }

    /// Presents the whole sample, folded as a host does; how many cells are out of range.
    fn present_all(&self, sequence: &Sequence, sweep: &mut Sweep<'_, '_>) -> Result<u64, Error> {
        let description = self.bench.description();
        let range = Range::new(Offset::ZERO, Offset(sequence.rows.len() as u64));
        let chunk = Extracted {
            range,
            offsets: (range.from.0..range.to.0).collect(),
            events: sequence.slice(description, 0, sequence.rows.len()),
            rejected: Vec::new(),
            ignored: 0,
        };
        let left = match &description.initial {
            Some(initial) => Left::Whole { below: None, initial },
            None => Left::Nothing,
        };
        let mut table = Table::default();
        for part in self.bench.calls.fold(&chunk)?.parts {
            table.absorb(&self.bench.calls, &part, &left).map_err(|error| self.failed(error))?;
        }
        let cells: Vec<_> = table.iter_sorted().filter(|cell| cell.broken.is_none()).collect();
        let windows: Vec<i64> = cells.iter().map(|cell| cell.window).collect();
        let (keys, states) =
            (cells.iter().map(|cell| cell.key).collect(), cells.iter().map(|cell| cell.state).collect());
        let presented = self.bench.calls.present(&keys, &windows, &states)?;
        let (lawful, breaches): (Vec<_>, Vec<_>) =
            presented.broken.iter().partition(|(_, cause)| trial::is_out_of_range(cause));
        if let Some(cell) = breaches.first().and_then(|(cell, _)| cells.get(*cell)) {
            let name = (cell.key.to_vec(), cell.window);
            let touching = sequence.rows.iter().filter(|row| sweep.singles.touches(**row, &name));
            let items: Vec<Item> = touching.map(|row| Item { row: *row, piece: 0 }).collect();
            sweep.suspects.entry(Law::Total).or_insert(items);
        }
        Ok(lawful.len() as u64)
    }

    fn failed(&self, error: table::Error) -> Error {
        match error {
            table::Error::Call(error) => error,
            table::Error::Store(error) => self.bench.calls.error(Fault::Host(error.to_string())),
        }
    }
}
