//! How far a source was appended: written with each batch of it, by the same transaction. Whoever gives
//! the same source again, grown or after a crash, goes on from there.
//!
//! ```text
//! key = SHA-256 of the first row 32 bytes, name of the source
//! row = rows u64, position u64, next offset u64, SHA-256 of the rows 32 bytes
//! ```

use super::StreamLog;
use super::segment::SOURCES;
use crate::digest::Digest;
use crate::store::error::Error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The name of the source.
    pub source: String,
    /// SHA-256 of its first row.
    pub first: Digest,
    /// Rows of it that have been taken, from its first on.
    pub rows: u64,
    /// Where the last of them is in the source.
    pub position: u64,
    /// SHA-256 of them.
    pub digest: Digest,
    /// The head once they were there; the log says it.
    pub next_offset: u64,
}

impl Mark {
    pub(super) fn key(source: &str, first: Digest) -> Vec<u8> {
        [first.0.as_slice(), source.as_bytes()].concat()
    }

    pub(super) fn row(&self, next_offset: u64) -> Vec<u8> {
        let numbers = [self.rows, self.position, next_offset];
        numbers.into_iter().flat_map(u64::to_le_bytes).chain(self.digest.0).collect()
    }

    pub(super) fn is_row(row: &[u8]) -> bool {
        Mark::read("", Digest([0; 32]), row).is_some()
    }

    /// None if the row is nothing of the kind.
    pub(super) fn read(source: &str, first: Digest, row: &[u8]) -> Option<Mark> {
        let (numbers, digest) = row.split_last_chunk::<32>()?;
        let (numbers, _) = numbers.as_chunks::<8>();
        let [rows, position, next_offset] = numbers else { return None };
        Some(Mark {
            source: source.into(),
            first,
            rows: u64::from_le_bytes(*rows),
            position: u64::from_le_bytes(*position),
            digest: Digest(*digest),
            next_offset: u64::from_le_bytes(*next_offset),
        })
    }
}

impl StreamLog {
    /// How far the source of this name and first row was appended; None if none of it was.
    pub fn mark(&self, source: &str, first: Digest) -> Result<Option<Mark>, Error> {
        self.mark_beyond(0, source, first)
    }

    /// The same, if anything of the source was appended since the log ended at `offset`; else the mark may
    /// be found or not. Few segments are asked.
    pub(super) fn mark_beyond(
        &self,
        offset: u64,
        source: &str,
        first: Digest,
    ) -> Result<Option<Mark>, Error> {
        let key = Mark::key(source, first);
        let segments = self.segments();
        let end = |i: usize| segments.get(i + 1).map_or(u64::MAX, |next| next.first);
        for (i, segment) in segments.iter().enumerate().rev() {
            // What was written into it later would end beyond.
            if offset > 0 && end(i) <= offset {
                break;
            }
            let found = segment.with(|database| {
                database.read()?.get(SOURCES, &key, |row| {
                    if row.is_empty() {
                        return Err(Error::Refused(format!(
                            "how far '{source}' was appended was lost by damage; `bifocal stream tail` shows what of \
                             it is there: append what follows under another name, or all of it with --again"
                        )));
                    }
                    let wrong = || Error::damaged(segment.file(), format!("the mark of '{source}'"));
                    Mark::read(source, first, row).ok_or_else(wrong)
                })
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
