//! A sorted map in short leaves: what `Set`, `Map` and `Quantiles` keep their entries in. Owns
//! finding and inserting by a comparison, so that a borrowed key needs no allocation to be found
//! (`BTreeMap` would ask for an owned one).

use std::cmp::Ordering;

use super::{Codec, DecodeError};
use crate::value::{put_varint, take_length};

/// Entries of a leaf: an insertion moves half a leaf and, once in half a leaf of insertions, half
/// of the list of leaves. That is cheap up to millions of entries.
const LEAF_MAX: usize = 64;

/// Strictly ascending entries. No leaf is empty.
#[derive(Clone, Debug)]
pub(crate) struct Sorted<K, S> {
    leaves: Vec<Vec<(K, S)>>,
}

impl<K, S> Default for Sorted<K, S> {
    #[inline]
    fn default() -> Self {
        Self { leaves: Vec::new() }
    }
}

impl<K, S> Sorted<K, S> {
    pub(crate) fn len(&self) -> usize {
        self.leaves.iter().map(Vec::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, S)> {
        self.leaves.iter().flatten()
    }

    pub(crate) fn into_entries(self) -> impl Iterator<Item = (K, S)> {
        self.leaves.into_iter().flatten()
    }

    pub(crate) fn last_key(&self) -> Option<&K> {
        Some(&self.leaves.last()?.last()?.0)
    }

    /// `compare` orders a key against the one that is sought.
    #[inline]
    pub(crate) fn get(&self, compare: impl Fn(&K) -> Ordering) -> Option<&S> {
        let leaf = self.leaves.get(self.leaf_of(&compare))?;
        let at = leaf.binary_search_by(|(key, _)| compare(key)).ok()?;
        leaf.get(at).map(|(_, value)| value)
    }

    /// The value of the sought key, which `make` puts there if it is missing.
    #[inline]
    pub(crate) fn entry(
        &mut self,
        compare: impl Fn(&K) -> Ordering,
        make: impl FnOnce() -> (K, S),
    ) -> &mut S {
        let mut i = self.leaf_of(&compare);
        if i == self.leaves.len() {
            // Beyond all: at the end of the last leaf, if there is one.
            if i == 0 {
                self.leaves.push(Vec::new());
            } else {
                i -= 1;
            }
        }
        let at = match self.leaves[i].binary_search_by(|(key, _)| compare(key)) {
            Ok(at) => return &mut self.leaves[i][at].1,
            Err(at) => at,
        };
        let (i, at) = self.make_room(i, at);
        let leaf = &mut self.leaves[i];
        leaf.insert(at, make());
        &mut leaf[at].1
    }

    /// Appends an entry whose key is above all others.
    pub(crate) fn push(&mut self, key: K, value: S) {
        match self.leaves.last_mut() {
            Some(leaf) if leaf.len() < LEAF_MAX => leaf.push((key, value)),
            _ => self.leaves.push(vec![(key, value)]),
        }
    }

    /// The first leaf whose last key is not below the sought one; the number of leaves if there
    /// is none.
    #[inline]
    fn leaf_of(&self, compare: impl Fn(&K) -> Ordering) -> usize {
        self.leaves.partition_point(|leaf| leaf.last().is_some_and(|(key, _)| compare(key).is_lt()))
    }

    /// Splits leaf `i` if it is full; returns where position `at` of it is now.
    fn make_room(&mut self, i: usize, at: usize) -> (usize, usize) {
        if self.leaves[i].len() < LEAF_MAX {
            return (i, at);
        }
        let upper = self.leaves[i].split_off(LEAF_MAX / 2);
        self.leaves.insert(i + 1, upper);
        if at <= LEAF_MAX / 2 { (i, at) } else { (i + 1, at - LEAF_MAX / 2) }
    }
}

impl<K: Codec, S: Codec> Sorted<K, S> {
    /// The number of entries, then each key and its value.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.len() as u64, out);
        for (key, value) in self.iter() {
            key.encode(out);
            value.encode(out);
        }
    }

    pub(crate) fn decode(
        input: &mut &[u8],
        compare: impl Fn(&K, &K) -> Ordering,
    ) -> Result<Self, DecodeError> {
        let mut sorted = Self::default();
        for _ in 0..take_length(input)? {
            let key = K::decode(input)?;
            if sorted.last_key().is_some_and(|last| compare(last, &key).is_ge()) {
                return Err(DecodeError::Malformed("keys that do not ascend"));
            }
            let value = S::decode(input)?;
            sorted.push(key, value);
        }
        Ok(sorted)
    }
}
