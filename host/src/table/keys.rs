//! The distinct keys of a table, by number. Owns their bytes; knows nothing of windows and states.

use super::{Span, append};
use crate::calls::{hash_in, hash_of_key};
use hashbrown::HashTable;

/// The number of a key in its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyId(u32);

impl KeyId {
    pub fn hash_in(self, window: i64) -> u64 {
        hash_in(self.0.into(), window)
    }

    /// Where a list with an entry for each key has that of this one.
    pub fn place(self) -> usize {
        self.0 as usize
    }

    /// What such a list has there.
    pub fn of<T: Copy + Default>(self, by_key: &[T]) -> T {
        by_key.get(self.place()).copied().unwrap_or_default()
    }
}

/// A key's first eight bytes and its number.
type Prefixed = (u64, u32);

#[derive(Clone, Debug, Default)]
pub struct Keys {
    index: HashTable<u32>,
    keys: Vec<Key>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    hash: u64,
    span: Span,
}

impl Keys {
    /// Bytes held, room to grow among them, with those that it takes to rank them.
    pub fn bytes(&self) -> usize {
        let to_rank = self.keys.len() * (size_of::<Prefixed>() + size_of::<u32>());
        let keys = self.keys.capacity() * size_of::<Key>();
        self.index.allocation_size() + keys + self.bytes.capacity() + to_rank
    }

    pub fn get(&self, id: KeyId) -> &[u8] {
        self.keys.get(id.0 as usize).map_or(&[], |key| key.span.of(&self.bytes))
    }

    /// By number.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(|key| key.span.of(&self.bytes))
    }

    pub fn find(&self, key: &[u8]) -> Option<KeyId> {
        self.find_hashed(hash_of_key(key), key)
    }

    fn find_hashed(&self, hash: u64, key: &[u8]) -> Option<KeyId> {
        let same = |id: &u32| self.get(KeyId(*id)) == key;
        self.index.find(hash, same).map(|id| KeyId(*id))
    }

    /// The number of a key, which is a new one if the key is.
    pub fn id(&mut self, key: &[u8]) -> KeyId {
        let hash = hash_of_key(key);
        if let Some(id) = self.find_hashed(hash, key) {
            return id;
        }
        let id = self.keys.len() as u32;
        self.keys.push(Key { hash, span: append(&mut self.bytes, key) });
        let keys = &self.keys;
        self.index.insert_unique(hash, id, |id| keys.get(*id as usize).map_or(0, |key| key.hash));
        KeyId(id)
    }

    /// The place of each key, by number, among all in canonical order.
    pub fn ranks(&self) -> Vec<u32> {
        // The first eight bytes of a key decide most comparisons without a look at the arena.
        let mut order: Vec<Prefixed> = self.iter().map(prefix).zip(0..).collect();
        order.sort_unstable_by(|(a, x), (b, y)| {
            a.cmp(b).then_with(|| self.get(KeyId(*x)).cmp(self.get(KeyId(*y))))
        });
        let mut ranks = vec![0; order.len()];
        for (rank, (_, id)) in order.iter().enumerate() {
            if let Some(place) = ranks.get_mut(*id as usize) {
                *place = rank as u32;
            }
        }
        ranks
    }
}

fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(bytes)
}
