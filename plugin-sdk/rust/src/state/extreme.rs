//! The least and the greatest value.

use std::cmp::Ordering;

use crate::value::Value;

use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

macro_rules! extreme {
    ($(#[$doc:meta])* $name:ident, $better:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<V>(Option<V>);

        impl<V: Value> $name<V> {
            #[inline]
            pub fn see(&mut self, value: V::Ref<'_>) {
                match &mut self.0 {
                    Some(kept) if V::compare(value, kept.lend()) != $better => {}
                    Some(kept) => kept.assign(value),
                    None => self.0 = Some(V::own(value)),
                }
            }

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

        impl<V: Value> State for $name<V> {
            const ORDER_FREE: bool = true;

            #[inline]
            fn merge(&mut self, right: Self) -> Result<(), MergeError> {
                match (&self.0, &right.0) {
                    (_, None) => {}
                    (Some(kept), Some(value)) if V::compare(value.lend(), kept.lend()) != $better => {}
                    _ => self.0 = right.0,
                }
                Ok(())
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

extreme! {
    /// The least value seen: `smallest.see(order.amount)`. Order-free; a byte and the value;
    /// presents as its kind, null if nothing was seen.
    ///
    /// By the order of [`Value`]: text by bytes; of floats -0 is below 0 and NaN above all, so a
    /// NaN is kept only if there is nothing else.
    Min, Ordering::Less
}

extreme! {
    /// The greatest value seen: `largest.see(order.amount)`. Order-free; a byte and the value;
    /// presents as its kind, null if nothing was seen.
    ///
    /// By the order of [`Value`]: text by bytes; of floats 0 is above -0 and NaN above all, so one
    /// NaN is kept for good. Test with `is_nan` before `see` to leave them out.
    Max, Ordering::Greater
}
