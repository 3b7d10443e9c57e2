//! What lasts: the log of each stream, its columns, the views and the catalog, in one data directory.
//! Owns every file there and is the only user of redb; knows nothing of transforms that run, of JSON
//! payloads or of the command line.
//!
//! ```text
//! lock                         held by the process that uses the directory
//! catalog.redb                 see `catalog`
//! streams/<number>/log/        segments, see `log`
//! views/<number>/              one file a run
//! components/<sha256>.wasm     as they were deployed
//! ```

mod catalog;
mod component;
mod database;
mod disk;
mod error;
mod examine;
mod lock;
mod log;
mod sweep;
#[cfg(debug_assertions)]
mod testing;
mod view;

pub use catalog::{
    CertificateRecord, IncidentRecord, RunKind, RunRecord, RunResult, SchemaRecord, StreamRecord,
    VersionRecord, ViewRecord, ViewSettings,
};
pub use database::CacheBytes;
pub use disk::{Directory, Disk, File};
pub use error::Error;
pub use examine::{Examined, State};
pub use log::{
    Appender, Batch, Health, Key, Loss, Made, Mark, Patient, Payloads, Pieces, Receipt, SEGMENT_BYTES,
    Settings, StreamLog,
};
pub use sweep::DELTA_PREFIX;
pub use view::{Meta, Proof, RejectedScan, Scan, Span, Spill, ViewFile, ViewWriter, remove_spills};

use crate::digest::Digest;
use catalog::Catalog;
use lock::Lock;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Schemas that a stream may have had, and bytes of them together: its record has all of them.
const SCHEMAS_MAX: i64 = 1000;
const SCHEMAS_BYTES_MAX: usize = 16 << 20;

/// An open data directory.
#[derive(Debug)]
pub struct Store {
    disk: Arc<dyn Disk>,
    catalog: Catalog,
    /// Open logs by the number of their stream: a log has one writer, so it is opened once.
    logs: Mutex<BTreeMap<u64, Weak<StreamLog>>>,
    /// What was removed when it was opened.
    swept: Vec<String>,
    _lock: Option<Lock>,
}

impl Store {
    /// Whether a directory is one.
    pub fn is_at(directory: &Path) -> bool {
        directory.join(catalog::FILE).is_file()
    }

    /// Opens a data directory, or makes one where there is nothing, and keeps all others out of it.
    pub fn open(directory: &Path) -> Result<Store, Error> {
        let shown = directory.display().to_string();
        disk::make_lasting(directory).map_err(|cause| Error::disk(&shown, cause))?;
        require_ours(&Directory::new(directory.into()), &shown)?;
        let lock = Lock::take(directory)?;
        let disk: Arc<dyn Disk> = Arc::new(Directory::new(directory.into()));
        #[cfg(debug_assertions)]
        let disk = testing::stopping(disk);
        let store = Store::with_disk(disk)?;
        Ok(Store { _lock: Some(lock), ..store })
    }

    /// The same on any disk, which nobody else uses.
    pub fn with_disk(disk: Arc<dyn Disk>) -> Result<Store, Error> {
        require_ours(disk.as_ref(), "the data directory")?;
        let catalog = Catalog::open(disk.as_ref())?;
        let swept = sweep::sweep(disk.as_ref(), &catalog)?;
        Ok(Store { disk, catalog, logs: Mutex::default(), swept, _lock: None })
    }

    /// Where files of views are made.
    pub fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// By name, ascending.
    pub fn streams(&self) -> Result<Vec<StreamRecord>, Error> {
        self.catalog.all()
    }

    pub fn stream(&self, name: &str) -> Result<StreamRecord, Error> {
        self.catalog.get(name)
    }

    /// Makes a stream with an empty log; the number in `record` is not read.
    pub fn create_stream(&self, record: StreamRecord) -> Result<StreamRecord, Error> {
        let name = record.name.clone();
        self.catalog.create(&name, |number| {
            let record = StreamRecord { number, ..record };
            let folder = format!("streams/{number}");
            let fail = |cause| Error::disk(&folder, cause);
            sweep::remove_tree(self.disk.as_ref(), &folder)?;
            self.disk.create_folder(&folder).map_err(fail)?;
            self.disk.sync_folder("streams").and_then(|()| self.disk.sync_folder("")).map_err(fail)?;
            self.open_log(&record)?;
            Ok(record)
        })
    }

    /// Puts a schema in force under the next number, unless it is in force already. Events that are there
    /// keep the number that they came in by.
    pub fn add_schema(&self, name: &str, text: &str) -> Result<StreamRecord, Error> {
        self.catalog.update(name, |record: &mut StreamRecord| {
            let last = record.schema();
            if last.is_none_or(|schema| schema.text != text) {
                let number = last.map_or(1, |schema| schema.number + 1);
                let bytes = record.schemas.iter().map(|schema| schema.text.len()).sum::<usize>() + text.len();
                if number > SCHEMAS_MAX || bytes > SCHEMAS_BYTES_MAX {
                    return Err(Error::Refused(format!(
                        "stream '{name}' has had as many schemas as it may: {SCHEMAS_MAX} of {SCHEMAS_BYTES_MAX} bytes together"
                    )));
                }
                record.schemas.push(SchemaRecord { number, text: text.into() });
            }
            Ok(record.clone())
        })
    }

    /// Removes a stream and its log for good.
    pub fn remove_stream(&self, name: &str) -> Result<(), Error> {
        let views = self.catalog.all::<ViewRecord>()?;
        if let Some(view) = views.iter().find(|view| view.stream == name) {
            let view = &view.name;
            let why = format!(
                "stream '{name}' is read by view '{view}'; `bifocal view rm {view}` removes that first"
            );
            return Err(Error::Refused(why));
        }
        let record = self.catalog.remove::<StreamRecord>(name)?;
        self.logs.lock().unwrap_or_else(PoisonError::into_inner).remove(&record.number);
        sweep::remove_tree(self.disk.as_ref(), &format!("streams/{}", record.number))
    }

    /// The log of a stream, open as long as anyone holds it.
    pub fn log(&self, stream: &StreamRecord) -> Result<Arc<StreamLog>, Error> {
        let folder = stream.folder();
        let names = self.disk.list(&folder).map_err(|cause| Error::disk(&folder, cause))?;
        if names.is_empty() {
            return Err(Error::damaged(&folder, format!("the log of stream '{}' is gone", stream.name)));
        }
        self.open_log(stream)
    }

    fn open_log(&self, stream: &StreamRecord) -> Result<Arc<StreamLog>, Error> {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = logs.get(&stream.number).and_then(Weak::upgrade) {
            return Ok(log);
        }
        let segment_bytes = SEGMENT_BYTES;
        #[cfg(debug_assertions)]
        let segment_bytes = testing::segment_bytes().unwrap_or(segment_bytes);
        let settings = Settings { stream: stream.stream(), seed: stream.seed, segment_bytes };
        let log = StreamLog::open(self.disk.clone(), &stream.folder(), settings)?;
        logs.insert(stream.number, Arc::downgrade(&log));
        Ok(log)
    }

    /// By name, ascending.
    pub fn views(&self) -> Result<Vec<ViewRecord>, Error> {
        self.catalog.all()
    }

    pub fn view(&self, name: &str) -> Result<ViewRecord, Error> {
        self.catalog.get(name)
    }

    /// Makes a view; the number in `record` is not read.
    pub fn create_view(&self, record: ViewRecord) -> Result<ViewRecord, Error> {
        self.stream(&record.stream)?;
        let name = record.name.clone();
        self.catalog.create(&name, |number| {
            let record = ViewRecord { number, ..record };
            let folder = record.folder();
            let fail = |cause| Error::disk(&folder, cause);
            sweep::remove_tree(self.disk.as_ref(), &folder)?;
            self.disk.create_folder(&folder).map_err(fail)?;
            self.disk.sync_folder("views").and_then(|()| self.disk.sync_folder("")).map_err(fail)?;
            Ok(record)
        })
    }

    /// Changes a view by one atomic change of its record.
    pub fn update_view<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut ViewRecord) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.catalog.update(name, change)
    }

    /// Adds a run to a view, after `change`; files of runs that are forgotten by it are removed once
    /// nothing names them.
    pub fn add_run(
        &self,
        name: &str,
        run: RunRecord,
        change: impl FnOnce(&mut ViewRecord),
    ) -> Result<(), Error> {
        let (folder, files) = self.catalog.update(name, |view: &mut ViewRecord| {
            change(view);
            Ok((view.folder(), view.add_run(run)))
        })?;
        files.iter().try_for_each(|file| sweep::remove_tree(self.disk.as_ref(), &format!("{folder}/{file}")))
    }

    pub fn remove_view(&self, name: &str) -> Result<(), Error> {
        let record = self.catalog.remove::<ViewRecord>(name)?;
        sweep::remove_tree(self.disk.as_ref(), &record.folder())
    }

    /// Bytes of the files in a folder whose names are wanted; one that goes away meanwhile counts nothing.
    pub fn bytes_in(&self, folder: &str, is_wanted: impl Fn(&str) -> bool) -> Result<u64, Error> {
        let names = self.disk.list(folder).map_err(|cause| Error::disk(folder, cause))?;
        let size = |name: &String| self.disk.open(&format!("{folder}/{name}")).and_then(|file| file.size());
        Ok(names.iter().filter(|name| is_wanted(name)).filter_map(|name| size(name).ok()).sum())
    }

    /// Keeps the bytes of a component; by their digest they are found again.
    pub fn put_component(&self, bytes: &[u8]) -> Result<Digest, Error> {
        component::put(self.disk.as_ref(), bytes)
    }

    /// The bytes of a component by their digest, as hex.
    pub fn component(&self, digest: &str) -> Result<Vec<u8>, Error> {
        component::get(self.disk.as_ref(), digest)
    }

    /// Closes the catalog, so that it opens in a moment. Logs are closed by who holds them.
    pub fn close(self) -> Result<(), Error> {
        self.catalog.close()
    }
}

/// Whoever opens a directory removes from it what the catalog does not name: it must not be anyone
/// else's, nor one whose catalog was lost.
fn require_ours(disk: &dyn Disk, shown: &str) -> Result<(), Error> {
    let names = disk.list("").map_err(|cause| Error::disk(shown, cause))?;
    let is_made = |name: &String| name == catalog::FILE;
    let is_begun = |name: &String| name == lock::FILE || name == catalog::UNFINISHED;
    match names.iter().find(|name| !is_begun(name)) {
        Some(other) if !names.iter().any(is_made) => Err(Error::Refused(format!(
            "{shown} is no data directory: it has '{other}', and no {}; choose another, or an empty one",
            catalog::FILE
        ))),
        _ => Ok(()),
    }
}
