//! The running host: streams that take events, views that follow them, runs that recompute them. Owns
//! every thread and what all of them share; what is decided is decided by the activities.

mod background;
mod deployment;
mod error;
mod journal;
mod live;
mod runs;
pub mod schedule;
pub mod settings;
mod shown;
mod stoppable;
mod strain;
mod stream;
mod view;

pub use deployment::{Deployed, Deployment, Stage, Wanted};
pub use error::Error;
use journal::Journal;
pub use journal::Line;
pub use live::Live;
pub use runs::{Ended, Order, Outcome, Runs, Work};
pub use settings::Config;
pub use shown::StreamShown;
pub use stream::Stream;
pub use view::{Answer, Question, State, View};

use crate::deploy::{self, Prepared};
use crate::input::schema_text;
use crate::store::{self, RunKind, Store, StreamRecord, VersionRecord, ViewRecord};
use crate::wasm::Engine;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

/// A data directory that is served. Shared by all who use it; stopped once.
pub struct App {
    store: Arc<Store>,
    engine: Engine,
    journal: Journal,
    /// Of one run.
    threads: usize,
    config: Config,
    streams: RwLock<BTreeMap<String, Arc<Stream>>>,
    views: RwLock<BTreeMap<String, Arc<View>>>,
    /// The last one of each view.
    deployments: Mutex<BTreeMap<String, Arc<Deployment>>>,
    workers: Mutex<Vec<JoinHandle<()>>>,
    is_stopping: AtomicBool,
}

/// What a layer of a stream or view takes on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Of a stream: `log`, `columns`. Of a view: `batch`, all runs that are kept, and `speed`, its deltas.
    pub layer: &'static str,
    /// The stream's or view's name.
    pub of: String,
    pub bytes: u64,
}

impl App {
    /// Opens all streams and views of a directory, and begins to follow them.
    pub fn start(store: Store, engine: Engine, threads: usize, config: Config) -> Result<Arc<App>, Error> {
        let store = Arc::new(store);
        let app = Arc::new(App {
            store: store.clone(),
            journal: Journal::new(engine.log()),
            engine,
            threads,
            config,
            streams: RwLock::default(),
            views: RwLock::default(),
            deployments: Mutex::default(),
            workers: Mutex::default(),
            is_stopping: AtomicBool::new(false),
        });
        for record in store.streams()? {
            let stream = Arc::new(Stream::open(&store, record)?);
            app.streams_mut().insert(stream.record().name.clone(), stream);
        }
        for record in store.views()? {
            let record = app.configured(record)?;
            app.open_view(record, true)?;
        }
        Ok(app)
    }

    /// The engine whose guests log as those of a view.
    fn engine_of(&self, view: &str) -> Engine {
        self.engine.logging(self.journal.of(view))
    }

    /// The last lines that the transforms of a view logged, at most `limit`, and how many there were since
    /// the start.
    pub fn log_of(&self, view: &str, limit: usize) -> Result<(Vec<Line>, u64), Error> {
        Ok(self.journal.last(&self.view(view)?.name, limit))
    }

    /// Writes what the configuration says of a view into its record: a file wins.
    fn configured(&self, record: ViewRecord) -> Result<ViewRecord, Error> {
        let said = self.config.of_view(&record.name);
        if said.is_empty() {
            return Ok(record);
        }
        self.store.update_view(&record.name, |view| {
            said.iter()
                .try_for_each(|(key, value)| settings::set(view, key, value).map_err(store::Error::Refused))
        })?;
        Ok(self.store.view(&record.name)?)
    }

    fn open_view(self: &Arc<App>, record: ViewRecord, was_shown: bool) -> Result<Arc<View>, Error> {
        let stream = self.stream(&record.stream)?;
        let live = Live::open(&self.store, &self.engine_of(&record.name), &stream, &record)?;
        let view = Arc::new(View::new(&self.store, stream, record, live, was_shown));
        view.live().start(&self.store)?;
        let (worker, threads) = (view.clone(), self.threads);
        let work =
            std::thread::Builder::new().name("runs".into()).spawn(move || runs::work(&worker, threads));
        let work =
            work.map_err(|cause| Error::Unavailable(format!("no thread for view '{}': {cause}", view.name)))?;
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(work);
        self.views_mut().insert(view.name.clone(), view.clone());
        Ok(view)
    }

    fn streams_mut(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<Stream>>> {
        self.streams.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn views_mut(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<View>>> {
        self.views.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// By name, ascending.
    pub fn streams(&self) -> Vec<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub fn stream(&self, name: &str) -> Result<Arc<Stream>, Error> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let unknown = || store::Error::Unknown { what: "stream", name: name.into() };
        Ok(streams.get(name).cloned().ok_or_else(unknown)?)
    }

    /// Makes a stream with an empty log; the number in `record` is not read.
    pub fn create_stream(&self, record: StreamRecord) -> Result<Arc<Stream>, Error> {
        self.require_running()?;
        let mut streams = self.streams_mut();
        let record = self.store.create_stream(record)?;
        let stream = Arc::new(Stream::open(&self.store, record)?);
        streams.insert(stream.record().name.clone(), stream.clone());
        Ok(stream)
    }

    /// Puts a JSON Schema in force for what is appended to a stream from now on; one that is in force already
    /// changes nothing.
    pub fn set_schema(&self, name: &str, schema: &serde_json::Value) -> Result<Arc<Stream>, Error> {
        self.require_running()?;
        let text = schema_text(schema).map_err(|not| Error::Refused(not.to_string()))?;
        let stream = self.stream(name)?;
        stream.declare(|| {
            // It may have been removed, and another made under its name.
            if !Arc::ptr_eq(&stream, &self.stream(name)?) {
                return Err(Error::Conflict(format!("stream '{name}' was removed meanwhile")));
            }
            Ok(self.store.add_schema(name, &text)?)
        })?;
        Ok(stream)
    }

    /// Removes a stream that no view reads, with its log, for good.
    pub fn remove_stream(&self, name: &str) -> Result<(), Error> {
        self.require_running()?;
        let mut streams = self.streams_mut();
        let unknown = || store::Error::Unknown { what: "stream", name: name.into() };
        let stream = streams.get(name).cloned().ok_or_else(unknown)?;
        if let Some(view) = self.store.views()?.iter().find(|view| view.stream == name) {
            let view = &view.name;
            return Err(Error::Conflict(format!(
                "stream '{name}' is read by view '{view}'; remove that first"
            )));
        }
        stream.drain();
        streams.remove(name);
        Ok(self.store.remove_stream(name)?)
    }

    /// By name, ascending.
    pub fn views(&self) -> Vec<Arc<View>> {
        self.views.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub fn view(&self, name: &str) -> Result<Arc<View>, Error> {
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
        let unknown = || store::Error::Unknown { what: "view", name: name.into() };
        Ok(views.get(name).cloned().ok_or_else(unknown)?)
    }

    /// Begins to deploy a version; it is to be followed. One at a time for a view.
    pub fn deploy(self: &Arc<App>, view: &str, wanted: Wanted) -> Result<Arc<Deployment>, Error> {
        self.require_running()?;
        let mut deployments = self.deployments.lock().unwrap_or_else(PoisonError::into_inner);
        if deployments.get(view).is_some_and(|deployment| !deployment.has_ended()) {
            return Err(Error::Conflict(format!(
                "view '{view}' is being deployed; wait until that has ended"
            )));
        }
        let deployment = Arc::new(Deployment::new(view));
        let (app, made) = (self.clone(), deployment.clone());
        let thread = std::thread::Builder::new().name("deploy".into()).spawn(move || made.run(&app, wanted));
        let thread =
            thread.map_err(|cause| Error::Unavailable(format!("no thread to deploy with: {cause}")))?;
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        deployments.insert(view.into(), deployment.clone());
        Ok(deployment)
    }

    /// The last deployment of a view since the start.
    pub fn deployment(&self, view: &str) -> Option<Arc<Deployment>> {
        self.deployments.lock().unwrap_or_else(PoisonError::into_inner).get(view).cloned()
    }

    /// Makes a view, which follows its stream from the first event on.
    fn first_version(
        self: &Arc<App>,
        name: &str,
        prepared: &Prepared,
        stream: &Stream,
        lateness_ms: i64,
    ) -> Result<VersionRecord, Error> {
        let now_ms = chrono::Utc::now().timestamp_millis();
        let record = deploy::first(&self.store, prepared, name, &stream.record().name, lateness_ms, now_ms)?;
        let record = self.configured(record)?;
        let unproved = record.settings.batch == "never" && record.settings.full == "never";
        let version = record.live_version().cloned();
        let view = self.open_view(record, false)?;
        if !unproved && stream.log.head() > 0 {
            view.runs.order(RunKind::Full, None)?;
        }
        version.ok_or_else(|| Error::Unavailable(format!("view '{name}' has no version")))
    }

    /// Changes settings of a view, all of them or none. Those that a configuration file has stay its own.
    pub fn set_view(&self, name: &str, changes: &BTreeMap<String, String>) -> Result<(), Error> {
        self.require_running()?;
        let view = self.view(name)?;
        let file = self.config.of_view(name);
        if let Some(key) = changes.keys().find(|key| file.contains_key(*key)) {
            let what = format!("{key} of view '{name}' is set by the configuration file; change it there");
            return Err(Error::Conflict(what));
        }
        let mut tried = ViewRecord::clone(&view.record());
        for (key, value) in changes {
            settings::set(&mut tried, key, value).map_err(Error::Refused)?;
        }
        let _changing = view.changing();
        self.store.update_view(name, |view| {
            let set = |(key, value): (&String, &String)| settings::set(view, key, value);
            changes.iter().try_for_each(set).map_err(store::Error::Refused)
        })?;
        self.reopen(&view)
    }

    /// Settings that a configuration file has, by key.
    pub fn settings_of_file(&self, view: &str) -> BTreeMap<String, String> {
        self.config.of_view(view)
    }

    /// Lets the live version begin anew, as its record says now.
    fn reopen(&self, view: &View) -> Result<(), Error> {
        view.live().end();
        let record = self.store.view(&view.name)?;
        let engine = self.engine_of(&view.name);
        let live = Arc::new(Live::open(&self.store, &engine, &view.stream, &record)?);
        live.start(&self.store)?;
        deployment::catch_up(self, view, &live)?;
        view.switch(live)
    }

    /// Lets a halted version go on.
    pub fn resume(&self, name: &str) -> Result<(), Error> {
        self.require_running()?;
        let view = self.view(name)?;
        self.store.update_view(name, |view| {
            view.halted = None;
            Ok(())
        })?;
        view.reload()?;
        view.live().resume();
        Ok(())
    }

    /// Removes a view with all its runs, for good.
    pub fn remove_view(&self, name: &str) -> Result<(), Error> {
        self.require_running()?;
        let view = self.view(name)?;
        view.runs.stop();
        let _changing = view.changing();
        self.views_mut().remove(name);
        view.live().end();
        self.journal.forget(name);
        Ok(self.store.remove_view(name)?)
    }

    /// Bytes on disk of every stream and view, layer by layer.
    pub fn stored(&self) -> Result<Vec<Stored>, Error> {
        let mut out = Vec::new();
        for stream in self.streams() {
            let (log, columns) = stream.log.folders();
            for (layer, folder) in [("log", log), ("columns", columns)] {
                let of = stream.record().name.clone();
                out.push(Stored { layer, of, bytes: self.store.bytes_in(&folder, |_| true)? });
            }
        }
        for view in self.views() {
            let folder = view.record().folder();
            let is_speed = |name: &str| name.starts_with(store::DELTA_PREFIX);
            let batch = self.store.bytes_in(&folder, |name| !is_speed(name))?;
            out.push(Stored { layer: "batch", of: view.name.clone(), bytes: batch });
            let speed = self.store.bytes_in(&folder, is_speed)?;
            out.push(Stored { layer: "speed", of: view.name.clone(), bytes: speed });
        }
        Ok(out)
    }

    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    fn require_running(&self) -> Result<(), Error> {
        if self.is_stopping() { Err(Error::Stopping) } else { Ok(()) }
    }

    /// Makes durable what was handed over, lays down what is folded, ends all threads and closes all files.
    /// What comes after is refused with [`Error::Stopping`].
    pub fn stop(&self) -> Result<(), Error> {
        self.is_stopping.store(true, Ordering::Release);
        let (streams, views) = (self.streams(), self.views());
        streams.iter().for_each(|stream| stream.drain());
        views.iter().for_each(|view| view.runs.stop());
        let workers = std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner));
        for worker in workers {
            _ = worker.join();
        }
        views.iter().for_each(|view| view.live().end());
        streams.iter().try_for_each(|stream| Ok(stream.log.close()?))
    }
}
