//! One version of a view while it is followed: what it calls, what is served of it, and the threads that
//! move it. Owns when steps are made; what a step is belongs to `near`.

use super::background;
use super::strain::{SHARE_MAX, Strain};
use super::{Error, Stream};
use crate::calls::{Calls, FAULT_KINDS, Verdicts};
use crate::deltas::Folder;
use crate::digest::Digest;
use crate::extract::{Extractor, Scratch};
use crate::half::{self, Job};
use crate::log::ReadLog;
use crate::near::{Base, Near};
use crate::offset::Offset;
use crate::store::{self, CacheBytes, Store, VersionRecord, ViewFile, ViewRecord};
use crate::transform::Transform;
use crate::wasm::{Component, Engine};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two looks at whether to stop, where nothing arrives.
const IDLE: Duration = Duration::from_millis(200);
/// Between two looks at what is to be tidied or laid on disk.
const TIDY: Duration = Duration::from_millis(100);
/// What is folded is on disk after this time, or when this much of it is in memory.
const PERSIST: Duration = Duration::from_secs(2);
const PERSIST_BYTES: usize = 64 << 20;
/// Between two looks whether there is room in memory again.
const ROOM: Duration = Duration::from_millis(5);
/// Before a step that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
const CACHE: CacheBytes = CacheBytes(16 << 20);

pub struct Live {
    pub version: VersionRecord,
    pub calls: Calls,
    /// The same for what arrives alone: a run learns, and takes time, for itself.
    pub following: Calls,
    pub component: Component,
    pub extractor: Extractor,
    pub near: Near,
    pub stream: Arc<Stream>,
    /// Who follows the stream, by name: a view and its version.
    name: String,
    folder: String,
    lateness_ms: i64,
    cells_max: u64,
    speed_memory_bytes: usize,
    state: Mutex<State>,
    /// What is visible has moved, or never will.
    moved: Condvar,
    is_ended: AtomicBool,
    /// Answers have reached so far: none reaches less.
    shown: AtomicU64,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    /// Why nothing is folded now.
    trouble: Option<String>,
    /// Why nothing is folded any more, until somebody says otherwise.
    halted: Option<String>,
    /// More is held in memory than may be.
    is_full: bool,
    /// Why what is folded could not be laid on disk when that was last tried.
    unkept: Option<String>,
    /// Why it lags, though it folds.
    strain: Option<String>,
}

impl Live {
    /// The live version of a view with its batch view and what is on disk of its speed view.
    pub fn open(
        store: &Store,
        engine: &Engine,
        stream: &Arc<Stream>,
        record: &ViewRecord,
    ) -> Result<Live, Error> {
        let unknown = || store::Error::Unknown { what: "version", name: record.live.to_string() };
        let version = record.live_version().ok_or_else(unknown)?;
        let bytes = store.component(&version.component)?;
        let component = Component::load(engine, &bytes, &version.settings)?;
        let run = record.served_run().filter(|run| run.version == version.number);
        let file = run.and_then(|run| Some((run.number, run.file.as_ref()?)));
        let file = file.map(|(run, file)| (run, format!("{}/{file}", record.folder())));
        Live::new(store, component, stream, record, version, file)
    }

    /// The same with a batch view that no catalog names yet: the number of a run and its file.
    pub fn new(
        store: &Store,
        component: Component,
        stream: &Arc<Stream>,
        record: &ViewRecord,
        version: &VersionRecord,
        file: Option<(u64, String)>,
    ) -> Result<Live, Error> {
        let extractor = Extractor::new(component.description(), stream.record().time_rule()?)?;
        let verdicts = Arc::<Verdicts>::default();
        let calls = || Calls::new(Arc::new(component.clone()), verdicts.clone());
        let (calls, following) = (calls(), calls());
        let mut base = None;
        if let Some((run, file)) = file {
            let view = ViewFile::open_read_only(store.disk(), &file, CACHE)?;
            let settled_to_ms = settled_to(&calls, stream, record.lateness_ms, view.meta().range.to)?;
            base = Some(Base { run, view, settled_to_ms });
        }
        let boundary = base.as_ref().map_or(Offset::ZERO, |base| base.view.meta().range.to);
        let folder = record.folder();
        let run = base.as_ref().map_or(0, |base| base.run);
        let deltas = Folder { disk: store.disk(), folder: &folder, version: calls.version(), run };
        let is_whole = calls.description().initial.is_some();
        let files = deltas.chain(boundary, Offset(stream.log.head()), is_whole)?;
        let visible = files.last().map_or(boundary, |file| file.meta().range.to);
        let greatest_ms = stream.arrivals.greatest_before(visible).map_err(half::Error::from)?;
        let near = Near::new(base, files, greatest_ms);
        Ok(Live {
            version: version.clone(),
            calls,
            following,
            component,
            extractor,
            near,
            stream: stream.clone(),
            name: format!("{} v{}", record.name, version.number),
            folder,
            lateness_ms: record.lateness_ms,
            cells_max: record.settings.cells_max,
            speed_memory_bytes: record.settings.speed_memory_bytes as usize,
            state: Mutex::new(State { halted: record.halted.clone(), ..State::default() }),
            moved: Condvar::new(),
            is_ended: AtomicBool::new(false),
            shown: AtomicU64::new(0),
            threads: Mutex::default(),
        })
    }

    /// Begins to follow the stream.
    pub fn start(self: &Arc<Live>, store: &Arc<Store>) -> Result<(), Error> {
        self.stream.arrivals.join(&self.name, &self.extractor);
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.into()).spawn(work);
            thread.map_err(|cause| Error::Unavailable(format!("no thread for view {}: {cause}", self.name)))
        };
        let live = self.clone();
        threads.push(spawn("speed", Box::new(move || live.follow()))?);
        let (live, store) = (self.clone(), store.clone());
        threads.push(spawn("tidy", Box::new(move || live.keep(&store)))?);
        Ok(())
    }

    /// Ends its threads; what is folded is on disk then.
    pub fn end(&self) {
        if self.is_ended.swap(true, Ordering::AcqRel) {
            return;
        }
        self.stream.log.wake();
        self.moved.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            _ = thread.join();
        }
        self.stream.arrivals.leave(&self.name);
    }

    pub fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn job<'a>(&'a self, log: &'a dyn ReadLog) -> Job<'a> {
        Job { calls: &self.calls, log, extractor: &self.extractor, lateness_ms: self.lateness_ms }
    }

    pub fn is_whole(&self) -> bool {
        self.calls.description().initial.is_some()
    }

    pub fn deltas<'a>(&'a self, store: &'a Store) -> Folder<'a> {
        let run = self.near.pointer().base.as_ref().map_or(0, |base| base.run);
        Folder { disk: store.disk(), folder: &self.folder, version: self.calls.version(), run }
    }

    pub fn settled_to(&self, boundary: Offset) -> Result<Option<i64>, Error> {
        settled_to(&self.calls, &self.stream, self.lateness_ms, boundary)
    }

    /// Folds what arrives, until the end.
    fn follow(&self) {
        let mut scratch = Scratch::default();
        let mut strain = Strain::new(Instant::now(), self.following.bisecting());
        while !self.is_ended() {
            let pointer = self.near.pointer();
            if let Some(percent) = strain.note(Instant::now(), self.following.bisecting()) {
                let lags = pointer.visible.0 < self.stream.log.head();
                self.set_strain(if lags { percent } else { 0 });
            }
            if self.is_halted() {
                std::thread::sleep(IDLE);
                continue;
            }
            // What is folded waits for room on disk, not the other way round: this view alone lags.
            if pointer.bytes() > self.speed_memory_bytes {
                let unkept = self.lock().unkept.clone();
                if let Some(why) = unkept {
                    self.set_trouble(Some(format!(
                        "its memory is full of what cannot be laid on disk: {why}"
                    )));
                }
                std::thread::sleep(ROOM);
                continue;
            }
            let visible = pointer.visible;
            drop(pointer);
            if self.stream.log.wait_beyond(visible.0, IDLE) <= visible.0 {
                continue;
            }
            // A bug in a step must not end the view silently: it is told, and tried again.
            let step = catch_unwind(AssertUnwindSafe(|| self.step(&mut scratch)));
            match step.unwrap_or_else(|panic| Err(Error::Unavailable(panicked(&panic)))) {
                Ok(()) => self.set_trouble(None),
                Err(error) => {
                    self.set_trouble(Some(error.to_string()));
                    self.pause(RETRY);
                }
            }
        }
    }

    /// One micro-batch: folded, served, and small parts folded together.
    fn step(&self, scratch: &mut Scratch) -> Result<(), Error> {
        let arrivals = &self.stream.arrivals;
        let visible = self.near.pointer().visible;
        let to = arrivals.end_of(visible);
        let job = Job { calls: &self.following, ..self.job(arrivals.as_ref()) };
        let Some(folded) = self.near.fold(&job, scratch, to)? else { return Ok(()) };
        let greatest_ms = arrivals.greatest_before(folded.range().to).map_err(half::Error::from)?;
        if self.near.append(folded, greatest_ms) {
            drop(self.lock());
            self.moved.notify_all();
        }
        self.near.tidy(&self.calls)?;
        let cells = self.near.pointer().cells_min();
        if cells > self.cells_max {
            let most = self.cells_max;
            self.halt(format!(
                "it has {cells} cells, more than its cells_max of {most}; raise that, or use fewer keys"
            ));
        }
        Ok(())
    }

    /// Folds large parts together and lays them on disk, until the end and once more.
    fn keep(&self, store: &Store) {
        background::step_back();
        let mut last = Instant::now();
        loop {
            let is_last = self.is_ended();
            let bytes = self.near.pointer().bytes();
            // To fold two parts together takes as much again: where there is no room for that, disk comes first.
            let is_large = bytes > self.speed_memory_bytes / 2;
            let is_much = bytes > PERSIST_BYTES && self.near.unpersisted() > 0;
            let is_due = is_last || is_large || is_much || last.elapsed() >= PERSIST;
            let kept = catch_unwind(AssertUnwindSafe(|| {
                if is_due {
                    last = Instant::now();
                    self.persist(store)?;
                }
                while !is_last && !is_large && self.near.tidy_all(&self.calls)? {}
                Ok::<(), half::Error>(())
            }));
            let failed = match kept {
                Ok(Ok(())) => None,
                // The speed view is in memory all the same, and the log has it.
                Ok(Err(error)) => {
                    if let half::Error::Store(error) = &error {
                        _ = self.heal(error);
                    }
                    Some(error.to_string())
                }
                Err(panic) => Some(panicked(&panic)),
            };
            if is_due || failed.is_some() {
                self.set_unkept(failed);
            }
            if is_last {
                return;
            }
            self.pause(if is_large { ROOM } else { TIDY });
        }
    }

    /// Told once for as long as the same goes on.
    fn set_unkept(&self, unkept: Option<String>) {
        let before = std::mem::replace(&mut self.lock().unkept, unkept.clone());
        if let Some(why) = unkept.filter(|why| before.as_ref() != Some(why)) {
            eprintln!("warning  {}: {why}", self.name);
        }
    }

    fn persist(&self, store: &Store) -> Result<(), half::Error> {
        let deltas = self.deltas(store);
        self.near.persist(&self.calls, &deltas)?;
        if self.near.pointer().bytes() > self.speed_memory_bytes / 2 {
            self.near.evict();
            self.lock().is_full = true;
        }
        while self.near.tidy_files(&self.calls, &deltas)? {}
        Ok(())
    }

    /// Folds anew what follows the batch view, if a file of it is what cannot be read.
    pub fn heal(&self, error: &store::Error) -> Result<(), Error> {
        let pointer = self.near.pointer();
        let store::Error::Damaged { file, .. } = error else { return Ok(()) };
        if !pointer.parts.iter().any(|part| part.file().is_some_and(|part| part.file() == file)) {
            return Ok(());
        }
        eprintln!("warning  {}: {error}; what follows the batch view is folded again", self.name);
        self.start_over(|greatest_ms| self.near.refold(greatest_ms))
    }

    /// Lets `restart` serve less for a while, given the greatest event time before the boundary. Nobody is
    /// shown less: questions wait.
    pub fn start_over(&self, restart: impl FnOnce(Option<i64>)) -> Result<(), Error> {
        let pointer = self.near.pointer();
        let greatest_ms =
            self.stream.arrivals.greatest_before(pointer.boundary()).map_err(half::Error::from)?;
        self.shown.fetch_max(pointer.visible.0, Ordering::AcqRel);
        restart(greatest_ms);
        Ok(())
    }

    /// The offset that every answer reaches.
    pub fn shown(&self) -> u64 {
        self.shown.load(Ordering::Acquire)
    }

    /// Whether speed has outgrown its memory since this was last asked.
    pub fn was_full(&self) -> bool {
        std::mem::take(&mut self.lock().is_full)
    }

    fn pause(&self, time: Duration) {
        let deadline = Instant::now() + time;
        while !self.is_ended() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(IDLE));
        }
    }

    fn set_trouble(&self, trouble: Option<String>) {
        let mut state = self.lock();
        if state.trouble != trouble {
            if let Some(trouble) = &trouble {
                eprintln!("warning  {}: {trouble}", self.name);
            }
            state.trouble = trouble;
        }
    }

    fn set_strain(&self, percent: u32) {
        let strain = (percent > SHARE_MAX).then(|| {
            format!(
                "it lags: {percent} % of its time goes to finding events that fail; `bifocal rejected` shows them"
            )
        });
        let before = std::mem::replace(&mut self.lock().strain, strain.clone());
        if let (None, Some(strain)) = (before, strain) {
            eprintln!("warning  {}: {strain}", self.name);
        }
    }

    /// Why it lags, though it folds.
    pub fn strain(&self) -> Option<String> {
        self.lock().strain.clone()
    }

    /// Folds nothing any more; what was served stays served.
    pub fn halt(&self, why: String) {
        eprintln!("halted   {}: {why}", self.name);
        self.lock().halted = Some(why);
        self.moved.notify_all();
    }

    pub fn resume(&self) {
        self.lock().halted = None;
    }

    pub fn is_halted(&self) -> bool {
        self.lock().halted.is_some()
    }

    /// Why nothing is folded: for good, or for now.
    pub fn fault(&self) -> (Option<String>, Option<String>) {
        let state = self.lock();
        (state.halted.clone(), state.trouble.clone())
    }

    /// Why nothing is folded, whichever it is.
    pub fn cause(&self) -> Option<String> {
        let (halted, trouble) = self.fault();
        halted.or(trouble)
    }

    /// Waits until `[0, to)` is visible; the offset that is, when the time is over or nothing will move it.
    pub fn wait_visible(&self, to: Offset, time: Duration) -> Offset {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        loop {
            let visible = self.near.pointer().visible;
            let left = deadline.saturating_duration_since(Instant::now());
            if visible >= to || left.is_zero() || self.is_ended() || state.halted.is_some() {
                return visible;
            }
            let woken = self.moved.wait_timeout(state, left.min(IDLE));
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How long ago the oldest event came in that is durable and not visible.
    pub fn freshness_ms(&self, visible: Offset, now_ms: i64) -> i64 {
        if visible.0 >= self.stream.log.head() {
            return 0;
        }
        let oldest = self.stream.log.ingested_ms(visible.0).ok().flatten();
        oldest.map_or(0, |ingested_ms| now_ms.saturating_sub(ingested_ms).max(0))
    }

    /// How often a call has failed by the version's fault, one a kind.
    pub fn faults(&self) -> [u64; FAULT_KINDS.len()] {
        let (mut counts, others) = (self.calls.faults(), self.following.faults());
        counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
        counts
    }

    pub fn digest(&self) -> Digest {
        self.calls.version()
    }
}

/// Windows that start before this are closed in `[0, boundary)`; None: nothing is settled.
fn settled_to(
    calls: &Calls,
    stream: &Stream,
    lateness_ms: i64,
    boundary: Offset,
) -> Result<Option<i64>, Error> {
    let Some(window) = calls.description().window else { return Ok(None) };
    let greatest_ms = stream.arrivals.greatest_before(boundary).map_err(half::Error::from)?;
    let watermark_ms = stream.log.settings().stream.rule().watermark(greatest_ms);
    Ok(watermark_ms.map(|watermark_ms| window.closed_before(watermark_ms, lateness_ms)))
}

fn panicked(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("for no stated reason");
    format!("a step panicked, which is a bug of bifocal: {text}")
}
