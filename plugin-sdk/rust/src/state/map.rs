//! States by a key of their own within a cell.

use crate::value::{Value, write_datum};

use super::sorted::Sorted;
use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// A state for each key: `by_status.entry(order.status).add(1)` for a `Map<String, Count>`.
/// Order-free if `S` is; a length, then keys and states in the order of the keys; presents as json:
/// an object for text keys, else a list of `[key, state]`.
///
/// With anchored states (a `Map<String, Ordered<M>>`) the map is anchored itself, which a byte in
/// front says: in an anchored map a missing key stands for a state at its beginning.
#[derive(Clone, Debug)]
pub struct Map<K, S> {
    entries: Sorted<K, S>,
    anchored: bool,
}

impl<K: Value, S: State> Map<K, S> {
    /// The state of `key`; a fresh one if the key is new.
    #[inline]
    pub fn entry(&mut self, key: K::Ref<'_>) -> &mut S {
        let anchored = self.anchored;
        self.entries.entry(
            |kept| K::compare(kept.lend(), key),
            || (K::own(key), if anchored { S::initial() } else { S::default() }),
        )
    }

    pub fn get(&self, key: K::Ref<'_>) -> Option<&S> {
        self.entries.get(|kept| K::compare(kept.lend(), key))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// In the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (K::Ref<'_>, &S)> {
        self.entries.iter().map(|(key, state)| (key.lend(), state))
    }
}

impl<K, S> Default for Map<K, S> {
    #[inline]
    fn default() -> Self {
        Self { entries: Sorted::default(), anchored: false }
    }
}

impl<K: Value, S: State> Codec for Map<K, S> {
    fn encode(&self, out: &mut Vec<u8>) {
        if S::ANCHORED {
            self.anchored.encode(out);
        }
        self.entries.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let anchored = if S::ANCHORED { bool::decode(input)? } else { false };
        let entries = Sorted::decode(input, |a: &K, b| K::compare(a.lend(), b.lend()))?;
        Ok(Self { entries, anchored })
    }
}

impl<K: Value, S: State> State for Map<K, S> {
    const ORDER_FREE: bool = S::ORDER_FREE;
    const ANCHORED: bool = S::ANCHORED;

    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if right.anchored {
            return Err(MergeError::AnchoredRight);
        }
        if self.is_empty() && !self.anchored {
            self.entries = right.entries;
            return Ok(());
        }
        for (key, state) in right.entries.into_entries() {
            self.entry(key.lend()).merge(state)?;
        }
        Ok(())
    }

    fn initial() -> Self {
        Self { entries: Sorted::default(), anchored: S::ANCHORED }
    }
}

impl<K: Value, S: State + Present> Present for Map<K, S> {
    const KIND: Kind = Kind::Json;

    fn present(&self) -> Result<Datum, OutOfRange> {
        let is_object = matches!(K::KIND, Kind::Text);
        let (open, between, close) = if is_object { ("", ":", "") } else { ("[", ",", "]") };
        let mut json = String::from(if is_object { "{" } else { "[" });
        for (key, state) in self.iter() {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(open);
            K::json(key, &mut json)?;
            json.push_str(between);
            write_datum(S::KIND, &state.present()?, &mut json);
            json.push_str(close);
        }
        json.push(if is_object { '}' } else { ']' });
        Ok(Datum::Json(json))
    }
}
