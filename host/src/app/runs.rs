//! Runs of one view, one at a time, while everything else goes on: ordered by people or due by schedule,
//! carried out step by step as the boundary says, told to whoever follows. Owns the thread that makes them;
//! what a run computes and who is at fault belongs to `renewal`.

use super::Error;
use super::background;
use super::live::Live;
use super::stoppable::Stoppable;
use super::view::View;
use crate::batch::Shape;
use crate::near::Base;
use crate::offset::{Offset, Range};
use crate::refold::{Choice, Means, Target};
use crate::renewal::{Kind, Renewal, Renewed};
use crate::store::{IncidentRecord, Payloads, RunKind, RunRecord, RunResult};
use crate::verify::{Verified, verify};
use crate::witness::Party;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Runs that may wait for the one that goes on.
const WAITING_MAX: usize = 8;
/// Between two looks at the schedules.
const LOOK: Duration = Duration::from_millis(250);
/// Rows of one call, a whole stripe of columns.
const CHUNK_ROWS: u64 = 65_536;

/// Orders that have ended and are remembered.
const ENDED_MAX: usize = 32;

/// What is ordered.
#[derive(Clone, Debug)]
pub enum Work {
    /// A run; with a choice if it is a targeted one.
    Run(RunKind, Option<Choice>),
    /// The served batch view against the witness, past every cache; nothing is published.
    Verify,
}

impl Work {
    /// Which run it is, if it is one.
    pub fn run(&self) -> Option<RunKind> {
        match self {
            Work::Run(kind, _) => Some(*kind),
            Work::Verify => None,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Work::Run(kind, _) => kind.name(),
            Work::Verify => "verify",
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It may have failed all the same.
    Run(RunRecord),
    Verified(Verified),
}

impl Outcome {
    /// The run, if one was ordered.
    pub fn run(self) -> Option<RunRecord> {
        match self {
            Outcome::Run(run) => Some(run),
            Outcome::Verified(_) => None,
        }
    }
}

/// Work that somebody follows.
#[derive(Debug)]
pub struct Order {
    /// Counts the orders of a view since the start.
    pub id: u64,
    pub work: Work,
    /// Events that are folded, and that will have been at the end.
    pub done: AtomicU64,
    pub total: AtomicU64,
    ended: Mutex<Option<Result<Outcome, String>>>,
    has_ended: Condvar,
}

impl Order {
    fn new(id: u64, work: Work) -> Order {
        Order {
            id,
            work,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            ended: Mutex::default(),
            has_ended: Condvar::new(),
        }
    }

    /// What became of it; None while it waits or goes on.
    pub fn ended(&self) -> Option<Result<Outcome, String>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the end, at most so long.
    pub fn wait(&self, time: Duration) -> Option<Result<Outcome, String>> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.has_ended.wait_timeout_while(ended, time, |ended| ended.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn end(&self, result: Result<Outcome, String>) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        self.has_ended.notify_all();
    }
}

#[derive(Debug, Default)]
pub struct Runs {
    state: Mutex<State>,
    ordered: Condvar,
    is_stopping: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Order>>,
    current: Option<Arc<Order>>,
    /// Those above, and some that have ended.
    known: VecDeque<Arc<Order>>,
    last: u64,
    ended: Ended,
}

/// How many runs have ended since the start, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended {
    pub published: u64,
    pub failed: u64,
}

impl Ended {
    fn count(&mut self, work: &Work, made: &Result<Outcome, Error>) {
        match (work, made) {
            (Work::Verify, _) => {}
            (_, Ok(Outcome::Run(run))) if run.result == RunResult::Published => self.published += 1,
            _ => self.failed += 1,
        }
    }
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a run in line.
    pub fn order(&self, kind: RunKind, choice: Option<Choice>) -> Result<Arc<Order>, Error> {
        self.order_work(Work::Run(kind, choice))
    }

    /// Puts work in line.
    pub fn order_work(&self, work: Work) -> Result<Arc<Order>, Error> {
        if self.is_stopping() {
            return Err(Error::Stopping);
        }
        let mut state = self.lock();
        if state.waiting.len() >= WAITING_MAX {
            return Err(Error::Unavailable(format!(
                "{WAITING_MAX} runs of this view wait already; follow those"
            )));
        }
        state.last += 1;
        let order = Arc::new(Order::new(state.last, work));
        state.waiting.push_back(order.clone());
        state.known.push_back(order.clone());
        while state.known.len() > ENDED_MAX
            && state.known.front().is_some_and(|first| first.ended().is_some())
        {
            state.known.pop_front();
        }
        self.ordered.notify_all();
        Ok(order)
    }

    /// An order since the start, unless it ended long ago.
    pub fn find(&self, id: u64) -> Option<Arc<Order>> {
        self.lock().known.iter().find(|order| order.id == id).cloned()
    }

    /// The run that goes on.
    pub fn current(&self) -> Option<Arc<Order>> {
        self.lock().current.clone()
    }

    pub fn all_ended(&self) -> Ended {
        self.lock().ended
    }

    pub fn is_idle(&self) -> bool {
        let state = self.lock();
        state.current.is_none() && state.waiting.is_empty()
    }

    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.ordered.notify_all();
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// The next run in line, after some time at most.
    fn next(&self) -> Option<Arc<Order>> {
        let state = self.lock();
        let waited = self
            .ordered
            .wait_timeout_while(state, LOOK, |state| state.waiting.is_empty() && !self.is_stopping());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if self.is_stopping() {
            state.waiting.drain(..).for_each(|order| order.end(Err("bifocal was stopped".into())));
            return None;
        }
        state.current = state.waiting.pop_front();
        state.current.clone()
    }
}

/// Makes the runs of a view until it is stopped.
pub fn work(view: &View, threads: usize) {
    background::step_back();
    while !view.runs.is_stopping() {
        match view.runs.next() {
            Some(order) => {
                let made =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| make(view, &order, threads)));
                let made = made.unwrap_or_else(|_| {
                    Err(Error::Unavailable("a run panicked, which is a bug of bifocal".into()))
                });
                let mut state = view.runs.lock();
                state.current = None;
                state.ended.count(&order.work, &made);
                drop(state);
                if let Err(error) = &made {
                    eprintln!("run      {}: {error}", view.name);
                }
                order.end(made.map_err(|error| error.to_string()));
            }
            None => look(view),
        }
    }
}

/// Orders what is due.
fn look(view: &View) {
    let Ok((batch, full)) = view.schedules() else { return };
    let (record, live) = (view.record(), view.live());
    if !view.runs.is_idle() || live.is_halted() {
        return;
    }
    if is_outgrown(&live) {
        _ = view.runs.order(RunKind::Sealed, None);
        return;
    }
    let now_ms = now_ms();
    let boundary = live.near.pointer().boundary().0;
    let deployed_ms = live.version.deployed_ms;
    let mine = || record.runs.iter().filter(|run| run.version == live.version.number);
    // A run that failed is not due again at once.
    let last = |is_it: fn(&RunRecord) -> bool| {
        mine()
            .filter(|run| is_it(run))
            .map(|run| run.started_ms)
            .max()
            .unwrap_or(deployed_ms)
            .max(deployed_ms)
    };
    let last_full = last(|run| matches!(run.kind, RunKind::Full | RunKind::Imported));
    let last_any = last(|run| matches!(run.kind, RunKind::Full | RunKind::Imported | RunKind::Incremental));
    let is_new = view.stream.log.head() > boundary;
    if full.is_due(last_full, now_ms) && view.stream.log.head() > 0 {
        _ = view.runs.order(RunKind::Full, None);
    } else if batch.is_due(last_any, now_ms) && is_new {
        _ = view.runs.order(RunKind::Incremental, None);
    }
}

/// Whether speed has outgrown its memory, and has so many cells that it is worth writing the batch view anew:
/// half as many as that at least, so that a cell is written a logarithmic number of times.
fn is_outgrown(live: &Live) -> bool {
    let pointer = live.near.pointer();
    let near: u64 = pointer.parts.iter().map(|part| part.count()).sum();
    let base = pointer.base_view().map_or(0, |view| view.meta().cells);
    near * 2 >= base && live.was_full()
}

fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// One run, from the cut to what is published.
fn make(view: &View, order: &Order, threads: usize) -> Result<Outcome, Error> {
    let (kind, choice) = match &order.work {
        Work::Run(kind, choice) => (*kind, choice.as_ref()),
        Work::Verify => return verified(view, order).map(Outcome::Verified),
    };
    let _changing = view.changing();
    let live = view.live();
    if live.is_halted() {
        return Err(Error::Conflict(format!("view '{}' is halted; resume it first", view.name)));
    }
    let making = Making { view, live: &live, order, threads };
    let made = making.make(kind, choice);
    if made.is_err() {
        live.near.uncut();
    }
    view.reload()?;
    made.map(Outcome::Run)
}

/// The batch view that is served now against the witness. It goes on being served, and may be replaced
/// meanwhile.
fn verified(view: &View, order: &Order) -> Result<Verified, Error> {
    let live = view.live();
    let pointer = live.near.pointer();
    let Some(base) = &pointer.base else {
        return Err(Error::Conflict(format!("view '{}' has no run to verify; make one", view.name)));
    };
    order.total.store(base.view.meta().range.count(), Ordering::Relaxed);
    let is_stopping = || view.runs.is_stopping();
    let payloads = Payloads(view.stream.log.as_ref());
    let payloads = Stoppable::new(&payloads, &is_stopping);
    let job = live.job(&payloads);
    let file = format!("{}/new-witness.redb", view.record().folder());
    let target = Target { disk: view.store().disk(), file: &file };
    let mut progress = |events| _ = order.done.fetch_add(events, Ordering::Relaxed);
    let verified = verify(&job, &base.view, target, TABLE_BYTES_MAX, &mut progress)?;
    if !verified.is_same() && verified.lost_since == 0 {
        eprintln!("drift    {}: the batch view is not what its log says; make a full run", view.name);
    }
    Ok(verified)
}

struct Making<'a> {
    view: &'a View,
    live: &'a Live,
    order: &'a Order,
    threads: usize,
}

impl Making<'_> {
    fn kind(&self, kind: RunKind, choice: Option<&Choice>) -> Result<Kind, Error> {
        let has_base = self.live.near.pointer().base.is_some();
        match (kind, choice) {
            (RunKind::Targeted, Some(choice)) if has_base => Ok(Kind::Targeted(choice.clone())),
            (RunKind::Targeted, _) => Err(Error::Conflict(format!(
                "view '{}' has no run whose cells could be replaced; make a full run first",
                self.view.name
            ))),
            (RunKind::Incremental, _) if has_base => Ok(Kind::Incremental),
            (RunKind::Sealed, _) => Ok(Kind::Sealed),
            _ => Ok(Kind::Full),
        }
    }

    fn make(&self, kind: RunKind, choice: Option<&Choice>) -> Result<RunRecord, Error> {
        let kind = self.kind(kind, choice)?;
        let log = self.view.stream.log.clone();
        let to = match kind {
            Kind::Targeted(_) => self.live.near.pointer().boundary(),
            _ => self.live.near.cut(|| Offset(log.head())),
        };
        self.close(to)?;
        let record = self.view.record();
        let number = record.next_run;
        let begun = RunRecord::begun(number, recorded(&kind), self.live.version.number, now_ms());
        let file = format!("{number:010}.redb");
        let started = Instant::now();
        let renewed = self.fold(&kind, to, &format!("{}/{file}", record.folder()));
        let begun = RunRecord { took_ms: started.elapsed().as_millis() as u64, ..begun };
        match renewed {
            Ok(renewed) if renewed.is_right() => self.publish(&kind, begun, renewed, file),
            Ok(renewed) => self.discard(begun, renewed),
            Err(error) if self.view.runs.is_stopping() => Err(error),
            Err(error) => {
                let failed = RunRecord { cause: Some(error.to_string()), to: to.0, ..begun };
                self.view.store().add_run(&self.view.name, failed, |view| view.next_run = number + 1)?;
                Err(error)
            }
        }
    }

    /// Waits until speed has folded as far as the run will.
    fn close(&self, to: Offset) -> Result<(), Error> {
        loop {
            let visible = self.live.wait_visible(to, LOOK);
            if visible >= to {
                return Ok(());
            }
            if self.view.runs.is_stopping() || self.live.is_ended() {
                return Err(Error::Stopping);
            }
            if let Some(cause) = self.live.cause() {
                let view = &self.view.name;
                let what = format!("speed of view '{view}' has not come to offset {to}: {cause}");
                return Err(Error::Unavailable(what));
            }
        }
    }

    fn fold(&self, kind: &Kind, to: Offset, file: &str) -> Result<Renewed, Error> {
        let pointer = self.live.near.pointer();
        let log = self.view.stream.log.as_ref();
        let is_stopping = || self.view.runs.is_stopping();
        let (fast, raw) = (Stoppable::new(log, &is_stopping), Payloads(log));
        let raw = Stoppable::new(&raw, &is_stopping);
        let job = self.live.job(&fast);
        let from = if matches!(kind, Kind::Incremental) { pointer.boundary() } else { Offset::ZERO };
        self.order.total.store(to.0 - from.0, Ordering::Relaxed);
        let renewal = Renewal {
            job: &job,
            payloads: &raw,
            pointer: &pointer,
            to,
            target: Target { disk: self.view.store().disk(), file },
            means: means(self.threads),
        };
        let mut progress = |events| _ = self.order.done.fetch_add(events, Ordering::Relaxed);
        Ok(renewal.run(kind, &mut progress)?)
    }

    fn publish(
        &self,
        kind: &Kind,
        begun: RunRecord,
        renewed: Renewed,
        file: String,
    ) -> Result<RunRecord, Error> {
        let Renewed { view: made, drift, blamed } = renewed;
        let (meta, number) = (made.meta(), begun.number);
        let run = RunRecord {
            compared: drift.as_ref().map(|drift| drift.compared),
            differ: drift.as_ref().map_or(0, |drift| drift.differ),
            ..begun.published(meta, self.order.done.load(Ordering::Relaxed), file)
        };
        let incident = drift.filter(|_| !blamed.is_empty()).map(|drift| {
            let done = "the run was published: it is right, and replaces what was wrong";
            self.incident(&run, &drift, &blamed, done)
        });
        let boundary = meta.range.to;
        let settled_to_ms = self.live.settled_to(boundary)?;
        self.view.store().add_run(&self.view.name, run.clone(), |view| {
            (view.boundary, view.batch_run, view.next_run) = (boundary.0, Some(number), number + 1);
            incident.into_iter().for_each(|incident| view.add_incident(incident));
        })?;
        let base = Base { run: number, view: made, settled_to_ms };
        let deltas = self.live.deltas(self.view.store());
        if matches!(kind, Kind::Targeted(_)) && self.live.is_whole() {
            // Whole states beyond the boundary grew from cells that may be others now.
            self.live.start_over(|greatest_ms| self.live.near.restart(base, greatest_ms))?;
            deltas.remove(Range::new(boundary, Offset(u64::MAX)), None)?;
        } else {
            self.live.near.publish(base);
            deltas.remove(Range::new(Offset::ZERO, boundary), None)?;
        }
        Ok(run)
    }

    /// What a run has made is wrong, or nobody can say what is right.
    fn discard(&self, begun: RunRecord, renewed: Renewed) -> Result<RunRecord, Error> {
        let Renewed { view: made, drift, blamed } = renewed;
        let drift = drift.unwrap_or_default();
        let breaks_laws = blamed.contains(&Party::Version);
        let what = if breaks_laws {
            "two computations of the same events by this version differ: it breaks its laws, and is halted"
        } else {
            "the new batch view is wrong and was discarded; its columns are made again"
        };
        let number = begun.number;
        let cause = format!("{what} ({} cells of {} differ)", drift.differ, drift.compared);
        let failed = RunRecord {
            to: made.meta().range.to.0,
            compared: Some(drift.compared),
            differ: drift.differ,
            cause: Some(cause.clone()),
            ..begun
        };
        let file = made.file().to_string();
        drop(made);
        let incident = self.incident(&failed, &drift, &blamed, what);
        self.view.store().add_run(&self.view.name, failed, |view| {
            view.next_run = number + 1;
            view.add_incident(incident);
            view.halted = breaks_laws.then(|| cause.clone());
        })?;
        _ = self.view.store().disk().unlink(&file);
        if breaks_laws {
            self.live.halt(cause.clone());
        } else {
            self.view.stream.log.forget_columns()?;
        }
        Err(Error::Conflict(format!("run {number} failed: {cause}; the view stays as it was")))
    }

    fn incident(
        &self,
        run: &RunRecord,
        drift: &crate::reconcile::Drift,
        blamed: &std::collections::BTreeSet<Party>,
        done: &str,
    ) -> IncidentRecord {
        let description = self.live.calls.description();
        let first =
            drift.cells.first().map(|pair| crate::run::cell_in_words(description, &pair.key, pair.window));
        let mut cause: Vec<String> = first.map(|cell| format!("first {cell}")).into_iter().collect();
        cause.extend(drift.rejected.map(|offset| format!("offset {offset} is rejected by one side alone")));
        cause.extend(drift.conservation.iter().cloned());
        IncidentRecord {
            at_ms: now_ms(),
            version: self.live.version.number,
            run: run.number,
            from: run.from,
            to: run.to,
            cells: drift.differ,
            blamed: blamed.iter().map(|party| party.name().to_string()).collect(),
            cause: cause.join("; "),
            done: done.into(),
        }
    }
}

/// What cells of a run may take in memory before they are laid down on disk.
const TABLE_BYTES_MAX: usize = 256 << 20;

/// How a server makes runs, beside all else that it does.
pub fn means(threads: usize) -> Means {
    Means { shape: Shape { threads, chunk_rows: CHUNK_ROWS }, table_bytes_max: TABLE_BYTES_MAX }
}

fn recorded(kind: &Kind) -> RunKind {
    match kind {
        Kind::Full => RunKind::Full,
        Kind::Incremental => RunKind::Incremental,
        Kind::Targeted(_) => RunKind::Targeted,
        Kind::Sealed => RunKind::Sealed,
    }
}
