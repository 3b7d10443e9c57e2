//! The log of a stream as a Parquet file.

use super::{Args, whole};
use crate::cli::Answer;
use crate::cli::data::lost_in_words;
use crate::cli::progress::Bars;
use crate::cli::report::{rate, seconds};
use crate::cli::table::grouped;
use crate::column::{Builder, Value};
use crate::description::{Field, Kind};
use crate::event::{Event, Typing};
use crate::offset::{Offset, Range};
use crate::rows::{Format, Writer};
use crate::store::StreamLog;
use std::io::Write;
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

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let log = store.log(&store.stream(&args.name)?)?;
    let range = Range::new(Offset(log.floor()), Offset(log.head()));
    let started = Instant::now();
    let mut bars = Bars::new(args.quiet);
    bars.events("export", range.count());
    whole(&args.output, |out| write(&log, range, out, &mut bars))?;
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

fn write(log: &StreamLog, range: Range, out: &mut dyn Write, bars: &mut Bars) -> anyhow::Result<()> {
    let field =
        |(name, kind): (&str, Kind)| Field { name: name.into(), path: String::new(), kind, required: false };
    let fields: Vec<Field> = COLUMNS.into_iter().map(field).collect();
    let mut writer = Writer::new(Format::Parquet, &fields, 0, out)?;
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
    Ok(writer.finish()?)
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
