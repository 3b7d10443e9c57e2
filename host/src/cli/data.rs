//! `--data DIR`: working directly on a data directory.

use crate::store::Store;
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;

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
