//! One redb file, and nothing of redb beyond it. Every value has a version and a checksum that covers
//! its table, its key and its bytes; both are looked at on every read, which redb does not do.
//!
//! ```text
//! value    = version  u8, 1
//!            checksum u64 little-endian: XXH3-64 of body, seeded with XXH3-64 of (table, 0, key, version)
//!            body
//! ```

use super::disk::{Disk, File};
use super::error::Error;
use redb::{ReadableDatabase, StorageBackend, TableDefinition, TableError};
use std::io;
use std::io::ErrorKind::{InvalidData, UnexpectedEof};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use twox_hash::XxHash3_64;

/// The newest version of a value that this host reads, and the one that it writes.
const VERSION: u8 = 1;
/// Version and checksum.
pub const HEADER_BYTES: usize = 9;

/// A table of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table(pub &'static str);

impl Table {
    fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.0)
    }

    fn checksum(self, version: u8, key: &[u8], body: &[u8]) -> u64 {
        let mut seed = Vec::with_capacity(self.0.len() + key.len() + 2);
        seed.extend_from_slice(self.0.as_bytes());
        seed.push(0);
        seed.extend_from_slice(key);
        seed.push(version);
        XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(&seed), body)
    }
}

/// How much of a file stays in redb's own memory, beside what the operating system keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBytes(pub usize);

enum Handle {
    Writable(redb::Database),
    ReadOnly(redb::ReadOnlyDatabase),
}

/// An open file.
pub struct Database {
    file: String,
    /// None once it is closed.
    handle: Option<Handle>,
    repairs_quickly: bool,
    lasting: Lasting,
    waits: Arc<AtomicBool>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({})", self.file)
    }
}

/// When what was written to a file lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// With each change.
    Synced,
    /// Once the file is closed. If power is lost before, it is damaged or lacks changes: for caches.
    OnceClosed,
    /// Never: nobody reads it after a crash.
    Unsynced,
}

/// `waits`: whether redb gets what it asks for when it wants bytes to last.
#[derive(Debug)]
struct Backend {
    file: Box<dyn File>,
    waits: Arc<AtomicBool>,
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.waits.load(Ordering::Acquire) { self.file.sync() } else { Ok(()) }
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write(offset, bytes)
    }
}

impl Database {
    /// Opens a file for writing, or makes it. A file that was not closed is repaired, which reads all
    /// of it.
    pub fn create(disk: &dyn Disk, file: &str, cache: CacheBytes) -> Result<Database, Error> {
        Database::create_lasting(disk, file, cache, Lasting::Synced)
    }

    /// As [`Database::create`], for a file that need not last at once.
    pub fn create_lasting(
        disk: &dyn Disk,
        file: &str,
        cache: CacheBytes,
        lasting: Lasting,
    ) -> Result<Database, Error> {
        // That the file is being written to must last before anything else may not: else it would be trusted.
        let waits = Arc::new(AtomicBool::new(lasting != Lasting::Unsynced));
        let created = disk.create(file).map_err(|cause| Error::disk(file, cause))?;
        let backend = Backend { file: created, waits: waits.clone() };
        let opened = guarded(file, || {
            let mut builder = redb::Builder::new();
            builder.set_cache_size(cache.0).create_with_backend(backend).map_err(|cause| opening(file, cause))
        })?;
        waits.store(lasting == Lasting::Synced, Ordering::Release);
        let handle = Some(Handle::Writable(opened));
        Ok(Database { file: file.into(), handle, repairs_quickly: false, lasting, waits })
    }

    /// Opens a file that was closed, without changing it.
    pub fn open_read_only(disk: &dyn Disk, file: &str, cache: CacheBytes) -> Result<Database, Error> {
        let waits = Arc::new(AtomicBool::new(true));
        let opened = disk.open(file).map_err(|cause| Error::disk(file, cause))?;
        let backend = Backend { file: opened, waits: waits.clone() };
        let opened = guarded(file, || {
            let mut builder = redb::Builder::new();
            let builder = builder.set_cache_size(cache.0);
            builder.open_read_only_with_backend(backend).map_err(|cause| opening(file, cause))
        })?;
        let handle = Some(Handle::ReadOnly(opened));
        Ok(Database { file: file.into(), handle, repairs_quickly: false, lasting: Lasting::Synced, waits })
    }

    /// Each change also notes what a repair would have to find out: for a file of few changes, which
    /// then opens in a moment even if it was not closed.
    pub fn with_quick_repair(mut self) -> Database {
        self.repairs_quickly = true;
        self
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// Writes the file's last pages and marks it as closed, so that it opens in a moment.
    pub fn close(mut self) -> Result<(), Error> {
        let handle = self.take();
        guarded(&self.file, || {
            match handle {
                Some(Handle::Writable(database)) => database.close(),
                Some(Handle::ReadOnly(database)) => database.close(),
                None => Ok(()),
            }
            .map_err(|cause| opening(&self.file, cause))
        })
    }

    /// What is to be closed, all of which is to last then.
    fn take(&mut self) -> Option<Handle> {
        self.waits.store(self.lasting != Lasting::Unsynced, Ordering::Release);
        self.handle.take()
    }

    /// A moment of the file. Hold it briefly: what it sees cannot be freed meanwhile.
    pub fn read(&self) -> Result<Read<'_>, Error> {
        let transaction = guarded(&self.file, || {
            match &self.handle {
                Some(Handle::Writable(database)) => database.begin_read(),
                Some(Handle::ReadOnly(database)) => database.begin_read(),
                None => return Err(Error::disk(&self.file, "is closed")),
            }
            .map_err(|cause| failed(&self.file, cause))
        })?;
        Ok(Read { file: &self.file, transaction })
    }

    /// Changes that become visible, and durable if asked, all at once, or not at all if `change` fails.
    /// Those that are not durable are lost with the process unless a later durable one follows.
    pub fn write<T>(
        &self,
        durable: bool,
        change: impl FnOnce(&mut Write<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(Handle::Writable(database)) = &self.handle else {
            return Err(Error::disk(&self.file, "is sealed"));
        };
        guarded(&self.file, || {
            let mut transaction = database.begin_write().map_err(|cause| failed(&self.file, cause))?;
            if !durable {
                let set = transaction.set_durability(redb::Durability::None);
                set.map_err(|cause| failed(&self.file, cause))?;
            }
            transaction.set_quick_repair(self.repairs_quickly);
            let result = change(&mut Write { file: &self.file, transaction: &transaction })?;
            transaction.commit().map_err(|cause| failed(&self.file, cause))?;
            Ok(result)
        })
    }
}

/// redb writes to a file when it lets it go, and can give up on its pages even then.
impl Drop for Database {
    fn drop(&mut self) {
        let handle = self.take();
        _ = guarded(&self.file, || {
            drop(handle);
            Ok(())
        });
    }
}

type OpenTable = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A moment of a file.
pub struct Read<'a> {
    file: &'a str,
    transaction: redb::ReadTransaction,
}

impl Read<'_> {
    /// Gives the value of a key to `take`; None if the table has no such key.
    pub fn get<T>(
        &self,
        table: Table,
        key: &[u8],
        take: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        guarded(self.file, || {
            let Some(opened) = self.table(table)? else { return Ok(None) };
            let Some(value) = opened.get(key).map_err(|cause| failed(self.file, cause))? else {
                return Ok(None);
            };
            take(checked(self.file, table, key, value.value())?).map(Some)
        })
    }

    /// Gives the greatest key at or below `key`, and its value, to `take`.
    pub fn last_to<T>(
        &self,
        table: Table,
        key: &[u8],
        take: impl FnOnce(&[u8], &[u8]) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        guarded(self.file, || {
            let Some(opened) = self.table(table)? else { return Ok(None) };
            let below = (Bound::Unbounded, Bound::Included(key));
            let mut range = opened.range::<&[u8]>(below).map_err(|cause| failed(self.file, cause))?;
            let Some(entry) = range.next_back() else { return Ok(None) };
            let (key, value) = entry.map_err(|cause| failed(self.file, cause))?;
            take(key.value(), checked(self.file, table, key.value(), value.value())?).map(Some)
        })
    }

    /// Gives keys from `from` on, and their values, to `take`, in order, until it answers false.
    pub fn scan(
        &self,
        table: Table,
        from: &[u8],
        mut take: impl FnMut(&[u8], Result<&[u8], Error>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        guarded(self.file, || {
            let Some(opened) = self.table(table)? else { return Ok(()) };
            let above = (Bound::Included(from), Bound::Unbounded);
            for entry in opened.range::<&[u8]>(above).map_err(|cause| failed(self.file, cause))? {
                let (key, value) = entry.map_err(|cause| failed(self.file, cause))?;
                if !take(key.value(), checked(self.file, table, key.value(), value.value()))? {
                    break;
                }
            }
            Ok(())
        })
    }

    fn table(&self, table: Table) -> Result<Option<OpenTable>, Error> {
        match self.transaction.open_table(table.definition()) {
            Ok(opened) => Ok(Some(opened)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(cause) => Err(failed(self.file, cause)),
        }
    }
}

/// Changes in the making.
pub struct Write<'a> {
    file: &'a str,
    transaction: &'a redb::WriteTransaction,
}

impl Write<'_> {
    /// Puts values under ascending or any keys.
    pub fn put<'a>(
        &mut self,
        table: Table,
        entries: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), Error> {
        let fail = |cause| failed(self.file, cause);
        let mut opened =
            self.transaction.open_table(table.definition()).map_err(|cause| failed(self.file, cause))?;
        for (key, body) in entries {
            let mut value = opened.insert_reserve(key, HEADER_BYTES + body.len()).map_err(fail)?;
            seal(table, key, body, value.as_mut());
        }
        Ok(())
    }

    pub fn remove(&mut self, table: Table, key: &[u8]) -> Result<(), Error> {
        let mut opened =
            self.transaction.open_table(table.definition()).map_err(|cause| failed(self.file, cause))?;
        opened.remove(key).map_err(|cause| failed(self.file, cause))?;
        Ok(())
    }

    /// Removes all keys of a table.
    pub fn clear(&mut self, table: Table) -> Result<(), Error> {
        match self.transaction.delete_table(table.definition()) {
            Ok(_) => Ok(()),
            Err(cause) => Err(failed(self.file, cause)),
        }
    }

    /// Puts values under keys that ascend and lie above all that are there, which is several times
    /// faster than [`Write::put`].
    pub fn load<'a>(
        &mut self,
        table: Table,
        entries: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), Error> {
        let mut opened =
            self.transaction.open_table(table.definition()).map_err(|cause| failed(self.file, cause))?;
        let mut cursor =
            opened.upper_bound_mut(Bound::<&[u8]>::Unbounded).map_err(|cause| failed(self.file, cause))?;
        let mut value = Vec::new();
        for (key, body) in entries {
            value.clear();
            value.resize(HEADER_BYTES + body.len(), 0);
            seal(table, key, body, &mut value);
            cursor.insert_before(key, value.as_slice()).map_err(|cause| failed(self.file, cause))?;
        }
        cursor.close().map_err(|cause| failed(self.file, cause))
    }
}

fn seal(table: Table, key: &[u8], body: &[u8], value: &mut [u8]) {
    let checksum = table.checksum(VERSION, key, body).to_le_bytes();
    let bytes = [VERSION].into_iter().chain(checksum);
    if let Some((header, rest)) = value.split_at_mut_checked(HEADER_BYTES) {
        header.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        rest.copy_from_slice(body);
    }
}

fn checked<'a>(file: &str, table: Table, key: &[u8], value: &'a [u8]) -> Result<&'a [u8], Error> {
    let row = || format!("row {} of table '{}'", hex(key), table.0);
    let short = || Error::damaged(file, format!("{} has only {} bytes", row(), value.len()));
    let (header, body) = value.split_first_chunk::<HEADER_BYTES>().ok_or_else(short)?;
    let [version, checksum @ ..] = *header;
    if table.checksum(version, key, body) != u64::from_le_bytes(checksum) {
        return Err(Error::damaged(file, format!("{} does not match its checksum", row())));
    }
    if version > VERSION {
        return Err(Error::Newer { file: file.into(), found: version, known: VERSION });
    }
    Ok(body)
}

/// The bodies of `N` bytes of one row that lie anywhere in a file, newest and former ones alike: what can
/// still be learned of a file that does not open. The checksum tells them from all else.
pub fn search<const N: usize>(
    disk: &dyn Disk,
    file: &str,
    table: Table,
    key: &[u8],
) -> Result<Vec<[u8; N]>, Error> {
    let fail = |cause| Error::disk(file, cause);
    let opened = disk.open(file).map_err(fail)?;
    let size = opened.size().map_err(fail)?;
    let (mut found, mut at) = (Vec::new(), 0);
    let overlap = (HEADER_BYTES + N - 1) as u64;
    while at + overlap < size {
        let mut bytes = vec![0; (size - at).min(SEARCH_BYTES + overlap) as usize];
        opened.read(at, &mut bytes).map_err(fail)?;
        for value in bytes.windows(HEADER_BYTES + N) {
            let Some(([VERSION, checksum @ ..], body)) = value.split_first_chunk::<HEADER_BYTES>() else {
                continue;
            };
            if u64::from_le_bytes(*checksum) == table.checksum(VERSION, key, body) {
                found.extend(<[u8; N]>::try_from(body));
            }
        }
        at += SEARCH_BYTES;
    }
    Ok(found)
}

/// Bytes of a file that are searched at a time.
const SEARCH_BYTES: u64 = 1 << 20;

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A page that was changed behind redb's back can make it panic: that is a damaged file, no dead host.
fn guarded<T>(file: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let caught = catch_unwind(AssertUnwindSafe(work));
    caught.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("its pages contradict");
        Err(Error::damaged(file, format!("redb gave up on it: {text}")))
    })
}

fn opening(file: &str, cause: redb::DatabaseError) -> Error {
    failed(file, cause)
}

fn failed(file: &str, cause: impl Into<redb::Error>) -> Error {
    match cause.into() {
        redb::Error::Corrupted(what) => Error::damaged(file, what),
        redb::Error::RepairAborted => Error::damaged(file, "it could not be repaired"),
        // What redb cannot make sense of, as opposed to what the disk would not give.
        redb::Error::Io(cause) if matches!(cause.kind(), InvalidData | UnexpectedEof) => {
            Error::damaged(file, cause.to_string())
        }
        cause @ (redb::Error::UpgradeRequired(_)
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. }) => Error::damaged(file, cause.to_string()),
        cause => Error::disk(file, cause),
    }
}
