//! A hash table from a hash to an index into the caller's own storage. Fixed hashing, so equal
//! input gives equal work in every instance; a few kilobytes at first, since instances live for one
//! call and every page that they touch costs more than a look-up.

/// Slots of 8 bytes: the upper half of the hash and index + 1; 0 is empty. The hash is compared
/// before the caller's storage is touched, and is enough to grow without it.
pub(crate) struct Table {
    slots: Vec<u64>,
    /// The index of a hash's first slot is `hash >> shift`.
    shift: u32,
    len: usize,
}

const BITS_MIN: u32 = 6;

impl Default for Table {
    fn default() -> Table {
        Table { slots: vec![0; 1 << BITS_MIN], shift: 64 - BITS_MIN, len: 0 }
    }
}

impl Table {
    /// The index under `hash` for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, mut is: impl FnMut(usize) -> bool) -> Option<usize> {
        let mut at = (hash >> self.shift) as usize;
        loop {
            let slot = self.slots[at & (self.slots.len() - 1)];
            if slot == 0 {
                return None;
            }
            let index = (slot as u32 - 1) as usize;
            if slot >> 32 == hash >> 32 && is(index) {
                return Some(index);
            }
            at += 1;
        }
    }

    /// Adds an index that [`Table::find`] did not find.
    pub(crate) fn insert(&mut self, hash: u64, index: usize) {
        if (self.len + 1) * 8 > self.slots.len() * 5 {
            self.grow();
        }
        self.put(hash >> 32 << 32 | (index as u64 + 1));
        self.len += 1;
    }

    fn put(&mut self, slot: u64) {
        let mask = self.slots.len() - 1;
        let mut at = (slot >> self.shift) as usize;
        while self.slots[at & mask] != 0 {
            at += 1;
        }
        self.slots[at & mask] = slot;
    }

    #[cold]
    fn grow(&mut self) {
        // Four times: few steps to the usual size, and the old slots are read once each.
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![0; old.len() * 4];
        self.shift -= 2;
        old.into_iter().filter(|slot| *slot != 0).for_each(|slot| self.put(slot));
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
            table.insert(*hash, index);
        }
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(table.find(*hash, |found| found == index), Some(index));
        }
        assert_eq!(table.find(mix(0, 7), |_| false), None);
    }

    #[test]
    fn indexes_under_one_hash_are_told_apart() {
        let mut table = Table::default();
        (0..100).for_each(|index| table.insert(42, index));
        (0..100).for_each(|index| assert_eq!(table.find(42, |found| found == index), Some(index)));
        assert_eq!(table.find(42, |found| found == 100), None);
    }

    #[test]
    fn addresses_that_lie_close_spread_over_the_slots() {
        let slots: std::collections::BTreeSet<u64> =
            (0..1024_u64).map(|i| mix(0, 0x1_0000 + 6 * i) >> (64 - 11)).collect();
        assert!(slots.len() > 700, "{} of 2048 slots for 1024 addresses", slots.len());
    }
}
