//! Which cells a spill does not have, told without a look at the disk: most cells that are new to the
//! table are new to every spill too.

use crate::calls::{hash_in, hash_of_key};

/// A Bloom filter whose bits for one cell lie in one word: 12 bits a cell, about 3 % false alarms.
pub struct Filter(Vec<u64>);

const BITS_PER_CELL: usize = 12;

impl Filter {
    pub fn new(cells: usize) -> Filter {
        Filter(vec![0; cells.saturating_mul(BITS_PER_CELL).div_ceil(64).max(1)])
    }

    pub fn add(&mut self, key: &[u8], window: i64) {
        let (place, bits) = self.place(key, window);
        self.0.get_mut(place).into_iter().for_each(|word| *word |= bits);
    }

    /// False only if the cell was never added.
    pub fn may_have(&self, key: &[u8], window: i64) -> bool {
        let (place, bits) = self.place(key, window);
        self.0.get(place).is_some_and(|word| word & bits == bits)
    }

    /// The word from the upper half of the hash, four bits in it from the lower.
    fn place(&self, key: &[u8], window: i64) -> (usize, u64) {
        let hash = hash_in(hash_of_key(key), window);
        let place = ((hash >> 32) * self.0.len() as u64) >> 32;
        let bits = (0..4).fold(0, |bits, i| bits | 1 << (hash >> (6 * i) & 63));
        (place as usize, bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_never_denied_and_little_else_is_claimed() {
        let mut filter = Filter::new(10_000);
        let key = |i: u64| i.to_be_bytes();
        (0..10_000).for_each(|i| filter.add(&key(i), -1));
        assert!((0..10_000).all(|i| filter.may_have(&key(i), -1)));
        let alarms = (10_000..20_000).filter(|i| filter.may_have(&key(*i), -1)).count();
        assert!(alarms < 1_000, "{alarms} of 10000");
        assert!(!Filter::new(0).may_have(b"", 0));
    }
}
