//! Reading a view: single cells, and what its run said of them. Whatever does not fit together is
//! damage, named by file and row.

use super::block::Unpacker;
use super::list;
use super::meta::{Meta, Span};
use super::scan::Scan;
use super::{CELLS, META, META_KEY, REJECTED, SPANS, row_key};
use crate::cell::Cell;
use crate::extract::Rejected;
use crate::offset::Offset;
use crate::store::database::{CacheBytes, Database, Table};
use crate::store::disk::Disk;
use crate::store::error::Error;

/// A finished view. May be read from several threads.
#[derive(Debug)]
pub struct ViewFile {
    database: Database,
    meta: Meta,
}

/// Rows of a list that one transaction reads.
const LIST_ROWS: usize = 64;

impl ViewFile {
    pub fn open_read_only(disk: &dyn Disk, file: &str, cache: CacheBytes) -> Result<ViewFile, Error> {
        let database = Database::open_read_only(disk, file, cache)?;
        let meta = database.read()?.get(META, META_KEY, |body| {
            Meta::of_bytes(body).ok_or_else(|| Error::damaged(file, "what it says of itself cannot be read"))
        })?;
        let meta = meta.ok_or_else(|| Error::damaged(file, "it was never finished"))?;
        Ok(ViewFile { database, meta })
    }

    pub fn file(&self) -> &str {
        self.database.file()
    }

    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    pub fn find(&self, key: &[u8], window: i64) -> Result<Option<Cell>, Error> {
        let bound = row_key(key, window);
        let Some(mut block) = self.block_at(&bound)? else { return Ok(None) };
        while self.advance(&mut block)? {
            let cell = block.cell();
            match (cell.key, cell.window).cmp(&(key, window)) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(Some(cell.to_owned())),
                std::cmp::Ordering::Greater => return Ok(None),
            }
        }
        Ok(None)
    }

    /// All cells in canonical order.
    pub fn scan(&self) -> Result<Scan<'_>, Error> {
        Scan::new(self, Vec::new(), None)
    }

    /// Cells from one on, whether it is there or not.
    pub fn scan_from(&self, key: &[u8], window: i64) -> Result<Scan<'_>, Error> {
        Scan::new(self, row_key(key, window), None)
    }

    /// Cells whose canonical key begins with `prefix`.
    pub fn scan_prefix(&self, prefix: &[u8]) -> Result<Scan<'_>, Error> {
        Scan::new(self, prefix.to_vec(), Some(prefix.to_vec()))
    }

    /// The only block that can have cells at `bound`, a row key; None if all cells lie above it.
    pub(super) fn block_at(&self, bound: &[u8]) -> Result<Option<Unpacker>, Error> {
        if self.meta.first.is_empty() || bound < &self.meta.first[..] {
            return Ok(None);
        }
        let found = self.database.read()?.last_to(CELLS, bound, |key, body| {
            let block = self.unpack(key, body)?;
            let is_right = key <= bound && (block.fence().is_empty() || bound < block.fence());
            is_right.then_some(block).ok_or_else(|| self.lost(bound))
        })?;
        found.ok_or_else(|| self.lost(bound)).map(Some)
    }

    /// Blocks from the one that begins with `first`, of about `bytes`; at least one.
    pub(super) fn blocks(&self, first: &[u8], bytes: usize) -> Result<Vec<Unpacker>, Error> {
        let (mut blocks, mut taken): (Vec<Unpacker>, usize) = (Vec::new(), 0);
        self.database.read()?.scan(CELLS, first, |key, body| {
            let block = self.unpack(key, body?)?;
            let expected = blocks.last().map_or(first, Unpacker::fence);
            if block.row_key() != expected {
                return Err(self.lost(expected));
            }
            taken += block.bytes();
            let goes_on = taken < bytes && !block.fence().is_empty();
            blocks.push(block);
            Ok(goes_on)
        })?;
        if blocks.is_empty() { Err(self.lost(first)) } else { Ok(blocks) }
    }

    fn unpack(&self, key: &[u8], body: &[u8]) -> Result<Unpacker, Error> {
        Unpacker::new(key, body).map_err(|fault| self.damaged(CELLS, key, fault))
    }

    /// Goes to the next cell of a block; false after the last.
    pub(super) fn advance(&self, block: &mut Unpacker) -> Result<bool, Error> {
        block.advance().map_err(|fault| self.damaged(CELLS, block.row_key(), fault))
    }

    pub(super) fn lost(&self, row_key: &[u8]) -> Error {
        self.damaged(CELLS, row_key, "its index does not lead to the block that holds it")
    }

    fn damaged(&self, table: Table, key: &[u8], what: &str) -> Error {
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Error::damaged(self.file(), format!("row {key} of table '{}': {what}", table.0))
    }

    /// Its rejected events, ascending.
    pub fn rejected(&self) -> RejectedScan<'_> {
        RejectedScan {
            view: self,
            rows: Rows::new(REJECTED),
            events: Vec::new().into_iter(),
            last: None,
            count: 0,
        }
    }

    /// Its spans, ascending: none, or all of its range.
    pub fn spans(&self) -> Result<Vec<Span>, Error> {
        let (mut spans, mut end): (Vec<Span>, Offset) = (Vec::new(), self.meta.range.from);
        let mut rows = Rows::new(SPANS);
        while let Some(few) = rows.next(self, list::spans)? {
            for span in few {
                if span.range.from != end {
                    return Err(self.incomplete(SPANS));
                }
                end = span.range.to;
                spans.push(span);
            }
        }
        let is_whole = spans.is_empty() || end == self.meta.range.to;
        let is_complete = spans.len() as u64 == self.meta.spans && is_whole;
        if is_complete { Ok(spans) } else { Err(self.incomplete(SPANS)) }
    }

    fn incomplete(&self, table: Table) -> Error {
        Error::damaged(self.file(), format!("table '{}' lacks rows or has them twice", table.0))
    }
}

/// Rows of a list, a few at a time.
#[derive(Debug)]
struct Rows {
    table: Table,
    /// The least key that the next transaction looks at; None at the end.
    from: Option<u64>,
}

impl Rows {
    fn new(table: Table) -> Rows {
        Rows { table, from: Some(0) }
    }

    /// The entries of the next few rows; None at the end.
    fn next<T>(
        &mut self,
        view: &ViewFile,
        decode: impl Fn(&[u8], &[u8]) -> Option<Vec<T>>,
    ) -> Result<Option<Vec<T>>, Error> {
        let Some(first) = self.from.take() else { return Ok(None) };
        let (mut entries, mut rows) = (Vec::new(), 0);
        view.database.read()?.scan(self.table, &first.to_be_bytes(), |key, body| {
            let unreadable = || view.damaged(self.table, key, "its entries cannot be read");
            entries.extend(decode(key, body?).ok_or_else(unreadable)?);
            rows += 1;
            if rows < LIST_ROWS {
                return Ok(true);
            }
            let key = key.try_into().map(u64::from_be_bytes).map_err(|_| unreadable())?;
            // The rows of a damaged index may lead back: each transaction begins above the last.
            let next = key.checked_add(1).filter(|next| *next > first);
            self.from = Some(next.ok_or_else(unreadable)?);
            Ok(false)
        })?;
        Ok(Some(entries))
    }
}

/// Rejected events, ascending. Ends with an error unless there were as many as the view says.
#[derive(Debug)]
pub struct RejectedScan<'a> {
    view: &'a ViewFile,
    rows: Rows,
    events: std::vec::IntoIter<Rejected>,
    last: Option<u64>,
    count: u64,
}

impl RejectedScan<'_> {
    fn step(&mut self) -> Result<Option<Rejected>, Error> {
        loop {
            if let Some(event) = self.events.next() {
                if self.last.is_some_and(|last| last >= event.offset) {
                    return Err(self.view.incomplete(REJECTED));
                }
                (self.count, self.last) = (self.count + 1, Some(event.offset));
                return Ok(Some(event));
            }
            match self.rows.next(self.view, list::rejected)? {
                Some(events) => self.events = events.into_iter(),
                None if self.count == self.view.meta.rejected => return Ok(None),
                None => return Err(self.view.incomplete(REJECTED)),
            }
        }
    }
}

impl Iterator for RejectedScan<'_> {
    type Item = Result<Rejected, Error>;

    fn next(&mut self) -> Option<Result<Rejected, Error>> {
        self.step().transpose()
    }
}
