//! A fence: offsets whose events were found damaged and are lost. It stands in a segment where their
//! blocks stood, so that offsets stay dense, nothing is given an offset twice, and the log goes on behind.
//!
//! ```text
//! key = first lost offset u64 big-endian
//! row = the offset after the last u64, time of the repair i64 milliseconds UTC
//!       before   see `before`: what holds for the log up to that offset
//!       reason   UTF-8, to the end
//! ```
//!
//! What holds after a fence is what the next block says of the log before it, lost events included, where
//! there is such a block; else what holds before the fence: nothing remembers more.

use super::before::{BEFORE_BYTES, Before};
use crate::offset::{Offset, Range};

/// Lost events, and what holds after them.
#[derive(Clone, Debug)]
pub struct Fence {
    pub loss: Loss,
    /// What holds for `[0, end of the range)`.
    pub before: Before,
}

/// Events of a log that are lost for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Never empty.
    pub range: Range,
    /// When they were given up, milliseconds UTC.
    pub at_ms: i64,
    /// What was found.
    pub reason: String,
}

impl Loss {
    /// How many events all of them are.
    pub fn count(losses: &[Loss]) -> u64 {
        losses.iter().map(|loss| loss.range.count()).sum()
    }
}

impl Fence {
    pub fn from(&self) -> u64 {
        self.loss.range.from.0
    }

    pub fn to(&self) -> u64 {
        self.loss.range.to.0
    }

    pub fn has(&self, offset: u64) -> bool {
        self.from() <= offset && offset < self.to()
    }

    pub fn row(&self) -> Vec<u8> {
        let mut row = self.to().to_le_bytes().to_vec();
        row.extend_from_slice(&self.loss.at_ms.to_le_bytes());
        row.extend_from_slice(&self.before.to_bytes());
        row.extend_from_slice(self.loss.reason.as_bytes());
        row
    }

    /// None if the row is nothing of the kind.
    pub fn read(from: u64, row: &[u8]) -> Option<Fence> {
        let (to, rest) = row.split_first_chunk()?;
        let (at_ms, rest) = rest.split_first_chunk()?;
        let (before, reason) = rest.split_at_checked(BEFORE_BYTES)?;
        let range = Range::new(Offset(from), Offset(u64::from_le_bytes(*to)));
        let reason = std::str::from_utf8(reason).ok()?.to_owned();
        let loss = Loss { range, at_ms: i64::from_le_bytes(*at_ms), reason };
        (!range.is_empty()).then_some(Fence { loss, before: Before::from_bytes(before)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_an_empty_fence_is_none() {
        let loss = |from, to| Loss {
            range: Range::new(Offset(from), Offset(to)),
            at_ms: -3,
            reason: "row 00 does not match its checksum".into(),
        };
        let fence = Fence { loss: loss(7, 12), before: Before { future: 2, ..Before::default() } };
        let row = fence.row();
        assert_eq!(format!("{:?}", Fence::read(7, &row).unwrap()), format!("{fence:?}"));
        assert!(fence.has(7) && fence.has(11) && !fence.has(12) && !fence.has(6));
        assert!(Fence::read(12, &row).is_none() && Fence::read(7, &row[..20]).is_none());
    }
}
