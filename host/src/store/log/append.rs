//! What a producer hands over, and what it is told.
//!
//! ```text
//! value of a key = SHA-256 of the request 32 bytes, then first, next, appended, duplicates, conflicts u64
//! ```

use super::mark::Mark;
use super::record::{Records, Stretch};
use super::writer::Request;
use crate::digest::Digest;
use crate::event::Event;
use crate::log::PAYLOAD_BYTES_MAX;
use crate::store::error::Error;

/// Events that are appended together or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    records: Records,
    pub key: Option<Key>,
    /// How far this batch brings its source; the next offset in it is not read.
    pub mark: Option<Mark>,
    /// Where the log ended when it was asked how far the mark's source was appended, or later; the batch is
    /// refused if more of the source has been appended since. None: whatever became of it.
    pub after: Option<u64>,
}

/// An Idempotency-Key, with the digest of what was asked under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub name: String,
    pub request: Digest,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The offset of the first event that was appended, where the next one stands if none was.
    pub first_offset: u64,
    pub next_offset: u64,
    pub appended: u64,
    /// Events whose id was there, with the same payload.
    pub duplicates: u64,
    /// Events whose id was there, with another payload. They are not appended.
    pub conflicts: u64,
}

/// Bytes of an Idempotency-Key.
pub const KEY_BYTES_MAX: usize = 256;

impl Batch {
    /// Adds an event; its offset is not read.
    pub fn push(&mut self, event: &Event<'_>) -> Result<(), Error> {
        for (part, bytes) in [("payload", event.payload.len()), ("id", event.id.map_or(0, str::len))] {
            if bytes > PAYLOAD_BYTES_MAX {
                let what = format!(
                    "a {part} of {bytes} bytes is more than the {PAYLOAD_BYTES_MAX} that one event may have; split the event"
                );
                return Err(Error::Refused(what));
            }
        }
        self.records.push(event);
        Ok(())
    }

    /// Makes room for events whose payloads have so many bytes together.
    pub fn reserve(&mut self, payload_bytes: usize) {
        self.records.bytes.reserve(payload_bytes + payload_bytes / 8);
    }

    pub fn events(&self) -> u64 {
        self.records.count
    }

    pub fn bytes(&self) -> usize {
        self.records.bytes.len()
    }

    pub fn clear(&mut self) {
        self.records.clear();
        self.key = None;
        self.mark = None;
        self.after = None;
    }

    pub(super) fn into_request(self) -> Result<Request, Error> {
        let count = self.records.count as usize;
        let stretch = Stretch::read(0, self.records.bytes, count).map_err(Error::Refused)?;
        Ok(Request { stretch, key: self.key, mark: self.mark, after: self.after })
    }
}

impl Receipt {
    pub(super) fn to_bytes(self, request: Digest) -> Vec<u8> {
        let Receipt { first_offset, next_offset, appended, duplicates, conflicts } = self;
        let numbers = [first_offset, next_offset, appended, duplicates, conflicts];
        request.0.into_iter().chain(numbers.into_iter().flat_map(u64::to_le_bytes)).collect()
    }

    /// None if the bytes are nothing of the kind.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<(Digest, Receipt)> {
        let (request, rest) = bytes.split_first_chunk::<32>()?;
        let (numbers, _) = rest.as_chunks::<8>();
        let [first, next, appended, duplicates, conflicts] = numbers else { return None };
        let number = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let receipt = Receipt {
            first_offset: number(first),
            next_offset: number(next),
            appended: number(appended),
            duplicates: number(duplicates),
            conflicts: number(conflicts),
        };
        Some((Digest(*request), receipt))
    }
}
