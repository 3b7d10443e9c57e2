//! The sealed segments of a log whose files are open: so many at a time, since each keeps pages in memory,
//! and a log grows without end.

use super::segment::SEALED_CACHE;
use crate::store::database::Database;
use crate::store::disk::Disk;
use crate::store::error::Error;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError, Weak};

/// Open at a time: with 2 MiB of pages each, 32 MiB a log.
const OPEN_MAX: usize = 16;

/// The file of a segment.
#[derive(Debug)]
pub enum Held {
    Open(Database),
    /// Sealed, and opened again by whoever reads it.
    Away,
    Closed,
}

impl Held {
    /// For good.
    pub fn close(&mut self) -> Result<(), Error> {
        match std::mem::replace(self, Held::Closed) {
            Held::Open(database) => database.close(),
            Held::Away | Held::Closed => Ok(()),
        }
    }
}

#[derive(Debug)]
pub struct Shelf {
    disk: Arc<dyn Disk>,
    /// In the order in which they were opened.
    open: Mutex<VecDeque<Weak<RwLock<Held>>>>,
}

impl Shelf {
    pub fn new(disk: Arc<dyn Disk>) -> Shelf {
        Shelf { disk, open: Mutex::default() }
    }

    /// Takes a sealed segment that has been opened, and puts those away that have been open for longest.
    pub fn take(&self, held: &Arc<RwLock<Held>>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push_back(Arc::downgrade(held));
        let mut tries = open.len();
        while open.len() > OPEN_MAX && tries > 0 {
            tries -= 1;
            let Some(oldest) = open.pop_front() else { break };
            let Some(segment) = oldest.upgrade() else { continue };
            // Somebody reads it: it is not the one to go.
            if !put_away(&segment) {
                open.push_back(oldest);
            }
        }
    }

    /// Opens a segment that was put away.
    pub fn open(&self, held: &Arc<RwLock<Held>>, file: &str) -> Result<(), Error> {
        let mut opened = held.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*opened, Held::Away) {
            return Ok(());
        }
        *opened = Held::Open(Database::open_read_only(self.disk.as_ref(), file, SEALED_CACHE)?);
        drop(opened);
        self.take(held);
        Ok(())
    }
}

/// Whether nobody was using it.
fn put_away(segment: &RwLock<Held>) -> bool {
    let mut held = match segment.try_write() {
        Ok(held) => held,
        Err(TryLockError::Poisoned(held)) => held.into_inner(),
        Err(TryLockError::WouldBlock) => return false,
    };
    if matches!(*held, Held::Open(_)) {
        *held = Held::Away;
    }
    true
}
