//! A view while it is served: its record, the version that is live, and what is asked of both.

use super::live::Live;
use super::runs::Runs;
use super::schedule::Schedule;
use super::{Error, Stream};
use crate::near::{Base, Pointer};
use crate::offset::Offset;
use crate::rows::Rows;
use crate::serving::{self, Asked, Late, Query, Summary};
use crate::store::{CacheBytes, IncidentRecord, RunRecord, RunResult, Store, ViewFile, ViewRecord};
use crate::time::Rfc3339;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

const CACHE: CacheBytes = CacheBytes(4 << 20);

pub struct View {
    pub name: String,
    pub stream: Arc<Stream>,
    store: Arc<Store>,
    /// As the catalog has it.
    record: RwLock<Arc<ViewRecord>>,
    live: RwLock<Arc<Live>>,
    pub runs: Runs,
    /// One change of what is live at a time.
    changing: Mutex<()>,
    /// Where the stream ended when this process began to follow it.
    head_at_start: u64,
    /// All of that may have been answered by an earlier process: nobody is shown less.
    was_shown: bool,
}

/// In which state a view is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Live,
    /// Nothing is folded for now; what was served is served.
    Stale,
    /// Nothing is folded until somebody says so.
    Halted,
    /// Its first events are being folded.
    Building,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Live => "live",
            State::Stale => "stale",
            State::Halted => "halted",
            State::Building => "building",
        }
    }
}

/// What is asked of a view, with what it is to wait for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub asked: Asked,
    /// Waits until `[0, X)` is visible.
    pub min_offset: Option<u64>,
    /// A kept run.
    pub as_of: Option<u64>,
}

/// What an answer is made from, with all that is said of it beside its rows.
pub struct Answer {
    pub live: Arc<Live>,
    pub pointer: Arc<Pointer>,
    pub query: Query,
    pub state: State,
    /// Why it is not live.
    pub cause: Option<String>,
    /// The run whose batch view is served.
    pub run: Option<RunRecord>,
    /// The last published full run of the version.
    pub last_full: Option<u64>,
    pub head: u64,
    pub freshness_ms: i64,
    /// Of `[0, visible)`.
    pub watermark_ms: Option<i64>,
    /// Windows that end at or before this are closed in what is visible.
    pub closed_through_ms: Option<i64>,
}

impl View {
    /// `was_shown`: an earlier process has served it.
    pub(super) fn new(
        store: &Arc<Store>,
        stream: Arc<Stream>,
        record: ViewRecord,
        live: Live,
        was_shown: bool,
    ) -> View {
        View {
            head_at_start: stream.log.head(),
            was_shown,
            name: record.name.clone(),
            stream,
            store: store.clone(),
            record: RwLock::new(Arc::new(record)),
            live: RwLock::new(Arc::new(live)),
            runs: Runs::default(),
            changing: Mutex::default(),
        }
    }

    pub fn record(&self) -> Arc<ViewRecord> {
        self.record.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn live(&self) -> Arc<Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Reads the record anew, after the catalog has changed.
    pub(super) fn reload(&self) -> Result<(), Error> {
        let record = self.store.view(&self.name)?;
        *self.record.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(record);
        Ok(())
    }

    /// Serves another version, or the same with other settings, from one moment to the next.
    pub(super) fn switch(&self, live: Arc<Live>) -> Result<(), Error> {
        self.reload()?;
        let old = std::mem::replace(&mut *self.live.write().unwrap_or_else(PoisonError::into_inner), live);
        old.end();
        Ok(())
    }

    pub(super) fn changing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn state(&self) -> (State, Option<String>) {
        let live = self.live();
        match live.fault() {
            (Some(halted), _) => (State::Halted, Some(halted)),
            (None, Some(trouble)) => (State::Stale, Some(trouble)),
            (None, None) if self.is_building(&live) => (State::Building, None),
            (None, None) => (State::Live, live.strain()),
        }
    }

    /// Never run, and not yet folded as far as the log was when it was deployed.
    fn is_building(&self, live: &Live) -> bool {
        let pointer = live.near.pointer();
        pointer.base.is_none() && pointer.visible.0 < self.head_at_start
    }

    /// Takes the pointer for a question, once as much is visible as it wants.
    pub fn ask(&self, question: &Question, wait: Duration, now_ms: i64) -> Result<Answer, Error> {
        let live = self.live();
        let to = question.min_offset.unwrap_or(0).max(self.shown_before());
        if question.as_of.is_none() {
            self.wait_for(&live, Offset(to), wait)?;
        }
        let record = self.record();
        let late = Late::of(&record);
        let query =
            Query::new(live.calls.description(), &question.asked, late, now_ms).map_err(Error::Refused)?;
        let head = self.stream.log.head();
        let (pointer, run) = match question.as_of {
            None => (live.near.pointer(), None),
            Some(number) => self.kept(&live, &record, number)?,
        };
        let served = pointer.base.as_ref().map(|base| base.run);
        let run = run.or_else(|| record.run(served?).cloned());
        let freshness_ms = live.freshness_ms(pointer.visible, now_ms);
        let (state, cause) = self.state();
        let last_full = record.runs.iter().rev().find(|run| is_full(run, live.version.number));
        let rule = self.stream.log.settings().stream.rule();
        let watermark_ms = rule.watermark(pointer.greatest_ms);
        let window = live.calls.description().window;
        let closed_through_ms = window.zip(watermark_ms).map(|(window, watermark_ms)| {
            let end_ms = watermark_ms.saturating_sub(record.lateness_ms);
            end_ms.div_euclid(window.slide_ms).saturating_mul(window.slide_ms)
        });
        Ok(Answer {
            last_full: last_full.map(|run| run.number),
            live,
            pointer,
            query,
            state,
            cause,
            run,
            head,
            freshness_ms,
            watermark_ms,
            closed_through_ms,
        })
    }

    /// Whether an answer needs to wait for nothing, and for no file of a kept run.
    pub fn is_at_hand(&self, question: &Question) -> bool {
        let to = question.min_offset.unwrap_or(0).max(self.shown_before());
        question.as_of.is_none() && self.live().near.pointer().visible.0 >= to
    }

    /// The offset that every answer reaches: what has been visible stays visible, also after a restart. A
    /// view whose speed was halted or fails is served as far as it is, and says so.
    fn shown_before(&self) -> u64 {
        let live = self.live();
        if live.cause().is_some() {
            return 0;
        }
        live.shown().max(if self.was_shown { self.head_at_start } else { 0 })
    }

    /// Whether it is folded as far as it was served before this process began.
    pub fn has_caught_up(&self) -> bool {
        self.live().near.pointer().visible.0 >= self.shown_before()
    }

    fn wait_for(&self, live: &Live, to: Offset, wait: Duration) -> Result<(), Error> {
        let visible = live.wait_visible(to, wait);
        if visible >= to {
            return Ok(());
        }
        let head = self.stream.log.head();
        let why = match live.cause() {
            Some(cause) => format!("nothing is folded: {cause}"),
            None if to.0 > head => format!("the stream ends at {head}"),
            None => "ask again a little later".into(),
        };
        Err(Error::Unavailable(format!(
            "view '{}' is visible up to offset {visible}, not {to}; {why}",
            self.name
        )))
    }

    /// A pointer to what a kept run has made, and nothing more.
    fn kept(
        &self,
        live: &Live,
        record: &ViewRecord,
        number: u64,
    ) -> Result<(Arc<Pointer>, Option<RunRecord>), Error> {
        let run = record.run(number).filter(|run| run.result == RunResult::Published);
        let Some((run, file)) = run.and_then(|run| Some((run, run.file.as_ref()?))) else {
            let view = &self.name;
            return Err(Error::Refused(format!(
                "run {number} is not kept; `bifocal runs {view}` lists those that are"
            )));
        };
        if run.version != live.version.number {
            let (made, live) = (run.version, live.version.number);
            return Err(Error::Refused(format!("run {number} was made by version v{made}, v{live} is live")));
        }
        let view =
            ViewFile::open_read_only(self.store.disk(), &format!("{}/{file}", record.folder()), CACHE)?;
        let visible = view.meta().range.to;
        let settled_to_ms = live.settled_to(visible)?;
        let greatest_ms = self.stream.arrivals.greatest_before(visible).map_err(crate::half::Error::from)?;
        let base = Some(Arc::new(Base { run: number, view, settled_to_ms }));
        let pointer = Pointer { base, parts: Vec::new(), visible, greatest_ms };
        Ok((Arc::new(pointer), Some(run.clone())))
    }

    pub fn incidents(&self) -> Vec<IncidentRecord> {
        self.record().incidents.clone()
    }

    /// When incremental and full runs are made.
    pub fn schedules(&self) -> Result<(Schedule, Schedule), String> {
        let settings = &self.record().settings;
        Ok((settings.batch.parse()?, settings.full.parse()?))
    }
}

fn is_full(run: &RunRecord, version: u64) -> bool {
    use crate::store::RunKind::{Full, Imported};
    matches!(run.kind, Full | Imported) && run.result == RunResult::Published && run.version == version
}

impl Answer {
    /// All rows at once; for few of them. What is broken, and what waits, is in the summary.
    pub fn rows(&self) -> Result<(Rows, Summary), Error> {
        let mut parts: Vec<Rows> = Vec::new();
        let mut take = |rows: &Rows| {
            parts.push(rows.clone());
            Ok::<(), serving::Error>(())
        };
        let summary = serving::answer(&self.live.calls, &self.pointer, &self.query, &mut take)?;
        let fields = serving::fields(self.live.calls.description(), &self.query);
        Ok((Rows::joined(fields, &parts), summary))
    }

    pub fn watermark(&self) -> Option<String> {
        self.watermark_ms.map(|ms| Rfc3339(ms).to_string())
    }
}
