//! `bifocal stream list`: what streams there are.

use crate::cli::Answer;
use crate::cli::data::DataArgs;
use crate::cli::table::{listing, write_rows};
use crate::column::Value;
use crate::description::Kind;
use crate::log::ReadLog;
use crate::offset::{Offset, Range};
use crate::rows::Format;
use clap::Args as ClapArgs;

/// List the streams of a data directory
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal stream list --data ./data")]
pub struct Args {
    /// How rows are printed [default: table on a terminal, ndjson in a pipe]
    #[arg(long)]
    format: Option<Format>,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let columns = [
        ("name", Kind::Text),
        ("events", Kind::Integer),
        ("bytes", Kind::Integer),
        ("time", Kind::Text),
        ("id", Kind::Text),
        ("created", Kind::Timestamp),
    ];
    let streams = store.streams()?;
    let mut sizes = Vec::with_capacity(streams.len());
    for stream in &streams {
        let log = store.log(stream)?;
        let head = Offset(log.head());
        sizes.push((head.0 - log.lost(Range::new(Offset::ZERO, head)), log.size()?.1));
    }
    let rows = streams.iter().zip(sizes).map(|(stream, (events, bytes))| {
        [
            Value::Bytes(stream.name.as_bytes()),
            Value::Integer(events as i64),
            Value::Integer(bytes as i64),
            text(stream.time.as_deref()),
            text(stream.id.as_deref()),
            Value::Integer(stream.created_ms),
        ]
    });
    write_rows(&listing(columns, rows), args.format, usize::MAX)?;
    Ok(Answer::Done)
}

fn text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Absent, |text| Value::Bytes(text.as_bytes()))
}
