//! The algebra of states: what a cell can accumulate so that any cut of the log gives the same
//! bytes. Owns the two traits and the ready-made parts; knows nothing of cells, keys, windows or
//! the boundary.
//!
//! | part                       | keeps                                            | order-free  | shows           |
//! |----------------------------|--------------------------------------------------|-------------|-----------------|
//! | [`Count`]                  | how many                                         | yes         | integer         |
//! | [`Sum`]                    | the exact sum of integers or decimals            | yes         | their kind      |
//! | [`ExactSum`]               | the exact sum of floats                          | yes         | float           |
//! | [`Mean`]                   | the exact mean of integers or decimals           | yes         | float           |
//! | [`Min`] [`Max`]            | the least, the greatest value                    | yes         | its kind        |
//! | [`First`] [`Last`]         | the first, the last value by event time          | yes         | its kind        |
//! | [`FirstSeen`] [`LastSeen`] | the first, the last value in the log             | no          | its kind        |
//! | [`Quantiles`]              | a histogram for quantiles with a stated error    | yes         | json            |
//! | [`Set`]                    | distinct values, exactly                         | yes         | their number    |
//! | [`Distinct`]               | an estimate of how many distinct values, bounded | yes         | integer         |
//! | [`TopK`]                   | exact counts of values, to show the top k        | yes         | json            |
//! | [`LastN`]                  | the last n values by event time                  | yes         | json            |
//! | [`Sessions`]               | a state for each stretch of time without a gap   | yes         | json            |
//! | [`Map`]                    | a state for each key                             | as its part | json            |
//! | [`Ordered`]                | a machine run in the order of the log            | no          | as the machine  |
//! | [`Timeline`]               | a machine run in the order of event times        | yes         | as the machine  |
//!
//! A state of an author is a struct of parts with `#[derive(State)]`; it is order-free if all of
//! its parts are. A tuple of states is a state.

mod count;
mod distinct;
mod exact_sum;
mod extreme;
mod first_last;
mod last_n;
mod map;
mod mean;
mod ordered;
mod quantiles;
mod seen;
mod sessions;
mod set;
mod sorted;
mod sum;
mod timeline;
mod top_k;
mod tuple;

use std::fmt;

pub use crate::value::{Codec, Datum, DecodeError, Kind, OutOfRange};
pub use count::Count;
pub use distinct::Distinct;
pub use exact_sum::ExactSum;
pub use extreme::{Max, Min};
pub use first_last::{First, Last};
pub use last_n::LastN;
pub use map::Map;
pub use mean::Mean;
pub use ordered::{Machine, Ordered};
pub use quantiles::{Measure, Quantiles};
pub use seen::{FirstSeen, LastSeen};
pub use sessions::Sessions;
pub use set::Set;
pub(crate) use sum::nearest;
pub use sum::{Addend, Sum};
pub use timeline::Timeline;
pub use top_k::TopK;

/// What a cell accumulates: a value with canonical bytes ([`Codec`]), a beginning ([`Default`]) and
/// a lawful `merge`.
///
/// With *x*, *y*, *z* states of consecutive chunks of the log, `merge` is associative:
/// `(x y) z = x (y z)`; `Default` is its neutral element on both sides; and folding *a ++ b* into one
/// state gives the same bytes as merging the states of *a* and *b*.
///
/// `Clone` is how the runtime undoes a row that is rejected after it has touched the state.
pub trait State: Codec + Clone + Default {
    /// Whether `merge(x, y)` and `merge(y, x)` have the same bytes for all states. Only then may
    /// cells be rolled up over windows, grouped over keys and merged over partitions.
    const ORDER_FREE: bool;

    /// Whether a state distinguishes having run from the beginning of its cell from waiting for
    /// what precedes it, as [`Ordered`] machines do.
    const ANCHORED: bool = false;

    /// Appends what happened later in the log. Wrong only if `right` is anchored, which a host does
    /// not do.
    fn merge(&mut self, right: Self) -> Result<(), MergeError>;

    /// The state of a cell before its first event: anchored where the state has the distinction,
    /// else the default.
    fn initial() -> Self {
        Self::default()
    }
}

/// What an output column shows of a part, unless the author computes it otherwise.
pub trait Present {
    const KIND: Kind;

    /// Fails only for a value that the column cannot hold.
    fn present(&self) -> Result<Datum, OutOfRange>;
}

/// Two states that do not follow each other in any log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeError {
    /// The later state has run from the beginning of its cell, so nothing can precede it.
    AnchoredRight,
    /// The later state holds inputs that do not decode.
    Malformed(DecodeError),
}

impl fmt::Display for MergeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MergeError::AnchoredRight => f.write_str(
                "the later state is anchored: it has run from the beginning of its cell; \
                 merge floating states onto it",
            ),
            MergeError::Malformed(error) => write!(f, "the later state cannot be run: {error}"),
        }
    }
}

impl std::error::Error for MergeError {}

impl From<DecodeError> for MergeError {
    fn from(error: DecodeError) -> Self {
        MergeError::Malformed(error)
    }
}
