//! `bifocal stream list`: what streams there are.

use crate::cli::Answer;
use crate::cli::data::DataArgs;
use crate::cli::table::write_rows;
use crate::column::{Builder, Value};
use crate::description::{Field, Kind};
use crate::log::ReadLog;
use crate::offset::{Offset, Range};
use crate::rows::{Format, Rows};
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
    let kinds = [Kind::Text, Kind::Integer, Kind::Integer, Kind::Text, Kind::Text, Kind::Timestamp];
    let names = ["name", "events", "bytes", "time", "id", "created"];
    let mut columns: [Builder; 6] = Default::default();
    let streams = store.streams()?;
    for stream in &streams {
        let log = store.log(stream)?;
        let (_, bytes) = log.size()?;
        let head = Offset(log.head());
        let text = |text: &'_ Option<String>| text.clone().unwrap_or_default().into_bytes();
        let (time, id) = (text(&stream.time), text(&stream.id));
        let shown = |text: &'_ Vec<u8>| text.is_empty();
        let values = [
            Value::Bytes(stream.name.as_bytes()),
            Value::Integer((head.0 - log.lost(Range::new(Offset::ZERO, head))) as i64),
            Value::Integer(bytes as i64),
            if shown(&time) { Value::Absent } else { Value::Bytes(&time) },
            if shown(&id) { Value::Absent } else { Value::Bytes(&id) },
            Value::Integer(stream.created_ms),
        ];
        columns
            .iter_mut()
            .zip(&kinds)
            .zip(values)
            .for_each(|((column, kind), value)| column.push(kind, value));
    }
    let field =
        |(name, kind): (&str, Kind)| Field { name: name.into(), path: String::new(), kind, required: true };
    let fields = names.into_iter().zip(kinds).map(field).collect();
    let columns = columns.into_iter().map(Builder::finish).collect();
    write_rows(&Rows::new(fields, columns, streams.len()), args.format, usize::MAX)?;
    Ok(Answer::Done)
}
