//! What columns, keys, states and machines hold, natively: numbers, text, times, exact decimals.
//! Owns their canonical bytes, their order and how they present. Knows nothing of states, cells or
//! the boundary.

mod codec;
mod decimal;
mod hash;
mod json;
mod scalar;
mod timestamp;

use std::cmp::Ordering;
use std::fmt;

pub use codec::{Codec, DecodeError};
pub(crate) use codec::{put_varint, take, take_length, take_slice, take_varint};
pub(crate) use decimal::write_decimal;
pub use decimal::{Decimal, DecimalError};
pub(crate) use json::write_datum;
pub use json::{Json, JsonError, JsonText};
pub(crate) use scalar::one_nan;
pub use timestamp::Timestamp;

/// The type of a column, as the contract (`wit/transform.wit`) names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Boolean,
    /// 64 bits, signed.
    Integer,
    /// IEEE 754 binary64.
    Float,
    Text,
    Binary,
    /// Milliseconds since 1970-01-01T00:00Z.
    Timestamp,
    /// Exact: value x 10^n in 64 bits, n from 0 to 18.
    Decimal(u8),
    /// The text of any JSON value.
    Json,
}

/// One presented value. Its column's [`Kind`] says how an `Integer` is meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// Null.
    Absent,
    Boolean(bool),
    /// An integer, a timestamp in milliseconds UTC, or a decimal as value x 10^n.
    Integer(i64),
    Float(f64),
    Text(String),
    Binary(Vec<u8>),
    /// The text of one JSON value.
    Json(String),
}

/// A value that its output column cannot hold. The host reports the cell as broken and serves all
/// others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// The value as far as it can be written.
    pub value: String,
    /// What cannot hold it.
    pub kind: Kind,
}

impl OutOfRange {
    #[cold]
    pub fn new(value: impl fmt::Display, kind: Kind) -> Self {
        Self { value: value.to_string(), kind }
    }
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Boolean => "a boolean",
            Kind::Integer => "a 64-bit integer",
            Kind::Float => "a float",
            Kind::Text => "a text",
            Kind::Binary => "a binary",
            Kind::Timestamp => "a timestamp",
            Kind::Decimal(digits) => {
                return write!(f, "out of range: {} does not fit a decimal({digits})", self.value);
            }
            Kind::Json => "a json",
        };
        write!(f, "out of range: {} does not fit {kind}", self.value)
    }
}

impl std::error::Error for OutOfRange {}

/// A single value of a column: what `Min`, `Last`, `Set` and the others hold.
///
/// | Rust                         | kind         | order                                        |
/// |------------------------------|--------------|----------------------------------------------|
/// | `bool`                       | boolean      | false, true                                  |
/// | integers up to 64 bits       | integer      | by number                                    |
/// | `f64`                        | float        | IEEE 754 totalOrder; every NaN is one, greatest |
/// | `String`                     | text         | by bytes                                     |
/// | `Vec<u8>`                    | binary       | by bytes                                     |
/// | [`Timestamp`]                | timestamp    | by time                                      |
/// | [`Decimal<N>`](Decimal)      | decimal(N)   | by number                                    |
/// | [`JsonText`]                 | json         | by bytes                                     |
/// | `Option<V>`                  | that of `V`  | `None` first; presents as null               |
/// | `(A, B)`, `(A, B, C)`        | json, a list | by the first, then the second, …             |
///
/// Values are passed by [`Value::Ref`], so that text needs no allocation unless it is kept:
/// `last.see(time, offset, order.status)` takes a `&str` for a `Last<String>`.
///
/// Two values are equal by [`Value::compare`] exactly if their bytes are equal.
pub trait Value: Codec + Clone {
    /// `Self` for numbers, `&str` for `String`, `&[u8]` for `Vec<u8>`.
    type Ref<'a>: Copy;

    /// The column that this value presents in.
    const KIND: Kind;

    fn lend(&self) -> Self::Ref<'_>;

    fn own(of: Self::Ref<'_>) -> Self;

    /// Like `*self = Self::own(of)`, reusing what `self` has allocated.
    fn assign(&mut self, of: Self::Ref<'_>) {
        *self = Self::own(of);
    }

    /// A total order.
    fn compare(a: Self::Ref<'_>, b: Self::Ref<'_>) -> Ordering;

    /// The value as its column shows it.
    fn datum(of: Self::Ref<'_>) -> Result<Datum, OutOfRange>;

    /// A hash of the value, the same on every machine and for good: XXH64 with seed 0 of its bytes, of
    /// text and binary without their length.
    fn hash(of: Self::Ref<'_>) -> u64 {
        let mut bytes = Vec::new();
        Self::own(of).encode(&mut bytes);
        hash::xxh64(&bytes)
    }

    /// Appends the value as JSON, by the rules of the host's own JSON: integers beyond 2^53 as
    /// strings, NaN and infinities null, times in RFC 3339, binary in base64.
    fn json(of: Self::Ref<'_>, out: &mut String) -> Result<(), OutOfRange> {
        write_datum(Self::KIND, &Self::datum(of)?, out);
        Ok(())
    }
}
