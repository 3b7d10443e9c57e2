//! A hash table from a hash to an index into the caller's own storage. Fixed hashing, so equal
//! input gives equal work in every instance; small at first, since an instance lives for one call and
//! every page that it touches costs more than a look-up.

/// Indexes 0, 1, 2, ... under hashes, in slots of 4 bytes: the hot slots of some thousand cells stay
/// in the first cache. A slot is index + 1 and, above it, as many bits of the hash as have room,
/// compared before the caller's storage is touched; 0 is empty.
pub(crate) struct Table {
    slots: Vec<u32>,
    /// The slot of a hash is `hash >> shift`, or the next one that is free.
    shift: u32,
    index_bits: u32,
    /// The upper half of each index's hash: all that is needed to grow.
    hashes: Vec<u32>,
}

const SLOTS_MIN: usize = 64;
const INDEX_BITS: u32 = 20;

impl Default for Table {
    fn default() -> Table {
        Table {
            slots: vec![0; SLOTS_MIN],
            shift: 32 - SLOTS_MIN.ilog2(),
            index_bits: INDEX_BITS,
            hashes: Vec::new(),
        }
    }
}

impl Table {
    /// The index under `hash` for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(usize) -> bool) -> Option<usize> {
        let hash = (hash >> 32) as u32;
        let mask = self.slots.len() - 1;
        let mut at = (hash >> self.shift) as usize;
        loop {
            let slot = self.slots[at & mask];
            if slot == 0 {
                return None;
            }
            // The bits of the hash cancel out, which leaves the index alone.
            let index = slot ^ (hash << self.index_bits);
            if index >> self.index_bits == 0 && is(index as usize - 1) {
                return Some(index as usize - 1);
            }
            at += 1;
        }
    }

    /// Adds the next index, which [`Table::find`] did not find.
    pub(crate) fn insert(&mut self, hash: u64) {
        let (hash, index) = ((hash >> 32) as u32, self.hashes.len());
        self.hashes.push(hash);
        if self.hashes.len() * 2 > self.slots.len() {
            self.grow();
        } else {
            self.put(hash, index);
        }
    }

    fn put(&mut self, hash: u32, index: usize) {
        let mask = self.slots.len() - 1;
        let mut at = (hash >> self.shift) as usize;
        while self.slots[at & mask] != 0 {
            at += 1;
        }
        self.slots[at & mask] = (hash << self.index_bits) ^ (index as u32 + 1);
    }

    #[cold]
    fn grow(&mut self) {
        // Four times as many: from half full to an eighth, so few steps and few collisions.
        let slots = self.slots.len() * 4;
        self.slots = vec![0; slots];
        self.shift = 32 - slots.ilog2();
        self.index_bits = self.index_bits.max(slots.ilog2());
        (0..self.hashes.len()).for_each(|index| self.put(self.hashes[index], index));
    }
}

/// Mixes a value into a hash. Multiplicative: the upper bits are the good ones.
#[inline]
pub(crate) fn mix(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(26) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The hash of bytes by what they are.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(hash, u64::from_le_bytes(last)), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_found_again_and_no_other() {
        let mut table = Table::default();
        let hashes: Vec<u64> = (0..5000_u64).map(|i| mix(0, i * 16)).collect();
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(table.find(*hash, |found| found == index), None);
            table.insert(*hash);
        }
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(table.find(*hash, |found| found == index), Some(index));
        }
        assert_eq!(table.find(mix(0, 7), |_| false), None);
    }

    #[test]
    fn indexes_under_one_hash_are_told_apart() {
        let mut table = Table::default();
        (0..100).for_each(|_| table.insert(42 << 32));
        (0..100).for_each(|index| assert_eq!(table.find(42 << 32, |found| found == index), Some(index)));
        assert_eq!(table.find(42 << 32, |found| found == 100), None);
    }

    #[test]
    fn more_indexes_than_their_first_bits_hold_are_found() {
        let mut table = Table::default();
        let count = (1 << INDEX_BITS) + 5;
        (0..count).for_each(|index| table.insert(mix(0, index)));
        for index in (0..count).step_by(997).chain(count - 10..count) {
            let is = |found: usize| found as u64 == index;
            assert_eq!(table.find(mix(0, index), is), Some(index as usize));
        }
    }

    #[test]
    fn addresses_that_lie_close_spread_over_the_slots() {
        let slots: std::collections::BTreeSet<u64> =
            (0..1024_u64).map(|i| mix(0, 0x1_0000 + 6 * i) >> (64 - 11)).collect();
        assert!(slots.len() > 700, "{} of 2048 slots for 1024 addresses", slots.len());
    }
}
