//! A host of its own, in a directory that is removed with it unless it is to be kept. Owns its start and
//! its end, also when something fails in between; knows nothing of what is shown.

use super::job::Job;
use crate::app::{App, Config, Error, Order, Stage, Stream, View, Wanted};
use crate::cli::options;
use crate::event::Typing;
use crate::input::Declared;
use crate::input::request::{Form, Origin, batch};
use crate::store::{Batch, RunKind, Store};
use anyhow::{Context, anyhow, bail};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use tempfile::TempDir;

/// For a deployment, and for a run at the end.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Host {
    app: Arc<App>,
    pub stream: Arc<Stream>,
    pub view: Arc<View>,
    /// What was checked before the view was made.
    pub checks: String,
    /// Why events were not appended.
    failed: Arc<Mutex<Option<String>>>,
    /// Dropped last: files are closed then.
    _folder: Option<TempDir>,
}

impl Host {
    /// In `keep`, else in a new temporary directory. The transform is checked on the first events.
    pub fn start(job: &Job, keep: Option<&Path>, first: Vec<u8>) -> anyhow::Result<Host> {
        let temporary = match keep {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("bifocal-demo-").tempdir()?),
        };
        let directory = keep.or(temporary.as_ref().map(TempDir::path)).map(PathBuf::from);
        let directory = directory.context("no directory")?;
        if Store::is_at(&directory) {
            bail!("{} is a data directory already; keep the demo in a new one", directory.display());
        }
        let threads = options::threads(None);
        let store = Store::open(&directory)?;
        let app = App::start(store, options::quiet_engine(threads)?, threads, Config::default())?;
        let filled = fill(&app, job, first);
        if filled.is_err() {
            _ = app.stop();
        }
        let (stream, view, checks) = filled?;
        Ok(Host { app, stream, view, checks, failed: Arc::default(), _folder: temporary })
    }

    /// Hands NDJSON over. False: too much waits for the disk; the same may be tried again.
    pub fn append(&self, body: Vec<u8>) -> anyhow::Result<bool> {
        if let Some(why) = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bail!("events cannot be appended: {why}");
        }
        let events = events(&self.stream, body)?;
        let failed = self.failed.clone();
        let submitted = self.stream.submit(events, move |receipt| {
            let why = receipt.err().map(|error| error.to_string());
            why.into_iter()
                .for_each(|why| *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(why));
        });
        match submitted {
            Ok(()) => Ok(true),
            Err(Error::Store(crate::store::Error::Busy { .. })) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub fn order(&self, kind: RunKind) -> anyhow::Result<Arc<Order>> {
        Ok(self.view.runs.order(kind, None)?)
    }

    /// Lets the run that goes on come to its end.
    pub fn finish_runs(&self) {
        if let Some(order) = self.view.runs.current() {
            _ = order.wait(PATIENCE);
        }
    }
}

/// NDJSON that came in now.
fn events(stream: &Stream, body: Vec<u8>) -> anyhow::Result<Batch> {
    let now_ms = chrono::Utc::now().timestamp_millis();
    Ok(batch(&stream.reading(), &Form::Lines(Typing::Json), &Origin::default(), body, now_ms)?)
}

/// A stream with its first events, and the view that reads it.
fn fill(app: &Arc<App>, job: &Job, first: Vec<u8>) -> anyhow::Result<(Arc<Stream>, Arc<View>, String)> {
    let declared = Declared { time: Some(job.time.into()), ..Declared::default() };
    let record = declared.record(job.stream, chrono::Utc::now().timestamp_millis());
    let stream = app.create_stream(record.map_err(|not| anyhow!("{}: {}", not.field, not.why))?)?;
    let (done, durable) = mpsc::channel();
    stream.submit(events(&stream, first)?, move |receipt| _ = done.send(receipt))?;
    durable.recv_timeout(PATIENCE)??;
    let component = job.component.to_vec();
    let wanted = Wanted { component, stream: Some(job.stream.into()), ..Wanted::default() };
    match app.deploy(job.view, wanted)?.wait(PATIENCE) {
        Stage::Live(deployed) => Ok((stream, app.view(job.view)?, deployed.checks)),
        Stage::Unlawful(why) | Stage::Failed(why) => Err(anyhow!("{} cannot be deployed: {why}", job.view)),
        _ => Err(anyhow!("{} was not deployed in {PATIENCE:?}", job.view)),
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Err(error) = self.app.stop() {
            eprintln!("warning  the demo's host did not stop as it should: {error}");
        }
    }
}
