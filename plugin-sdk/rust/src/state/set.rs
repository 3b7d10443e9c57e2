//! Exact sets of distinct values.

use crate::value::{Value, put_varint, take_length};

use super::sorted::Sorted;
use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// The distinct values: `customers.add(order.customer_id)`. Order-free; exact, so its bytes grow
/// with the number of distinct values (a length, then the values in their order); presents as that
/// number, an integer.
///
/// To present the values themselves, override `present` with [`Set::list`].
#[derive(Clone, Debug)]
pub struct Set<V>(Sorted<V, ()>);

impl<V: Value> Set<V> {
    #[inline]
    pub fn add(&mut self, value: V::Ref<'_>) {
        self.0.entry(|kept| V::compare(kept.lend(), value), || (V::own(value), ()));
    }

    pub fn contains(&self, value: V::Ref<'_>) -> bool {
        self.0.get(|kept| V::compare(kept.lend(), value)).is_some()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of [`Value`].
    pub fn iter(&self) -> impl Iterator<Item = V::Ref<'_>> {
        self.0.iter().map(|(value, ())| value.lend())
    }

    /// The values as a JSON list, in their order.
    pub fn list(&self) -> Result<Datum, OutOfRange> {
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

impl<V> Default for Set<V> {
    #[inline]
    fn default() -> Self {
        Self(Sorted::default())
    }
}

impl<V: Value> Codec for Set<V> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.len() as u64, out);
        self.0.iter().for_each(|(value, ())| value.encode(out));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = take_length(input)?;
        let mut set = Sorted::with_capacity(length);
        for _ in 0..length {
            let value = V::decode(input)?;
            if set.last_key().is_some_and(|last: &V| V::compare(last.lend(), value.lend()).is_ge()) {
                return Err(DecodeError::Malformed("a set that does not ascend"));
            }
            set.push(value, ());
        }
        Ok(Self(set))
    }
}

impl<V: Value> State for Set<V> {
    const ORDER_FREE: bool = true;

    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if self.is_empty() {
            *self = right;
        } else {
            right.iter().for_each(|value| self.add(value));
        }
        Ok(())
    }
}

impl<V: Value> Present for Set<V> {
    const KIND: Kind = Kind::Integer;

    fn present(&self) -> Result<Datum, OutOfRange> {
        Ok(Datum::Integer(self.len() as i64))
    }
}
