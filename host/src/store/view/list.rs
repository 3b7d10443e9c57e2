//! Lists beside the cells, in rows of bounded size: rejected events and spans.

use super::ROW_BYTES;
use super::block::Row;
use super::bytes::{Bytes, push_number, push_text};
use super::meta::Span;
use crate::extract::Rejected;
use crate::offset::{Offset, Range};
use crate::store::database::HEADER_BYTES;
use crate::tally::{COUNTS, Tally};

/// A row in the making; entries ascend by offset.
#[derive(Debug, Default)]
pub struct ListPacker {
    first: u64,
    last: u64,
    body: Vec<u8>,
    scratch: Vec<u8>,
    pub count: u64,
}

impl ListPacker {
    /// Adds an event; gives the row before it if it does not go into that one.
    pub fn push_rejected(&mut self, offset: u64, reason: &str) -> Option<Row> {
        let before = if self.body.is_empty() { offset } else { self.last };
        push_number(&mut self.scratch, offset.wrapping_sub(before));
        push_text(&mut self.scratch, reason.as_bytes());
        let full = self.make_room(offset);
        if full.is_some() {
            self.scratch.clear();
            push_number(&mut self.scratch, 0);
            push_text(&mut self.scratch, reason.as_bytes());
        }
        self.add(offset);
        full
    }

    pub fn push_span(&mut self, span: &Span) -> Option<Row> {
        push_number(&mut self.scratch, span.range.count());
        match span.windows {
            None => self.scratch.push(0),
            Some((least, greatest)) => {
                self.scratch.push(1);
                self.scratch.extend_from_slice(&least.to_le_bytes());
                self.scratch.extend_from_slice(&greatest.to_le_bytes());
            }
        }
        span.tally.counts().into_iter().for_each(|count| push_number(&mut self.scratch, count));
        let full = self.make_room(span.range.from.0);
        self.add(span.range.from.0);
        full
    }

    fn make_room(&mut self, offset: u64) -> Option<Row> {
        let bytes = HEADER_BYTES + 8 + self.body.len() + self.scratch.len();
        let full = if self.body.is_empty() || bytes <= ROW_BYTES { None } else { self.finish() };
        if self.body.is_empty() {
            self.first = offset;
        }
        full
    }

    fn add(&mut self, offset: u64) {
        self.last = offset;
        self.body.append(&mut self.scratch);
        self.count += 1;
    }

    /// The last row, if anything is left.
    pub fn finish(&mut self) -> Option<Row> {
        let body = std::mem::take(&mut self.body);
        (!body.is_empty()).then(|| (self.first.to_be_bytes().to_vec(), body))
    }
}

/// The events of a row; None if these are not the bytes of one.
pub fn rejected(key: &[u8], body: &[u8]) -> Option<Vec<Rejected>> {
    let mut offset = u64::from_be_bytes(key.try_into().ok()?);
    let (mut bytes, mut out) = (Bytes(body), Vec::new());
    while !bytes.is_empty() {
        offset = offset.checked_add(bytes.number()?)?;
        let reason = String::from_utf8(bytes.text()?.to_vec()).ok()?;
        out.push(Rejected { offset, reason });
    }
    Some(out)
}

/// The spans of a row; None if these are not the bytes of one.
pub fn spans(key: &[u8], body: &[u8]) -> Option<Vec<Span>> {
    let mut from = u64::from_be_bytes(key.try_into().ok()?);
    let (mut bytes, mut out) = (Bytes(body), Vec::new());
    while !bytes.is_empty() {
        let to = from.checked_add(bytes.number()?)?;
        let windows = match bytes.u8()? {
            0 => None,
            1 => Some((bytes.i64()?, bytes.i64()?)),
            _ => return None,
        };
        let mut counts = [0; COUNTS];
        for count in &mut counts {
            *count = bytes.number()?;
        }
        let range = Range::new(Offset(from), Offset(to));
        out.push(Span { range, windows, tally: Tally::of_counts(counts) });
        from = to;
    }
    Some(out)
}
