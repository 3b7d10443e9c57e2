//! Dictionary coding of one text column: each distinct value once, in order of its first row.

use super::word::{Words, hash_long};
use crate::column::Blobs;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A hash table that is emptied by counting up its age, and keeps its allocations for the next
/// chunk. It starts each chunk as large as the last one needed it: small ones stay in the cache.
pub(super) struct Dictionary {
    /// A power of two, of which the first `mask + 1` are in use.
    entries: Vec<Entry>,
    mask: usize,
    age: u16,
    values: Vec<Value>,
    /// Differs between processes: nobody can prepare texts that collide. Codes do not depend on it.
    seed: u64,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    /// The entry is empty if this is not the dictionary's age.
    age: u16,
    /// The upper half of the value's hash; the lower one decides its place first.
    tag: u16,
    code: u32,
}

/// A value by its code: found without looking into the heap if it has at most sixteen bytes.
#[derive(Clone, Copy)]
struct Value {
    words: Words,
    hash: u32,
}

const ENTRIES_MIN: usize = 64;

impl Default for Dictionary {
    fn default() -> Dictionary {
        let seed = RandomState::new().build_hasher().finish();
        let entries = vec![Entry::default(); ENTRIES_MIN];
        Dictionary { entries, mask: ENTRIES_MIN - 1, age: 0, values: Vec::new(), seed }
    }
}

impl Dictionary {
    /// Empties it for a chunk of up to `rows` rows.
    pub fn clear(&mut self, rows: usize) {
        let wanted = 2 * self.values.len().min(rows);
        self.mask = wanted.next_power_of_two().clamp(ENTRIES_MIN, self.entries.len()) - 1;
        self.values.clear();
        self.grow_older();
    }

    fn grow_older(&mut self) {
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
        if !words.are_whole() {
            return self.code_of_long(heap, words, bytes.get(from..to).unwrap_or_default());
        }
        let value = Value { words, hash: (words.hash(self.seed) >> 32) as u32 };
        match self.find(value, |_| true) {
            Ok(code) => code,
            Err(place) => self.insert(heap, value, place, bytes.get(from..to).unwrap_or_default()),
        }
    }

    #[inline(never)]
    fn code_of_long(&mut self, heap: &mut Blobs, words: Words, text: &[u8]) -> u32 {
        let value = Value { words, hash: (hash_long(text, self.seed) >> 32) as u32 };
        match self.find(value, |code| heap.get(code as usize) == text) {
            Ok(code) => code,
            Err(place) => self.insert(heap, value, place, text),
        }
    }

    /// The code of a value, or the place for it. `is_it` tells apart values whose words are equal.
    #[inline(always)]
    fn find(&self, value: Value, is_it: impl Fn(u32) -> bool) -> Result<u32, usize> {
        let tag = value.tag();
        let mut place = value.hash as usize & self.mask;
        while let Some(entry) = self.entries.get(place).filter(|entry| entry.age == self.age) {
            let same = |other: &Value| other.words == value.words;
            if entry.tag == tag && self.values.get(entry.code as usize).is_some_and(same) && is_it(entry.code)
            {
                return Ok(entry.code);
            }
            place = (place + 1) & self.mask;
        }
        Err(place)
    }

    #[inline(never)]
    fn insert(&mut self, heap: &mut Blobs, value: Value, place: usize, text: &[u8]) -> u32 {
        let code = self.values.len() as u32;
        if let Some(free) = self.entries.get_mut(place) {
            *free = Entry { age: self.age, tag: value.tag(), code };
        }
        heap.push(text);
        self.values.push(value);
        if 2 * self.values.len() > self.mask {
            self.grow();
        }
        code
    }

    #[cold]
    fn grow(&mut self) {
        self.mask = 4 * self.mask + 3;
        if self.entries.len() <= self.mask {
            self.entries.resize(self.mask + 1, Entry::default());
        }
        self.grow_older();
        for (code, value) in self.values.iter().enumerate() {
            let mut place = value.hash as usize & self.mask;
            while self.entries.get(place).is_some_and(|other| other.age == self.age) {
                place = (place + 1) & self.mask;
            }
            if let Some(free) = self.entries.get_mut(place) {
                *free = Entry { age: self.age, tag: value.tag(), code: code as u32 };
            }
        }
    }
}

impl Value {
    fn tag(self) -> u16 {
        (self.hash >> 16) as u16
    }
}
