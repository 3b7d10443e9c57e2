//! What the commands on views share: a view with its stream, its component and its log, opened.

pub mod batch;
pub mod deploy;
pub mod incidents;
pub mod manage;
pub mod query;
pub mod rejected;
pub mod runs;
pub mod there;

use super::data::DataArgs;
use super::options;
use crate::calls::{Calls, Verdicts};
use crate::description::Description;
use crate::extract::Extractor;
use crate::half::Job;
use crate::key;
use crate::log::ReadLog;
use crate::serving;
use crate::store::{CacheBytes, RunRecord, RunResult, Store, StreamLog, VersionRecord, ViewFile, ViewRecord};
use crate::time::TimeRule;
use crate::transform::Transform;
use crate::wasm::Component;
use anyhow::{Context, bail};
use std::sync::Arc;

/// What a view's file keeps in redb's memory while it is read.
const CACHE: CacheBytes = CacheBytes(16 << 20);

pub struct Opened {
    pub store: Store,
    pub record: ViewRecord,
    pub version: VersionRecord,
    pub log: Arc<StreamLog>,
    pub component: Arc<Component>,
    pub extractor: Extractor,
}

impl Opened {
    /// A view and its live version.
    pub fn new(data: &DataArgs, view: &str, threads: usize) -> anyhow::Result<Opened> {
        let store = data.open()?;
        let record = store.view(view)?;
        let stream = store.stream(&record.stream)?;
        let version = record.live_version().cloned();
        let version = version.with_context(|| format!("view '{view}' has no version; deploy one"))?;
        let engine = options::engine(threads)?;
        let bytes = store.component(&version.component)?;
        let component = Component::load(&engine, &bytes, &version.settings)
            .with_context(|| format!("version v{} of view '{view}'", version.number))?;
        let extractor = Extractor::new(component.description(), stream.time_rule()?)?;
        let log = store.log(&stream)?;
        Ok(Opened { store, record, version, log, component: Arc::new(component), extractor })
    }

    pub fn calls(&self) -> Calls {
        Calls::new(self.component.clone(), Arc::new(Verdicts::default()))
    }

    pub fn job<'a>(&'a self, calls: &'a Calls, log: &'a dyn ReadLog) -> Job<'a> {
        Job { calls, log, extractor: &self.extractor, lateness_ms: self.record.lateness_ms }
    }

    pub fn description(&self) -> &Description {
        self.component.description()
    }

    /// The published run; None before the first of the live version.
    pub fn batch_run(&self) -> Option<&RunRecord> {
        self.record.run(self.record.batch_run?)
    }

    pub fn open_run(&self, run: &RunRecord) -> anyhow::Result<ViewFile> {
        let (number, view) = (run.number, &self.record.name);
        let Some(file) = &run.file else {
            match (run.result, &run.cause) {
                (RunResult::Published, Some(cause)) => bail!(
                    "run {number} of view '{view}' is lost, {cause}; `bifocal batch {view} --full` makes another from \
                     the log"
                ),
                _ => bail!("nothing of run {number} is kept"),
            }
        };
        let file = format!("{}/{file}", self.record.folder());
        Ok(ViewFile::open_read_only(self.store.disk(), &file, CACHE)?)
    }

    /// What `--as-of run:N` names.
    pub fn kept_run(&self, name: &str) -> anyhow::Result<ViewFile> {
        let number = name.strip_prefix("run:").and_then(|number| number.parse().ok());
        let Some(number) = number else { bail!("--as-of '{name}' is not run:N") };
        let Some(run) = self.record.run(number) else {
            bail!("run {number} is not kept; `bifocal runs {}` lists those that are", self.record.name)
        };
        if run.version != self.version.number {
            bail!("run {number} was made by version v{}, v{} is live", run.version, self.version.number);
        }
        self.open_run(run)
    }

    /// The published batch view.
    pub fn base(&self) -> anyhow::Result<Option<ViewFile>> {
        self.batch_run().map(|run| self.open_run(run)).transpose()
    }

    pub fn close(self) -> anyhow::Result<()> {
        self.log.close()?;
        Ok(self.store.close()?)
    }
}

/// `KEY=VALUE` as a key column and the value that it must have.
pub fn key_equals(description: &Description, pair: &str) -> anyhow::Result<(usize, key::Part)> {
    serving::key_equals(description, pair).map_err(|why| anyhow::anyhow!(why))
}

pub fn time_ms(flag: &str, text: &str) -> anyhow::Result<i64> {
    TimeRule::default().parse_text(text.as_bytes()).with_context(|| format!("{flag} '{text}'"))
}
