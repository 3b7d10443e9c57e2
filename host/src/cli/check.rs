//! `bifocal check`: does a transform keep the laws, and on what events was that seen.

use super::events::{EventArgs, PluginFile};
use super::progress::Bars;
use super::{Answer, options};
use crate::check::{self, Constants, Origin, Subject, Verdict};
use crate::event::{Event, Lineage, Typing};
use crate::extract::Extractor;
use crate::log::Log;
use crate::offset::Offset;
use crate::transform::Transform;
use anyhow::Context;
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};

/// Events that are generated where nobody gave any.
const RANDOM_EVENTS: usize = 8192;

/// Try the laws on events: split, associative, pure, total, monotone, order-free
///
/// On the sample given, else the one that bifocal.toml beside the component names, else the plugin's
/// fixtures, else random events of the declared kinds. Exit code 1 if a law is broken, or if no two
/// states met, which proves nothing.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal check plugins/revenue/revenue.wasm
  bifocal check flights.wasm --sample flights-3m.parquet --time date")]
pub struct Args {
    /// The transform: a WebAssembly component
    component: PathBuf,
    /// Events to try the laws on: NDJSON, CSV or Parquet, also in gzip or zstd
    #[arg(long, value_name = "FILE")]
    sample: Vec<PathBuf>,
    /// Random events, even where a sample or fixtures are
    #[arg(long, conflicts_with = "sample")]
    random: bool,
    /// What cuts and random events are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    events: EventArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let beside = args.component.parent().unwrap_or(Path::new("."));
    let file = PluginFile::beside(beside)?;
    let events = args.events.or(&file)?;
    let threads = options::threads(None);
    // A component that breaks a law may say so in every one of thousands of calls.
    let engine = options::quiet_engine(threads)?;
    let settings = events.settings(&file.settings)?;
    let component = options::component(&engine, &args.component, &settings)?;
    let again = options::component(&engine, &args.component, &settings)?;
    let bytes = std::fs::read(&args.component).with_context(|| args.component.display().to_string())?;
    let subject = Subject::component(&component, &bytes, Some(again.description().clone()));
    let (origin, files) = events_of(args, beside, &file)?;
    let (log, extractor) = match origin {
        Origin::Random => random(&subject, &bytes, &events, args.seed)?,
        _ => {
            let (log, extractor, _) = options::read(&component, &events, &files, &mut Bars::new(false))?;
            (log, extractor)
        }
    };
    let options = check::Options { seed: args.seed, threads, origin, ..check::Options::default() };
    let mut bars = Bars::new(false);
    bars.wait("check");
    let report = check::check(&subject, &log, &extractor, &options)?;
    bars.finish();
    print!("{}", check::text(&report));
    Ok(if report.verdict == Verdict::Holds { Answer::Done } else { Answer::No })
}

/// Whose events to use, and the files that hold them.
fn events_of(args: &Args, beside: &Path, file: &PluginFile) -> anyhow::Result<(Origin, Vec<PathBuf>)> {
    if args.random {
        return Ok((Origin::Random, Vec::new()));
    }
    if !args.sample.is_empty() {
        return Ok((Origin::Sample, args.sample.clone()));
    }
    if let Some(sample) = &file.sample {
        return Ok((Origin::Sample, vec![beside.join(sample)]));
    }
    let fixtures = fixtures(&beside.join("fixtures"))?;
    Ok(match fixtures.is_empty() {
        true => (Origin::Random, Vec::new()),
        false => (Origin::Fixtures, fixtures),
    })
}

/// The events of all cases that need no settings of their own.
pub fn fixtures(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| folder.display().to_string()),
    };
    let cases = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let usable =
        cases.filter(|case| case.join("events.ndjson").is_file() && !case.join("settings.json").exists());
    let mut files: Vec<PathBuf> = usable.map(|case| case.join("events.ndjson")).collect();
    files.sort();
    Ok(files)
}

/// A log of random events of the declared kinds, salted with those of the component's own constants
/// that make a difference to it.
fn random(
    subject: &Subject,
    bytes: &[u8],
    events: &EventArgs,
    seed: u64,
) -> anyhow::Result<(Log, Extractor)> {
    let description = subject.fresh.description();
    // What is generated is RFC 3339 unless the description says otherwise.
    let extractor = Extractor::new(description, events.time_rule(description)?)?;
    let names: Vec<&str> = description.inputs.iter().map(|field| field.name.as_str()).collect();
    let constants = check::probed(subject, &extractor, Constants::of(bytes, &names), seed)?;
    let mut log = Log::new(events.stream(description)?);
    let (ingested_ms, mut append) = (events.now_ms()?, log.append());
    for generated in check::generate(description, &constants, seed, RANDOM_EVENTS) {
        append.push(&Event {
            offset: Offset::ZERO,
            time_ms: generated.time_ms,
            ingested_ms,
            id: None,
            schema: None,
            lineage: Lineage::default(),
            typing: Typing::Json,
            payload: &generated.payload,
        })?;
    }
    append.commit();
    Ok((log, extractor))
}
