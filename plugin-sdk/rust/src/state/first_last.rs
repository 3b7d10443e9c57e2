//! The first and the last value by event time: order-free, since each value brings its place.

use std::cmp::Ordering;

use crate::value::{Timestamp, Value};

use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// Where a value stands among all others of its cell.
type Place = (Timestamp, i64);

macro_rules! by_time {
    ($(#[$doc:meta])* $name:ident, $better:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<V>(Option<(Place, V)>);

        impl<V: Value> $name<V> {
            /// `time` is the event's (the input `@time`), `offset` its place in the log (the input
            /// `@offset`).
            #[inline]
            pub fn see(&mut self, time: Timestamp, offset: i64, value: V::Ref<'_>) {
                let place = (time, offset);
                match &mut self.0 {
                    Some((held, kept)) if !is_better::<V>((place, value), (*held, kept.lend()), $better) => {}
                    Some((held, kept)) => {
                        *held = place;
                        kept.assign(value);
                    }
                    None => self.0 = Some((place, V::own(value))),
                }
            }

            /// `None` if nothing was seen.
            #[inline]
            pub fn get(&self) -> Option<V::Ref<'_>> {
                self.0.as_ref().map(|(_, value)| value.lend())
            }

            /// The event time of the value that is kept.
            #[inline]
            pub fn time(&self) -> Option<Timestamp> {
                self.0.as_ref().map(|((time, _), _)| *time)
            }

            /// The offset of the value that is kept.
            #[inline]
            pub fn offset(&self) -> Option<i64> {
                self.0.as_ref().map(|((_, offset), _)| *offset)
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
                match &self.0 {
                    None => out.push(0),
                    Some(((time, offset), value)) => {
                        out.push(1);
                        time.encode(out);
                        offset.encode(out);
                        value.encode(out);
                    }
                }
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
                let is_kept = match (&self.0, &right.0) {
                    (_, None) => true,
                    (None, Some(_)) => false,
                    (Some((held, kept)), Some((place, value))) => {
                        !is_better::<V>((*place, value.lend()), (*held, kept.lend()), $better)
                    }
                };
                if !is_kept {
                    self.0 = right.0;
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

#[inline]
fn is_better<V: Value>(new: (Place, V::Ref<'_>), old: (Place, V::Ref<'_>), better: Ordering) -> bool {
    match new.0.cmp(&old.0) {
        Ordering::Equal => V::compare(new.1, old.1) == better,
        unequal => unequal == better,
    }
}

by_time! {
    /// The value of the event with the least (event time, offset):
    /// `first.see(event.time, event.offset, event.status)`. Order-free; a byte, and 16 bytes and
    /// the value; presents as its kind, null if nothing was seen.
    ///
    /// Of two values with the same time and offset, that is of one event, the lesser is kept.
    First, Ordering::Less
}

by_time! {
    /// The value of the event with the greatest (event time, offset):
    /// `last.see(event.time, event.offset, event.status)`. Order-free; a byte, and 16 bytes and the
    /// value; presents as its kind, null if nothing was seen.
    ///
    /// Of two values with the same time and offset, that is of one event, the greater is kept.
    Last, Ordering::Greater
}
