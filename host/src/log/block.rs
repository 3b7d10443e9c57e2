//! A stretch of the log as columns: 16 bytes an event besides its payload and id.

/// Events after which a block is full.
pub const BLOCK_EVENTS: usize = 1 << 16;
/// Bytes of payloads, or of ids, after which a block is full. With one more of each, ends still
/// fit in 32 bits.
const BLOCK_BYTES: usize = 256 << 20;

/// Stands before each id that is there, so that an empty id and no id differ.
const PRESENT: char = '+';

#[derive(Debug, Default)]
pub struct Block {
    pub first: u64,
    times_ms: Vec<i64>,
    positions: Vec<u32>,
    ends: Vec<u32>,
    bytes: Vec<u8>,
    /// Empty if no event has an id, else one end an event.
    id_ends: Vec<u32>,
    ids: String,
}

/// One event's share of a block; `position` is counted from that of its run.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub time_ms: i64,
    pub position: u32,
    pub id: Option<&'a str>,
    pub payload: &'a [u8],
}

impl Block {
    pub fn new(first: u64, like: Option<&Block>) -> Block {
        let mut block = Block { first, ..Block::default() };
        if let Some(like) = like {
            block.times_ms.reserve_exact(BLOCK_EVENTS);
            block.positions.reserve_exact(BLOCK_EVENTS);
            block.ends.reserve_exact(BLOCK_EVENTS);
            block.bytes.reserve_exact(like.bytes.len() + like.bytes.len() / 8);
            block.ids.reserve_exact(like.ids.len() + like.ids.len() / 8);
        }
        block
    }

    pub fn len(&self) -> usize {
        self.times_ms.len()
    }

    pub fn is_full(&self) -> bool {
        self.len() >= BLOCK_EVENTS || self.bytes.len() >= BLOCK_BYTES || self.ids.len() >= BLOCK_BYTES
    }

    pub fn push(&mut self, entry: Entry<'_>) {
        if entry.id.is_some() && self.id_ends.is_empty() {
            self.id_ends.resize(self.len(), 0);
        }
        if let Some(id) = entry.id {
            self.ids.push(PRESENT);
            self.ids.push_str(id);
        }
        if entry.id.is_some() || !self.id_ends.is_empty() {
            self.id_ends.push(self.ids.len() as u32);
        }
        self.times_ms.push(entry.time_ms);
        self.positions.push(entry.position);
        self.bytes.extend_from_slice(entry.payload);
        self.ends.push(self.bytes.len() as u32);
    }

    pub fn get(&self, i: usize) -> Option<Entry<'_>> {
        Some(Entry {
            time_ms: *self.times_ms.get(i)?,
            position: *self.positions.get(i)?,
            id: self.id(i),
            payload: self.bytes.get(span(&self.ends, i)?)?,
        })
    }

    pub fn times_ms(&self) -> &[i64] {
        &self.times_ms
    }

    pub fn id(&self, i: usize) -> Option<&str> {
        if self.id_ends.is_empty() {
            return None;
        }
        self.ids.get(span(&self.id_ends, i)?)?.strip_prefix(PRESENT)
    }

    pub fn payload(&self, i: usize) -> Option<&[u8]> {
        self.bytes.get(span(&self.ends, i)?)
    }

    /// Keeps the first `len` events.
    pub fn truncate(&mut self, len: usize) {
        let end =
            |ends: &[u32]| len.checked_sub(1).and_then(|last| ends.get(last)).map_or(0, |end| *end as usize);
        self.bytes.truncate(end(&self.ends));
        self.ids.truncate(end(&self.id_ends));
        self.times_ms.truncate(len);
        self.positions.truncate(len);
        self.ends.truncate(len);
        self.id_ends.truncate(len);
    }
}

fn span(ends: &[u32], i: usize) -> Option<std::ops::Range<usize>> {
    let from = match i.checked_sub(1) {
        Some(before) => *ends.get(before)? as usize,
        None => 0,
    };
    Some(from..*ends.get(i)? as usize)
}
