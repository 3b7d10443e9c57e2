//! `bifocal rejected`: events that the live version cannot fold, with the reasons.

use crate::cli::Answer;
use crate::cli::client::Client;
use crate::cli::data::{DataArgs, Place, PlaceArgs};
use crate::cli::options;
use crate::cli::view::Opened;
use crate::extract::Rejected;
use crate::log::ReadLog;
use crate::offset::{Offset, Range};
use crate::speed::Speed;
use crate::table::Below;
use clap::Args as ClapArgs;
use serde::Deserialize;
use std::io::{IsTerminal, Write};

/// Events that the live version cannot fold, with the reasons
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal rejected revenue --limit 20")]
pub struct Args {
    view: String,
    /// At or after this offset
    #[arg(long, default_value_t = 0)]
    from_offset: u64,
    /// At most so many
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Deserialize)]
struct Told {
    offset: u64,
    reason: String,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let rejected = match args.place.place()? {
        Place::Directory(data) => here(args, &data)?,
        Place::Server(client) => there(args, &client)?,
    };
    let mut out = std::io::stdout();
    let is_terminal = out.is_terminal();
    for Told { offset, reason } in &rejected {
        match is_terminal {
            true => writeln!(out, "{offset:>12}   {reason}")?,
            false => writeln!(out, "{}", serde_json::json!({ "offset": offset, "reason": reason }))?,
        }
    }
    Ok(Answer::Done)
}

fn there(args: &Args, client: &Client) -> anyhow::Result<Vec<Told>> {
    #[derive(Deserialize)]
    struct Page {
        rejected: Vec<Told>,
    }
    let (from, limit) = (args.from_offset, args.limit);
    let url = client.at(&["views", &args.view, "rejected"]);
    Ok(client.get::<Page>(&format!("{url}?from_offset={from}&limit={limit}"))?.rejected)
}

fn here(args: &Args, data: &DataArgs) -> anyhow::Result<Vec<Told>> {
    let opened = Opened::new(data, &args.view, options::threads(None))?;
    let mut told = Vec::new();
    let mut take = |event: Rejected| {
        if event.offset >= args.from_offset && told.len() < args.limit {
            told.push(Told { offset: event.offset, reason: event.reason });
        }
    };
    let base = opened.base()?;
    for event in base.iter().flat_map(|base| base.rejected()) {
        take(event?);
    }
    let boundary = base.as_ref().map_or(Offset::ZERO, |base| base.meta().range.to);
    let calls = opened.calls();
    let job = opened.job(&calls, opened.log.as_ref());
    let mut speed = Speed::new(job, boundary, base.as_ref().map(|base| base as &dyn Below));
    let head = ReadLog::head(opened.log.as_ref());
    for chunk in Range::new(boundary, head).chunks(65_536) {
        speed.step(chunk.to)?;
    }
    speed.into_half().rejected.into_iter().for_each(take);
    drop(base);
    opened.close()?;
    Ok(told)
}
