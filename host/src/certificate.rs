//! What a batch view proves of itself to a third party: which version over which bytes of the log
//! gave which cells.

use crate::calls::Calls;
use crate::description::Description;
use crate::digest::{Digest, Hasher};
use crate::extract::Rejected;
use crate::half::Half;
use crate::log::{ReadLog, Unreadable};
use crate::offset::Range;
use crate::table::Table;

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
    pub fn of(calls: &Calls, log: &dyn ReadLog, half: &Half) -> Result<Certificate, Unreadable> {
        let description = calls.description();
        Ok(Certificate {
            version: calls.version(),
            range: half.range,
            log: log.digest(half.range, reads_ingested(description))?,
            rejected: rejected_digest(&half.rejected),
            cells: cells_digest(description, &half.table),
        })
    }

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

fn reads_ingested(description: &Description) -> bool {
    let filter = description.only.iter().map(|filter| &filter.path);
    description.inputs.iter().map(|field| &field.path).chain(filter).any(|path| path == "@ingested")
}

fn rejected_digest(rejected: &[Rejected]) -> Digest {
    let mut hasher = Hasher::new("bifocal rejected 1");
    rejected.iter().for_each(|event| hasher.u64(event.offset));
    hasher.finish()
}

/// Typed by the kinds of the key, length-prefixed, null distinct from empty by the key's encoding.
pub fn cells_digest(description: &Description, table: &Table) -> Digest {
    let mut hasher = Hasher::new("bifocal cells 1");
    hasher.u64(description.keys.len() as u64);
    for field in &description.keys {
        hasher.part(field.kind.to_string().as_bytes());
    }
    hasher.u64(u64::from(description.window.is_some()));
    hasher.u64(table.len() as u64);
    for cell in table.iter_sorted() {
        hasher.part(cell.key);
        hasher.i64(cell.window);
        hasher.u64(u64::from(cell.broken.is_some()));
        hasher.part(if cell.broken.is_some() { &[] } else { cell.state });
    }
    hasher.finish()
}
