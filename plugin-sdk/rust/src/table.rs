//! A hash table from a hash to an index into the caller's own storage. Fixed hashing, so equal
//! input gives equal work in every instance; small at first, since an instance lives for one call and
//! every page that it touches costs more than a look-up.

/// Indexes 0, 1, 2, ... under hashes, in slots of 4 bytes: the hot slots of some thousand cells stay
/// in the first cache. At most every third slot is taken, so that the first one that is looked at is
/// nearly always the one that is wanted, which a processor can foresee.
pub(crate) struct Table {
    slots: Vec<u32>,
    /// The slot of a hash is `hash >> shift`, or the next one that is free.
    shift: u32,
    /// The upper half of each index's hash: all that is needed to grow.
    hashes: Vec<u32>,
}

const SLOTS_MIN: usize = 64;
/// Slots that a table for many rows begins with: 32 KiB.
const SLOTS_AT_ONCE_MAX: usize = 8192;
/// Beyond all indexes, so that one comparison tells both a free slot and an index out of bounds.
const FREE: u32 = u32::MAX;

impl Default for Table {
    fn default() -> Table {
        Table::with_slots(SLOTS_MIN)
    }
}

impl Table {
    /// A table whose first growth is far away if a good part of `rows` rows has no index of its own.
    pub(crate) fn for_rows(rows: usize) -> Table {
        Table::with_slots((rows / 8).next_power_of_two().clamp(SLOTS_MIN, SLOTS_AT_ONCE_MAX))
    }

    fn with_slots(slots: usize) -> Table {
        Table { slots: vec![FREE; slots], shift: 64 - slots.ilog2(), hashes: Vec::new() }
    }

    /// The index under `hash` of the item for which `is` holds. `items` are those of all indexes.
    #[inline]
    pub(crate) fn find_in<T>(&self, hash: u64, items: &[T], is: impl Fn(&T) -> bool) -> Option<usize> {
        let mut at = (hash >> self.shift) as usize;
        loop {
            let index = *self.slots.get(at)? as usize;
            if is(items.get(index)?) {
                return Some(index);
            }
            at = self.after(at);
        }
    }

    /// The index under `hash` for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<usize> {
        let mut at = (hash >> self.shift) as usize;
        loop {
            match self.slots[at] {
                FREE => return None,
                index if is(index as usize) => return Some(index as usize),
                _ => at = self.after(at),
            }
        }
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// Adds the next index, which was not found.
    pub(crate) fn insert(&mut self, hash: u64) {
        let index = self.hashes.len();
        self.hashes.push((hash >> 32) as u32);
        if self.hashes.len() * 3 > self.slots.len() {
            self.grow();
        } else {
            self.put(index);
        }
    }

    fn put(&mut self, index: usize) {
        // Slots are fewer than 2^32, so the upper half of a hash is enough to find its slot.
        let mut at = ((u64::from(self.hashes[index]) << 32) >> self.shift) as usize;
        while self.slots[at] != FREE {
            at = self.after(at);
        }
        self.slots[at] = index as u32;
    }

    #[cold]
    fn grow(&mut self) {
        let slots = self.slots.len() * 4;
        let hashes = std::mem::take(&mut self.hashes);
        *self = Table { hashes, ..Table::with_slots(slots) };
        (0..self.hashes.len()).for_each(|index| self.put(index));
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
        let items: Vec<usize> = (0..100).collect();
        for index in 0..100 {
            assert_eq!(table.find(42 << 32, |found| found == index), Some(index));
            assert_eq!(table.find_in(42 << 32, &items, |found| *found == index), Some(index));
        }
        assert_eq!(table.find_in(42 << 32, &items, |found| *found == 100), None);
        assert_eq!(table.find(42 << 32, |found| found == 100), None);
    }

    #[test]
    fn a_million_indexes_are_found() {
        let mut table = Table::default();
        let count = (1 << 20) + 5;
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
