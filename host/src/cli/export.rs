//! `bifocal export`: the log of a stream as a Parquet file.

use super::Answer;
use super::data::{DataArgs, lost_in_words};
use super::progress::Bars;
use super::report::{rate, seconds};
use super::table::grouped;
use crate::column::{Builder, Value};
use crate::description::{Field, Kind};
use crate::event::{Event, Typing};
use crate::offset::{Offset, Range};
use crate::rows::{Format, Writer};
use crate::store::StreamLog;
use anyhow::Context;
use clap::Args as ClapArgs;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Events that are written at a time.
const EVENTS_AT_ONCE: u64 = 16_384;

/// What the file has of each event; `bifocal import` reads it.
const COLUMNS: [(&str, Kind); 12] = [
    ("offset", Kind::Integer),
    ("time", Kind::Timestamp),
    ("ingested", Kind::Timestamp),
    ("id", Kind::Json),
    ("schema", Kind::Integer),
    ("source", Kind::Text),
    ("position", Kind::Integer),
    ("partition", Kind::Text),
    ("key", Kind::Binary),
    ("headers", Kind::Json),
    ("typing", Kind::Text),
    ("payload", Kind::Json),
];

/// Write the log of a stream to a Parquet file
///
/// One row an event, with all that the log knows of it; none for an event that is lost. (Rows of a view: `bifocal query VIEW --format
/// parquet`.)
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal export orders -o orders.parquet --data ./data")]
pub struct Args {
    stream: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE.parquet")]
    output: PathBuf,
    /// No report and no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let log = store.log(&store.stream(&args.stream)?)?;
    let range = Range::new(Offset(log.floor()), Offset(log.head()));
    let started = Instant::now();
    let mut bars = Bars::new(args.quiet);
    bars.events("export", range.count());
    // A file that is there under its name is whole.
    let unfinished = unfinished(&args.output);
    let written =
        write(&log, range, &unfinished, &mut bars).with_context(|| unfinished.display().to_string());
    if let Err(error) = written {
        _ = std::fs::remove_file(&unfinished);
        return Err(error);
    }
    std::fs::rename(&unfinished, &args.output).with_context(|| args.output.display().to_string())?;
    bars.finish();
    if !args.quiet {
        let took = started.elapsed();
        let (from, to) = (grouped(range.from.0), grouped(range.to.0));
        eprintln!("exported [{from}, {to})   {}   {}", seconds(took), rate(range.count(), took));
    }
    if let Some(lost) = lost_in_words(&log.losses(range)) {
        eprintln!("lost     {lost}");
    }
    log.close()?;
    store.close()?;
    Ok(Answer::Done)
}

fn unfinished(output: &Path) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    output.with_file_name(format!("new-{name}"))
}

fn write(log: &StreamLog, range: Range, path: &Path, bars: &mut Bars) -> anyhow::Result<()> {
    let file = File::create(path)?;
    let mut out = BufWriter::new(&file);
    let field =
        |(name, kind): (&str, Kind)| Field { name: name.into(), path: String::new(), kind, required: false };
    let fields: Vec<Field> = COLUMNS.into_iter().map(field).collect();
    let mut writer = Writer::new(Format::Parquet, &fields, 0, &mut out)?;
    for chunk in range.chunks(EVENTS_AT_ONCE) {
        let mut builders: Vec<Builder> = Vec::new();
        builders.resize_with(fields.len(), Default::default);
        let mut rows = 0;
        log.visit(chunk, |event| {
            add(&mut builders, &event);
            rows += 1;
        })?;
        let columns: Vec<_> = builders.into_iter().map(Builder::finish).collect();
        writer.write(&columns, rows)?;
        bars.set(chunk.to.0 - range.from.0);
    }
    writer.finish()?;
    out.flush()?;
    drop(out);
    Ok(file.sync_all()?)
}

fn add(builders: &mut [Builder], event: &Event<'_>) {
    let bytes = |bytes: Option<&'_ [u8]>| bytes.map(<[u8]>::to_vec);
    let lineage = &event.lineage;
    let headers =
        (!lineage.headers.is_empty()).then(|| serde_json::json!(lineage.headers).to_string().into_bytes());
    let texts = [
        bytes(event.id.map(str::as_bytes)),
        bytes(lineage.source.map(str::as_bytes)),
        bytes(lineage.partition.map(str::as_bytes)),
        bytes(lineage.key),
        headers,
    ];
    let [id, source, partition, key, headers] =
        texts.each_ref().map(|text| text.as_deref().map_or(Value::Absent, Value::Bytes));
    let typing: &[u8] = if event.typing == Typing::Text { b"text" } else { b"json" };
    let values = [
        Value::Integer(event.offset.0 as i64),
        Value::Integer(event.time_ms),
        Value::Integer(event.ingested_ms),
        id,
        event.schema.map_or(Value::Absent, Value::Integer),
        source,
        Value::Integer(lineage.position as i64),
        partition,
        key,
        headers,
        Value::Bytes(typing),
        Value::Bytes(event.payload),
    ];
    for ((builder, (_, kind)), value) in builders.iter_mut().zip(&COLUMNS).zip(values) {
        builder.push(kind, value);
    }
}
