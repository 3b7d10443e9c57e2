//! `bifocal stream create`: a stream, by what is fixed for good.

use super::schema;
use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
use crate::cli::events::TimeUnit;
use crate::input::{Declared, NotDeclared};
use crate::time::Unit;
use anyhow::{anyhow, bail};
use clap::Args as ClapArgs;
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
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let declared = args.declared()?;
    let record = declared.record(&args.name, chrono::Utc::now().timestamp_millis());
    let record = record.map_err(|not| args.in_words(&not))?;
    let name = &args.name;
    match args.place.place()? {
        Place::Directory(data) => _ = data.open_or_make()?.create_stream(record)?,
        Place::Server(client) => {
            client.create(&client.at(&["streams", name]), &serde_json::to_string(&declared)?)?;
        }
    }
    eprintln!("created  stream {name}");
    eprintln!("next     bifocal append {name} FILE{}", args.place.again());
    Ok(Answer::Done)
}

impl Args {
    fn declared(&self) -> anyhow::Result<Declared> {
        let unit = self.time_unit.map(Unit::from);
        if self.time.is_none() && (self.time_format.is_some() || unit.is_some()) {
            bail!(
                "--time-format and --time-unit say how a time is written; name the field that has it with --time PATH"
            );
        }
        Ok(Declared {
            time: self.time.clone(),
            time_format: self.time_format.clone(),
            time_unit: unit.map(|unit| unit.to_string()),
            id: self.id.clone(),
            out_of_orderness: self.out_of_orderness.clone(),
            max_ahead: self.max_ahead.clone(),
            dedup_events: None,
            schema: self.schema()?,
        })
    }

    fn schema(&self) -> anyhow::Result<Option<serde_json::Value>> {
        self.schema.as_deref().map(|file| schema::read("--schema", file)).transpose()
    }

    /// A field is the flag of its name.
    fn in_words(&self, not: &NotDeclared) -> anyhow::Error {
        let NotDeclared { field, value, why } = not;
        let flag = field.replace('_', "-");
        match (value, &self.schema) {
            (Some(value), _) => anyhow!("--{flag} '{value}': {why}"),
            (None, Some(path)) => anyhow!("--{flag} {}: {why}", path.display()),
            (None, None) => anyhow!("--{flag}: {why}"),
        }
    }
}
