//! `bifocal stream create`: a stream, by what is fixed for good.

use crate::cli::Answer;
use crate::cli::data::DataArgs;
use crate::cli::events::{TimeUnit, duration_ms};
use crate::extract::{Path, Probe};
use crate::input::Schema;
use crate::log::Stream;
use crate::store::{SchemaRecord, StreamRecord};
use crate::time::{TimeRule, Unit};
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;

/// Create a stream; the directory too, if there is none
///
/// What is said here is fixed for good: the time and id of an event are read once, when it is appended.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal stream create orders --data ./data --time ts --id order_id
  bifocal stream create clicks --data ./data --time at --time-unit ms --out-of-orderness 30s --schema click.json")]
pub struct Args {
    name: String,
    /// Path of the event's time [default: none, an event's time is when it comes in]
    #[arg(long, value_name = "PATH")]
    time: Option<String>,
    /// Format of times that are neither RFC 3339 nor epoch numbers (as strftime)
    #[arg(long, value_name = "FORMAT")]
    time_format: Option<String>,
    /// Unit of times that are epoch numbers
    #[arg(long, value_name = "UNIT")]
    time_unit: Option<TimeUnit>,
    /// Path of the event's id: later events with the same id are left out
    #[arg(long, value_name = "PATH")]
    id: Option<String>,
    /// How far behind the greatest event time an event may be without closing windows on it [default: 0]
    #[arg(long, value_name = "DURATION")]
    out_of_orderness: Option<String>,
    /// How far ahead of now an event may be dated and still move the watermark [default: 1h]
    #[arg(long, value_name = "DURATION")]
    max_ahead: Option<String>,
    /// JSON Schema of the events; an event that breaks it is refused
    #[arg(long, value_name = "FILE.json")]
    schema: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let record = args.record()?;
    let name = record.name.clone();
    args.data.open_or_make()?.create_stream(record)?;
    eprintln!("created  stream {name}");
    eprintln!("next     bifocal append {name} FILE{}", args.data.again());
    Ok(Answer::Done)
}

impl Args {
    fn record(&self) -> anyhow::Result<StreamRecord> {
        let defaults = Stream::default();
        let unit = self.time_unit.map(Unit::from);
        if self.time.is_none() && (self.time_format.is_some() || unit.is_some()) {
            bail!(
                "--time-format and --time-unit say how a time is written; name the field that has it with --time PATH"
            );
        }
        let rule = TimeRule::new(self.time_format.as_deref(), unit).context("--time-format")?;
        let path = |flag: &str, path: &Option<String>| {
            path.as_deref().map(Path::new).transpose().with_context(|| flag.to_owned())
        };
        Probe::new(path("--time", &self.time)?, path("--id", &self.id)?, rule)?;
        let max_ahead = duration_ms("--max-ahead", self.max_ahead.as_deref(), defaults.max_ahead_ms)?;
        Ok(StreamRecord {
            number: 0,
            name: self.name.clone(),
            time: self.time.clone(),
            time_format: self.time_format.clone(),
            time_unit: unit.map(|unit| unit.to_string()),
            id: self.id.clone(),
            out_of_orderness_ms: duration_ms("--out-of-orderness", self.out_of_orderness.as_deref(), 0)?,
            max_ahead_ms: max_ahead,
            dedup_events: defaults.dedup_events,
            seed: RandomState::new().build_hasher().finish(),
            schemas: self.schemas()?,
            created_ms: chrono::Utc::now().timestamp_millis(),
        })
    }

    fn schemas(&self) -> anyhow::Result<Vec<SchemaRecord>> {
        let Some(path) = &self.schema else { return Ok(Vec::new()) };
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("--schema {shown}"))?;
        Schema::new(1, &text).map_err(|why| anyhow::anyhow!("--schema {shown}: {why}"))?;
        Ok(vec![SchemaRecord { number: 1, text }])
    }
}
