//! The most frequent values, of counts that are exact.

use std::cmp::Reverse;

use crate::value::{Value, put_varint, take_length, take_varint, write_datum};

use super::sorted::Sorted;
use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// How often each value was added, and of these the `K` most frequent: `pages.add(view.page)`.
/// Order-free; presents as json, a list of `[value, count]`, most frequent first, of equal counts the
/// lesser value first.
///
/// **Exact.** Every value is counted and `K` only cuts what is shown, so bytes grow with the number of
/// distinct values. A table of the top `K` alone would be smaller and wrong: a value that is below the
/// cut in every part of the log may be above it in the whole, and which parts there are is the host's
/// to choose.
///
/// Counts stay at 2^64 - 1 rather than wrap. Bytes: the number of values; for each, ascending, the
/// value and its count less 1 (LEB128).
#[derive(Clone, Debug)]
pub struct TopK<V, const K: usize = 10>(Sorted<V, u64>);

impl<V: Value, const K: usize> TopK<V, K> {
    #[inline]
    pub fn add(&mut self, value: V::Ref<'_>) {
        self.add_times(value, 1);
    }

    /// Counts `value` so many times.
    #[inline]
    pub fn add_times(&mut self, value: V::Ref<'_>, times: u64) {
        if times > 0 {
            let count = self.0.entry(|kept| V::compare(kept.lend(), value), || (V::own(value), 0));
            *count = count.saturating_add(times);
        }
    }

    /// How often `value` was added.
    pub fn count(&self, value: V::Ref<'_>) -> u64 {
        self.0.get(|kept| V::compare(kept.lend(), value)).copied().unwrap_or(0)
    }

    /// How many distinct values were added.
    pub fn distinct(&self) -> usize {
        self.0.len()
    }

    /// All values with their counts, in the order of [`Value`].
    pub fn iter(&self) -> impl Iterator<Item = (V::Ref<'_>, u64)> {
        self.0.iter().map(|(value, count)| (value.lend(), *count))
    }

    /// The `K` most frequent values with their counts, most frequent first.
    pub fn top(&self) -> Vec<(V::Ref<'_>, u64)> {
        let mut all: Vec<_> = self.iter().collect();
        // Stable, and ascending by value so far.
        all.sort_by_key(|(_, count)| Reverse(*count));
        all.truncate(K);
        all
    }
}

impl<V, const K: usize> Default for TopK<V, K> {
    #[inline]
    fn default() -> Self {
        Self(Sorted::default())
    }
}

impl<V: Value, const K: usize> Codec for TopK<V, K> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.0.len() as u64, out);
        for (value, count) in self.0.iter() {
            value.encode(out);
            put_varint(count.saturating_sub(1), out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = take_length(input)?;
        let mut counts = Sorted::with_capacity(length);
        for _ in 0..length {
            let value = V::decode(input)?;
            if counts.last_key().is_some_and(|last: &V| V::compare(last.lend(), value.lend()).is_ge()) {
                return Err(DecodeError::Malformed("counted values that do not ascend"));
            }
            let count = take_varint(input)?.checked_add(1);
            counts.push(value, count.ok_or(DecodeError::Malformed("a count of 2^64"))?);
        }
        Ok(Self(counts))
    }
}

impl<V: Value, const K: usize> State for TopK<V, K> {
    const ORDER_FREE: bool = true;

    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if self.0.is_empty() {
            *self = right;
        } else {
            right.iter().for_each(|(value, count)| self.add_times(value, count));
        }
        Ok(())
    }
}

impl<V: Value, const K: usize> Present for TopK<V, K> {
    const KIND: Kind = Kind::Json;

    fn present(&self) -> Result<Datum, OutOfRange> {
        let mut json = String::from("[");
        for (value, count) in self.top() {
            json.push_str(if json.len() > 1 { ",[" } else { "[" });
            V::json(value, &mut json)?;
            json.push(',');
            let shown = i64::try_from(count).map_err(|_| OutOfRange::new(count, Kind::Integer))?;
            write_datum(Kind::Integer, &Datum::Integer(shown), &mut json);
            json.push(']');
        }
        json.push(']');
        Ok(Datum::Json(json))
    }
}
