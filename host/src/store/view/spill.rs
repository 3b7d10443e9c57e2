//! Cells that a run lays down on the disk for a while. Never read after a crash, so never synced.

use super::read::ViewFile;
use super::write::{Proof, ViewWriter, folder_of};
use crate::store::database::{CacheBytes, Lasting};
use crate::store::disk::Disk;
use crate::store::error::Error;
use std::io::ErrorKind;

/// What names of such files begin with.
const PREFIX: &str = "spill-";
const CACHE: CacheBytes = CacheBytes(8 << 20);

/// Spilled cells. Dropped, it removes its file.
#[derive(Debug)]
pub struct Spill<'d> {
    disk: &'d dyn Disk,
    view: ViewFile,
}

impl<'d> ViewWriter<'d> {
    /// Starts the spill of this number beside `target`, in place of one that a killed run has left.
    pub fn spill(disk: &'d dyn Disk, target: &str, number: usize) -> Result<ViewWriter<'d>, Error> {
        let (folder, name) = folder_of(target);
        let slash = if folder.is_empty() { "" } else { "/" };
        let file = format!("{folder}{slash}{PREFIX}{name}-{number}");
        match disk.unlink(&file) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(Error::disk(&file, cause)),
            _ => ViewWriter::start(disk, &file, Lasting::Unsynced),
        }
    }

    /// Ends a spill and opens it for reading.
    pub fn finish_spill(mut self, proof: &Proof) -> Result<Spill<'d>, Error> {
        self.seal(proof)?;
        let (disk, file) = (self.disk(), self.file().to_string());
        let view = ViewFile::open_read_only(disk, &file, CACHE)?;
        self.hand_over();
        Ok(Spill { disk, view })
    }
}

impl Spill<'_> {
    pub fn view(&self) -> &ViewFile {
        &self.view
    }
}

impl Drop for Spill<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next start, by its name.
        let _ = self.disk.unlink(self.view.file());
    }
}

/// Removes the spills that killed runs have left in a folder; how many. For a start, before any run.
pub fn remove_spills(disk: &dyn Disk, folder: &str) -> Result<usize, Error> {
    let failed = |cause| Error::disk(folder, cause);
    let names = disk.list(folder).map_err(failed)?;
    let spills: Vec<&String> = names.iter().filter(|name| name.starts_with(PREFIX)).collect();
    for name in &spills {
        let file = if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") };
        disk.unlink(&file).map_err(|cause| Error::disk(&file, cause))?;
    }
    Ok(spills.len())
}
