//! `bifocal stream list`: what streams there are.

use super::shown::all;
use crate::cli::Answer;
use crate::cli::data::PlaceArgs;
use crate::cli::table::{listing, write_rows};
use crate::column::Value;
use crate::description::Kind;
use crate::rows::Format;
use crate::time::TimeRule;
use clap::Args as ClapArgs;

/// List the streams
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal stream list --data ./data")]
pub struct Args {
    /// How rows are printed [default: table on a terminal, ndjson in a pipe]
    #[arg(long)]
    format: Option<Format>,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let streams = all(&args.place)?;
    let columns = [
        ("name", Kind::Text),
        ("events", Kind::Integer),
        ("bytes", Kind::Integer),
        ("time", Kind::Text),
        ("id", Kind::Text),
        ("created", Kind::Timestamp),
    ];
    let created_ms = |text: &str| TimeRule::DEFAULT.parse_text(text.as_bytes());
    let rows = streams.iter().map(|stream| {
        [
            Value::Bytes(stream.name.as_bytes()),
            Value::Integer((stream.head - stream.lost) as i64),
            Value::Integer(stream.bytes as i64),
            text(stream.time.as_deref()),
            text(stream.id.as_deref()),
            created_ms(&stream.created).map_or(Value::Absent, Value::Integer),
        ]
    });
    write_rows(&listing(columns, rows), args.format, usize::MAX)?;
    Ok(Answer::Done)
}

fn text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Absent, |text| Value::Bytes(text.as_bytes()))
}
