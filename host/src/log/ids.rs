//! Which ids were seen within the last so many offsets. Keeps hashes and offsets, 16 bytes an id;
//! the ids themselves stay in the blocks, where callers look them up.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

#[derive(Clone, Copy, Debug)]
struct Seen {
    hash: u64,
    offset: u64,
}

#[derive(Debug)]
pub struct Ids {
    table: HashTable<Seen>,
    hasher: DefaultHashBuilder,
    /// An id is remembered for this many offsets.
    within: u64,
    /// What this append took the place of, to be put back if it is dropped.
    replaced: Vec<Seen>,
}

impl Ids {
    pub fn new(within: u64) -> Ids {
        Ids { table: HashTable::new(), hasher: DefaultHashBuilder::default(), within, replaced: Vec::new() }
    }

    /// Makes room for as many more.
    pub fn reserve(&mut self, ids: usize) {
        self.table.reserve(ids, |seen| seen.hash);
    }

    pub fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }

    /// The last offset below `head` at which the id with this hash stands, if it is remembered.
    /// `is_id` says whether an offset has that id.
    pub fn find(&self, hash: u64, head: u64, is_id: impl Fn(u64) -> bool) -> Option<u64> {
        let seen = self.table.find(hash, |seen| seen.hash == hash && is_id(seen.offset))?;
        (head - seen.offset <= self.within).then_some(seen.offset)
    }

    /// Notes an id that [`Ids::find`] did not find. One that was forgotten is replaced.
    pub fn insert(&mut self, hash: u64, offset: u64, is_id: impl Fn(u64) -> bool) {
        let new = Seen { hash, offset };
        match self.table.find_mut(hash, |seen| seen.hash == hash && is_id(seen.offset)) {
            Some(old) => self.replaced.push(std::mem::replace(old, new)),
            None => _ = self.table.insert_unique(hash, new, |seen| seen.hash),
        }
    }

    /// Takes back the ids at `offsets`, which are all that were noted since the last commit.
    pub fn undo(&mut self, from: u64, hashes: impl Iterator<Item = (u64, u64)>) {
        for (hash, offset) in hashes {
            if let Ok(entry) = self.table.find_entry(hash, |seen| seen.offset == offset) {
                entry.remove();
            }
        }
        for seen in std::mem::take(&mut self.replaced).into_iter().filter(|seen| seen.offset < from) {
            self.table.insert_unique(seen.hash, seen, |seen| seen.hash);
        }
    }

    pub fn commit(&mut self, head: u64) {
        self.replaced = Vec::new();
        if self.table.len() as u64 / 2 > self.within {
            self.table.retain(|seen| head - seen.offset <= self.within);
        }
    }
}
