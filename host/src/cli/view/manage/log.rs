//! `bifocal view log`: what the transforms of a view said of themselves.

use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
use anyhow::bail;
use clap::Args as ClapArgs;
use serde::{Deserialize, Serialize};
use std::io::{IsTerminal, Write};

/// Show the last lines that the transforms of a view logged
///
/// A server keeps the last 1,000 of each view since its start.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal view log revenue -n 20")]
pub struct Args {
    name: String,
    /// Lines
    #[arg(short, default_value_t = 100, value_name = "LINES")]
    n: usize,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Deserialize)]
struct Log {
    total: u64,
    lines: Vec<Line>,
}

#[derive(Deserialize, Serialize)]
struct Line {
    at: String,
    level: String,
    message: String,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let Place::Server(client) = args.place.place()? else {
        bail!("what a transform logs is kept by the server that runs it: say --server URL")
    };
    let log: Log = client.get(&format!("{}?limit={}", client.at(&["views", &args.name, "log"]), args.n))?;
    let mut out = std::io::stdout();
    let is_terminal = out.is_terminal();
    for line in &log.lines {
        match is_terminal {
            true => writeln!(out, "{} {:<5} {}", line.at, line.level, line.message)?,
            false => writeln!(out, "{}", serde_json::to_string(line)?)?,
        }
    }
    if is_terminal {
        eprintln!("{} lines since the server started, the last {} above", log.total, log.lines.len());
    }
    Ok(Answer::Done)
}
