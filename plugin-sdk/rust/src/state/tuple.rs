//! Tuples of states: parts of a `Map`'s state without a struct for them.

use crate::value::write_datum;

use super::{Datum, Kind, MergeError, OutOfRange, Present, State};

macro_rules! tuple {
    ($($part:ident $index:tt),*) => {
        impl<$($part: State),*> State for ($($part,)*) {
            const ORDER_FREE: bool = $($part::ORDER_FREE)&&*;
            const ANCHORED: bool = $($part::ANCHORED)||*;

            #[inline]
            fn merge(&mut self, right: Self) -> Result<(), MergeError> {
                $(self.$index.merge(right.$index)?;)*
                Ok(())
            }

            fn initial() -> Self {
                ($($part::initial(),)*)
            }
        }

        /// A list of what the parts show.
        impl<$($part: Present),*> Present for ($($part,)*) {
            const KIND: Kind = Kind::Json;

            fn present(&self) -> Result<Datum, OutOfRange> {
                let mut json = String::from("[");
                $(
                    if $index > 0 {
                        json.push(',');
                    }
                    write_datum($part::KIND, &self.$index.present()?, &mut json);
                )*
                json.push(']');
                Ok(Datum::Json(json))
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
