//! Reading cells in order, a few blocks at a time.

use super::block::Unpacker;
use super::read::ViewFile;
use super::row_key;
use crate::cell::CellRef;
use crate::store::error::Error;
use std::collections::VecDeque;

/// Bytes of blocks that one transaction reads.
const BYTES_AHEAD: usize = 128 << 10;

/// Cells in canonical order, standing on one of them. Holds no transaction while it stands.
#[derive(Debug)]
pub struct Scan<'a> {
    view: &'a ViewFile,
    blocks: VecDeque<Unpacker>,
    /// The row key of the block after those that were read; empty after the last.
    next: Vec<u8>,
    /// Keys that do not begin with this are beyond the end.
    prefix: Option<Vec<u8>>,
    is_over: bool,
}

impl<'a> Scan<'a> {
    /// Stands on the first cell whose row key is not below `bound`.
    pub(super) fn new(
        view: &'a ViewFile,
        bound: Vec<u8>,
        prefix: Option<Vec<u8>>,
    ) -> Result<Scan<'a>, Error> {
        let mut scan = Scan { view, blocks: VecDeque::new(), next: Vec::new(), prefix, is_over: false };
        match view.block_at(&bound)? {
            Some(block) => {
                scan.next = block.fence().to_vec();
                scan.blocks.push_back(block);
            }
            None => scan.next.clone_from(&view.meta().first),
        }
        scan.advance()?;
        while !bound.is_empty() && scan.head().is_some_and(|cell| row_key(cell.key, cell.window) < bound) {
            scan.advance()?;
        }
        Ok(scan)
    }

    /// The cell that it stands on; None at the end.
    pub fn head(&self) -> Option<CellRef<'_>> {
        if self.is_over {
            return None;
        }
        self.blocks.front().map(Unpacker::cell)
    }

    /// Goes to the next cell.
    pub fn advance(&mut self) -> Result<(), Error> {
        while !self.is_over {
            if let Some(block) = self.blocks.front_mut() {
                if self.view.advance(block)? {
                    let key = block.cell().key;
                    self.is_over = self.prefix.as_ref().is_some_and(|prefix| is_beyond(key, prefix));
                    return Ok(());
                }
                self.blocks.pop_front();
            } else if self.next.is_empty() {
                self.is_over = true;
            } else {
                self.blocks = self.view.blocks(&self.next, BYTES_AHEAD)?.into();
                self.next = self.blocks.back().map(|block| block.fence().to_vec()).unwrap_or_default();
            }
        }
        Ok(())
    }
}

fn is_beyond(key: &[u8], prefix: &[u8]) -> bool {
    !key.starts_with(prefix) && key > prefix
}
