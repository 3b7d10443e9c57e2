//! The last values by event time, so many of them.

use std::cmp::Ordering;

use crate::value::{Timestamp, Value, put_varint, take_length};

use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// A value, and where it stands among all others of its cell.
type Entry<V> = (Timestamp, i64, V);

/// The `N` last values: `recent.push(event.time, event.offset, event.page)`. Last by (event time,
/// offset), however late they arrive, so order-free; bounded by `N` values, for it keeps no more;
/// presents as json, a list, the last one first.
///
/// Values of one event, which have one place, are taken in their own order, the greatest last; a value
/// that comes twice is kept twice.
///
/// Bytes: the number of values; for each, first to last, time, offset and value.
#[derive(Clone, Debug)]
pub struct LastN<V, const N: usize = 10>(Vec<Entry<V>>);

impl<V: Value, const N: usize> LastN<V, N> {
    /// Reading it is what refuses a list of nothing, when the plugin is compiled.
    const BOUND: usize = {
        assert!(N >= 1, "the last 0 values are none");
        N
    };

    /// `time` is the event's (the input `@time`), `offset` its place in the log (the input `@offset`).
    pub fn push(&mut self, time: Timestamp, offset: i64, value: V::Ref<'_>) {
        let at = self.0.partition_point(|kept| order::<V>(kept, (time, offset, value)).is_lt());
        if self.0.len() < Self::BOUND {
            self.0.insert(at, (time, offset, V::own(value)));
        } else if let Some(before) = at.checked_sub(1)
            && let Some(moved) = self.0.get_mut(..at)
        {
            // The first one makes room.
            moved.rotate_left(1);
            if let Some(free) = moved.get_mut(before) {
                (free.0, free.1) = (time, offset);
                free.2.assign(value);
            }
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values that are kept, the last one first.
    pub fn iter(&self) -> impl Iterator<Item = V::Ref<'_>> {
        self.0.iter().rev().map(|(.., value)| value.lend())
    }
}

#[inline]
fn order<V: Value>(kept: &Entry<V>, (time, offset, value): (Timestamp, i64, V::Ref<'_>)) -> Ordering {
    (kept.0, kept.1).cmp(&(time, offset)).then_with(|| V::compare(kept.2.lend(), value))
}

impl<V, const N: usize> Default for LastN<V, N> {
    #[inline]
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Value, const N: usize> Codec for LastN<V, N> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.0.len() as u64, out);
        for (time, offset, value) in &self.0 {
            time.encode(out);
            offset.encode(out);
            value.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = take_length(input)?;
        if length > Self::BOUND {
            return Err(DecodeError::Malformed("more values than the last ones that are kept"));
        }
        let mut entries: Vec<Entry<V>> = Vec::new();
        for _ in 0..length {
            let (time, offset, value) = <Entry<V>>::decode(input)?;
            if entries.last().is_some_and(|last| order(last, (time, offset, value.lend())).is_gt()) {
                return Err(DecodeError::Malformed("last values that do not ascend"));
            }
            entries.push((time, offset, value));
        }
        Ok(Self(entries))
    }
}

impl<V: Value, const N: usize> State for LastN<V, N> {
    const ORDER_FREE: bool = true;

    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if self.0.is_empty() {
            *self = right;
        } else {
            right.0.iter().for_each(|(time, offset, value)| self.push(*time, *offset, value.lend()));
        }
        Ok(())
    }
}

impl<V: Value, const N: usize> Present for LastN<V, N> {
    const KIND: Kind = Kind::Json;

    fn present(&self) -> Result<Datum, OutOfRange> {
        let mut json = String::from("[");
        for value in self.iter() {
            if json.len() > 1 {
                json.push(',');
            }
            V::json(value, &mut json)?;
        }
        json.push(']');
        Ok(Datum::Json(json))
    }
}
