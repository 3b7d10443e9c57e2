//! `bifocal stream show`: all that is known of one stream.

use crate::cli::Answer;
use crate::cli::data::{DataArgs, lost_in_words};
use crate::cli::table::grouped;
use crate::log::ReadLog;
use crate::offset::{Offset, Range};
use crate::store::{Loss, StreamLog, StreamRecord};
use crate::time::{Rfc3339, format_bytes, format_duration_ms};
use clap::Args as ClapArgs;
use serde_json::json;
use std::io::{IsTerminal, Write};

/// Show a stream: where it ends, what it takes, how far its time has come
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal stream show orders --data ./data")]
pub struct Args {
    name: String,
    /// As one JSON object also on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let record = store.stream(&args.name)?;
    let log = store.log(&record)?;
    let shown = Shown::new(&record, &log)?;
    let mut out = std::io::stdout();
    if args.json || !out.is_terminal() {
        writeln!(out, "{}", shown.json())?;
    } else {
        shown.lines().iter().try_for_each(|(name, value)| writeln!(out, "{name:<17} {value}"))?;
    }
    Ok(Answer::Done)
}

struct Shown<'a> {
    record: &'a StreamRecord,
    head: u64,
    floor: u64,
    segments: usize,
    bytes: u64,
    times_ms: Option<(i64, i64)>,
    watermark_ms: Option<i64>,
    future: u64,
    losses: Vec<Loss>,
}

impl<'a> Shown<'a> {
    fn new(record: &'a StreamRecord, log: &StreamLog) -> anyhow::Result<Shown<'a>> {
        let head = log.head();
        let (segments, bytes) = log.size()?;
        let times = log.times(Range::new(Offset(head), Offset(head)))?;
        Ok(Shown {
            record,
            head,
            floor: log.floor(),
            segments,
            bytes,
            times_ms: log.times_ms(),
            watermark_ms: times.rule.watermark(times.greatest_before_ms),
            future: log.future_events(),
            losses: log.losses(Range::new(Offset(log.floor()), Offset(head))),
        })
    }

    fn json(&self) -> serde_json::Value {
        let record = self.record;
        json!({
            "name": record.name,
            "head": self.head,
            "floor": self.floor,
            "segments": self.segments,
            "bytes": self.bytes,
            "times": self.times_ms.map(|(a, b)| [Rfc3339(a).to_string(), Rfc3339(b).to_string()]),
            "watermark": self.watermark_ms.map(|ms| Rfc3339(ms).to_string()),
            "future": self.future,
            "lost": Loss::count(&self.losses),
            "lost_offsets": self.losses.iter().map(|loss| [loss.range.from.0, loss.range.to.0]).collect::<Vec<_>>(),
            "time": record.time,
            "time_format": record.time_format,
            "time_unit": record.time_unit,
            "id": record.id,
            "out_of_orderness": format_duration_ms(record.out_of_orderness_ms),
            "max_ahead": format_duration_ms(record.max_ahead_ms),
            "dedup_events": record.dedup_events,
            "schema": record.schema().map(|schema| schema.number),
            "created": Rfc3339(record.created_ms).to_string(),
        })
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let record = self.record;
        let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.into());
        let times = self.times_ms.map(|(a, b)| format!("{} … {}", Rfc3339(a), Rfc3339(b)));
        let watermark = self.watermark_ms.map(|ms| Rfc3339(ms).to_string());
        let schema = record.schema().map(|schema| schema.number.to_string());
        vec![
            ("name", record.name.clone()),
            ("head", grouped(self.head)),
            ("floor", grouped(self.floor)),
            ("segments", format!("{} of {}", self.segments, format_bytes(self.bytes))),
            ("times", or(&times, "none")),
            ("watermark", or(&watermark, "none")),
            ("future", grouped(self.future)),
            ("lost", lost_in_words(&self.losses).unwrap_or_else(|| "none".into())),
            ("time", or(&record.time, "when it came in")),
            ("id", or(&record.id, "none")),
            ("out of orderness", format_duration_ms(record.out_of_orderness_ms)),
            ("max ahead", format_duration_ms(record.max_ahead_ms)),
            ("schema", or(&schema, "none")),
            ("created", Rfc3339(record.created_ms).to_string()),
        ]
    }
}
