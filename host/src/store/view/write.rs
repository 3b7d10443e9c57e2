//! Writing a view: once, in order, and gone again unless it was finished.

use super::block::{Packer, Row};
use super::list::ListPacker;
use super::meta::{Meta, Span};
use super::{CELLS, META, META_KEY, REJECTED, SPANS, cell_of};
use crate::cell::CellRef;
use crate::certificate::Certificate;
use crate::digest::Digest;
use crate::offset::Range;
use crate::store::database::{CacheBytes, Database, Lasting, Table, Write};
use crate::store::disk::Disk;
use crate::store::error::Error;
use crate::tally::Tally;

/// Cells of one transaction.
const TRANSACTION_CELLS: u64 = 200_000;
/// Bytes of one transaction, unless one row alone has more.
const TRANSACTION_BYTES: usize = 16 << 20;
/// Rows are written once and not read: only the way to the last page is of use again.
const CACHE: CacheBytes = CacheBytes(32 << 20);

/// What a view proves of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    Certified(Certificate),
    /// No batch run has computed these cells from the log.
    Nothing {
        version: Digest,
        range: Range,
    },
}

/// A view in the making. Dropped before it is finished, it removes its file.
#[derive(Debug)]
pub struct ViewWriter<'d> {
    disk: &'d dyn Disk,
    file: String,
    /// None once a write has failed, or all is written.
    database: Option<Database>,
    is_finished: bool,
    packer: Packer,
    rejected: ListPacker,
    spans: ListPacker,
    pending: Pending,
    last: Option<(Vec<u8>, i64)>,
    last_rejected: Option<u64>,
    last_span: Option<Span>,
    first: Vec<u8>,
    cells: u64,
    broken: u64,
    tally: Tally,
}

/// Rows that wait for their transaction.
#[derive(Debug, Default)]
struct Pending {
    cells: Vec<Row>,
    rejected: Vec<Row>,
    spans: Vec<Row>,
    count: u64,
    bytes: usize,
}

impl<'d> ViewWriter<'d> {
    /// Starts a file that there is not yet.
    pub fn create(disk: &'d dyn Disk, file: &str) -> Result<ViewWriter<'d>, Error> {
        let (folder, name) = folder_of(file);
        let names = disk.list(folder).map_err(|cause| Error::disk(file, cause))?;
        if names.iter().any(|there| there == name) {
            let what = format!("{file} is there already; a view is written once, under a name of its own");
            return Err(Error::Refused(what));
        }
        ViewWriter::start(disk, file, Lasting::Synced)
    }

    pub(super) fn start(disk: &'d dyn Disk, file: &str, lasting: Lasting) -> Result<ViewWriter<'d>, Error> {
        // First the writer, so that a file that could not be opened is removed too.
        let mut writer = ViewWriter {
            disk,
            file: file.into(),
            database: None,
            is_finished: false,
            packer: Packer::default(),
            rejected: ListPacker::default(),
            spans: ListPacker::default(),
            pending: Pending::default(),
            last: None,
            last_rejected: None,
            last_span: None,
            first: Vec::new(),
            cells: 0,
            broken: 0,
            tally: Tally::default(),
        };
        writer.database = Some(Database::create_lasting(disk, file, CACHE, lasting)?);
        Ok(writer)
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// Cells so far.
    pub fn cells(&self) -> u64 {
        self.cells
    }

    /// Adds the next cell in canonical order.
    pub fn push(&mut self, cell: CellRef<'_>) -> Result<(), Error> {
        self.check_order(&cell)?;
        if let Some(full) = self.packer.push(&cell) {
            self.pending.add_block(full, &mut self.first);
        }
        self.cells += 1;
        self.broken += u64::from(cell.broken.is_some());
        self.pending.count += 1;
        self.flush_if_full()
    }

    fn check_order(&mut self, cell: &CellRef<'_>) -> Result<(), Error> {
        let Some((key, window)) = &mut self.last else {
            self.last = Some((cell.key.to_vec(), cell.window));
            return Ok(());
        };
        let ascends = match key[..] == *cell.key {
            true => *window < cell.window,
            // A key that begins with the one before would sort among its windows.
            false => key[..] < *cell.key && !cell.key.starts_with(key),
        };
        if !ascends {
            let what = format!("{}: cells of a view must ascend by canonical key and window", self.file);
            return Err(Error::Refused(what));
        }
        if key[..] != *cell.key {
            key.clear();
            key.extend_from_slice(cell.key);
        }
        *window = cell.window;
        Ok(())
    }

    /// Adds the next rejected event.
    pub fn push_rejected(&mut self, offset: u64, reason: &str) -> Result<(), Error> {
        if self.last_rejected.is_some_and(|last| last >= offset) {
            let what = format!("{}: rejected offset {offset} does not ascend", self.file);
            return Err(Error::Refused(what));
        }
        self.last_rejected = Some(offset);
        if let Some(row) = self.rejected.push_rejected(offset, reason) {
            self.pending.bytes += bytes_of(&row);
            self.pending.rejected.push(row);
        }
        self.flush_if_full()
    }

    /// Adds the span that begins where the one before ended.
    pub fn push_span(&mut self, span: &Span) -> Result<(), Error> {
        if self.last_span.is_some_and(|last| last.range.to != span.range.from) || span.range.is_empty() {
            let what = format!("{}: span {} does not follow the one before", self.file, span.range);
            return Err(Error::Refused(what));
        }
        self.last_span = Some(*span);
        self.tally = self.tally.plus(span.tally);
        if let Some(row) = self.spans.push_span(span) {
            self.pending.bytes += bytes_of(&row);
            self.pending.spans.push(row);
        }
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<(), Error> {
        let pending = &self.pending;
        if pending.count < TRANSACTION_CELLS && pending.bytes < TRANSACTION_BYTES {
            return Ok(());
        }
        self.write(false, |_| Ok(()))
    }

    /// Writes what waits, and `more`, in one transaction.
    fn write(
        &mut self,
        durable: bool,
        more: impl FnOnce(&mut Write<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(database) = self.database.take() else {
            let cause = "this view was not finished".into();
            return Err(Error::Latched { file: self.file.clone(), cause });
        };
        let pending = std::mem::take(&mut self.pending);
        database.write(durable, |write| {
            load(write, CELLS, &pending.cells)?;
            load(write, REJECTED, &pending.rejected)?;
            load(write, SPANS, &pending.spans)?;
            more(write)
        })?;
        self.database = Some(database);
        Ok(())
    }

    /// Makes the view last: on return its file is closed, and both file and name are on the disk.
    pub fn finish(mut self, proof: &Proof) -> Result<Meta, Error> {
        let meta = self.seal(proof)?;
        let (folder, _) = folder_of(&self.file);
        self.disk.sync_folder(folder).map_err(|cause| Error::disk(&self.file, cause))?;
        self.is_finished = true;
        Ok(meta)
    }

    /// All but the folder's sync.
    pub(super) fn seal(&mut self, proof: &Proof) -> Result<Meta, Error> {
        if !self.packer.is_empty() {
            let last = self.packer.finish(&[]);
            self.pending.add_block(last, &mut self.first);
        }
        self.pending.rejected.extend(self.rejected.finish());
        self.pending.spans.extend(self.spans.finish());
        let meta = self.meta(proof);
        let bytes = meta.to_bytes();
        self.write(true, |write| write.load(META, [(META_KEY, &bytes[..])]))?;
        self.database.take().map_or(Ok(()), Database::close)?;
        Ok(meta)
    }

    /// The file stays; whoever asked removes it.
    pub(super) fn hand_over(&mut self) {
        self.is_finished = true;
    }

    pub(super) fn disk(&self) -> &'d dyn Disk {
        self.disk
    }

    fn meta(&self, proof: &Proof) -> Meta {
        let (version, range, certificate) = match *proof {
            Proof::Certified(certificate) => (certificate.version, certificate.range, Some(certificate)),
            Proof::Nothing { version, range } => (version, range, None),
        };
        Meta {
            version,
            range,
            cells: self.cells,
            broken: self.broken,
            rejected: self.rejected.count,
            spans: self.spans.count,
            tally: self.tally,
            certificate,
            first: self.first.clone(),
        }
    }
}

impl Drop for ViewWriter<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            drop(self.database.take());
            // What cannot be removed now is found by the next start: no catalog names it.
            let _ = self.disk.unlink(&self.file);
        }
    }
}

impl Pending {
    fn add_block(&mut self, row: Row, first: &mut Vec<u8>) {
        if first.is_empty() && cell_of(&row.0).is_some() {
            first.clone_from(&row.0);
        }
        self.bytes += bytes_of(&row);
        self.cells.push(row);
    }
}

fn bytes_of((key, body): &Row) -> usize {
    key.len() + body.len()
}

fn load(write: &mut Write<'_>, table: Table, rows: &[Row]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    write.load(table, rows.iter().map(|(key, body)| (&key[..], &body[..])))
}

/// The folder of a file, and its name there.
pub fn folder_of(file: &str) -> (&str, &str) {
    file.rsplit_once('/').unwrap_or(("", file))
}
