//! `bifocal export`: the log of a stream, or a view, as a Parquet file.

mod log;
mod view;

use super::Answer;
use super::data::DataArgs;
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Write the log of a stream, or a view, to a Parquet file
///
/// Of a log: one row an event, with all that the log knows of it; none for an event that is lost.
///
/// Of a view (--view): one row a cell of what batch has folded, its keys, window and outputs typed as any
/// tool reads them, and the state that `bifocal import` needs. The file's metadata says of which version,
/// offsets and certificate it is. (Rows with all that came since: `bifocal query VIEW --format parquet`.)
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal export orders -o orders.parquet --data ./data
  bifocal export --view revenue -o revenue.parquet --data ./data
  bifocal export --view revenue --as-of run:3 -o revenue.parquet --data ./data")]
pub struct Args {
    /// The stream, or the view
    name: String,
    /// NAME is a view
    #[arg(long)]
    view: bool,
    /// A kept run of the view, as `run:N`, instead of the published one
    #[arg(long, value_name = "run:N", requires = "view")]
    as_of: Option<String>,
    /// The file to write
    #[arg(short, long, value_name = "FILE.parquet")]
    output: PathBuf,
    /// No report and no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    if args.view { view::main(args) } else { log::main(args) }
}

/// Lets `write` write a file that is there under its name only once it is whole.
fn whole<T>(output: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let Some(name) = output.file_name() else { bail!("{} is no file name", output.display()) };
    let unfinished = output.with_file_name(format!("new-{}", name.to_string_lossy()));
    let written = written(&unfinished, write).with_context(|| unfinished.display().to_string());
    if written.is_err() {
        _ = std::fs::remove_file(&unfinished);
    }
    let written = written?;
    std::fs::rename(&unfinished, output).with_context(|| output.display().to_string())?;
    Ok(written)
}

fn written<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let file = File::create(path)?;
    let mut out = BufWriter::new(&file);
    let written = write(&mut out)?;
    out.flush()?;
    drop(out);
    file.sync_all()?;
    Ok(written)
}
