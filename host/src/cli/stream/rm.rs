//! `bifocal stream rm`: a stream and its log, gone for good.

use super::shown::one;
use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
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
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    if !args.yes {
        let events = grouped(one(&args.place, &args.name)?.head);
        bail!(
            "stream '{}' has {events} events, which would be gone for good; say --yes to remove it",
            args.name
        );
    }
    match args.place.place()? {
        Place::Directory(data) => data.open()?.remove_stream(&args.name)?,
        Place::Server(client) => client.delete(&client.at(&["streams", &args.name]))?,
    }
    eprintln!("removed  stream {}", args.name);
    Ok(Answer::Done)
}
