//! `bifocal run`: fold files and print the view.

use super::events::EventArgs;
use super::progress::Bars;
use super::report::Report;
use super::table::{grouped, write_rows};
use super::{Answer, flame, options};
use crate::batch::Shape;
use crate::change;
use crate::check::{self, Subject};
use crate::description::Description;
use crate::drill::Drill;
use crate::extract::Extractor;
use crate::log::Log;
use crate::offset::Offset;
use crate::rows::{Format, Rows};
use crate::run::{self, Plan, Through};
use crate::transform::Transform;
use crate::wasm::{Component, Level, Samples};
use anyhow::{Context, bail};
use clap::{Args as ClapArgs, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Fold files through a transform and print the view: no server, no directory
///
/// Rows go to stdout, the report to stderr. Exit code 1 if a cell differs or is broken, 2 if an
/// input is refused, with nothing on stdout; 0 else, also with rejected events.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal run flights.wasm flights.parquet --through both --cut 1500000
  zcat orders.ndjson.gz | bifocal run revenue.wasm - --format csv > revenue.csv
  bifocal run revenue.wasm orders.ndjson --against revenue-old.wasm")]
pub struct Args {
    /// The transform: a WebAssembly component
    component: PathBuf,
    /// Events: NDJSON, CSV or Parquet, also in gzip or zstd; `-` is stdin
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The executor; `both` compares batch over everything with batch up to the cut and speed from there
    #[arg(long, default_value = "batch")]
    through: ThroughArg,
    /// The offset where batch ends and speed begins
    #[arg(long, default_value_t = 0, value_name = "OFFSET")]
    cut: u64,
    /// Threads of the batch executor [default: one a core]
    #[arg(long)]
    threads: Option<usize>,
    /// Events in one call of batch
    #[arg(long, default_value_t = 65_536, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    chunk: u64,
    /// Events in one call of speed
    #[arg(long, default_value_t = 16_384, value_name = "ROWS", value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    micro_batch: u64,
    /// Compare with another build over the same files; exit code 1 if any row differs
    #[arg(long, value_name = "OLD.wasm")]
    against: Option<PathBuf>,
    /// How rows are printed [default: table on a terminal, ndjson in a pipe]
    #[arg(long)]
    format: Option<Format>,
    /// Rows that a table shows
    #[arg(long, default_value_t = 20, value_name = "ROWS")]
    limit: usize,
    /// No report and no progress
    #[arg(long, short)]
    quiet: bool,
    /// Show all that the transform logs, and where in its code it trapped
    #[arg(long, short, conflicts_with = "quiet")]
    verbose: bool,
    /// Write a flame graph of the transform's functions, SVG; the run is slower
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Write the report as JSON, with full digests
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Plant a fault, to see that the compare finds it
    #[arg(long, value_name = "FAULT", hide = true)]
    drill: Option<Drill>,
    #[command(flatten)]
    events: EventArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum ThroughArg {
    Batch,
    Speed,
    Both,
}

impl Args {
    fn plan(&self) -> anyhow::Result<Plan> {
        let through = match self.through {
            ThroughArg::Batch => Through::Batch,
            ThroughArg::Speed => Through::Speed,
            ThroughArg::Both => Through::Both,
        };
        if self.drill.is_some() && through != Through::Both {
            bail!("--drill plants a fault for the compare to find: it needs --through both");
        }
        Ok(Plan {
            through,
            cut: Offset(self.cut),
            shape: Shape { threads: options::threads(self.threads), chunk_rows: self.chunk },
            micro_batch_rows: self.micro_batch,
            lateness_ms: self.events.lateness_ms()?,
            drill: self.drill,
        })
    }
}

/// Events of a differing cell that are searched for the law that it breaks.
const EXPLAINED_EVENTS_MAX: u64 = 4096;

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let plan = args.plan()?;
    let settings = args.events.settings(&toml::Table::new())?;
    let samples = args.profile.as_ref().map(|_| Arc::new(Samples::default()));
    let engine = match args.verbose || samples.is_some() {
        true => {
            let level = if args.verbose { Level::Trace } else { Level::Info };
            options::telling_engine(plan.shape.threads, level, samples.clone())?
        }
        false => options::engine(plan.shape.threads)?,
    };
    let component = Arc::new(options::component(&engine, &args.component, &settings)?);
    let old = match &args.against {
        Some(path) => Some(Arc::new(options::component(&engine, path, &settings)?)),
        None => None,
    };
    let mut bars = Bars::new(args.quiet);
    let (log, extractor, appended) = options::read(component.as_ref(), &args.events, &args.files, &mut bars)?;
    if args.cut > log.head().0 && plan.through != Through::Batch {
        bail!("--cut {} is behind the last event: the files hold {} events", args.cut, log.head());
    }
    let outcome = run::run(component.clone(), &log, &extractor, &plan, &mut bars)?;
    if let (Some(path), Some(samples)) = (&args.profile, &samples) {
        write_flame_graph(path, component.description(), samples)?;
    }
    let explained = match &outcome.comparison {
        Some(comparison) if !comparison.is_same() && plan.drill.is_none() => {
            explain(args, component.as_ref(), &log, &extractor, comparison)?
        }
        _ => None,
    };
    let report = Report {
        transform: component.as_ref(),
        log: &log,
        plan: &plan,
        outcome: &outcome,
        skipped: appended.skipped,
        duplicates: appended.duplicates,
        conflicts: appended.conflicts,
        next: explained.as_ref().map(|_| next_command(args)),
        why: explained,
    };
    bars.finish();
    if let Some(path) = &args.report {
        let text = serde_json::to_string_pretty(&report.json())?;
        std::fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
    }
    if !args.quiet {
        write!(std::io::stderr().lock(), "{}", report.text())?;
    }
    if let Some(old) = old {
        let new = (component.description(), &outcome.rows);
        return against(args, &plan, old, new, &log, &mut bars);
    }
    print(args, &outcome.rows)?;
    let is_same = outcome.comparison.as_ref().is_none_or(run::Comparison::is_same);
    Ok(if is_same && outcome.broken.is_empty() { Answer::Done } else { Answer::No })
}

fn write_flame_graph(path: &Path, description: &Description, samples: &Samples) -> anyhow::Result<()> {
    if samples.looks() == 0 {
        bail!("--profile saw nothing: the transform ran for less than a millisecond; give it more events");
    }
    let title = format!("{}: {} looks, one a millisecond", description.name, grouped(samples.looks()));
    let svg = flame::graph(&title, &samples.folded());
    std::fs::write(path, svg).with_context(|| path.display().to_string())
}

fn print(args: &Args, rows: &Rows) -> anyhow::Result<()> {
    write_rows(rows, args.format, args.limit)
}

/// The law that a difference breaks, and the fewest events that show it.
fn explain(
    args: &Args,
    component: &Component,
    log: &Log,
    extractor: &Extractor,
    comparison: &run::Comparison,
) -> anyhow::Result<Option<String>> {
    let Some(worst) = &comparison.worst else { return Ok(None) };
    let bytes = std::fs::read(&args.component).with_context(|| args.component.display().to_string())?;
    let subject = Subject::component(component, &bytes, None);
    let options = check::Options { events_max: EXPLAINED_EVENTS_MAX, ..check::Options::default() };
    let breach = check::explain(&subject, log, extractor, (&worst.key, worst.window), &options)?;
    Ok(breach.map(|breach| breach.in_one_line()))
}

fn next_command(args: &Args) -> String {
    let files: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    format!("`bifocal check {} --sample {}` shows it", args.component.display(), files.join(" --sample "))
}

/// `--against`: the rows that differ between two builds over the same events.
fn against(
    args: &Args,
    plan: &Plan,
    old: Arc<Component>,
    new: (&Description, &Rows),
    log: &Log,
    bars: &mut Bars,
) -> anyhow::Result<Answer> {
    let rule = args.events.time_rule(old.description())?;
    let extractor = Extractor::new(old.description(), rule)?;
    let plan = Plan { through: Through::Batch, drill: None, ..*plan };
    let outcome = run::run(old.clone(), log, &extractor, &plan, bars)?;
    bars.finish();
    let change = change::between((old.description(), &outcome.rows), new).context("--against")?;
    if !args.quiet {
        writeln!(
            std::io::stderr().lock(),
            "{:<8} {} rows of {} ({} changed, {} gone, {} new), against sha256:{}…",
            if change.is_none() { "same" } else { "differ" },
            grouped(change.rows()),
            grouped(change.compared),
            grouped(change.changed),
            grouped(change.gone),
            grouped(change.new),
            old.version().to_string().get(..6).unwrap_or_default()
        )?;
    }
    print(args, &change.table)?;
    Ok(if change.is_none() { Answer::Done } else { Answer::No })
}
