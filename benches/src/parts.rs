//! Where the time from columns to cells goes: in the guest and in the host, step by step.
//! `cargo run --release -p benches -- parts [EVENTS]`.

use crate::job::Job;
use crate::native::Revenue;
use bifocal::calls::Calls;
use bifocal::column::{Blobs, Column};
use bifocal::description::Description;
use bifocal::digest::Digest;
use bifocal::limits::Limits;
use bifocal::table::{Left, Table};
use bifocal::transform::{Events, Fault, Folded, Transform};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Times the whole is run. Each figure is the least of them: what the step takes when left alone.
const ROUNDS: usize = 25;
const EMPTY_CALLS: u32 = 2_000;

/// A transform whose calls are timed.
struct Timed {
    transform: Arc<dyn Transform>,
    fold_ns: AtomicU64,
    merge_ns: AtomicU64,
    pairs: AtomicU64,
}

impl Transform for Timed {
    fn description(&self) -> &Description {
        self.transform.description()
    }

    fn version(&self) -> Digest {
        self.transform.version()
    }

    fn limits(&self) -> Limits {
        self.transform.limits()
    }

    fn fold(&self, events: &Events, fuel: u64) -> Result<Folded, Fault> {
        timed(&self.fold_ns, || self.transform.fold(events, fuel))
    }

    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        self.pairs.fetch_add(left.len() as u64, Ordering::Relaxed);
        timed(&self.merge_ns, || self.transform.merge(left, right))
    }

    fn present(&self, keys: &[Column], windows: &[u8], states: &Blobs) -> Result<Vec<Column>, Fault> {
        self.transform.present(keys, windows, states)
    }
}

fn timed<T>(ns: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    ns.fetch_add(started.elapsed().as_nanos() as u64, Ordering::Relaxed);
    result
}

/// Nanoseconds of one round, and what they are divided by.
#[derive(Clone, Copy, Default)]
struct Round {
    fold: u64,
    check: u64,
    align: u64,
    merge: u64,
    sort: u64,
    /// The same job in native code.
    native: u64,
    /// Fuel of all folds.
    fuel: u64,
    /// Over all chunks.
    cells: u64,
    pairs: u64,
}

pub fn measure(events: u64) -> anyhow::Result<()> {
    let job = Job::new(events)?;
    let rounds = (0..ROUNDS).map(|_| round(&job)).collect::<anyhow::Result<Vec<Round>>>()?;
    let least = |part: fn(&Round) -> u64| rounds.iter().map(part).min().unwrap_or(0);
    let Round { cells, pairs, fuel, .. } = rounds.first().copied().unwrap_or_default();
    let chunks = job.chunks.len();
    println!("parts: {events} events in {chunks} chunks, {cells} cells of chunks, {pairs} pairs");
    println!("{:<38} {:>7.1} units a row", "fuel of fold", fuel as f64 / events as f64);
    let line = |name: &str, ns: u64, of: u64, unit: &str| {
        let (a_row, each) = (ns as f64 / events as f64, ns as f64 / of.max(1) as f64);
        println!("{name:<38} {a_row:>7.2} ns a row {each:>9.1} ns a {unit}");
    };
    line("fold, in the guest", least(|round| round.fold), events, "row");
    line("check and keys, in the host", least(|round| round.check), cells, "cell");
    line("align and replace, in the host", least(|round| round.align), cells, "cell");
    line("merge, in the guest", least(|round| round.merge), pairs, "pair");
    line("sort, in the host", least(|round| round.sort), cells - pairs, "cell");
    line("all of it, in native code", least(|round| round.native), events, "row");
    line("an empty merge, a fresh instance", empty_call(&job)?, 1, "call");
    Ok(())
}

fn round(job: &Job) -> anyhow::Result<Round> {
    let zero = || AtomicU64::new(0);
    let transform = job.component.clone();
    let timed_transform = Arc::new(Timed { transform, fold_ns: zero(), merge_ns: zero(), pairs: zero() });
    let calls = Calls::new(timed_transform.clone(), Arc::default());
    let [folded, absorbed, sorted, native] = [zero(), zero(), zero(), zero()];
    let (mut table, mut cells, mut fuel) = (Table::default(), 0, 0);
    for chunk in &job.chunks {
        let outcome = timed(&folded, || calls.fold(chunk))?;
        fuel += outcome.fuel;
        for part in outcome.parts {
            cells += part.windows.len() as u64;
            timed(&absorbed, || table.absorb(&calls, &part, &Left::Nothing))?;
        }
    }
    std::hint::black_box(timed(&sorted, || table.sorted()));
    std::hint::black_box(timed(&native, || {
        let mut revenue = Revenue::default();
        job.chunks.iter().for_each(|chunk| revenue.add_columns(&chunk.events));
        revenue.sorted()
    }));
    let [fold, merge] =
        [timed_transform.fold_ns.load(Ordering::Relaxed), timed_transform.merge_ns.load(Ordering::Relaxed)];
    Ok(Round {
        fold,
        check: folded.into_inner() - fold,
        align: absorbed.into_inner() - merge,
        merge,
        sort: sorted.into_inner(),
        native: native.into_inner(),
        fuel,
        cells,
        pairs: timed_transform.pairs.load(Ordering::Relaxed),
    })
}

/// Nanoseconds of a call that has nothing to do.
fn empty_call(job: &Job) -> anyhow::Result<u64> {
    let nothing = Blobs::default();
    let started = Instant::now();
    for _ in 0..EMPTY_CALLS {
        job.component.merge(&nothing, &nothing)?;
    }
    Ok((started.elapsed() / EMPTY_CALLS).as_nanos() as u64)
}
