//! Dictionary coding of one text column: each distinct value once, in order of its first row.

use super::word::{Words, hash_long};
use crate::column::Blobs;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A hash table that is emptied by counting up its age, and keeps its allocation for the next chunk.
///
/// A value of at most sixteen bytes is in its entry, so that finding it touches one cache line.
pub(super) struct Dictionary {
    entries: Vec<Entry>,
    used: usize,
    age: u32,
    /// Differs between processes: nobody can prepare texts that collide. Codes do not depend on it.
    seed: u64,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    words: Words,
    hash: u32,
    code: u32,
    /// The entry is empty if this is not the dictionary's age.
    age: u32,
}

const ENTRIES_MIN: usize = 64;

impl Default for Dictionary {
    fn default() -> Dictionary {
        let seed = RandomState::new().build_hasher().finish();
        Dictionary { entries: vec![Entry::default(); ENTRIES_MIN], used: 0, age: 1, seed }
    }
}

impl Dictionary {
    pub fn clear(&mut self) {
        self.used = 0;
        self.age = self.age.wrapping_add(1);
        if self.age == 0 {
            self.entries.fill(Entry::default());
            self.age = 1;
        }
    }

    /// The code of `bytes[from..to]`, which is appended to `heap` if it is new. `heap` is the same
    /// one from one clearing to the next.
    #[inline(always)]
    pub fn code(&mut self, heap: &mut Blobs, bytes: &[u8], from: usize, to: usize) -> u32 {
        let words = Words::at(bytes, from, to);
        let text = bytes.get(from..to).unwrap_or_default();
        let hash = if words.are_whole() { words.hash(self.seed) } else { hash_long(text, self.seed) };
        let hash = (hash >> 32) as u32;
        let mask = self.entries.len() - 1;
        let mut place = hash as usize & mask;
        while let Some(entry) = self.entries.get(place) {
            if entry.age != self.age {
                break;
            }
            let same = entry.hash == hash && entry.words == words;
            if same && (words.are_whole() || heap.get(entry.code as usize) == text) {
                return entry.code;
            }
            place = (place + 1) & mask;
        }
        self.insert(heap, Entry { words, hash, code: heap.len() as u32, age: self.age }, place, text)
    }

    #[inline(never)]
    fn insert(&mut self, heap: &mut Blobs, entry: Entry, place: usize, text: &[u8]) -> u32 {
        heap.push(text);
        if let Some(free) = self.entries.get_mut(place) {
            *free = entry;
        }
        self.used += 1;
        if 2 * self.used > self.entries.len() {
            self.grow();
        }
        entry.code
    }

    #[cold]
    fn grow(&mut self) {
        let mask = 4 * self.entries.len() - 1;
        let former = std::mem::replace(&mut self.entries, vec![Entry::default(); mask + 1]);
        for entry in former.iter().filter(|entry| entry.age == self.age) {
            let mut place = entry.hash as usize & mask;
            while self.entries.get(place).is_some_and(|other| other.age == self.age) {
                place = (place + 1) & mask;
            }
            if let Some(free) = self.entries.get_mut(place) {
                *free = *entry;
            }
        }
    }
}
