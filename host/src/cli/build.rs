//! `bifocal build`: a plugin's folder to a component, by the tools of its language.

use super::{Answer, language};
use anyhow::Context;
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};

/// Build a plugin into a component
///
/// Writes DIR/NAME.wasm and prints its path as its last line. The language is told by bifocal.toml
/// (`language = "c"`) or by the language's own file (Cargo.toml, pyproject.toml, package.json, go.mod).
/// What a build needs beside the language itself is fetched once, at pinned versions, into the cache
/// (BIFOCAL_CACHE); `bifocal doctor --lang LANGUAGE` says what is there and what is missing.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal build plugins/revenue")]
pub struct Args {
    /// The plugin's folder
    #[arg(default_value = ".")]
    directory: PathBuf,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let path = build(&args.directory)?;
    println!("{}", path.display());
    Ok(Answer::Done)
}

/// Builds the plugin in `directory` and gives the component's path.
pub fn build(directory: &Path) -> anyhow::Result<PathBuf> {
    let (name, component) = language::build(directory)?;
    let path = directory.join(format!("{name}.wasm"));
    // Whole or not at all: a host may be reading the former one.
    let unfinished = directory.join(format!(".{name}.wasm.{}", std::process::id()));
    std::fs::write(&unfinished, component).with_context(|| unfinished.display().to_string())?;
    std::fs::rename(&unfinished, &path).with_context(|| path.display().to_string())?;
    Ok(path)
}
