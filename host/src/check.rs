//! The laws of `wit/transform.wit`, tried on events: by which cuts, how hard, and which law a
//! failure is put down to. Owns the verdict on a transform; runs nothing that answers a query.
//!
//! What a breach is put down to, since one fault mostly breaks several laws:
//! - `pure` comes first: where it is broken, every other compare is noise.
//! - `monotone` next: an event that is taken in company and fails alone, the call that decides.
//! - `split` before `associative` and `order-free`. Where chunks can be folded whole, three events
//!   that do not associate are three events that do not split, so `split` never needs more events
//!   for its counterexample, and one merge instead of four; [`Breach::also`] says that merge alone
//!   is enough. `associative` is left where the fold of a whole chunk fails, and for anchored states.
//! - `total` stands for itself: a state that merge or present does not take.

mod bench;
mod cause;
mod constants;
mod generate;
mod imports;
mod probe;
mod pure;
mod random;
mod report;
mod sample;
mod shrink;
mod singles;
mod sweep;
mod trial;

pub use constants::Constants;
pub use generate::{Generated, generate};
pub use probe::probed;
pub use report::text;
pub use sample::{Place, Sample};
pub use trial::{Item, Outcome, Side};

use crate::calls::{Calls, Error, Part};
use crate::column::Blobs;
use crate::description::{Description, Order};
use crate::extract::{Extracted, Extractor, Scratch};
use crate::log::Log;
use crate::offset::{Offset, Range};
use crate::table::{Left, Table};
use crate::transform::Transform;
use crate::wasm::Component;
use bench::{Bench, Piece};
use random::Random;
use sample::{Row, Sequence};
use singles::{Single, Singles};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use sweep::Sweep;
use trial::{Finding, Trial};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    Split,
    Associative,
    Pure,
    Total,
    Monotone,
    OrderFree,
}

impl Law {
    pub const ALL: [Law; 6] =
        [Law::Split, Law::Associative, Law::Pure, Law::Total, Law::Monotone, Law::OrderFree];

    /// The laws that a transform promises to keep.
    pub fn of(description: &Description) -> Vec<Law> {
        let order_free = description.order == Order::None;
        Law::ALL.into_iter().filter(|law| *law != Law::OrderFree || order_free).collect()
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Law::Split => "split",
            Law::Associative => "associative",
            Law::Pure => "pure",
            Law::Total => "total",
            Law::Monotone => "monotone",
            Law::OrderFree => "order-free",
        })
    }
}

/// What is checked.
pub struct Subject {
    /// Each call in a fresh instance.
    pub fresh: Arc<dyn Transform>,
    /// Makes one instance that lives through all of its calls.
    pub reused: Option<Arc<dyn Fn() -> Arc<dyn Transform> + Send + Sync>>,
    /// What `describe` said when it was asked another time.
    pub described_again: Option<Description>,
    /// Imports that are answered with frozen values and that no runtime is known to need.
    pub frozen_imports: Vec<String>,
}

impl Subject {
    /// A component, of which `bytes` were loaded; `again` is what a second load was told.
    pub fn component(component: &Component, bytes: &[u8], again: Option<Description>) -> Subject {
        let frozen = component.imports().iter().filter(|import| import.frozen);
        let reused = component.clone();
        Subject {
            fresh: Arc::new(component.clone()),
            reused: Some(Arc::new(move || Arc::new(reused.reused()))),
            described_again: again,
            frozen_imports: imports::authored(bytes, frozen.map(|import| import.name.as_str())),
        }
    }
}

/// Whose events a check works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Sample,
    Fixtures,
    Random,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub seed: u64,
    /// Chunks that are cut in two and compared.
    pub cuts_max: u64,
    /// Sets of a few events of one cell that are tried in every way.
    pub tries_max: usize,
    pub events_max: u64,
    pub threads: usize,
    pub origin: Origin,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            seed: 1,
            cuts_max: 16_384,
            tries_max: 2000,
            events_max: 65_536,
            threads: 1,
            origin: Origin::Sample,
        }
    }
}

/// What a check has seen; a verdict is worth no more than this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Events that were looked at, of how many.
    pub events: u64,
    pub events_of: u64,
    pub folded: u64,
    pub rejected: u64,
    pub ignored: u64,
    pub cells: u64,
    pub keys: u64,
    pub cuts: u64,
    /// Merges of two states that each came from at least one event.
    pub merges: u64,
    /// Windows with events on both sides of a cut.
    pub windows_cut: u64,
    /// Cells with a value that its column cannot hold: lawful, but broken cells.
    pub out_of_range: u64,
    /// Chunks that failed although each of their events passes alone.
    pub chunks_failed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    /// Nothing was broken, but nothing was tried that could have been, for this reason.
    NotProven(String),
    /// The first is the cause; others stand for themselves.
    Broken(Vec<Breach>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub verdict: Verdict,
    /// The laws that were tried.
    pub laws: Vec<Law>,
    pub coverage: Coverage,
    pub warnings: Vec<String>,
    pub origin: Origin,
    pub seed: u64,
}

impl Report {
    pub fn holds(&self) -> bool {
        self.verdict == Verdict::Holds
    }
}

/// A law, broken on the fewest events that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub law: Law,
    /// Other laws that the same events break.
    pub also: Vec<Law>,
    /// In the order in which they are folded; sides call them a, b, c. An event can stand here twice.
    pub events: Vec<Place>,
    /// Names and values of keys and window; None: the breach is in no cell.
    pub cell: Option<Vec<(String, String)>>,
    pub left: Shown,
    pub right: Shown,
    pub usual_cause: &'static str,
}

/// One side of a breach, as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub side: Side,
    /// Outputs by name, where the side is a state that can be presented.
    pub outputs: Vec<(String, String)>,
}

/// Rows of the first chunks on which `pure` is tried.
const PURE_ROWS: [usize; 4] = [1, 16, 512, usize::MAX];
/// Companies in which an event that fails alone is folded.
const COMPANY_ROWS: [usize; 3] = [2, 8, 64];
/// Events that fail alone and are tried in company.
const COMPANIES_MAX: usize = 64;
/// Questions asked to make a counterexample smaller.
const SHRINK_TESTS_MAX: usize = 3000;
/// The counterexample that is good enough, in events.
const FEW: usize = 3;
/// Events from which all sets of [`FEW`] are tried.
const POOL_MAX: usize = 16;
/// Events of one cell that are cut down at once.
const GROUP_ROWS_MAX: usize = 2048;

/// Tries all laws on (a sample of) a log.
pub fn check(
    subject: &Subject,
    log: &Log,
    extractor: &Extractor,
    options: &Options,
) -> Result<Report, Error> {
    let sample = Sample::read(log, extractor, subject.fresh.description(), options.events_max);
    check_sample(subject, sample, options)
}

/// Tries all laws on these events.
pub fn check_sample(subject: &Subject, mut sample: Sample<'_>, options: &Options) -> Result<Report, Error> {
    let affordable = singles::affordable(&Bench::new(subject, &sample))?;
    sample.truncate(affordable);
    let bench = Bench::new(subject, &sample);
    let laws = Law::of(bench.description());
    let mut coverage = Coverage {
        events: sample.looked_at,
        events_of: sample.of,
        rejected: sample.rejected,
        ignored: sample.ignored,
        ..Coverage::default()
    };
    let breaches = Check { bench: &bench, options, laws: &laws }.breaches(&mut coverage)?;
    let verdict = match breaches.is_empty() {
        false => Verdict::Broken(breaches),
        true if coverage.merges == 0 => Verdict::NotProven(unproven(&sample, &coverage)),
        true => Verdict::Holds,
    };
    let warnings = warnings(subject, &coverage);
    Ok(Report { verdict, laws, coverage, warnings, origin: options.origin, seed: options.seed })
}

/// Why two halves of a log differ in a cell: the law that these events break and the fewest that
/// do. None: the transform is not at fault as far as they show.
pub fn explain(
    subject: &Subject,
    log: &Log,
    extractor: &Extractor,
    cell: (&[u8], i64),
    options: &Options,
) -> Result<Option<Breach>, Error> {
    let offsets = touching(subject, log, extractor, cell, options)?;
    let sample = Sample::chosen(log, extractor, subject.fresh.description(), &offsets);
    let report = check_sample(subject, sample, options)?;
    Ok(match report.verdict {
        Verdict::Broken(breaches) => breaches.into_iter().next(),
        _ => None,
    })
}

/// The first events of a log that touch a cell, at most `events_max`.
fn touching(
    subject: &Subject,
    log: &Log,
    extractor: &Extractor,
    (key, window): (&[u8], i64),
    options: &Options,
) -> Result<Vec<u64>, Error> {
    const AT_ONCE: u64 = 64;
    let calls = Calls::new(subject.fresh.clone(), Arc::default());
    let (mut scratch, mut offsets) = (Scratch::default(), Vec::new());
    let touches = |part: &Part| {
        part.keys.iter().zip(&part.windows).any(|(other, start)| other == key && *start == window)
    };
    let range = Range::new(Offset::ZERO, log.head());
    for chunk in range.chunks(AT_ONCE) {
        let chunk = extractor.extract(&mut scratch, chunk, log.read(chunk));
        if chunk.offsets.is_empty() || !calls.fold(&chunk)?.parts.iter().any(touches) {
            continue;
        }
        for (row, offset) in chunk.offsets.iter().enumerate() {
            let one = chunk.events.slice(calls.description(), row, row + 1);
            // An event that fails alone may have been taken in company, which is a breach as well.
            let folded = calls.fold_whole(&one)?;
            if folded.map_or(true, |(part, _)| touches(&part)) {
                offsets.push(*offset);
            }
        }
        if offsets.len() as u64 >= options.events_max {
            break;
        }
    }
    Ok(offsets)
}

fn unproven(sample: &Sample<'_>, coverage: &Coverage) -> String {
    let first = sample.first_rejected.as_ref().map_or(String::new(), |reason| format!(" (the first: {reason})"));
    if coverage.events == 0 {
        "there are no events".into()
    } else if coverage.ignored == coverage.events {
        format!("the filter of the transform ignores all {} events", coverage.events)
    } else if coverage.rejected == coverage.events {
        format!("all {} events were rejected{first}", coverage.events)
    } else if coverage.folded <= 1 {
        format!("only {} of {} events was folded{first}", coverage.folded, coverage.events)
    } else if coverage.cells == 0 {
        format!("{} events were folded to no cell at all", coverage.folded)
    } else if coverage.cells >= coverage.folded {
        format!("no two of {} events touch one cell, so no two states were merged", coverage.folded)
    } else {
        "no two states of one cell were merged".into()
    }
}

fn warnings(subject: &Subject, coverage: &Coverage) -> Vec<String> {
    let mut warnings: Vec<String> = subject
        .frozen_imports
        .iter()
        .map(|import| format!("imports {import}, which is frozen: it says the same in every call"))
        .collect();
    if coverage.out_of_range > 0 {
        let cells = coverage.out_of_range;
        warnings.push(format!("{cells} cells hold a value that is out of range of its column: queries of them fail"));
    }
    if coverage.chunks_failed > 0 {
        let chunks = coverage.chunks_failed;
        warnings.push(format!(
            "{chunks} chunks failed whose events pass alone: a host folds them again as halves, which costs time"
        ));
    }
    warnings
}

struct Check<'c, 'a> {
    bench: &'c Bench<'a>,
    options: &'c Options,
    laws: &'c [Law],
}

impl Check<'_, '_> {
    fn breaches(&self, coverage: &mut Coverage) -> Result<Vec<Breach>, Error> {
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

    fn trial(&self) -> Trial<'_, '_> {
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
            }
        }
        coverage.cells = singles.names.len() as u64;
        coverage.keys = singles.names.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len() as u64;
    }

    /// Events that fail alone, in the company of their neighbours.
    fn fails_only_alone(&self, singles: &Singles) -> Result<Option<Finding>, Error> {
        let (all, failed) = (self.bench.sample.all(), singles.failed());
        let step = failed.len().div_ceil(COMPANIES_MAX).max(1);
        for row in failed.iter().step_by(step) {
            for company in COMPANY_ROWS {
                let from = (row.0 as usize).saturating_sub(company / 2).min(all.len().saturating_sub(company));
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
        let mut groups: Vec<&Vec<Row>> = sweep.singles.groups.iter().filter(|group| group.len() > 1).collect();
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
            table.absorb(&self.bench.calls, &part, &left)?;
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

    /// Makes a finding small, and shows it.
    fn breach(&self, singles: &Singles, finding: Finding) -> Result<Breach, Error> {
        let finding = self.shrunk(singles, finding)?;
        let rows: Vec<Row> = finding.items.iter().map(|item| item.row).collect();
        let mut also = Vec::new();
        if matches!(finding.law, Law::Split | Law::Associative) {
            let others = [Law::Associative, Law::OrderFree].into_iter();
            for law in others.filter(|law| *law > finding.law && self.laws.contains(law)) {
                if self.trial().breach_anyhow(law, &rows)?.is_some() {
                    also.push(law);
                }
            }
        }
        let left = self.shown(&finding, &finding.left)?;
        let right = self.shown(&finding, &finding.right)?;
        let looks = cause::Looks {
            same_rows: !left.outputs.is_empty() && left.outputs == right.outputs,
            floats_close: floats_close(&left.outputs, &right.outputs),
            merge_alone: finding.law == Law::Associative || also.contains(&Law::Associative),
            after_calls: finding.right.how.contains("in an instance that has made"),
        };
        Ok(Breach {
            law: finding.law,
            also,
            events: rows.iter().map(|row| self.bench.sample.place(*row)).collect(),
            cell: finding.cell.as_ref().map(|cell| report::cell(self.bench.description(), cell)),
            usual_cause: cause::of(&finding, &looks, self.bench.description()),
            left,
            right,
        })
    }

    fn shown(&self, finding: &Finding, side: &Side) -> Result<Shown, Error> {
        let mut shown = Shown { side: side.clone(), outputs: Vec::new() };
        let (Outcome::State(state), Some((key, window))) = (&side.outcome, &finding.cell) else {
            return Ok(shown);
        };
        let mut state = state.clone();
        if let (Some(initial), Law::Split | Law::Pure) = (&self.bench.description().initial, finding.law) {
            let merged = self.bench.merge(&[&**initial].into_iter().collect(), &[&*state].into_iter().collect())?;
            if !merged.broken.is_empty() {
                return Ok(shown);
            }
            state = merged.states.get(0).to_vec();
        }
        let (keys, states) = ([&**key].into_iter().collect(), [&*state].into_iter().collect());
        let presented = self.bench.calls.present(&keys, &[*window], &states)?;
        if presented.broken.is_empty() {
            let outputs = self.bench.description().outputs.iter().zip(&presented.columns);
            shown.outputs = outputs
                .map(|(field, column)| (field.name.clone(), report::value(&field.kind, column.value(&field.kind, 0))))
                .collect();
        }
        Ok(shown)
    }

    /// The fewest events that break the same law.
    fn shrunk(&self, singles: &Singles, finding: Finding) -> Result<Finding, Error> {
        let law = finding.law;
        let mut best = finding;
        let cell = best.cell.clone();
        if let Some(cell) = &cell {
            let items: Vec<Item> =
                best.items.iter().copied().filter(|item| singles.touches(item.row, cell)).collect();
            if !items.is_empty()
                && items.len() < best.items.len()
                && let Some(found) = self.find(law, &items)?
            {
                best = found;
            }
        }
        let pool = best.items.clone();
        let items = shrink::minimal(best.items.clone(), SHRINK_TESTS_MAX, &mut |items: &[Item]| {
            Ok::<bool, Error>(self.find(law, items)?.is_some())
        })?;
        if let Some(found) = self.find(law, &items)? {
            best = found;
        }
        if best.items.len() <= shrink::CHOICES_OF_MAX {
            best = self.smallest(law, best)?;
        }
        if best.items.len() > FEW {
            best = self.few_of(law, &pool, best)?;
        }
        Ok(best)
    }

    fn find(&self, law: Law, items: &[Item]) -> Result<Option<Finding>, Error> {
        match law {
            Law::Pure => pure::breach(self.bench, items),
            _ => self.trial().breach(law, items),
        }
    }

    fn find_anyhow(&self, law: Law, rows: &[Row]) -> Result<Option<Finding>, Error> {
        match law {
            Law::Pure => pure::breach_anyhow(self.bench, rows),
            _ => self.trial().breach_anyhow(law, rows),
        }
    }

    /// Fewer of few events, however they are cut.
    fn smallest(&self, law: Law, best: Finding) -> Result<Finding, Error> {
        let rows: Vec<Row> = best.items.iter().map(|item| item.row).collect();
        for rows in shrink::choices(&rows) {
            if let Some(found) = self.find_anyhow(law, &rows)? {
                return Ok(found);
            }
        }
        Ok(best)
    }

    /// No event of the counterexample can be left out, but other events may need less company.
    fn few_of(&self, law: Law, pool: &[Item], best: Finding) -> Result<Finding, Error> {
        let step = pool.len().div_ceil(POOL_MAX).max(1);
        let pool: Vec<Row> = pool.iter().step_by(step).map(|item| item.row).collect();
        for (i, a) in pool.iter().enumerate() {
            for (j, b) in pool.iter().enumerate().skip(i + 1) {
                for c in pool.iter().skip(j + 1) {
                    if let Some(found) = self.find_anyhow(law, &[*a, *b, *c])? {
                        return self.smallest(law, found);
                    }
                }
            }
        }
        Ok(best)
    }
}

/// Whether some output differs, and every one that does is a number that differs by a hair.
fn floats_close(left: &[(String, String)], right: &[(String, String)]) -> bool {
    let differing = left.iter().zip(right).filter(|(left, right)| left != right);
    let close = differing.map(|((_, left), (_, right))| match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => (left - right).abs() <= left.abs().max(right.abs()) * 1e-6,
        _ => false,
    });
    let close: Vec<bool> = close.collect();
    !close.is_empty() && close.iter().all(|close| *close)
}
