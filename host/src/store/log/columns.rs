//! Columns of the log, a cache: stripes of 65,536 offsets, a row for each path and kind, filled in when
//! a replay first asks and shared by all versions. What is missing or damaged is read from the events
//! again, which are the truth.
//!
//! ```text
//! file     columns/FIRST.redb, FIRST the first offset of 64 stripes
//! table    key                              value
//! columns  stripe u64, identity of a need   see `stripe`
//! times    stripe u64                       1 if some event before counts for the watermark u8, its time i64,
//!                                           bytes of the event times u32, event times, ingest times: see `stripe`
//! ```
//!
//! Stripes in keys are big-endian, numbers in values little-endian. Rows are of a stripe's full width:
//! larger than a block, since at 540 events a block the merging of dictionaries costs more than the fold.

use super::segment::{first_of, open_closed};
use crate::extract::Need;
use crate::offset::{Offset, Range};
use crate::store::database::{CacheBytes, Database, Lasting, Table};
use crate::store::disk::Disk;
use crate::store::error::Error;
use crate::stripe::{self, Projected};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Events of a stripe.
pub const STRIPE_EVENTS: u64 = 65_536;
const STRIPES_PER_FILE: u64 = 64;
/// Rows are read once a replay: the operating system keeps what is read.
const CACHE: CacheBytes = CacheBytes(2 << 20);
/// Files that are open at the same time.
const OPEN_MAX: usize = 32;
const COLUMNS: Table = Table("columns");
const TIMES: Table = Table("times");

/// The offsets `[n x 65,536, (n + 1) x 65,536)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stripe(pub u64);

/// When the events of a stripe happened and came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeTimes {
    pub times_ms: Vec<i64>,
    pub ingested_ms: Vec<i64>,
    /// The greatest time that counts for the watermark before the stripe.
    pub greatest_before_ms: Option<i64>,
}

/// What a file has of a stripe: None where it has nothing that can be used.
#[derive(Debug, Default)]
pub struct Found {
    pub times: Option<StripeTimes>,
    /// One a need.
    pub columns: Vec<Option<Projected>>,
}

#[derive(Debug)]
pub struct Columns {
    disk: Arc<dyn Disk>,
    folder: String,
    open: Mutex<Opened>,
}

#[derive(Debug, Default)]
struct Opened {
    files: BTreeMap<u64, (Arc<Database>, u64)>,
    uses: u64,
    /// What was damaged and made again.
    healed: Vec<String>,
}

impl Stripe {
    pub fn of(offset: Offset) -> Stripe {
        Stripe(offset.0 / STRIPE_EVENTS)
    }

    pub fn range(self) -> Range {
        let from = Offset(self.0 * STRIPE_EVENTS);
        Range::new(from, from.plus(STRIPE_EVENTS))
    }

    fn file(self) -> u64 {
        self.0 / STRIPES_PER_FILE
    }

    fn key(self, identity: &str) -> Vec<u8> {
        let mut key = self.0.to_be_bytes().to_vec();
        key.extend_from_slice(identity.as_bytes());
        key
    }
}

impl Columns {
    pub fn new(disk: Arc<dyn Disk>, folder: String) -> Columns {
        Columns { disk, folder, open: Mutex::default() }
    }

    /// Looks a stripe up: its times, and a column for each need.
    pub fn find(&self, stripe: Stripe, needs: &[&Need]) -> Result<Found, Error> {
        let file = self.file(stripe)?;
        let read = file.read()?;
        let times = self.usable(read.get(TIMES, &stripe.key(""), |row| {
            times(row).ok_or_else(|| Error::damaged(file.file(), "a row of times is none"))
        }))?;
        let column = |need: &&Need| {
            let row = read.get(COLUMNS, &stripe.key(&need.identity()), |row| {
                let decoded = stripe::decode(row, need.kind(), STRIPE_EVENTS as usize);
                decoded.map_err(|error| Error::damaged(file.file(), error.to_string()))
            });
            self.usable(row)
        };
        Ok(Found { times, columns: needs.iter().map(column).collect::<Result<_, _>>()? })
    }

    /// A damaged row counts as missing, and is told.
    fn usable<T>(&self, row: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
        match row {
            Err(error @ (Error::Damaged { .. } | Error::Newer { .. })) => {
                self.lock().healed.push(error.to_string());
                Ok(None)
            }
            row => row,
        }
    }

    /// Keeps what was made anew of a stripe.
    pub fn keep(
        &self,
        stripe: Stripe,
        times: Option<&StripeTimes>,
        columns: &[(&Need, &Projected)],
    ) -> Result<(), Error> {
        let encode = |(need, projected): &(&Need, &Projected)| {
            let row = stripe::encode(projected, need.kind(), STRIPE_EVENTS as usize);
            (stripe.key(&need.identity()), row)
        };
        let rows: Vec<(Vec<u8>, Vec<u8>)> = columns.iter().map(encode).collect();
        let times = times.map(|times| (stripe.key(""), times_row(times)));
        let kept = self.file(stripe)?.write(true, |write| {
            write.put(COLUMNS, rows.iter().map(|(key, row)| (key.as_slice(), row.as_slice())))?;
            write.put(TIMES, times.iter().map(|(key, row)| (key.as_slice(), row.as_slice())))
        });
        match kept {
            Err(error @ Error::Damaged { .. }) => self.drop_file(stripe, &error),
            kept => kept,
        }
    }

    /// Removes a file that cannot be written to any more: whoever asks next makes it again.
    fn drop_file(&self, stripe: Stripe, error: &Error) -> Result<(), Error> {
        let mut opened = self.lock();
        opened.healed.push(error.to_string());
        opened.files.remove(&stripe.file());
        let name = self.name(stripe);
        match self.disk.unlink(&name) {
            // Somebody else was faster.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            unlinked => unlinked.map_err(|cause| Error::disk(&name, cause)),
        }
    }

    fn name(&self, stripe: Stripe) -> String {
        let first = stripe.file() * STRIPES_PER_FILE * STRIPE_EVENTS;
        format!("{}/{first:020}.redb", self.folder)
    }

    /// What was found damaged and made again, since the last time this was asked.
    pub fn healed(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().healed)
    }

    /// Closes the files, so that they open in a moment.
    pub fn close(&self) -> Result<(), Error> {
        let files = std::mem::take(&mut self.lock().files);
        files.into_values().filter_map(|(file, _)| Arc::into_inner(file)).try_for_each(Database::close)
    }

    /// Removes all files: whoever asks next makes them again from the events.
    pub fn forget(&self) -> Result<(), Error> {
        let mut opened = self.lock();
        opened.files.clear();
        let fail = |cause| Error::disk(&self.folder, cause);
        for name in self.disk.list(&self.folder).map_err(fail)?.iter().filter(|name| first_of(name).is_some())
        {
            self.disk.unlink(&format!("{}/{name}", self.folder)).map_err(fail)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Opened> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, stripe: Stripe) -> Result<Arc<Database>, Error> {
        let mut opened = self.lock();
        opened.uses += 1;
        let now = opened.uses;
        if let Some((file, used)) = opened.files.get_mut(&stripe.file()) {
            *used = now;
            return Ok(file.clone());
        }
        let file = Arc::new(self.open(stripe, &mut opened.healed)?);
        opened.files.insert(stripe.file(), (file.clone(), now));
        if opened.files.len() > OPEN_MAX {
            let oldest = opened.files.iter().min_by_key(|(_, (_, used))| *used).map(|(number, _)| *number);
            oldest.map(|number| opened.files.remove(&number));
        }
        Ok(file)
    }

    fn open(&self, stripe: Stripe, healed: &mut Vec<String>) -> Result<Database, Error> {
        let name = self.name(stripe);
        let fail = |cause| Error::disk(&name, cause);
        self.disk.create_folder(&self.folder).map_err(fail)?;
        // Nothing waits for a cache: what power loss damages is made again.
        let create = || Database::create_lasting(self.disk.as_ref(), &name, CACHE, Lasting::OnceClosed);
        match create() {
            Err(error @ Error::Damaged { .. }) => {
                healed.push(error.to_string());
                self.disk.unlink(&name).map_err(fail)?;
                create()
            }
            opened => opened,
        }
    }
}

/// Where the columns of the log in a folder are kept.
pub fn folder_of(log: &str) -> String {
    match super::parent(log) {
        "" => "columns".into(),
        parent => format!("{parent}/columns"),
    }
}

/// What was found of a folder of columns.
#[derive(Debug, Default)]
pub struct Examination {
    pub rows: u64,
    /// Names of files, and what is wrong with each.
    pub damaged: Vec<(String, String)>,
}

/// Reads every row of every file.
pub fn examine(disk: &dyn Disk, folder: &str) -> Result<Examination, Error> {
    let mut examination = Examination::default();
    for name in disk.list(folder).map_err(|cause| Error::disk(folder, cause))? {
        if first_of(&name).is_none() {
            continue;
        }
        let read = open_closed(disk, &format!("{folder}/{name}")).and_then(|file| {
            let (read, mut rows) = (file.read()?, 0);
            for table in [COLUMNS, TIMES] {
                let mut last = Vec::new();
                read.scan(table, &[], |key, row| {
                    let is_one = row.map(|row| table == COLUMNS || times(row).is_some())?;
                    if !is_one || key <= last.as_slice() {
                        return Err(Error::damaged(
                            file.file(),
                            "a row of times is none, or its index leads back",
                        ));
                    }
                    (rows, last) = (rows + 1, key.to_vec());
                    Ok(true)
                })?;
            }
            Ok(rows)
        });
        match read {
            Ok(rows) => examination.rows += rows,
            Err(Error::Damaged { what, .. }) => examination.damaged.push((name, what)),
            Err(error) => return Err(error),
        }
    }
    Ok(examination)
}

/// Removes files, which replays make again.
pub fn drop_files(disk: &dyn Disk, folder: &str, files: &[(String, String)]) -> Result<(), Error> {
    let fail = |cause| Error::disk(folder, cause);
    for (name, _) in files {
        disk.unlink(&format!("{folder}/{name}")).map_err(fail)?;
    }
    if files.is_empty() { Ok(()) } else { disk.sync_folder(folder).map_err(fail) }
}

fn times_row(times: &StripeTimes) -> Vec<u8> {
    let event_times = stripe::encode_times(&times.times_ms);
    let mut row = vec![u8::from(times.greatest_before_ms.is_some())];
    row.extend_from_slice(&times.greatest_before_ms.unwrap_or_default().to_le_bytes());
    row.extend_from_slice(&(event_times.len() as u32).to_le_bytes());
    row.extend_from_slice(&event_times);
    row.extend_from_slice(&stripe::encode_times(&times.ingested_ms));
    row
}

/// None if the row is nothing of the kind.
fn times(row: &[u8]) -> Option<StripeTimes> {
    let (some, rest) = row.split_first()?;
    let (greatest, rest) = rest.split_first_chunk()?;
    let (bytes, rest) = rest.split_first_chunk()?;
    let (event_times, ingested) = rest.split_at_checked(u32::from_le_bytes(*bytes) as usize)?;
    let read = |bytes| stripe::decode_times(bytes, STRIPE_EVENTS as usize).ok();
    Some(StripeTimes {
        times_ms: read(event_times)?,
        ingested_ms: read(ingested)?,
        greatest_before_ms: (*some == 1).then(|| i64::from_le_bytes(*greatest)),
    })
}
