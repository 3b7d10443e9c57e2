//! `bifocal view rm`: a view and its runs, gone for good; its stream stays.

use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
use crate::cli::view::there;
use anyhow::bail;
use clap::Args as ClapArgs;

/// Remove a view with all its runs; the events of its stream stay
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal view rm revenue --yes --data ./data")]
pub struct Args {
    name: String,
    /// Really
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let place = args.place.place()?;
    let (runs, versions) = match &place {
        Place::Directory(data) => {
            let store = data.open()?;
            let record = store.view(&args.name)?;
            store.close()?;
            (record.runs.len(), record.versions.len())
        }
        Place::Server(client) => {
            let view = there::view(client, &args.name)?;
            (there::runs(client, &args.name)?.0.len(), view.version as usize)
        }
    };
    if !args.yes {
        bail!(
            "view '{}' has {runs} kept runs and {versions} versions, which would be gone for good; say --yes to remove it",
            args.name
        );
    }
    match &place {
        Place::Directory(data) => {
            let store = data.open()?;
            store.remove_view(&args.name)?;
            store.close()?;
        }
        Place::Server(client) => client.delete(&client.at(&["views", &args.name]))?,
    }
    eprintln!("removed  view {}", args.name);
    Ok(Answer::Done)
}
