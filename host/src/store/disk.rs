//! The seam to the disk: files and the folders that hold them. All that the store does to a disk goes
//! through here, so that a test can lose what was not synced, refuse a write, or flip a bit.
//!
//! Names are paths relative to the data directory, parts apart by `/`.

use std::fmt::Debug;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file, read and written at positions. What is written lasts once [`File::sync`] has returned.
pub trait File: Debug + Send + Sync {
    /// In bytes.
    fn size(&self) -> io::Result<u64>;
    /// Fills `out` from `position`; an error if the file ends before.
    fn read(&self, position: u64, out: &mut [u8]) -> io::Result<()>;
    fn write(&self, position: u64, bytes: &[u8]) -> io::Result<()>;
    /// New bytes are zero.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

/// Files in folders. That a file was created, renamed or unlinked lasts once its folder was synced.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file for reading and writing; makes an empty one if there is none.
    fn create(&self, name: &str) -> io::Result<Box<dyn File>>;
    fn open(&self, name: &str) -> io::Result<Box<dyn File>>;
    fn unlink(&self, name: &str) -> io::Result<()>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Makes a folder and those above it that are missing.
    fn create_folder(&self, name: &str) -> io::Result<()>;
    fn remove_folder(&self, name: &str) -> io::Result<()>;
    /// What a folder holds, by name, ascending; nothing if there is no such folder.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    fn sync_folder(&self, name: &str) -> io::Result<()>;
}

/// A directory of this machine.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    pub fn new(root: PathBuf) -> Directory {
        Directory { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }
}

/// Makes a directory, and those above it that are missing. That they are there lasts: nothing in them
/// would, if they were lost with power.
pub fn make_lasting(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_lasting(parent)?;
    match fs::create_dir(path) {
        // Made by another process in the meantime.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    fs::File::open(parent)?.sync_all()
}

impl Disk for Directory {
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let options = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        Ok(Box::new(options.open(self.path(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        Ok(Box::new(fs::OpenOptions::new().read(true).write(true).open(self.path(name))?))
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        fs::create_dir_all(self.path(name))
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        fs::remove_dir(self.path(name))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<io::Result<Vec<String>>>()?;
        names.sort();
        Ok(names)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        fs::File::open(self.path(name))?.sync_all()
    }
}

impl File for fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read(&self, position: u64, out: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(out, position)
    }

    fn write(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, position)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        fs::File::set_len(self, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
