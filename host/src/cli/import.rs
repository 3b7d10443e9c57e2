//! `bifocal import`: an exported log into a stream.

use super::Answer;
use super::append::{Told, tell};
use super::data::DataArgs;
use super::progress::Bars;
use crate::input::{self, Stopped, Target};
use crate::store::Appender;
use anyhow::bail;
use clap::Args as ClapArgs;
use std::path::PathBuf;
use std::time::Instant;

/// Append an exported log to a stream
///
/// Events keep their time, ingest time, id and lineage; they get offsets of their own. As with `append`,
/// what is there of the same file is found and left out, so that an import that was interrupted goes on.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal import orders orders.parquet --data ./data")]
pub struct Args {
    stream: String,
    /// What `bifocal export` wrote
    file: PathBuf,
    /// Append the file from its start, whatever was appended of it before
    #[arg(long)]
    again: bool,
    /// No report and no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let log = store.log(&store.stream(&args.stream)?)?;
    let appender = Appender::new(log.clone())?;
    let now_ms = || chrono::Utc::now().timestamp_millis();
    let target = Target { log: &log, appender: &appender, now_ms: &now_ms };
    let mut bars = Bars::new(args.quiet);
    let (started, mut total) = (Instant::now(), None);
    let imported = input::import_log(target, &args.file, args.again, &mut |events, of| {
        if total.replace(of).is_none() {
            bars.events("import", of);
        }
        bars.set(events);
    });
    let told = Told { what: "imported", took: started.elapsed(), is_quiet: args.quiet };
    bars.finish();
    drop(appender);
    log.close()?;
    store.close()?;
    match imported {
        Ok(durable) => {
            tell(&told, &durable)?;
            Ok(Answer::Done)
        }
        Err(stopped) => {
            let Stopped { error, durable } = *stopped;
            tell(&told, &durable)?;
            bail!(
                "{error}\n         what came before is durable; give the same command again: it goes on from there"
            )
        }
    }
}
