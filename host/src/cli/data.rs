//! `--data DIR`: working directly on a data directory; `--server URL`: through the server that has it open.

use super::client::{Client, DEFAULT_URL};
use super::table::grouped;
use crate::store::{Loss, Store};
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;

/// Ranges that are spelled out.
const RANGES_SHOWN_MAX: usize = 8;

/// `540 at offsets [1,200, 1,740): row … does not match its checksum`; None if nothing is lost.
pub fn lost_in_words(losses: &[Loss]) -> Option<String> {
    let first = losses.first()?;
    let ranges: Vec<(u64, u64)> = losses.iter().map(|loss| (loss.range.from.0, loss.range.to.0)).collect();
    Some(ranges_in_words(&ranges, &first.reason))
}

/// The same of ranges, the first of which was lost for `reason`.
pub fn ranges_in_words(ranges: &[(u64, u64)], reason: &str) -> String {
    let count = ranges.iter().map(|(from, to)| to - from).sum();
    let range = |(from, to): &(u64, u64)| format!("[{}, {})", grouped(*from), grouped(*to));
    let mut words: Vec<String> = ranges.iter().take(RANGES_SHOWN_MAX).map(range).collect();
    if ranges.len() > RANGES_SHOWN_MAX {
        words.push(format!("and {} more ranges", ranges.len() - RANGES_SHOWN_MAX));
    }
    format!("{} at offsets {}: {reason}", grouped(count), words.join(", "))
}

#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// The data directory [default: BIFOCAL_DATA]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Of a command that can do its work through a server.
#[derive(Args, Clone, Debug)]
pub struct PlaceArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The server to ask, unless a data directory is given [default: BIFOCAL_SERVER, else
    /// http://127.0.0.1:4600]
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    server: Option<String>,
}

/// Where the work is done.
pub enum Place {
    Directory(DataArgs),
    Server(Client),
}

impl PlaceArgs {
    /// A flag wins over the environment, and there a directory over a server.
    pub fn place(&self) -> anyhow::Result<Place> {
        if let Some(url) = &self.server {
            return Ok(Place::Server(Client::new(url)?));
        }
        if self.data.is_named() {
            return Ok(Place::Directory(self.data.clone()));
        }
        let named = std::env::var("BIFOCAL_SERVER").ok().filter(|value| !value.is_empty());
        Ok(Place::Server(Client::new(named.as_deref().unwrap_or(DEFAULT_URL))?))
    }

    /// What the next command has to say to mean the same place; begins with a space unless it is empty.
    pub fn again(&self) -> String {
        let server = self.server.as_ref().map(|url| format!(" --server {url}"));
        server.unwrap_or_else(|| self.data.again())
    }
}

impl DataArgs {
    /// Opens the directory, which must be there.
    pub fn open(&self) -> anyhow::Result<Store> {
        let directory = self.directory()?;
        if !Store::is_at(&directory) {
            let shown = directory.display();
            bail!("{shown} is no data directory; `bifocal stream create NAME --data {shown}` makes it one");
        }
        Ok(Store::open(&directory)?)
    }

    /// Opens the directory, or makes it.
    pub fn open_or_make(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.directory()?)?)
    }

    /// Whether a directory was named at all.
    pub fn is_named(&self) -> bool {
        self.named().is_some()
    }

    /// What the next command has to say to mean the same directory; begins with a space unless it is empty.
    pub fn again(&self) -> String {
        self.data.as_ref().map_or_else(String::new, |directory| format!(" --data {}", directory.display()))
    }

    fn named(&self) -> Option<PathBuf> {
        let named = std::env::var_os("BIFOCAL_DATA").filter(|value| !value.is_empty());
        self.data.clone().or(named.map(PathBuf::from))
    }

    fn directory(&self) -> anyhow::Result<PathBuf> {
        match self.named() {
            Some(directory) => Ok(directory),
            None => bail!(
                "this command works directly on a data directory, which no server may have open; say --data DIR, or \
                 set BIFOCAL_DATA"
            ),
        }
    }
}
