//! `bifocal new`: a plugin that builds and passes its tests as it is, from inside the binary.

use super::Answer;
use super::language::{Language, SDK_FOLDER};
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::path::{Path, PathBuf};

/// Start a plugin: a template that builds and passes its tests as it is
///
/// Template and SDK come from inside this binary, so that it works anywhere on the machine.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal new clicks --lang rust && bifocal test clicks
  bifocal new clicks --lang python && bifocal dev clicks")]
pub struct Args {
    /// Name of the plugin and of the folder that is made: lower case letters, digits and hyphens
    name: String,
    /// The language
    #[arg(long)]
    lang: Language,
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    check_name(&args.name)?;
    let directory = PathBuf::from(&args.name);
    if directory.exists() {
        bail!("{} exists already; choose another name or remove it", directory.display());
    }
    write(args.lang, &args.name, &directory)?;
    eprintln!("made     {}: next `bifocal test {}`", directory.display(), args.name);
    println!("{}", directory.display());
    Ok(Answer::Done)
}

fn check_name(name: &str) -> anyhow::Result<()> {
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts_well || !name.chars().all(is_good) || name.ends_with('-') {
        bail!("'{name}' is no name for a plugin: use lower case letters, digits and hyphens, a letter first");
    }
    Ok(())
}

fn write(language: Language, name: &str, directory: &Path) -> anyhow::Result<()> {
    let function = name.replace('-', "_");
    for (path, bytes) in of(TEMPLATES, language) {
        let text = std::str::from_utf8(bytes).with_context(|| format!("template {path}"))?;
        let text = text.replace("{{name}}", name).replace("{{function}}", &function);
        // A file named Cargo.toml or go.mod would make the template a package of its own.
        let path = path.strip_suffix(".template").unwrap_or(path);
        write_file(&directory.join(path), text.as_bytes())?;
    }
    for (path, bytes) in of(SDKS, language) {
        write_file(&directory.join(SDK_FOLDER).join(path), bytes)?;
    }
    Ok(())
}

/// The files of a language, with paths as they stand in its folder.
fn of(
    files: &'static [(&str, &[u8])],
    language: Language,
) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    files.iter().filter_map(move |(path, bytes)| {
        let path = path.strip_prefix(language.name())?.strip_prefix('/')?;
        Some((path, *bytes))
    })
}

fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}
