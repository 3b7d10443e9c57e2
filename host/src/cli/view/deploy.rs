//! `bifocal deploy`: check a transform on a stream's own events and make it the version of a view.

use crate::check::{self, Origin, Subject, Verdict};
use crate::cli::data::DataArgs;
use crate::cli::events::EventArgs;
use crate::cli::{Answer, options};
use crate::digest::Digest;
use crate::extract::Extractor;
use crate::log::Log;
use crate::offset::{Offset, Range};
use crate::store::{Store, StreamLog, VersionRecord, ViewRecord};
use crate::transform::Transform;
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Events of the stream that the laws are tried on.
const CHECKED_EVENTS_MAX: u64 = 65_536;
/// Names that rows have of their own.
const MARKS: [&str; 5] = ["window", "settled", "pending", "revised", "complete_from"];

/// Check a transform and make it the live version of a view
///
/// The laws are tried on events of the stream; a breach refuses the version, exit code 1. The first
/// deployment makes the view. A new version starts without a batch run: `bifocal batch` makes one.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal deploy revenue revenue.wasm --stream orders --data ./data")]
pub struct Args {
    view: String,
    /// The transform: a WebAssembly component
    component: PathBuf,
    /// The stream that a new view reads
    #[arg(long)]
    stream: Option<String>,
    /// How long after its end a window stays open
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    lateness: String,
    /// Settings of the transform, TOML or JSON
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// One setting; JSON if it parses, else text; dotted keys nest
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let view = store.views()?.into_iter().find(|view| view.name == args.view);
    let stream = args.stream_of(view.as_ref())?;
    let stream = store.stream(&stream)?;
    let given = EventArgs { settings: args.settings.clone(), set: args.set.clone(), ..EventArgs::default() };
    let settings = given.settings(&toml::Table::new())?;
    let threads = options::threads(None);
    let engine = options::quiet_engine(threads)?;
    let component = options::component(&engine, &args.component, &settings)?;
    let again = options::component(&engine, &args.component, &settings)?;
    let bytes = std::fs::read(&args.component).with_context(|| args.component.display().to_string())?;
    refuse_marks(&component)?;
    let extractor = Extractor::new(component.description(), stream.time_rule()?)?;
    let log = store.log(&stream)?;
    let sample = sample(&log)?;
    let checks = if sample.head() == Offset::ZERO {
        "the stream is empty: no law was tried".to_string()
    } else {
        let subject = Subject::component(&component, &bytes, Some(again.description().clone()));
        let options = check::Options { threads, origin: Origin::Sample, ..check::Options::default() };
        let report = check::check(&subject, &sample, &extractor, &options)?;
        if matches!(report.verdict, Verdict::Broken(..)) {
            eprint!("{}", check::text(&report));
            eprintln!("refused  view '{}' stays as it was", args.view);
            return Ok(Answer::No);
        }
        let proven = if report.verdict == Verdict::Holds { "hold" } else { "are not proven" };
        format!("the laws {proven} on {} events of the stream", sample.head())
    };
    log.close()?;
    let version = args.register(&store, view, &stream.name, &bytes, (component.version(), settings))?;
    eprintln!(
        "deployed {} v{} ({})",
        args.view,
        version.number,
        version.digest.get(..12).unwrap_or_default()
    );
    eprintln!("checks   {checks}");
    eprintln!("next     bifocal batch {}{}", args.view, args.data.again());
    store.close()?;
    Ok(Answer::Done)
}

impl Args {
    fn stream_of(&self, view: Option<&ViewRecord>) -> anyhow::Result<String> {
        match (view, &self.stream) {
            (None, Some(stream)) => Ok(stream.clone()),
            (None, None) => {
                bail!("there is no view '{}' yet; say which stream it reads with --stream S", self.view)
            }
            (Some(view), Some(stream)) if view.stream != *stream => {
                bail!(
                    "view '{}' reads stream '{}', not '{stream}'; deploy another view",
                    view.name,
                    view.stream
                )
            }
            (Some(view), _) => Ok(view.stream.clone()),
        }
    }

    fn register(
        &self,
        store: &Store,
        view: Option<ViewRecord>,
        stream: &str,
        bytes: &[u8],
        (digest, settings): (Digest, String),
    ) -> anyhow::Result<VersionRecord> {
        let now_ms = chrono::Utc::now().timestamp_millis();
        let lateness_ms = crate::time::parse_duration_ms(&self.lateness)
            .with_context(|| format!("--lateness '{}'", self.lateness))?;
        let component = store.put_component(bytes)?.to_string();
        let version = |number| VersionRecord {
            number,
            digest: digest.to_string(),
            component: component.clone(),
            settings: settings.clone(),
            deployed_ms: now_ms,
        };
        if view.is_none() {
            let record = ViewRecord {
                number: 0,
                name: self.view.clone(),
                stream: stream.into(),
                versions: vec![version(1)],
                live: 1,
                lateness_ms,
                keep_runs: 7,
                boundary: 0,
                batch_run: None,
                runs: Vec::new(),
                next_run: 1,
                created_ms: now_ms,
            };
            store.create_view(record)?;
            return Ok(version(1));
        }
        let added = store.update_view(&self.view, |view| {
            // The same version again changes nothing.
            if let Some(live) = view.live_version().filter(|live| live.digest == digest.to_string()) {
                return Ok(live.clone());
            }
            let number = view.versions.last().map_or(1, |last| last.number + 1);
            let added = version(number);
            view.versions.push(added.clone());
            (view.live, view.boundary, view.batch_run) = (number, 0, None);
            Ok(added)
        })?;
        Ok(added)
    }
}

/// Row marks and columns of the transform must not have the same name.
fn refuse_marks(component: &impl Transform) -> anyhow::Result<()> {
    let description = component.description();
    let fields = description.keys.iter().chain(&description.outputs);
    match fields.map(|field| field.name.as_str()).find(|name| MARKS.contains(name)) {
        Some(name) => bail!("'{name}' is the name of a row's own mark; rename that key or output"),
        None => Ok(()),
    }
}

/// The first events of the stream, as a log of their own.
fn sample(log: &StreamLog) -> anyhow::Result<Log> {
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
