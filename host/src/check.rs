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
mod breach;
mod cause;
mod constants;
mod examine;
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
use crate::description::{Description, Order};
use crate::extract::{Extractor, Scratch};
use crate::log::Log;
use crate::offset::{Offset, Range};
use crate::transform::Transform;
use crate::wasm::Component;
use bench::Bench;
use examine::Examination;
use std::fmt;
use std::sync::Arc;

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
    /// Events that met a limit of a call, even alone.
    pub limited: u64,
    /// The most fuel that one event took, of its limit.
    pub fuel_of_one_max: u64,
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

/// More fuel than this part of the limit is told.
const NEAR_A_LIMIT: u64 = 4;

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
    let breaches = Examination { bench: &bench, options, laws: &laws }.breaches(&mut coverage)?;
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
    let first =
        sample.first_rejected.as_ref().map_or(String::new(), |reason| format!(" (the first: {reason})"));
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
        warnings.push(format!(
            "{cells} cells hold a value that is out of range of its column: queries of them fail"
        ));
    }
    if coverage.limited > 0 {
        let events = coverage.limited;
        warnings.push(format!(
            "{events} events met a limit of fuel, memory, stack or result, even alone: rejected"
        ));
    }
    let (fuel, most) = (coverage.fuel_of_one_max, subject.fresh.limits().fuel);
    if fuel > most / NEAR_A_LIMIT {
        warnings.push(format!("one event took {fuel} fuel of the {most} that it may take"));
    }
    if coverage.chunks_failed > 0 {
        let chunks = coverage.chunks_failed;
        warnings.push(format!(
            "{chunks} chunks failed whose events pass alone: a host folds them again as halves, which costs time"
        ));
    }
    warnings
}
