//! A set of row numbers, as bits.

use std::ops::Range;

#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    words: Vec<u64>,
}

impl Set {
    /// The rows of `values` for which it is true.
    pub fn of<T: Copy>(values: &[T], is_in: impl Fn(T) -> bool) -> Set {
        let word = |values: &[T]| {
            values.iter().enumerate().fold(0, |word, (i, value)| word | u64::from(is_in(*value)) << i)
        };
        Set { words: values.chunks(64).map(word).collect() }
    }

    pub fn has(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    pub fn insert(&mut self, row: usize) {
        if self.words.len() <= row / 64 {
            self.words.resize(row / 64 + 1, 0);
        }
        if let Some(word) = self.words.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }

    pub fn remove(&mut self, row: usize) {
        if let Some(word) = self.words.get_mut(row / 64) {
            *word &= !(1 << (row % 64));
        }
    }

    pub fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// The stretches of `0..rows` that have no row of the set.
    pub fn gaps(&self, rows: usize) -> Vec<Range<usize>> {
        let (mut gaps, mut from) = (Vec::new(), 0);
        for (at, word) in self.words.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                let row = at * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                if row > from {
                    gaps.push(from..row);
                }
                from = row + 1;
            }
        }
        if rows > from {
            gaps.push(from..rows);
        }
        gaps
    }
}
