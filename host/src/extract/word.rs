//! Short byte strings as machine words: how names and texts are compared and hashed without a loop
//! over their bytes.

/// The first sixteen bytes of a string, and its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    start: u128,
    length: usize,
}

/// A string as long as this, or shorter, is equal to another if its words are.
const WHOLE_BYTES: usize = 16;

/// By length: the bits that so many bytes have.
#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const MASKS: [u128; WHOLE_BYTES + 1] = {
    let mut masks = [0; WHOLE_BYTES + 1];
    let mut length = 1;
    while length < masks.len() {
        masks[length] = masks[length - 1] << 8 | 0xff;
        length += 1;
    }
    masks
};

impl Words {
    pub fn of(text: &[u8]) -> Words {
        Words::at(text, 0, text.len())
    }

    /// The words of `bytes[from..to]`. What follows is read as well where it is there, which is
    /// what makes it fast.
    #[inline(always)]
    pub fn at(bytes: &[u8], from: usize, to: usize) -> Words {
        let length = to.saturating_sub(from);
        let start = match bytes.get(from..).and_then(|rest| rest.first_chunk::<16>()) {
            Some(chunk) => u128::from_le_bytes(*chunk),
            None => start_near_end(bytes, from),
        };
        let mask = MASKS.get(length.min(WHOLE_BYTES)).copied().unwrap_or_default();
        Words { start: start & mask, length }
    }

    /// Whether the words are all of the string.
    #[inline(always)]
    pub fn are_whole(self) -> bool {
        self.length <= WHOLE_BYTES
    }

    #[inline(always)]
    pub fn hash(self, seed: u64) -> u64 {
        let (low, high) = (self.start as u64, (self.start >> 64) as u64);
        mix(low ^ seed, high ^ seed.rotate_left(32) ^ self.length as u64)
    }
}

#[cold]
fn start_near_end(bytes: &[u8], at: usize) -> u128 {
    let rest = bytes.get(at..).unwrap_or_default();
    match bytes.last_chunk::<16>() {
        // The last sixteen bytes without those before `at`.
        Some(chunk) if !rest.is_empty() => u128::from_le_bytes(*chunk) >> (8 * (16 - rest.len())),
        _ => rest.iter().rev().fold(0, |word, byte| word << 8 | u128::from(*byte)),
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

#[inline(never)]
fn word_near_end(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match bytes.last_chunk::<8>() {
        // The last eight bytes without those before `at`.
        Some(chunk) if !rest.is_empty() => u64::from_le_bytes(*chunk) >> (8 * (8 - rest.len())),
        _ => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The hash of a string longer than its words.
pub(super) fn hash_long(text: &[u8], seed: u64) -> u64 {
    let step = |hash, word| mix(hash ^ word, seed | 1);
    let (chunks, rest) = text.as_chunks::<8>();
    let hash = chunks.iter().fold(text.len() as u64, |hash, chunk| step(hash, u64::from_le_bytes(*chunk)));
    step(hash, word_at(rest, 0))
}

/// Both halves of the product, folded: every bit of the input reaches every bit of the output.
#[inline(always)]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}
