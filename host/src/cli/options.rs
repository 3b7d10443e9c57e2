//! What every command that folds events does first: the engine, the component, the log.

use super::events::{EventArgs, OnError};
use super::progress::Bars;
use crate::extract::Extractor;
use crate::input::{self, Appended};
use crate::log::Log;
use crate::offset::{Offset, Range};
use crate::wasm::{self, Component, Engine, Level, Samples};
use anyhow::Context;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// An engine with the user's cache of compiled components, whose guests log to stderr.
pub fn engine(threads: usize) -> anyhow::Result<Engine> {
    engine_with(threads, heard_from(Level::Info))
}

/// The same for a server, where many call at a time.
pub fn server_engine(threads: usize) -> anyhow::Result<Engine> {
    engine(threads + SERVER_INSTANCES / 2)
}

/// Instances of a server beside those of a run.
const SERVER_INSTANCES: usize = 48;

/// The same, but guests are not heard.
pub fn quiet_engine(threads: usize) -> anyhow::Result<Engine> {
    engine_with(threads, Arc::new(|_, _, _| {}))
}

fn engine_with(threads: usize, log: wasm::Sink) -> anyhow::Result<Engine> {
    Ok(Engine::new(wasm::Options { log, ..options(threads) })?)
}

/// An engine for authors, which tells where in their code a guest has trapped.
pub fn telling_engine(threads: usize, level: Level, samples: Option<Arc<Samples>>) -> anyhow::Result<Engine> {
    let log = once(heard_from(level));
    let options = wasm::Options { log, backtraces: true, samples, ..options(threads) };
    Ok(Engine::new(options)?)
}

fn options(threads: usize) -> wasm::Options {
    let instances_max = threads as u32 * 2 + 2;
    wasm::Options { cache: cache_directory(), instances_max, ..wasm::Options::default() }
}

/// Lines that are remembered as said.
const SAID_MAX: usize = 10_000;

/// Passes each line on once: a chunk that fails is folded again in halves, down to the row, and says the
/// same each time.
fn once(log: wasm::Sink) -> wasm::Sink {
    let said = Mutex::new(BTreeSet::new());
    Arc::new(move |level, transform, message| {
        let is_new = {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.len() >= SAID_MAX || said.insert(message.to_owned())
        };
        if is_new {
            log(level, transform, message);
        }
    })
}

/// Writes to stderr what guests log at this level or above.
fn heard_from(least: Level) -> wasm::Sink {
    Arc::new(move |level, transform, message| {
        if level >= least {
            eprintln!("{transform:<8} {level}: {message}");
        }
    })
}

/// `BIFOCAL_CACHE`, else `bifocal` in the user's cache directory; None: nothing is cached.
pub fn cache_directory() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("BIFOCAL_CACHE")
        .or_else(|| named("XDG_CACHE_HOME").map(|cache| cache.join("bifocal")))
        .or_else(|| named("HOME").map(|home| home.join(".cache").join("bifocal")))
}

pub fn component(engine: &Engine, path: &Path, settings: &str) -> anyhow::Result<Component> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Component::load(engine, &bytes, settings).with_context(|| path.display().to_string())
}

/// How many threads there are to use.
pub fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
}

/// The events of `files`, in order, as one log.
pub fn read(
    component: &dyn crate::transform::Transform,
    events: &EventArgs,
    files: &[PathBuf],
    bars: &mut Bars,
) -> anyhow::Result<(Log, Extractor, Appended)> {
    let description = component.description();
    let rule = events.time_rule(description)?;
    let extractor = Extractor::new(description, rule.clone())?;
    let mut log = Log::new(events.stream(description)?);
    let options = input::Options {
        time: events.time_source(description)?,
        id: events.id.clone(),
        rule,
        now_ms: events.now_ms()?,
        any_time: events.any_time,
        skip: matches!(events.on_error, OnError::Skip),
    };
    let appended = input::append_files(&mut log, files, &options, &mut bars.of_bytes("read"))?;
    bars.finish();
    Ok((log, extractor, appended))
}

/// Where an event came from: `offset 17 (orders.ndjson:18)`.
pub fn place(log: &Log, offset: u64) -> String {
    let event = log.read(Range::new(Offset(offset), Offset(offset).plus(1))).next();
    let lineage = event.map(|event| event.lineage);
    match lineage.and_then(|lineage| Some((lineage.source?, lineage.position))) {
        Some((source, position)) => format!("offset {offset} ({source}:{position})"),
        None => format!("offset {offset}"),
    }
}
