//! `bifocal replay`: a range of a stream's log through a transform that need not be deployed.

use super::data::{DataArgs, lost_in_words};
use super::events::{EventArgs, duration_ms};
use super::progress::Bars;
use super::report::{rate, seconds};
use super::table::{cells_in_words, grouped, write_rows};
use super::{Answer, options};
use crate::batch::{self, Shape};
use crate::calls::Calls;
use crate::extract::Extractor;
use crate::half::{Half, Job};
use crate::offset::{Offset, Range};
use crate::rows::Format;
use crate::run;
use crate::store::StreamLog;
use crate::transform::Transform;
use anyhow::bail;
use clap::Args as ClapArgs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Reasons of rejected events, and broken cells, that are shown.
const SHOWN_MAX: usize = 5;

/// Fold a range of a stream through a local build and print its rows
///
/// Nothing is deployed and nothing is changed. Exit code 1 if a cell is broken.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  bifocal replay orders --from-offset 480000 --to-offset 481200 --through revenue.wasm --data ./data")]
pub struct Args {
    stream: String,
    /// The transform: a WebAssembly component
    #[arg(long, value_name = "T.wasm")]
    through: PathBuf,
    /// The first offset [default: the first that is there]
    #[arg(long, value_name = "OFFSET")]
    from_offset: Option<u64>,
    /// The offset after the last [default: the head]
    #[arg(long, value_name = "OFFSET")]
    to_offset: Option<u64>,
    /// How long after its end a window stays open
    #[arg(long, value_name = "DURATION")]
    lateness: Option<String>,
    /// Settings of the transform, TOML or JSON
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// One setting; JSON if it parses, else text; dotted keys nest
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Threads [default: one a core]
    #[arg(long)]
    threads: Option<usize>,
    /// How rows are printed [default: table on a terminal, ndjson in a pipe]
    #[arg(long)]
    format: Option<Format>,
    /// Rows that a table shows
    #[arg(long, default_value_t = 20, value_name = "ROWS")]
    limit: usize,
    /// No report and no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let lateness_ms = duration_ms("--lateness", args.lateness.as_deref(), 0)?;
    let given = EventArgs { settings: args.settings.clone(), set: args.set.clone(), ..EventArgs::default() };
    let settings = given.settings(&toml::Table::new())?;
    let store = args.data.open()?;
    let stream = store.stream(&args.stream)?;
    let log = store.log(&stream)?;
    let range = args.range(&log)?;
    let shape = Shape { threads: options::threads(args.threads), chunk_rows: 65_536 };
    let engine = options::engine(shape.threads)?;
    let component = options::component(&engine, &args.through, &settings)?;
    let extractor = Extractor::new(component.description(), stream.time_rule()?)?;
    let calls = Calls::new(Arc::new(component), Arc::default());
    let job = Job { calls: &calls, log: log.as_ref(), extractor: &extractor, lateness_ms };
    let mut bars = Bars::new(args.quiet);
    bars.events("replay", range.count());
    let (started, mut events) = (Instant::now(), 0);
    let half = batch::run(&job, range, shape, &mut |more| {
        events += more;
        bars.set(events);
    })?;
    bars.finish();
    let (rows, broken) = run::present(&calls, half.table.iter_sorted())?;
    if !args.quiet {
        tell(&half, started.elapsed());
    }
    if let Some(lost) = lost_in_words(&log.losses(range)) {
        eprintln!("lost     {lost}");
    }
    for broken in broken.iter().take(SHOWN_MAX) {
        eprintln!("broken   {}: {}", cells_in_words(&broken.cell), broken.cause);
    }
    write_rows(&rows, args.format, args.limit)?;
    log.close()?;
    store.close()?;
    Ok(if broken.is_empty() { Answer::Done } else { Answer::No })
}

impl Args {
    fn range(&self, log: &StreamLog) -> anyhow::Result<Range> {
        let (floor, head) = (log.floor(), log.head());
        let (from, to) = (self.from_offset.unwrap_or(floor), self.to_offset.unwrap_or(head));
        if from < floor || from > to || to > head {
            bail!(
                "offsets [{from}, {to}) are not a range of stream '{}', which has [{floor}, {head})",
                self.stream
            );
        }
        Ok(Range::new(Offset(from), Offset(to)))
    }
}

fn tell(half: &Half, took: Duration) {
    let (range, tally) = (half.range, half.tally);
    eprintln!(
        "replay   [{}, {})   {} cells   {}   {}",
        grouped(range.from.0),
        grouped(range.to.0),
        grouped(half.table.len() as u64),
        seconds(took),
        rate(range.count(), took)
    );
    eprintln!(
        "rejected {}   ignored {}   late {}",
        grouped(tally.rejected),
        grouped(tally.ignored),
        grouped(tally.late)
    );
    for event in half.rejected.iter().take(SHOWN_MAX) {
        eprintln!("         offset {}: {}", event.offset, event.reason);
    }
}
