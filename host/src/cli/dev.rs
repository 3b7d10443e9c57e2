//! `bifocal dev`: builds again on each save, and shows what the plugin makes of a sample.

use super::data::PlaceArgs;
use super::events::{EventArgs, PluginFile};
use super::progress::Bars;
use super::report::Report;
use super::table::grouped;
use super::{Answer, build, options, stream};
use crate::batch::Shape;
use crate::check::{self, Origin, Subject};
use crate::log::Log;
use crate::offset::{Offset, Range};
use crate::rows::Format;
use crate::run::{self, Plan, Through};
use crate::transform::Transform;
use crate::wasm::Level;
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Rebuild on each save, and show rows, rejected events, laws, coverage and fuel
///
/// The sample is what --sample or --stream gives, else what bifocal.toml names, else the plugin's fixtures.
/// Lines that the plugin logs are shown too. Ctrl-C ends it.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal dev plugins/revenue
  bifocal dev clicks --sample clicks.ndjson.gz
  bifocal dev clicks --stream clicks -n 20000")]
pub struct Args {
    /// The plugin's folder
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Events to try it on: NDJSON, CSV or Parquet, also in gzip or zstd
    #[arg(long, value_name = "FILE")]
    sample: Vec<PathBuf>,
    /// Try it on the last events of this stream
    #[arg(long, value_name = "STREAM", conflicts_with = "sample")]
    stream: Option<String>,
    /// So many of them
    #[arg(short, default_value_t = 10_000, value_name = "EVENTS", requires = "stream")]
    n: u64,
    /// Rows that are shown
    #[arg(long, default_value_t = 10, value_name = "ROWS")]
    limit: usize,
    /// Once, without waiting for changes; exit code 1 if something is not as it should be
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    events: EventArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

/// How often the folder is looked at. A look costs a `stat` for each file.
const LOOK: Duration = Duration::from_millis(150);
/// Events on which the laws are tried: enough to meet states, few enough to wait for.
const LAW_EVENTS_MAX: u64 = 2_000;
/// Rejected events that are shown, and bytes of each one's payload.
const REJECTED_SHOWN_MAX: usize = 5;
const PAYLOAD_SHOWN_MAX: usize = 160;

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let sample = Sample::of(args)?;
    loop {
        let seen = looked_at(&args.directory)?;
        let is_well = match round(args, &sample) {
            Ok(is_well) => is_well,
            Err(error) if args.once => return Err(error),
            Err(error) => {
                eprintln!("error    {error:#}");
                false
            }
        };
        if args.once {
            return Ok(if is_well { Answer::Done } else { Answer::No });
        }
        eprintln!("waiting  for changes in {} (Ctrl-C ends)", args.directory.display());
        wait_for_change(&args.directory, &seen)?;
    }
}

/// Where the events come from; those of a stream are fetched once.
struct Sample {
    files: Vec<PathBuf>,
    /// Holds the events of a stream.
    _fetched: Option<tempfile::TempDir>,
}

impl Sample {
    fn of(args: &Args) -> anyhow::Result<Sample> {
        let Some(name) = &args.stream else {
            return Ok(Sample { files: args.sample.clone(), _fetched: None });
        };
        let folder = tempfile::tempdir().context("a folder for the sample")?;
        let path = folder.path().join(format!("{name}.ndjson"));
        let mut file = std::io::BufWriter::new(
            std::fs::File::create(&path).with_context(|| path.display().to_string())?,
        );
        stream::write_last(&args.place.place()?, name, args.n, &mut file)?;
        file.flush()?;
        Ok(Sample { files: vec![path], _fetched: Some(folder) })
    }

    fn files(&self, directory: &Path, file: &PluginFile) -> anyhow::Result<Vec<PathBuf>> {
        if !self.files.is_empty() {
            return Ok(self.files.clone());
        }
        if let Some(sample) = &file.sample {
            return Ok(vec![directory.join(sample)]);
        }
        let fixtures = super::check::fixtures(&directory.join("fixtures"))?;
        if fixtures.is_empty() {
            bail!(
                "{} has nothing to try the plugin on: say --sample FILE or --stream STREAM, or make \
                 fixtures/CASE/events.ndjson",
                directory.display()
            );
        }
        Ok(fixtures)
    }
}

/// Builds and shows; whether all is as it should be.
fn round(args: &Args, sample: &Sample) -> anyhow::Result<bool> {
    let started = Instant::now();
    let file = PluginFile::beside(&args.directory)?;
    let path = build::build(&args.directory)?;
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    eprintln!(
        "built    {}   {:.1} s   {} bytes",
        path.display(),
        started.elapsed().as_secs_f64(),
        grouped(bytes.len() as u64)
    );
    let events = args.events.or(&file)?;
    let threads = options::threads(None);
    let engine = options::telling_engine(threads, Level::Debug, None)?;
    let settings = events.settings(&file.settings)?;
    let component = Arc::new(options::component(&engine, &path, &settings)?);
    let files = sample.files(&args.directory, &file)?;
    let (log, extractor, appended) =
        options::read(component.as_ref(), &events, &files, &mut Bars::new(true))?;
    let head = log.head();
    let plan = Plan {
        through: Through::Both,
        cut: Offset(head.0 / 2),
        shape: Shape { threads, chunk_rows: 65_536 },
        micro_batch_rows: 16_384,
        lateness_ms: events.lateness_ms()?,
        drill: None,
    };
    let outcome = run::run(component.clone(), &log, &extractor, &plan, &mut Bars::new(true))?;
    let mut out = std::io::stdout().lock();
    outcome.rows.write(Format::Table, args.limit, &mut out)?;
    out.flush()?;
    let report = Report {
        transform: component.as_ref(),
        log: &log,
        plan: &plan,
        outcome: &outcome,
        skipped: appended.skipped,
        duplicates: appended.duplicates,
        conflicts: appended.conflicts,
        why: None,
        next: None,
    };
    eprint!("{}", report.text());
    show_rejected(&log, &outcome);
    let again = options::component(&engine, &path, &settings)?;
    let subject = Subject::component(&component, &bytes, Some(again.description().clone()));
    let tried = check::Options {
        threads,
        origin: Origin::Sample,
        events_max: LAW_EVENTS_MAX,
        ..check::Options::default()
    };
    let laws = check::check(&subject, &log, &extractor, &tried)?;
    eprint!("{}", check::text(&laws));
    eprintln!("took     {:.1} s", started.elapsed().as_secs_f64());
    let is_same = outcome.comparison.as_ref().is_none_or(run::Comparison::is_same);
    Ok(is_same && outcome.broken.is_empty() && laws.holds())
}

/// What the author reads of an event that was rejected: where it stands, why, and what it is.
fn show_rejected(log: &Log, outcome: &run::Outcome) {
    let Some(full) = &outcome.full else { return };
    for event in full.half.rejected.iter().take(REJECTED_SHOWN_MAX) {
        let range = Range::new(Offset(event.offset), Offset(event.offset).plus(1));
        let payload = log.read(range).next().map(|event| String::from_utf8_lossy(event.payload).into_owned());
        let payload = payload.unwrap_or_default();
        let shown: String = payload.chars().take(PAYLOAD_SHOWN_MAX).collect();
        eprintln!(
            "payload  offset {}: {shown}{}",
            event.offset,
            if shown.len() < payload.len() { "…" } else { "" }
        );
    }
}

/// Each file of the plugin's own, with what changes when it is saved.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Folders that builds and editors write to.
const LEFT_OUT: [&str; 4] = ["target", "node_modules", "__pycache__", "dist"];

fn looked_at(directory: &Path) -> anyhow::Result<Seen> {
    let (mut seen, mut folders) = (Seen::new(), vec![directory.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        // What vanishes meanwhile is no longer there to be looked at.
        for entry in entries.filter_map(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let Ok(about) = entry.metadata() else { continue };
            if name.starts_with('.') || LEFT_OUT.contains(&name.as_ref()) || name.ends_with(".wasm") {
                continue;
            }
            match about.is_dir() {
                true => folders.push(path),
                false => _ = seen.insert(path, (about.modified().ok(), about.len())),
            }
        }
    }
    Ok(seen)
}

fn wait_for_change(directory: &Path, seen: &Seen) -> anyhow::Result<()> {
    let mut last = seen.clone();
    loop {
        std::thread::sleep(LOOK);
        let now = looked_at(directory)?;
        // Saving takes several writes in some editors: wait until nothing changes between two looks.
        if now != *seen && now == last {
            return Ok(());
        }
        last = now;
    }
}
