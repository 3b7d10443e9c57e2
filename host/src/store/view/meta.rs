//! What a view's file says of itself.

use super::bytes::Bytes;
use crate::certificate::Certificate;
use crate::digest::Digest;
use crate::offset::{Offset, Range};
use crate::tally::{COUNTS, Tally};

/// A view's own account of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    pub version: Digest,
    pub range: Range,
    pub cells: u64,
    /// Of the cells, those without a state.
    pub broken: u64,
    pub rejected: u64,
    pub spans: u64,
    pub tally: Tally,
    /// None: no batch run has computed these cells from the log, so nothing is proved.
    pub certificate: Option<Certificate>,
    /// The row key of the first block.
    pub(super) first: Vec<u8>,
}

/// What became of consecutive chunks: where their cells lie, so that a targeted run can pass over those
/// that cannot have touched what it looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub range: Range,
    /// Least and greatest start of a window that their folds produced; None: they produced no cell.
    pub windows: Option<(i64, i64)>,
    pub tally: Tally,
}

impl Meta {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.version.0.to_vec();
        let counts = [self.range.from.0, self.range.to.0, self.cells, self.broken, self.rejected, self.spans];
        for count in counts.into_iter().chain(self.tally.counts()) {
            out.extend_from_slice(&count.to_le_bytes());
        }
        match &self.certificate {
            None => out.push(0),
            Some(certificate) => {
                out.push(1);
                let digests = [certificate.log, certificate.rejected, certificate.cells];
                digests.iter().for_each(|digest| out.extend_from_slice(&digest.0));
            }
        }
        out.extend_from_slice(&self.first);
        out
    }

    /// None if these are not the bytes of one.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Meta> {
        let mut bytes = Bytes(bytes);
        let version = Digest(bytes.array()?);
        let (from, to) = (bytes.u64()?, bytes.u64()?);
        let (cells, broken, rejected, spans) = (bytes.u64()?, bytes.u64()?, bytes.u64()?, bytes.u64()?);
        let mut counts = [0; COUNTS];
        for count in &mut counts {
            *count = bytes.u64()?;
        }
        let range = Range::new(Offset(from), Offset(to));
        let certificate = match bytes.u8()? {
            0 => None,
            1 => Some(Certificate {
                version,
                range,
                log: Digest(bytes.array()?),
                rejected: Digest(bytes.array()?),
                cells: Digest(bytes.array()?),
            }),
            _ => return None,
        };
        let first = bytes.0.to_vec();
        let tally = Tally::of_counts(counts);
        let meta = Meta { version, range, cells, broken, rejected, spans, tally, certificate, first };
        (from <= to && meta.first.is_empty() == (cells == 0)).then_some(meta)
    }
}
