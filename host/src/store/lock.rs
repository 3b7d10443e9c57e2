//! One process a data directory: a file that is locked as long as the process lives, and says which it is.

use super::error::Error;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The lock's file; the operating system lets go of it however the process ends.
pub const FILE: &str = "lock";

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    pub fn take(directory: &Path) -> Result<Lock, Error> {
        let path = directory.join(FILE);
        let fail = |cause| Error::disk(&path.display().to_string(), cause);
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(&path).map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                _ = file.read_to_string(&mut process);
                let process = process.trim().to_owned();
                return Err(Error::InUse { directory: directory.display().to_string(), process });
            }
            Err(TryLockError::Error(cause)) => return Err(fail(cause)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(fail)?;
        writeln!(file, "{}", std::process::id()).map_err(fail)?;
        Ok(Lock { _file: file })
    }
}
