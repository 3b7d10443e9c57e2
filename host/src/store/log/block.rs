//! A block: a stretch of the log as it lies in a segment, with what holds for the log before it.
//!
//! ```text
//! block  = before             see `before`: what holds for [0, first)
//!          count    u32       events
//!          least    i64       least and greatest event time of them, milliseconds UTC
//!          greatest i64
//!          codec    u8        0 as they are, 1 LZ4 block
//!          size     u32       bytes of the records once unpacked
//!          records            see `record`
//! ids    = one u64 an event   hash of its id under the stream's seed, 0 where it has none
//! ```
//!
//! The row's key is the offset of the first event, u64 big-endian.

use super::before::{BEFORE_BYTES, Before};
use super::record::Stretch;

/// Bytes of records after which a block is cut.
pub const BLOCK_BYTES: usize = 64 << 10;
const HEADER_BYTES: usize = BEFORE_BYTES + 4 + 8 + 8 + 1 + 4;
const PLAIN: u8 = 0;
const LZ4: u8 = 1;

/// What a block says of itself without being unpacked.
#[derive(Clone, Debug)]
pub struct Header {
    pub before: Before,
    pub count: u32,
}

/// The row of a block. `records` of `count` events follow one another, the first one whole.
pub fn encode(before: &Before, count: u32, times_ms: (i64, i64), records: &[u8]) -> Vec<u8> {
    let packed = lz4_flex::block::compress(records);
    let (codec, body) =
        if packed.len() < records.len() { (LZ4, packed.as_slice()) } else { (PLAIN, records) };
    let mut row = Vec::with_capacity(HEADER_BYTES + body.len());
    row.extend_from_slice(&before.to_bytes());
    row.extend_from_slice(&count.to_le_bytes());
    row.extend_from_slice(&times_ms.0.to_le_bytes());
    row.extend_from_slice(&times_ms.1.to_le_bytes());
    row.push(codec);
    row.extend_from_slice(&(records.len() as u32).to_le_bytes());
    row.extend_from_slice(body);
    row
}

/// Reads the row's first part; None if it is none.
pub fn header(row: &[u8]) -> Option<Header> {
    split(row).map(|(header, ..)| header)
}

/// Unpacks a row; says what is wrong with one that is none.
pub fn stretch(first: u64, row: &[u8]) -> Result<(Header, Stretch), String> {
    let (header, codec, size, body) = split(row).ok_or("it is no block")?;
    let records = match codec {
        PLAIN => body.to_vec(),
        LZ4 => {
            let unpacked = lz4_flex::block::decompress(body, size as usize);
            unpacked.map_err(|error| format!("its records do not unpack: {error}"))?
        }
        codec => return Err(format!("its codec {codec} is unknown")),
    };
    if records.len() != size as usize {
        return Err(format!("its records have {} bytes, not {size}", records.len()));
    }
    let stretch = Stretch::read(first, records, header.count as usize)?;
    Ok((header, stretch))
}

fn split(row: &[u8]) -> Option<(Header, u8, u32, &[u8])> {
    let (head, body) = row.split_at_checked(HEADER_BYTES)?;
    let (before, rest) = head.split_at_checked(BEFORE_BYTES)?;
    let (count, rest) = rest.split_first_chunk()?;
    // The times are for whoever looks for a time; nobody does yet.
    let (_times, rest) = rest.split_first_chunk::<16>()?;
    let (codec, rest) = rest.split_first()?;
    let header = Header { before: Before::from_bytes(before)?, count: u32::from_le_bytes(*count) };
    Some((header, *codec, u32::from_le_bytes(*rest.first_chunk()?), body))
}

#[cfg(test)]
mod tests {
    use super::super::record::Records;
    use super::*;
    use crate::event::Event;
    use crate::offset::Offset;

    fn records(events: u64) -> Records {
        let mut records = Records::default();
        for i in 0..events {
            records.push(&Event {
                offset: Offset(i),
                time_ms: i as i64,
                ingested_ms: 5,
                id: None,
                schema: None,
                lineage: Default::default(),
                typing: Default::default(),
                payload: b"{\"a\":1}",
            });
        }
        records
    }

    #[test]
    fn a_block_is_read_as_it_was_written() {
        for events in [1, 2, 500] {
            let records = records(events);
            let row = encode(&Before::default(), events as u32, (0, events as i64 - 1), &records.bytes);
            let (header, stretch) = stretch(9, &row).unwrap();
            assert_eq!(u64::from(header.count), events);
            assert_eq!((stretch.first, stretch.len() as u64), (9, events));
            assert_eq!(stretch.get(0).unwrap().payload, b"{\"a\":1}");
            assert_eq!(stretch.end(), 9 + events);
        }
    }

    #[test]
    fn a_changed_block_is_refused_or_read_never_a_panic() {
        let records = records(40);
        let row = encode(&Before::default(), 40, (0, 39), &records.bytes);
        for at in 0..row.len() {
            let mut changed = row.clone();
            changed[at] ^= 0x41;
            _ = stretch(0, &changed);
            _ = stretch(0, &row[..at]);
        }
    }
}
