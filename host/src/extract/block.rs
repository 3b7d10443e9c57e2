//! Where a payload has quotes, backslashes, control characters and bytes beyond ASCII: bit masks of
//! 64 bytes each.

use wide::u8x16;

/// What the parser must know of a payload before it walks through it.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Bit i%64 of word i/64: byte i is a quote that no backslash escapes.
    quotes: Vec<u64>,
    /// The same of backslashes; filled only if there is one.
    backslashes: Vec<u64>,
    /// The same of control characters; filled only if there is one.
    controls: Vec<u64>,
    /// Whether some text may have an escape or a control character.
    pub special: bool,
    pub beyond_ascii: bool,
}

/// Masks of one block of 64 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Masks {
    quotes: u64,
    /// Whether there is a backslash or a control character.
    special: bool,
    beyond_ascii: bool,
}

impl Masks {
    /// Takes in what another block has; returns its quotes.
    #[inline(always)]
    fn add(&mut self, other: Masks) -> u64 {
        self.special |= other.special;
        self.beyond_ascii |= other.beyond_ascii;
        other.quotes
    }
}

impl Index {
    /// Indexes another payload; allocations are kept.
    pub fn fill(&mut self, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks::<64>();
        let mut seen = Masks::default();
        self.quotes.clear();
        self.quotes.extend(blocks.iter().map(|block| seen.add(masks(block))));
        if !rest.is_empty() {
            let quotes = match bytes.last_chunk::<64>() {
                Some(block) => seen.add(masks(block)) >> (64 - rest.len()),
                None => seen.add(masks(&padded(rest))),
            };
            self.quotes.push(quotes);
        }
        (self.special, self.beyond_ascii) = (seen.special, seen.beyond_ascii);
        if self.special {
            self.find_special(bytes);
        }
    }

    /// The first quote at or behind a place.
    #[inline(always)]
    pub fn quote(&self, from: usize) -> Option<usize> {
        let block = from / 64;
        let quotes = self.quotes.get(block)? >> (from % 64);
        if quotes != 0 { Some(from + quotes.trailing_zeros() as usize) } else { self.quote_beyond(block + 1) }
    }

    #[inline(never)]
    fn quote_beyond(&self, from: usize) -> Option<usize> {
        let mut beyond = self.quotes.iter().enumerate().skip(from);
        let (block, quotes) = beyond.find(|(_, quotes)| **quotes != 0)?;
        Some(block * 64 + quotes.trailing_zeros() as usize)
    }

    pub fn has_backslash(&self, from: usize, to: usize) -> bool {
        self.special && any(&self.backslashes, from, to)
    }

    pub fn has_control(&self, from: usize, to: usize) -> bool {
        self.special && any(&self.controls, from, to)
    }

    /// Takes quotes that are escaped out of the mask, as simdjson does it: within a run of
    /// backslashes every second one is itself escaped.
    #[cold]
    fn find_special(&mut self, bytes: &[u8]) {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        self.backslashes.clear();
        self.controls.clear();
        let mut first_is_escaped = 0;
        for (quotes, chunk) in self.quotes.iter_mut().zip(bytes.chunks(64)) {
            let (mut backslashes, mut controls) = (0, 0);
            for (i, byte) in chunk.iter().enumerate() {
                backslashes |= u64::from(*byte == b'\\') << i;
                controls |= u64::from(*byte < 0x20) << i;
            }
            self.backslashes.push(backslashes);
            self.controls.push(controls);
            let escaping = backslashes & !first_is_escaped;
            let follows = escaping << 1 | first_is_escaped;
            let odd_starts = escaping & !EVEN & !follows;
            let (sequences, overflow) = odd_starts.overflowing_add(escaping);
            first_is_escaped = u64::from(overflow);
            *quotes &= !((EVEN ^ (sequences << 1)) & follows);
        }
    }
}

fn any(masks: &[u64], from: usize, to: usize) -> bool {
    let (first, last) = (from / 64, to / 64);
    let within = masks.iter().enumerate().take(last + 1).skip(first);
    from < to
        && within.fold(0, |found, (block, mask)| {
            let low = if block == first { u64::MAX << (from % 64) } else { u64::MAX };
            let high = if block == last { !(u64::MAX << (to % 64)) } else { u64::MAX };
            found | (mask & low & high)
        }) != 0
}

fn padded(rest: &[u8]) -> [u8; 64] {
    let mut block = [b' '; 64];
    block.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
    block
}

#[inline(always)]
fn masks(block: &[u8; 64]) -> Masks {
    let (mut quotes, mut special, mut high) = (0, u8x16::ZERO, u8x16::ZERO);
    for (i, lane) in block.as_chunks::<16>().0.iter().enumerate() {
        let lane = u8x16::from(*lane);
        quotes |= u64::from(lane.simd_eq(u8x16::splat(b'"')).to_bitmask()) << (16 * i);
        special |= lane.simd_eq(u8x16::splat(b'\\')) | lane.min(u8x16::splat(0x1f)).simd_eq(lane);
        high |= lane;
    }
    Masks { quotes, special: special.to_bitmask() != 0, beyond_ascii: high.to_bitmask() != 0 }
}
