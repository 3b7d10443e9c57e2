//! `bifocal view rm`: a view and its runs, gone for good; its stream stays.

use crate::cli::Answer;
use crate::cli::data::DataArgs;
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
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = args.data.open()?;
    let record = store.view(&args.name)?;
    if !args.yes {
        bail!(
            "view '{}' has {} kept runs and {} versions, which would be gone for good; say --yes to remove it",
            args.name,
            record.runs.len(),
            record.versions.len()
        );
    }
    store.remove_view(&args.name)?;
    store.close()?;
    eprintln!("removed  view {}", args.name);
    Ok(Answer::Done)
}
