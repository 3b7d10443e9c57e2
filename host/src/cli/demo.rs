//! `bifocal demo`: a whole host for one look, with nothing set up. Owns the pace: when events are handed
//! over, when runs are made and when it ends.

mod draw;
mod feed;
mod host;
mod job;
mod next;
mod plain;
mod scene;
mod screen;
mod watch;

use super::Answer;
use crate::store::RunKind;
use crate::time::parse_duration_ms;
use anyhow::Context;
use clap::Args as ClapArgs;
use feed::Feed;
use host::Host;
use job::{Job, On};
use plain::Plain;
use scene::Scene;
use screen::{Screen, Wish};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use watch::Watch;

/// See a host at work: real events arriving, two executors, one answer
///
/// Nothing has to be there and nothing is left behind: the host lives in a temporary directory, with a
/// transform and events from inside this binary. `q` or Ctrl-C stops it. In a pipe it prints a line a
/// second, and ends when all events have arrived. Exit code 1 if a run found a cell that differs.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal demo
  bifocal demo --on orders --rate 1000 --batch-every 2s
  bifocal demo --plain --for 30s --keep ./demo && bifocal query flights --limit 5 --data ./demo")]
pub struct Args {
    /// What arrives
    #[arg(long, default_value = "flights")]
    on: On,
    /// Events a second
    #[arg(long, value_name = "EVENTS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Between two runs; every fourth is a full one
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    batch_every: String,
    /// Stop after so long [default: when it is told to]
    #[arg(long = "for", value_name = "DURATION")]
    time: Option<String>,
    /// A line a second instead of the full screen
    #[arg(long)]
    plain: bool,
    /// Keep the data directory, as this new one
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Events that are there before the view is: its transform is checked on them, and its first run made.
const FIRST_EVENTS: u64 = 1_000;
/// One run in so many computes everything again.
const FULL_EVERY: u64 = 4;
/// Between two steps, and between two looks.
const STEP: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(250);
const LINE: Duration = Duration::from_secs(1);
/// The bar of the log is as wide as what arrives between so many runs.
const SPAN_RUNS: f64 = 5.0;

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let job = args.on.job();
    let is_stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, is_stopped.clone())?;
    }
    let mut demo = Demo::start(args, job, is_stopped)?;
    let is_screen = !args.plain && std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    let scene = if is_screen { demo.on_screen()? } else { demo.in_lines()? };
    drop(demo);
    // Whoever closed the terminal does not read it.
    _ = std::io::stderr().write_all(next::text(&scene, args.keep.as_deref()).as_bytes());
    let is_clean = scene.incidents.is_empty() && scene.runs.iter().all(scene::Run::is_clean);
    Ok(if is_clean { Answer::Done } else { Answer::No })
}

struct Demo<'a> {
    args: &'a Args,
    host: Host,
    feed: Feed,
    watch: Watch,
    started: Instant,
    batch_every: Duration,
    time: Option<Duration>,
    is_stopped: Arc<AtomicBool>,
    /// Since the start.
    run_due: Duration,
    ordered: u64,
    /// Taken from the feed, and not yet handed over.
    waiting: Vec<u8>,
}

impl<'a> Demo<'a> {
    fn start(args: &'a Args, job: &'static Job, is_stopped: Arc<AtomicBool>) -> anyhow::Result<Demo<'a>> {
        let duration = |flag: &str, text: &str| -> anyhow::Result<Duration> {
            let ms = parse_duration_ms(text).with_context(|| format!("--{flag} '{text}'"))?;
            Ok(Duration::from_millis(ms.max(1) as u64))
        };
        let batch_every = duration("batch-every", &args.batch_every)?;
        let time = args.time.as_deref().map(|text| duration("for", text)).transpose()?;
        let mut feed = Feed::open(job.feed)?;
        let first = feed.take(FIRST_EVENTS);
        eprintln!("start    {}: a host in a directory of its own; the transform is checked first", job.view);
        let host = Host::start(job, args.keep.as_deref(), first)?;
        eprintln!("checks   {}", host.checks);
        let span = batch_every.as_secs_f64() * args.rate as f64 * SPAN_RUNS;
        let watch = Watch::new(job, span as u64);
        Ok(Demo {
            args,
            host,
            feed,
            watch,
            started: Instant::now(),
            batch_every,
            time,
            is_stopped,
            run_due: batch_every,
            ordered: 0,
            waiting: Vec::new(),
        })
    }

    /// Hands over the events that are due, and orders the run that is.
    fn step(&mut self) -> anyhow::Result<()> {
        let elapsed = self.started.elapsed();
        if self.waiting.is_empty() {
            let due = FIRST_EVENTS + (elapsed.as_secs_f64() * self.args.rate as f64) as u64;
            self.waiting = self.feed.take(due.saturating_sub(self.feed.given));
        }
        if !self.waiting.is_empty() && self.host.append(self.waiting.clone())? {
            self.waiting.clear();
        }
        if elapsed >= self.run_due && self.host.view.runs.is_idle() && !self.is_all_in_batch() {
            self.ordered += 1;
            let is_full = self.ordered.is_multiple_of(FULL_EVERY);
            self.host.order(if is_full { RunKind::Full } else { RunKind::Incremental })?;
            self.run_due = elapsed + self.batch_every;
        }
        Ok(())
    }

    fn is_all_in_batch(&self) -> bool {
        let boundary = self.host.view.live().near.pointer().boundary();
        boundary.0 == self.host.stream.log.head()
    }

    /// All events have arrived, and a run has taken in the last one.
    fn is_at_rest(&self) -> bool {
        let is_durable = self.host.stream.log.head() == self.feed.total;
        self.feed.is_over() && self.waiting.is_empty() && is_durable && self.is_all_in_batch()
    }

    fn look(&mut self) -> anyhow::Result<Scene> {
        self.watch.look(&self.host, &self.feed)
    }

    fn is_over(&self) -> bool {
        let is_late = self.time.is_some_and(|time| self.started.elapsed() >= time);
        is_late || self.is_stopped.load(Ordering::Relaxed)
    }

    /// A last look, once what goes on has come to its end.
    fn last_look(&mut self) -> anyhow::Result<Scene> {
        self.host.finish_runs();
        self.look()
    }

    fn on_screen(&mut self) -> anyhow::Result<Scene> {
        let mut screen = Screen::enter()?;
        let mut looked: Option<Instant> = None;
        while !self.is_over() {
            self.step()?;
            if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                let scene = self.look()?;
                screen.draw(&scene)?;
            }
            match screen.wish(STEP) {
                Wish::Stop => break,
                Wish::Redraw => looked = None,
                Wish::Nothing => {}
            }
        }
        self.last_look()
    }

    fn in_lines(&mut self) -> anyhow::Result<Scene> {
        let (mut plain, mut out) = (Plain::default(), std::io::stdout());
        let mut looked = Instant::now();
        while !self.is_over() && !self.is_at_rest() {
            self.step()?;
            if looked.elapsed() >= LINE {
                looked = Instant::now();
                let scene = self.look()?;
                plain.write(&scene, &mut out)?;
            }
            std::thread::sleep(STEP);
        }
        let scene = self.last_look()?;
        plain.write(&scene, &mut out)?;
        Ok(scene)
    }
}
