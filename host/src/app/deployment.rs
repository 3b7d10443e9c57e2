//! A version on its way to be live: checked, built beside the one that is served, switched to in one step.
//! Owns what a deployment has come to; what a version must be belongs to `deploy`.

use super::background;
use super::live::Live;
use super::runs;
use super::stoppable::Stoppable;
use super::view::View;
use super::{App, Error, Stream};
use crate::calls::Calls;
use crate::calls::Verdicts;
use crate::deploy::{self, Prepared};
use crate::extract::Extractor;
use crate::half::Job;
use crate::offset::Offset;
use crate::refold::{self, Target};
use crate::store::{Meta, RunKind, RunRecord, VersionRecord};
use crate::transform::Transform;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is to be deployed.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub component: Vec<u8>,
    /// A JSON object in canonical form; None: those of the live version, else none.
    pub settings: Option<String>,
    /// The stream that a new view reads.
    pub stream: Option<String>,
    /// Of a new view.
    pub lateness_ms: i64,
}

/// How far a deployment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    Checking,
    /// Events folded, and that will have been.
    Building {
        done: u64,
        total: u64,
    },
    /// Its speed view is folded up to what is served.
    CatchingUp,
    Live(Box<Deployed>),
    /// It breaks a law: the report.
    Unlawful(String),
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    pub version: VersionRecord,
    /// What was checked, in words.
    pub checks: String,
    /// The same version was live before.
    pub is_unchanged: bool,
}

pub struct Deployment {
    pub view: String,
    stage: Mutex<Stage>,
    changed: Condvar,
}

impl Deployment {
    pub fn new(view: &str) -> Deployment {
        Deployment { view: view.into(), stage: Mutex::new(Stage::Checking), changed: Condvar::new() }
    }

    pub fn stage(&self) -> Stage {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.stage(), Stage::Live(_) | Stage::Unlawful(_) | Stage::Failed(_))
    }

    /// The stage once it has ended, or after some time.
    pub fn wait(&self, time: Duration) -> Stage {
        let stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on =
            |stage: &mut Stage| !matches!(stage, Stage::Live(_) | Stage::Unlawful(_) | Stage::Failed(_));
        let waited = self.changed.wait_timeout_while(stage, time, goes_on);
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn set(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self.changed.notify_all();
    }

    /// Deploys, from the check to the switch.
    pub(super) fn run(&self, app: &Arc<App>, wanted: Wanted) {
        background::step_back();
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.deploy(app, wanted)));
        let panicked = || Err(Error::Unavailable("a deployment panicked, which is a bug of bifocal".into()));
        self.set(match made.unwrap_or_else(|_| panicked()) {
            Ok(deployed) => Stage::Live(Box::new(deployed)),
            Err(Error::Deploy(deploy::Error::Unlawful(report))) => Stage::Unlawful(report),
            Err(error) => Stage::Failed(error.to_string()),
        });
    }

    fn deploy(&self, app: &Arc<App>, wanted: Wanted) -> Result<Deployed, Error> {
        let view = app.view(&self.view).ok();
        let record = view.as_ref().map(|view| view.record());
        let stream = deploy::stream_of(&self.view, record.as_deref(), wanted.stream.as_deref())?;
        let stream = app.stream(&stream)?;
        let kept = record.as_ref().and_then(|record| Some(record.live_version()?.settings.clone()));
        let settings = wanted.settings.or(kept).unwrap_or_else(|| "{}".into());
        let (engine, threads) = (app.engine_of(&self.view), app.threads);
        let prepared =
            deploy::prepare(&engine, &wanted.component, &settings, &stream.record(), &stream.log, threads)?;
        let is_unchanged = record.as_ref().is_some_and(|record| prepared.is_live(record));
        let version = match &view {
            Some(view) if is_unchanged => view
                .record()
                .live_version()
                .cloned()
                .ok_or_else(|| Error::Unavailable("no version".into()))?,
            Some(view) => self.beside(app, view, &prepared)?,
            None => app.first_version(&self.view, &prepared, &stream, wanted.lateness_ms)?,
        };
        Ok(Deployed { version, checks: prepared.checks, is_unchanged })
    }

    /// Builds the version beside the one that is served, and switches once it has caught up.
    fn beside(&self, app: &Arc<App>, view: &Arc<View>, prepared: &Prepared) -> Result<VersionRecord, Error> {
        let _changing = view.changing();
        let store = &app.store;
        store.put_component(&prepared.bytes)?;
        let now_ms = chrono::Utc::now().timestamp_millis();
        let record = view.record();
        let (version, number) = (prepared.next(&record, now_ms), record.next_run);
        let file = format!("{number:010}.redb");
        let path = format!("{}/{file}", record.folder());
        let started = Instant::now();
        let (meta, events) = self.build(app, &view.stream, prepared, record.lateness_ms, &path)?;
        let component = prepared.component.clone();
        let live = Live::new(store, component, &view.stream, &record, &version, Some((number, path.clone())));
        let live = Arc::new(live?);
        live.start(store)?;
        self.set(Stage::CatchingUp);
        let caught_up = catch_up(app, view, &live);
        if let Err(error) = caught_up {
            live.end();
            _ = store.disk().unlink(&path);
            return Err(error);
        }
        let begun = RunRecord::begun(number, RunKind::Full, version.number, now_ms);
        let run = RunRecord { took_ms: started.elapsed().as_millis() as u64, ..begun };
        let run = run.published(&meta, events, file);
        let added = version.clone();
        store.add_run(&view.name, run, |view| {
            (view.live, view.boundary, view.batch_run) = (added.number, meta.range.to.0, Some(number));
            (view.next_run, view.halted) = (number + 1, None);
            view.versions.push(added);
        })?;
        view.switch(live)?;
        Ok(version)
    }

    fn build(
        &self,
        app: &App,
        stream: &Stream,
        prepared: &Prepared,
        lateness_ms: i64,
        path: &str,
    ) -> Result<(Meta, u64), Error> {
        let is_stopping = || app.is_stopping();
        let log = Stoppable::new(stream.log.as_ref(), &is_stopping);
        let extractor = Extractor::new(prepared.component.description(), stream.record().time_rule()?)?;
        let calls = Calls::new(Arc::new(prepared.component.clone()), Arc::new(Verdicts::default()));
        let job = Job { calls: &calls, log: &log, extractor: &extractor, lateness_ms };
        let to = Offset(stream.log.head());
        let total = to.0;
        self.set(Stage::Building { done: 0, total });
        let mut done = 0;
        let mut progress = |events| {
            done += events;
            self.set(Stage::Building { done, total });
        };
        let target = Target { disk: app.store.disk(), file: path };
        let meta = refold::full(&job, to, target, runs::means(app.threads), &mut progress)?;
        Ok((meta, done))
    }
}

/// Waits until a version has folded what is visible of the one that is served.
pub(super) fn catch_up(app: &App, view: &View, live: &Live) -> Result<(), Error> {
    loop {
        let visible = view.live().near.pointer().visible;
        if live.wait_visible(visible, Duration::from_millis(200)) >= visible {
            return Ok(());
        }
        if app.is_stopping() {
            return Err(Error::Stopping);
        }
        if let Some(cause) = live.cause() {
            return Err(Error::Unavailable(format!("the new version does not catch up: {cause}")));
        }
    }
}
