//! `--data DIR`: working directly on a data directory.

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
    let count = Loss::count(losses);
    let range = |loss: &Loss| format!("[{}, {})", grouped(loss.range.from.0), grouped(loss.range.to.0));
    let mut ranges: Vec<String> = losses.iter().take(RANGES_SHOWN_MAX).map(range).collect();
    if losses.len() > RANGES_SHOWN_MAX {
        ranges.push(format!("and {} more ranges", losses.len() - RANGES_SHOWN_MAX));
    }
    Some(format!("{} at offsets {}: {}", grouped(count), ranges.join(", "), first.reason))
}

#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// The data directory [default: BIFOCAL_DATA]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
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
                "there is no server to talk to yet; say --data DIR, or set BIFOCAL_DATA, to work directly on a \
                 data directory"
            ),
        }
    }
}
