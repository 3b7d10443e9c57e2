//! `bifocal stream show`: all that is known of one stream.

use super::shown::one;
use crate::app::StreamShown;
use crate::cli::Answer;
use crate::cli::data::{PlaceArgs, ranges_in_words};
use crate::cli::table::grouped;
use crate::time::format_bytes;
use clap::Args as ClapArgs;
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
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let shown = one(&args.place, &args.name)?;
    let mut out = std::io::stdout();
    if args.json || !out.is_terminal() {
        writeln!(out, "{}", serde_json::to_string(&shown)?)?;
    } else {
        lines(&shown).iter().try_for_each(|(name, value)| writeln!(out, "{name:<17} {value}"))?;
    }
    Ok(Answer::Done)
}

fn lines(shown: &StreamShown) -> Vec<(&'static str, String)> {
    let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.into());
    let times = shown.times.as_ref().map(|[least, greatest]| format!("{least} … {greatest}"));
    let ranges: Vec<(u64, u64)> = shown.lost_offsets.iter().map(|[from, to]| (*from, *to)).collect();
    let lost = shown.lost_reason.as_ref().map(|reason| ranges_in_words(&ranges, reason));
    vec![
        ("name", shown.name.clone()),
        ("head", grouped(shown.head)),
        ("floor", grouped(shown.floor)),
        ("segments", format!("{} of {}", shown.segments, format_bytes(shown.bytes))),
        ("times", or(&times, "none")),
        ("watermark", or(&shown.watermark, "none")),
        ("future", grouped(shown.future)),
        ("lost", or(&lost, "none")),
        ("time", or(&shown.time, "when it came in")),
        ("id", or(&shown.id, "none")),
        ("out of orderness", shown.out_of_orderness.clone()),
        ("max ahead", shown.max_ahead.clone()),
        ("schema", or(&shown.schema.map(|number| number.to_string()), "none")),
        ("created", shown.created.clone()),
    ]
}
