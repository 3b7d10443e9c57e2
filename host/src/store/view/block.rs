//! Blocks of cells: how they are packed, and how they are read cell by cell.

use super::bytes::{Bytes, push_number, push_signed, push_text};
use super::{ROW_BYTES, cell_of, row_key};
use crate::cell::CellRef;
use crate::store::database::HEADER_BYTES;

/// A block in the making.
#[derive(Debug, Default)]
pub struct Packer {
    row_key: Vec<u8>,
    cells: Vec<u8>,
    count: u64,
    last_key: Vec<u8>,
    last_window: i64,
    scratch: Vec<u8>,
}

/// A finished block.
pub type Row = (Vec<u8>, Vec<u8>);

impl Packer {
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a cell; gives the block before it if it does not go into that one.
    pub fn push(&mut self, cell: &CellRef<'_>) -> Option<Row> {
        if self.is_empty() {
            self.begin(cell);
            return None;
        }
        encode(cell, &self.last_key, self.last_window, &mut self.scratch);
        // The fence is not known yet; most keys are about as long as their neighbours.
        let fence = cell.key.len() + 10;
        let bytes = self.row_key.len() + HEADER_BYTES + self.cells.len() + self.scratch.len() + fence;
        if bytes > ROW_BYTES {
            let full = self.finish(&row_key(cell.key, cell.window));
            self.begin(cell);
            return Some(full);
        }
        self.cells.append(&mut self.scratch);
        self.note(cell);
        None
    }

    fn begin(&mut self, cell: &CellRef<'_>) {
        self.row_key = row_key(cell.key, cell.window);
        encode(cell, cell.key, cell.window, &mut self.scratch);
        self.cells.append(&mut self.scratch);
        self.note(cell);
    }

    fn note(&mut self, cell: &CellRef<'_>) {
        self.count += 1;
        self.last_key.clear();
        self.last_key.extend_from_slice(cell.key);
        self.last_window = cell.window;
    }

    /// Ends the block; `fence` is the row key of the next, empty after the last.
    pub fn finish(&mut self, fence: &[u8]) -> Row {
        let mut body = Vec::with_capacity(self.cells.len() + fence.len() + 2);
        push_text(&mut body, fence);
        body.append(&mut self.cells);
        self.count = 0;
        (std::mem::take(&mut self.row_key), body)
    }
}

fn encode(cell: &CellRef<'_>, last_key: &[u8], last_window: i64, out: &mut Vec<u8>) {
    out.clear();
    let shared = cell.key.iter().zip(last_key).take_while(|(a, b)| a == b).count();
    push_number(out, shared as u64);
    push_text(out, cell.key.get(shared..).unwrap_or_default());
    push_signed(out, cell.window.wrapping_sub(last_window));
    let (bytes, broken) = match cell.broken {
        Some(cause) => (cause.as_bytes(), 1),
        None => (cell.state, 0),
    };
    push_number(out, (bytes.len() as u64) << 1 | broken);
    out.extend_from_slice(bytes);
}

/// A block that is read, standing on one of its cells.
#[derive(Debug)]
pub struct Unpacker {
    row_key: Vec<u8>,
    fence: Vec<u8>,
    body: Vec<u8>,
    /// Where the next cell begins.
    next: usize,
    key: Vec<u8>,
    window: i64,
    /// Where the cell's state or cause is.
    state: std::ops::Range<usize>,
    is_broken: bool,
}

/// Why a block cannot be read although its checksum is right.
pub type Fault = &'static str;

impl Unpacker {
    /// Stands before the first cell.
    pub fn new(row_key: &[u8], body: &[u8]) -> Result<Unpacker, Fault> {
        let (key, window) = cell_of(row_key).ok_or("its key is too short")?;
        let mut bytes = Bytes(body);
        let fence = bytes.text().ok_or("its fence is cut off")?.to_vec();
        Ok(Unpacker {
            fence,
            next: body.len() - bytes.0.len(),
            body: body.to_vec(),
            key: key.to_vec(),
            window,
            row_key: row_key.to_vec(),
            state: 0..0,
            is_broken: false,
        })
    }

    pub fn row_key(&self) -> &[u8] {
        &self.row_key
    }

    /// The row key of the next block; empty after the last.
    pub fn fence(&self) -> &[u8] {
        &self.fence
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.body.len() + self.row_key.len() + self.fence.len()
    }

    /// Goes to the next cell; false after the last.
    pub fn advance(&mut self) -> Result<bool, Fault> {
        let mut bytes = Bytes(self.body.get(self.next..).unwrap_or_default());
        if bytes.is_empty() {
            return Ok(false);
        }
        let cut = "a cell is cut off";
        let shared = bytes.number().ok_or(cut)?;
        let rest = bytes.text().ok_or(cut)?;
        if shared > self.key.len() as u64 {
            return Err("a key shares more than there is");
        }
        self.key.truncate(shared as usize);
        self.key.extend_from_slice(rest);
        self.window = self.window.wrapping_add(bytes.signed().ok_or(cut)?);
        let length = bytes.number().ok_or(cut)?;
        self.is_broken = length & 1 == 1;
        let state = bytes.take(length >> 1).ok_or(cut)?;
        if self.is_broken && std::str::from_utf8(state).is_err() {
            return Err("the cause of a broken cell is no text");
        }
        self.next = self.body.len() - bytes.0.len();
        self.state = self.next - state.len()..self.next;
        Ok(true)
    }

    pub fn cell(&self) -> CellRef<'_> {
        let bytes = self.body.get(self.state.clone()).unwrap_or_default();
        let (state, broken): (&[u8], _) = match self.is_broken {
            true => (&[], Some(std::str::from_utf8(bytes).unwrap_or_default())),
            false => (bytes, None),
        };
        CellRef { key: &self.key, window: self.window, state, broken }
    }
}
