//! A sorted map in short leaves: what `Set`, `Map` and `Quantiles` keep their entries in. Owns
//! finding and inserting by a comparison, so that a borrowed key needs no allocation to be found
//! (`BTreeMap` would ask for an owned one).

use std::cmp::Ordering;

use super::{Codec, DecodeError};
use crate::value::{put_varint, take_length};

/// Entries of a leaf: an insertion moves half a leaf and, once in half a leaf of insertions, half
/// of the list of leaves. That is cheap up to millions of entries.
const LEAF_MAX: usize = 64;

/// Strictly ascending entries. Most cells have few: they are in `first`, one allocation.
#[derive(Clone, Debug)]
pub(crate) struct Sorted<K, S> {
    first: Vec<(K, S)>,
    /// None of them empty.
    rest: Vec<Vec<(K, S)>>,
}

impl<K, S> Default for Sorted<K, S> {
    #[inline]
    fn default() -> Self {
        Self { first: Vec::new(), rest: Vec::new() }
    }
}

impl<K, S> Sorted<K, S> {
    /// Empty, with room for what is about to be pushed.
    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self { first: Vec::with_capacity(entries.min(LEAF_MAX)), rest: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.rest.iter().map(Vec::len).sum::<usize>()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, S)> {
        self.first.iter().chain(self.rest.iter().flatten())
    }

    pub(crate) fn into_entries(self) -> impl Iterator<Item = (K, S)> {
        self.first.into_iter().chain(self.rest.into_iter().flatten())
    }

    pub(crate) fn last_key(&self) -> Option<&K> {
        let last = self.rest.last().unwrap_or(&self.first);
        last.last().map(|(key, _)| key)
    }

    /// `compare` orders a key against the one that is sought.
    #[inline]
    pub(crate) fn get(&self, compare: impl Fn(&K) -> Ordering) -> Option<&S> {
        let leaf = match self.leaf_of(&compare) {
            0 => &self.first,
            i => &self.rest[i - 1],
        };
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
        let i = self.leaf_of(&compare);
        let (i, at) = match self.leaf(i).binary_search_by(|(key, _)| compare(key)) {
            Ok(at) => return &mut self.leaf(i)[at].1,
            Err(at) => self.make_room(i, at),
        };
        let leaf = self.leaf(i);
        leaf.insert(at, make());
        &mut leaf[at].1
    }

    /// Appends an entry whose key is above all others.
    pub(crate) fn push(&mut self, key: K, value: S) {
        let last = self.rest.last_mut().unwrap_or(&mut self.first);
        if last.len() < LEAF_MAX {
            last.push((key, value));
        } else {
            self.rest.push(vec![(key, value)]);
        }
    }

    /// Leaf 0 is the first.
    #[inline]
    fn leaf(&mut self, i: usize) -> &mut Vec<(K, S)> {
        if i == 0 { &mut self.first } else { &mut self.rest[i - 1] }
    }

    /// The first leaf whose last key is not below the sought one, else the last leaf.
    #[inline]
    fn leaf_of(&self, compare: impl Fn(&K) -> Ordering) -> usize {
        let is_below = |leaf: &Vec<(K, S)>| leaf.last().is_some_and(|(key, _)| compare(key).is_lt());
        if self.rest.is_empty() || !is_below(&self.first) {
            return 0;
        }
        (1 + self.rest.partition_point(is_below)).min(self.rest.len())
    }

    /// Splits leaf `i` if it is full; returns where position `at` of it is now.
    fn make_room(&mut self, i: usize, at: usize) -> (usize, usize) {
        if self.leaf(i).len() < LEAF_MAX {
            return (i, at);
        }
        let upper = self.leaf(i).split_off(LEAF_MAX / 2);
        self.rest.insert(i, upper);
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
        let length = take_length(input)?;
        let mut sorted = Self::with_capacity(length);
        for _ in 0..length {
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
