//! Short byte strings as two machine words: how names and texts are compared and hashed without a
//! loop over their bytes.

/// The first bytes and the last bytes of a string, and its length: up to 16 bytes they are all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub len: u32,
    pub first: u64,
    /// The last eight bytes; 0 if the string has no more than eight.
    pub last: u64,
}

/// A string as long as this, or shorter, is equal to another if its words are.
pub(super) const WHOLE_BYTES: u32 = 16;

impl Words {
    pub fn of(text: &[u8]) -> Words {
        Words::at(text, 0, text.len())
    }

    /// The words of `bytes[from..to]`. What follows is read as well where it is there, which is
    /// what makes it fast.
    #[inline(always)]
    pub fn at(bytes: &[u8], from: usize, to: usize) -> Words {
        let len = to.saturating_sub(from);
        let first = word_at(bytes, from);
        if len >= 8 {
            let last = if len > 8 { word_at(bytes, to - 8) } else { 0 };
            Words { len: len as u32, first, last }
        } else {
            Words { len: len as u32, first: first & !(u64::MAX << (8 * len)), last: 0 }
        }
    }

    /// Whether both stand for the same string, given that their words are equal.
    #[inline(always)]
    pub fn are_whole(self) -> bool {
        self.len <= WHOLE_BYTES
    }

    #[inline(always)]
    pub fn hash(self, seed: u64) -> u64 {
        mix(self.first ^ seed, self.last ^ seed.rotate_left(32) ^ u64::from(self.len))
    }
}

/// Eight bytes from `at`, little-endian, zeros where there are none.
#[inline(always)]
pub(super) fn word_at(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => word_near_end(bytes, at),
    }
}

#[inline]
fn word_near_end(bytes: &[u8], at: usize) -> u64 {
    let there = bytes.len().saturating_sub(at);
    match bytes.last_chunk::<8>() {
        // The last eight bytes without those before `at`.
        Some(chunk) if there > 0 => u64::from_le_bytes(*chunk) >> (8 * (8 - there.min(8))),
        Some(_) => 0,
        None => bytes.iter().skip(at).rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The hash of a string longer than its words.
pub(super) fn hash_long(text: &[u8], seed: u64) -> u64 {
    let words = Words::of(text);
    let chunks = text.as_chunks::<8>().0;
    chunks.iter().fold(words.hash(seed), |hash, chunk| mix(hash ^ u64::from_le_bytes(*chunk), seed | 1))
}

/// Both halves of the product, folded: every bit of the input reaches every bit of the output.
#[inline(always)]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}
