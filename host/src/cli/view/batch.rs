//! `bifocal batch`: a run of the batch executor over the log, published when it is whole.

use crate::batch::Shape;
use crate::certificate::Certificate;
use crate::cli::client::Client;
use crate::cli::data::{DataArgs, Place, PlaceArgs, lost_in_words};
use crate::cli::progress::Bars;
use crate::cli::report::{rate, seconds};
use crate::cli::table::grouped;
use crate::cli::view::{Opened, key_equals, there, time_ms};
use crate::cli::{Answer, options};
use crate::digest::Digest;
use crate::offset::Offset;
use crate::refold::{self, Choice, Means, Target};
use crate::store::{Meta, Payloads, RunKind, RunRecord, ViewFile};
use crate::verify::{Verified, verify};
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::time::{Duration, Instant};

/// Start a run of a view and follow it
///
/// A full run folds all of the log; an incremental one folds what came since the last run and merges it
/// to the right; a targeted one (--from, --to, --key) computes chosen cells again. The new view is
/// published by one change once it is whole: a run that fails or is killed leaves no trace.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal batch revenue --data ./data
  bifocal batch revenue --incremental --data ./data
  bifocal batch revenue --from 2026-11-01T00:00:00Z --to 2026-11-02T00:00:00Z --data ./data
  bifocal batch revenue --verify")]
pub struct Args {
    view: String,
    /// Fold all of the log (the default)
    #[arg(long)]
    full: bool,
    /// Fold what came since the last run, and merge it
    #[arg(long, conflicts_with = "full")]
    incremental: bool,
    /// Only windows that start at or after this time
    #[arg(long, value_name = "TIME", requires = "to", conflicts_with_all = ["full", "incremental"])]
    from: Option<String>,
    /// Only windows that start before this time
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<String>,
    /// Only cells with this value of a key
    #[arg(long, value_name = "KEY=VALUE", conflicts_with_all = ["full", "incremental"])]
    key: Vec<String>,
    /// Compare the published view with one computed from the raw payloads; publish nothing
    #[arg(long, conflicts_with_all = ["full", "incremental", "from", "key"])]
    verify: bool,
    /// Threads [default: one a core]
    #[arg(long)]
    threads: Option<usize>,
    /// What cells may take in memory before they are laid down on disk
    #[arg(long, value_name = "BYTES", default_value = "1GiB")]
    memory: String,
    /// No report and no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    match args.place.place()? {
        Place::Directory(data) => here(args, &data),
        Place::Server(client) => args.there(&client),
    }
}

fn here(args: &Args, data: &DataArgs) -> anyhow::Result<Answer> {
    let threads = options::threads(args.threads);
    let opened = Opened::new(data, &args.view, threads)?;
    let table_bytes_max = crate::time::parse_bytes(&args.memory)
        .with_context(|| format!("--memory '{}'", args.memory))? as usize;
    let means = Means { shape: Shape { threads, chunk_rows: 65_536 }, table_bytes_max };
    let answer = if args.verify { args.verify(&opened, means)? } else { args.run(&opened, means)? };
    opened.close()?;
    Ok(answer)
}

impl Args {
    fn there(&self, client: &Client) -> anyhow::Result<Answer> {
        if self.verify {
            return Ok(self.tell_verified(&there::verify(client, &self.view, self.quiet)?));
        }
        let is_targeted = self.from.is_some() || !self.key.is_empty();
        let wanted = match (is_targeted, self.incremental) {
            (true, _) => {
                serde_json::json!({ "kind": "targeted", "from": self.from, "to": self.to, "keys": self.key })
            }
            (false, true) => serde_json::json!({ "kind": "incremental" }),
            (false, false) => serde_json::json!({ "kind": "full" }),
        };
        let run = there::batch(client, &self.view, &wanted, self.quiet)?;
        if !self.quiet {
            tell_run(&run);
        }
        Ok(Answer::Done)
    }

    fn run(&self, opened: &Opened, means: Means) -> anyhow::Result<Answer> {
        let number = opened.record.next_run;
        let file = format!("{number:010}.redb");
        // A full run needs nothing of what was made before, whatever became of it.
        let kept = opened.batch_run().is_some_and(|run| run.file.is_some());
        let kind = self.kind(kept);
        let base = if kept && kind != RunKind::Full { opened.base()? } else { None };
        let (started_ms, started) = (chrono::Utc::now().timestamp_millis(), Instant::now());
        let outcome = self.fold(opened, kind, base.as_ref(), &file, means);
        let took = started.elapsed();
        let begun = RunRecord::begun(number, kind, opened.version.number, started_ms);
        let record = RunRecord { took_ms: took.as_millis() as u64, ..begun };
        match outcome {
            Ok((meta, events)) => {
                let to = meta.range.to.0;
                let before =
                    opened.batch_run().filter(|run| run.lost < meta.tally.lost && run.file.is_some());
                let published = record.published(&meta, events, file);
                opened.store.add_run(&self.view, published, |view| {
                    (view.boundary, view.batch_run, view.next_run) = (to, Some(number), number + 1);
                })?;
                if !self.quiet {
                    tell(number, kind, &meta, events, took);
                }
                if let Some(lost) = lost_in_words(&opened.log.losses(meta.range)) {
                    eprintln!("lost     {lost}");
                }
                if let Some(before) = before {
                    let (run, view) = (before.number, &self.view);
                    eprintln!(
                        "         run {run} was folded before: `bifocal query {view} --as-of run:{run}`"
                    );
                }
                Ok(Answer::Done)
            }
            Err(error) => {
                let failed = RunRecord { cause: Some(format!("{error:#}")), ..record };
                opened.store.add_run(&self.view, failed, |view| view.next_run = number + 1)?;
                Err(error.context(format!("run {number} failed; the view stays as it was")))
            }
        }
    }

    fn kind(&self, has_base: bool) -> RunKind {
        if self.from.is_some() || !self.key.is_empty() {
            RunKind::Targeted
        } else if self.incremental && has_base {
            RunKind::Incremental
        } else {
            // The first run has nothing to stand on.
            RunKind::Full
        }
    }

    /// The new view, and how many events were folded for it.
    fn fold(
        &self,
        opened: &Opened,
        kind: RunKind,
        base: Option<&ViewFile>,
        file: &str,
        means: Means,
    ) -> anyhow::Result<(Meta, u64)> {
        let calls = opened.calls();
        let job = opened.job(&calls, opened.log.as_ref());
        let head = Offset(opened.log.head());
        let file = format!("{}/{file}", opened.record.folder());
        let target = Target { disk: opened.store.disk(), file: &file };
        let mut bars = Bars::new(self.quiet);
        let boundary = base.map_or(0, |base| base.meta().range.to.0);
        let total = if kind == RunKind::Incremental { head.0 - boundary } else { head.0 };
        bars.events("batch", total);
        let mut events = 0;
        let mut progress = |more| {
            events += more;
            bars.set(events);
        };
        let meta = match (kind, base) {
            (RunKind::Incremental, Some(base)) => {
                refold::incremental(&job, base, head, target, means, &mut progress)?
            }
            (RunKind::Targeted, Some(base)) => {
                refold::targeted(&job, base, &self.choice(opened)?, target, means, &mut progress)?
            }
            (RunKind::Targeted, None) => {
                bail!("view '{}' has no run whose cells could be replaced; make a full run first", self.view)
            }
            _ => refold::full(&job, head, target, means, &mut progress)?,
        };
        bars.finish();
        Ok((meta, events))
    }

    fn choice(&self, opened: &Opened) -> anyhow::Result<Choice> {
        let windows_ms = match (&self.from, &self.to) {
            (Some(from), Some(to)) => Some((time_ms("--from", from)?, time_ms("--to", to)?)),
            _ => None,
        };
        let keys = self.key.iter().map(|pair| key_equals(opened.description(), pair));
        Ok(Choice { windows_ms, keys: keys.collect::<anyhow::Result<_>>()? })
    }

    /// The published view against the witness: raw payloads, one thread, other chunks.
    fn verify(&self, opened: &Opened, means: Means) -> anyhow::Result<Answer> {
        let Some(base) = opened.base()? else { bail!("view '{}' has no run to verify; make one", self.view) };
        let calls = opened.calls();
        let payloads = Payloads(opened.log.as_ref());
        let job = opened.job(&calls, &payloads);
        let file = format!("{}/new-witness.redb", opened.record.folder());
        let target = Target { disk: opened.store.disk(), file: &file };
        let mut bars = Bars::new(self.quiet);
        bars.events("verify", base.meta().range.count());
        let mut events = 0;
        let mut progress = |more| {
            events += more;
            bars.set(events);
        };
        let verified = verify(&job, &base, target, means.table_bytes_max, &mut progress)?;
        bars.finish();
        Ok(self.tell_verified(&verified))
    }

    fn tell_verified(&self, verified: &Verified) -> Answer {
        let is_same = verified.is_same();
        let verdict = if is_same { "same" } else { "differ" };
        eprintln!(
            "{verdict:<8} {} cells compared: {} differ     {} events from raw payloads in {}",
            grouped(verified.compared),
            grouped(verified.differ),
            grouped(verified.events),
            seconds(Duration::from_millis(verified.took_ms))
        );
        if let Some(first) = &verified.first {
            eprintln!("first    {first}");
        }
        if let Some(offset) = verified.rejected {
            eprintln!("rejected the event at offset {offset} is rejected by one side alone");
        }
        if verified.lost_since > 0 {
            let count = grouped(verified.lost_since);
            eprintln!(
                "lost     {count} events are lost since this view was folded: it counts them, no new run can"
            );
        } else if !is_same {
            eprintln!("next     bifocal batch {} --full{}", self.view, self.place.again());
        }
        if is_same { Answer::Done } else { Answer::No }
    }
}

/// A run as its record says it.
fn tell_run(run: &RunRecord) {
    let took = Duration::from_millis(run.took_ms);
    let kind = format!("{:?}", run.kind).to_lowercase();
    eprintln!(
        "run {:<4} {kind} [0, {})   {} events folded   {}   {}",
        run.number,
        grouped(run.to),
        grouped(run.events),
        seconds(took),
        rate(run.events, took)
    );
    let certificate = run.certificate.as_ref().and_then(|proof| proof.cells.parse::<Digest>().ok());
    let certificate = certificate.map_or("none".into(), |cells| cells.short());
    eprintln!(
        "cells    {}   rejected {}   certificate {certificate}",
        grouped(run.cells),
        grouped(run.rejected)
    );
    if let Some(compared) = run.compared {
        eprintln!("same     {} cells compared with speed: {} differ", grouped(compared), grouped(run.differ));
    }
}

fn tell(number: u64, kind: RunKind, meta: &Meta, events: u64, took: Duration) {
    let cells = meta.certificate.map(|certificate: Certificate| certificate.cells);
    let kind = format!("{kind:?}").to_lowercase();
    eprintln!(
        "run {number:<4} {kind} [0, {})   {} events folded   {}   {}",
        grouped(meta.range.to.0),
        grouped(events),
        seconds(took),
        rate(events, took)
    );
    eprintln!(
        "cells    {}   broken {}   rejected {}   certificate {}",
        grouped(meta.cells),
        grouped(meta.broken),
        grouped(meta.rejected),
        cells.map_or("none".into(), |cells: Digest| cells.short())
    );
}
