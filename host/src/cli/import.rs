//! `bifocal import`: an exported log into a stream, or an exported view into a view.

mod log;
mod view;

use super::Answer;
use super::data::DataArgs;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Append an exported log to a stream, or take an exported view over
///
/// Of a log: events keep their time, ingest time, id and lineage; they get offsets of their own. As with
/// `append`, what is there of the same file is found and left out, so that an import that was interrupted
/// goes on.
///
/// Of a view (--view): saves the run that made it. The file is refused unless it is of the live version and
/// was folded from the same log, and unless all its cells are those of its certificate. A certificate is no
/// signature: `bifocal batch VIEW --verify` computes the cells from this log.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal import orders orders.parquet --data ./data
  bifocal import --view revenue revenue.parquet --data ./data")]
pub struct Args {
    /// The stream, or the view
    name: String,
    /// What `bifocal export` wrote
    file: PathBuf,
    /// NAME is a view
    #[arg(long)]
    view: bool,
    /// Append the file from its start, whatever was appended of it before
    #[arg(long, conflicts_with = "view")]
    again: bool,
    /// No report and no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    if args.view { view::main(args) } else { log::main(args) }
}
