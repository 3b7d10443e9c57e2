//! One segment file of a log: blocks, the tail that is not yet a block, and what was asked with a key.
//!
//! ```text
//! table   key                       value
//! meta    "first"                   first offset u64, then `before` of it
//! meta    "head"                    the offset after the last event, u64: a page that lost its last row shows
//! blocks  first offset u64          see `block`
//! ids     first offset of a block   hashes of its ids, see `block`; only where some event has an id
//! tail    first offset u64          count u32, then records of one commit
//! keys    Idempotency-Key           see `append`; empty once the answer was lost
//! sources first row and name        see `mark`; empty once it was lost
//! fences  first lost offset u64     see `fence`
//! ```
//!
//! Keys of blocks, ids, tail and fences are big-endian, so that they sort as offsets.

use super::before::{BEFORE_BYTES, Before};
use super::block;
use super::fence::Fence;
use super::record::Stretch;
use super::shelf::{Held, Shelf};
use crate::store::database::{CacheBytes, Database, Table};
use crate::store::disk::Disk;
use crate::store::error::Error;
use std::sync::{Arc, PoisonError, RwLock};

pub const META: Table = Table("meta");
pub const BLOCKS: Table = Table("blocks");
pub const IDS: Table = Table("ids");
pub const TAIL: Table = Table("tail");
pub const KEYS: Table = Table("keys");
pub const SOURCES: Table = Table("sources");
pub const FENCES: Table = Table("fences");
pub const FIRST: &[u8] = b"first";
pub const HEAD: &[u8] = b"head";

/// What a segment that is written keeps in memory of its pages.
pub const ACTIVE_CACHE: CacheBytes = CacheBytes(32 << 20);
/// A sealed one is read from end to end or at one place: the operating system keeps what is read.
pub const SEALED_CACHE: CacheBytes = CacheBytes(2 << 20);
const SUFFIX: &str = ".redb";
/// Stands before the name of a segment until it is whole.
pub const NEW: &str = "new-";

/// The file name of a segment.
pub fn name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// The first offset that a file name tells; None if it is no segment's.
pub fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

/// Whether a file was left by a process that died while it made a segment.
pub fn is_unfinished(name: &str) -> bool {
    name.starts_with(NEW)
}

#[derive(Debug)]
pub struct Segment {
    pub first: u64,
    /// What holds for `[0, first)`.
    pub before: Before,
    /// Behind a lock for the moments in which it is sealed, put away and opened again.
    held: Arc<RwLock<Held>>,
    /// Where it lies once it is sealed. None: it stays open.
    shelf: Option<Arc<Shelf>>,
    file: String,
    /// By first offset.
    fences: Vec<Fence>,
}

impl Segment {
    /// Makes an empty segment. It is there whole or not at all, whenever power is lost.
    pub fn create(
        disk: &dyn Disk,
        shelf: &Arc<Shelf>,
        folder: &str,
        first: u64,
        before: &Before,
    ) -> Result<Segment, Error> {
        let file = format!("{folder}/{}", name(first));
        let unfinished = format!("{folder}/{NEW}{}", name(first));
        let fail = |cause| Error::disk(&file, cause);
        let database = Database::create(disk, &unfinished, ACTIVE_CACHE)?;
        database.write(true, |write| write.put(META, [(FIRST, start_row(first, before).as_slice())]))?;
        disk.rename(&unfinished, &file).map_err(fail)?;
        disk.sync_folder(folder).map_err(fail)?;
        let held = Arc::new(RwLock::new(Held::Open(database)));
        let shelf = Some(shelf.clone());
        Ok(Segment { first, before: before.clone(), held, shelf, file, fences: Vec::new() })
    }

    /// Opens the segment that is written to, and repairs it if it was not closed.
    pub fn open_active(
        disk: &dyn Disk,
        shelf: &Arc<Shelf>,
        folder: &str,
        first: u64,
    ) -> Result<Segment, Error> {
        let file = format!("{folder}/{}", name(first));
        Segment::open(Database::create(disk, &file, ACTIVE_CACHE)?, first, file, Some(shelf.clone()))
    }

    /// Opens a segment that is full.
    pub fn open_sealed(
        disk: &dyn Disk,
        shelf: Option<Arc<Shelf>>,
        folder: &str,
        first: u64,
    ) -> Result<Segment, Error> {
        let file = format!("{folder}/{}", name(first));
        let segment = Segment::open(open_closed(disk, &file)?, first, file, shelf)?;
        segment.shelve();
        Ok(segment)
    }

    fn open(
        database: Database,
        first: u64,
        file: String,
        shelf: Option<Arc<Shelf>>,
    ) -> Result<Segment, Error> {
        let (number, before) = start(&database)?.ok_or_else(|| no_segment(&file))?;
        if number != first {
            return Err(Error::damaged(
                &file,
                format!("it starts at offset {number}, its name says {first}"),
            ));
        }
        let mut fences = Vec::new();
        database.read()?.scan(FENCES, &[], |key, row| {
            let from = offset(&file, key)?;
            let wrong = || Error::damaged(&file, format!("its fence at offset {from} is none"));
            fences.push(Fence::read(from, row?).ok_or_else(wrong)?);
            Ok(true)
        })?;
        Ok(Segment { first, before, held: Arc::new(RwLock::new(Held::Open(database))), shelf, file, fences })
    }

    fn shelve(&self) {
        if let Some(shelf) = &self.shelf {
            shelf.take(&self.held);
        }
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// What is lost of it, by first offset.
    pub fn fences(&self) -> &[Fence] {
        &self.fences
    }

    /// The fence that holds `offset`.
    pub fn fence_at(&self, offset: u64) -> Option<&Fence> {
        self.fences.iter().find(|fence| fence.has(offset))
    }

    /// Closes the file and opens it again for reading alone.
    pub fn seal(&self, disk: &dyn Disk) -> Result<(), Error> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.close()?;
        *held = Held::Open(Database::open_read_only(disk, &self.file, SEALED_CACHE)?);
        drop(held);
        self.shelve();
        Ok(())
    }

    /// Closes the file; nothing can be read or written after.
    pub fn close(&self) -> Result<(), Error> {
        self.held.write().unwrap_or_else(PoisonError::into_inner).close()
    }

    /// Uses the open file; one that was put away is opened again.
    pub fn with<T>(&self, use_it: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, Error> {
        loop {
            match &*self.held.read().unwrap_or_else(PoisonError::into_inner) {
                Held::Open(open) => return use_it(open),
                Held::Closed => return Err(Error::disk(&self.file, "is closed")),
                Held::Away => {}
            }
            if let Some(shelf) = &self.shelf {
                shelf.open(&self.held, &self.file)?;
            }
        }
    }

    /// The block or piece of the tail that holds `offset`; None if the segment ends before.
    pub fn stretch_at(&self, offset: u64) -> Result<Option<Stretch>, Error> {
        self.with(|database| {
            let read = database.read()?;
            let block = read.last_to(BLOCKS, &offset.to_be_bytes(), |key, row| {
                let first = self.offset(key)?;
                let holds = block::header(row).is_none_or(|header| offset < first + u64::from(header.count));
                let whole = |what| self.damaged(first, what);
                holds.then(|| block::stretch(first, row).map_err(whole)).transpose()
            })?;
            if let Some((_, stretch)) = block.flatten() {
                return Ok(Some(stretch));
            }
            let tail = read.last_to(TAIL, &offset.to_be_bytes(), |key, row| self.tail(key, row))?;
            Ok(tail.filter(|stretch| offset < stretch.end()))
        })
    }

    /// What holds at the last place at or before `offset` of which that is written down, and which.
    pub fn known_before(&self, offset: u64) -> Result<(u64, Before), Error> {
        let fence = self.fences.iter().rev().find(|fence| fence.to() <= offset);
        let block = self.with(|database| {
            database.read()?.last_to(BLOCKS, &offset.to_be_bytes(), |key, row| {
                let first = self.offset(key)?;
                let header =
                    block::header(row).ok_or_else(|| self.damaged(first, "it is no block".into()))?;
                Ok((first, header.before))
            })
        })?;
        Ok(match (block, fence) {
            (Some((first, before)), Some(fence)) if first >= fence.to() => (first, before),
            (_, Some(fence)) => (fence.to(), fence.before.clone()),
            (Some(block), None) => block,
            (None, None) => (self.first, self.before.clone()),
        })
    }

    /// The whole tail, in order.
    pub fn tails(&self) -> Result<Vec<Stretch>, Error> {
        let mut all = Vec::new();
        self.with(|database| {
            database.read()?.scan(TAIL, &[], |key, row| {
                all.push(self.tail(key, row?)?);
                Ok(true)
            })
        })?;
        Ok(all)
    }

    /// The offset after the last block or fence, where the tail begins.
    pub fn blocks_end(&self) -> Result<u64, Error> {
        let end = self.with(|database| {
            database.read()?.last_to(BLOCKS, &u64::MAX.to_be_bytes(), |key, row| {
                let first = self.offset(key)?;
                let header =
                    block::header(row).ok_or_else(|| self.damaged(first, "it is no block".into()))?;
                Ok(first + u64::from(header.count))
            })
        })?;
        let fenced = self.fences.last().map(Fence::to);
        Ok(end.max(fenced).unwrap_or(self.first))
    }

    /// The offset after the last event, tail included; checked against what the last commit wrote down.
    pub fn end(&self) -> Result<u64, Error> {
        let end = self.tails()?.last().map_or(self.blocks_end()?, Stretch::end);
        let written = self.with(head)?;
        let written = written.unwrap_or(self.first);
        if end != written {
            let what = format!(
                "its events end at offset {end}, but {written} was the head: events between are lost"
            );
            return Err(Error::damaged(&self.file, what));
        }
        Ok(end)
    }

    /// Hashes of ids from `from` on, a block at a time: its first offset and one hash an event.
    pub fn id_hashes(&self, from: u64, mut visit: impl FnMut(u64, &[u8])) -> Result<(), Error> {
        self.with(|database| {
            let read = database.read()?;
            let start = read.last_to(IDS, &from.to_be_bytes(), |key, _| self.offset(key))?.unwrap_or(0);
            read.scan(IDS, &start.to_be_bytes(), |key, row| {
                visit(self.offset(key)?, row?);
                Ok(true)
            })
        })
    }

    fn tail(&self, key: &[u8], row: &[u8]) -> Result<Stretch, Error> {
        let first = self.offset(key)?;
        tail_stretch(first, row).map_err(|what| self.damaged(first, what))
    }

    fn offset(&self, key: &[u8]) -> Result<u64, Error> {
        offset(&self.file, key)
    }

    fn damaged(&self, first: u64, what: String) -> Error {
        Error::damaged(&self.file, format!("the events from offset {first}: {what}"))
    }
}

/// Opens a file that was closed, without changing it; one that was not is repaired first.
pub fn open_closed(disk: &dyn Disk, file: &str) -> Result<Database, Error> {
    match Database::open_read_only(disk, file, SEALED_CACHE) {
        // Power was lost while it was sealed.
        Err(Error::Damaged { .. }) => {
            Database::create(disk, file, ACTIVE_CACHE)?.close()?;
            Database::open_read_only(disk, file, SEALED_CACHE)
        }
        opened => opened,
    }
}

/// Where a segment starts, and what holds before; None if it does not say.
pub fn start(database: &Database) -> Result<Option<(u64, Before)>, Error> {
    database.read()?.get(META, FIRST, |row| {
        let read = row.split_first_chunk::<8>().and_then(|(number, before)| {
            let before = Before::from_bytes(before.get(..BEFORE_BYTES)?)?;
            Some((u64::from_le_bytes(*number), before))
        });
        read.ok_or_else(|| no_segment(database.file()))
    })
}

/// What [`start`] reads.
pub fn start_row(first: u64, before: &Before) -> Vec<u8> {
    let mut row = first.to_le_bytes().to_vec();
    row.extend_from_slice(&before.to_bytes());
    row
}

/// The head that the last commit wrote down; None in a segment that has no event.
pub fn head(database: &Database) -> Result<Option<u64>, Error> {
    database.read()?.get(META, HEAD, |row| {
        let wrong = || Error::damaged(database.file(), "its head is no offset");
        row.try_into().map(u64::from_le_bytes).map_err(|_| wrong())
    })
}

/// The offset that a key is.
pub fn offset(file: &str, key: &[u8]) -> Result<u64, Error> {
    let wrong = || Error::damaged(file, format!("a key has {} bytes, no offset", key.len()));
    key.try_into().map(u64::from_be_bytes).map_err(|_| wrong())
}

/// The events of a row of the tail; says what is wrong with one that is none.
pub fn tail_stretch(first: u64, row: &[u8]) -> Result<Stretch, String> {
    let (count, records) = row.split_first_chunk::<4>().ok_or("its tail row has no count")?;
    Stretch::read(first, records.to_vec(), u32::from_le_bytes(*count) as usize)
}

fn no_segment(file: &str) -> Error {
    Error::damaged(file, "it does not say where it starts, so it is no segment of a log")
}

/// The row of the tail for the records of one commit.
pub fn tail_row(count: u64, records: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(4 + records.len());
    row.extend_from_slice(&(count as u32).to_le_bytes());
    row.extend_from_slice(records);
    row
}
