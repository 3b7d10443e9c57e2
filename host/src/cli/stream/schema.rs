//! `bifocal stream schema`: which JSON Schema the events of a stream keep, and another one from now on.

use crate::app::StreamShown;
use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
use crate::input::schema_text;
use anyhow::Context;
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};

/// Print the JSON Schema of a stream, or put another one in force for what is appended from now on
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal stream schema orders --data ./data
  bifocal stream schema orders order-2.json --data ./data
  echo true | bifocal stream schema orders -        # any JSON again")]
pub struct Args {
    name: String,
    /// The JSON Schema to put in force; - is the standard input
    file: Option<PathBuf>,
    /// Print an earlier one
    #[arg(long, conflicts_with = "file")]
    number: Option<i64>,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    match &args.file {
        Some(file) => {
            let number = put(args, &read("schema", file)?)?;
            eprintln!("stream {}: schema {number} is in force", args.name);
        }
        None => println!("{}", printed(args)?),
    }
    Ok(Answer::Done)
}

/// A JSON Schema from a file that was given as `given`.
pub fn read(given: &str, file: &Path) -> anyhow::Result<serde_json::Value> {
    let shown = file.display();
    let text = match file.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(file),
    };
    let text = text.with_context(|| format!("{given} {shown}"))?;
    serde_json::from_str(&text).with_context(|| format!("{given} {shown}: it is no JSON"))
}

/// The number under which it is in force.
fn put(args: &Args, schema: &serde_json::Value) -> anyhow::Result<i64> {
    let text = schema_text(schema)?;
    let number = match args.place.place()? {
        Place::Directory(data) => {
            data.open()?.add_schema(&args.name, &text)?.schema().map(|last| last.number)
        }
        Place::Server(client) => {
            let url = client.at(&["streams", &args.name, "schema"]);
            client.put::<StreamShown>(&url, "application/json", text.as_bytes())?.schema
        }
    };
    number.context("the stream has no schema after all")
}

fn printed(args: &Args) -> anyhow::Result<String> {
    let text = match args.place.place()? {
        Place::Directory(data) => {
            let record = data.open()?.stream(&args.name)?;
            record.schema_numbered(args.number).map_err(anyhow::Error::msg)?.text.clone()
        }
        Place::Server(client) => {
            let number = args.number.map(|number| format!("?number={number}")).unwrap_or_default();
            let url = client.at(&["streams", &args.name, "schema"]) + &number;
            client.get::<serde_json::Value>(&url)?.to_string()
        }
    };
    Ok(text)
}
