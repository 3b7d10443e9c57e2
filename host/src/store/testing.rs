//! What tests of the binary ask of a store by environment variables, so that they can kill a process at
//! a chosen point: no release build has any of it.
//!
//! `BIFOCAL_STOP="sync spill- 3"` stops before the third sync of a file that has `spill-` in its name;
//! the other threads go on until somebody kills the process. `BIFOCAL_SEGMENT_BYTES` rolls segments at
//! another size.

use super::disk::{Disk, File};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of a segment, if others are asked for.
pub fn segment_bytes() -> Option<u64> {
    std::env::var("BIFOCAL_SEGMENT_BYTES").ok()?.parse().ok()
}

/// The disk, or one that stops where that is asked for.
pub fn stopping(disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
    let asked = std::env::var("BIFOCAL_STOP").ok();
    match asked.as_deref().and_then(Stop::parse) {
        Some(stop) => Arc::new(Stopping { disk, stop: Arc::new(stop) }),
        None => disk,
    }
}

/// One change of the disk: its kind, what is in the name of what it changes, and how many are let by.
#[derive(Debug)]
struct Stop {
    change: String,
    name: String,
    left: AtomicU64,
}

impl Stop {
    fn parse(text: &str) -> Option<Stop> {
        let mut words = text.split(' ');
        let (change, name, count) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
        Some(Stop { change: change.into(), name: name.into(), left: AtomicU64::new(count) })
    }

    fn before(&self, change: &str, name: &str) {
        if change != self.change || !name.contains(&self.name) {
            return;
        }
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            eprintln!("stopped before {change} {name}");
            loop {
                std::thread::park();
            }
        }
    }
}

#[derive(Debug)]
struct Stopping {
    disk: Arc<dyn Disk>,
    stop: Arc<Stop>,
}

#[derive(Debug)]
struct StoppingFile {
    file: Box<dyn File>,
    name: String,
    stop: Arc<Stop>,
}

impl Stopping {
    fn file(&self, file: Box<dyn File>, name: &str) -> Box<dyn File> {
        Box::new(StoppingFile { file, name: name.into(), stop: self.stop.clone() })
    }
}

impl Disk for Stopping {
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.stop.before("create", name);
        Ok(self.file(self.disk.create(name)?, name))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        Ok(self.file(self.disk.open(name)?, name))
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        self.stop.before("unlink", name);
        self.disk.unlink(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.stop.before("rename", from);
        self.disk.rename(from, to)
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        self.disk.create_folder(name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.stop.before("remove-folder", name);
        self.disk.remove_folder(name)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.stop.before("sync-folder", name);
        self.disk.sync_folder(name)
    }
}

impl File for StoppingFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read(&self, position: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(position, out)
    }

    fn write(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.stop.before("write", &self.name);
        self.file.write(position, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.stop.before("set-len", &self.name);
        self.file.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.stop.before("sync", &self.name);
        self.file.sync()
    }
}
