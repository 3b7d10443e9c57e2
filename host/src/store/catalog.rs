//! What there is in a data directory: streams and views, by name. Owns the names, the numbers that
//! folders have, and that a change is all there or not at all; knows nothing of what is in a folder.
//!
//! ```text
//! catalog.redb
//! table     key       value, JSON
//! streams   name      `StreamRecord`
//! views     name      `ViewRecord`
//! meta      counters  of streams and views: the next number, and how many there are
//! ```

mod record;

pub use record::{
    CertificateRecord, IncidentRecord, RunKind, RunRecord, RunResult, SchemaRecord, StreamRecord,
    VersionRecord, ViewRecord, ViewSettings, check_name,
};

use super::database::{CacheBytes, Database, Table, Write};
use super::disk::Disk;
use super::error::Error;
use record::Counter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

pub const FILE: &str = "catalog.redb";
pub const UNFINISHED: &str = "new-catalog.redb";
const META: Table = Table("meta");
const COUNTERS: &[u8] = b"counters";
const CACHE: CacheBytes = CacheBytes(1 << 20);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    streams: Counter,
    views: Counter,
}

/// What a table of the catalog holds.
pub trait Record: Serialize + DeserializeOwned {
    const WHAT: &'static str;
    const TABLE: Table;
    fn counter(counters: &mut Counters) -> &mut Counter;
}

impl Record for StreamRecord {
    const WHAT: &'static str = "stream";
    const TABLE: Table = Table("streams");

    fn counter(counters: &mut Counters) -> &mut Counter {
        &mut counters.streams
    }
}

impl Record for ViewRecord {
    const WHAT: &'static str = "view";
    const TABLE: Table = Table("views");

    fn counter(counters: &mut Counters) -> &mut Counter {
        &mut counters.views
    }
}

#[derive(Debug)]
pub struct Catalog {
    database: Database,
    /// One change at a time: what it depends on is read before it is written.
    changing: Mutex<()>,
}

impl Catalog {
    /// Opens the catalog, or makes an empty one where there is nothing at all.
    pub fn open(disk: &dyn Disk) -> Result<Catalog, Error> {
        let fail = |cause| Error::disk(FILE, cause);
        let names = disk.list("").map_err(fail)?;
        if names.iter().any(|name| name == UNFINISHED) {
            disk.unlink(UNFINISHED).map_err(fail)?;
        }
        if !names.iter().any(|name| name == FILE) {
            let database = Database::create(disk, UNFINISHED, CACHE)?.with_quick_repair();
            database.write(true, |write| put(write, META, COUNTERS, &Counters::default()))?;
            database.close()?;
            disk.rename(UNFINISHED, FILE).map_err(fail)?;
            disk.sync_folder("").map_err(fail)?;
        }
        let database = Database::create(disk, FILE, CACHE)?.with_quick_repair();
        let catalog = Catalog { database, changing: Mutex::default() };
        catalog.check::<StreamRecord>()?;
        catalog.check::<ViewRecord>()?;
        Ok(catalog)
    }

    /// Whoever opens a directory removes what the catalog does not name: so it must be whole.
    fn check<R: Record>(&self) -> Result<(), Error> {
        let (found, told) = (self.all::<R>()?.len() as u64, R::counter(&mut self.counters()?).there);
        let what = || format!("it should hold {told} {}s, and holds {found}", R::WHAT);
        if found == told { Ok(()) } else { Err(Error::damaged(FILE, what())) }
    }

    /// By name, ascending.
    pub fn all<R: Record>(&self) -> Result<Vec<R>, Error> {
        let mut records = Vec::new();
        self.database.read()?.scan(R::TABLE, &[], |name, text| {
            records.push(parse(name, text?)?);
            Ok(true)
        })?;
        Ok(records)
    }

    pub fn get<R: Record>(&self, name: &str) -> Result<R, Error> {
        let unknown = || Error::Unknown { what: R::WHAT, name: name.into() };
        self.find(name)?.ok_or_else(unknown)
    }

    fn find<R: Record>(&self, name: &str) -> Result<Option<R>, Error> {
        self.database.read()?.get(R::TABLE, name.as_bytes(), |text| parse(name.as_bytes(), text))
    }

    /// Adds what `make` makes under the next number.
    pub fn create<R: Record>(
        &self,
        name: &str,
        make: impl FnOnce(u64) -> Result<R, Error>,
    ) -> Result<R, Error> {
        check_name(R::WHAT, name)?;
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.find::<R>(name)?.is_some() {
            return Err(Error::Taken { what: R::WHAT, name: name.into() });
        }
        let mut counters = self.counters()?;
        let counter = R::counter(&mut counters);
        let record = make(counter.next)?;
        counter.next += 1;
        counter.there += 1;
        self.database.write(true, |write| {
            put(write, R::TABLE, name.as_bytes(), &record)?;
            put(write, META, COUNTERS, &counters)
        })?;
        Ok(record)
    }

    /// Changes a record; its name and number stay.
    pub fn update<R: Record, T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut R) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut record = self.get::<R>(name)?;
        let result = change(&mut record)?;
        self.database.write(true, |write| put(write, R::TABLE, name.as_bytes(), &record))?;
        Ok(result)
    }

    pub fn remove<R: Record>(&self, name: &str) -> Result<R, Error> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let record = self.get::<R>(name)?;
        let mut counters = self.counters()?;
        let counter = R::counter(&mut counters);
        counter.there = counter.there.saturating_sub(1);
        self.database.write(true, |write| {
            write.remove(R::TABLE, name.as_bytes())?;
            put(write, META, COUNTERS, &counters)
        })?;
        Ok(record)
    }

    pub fn close(self) -> Result<(), Error> {
        self.database.close()
    }

    fn counters(&self) -> Result<Counters, Error> {
        let counters = self.database.read()?.get(META, COUNTERS, |text| parse(COUNTERS, text))?;
        counters.ok_or_else(|| Error::damaged(FILE, "it has no counters"))
    }
}

fn put(write: &mut Write<'_>, table: Table, key: &[u8], record: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_vec(record).map_err(|cause| Error::disk(FILE, cause))?;
    write.put(table, [(key, text.as_slice())])
}

fn parse<T: DeserializeOwned>(name: &[u8], text: &[u8]) -> Result<T, Error> {
    let what = |cause| format!("the record of '{}': {cause}", String::from_utf8_lossy(name));
    serde_json::from_slice(text).map_err(|cause| Error::damaged(FILE, what(cause)))
}
