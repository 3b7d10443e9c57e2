//! `bifocal stream tail`: the last events of a stream, as they lie in the log.

use crate::app::StreamShown;
use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
use crate::offset::{Offset, Range};
use clap::Args as ClapArgs;
use std::io::{BufWriter, Write};

/// Asked of a server at a time.
const PAGE_EVENTS: u64 = 1_000_000;

/// Print the last events of a stream, NDJSON
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal stream tail orders -n 3 --data ./data")]
pub struct Args {
    name: String,
    /// Events
    #[arg(short, default_value_t = 10, value_name = "EVENTS")]
    n: u64,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    write_last(&args.place.place()?, &args.name, args.n, &mut out)?;
    out.flush()?;
    Ok(Answer::Done)
}

/// Writes the last `n` events of a stream, or all if there are fewer.
pub fn write_last(place: &Place, name: &str, n: u64, mut out: &mut dyn Write) -> anyhow::Result<()> {
    match place {
        Place::Directory(data) => {
            let store = data.open()?;
            let log = store.log(&store.stream(name)?)?;
            let head = log.head();
            let from = head.saturating_sub(n).max(log.floor());
            for stretch in log.pieces(Range::new(Offset(from), Offset(head))) {
                stretch?.between(from, head).try_for_each(|event| event.write_line(&mut out))?;
            }
        }
        Place::Server(client) => {
            let url = client.at(&["streams", name]);
            let shown: StreamShown = client.get(&url)?;
            let mut from = shown.head.saturating_sub(n).max(shown.floor);
            while from < shown.head {
                let limit = (shown.head - from).min(PAGE_EVENTS);
                let lines = client.lines(&format!("{url}/events?from_offset={from}&limit={limit}"))?;
                std::io::copy(&mut lines.body.into_reader(), &mut out)?;
                from = lines.next_offset;
            }
        }
    }
    Ok(())
}
