//! A component on its way to be a version of a view: loaded, audited, checked on events of the stream it
//! will read, registered. Owns what a version must be before it is served; builds nothing of what it says.

use crate::check::{self, Origin, Subject, Verdict};
use crate::extract::{self, Extractor};
use crate::log::Log;
use crate::offset::{Offset, Range};
use crate::store::{self, Store, StreamLog, StreamRecord, VersionRecord, ViewRecord};
use crate::transform::Transform;
use crate::wasm::{self, Component, Engine};
use crate::{calls, log, time};

/// Events of the stream that the laws are tried on.
const CHECKED_EVENTS_MAX: u64 = 65_536;
/// Names that rows have of their own.
const MARKS: [&str; 5] = ["window", "settled", "pending", "revised", "complete_from"];

/// Why a component is no version of a view.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Component(#[from] wasm::Error),
    #[error(transparent)]
    Extract(#[from] extract::Error),
    #[error("the stream's times: {0}")]
    Time(#[from] time::Error),
    #[error("'{0}' is the name of a row's own mark; rename that key or output")]
    Mark(String),
    /// The report of the check, with the law and the shortest counterexample.
    #[error("it breaks a law\n{0}")]
    Unlawful(String),
    /// The caller's.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Call(#[from] calls::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Log(#[from] log::Error),
}

/// A component that may be deployed.
pub struct Prepared {
    pub component: Component,
    pub bytes: Vec<u8>,
    /// In canonical form.
    pub settings: String,
    /// What was tried, in words.
    pub checks: String,
}

/// The stream that a version of `view` reads.
pub fn stream_of(name: &str, view: Option<&ViewRecord>, asked: Option<&str>) -> Result<String, Error> {
    match (view, asked) {
        (None, Some(stream)) => Ok(stream.into()),
        (None, None) => Err(Error::Refused(format!(
            "there is no view '{name}' yet; say which stream it reads with --stream S"
        ))),
        (Some(view), Some(stream)) if view.stream != stream => Err(Error::Refused(format!(
            "view '{}' reads stream '{}', not '{stream}'; deploy another view",
            view.name, view.stream
        ))),
        (Some(view), _) => Ok(view.stream.clone()),
    }
}

/// Loads and audits a component, and tries the laws on the first events of the stream.
pub fn prepare(
    engine: &Engine,
    bytes: &[u8],
    settings: &str,
    stream: &StreamRecord,
    log: &StreamLog,
    threads: usize,
) -> Result<Prepared, Error> {
    let component = Component::load(engine, bytes, settings)?;
    let again = Component::load(engine, bytes, settings)?;
    refuse_marks(&component)?;
    let extractor = Extractor::new(component.description(), stream.time_rule()?)?;
    let sample = sample(log)?;
    let checks = if sample.head() == Offset::ZERO {
        "the stream is empty: no law was tried".to_string()
    } else {
        let subject = Subject::component(&component, bytes, Some(again.description().clone()));
        let options = check::Options { threads, origin: Origin::Sample, ..check::Options::default() };
        let report = check::check(&subject, &sample, &extractor, &options)?;
        if matches!(report.verdict, Verdict::Broken(..)) {
            return Err(Error::Unlawful(check::text(&report)));
        }
        let proven = if report.verdict == Verdict::Holds { "hold" } else { "are not proven" };
        format!("the laws {proven} on {} events of the stream", sample.head())
    };
    Ok(Prepared { component, bytes: bytes.to_vec(), settings: settings.into(), checks })
}

impl Prepared {
    fn version(&self, number: u64, now_ms: i64) -> VersionRecord {
        VersionRecord {
            number,
            digest: self.component.version().to_string(),
            component: crate::digest::Digest::of(&self.bytes).to_string(),
            settings: self.settings.clone(),
            deployed_ms: now_ms,
        }
    }

    /// Whether it is what a view serves already.
    pub fn is_live(&self, view: &ViewRecord) -> bool {
        let digest = self.component.version().to_string();
        view.live_version().is_some_and(|live| live.digest == digest)
    }

    /// What it would be as the next version of a view.
    pub fn next(&self, view: &ViewRecord, now_ms: i64) -> VersionRecord {
        self.version(view.versions.last().map_or(1, |last| last.number + 1), now_ms)
    }
}

/// Makes a view with its first version.
pub fn first(
    store: &Store,
    prepared: &Prepared,
    name: &str,
    stream: &str,
    lateness_ms: i64,
    now_ms: i64,
) -> Result<ViewRecord, store::Error> {
    store.put_component(&prepared.bytes)?;
    store.create_view(ViewRecord {
        name: name.into(),
        stream: stream.into(),
        versions: vec![prepared.version(1, now_ms)],
        live: 1,
        lateness_ms,
        created_ms: now_ms,
        ..ViewRecord::blank()
    })
}

/// Makes it the version that is served, without a batch view; the live one again changes nothing. Its
/// component is in the store.
pub fn make_live(view: &mut ViewRecord, prepared: &Prepared, now_ms: i64) -> VersionRecord {
    if let Some(live) = view.live_version().filter(|_| prepared.is_live(view)) {
        return live.clone();
    }
    let added = prepared.next(view, now_ms);
    view.versions.push(added.clone());
    (view.live, view.boundary, view.batch_run, view.halted) = (added.number, 0, None, None);
    added
}

/// Row marks and columns of the transform must not have the same name.
fn refuse_marks(component: &impl Transform) -> Result<(), Error> {
    let description = component.description();
    let fields = description.keys.iter().chain(&description.outputs);
    match fields.map(|field| field.name.as_str()).find(|name| MARKS.contains(name)) {
        Some(name) => Err(Error::Mark(name.into())),
        None => Ok(()),
    }
}

/// The first events of the stream, as a log of their own.
fn sample(log: &StreamLog) -> Result<Log, Error> {
    let stream = crate::log::Stream { id: None, ..log.settings().stream.clone() };
    let mut sample = Log::new(stream);
    let mut append = sample.append();
    let mut failed = None;
    let range = Range::new(Offset::ZERO, Offset(log.head().min(CHECKED_EVENTS_MAX)));
    log.visit(range, |event| {
        if let Err(error) = append.push(&event) {
            failed = Some(error);
        }
    })?;
    append.commit();
    failed.map_or(Ok(sample), |error| Err(error.into()))
}
