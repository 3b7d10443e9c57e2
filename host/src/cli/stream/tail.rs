//! `bifocal stream tail`: the last events of a stream, as they lie in the log.

use crate::cli::Answer;
use crate::cli::data::DataArgs;
use crate::event::Event;
use crate::offset::{Offset, Range};
use crate::time::Rfc3339;
use clap::Args as ClapArgs;
use std::io::{BufWriter, Write};

/// Print the last events of a stream, NDJSON
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal stream tail orders -n 3 --data ./data")]
pub struct Args {
    name: String,
    /// Events
    #[arg(short, default_value_t = 10, value_name = "EVENTS")]
    n: u64,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let log = store.log(&store.stream(&args.name)?)?;
    let head = log.head();
    let from = head.saturating_sub(args.n).max(log.floor());
    let mut out = BufWriter::new(std::io::stdout().lock());
    for stretch in log.pieces(Range::new(Offset(from), Offset(head))) {
        stretch?.between(from, head).try_for_each(|event| write_event(&mut out, &event))?;
    }
    out.flush()?;
    Ok(Answer::Done)
}

/// The payload goes out as it came in.
fn write_event(out: &mut impl Write, event: &Event<'_>) -> std::io::Result<()> {
    let text = |text: Option<&str>| serde_json::Value::from(text);
    let schema = serde_json::Value::from(event.schema);
    write!(
        out,
        r#"{{"offset":{},"time":"{}","ingested":"{}","id":{},"schema":{schema},"source":{},"position":{},"payload":"#,
        event.offset,
        Rfc3339(event.time_ms),
        Rfc3339(event.ingested_ms),
        text(event.id),
        text(event.lineage.source),
        event.lineage.position,
    )?;
    out.write_all(event.payload)?;
    out.write_all(b"}\n")
}
