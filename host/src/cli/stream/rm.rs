//! `bifocal stream rm`: a stream and its log, gone for good.

use crate::cli::Answer;
use crate::cli::data::DataArgs;
use crate::cli::table::grouped;
use anyhow::bail;
use clap::Args as ClapArgs;

/// Remove a stream with all its events
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal stream rm orders --yes --data ./data")]
pub struct Args {
    name: String,
    /// Really
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let record = store.stream(&args.name)?;
    if !args.yes {
        let events = grouped(store.log(&record)?.head());
        bail!(
            "stream '{}' has {events} events, which would be gone for good; say --yes to remove it",
            args.name
        );
    }
    store.remove_stream(&args.name)?;
    eprintln!("removed  stream {}", args.name);
    Ok(Answer::Done)
}
