//! `bifocal append`: files into a stream, durable and resumable.

mod there;

use super::Answer;
use super::client::Client;
use super::data::{DataArgs, Place, PlaceArgs};
use super::progress::Bars;
use super::report::{rate, seconds};
use super::table::grouped;
use crate::input::{self, Destination, Durable, Here, Note, Reading, Stopped};
use crate::store::Appender;
use anyhow::bail;
use clap::Args as ClapArgs;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use there::There;

/// Append files to a stream
///
/// What was appended of a file before is found again by its name and first row, read, compared and left
/// out: an append that was interrupted goes on, and of a file that has grown only what is new is
/// appended. Standard input is appended as it is.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal append orders orders-2026-01.ndjson orders-2026-02.ndjson.gz --data ./data
  bifocal append orders orders.csv --server http://127.0.0.1:4600
  zcat orders.ndjson.gz | bifocal append orders - --data ./data")]
pub struct Args {
    stream: String,
    /// Events: NDJSON, CSV or Parquet, also in gzip or zstd; `-` is stdin
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Append files from their start, whatever was appended of them before
    #[arg(long)]
    again: bool,
    /// Let in times outside 1990-2100
    #[arg(long)]
    any_time: bool,
    /// No report and no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let mut bars = Bars::new(args.quiet);
    let started = Instant::now();
    let appended = match args.place.place()? {
        Place::Directory(data) => args.here(&data, &mut bars)?,
        Place::Server(client) => args.there(client, &mut bars)?,
    };
    let told = Told { what: "appended", took: started.elapsed(), is_quiet: args.quiet };
    bars.finish();
    match appended {
        Ok(durable) => {
            tell(&told, &durable)?;
            Ok(Answer::Done)
        }
        Err(stopped) => {
            let advice = args.advice(&stopped);
            let Stopped { error, durable } = *stopped;
            tell(&told, &durable)?;
            bail!("{error}\n         {advice}")
        }
    }
}

type Appended = Result<Durable, Box<Stopped>>;

impl Args {
    fn here(&self, data: &DataArgs, bars: &mut Bars) -> anyhow::Result<Appended> {
        let store = data.open()?;
        let record = store.stream(&self.stream)?;
        let log = store.log(&record)?;
        let appender = Appender::new(log.clone())?;
        let now_ms = || chrono::Utc::now().timestamp_millis();
        let appended = self.append(&mut Here::new(&log, &appender, &now_ms), Reading::of(&record)?, bars);
        drop(appender);
        log.close()?;
        Ok(appended)
    }

    fn there(&self, client: Client, bars: &mut Bars) -> anyhow::Result<Appended> {
        let reading = there::reading(&client, &self.stream)?;
        let mut there = There::new(client, &self.stream, self.any_time, self.quiet);
        Ok(self.append(&mut there, reading, bars))
    }

    fn append(&self, destination: &mut dyn Destination, mut reading: Reading, bars: &mut Bars) -> Appended {
        (reading.again, reading.any_time) = (self.again, self.any_time);
        input::append_durably(destination, &self.files, &reading, &mut bars.of_bytes("append"))
    }

    /// What to do about an append that stopped.
    fn advice(&self, stopped: &Stopped) -> String {
        let before = match stopped.durable.totals.offsets {
            Some(_) => format!("what came before is durable,{}", offsets(&stopped.durable)),
            None => "nothing was appended".into(),
        };
        let next = if self.files.iter().all(|file| file.is_file()) {
            "mend it and give the same command again: it goes on from there"
        } else {
            "mend it and append what follows: what comes through a pipe is not found again"
        };
        format!("{before}; {next}")
    }
}

/// How an append is reported.
pub struct Told {
    pub what: &'static str,
    pub took: Duration,
    pub is_quiet: bool,
}

/// The report to stderr; in a pipe also the same as JSON to stdout.
pub fn tell(told: &Told, durable: &Durable) -> anyhow::Result<()> {
    let Durable { totals, notes } = durable;
    let mut out = std::io::stdout();
    if !out.is_terminal() {
        let answer = serde_json::json!({
            "first_offset": totals.offsets.map(|(first, _)| first),
            "next_offset": totals.offsets.map(|(_, next)| next),
            "appended": totals.appended,
            "duplicates": totals.duplicates,
            "conflicts": totals.conflicts,
        });
        writeln!(out, "{answer}")?;
    }
    if told.is_quiet {
        return Ok(());
    }
    let mut err = std::io::stderr().lock();
    for note in notes {
        match note {
            Note::There { source, rows, next_offset } => writeln!(
                err,
                "there    {} events of {source} were there, before offset {}",
                grouped(*rows),
                grouped(*next_offset)
            )?,
            Note::Changed { source } => writeln!(
                err,
                "changed  another {source} was appended before; this one was appended from its start"
            )?,
        }
    }
    let events = totals.appended + totals.duplicates + totals.conflicts;
    writeln!(
        err,
        "{} {} events{}   {}   {}   duplicates {}   conflicts {}",
        told.what,
        grouped(totals.appended),
        offsets(durable),
        seconds(told.took),
        rate(events, told.took),
        grouped(totals.duplicates),
        grouped(totals.conflicts),
    )?;
    Ok(())
}

fn offsets(durable: &Durable) -> String {
    let range = |(first, next)| format!(" at offsets [{}, {})", grouped(first), grouped(next));
    durable.totals.offsets.map(range).unwrap_or_default()
}
