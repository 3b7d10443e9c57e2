//! The event options of `run`, `check` and `test`: raw flags, and what `bifocal.toml` says, to one
//! resolved configuration.

use super::language::Language;
use crate::description::{Description, Kind};
use crate::input;
use crate::log::Stream;
use crate::settings::Settings;
use crate::time::{self, TimeRule, Unit};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Event options")]
pub struct EventArgs {
    /// Path of the event's time [default: annotation `time`, else the only timestamp input, else 0
    /// if the window is global]
    #[arg(long, value_name = "PATH")]
    pub time: Option<String>,
    /// Format of times that are neither RFC 3339 nor epoch numbers (as strftime)
    #[arg(long, value_name = "FORMAT")]
    pub time_format: Option<String>,
    /// Unit of times that are epoch numbers
    #[arg(long, value_name = "UNIT")]
    pub time_unit: Option<TimeUnit>,
    /// Path of the event's id: later events with the same id are left out
    #[arg(long, value_name = "PATH")]
    pub id: Option<String>,
    /// How long after its end a window stays open
    #[arg(long, value_name = "DURATION")]
    pub lateness: Option<String>,
    /// How far behind the greatest event time an event may be without closing windows on it
    #[arg(long, value_name = "DURATION")]
    pub out_of_orderness: Option<String>,
    /// How far ahead of now an event may be dated and still move the watermark [default: 1h]
    #[arg(long, value_name = "DURATION")]
    pub max_ahead: Option<String>,
    /// What "now" is; only late and settled see it [default: the clock]
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    /// Settings of the transform, TOML or JSON
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// One setting; JSON if it parses, else text; dotted keys nest
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// What a malformed line does: refuse the input, or be skipped and counted
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    pub on_error: OnError,
    /// Let in times outside 1990-2100
    #[arg(long)]
    pub any_time: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum OnError {
    #[default]
    Refuse,
    Skip,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TimeUnit {
    S,
    Ms,
    Us,
    Ns,
}

impl From<TimeUnit> for Unit {
    fn from(unit: TimeUnit) -> Unit {
        match unit {
            TimeUnit::S => Unit::Seconds,
            TimeUnit::Ms => Unit::Milliseconds,
            TimeUnit::Us => Unit::Microseconds,
            TimeUnit::Ns => Unit::Nanoseconds,
        }
    }
}

/// `bifocal.toml` beside a plugin.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginFile {
    pub time: Option<String>,
    pub time_format: Option<String>,
    pub time_unit: Option<String>,
    pub id: Option<String>,
    #[serde(default)]
    pub settings: toml::Table,
    /// Events for `check`; relative to the file.
    pub sample: Option<PathBuf>,
    /// What the plugin is written in, where no file of the language's own tells it.
    pub language: Option<Language>,
    /// Where the SDK is, if not in `bifocal-sdk`; relative to the file.
    pub sdk: Option<PathBuf>,
}

impl PluginFile {
    /// The file in `directory`; an empty one if there is none.
    pub fn beside(directory: &Path) -> anyhow::Result<PluginFile> {
        let path = directory.join("bifocal.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(PluginFile::default()),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }
}

impl EventArgs {
    /// Flags win over the file.
    pub fn or(&self, file: &PluginFile) -> anyhow::Result<EventArgs> {
        let mut args = self.clone();
        args.time = args.time.or_else(|| file.time.clone());
        args.time_format = args.time_format.or_else(|| file.time_format.clone());
        args.id = args.id.or_else(|| file.id.clone());
        if let (None, Some(unit)) = (args.time_unit, &file.time_unit) {
            args.time_unit = Some(time_unit(unit).context("bifocal.toml: time_unit")?);
        }
        Ok(args)
    }

    /// Settings in canonical form: those of `base`, then `--settings`, then each `--set`.
    pub fn settings(&self, base: &toml::Table) -> anyhow::Result<String> {
        let mut settings = match &self.settings {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
                Settings::parse(&text).with_context(|| path.display().to_string())?
            }
            None => Settings::from_toml(base.clone())?,
        };
        self.set.iter().try_for_each(|pair| settings.set(pair))?;
        Ok(settings.canonical()?)
    }

    pub fn lateness_ms(&self) -> anyhow::Result<i64> {
        duration_ms("--lateness", self.lateness.as_deref(), 0)
    }

    pub fn now_ms(&self) -> anyhow::Result<i64> {
        match &self.now {
            Some(text) => {
                TimeRule::default().parse_text(text.as_bytes()).with_context(|| format!("--now '{text}'"))
            }
            None => Ok(chrono::Utc::now().timestamp_millis()),
        }
    }

    /// How times are read: flags, else the annotation `time-unit`.
    pub fn time_rule(&self, description: &Description) -> anyhow::Result<TimeRule> {
        let annotated = description.annotation("time-unit").map(time_unit).transpose();
        let unit = self.time_unit.or(annotated.context("annotation time-unit")?);
        TimeRule::new(self.time_format.as_deref(), unit.map(Unit::from)).context("--time-format")
    }

    pub fn stream(&self, description: &Description) -> anyhow::Result<Stream> {
        let time = match self.time_source(description)? {
            input::TimeSource::Path(path) => Some(path),
            _ => None,
        };
        Ok(Stream {
            time,
            id: self.id.clone(),
            out_of_orderness_ms: duration_ms("--out-of-orderness", self.out_of_orderness.as_deref(), 0)?,
            max_ahead_ms: duration_ms("--max-ahead", self.max_ahead.as_deref(), 3_600_000)?,
            ..Stream::default()
        })
    }

    /// `--time`, else the annotation, else the only input of kind timestamp, else 0 for a global
    /// window; else an error that names the candidates.
    pub fn time_source(&self, description: &Description) -> anyhow::Result<input::TimeSource> {
        if let Some(path) = self.time.as_deref().or(description.annotation("time")) {
            return Ok(input::TimeSource::Path(path.into()));
        }
        let of_payload = |path: &str| !path.is_empty() && !path.starts_with('@');
        let inputs = description.inputs.iter().filter(|field| of_payload(&field.path));
        let (times, others): (Vec<_>, Vec<_>) = inputs.partition(|field| field.kind == Kind::Timestamp);
        let names = |fields: &[&crate::description::Field]| {
            fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>().join(", ")
        };
        match times.as_slice() {
            [only] => Ok(input::TimeSource::Path(only.path.clone())),
            [] if description.window.is_none() => Ok(input::TimeSource::Zero),
            [] => bail!(
                "transform '{}' has windows, but nothing says which field is the event's time; name it with \
                 --time PATH (its inputs are {})",
                description.name,
                names(&others)
            ),
            several => bail!(
                "transform '{}' reads several timestamps ({}); say with --time PATH which is the event's time",
                description.name,
                names(several)
            ),
        }
    }
}

fn time_unit(text: &str) -> anyhow::Result<TimeUnit> {
    TimeUnit::from_str(text, false).map_err(|_| anyhow::anyhow!("'{text}' is none of s, ms, us, ns"))
}

pub fn duration_ms(flag: &str, text: Option<&str>, default_ms: i64) -> anyhow::Result<i64> {
    let Some(text) = text else { return Ok(default_ms) };
    time::parse_duration_ms(text).with_context(|| format!("{flag} '{text}'"))
}
