//! What a batch view proves of itself to a third party: which version over which bytes of the log
//! gave which cells. Owns what is digested and in which order, cell by cell, so that nobody needs all
//! cells at once.

use crate::cell::CellRef;
use crate::description::Description;
use crate::digest::{Digest, Hasher};
use crate::offset::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub version: Digest,
    pub range: Range,
    /// Payload, time and id of each event; its ingest time only where the transform reads it.
    pub log: Digest,
    /// The offsets that were rejected. Not the reasons: they are for people.
    pub rejected: Digest,
    /// Cells in canonical order.
    pub cells: Digest,
}

impl Certificate {
    /// One value for all of it.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new("bifocal certificate 1");
        hasher.raw(&self.version.0);
        hasher.u64(self.range.from.0);
        hasher.u64(self.range.to.0);
        [self.log, self.rejected, self.cells].iter().for_each(|digest| hasher.raw(&digest.0));
        hasher.finish()
    }
}

/// Whether a certificate's log digest covers ingest times.
pub fn reads_ingested(description: &Description) -> bool {
    let filter = description.only.iter().map(|filter| &filter.path);
    description.inputs.iter().map(|field| &field.path).chain(filter).any(|path| path == "@ingested")
}

/// The digest of rejected offsets, ascending.
#[derive(Clone)]
pub struct RejectedHasher(Hasher);

impl RejectedHasher {
    pub fn new() -> RejectedHasher {
        RejectedHasher(Hasher::new("bifocal rejected 1"))
    }

    pub fn push(&mut self, offset: u64) {
        self.0.u64(offset);
    }

    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}

impl Default for RejectedHasher {
    fn default() -> RejectedHasher {
        RejectedHasher::new()
    }
}

/// The digest of cells in canonical order: typed by the kinds of the key, length-prefixed, null
/// distinct from empty by the key's encoding. Their number comes last, since it is known last;
/// a cell takes more bytes than a number, so that none can be read as the other.
#[derive(Clone)]
pub struct CellsHasher {
    hasher: Hasher,
    cells: u64,
}

impl CellsHasher {
    pub fn new(description: &Description) -> CellsHasher {
        let mut hasher = Hasher::new("bifocal cells 1");
        hasher.u64(description.keys.len() as u64);
        for field in &description.keys {
            hasher.part(field.kind.to_string().as_bytes());
        }
        hasher.u64(u64::from(description.window.is_some()));
        CellsHasher { hasher, cells: 0 }
    }

    pub fn push(&mut self, cell: &CellRef<'_>) {
        self.hasher.part(cell.key);
        self.hasher.i64(cell.window);
        self.hasher.u64(u64::from(cell.broken.is_some()));
        self.hasher.part(if cell.broken.is_some() { &[] } else { cell.state });
        self.cells += 1;
    }

    pub fn finish(mut self) -> Digest {
        self.hasher.u64(self.cells);
        self.hasher.finish()
    }
}
