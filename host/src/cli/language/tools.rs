//! Pinned tools of a language, in the user's cache: fetched once, whole or not at all, and then used
//! offline. Owns where they lie and that two builds do not fetch them at the same time.

use crate::cli::options;
use crate::digest::Digest;
use anyhow::{Context, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that a person has to install, since no registry of packages holds it.
pub struct Need {
    pub program: &'static str,
    /// What it prints its version for.
    pub version: &'static [&'static str],
    /// How to get it.
    pub install: &'static str,
}

impl Need {
    /// Its version, or what to do.
    pub fn found(&self) -> Result<String, String> {
        let output = Command::new(self.program).args(self.version).stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout);
                Ok(text.lines().next().unwrap_or_default().trim().to_string())
            }
            _ => Err(format!("{} cannot be run; {}", self.program, self.install)),
        }
    }
}

/// Tools at pinned versions, and the files that pin them.
pub struct Pinned {
    pub name: &'static str,
    /// Name and text of each file that says what to fetch.
    pub pins: &'static [(&'static str, &'static str)],
    /// Fetches, in a folder that holds `pins`.
    pub fetch: fn(&Path) -> anyhow::Result<()>,
}

/// Written last: a folder without it is not whole.
const WHOLE: &str = "whole";

impl Pinned {
    /// Where they are or will be; an error if there is no cache to put them in.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        let Some(cache) = options::cache_directory() else {
            bail!(
                "neither BIFOCAL_CACHE nor HOME is set, so there is nowhere to keep the tools of {}",
                self.name
            )
        };
        let pins: Vec<u8> = self.pins.iter().flat_map(|(_, text)| text.bytes()).collect();
        Ok(cache.join("tools").join(format!("{}-{}", self.name, Digest::of(&pins).short())))
    }

    pub fn is_there(&self) -> bool {
        self.folder().is_ok_and(|folder| folder.join(WHOLE).is_file())
    }

    /// The folder with the tools, which are fetched if they are not there.
    pub fn ready(&self) -> anyhow::Result<PathBuf> {
        let folder = self.folder()?;
        if folder.join(WHOLE).is_file() {
            return Ok(folder);
        }
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let lock = folder.with_extension("lock");
        let lock = File::create(&lock).with_context(|| lock.display().to_string())?;
        lock.lock().context("waiting for another build that fetches the same tools")?;
        if folder.join(WHOLE).is_file() {
            return Ok(folder);
        }
        eprintln!("fetch    tools of {}, once, to {}", self.name, folder.display());
        // What a fetch that was cut off has left.
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for (name, text) in self.pins {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        (self.fetch)(&folder).with_context(|| {
            format!("the tools of {} could not be fetched; is there a network? Try again", self.name)
        })?;
        let whole = folder.join(WHOLE);
        fs::write(&whole, "").with_context(|| whole.display().to_string())?;
        Ok(folder)
    }
}

/// A virtual environment of Python at `folder`, with what its `requirements.txt` pins.
pub fn fetch_python(folder: &Path) -> anyhow::Result<()> {
    run(Command::new("python3").args(["-m", "venv", "."]).current_dir(folder))?;
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
    run(Command::new(folder.join("bin").join("python")).args(install).current_dir(folder))
}

/// What `package-lock.json` pins. Not `npm ci`: that wants every optional package of every platform in
/// the lock file.
pub fn fetch_npm(folder: &Path) -> anyhow::Result<()> {
    let install = ["install", "--loglevel=error", "--no-audit", "--no-fund"];
    run(Command::new("npm").args(install).current_dir(folder))
}

/// Runs a tool whose messages go to stderr; an error names the program, not what it has printed.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.stdin(Stdio::null()).stdout(std::io::stderr()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => bail!("{program} failed; its messages are above"),
        Err(error) => bail!("{program} cannot be run: {error}"),
    }
}
