//! The first and the last value by the order of the log.

use crate::value::Value;

use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// The value that came first in the log, whatever its time: `first.see(order.status)`. By log
/// order, so not order-free; a byte and the value; presents as its kind, null if nothing was seen.
#[derive(Clone, Copy, Debug)]
pub struct FirstSeen<V>(Option<V>);

/// The value that came last in the log, whatever its time: `last.see(order.status)`. By log order,
/// so not order-free; a byte and the value; presents as its kind, null if nothing was seen.
#[derive(Clone, Copy, Debug)]
pub struct LastSeen<V>(Option<V>);

impl<V: Value> FirstSeen<V> {
    #[inline]
    pub fn see(&mut self, value: V::Ref<'_>) {
        if self.0.is_none() {
            self.0 = Some(V::own(value));
        }
    }
}

impl<V: Value> LastSeen<V> {
    #[inline]
    pub fn see(&mut self, value: V::Ref<'_>) {
        match &mut self.0 {
            Some(kept) => kept.assign(value),
            None => self.0 = Some(V::own(value)),
        }
    }
}

impl<V: Value> State for FirstSeen<V> {
    const ORDER_FREE: bool = false;

    #[inline]
    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if self.0.is_none() {
            self.0 = right.0;
        }
        Ok(())
    }
}

impl<V: Value> State for LastSeen<V> {
    const ORDER_FREE: bool = false;

    #[inline]
    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if right.0.is_some() {
            self.0 = right.0;
        }
        Ok(())
    }
}

macro_rules! seen {
    ($name:ident) => {
        impl<V: Value> $name<V> {
            /// `None` if nothing was seen.
            #[inline]
            pub fn get(&self) -> Option<V::Ref<'_>> {
                self.0.as_ref().map(V::lend)
            }
        }

        impl<V> Default for $name<V> {
            #[inline]
            fn default() -> Self {
                Self(None)
            }
        }

        impl<V: Codec> Codec for $name<V> {
            #[inline]
            fn encode(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }

            #[inline]
            fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
                Option::decode(input).map(Self)
            }
        }

        impl<V: Value> Present for $name<V> {
            const KIND: Kind = V::KIND;

            fn present(&self) -> Result<Datum, OutOfRange> {
                self.get().map_or(Ok(Datum::Absent), V::datum)
            }
        }
    };
}

seen!(FirstSeen);
seen!(LastSeen);
