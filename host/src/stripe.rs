//! One column over consecutive events, whatever any version thinks of them: every row is there, and
//! what no transform could read is kept beside it. Owns this form and its bytes; knows nothing of
//! stores, and leaves checksums to them.
//!
//! All numbers are little-endian. A projected column:
//!
//! ```text
//! 0   1   version of this layout: 1
//! 1   1   kind: 0 boolean, 1 integer, 2 float, 3 text, 4 binary, 5 timestamp, 6 decimal, 7 json
//! 2   1   digits of a decimal, else 0
//! 3   1   width: bytes a row in `values`
//! 4   4   rows, u32
//! 8       absents   marks: rows that have no value, those in `wrong` left out
//!         nulls     marks: which of them have a null
//!         values    boolean                      width 0: bits, ceil(rows / 8) bytes, padded with 0
//!                   integer timestamp decimal    8 bytes: the least value, s64; then rows numbers of
//!                                                width 0, 1, 2, 4 or 8: what to add to it, unsigned.
//!                                                Width 0: nothing, every value is the least one
//!                   float                        width 8: binary64
//!                   text                         width 0, 1, 2 or 4: codes. Width 0: all are 0
//!                   binary json                  width 0: nothing
//!         heap      text, binary and json only: number of values, u32; number of bytes, u32; the end
//!                   of each value, u32; the bytes. For text each distinct value, at least one; else
//!                   one value a row, empty where it is absent
//!         wrong     number, u32; each: row, u32, ascending; 1 if the payload is malformed, else 0, u8;
//!                   bytes of the reason, u32; the reason, UTF-8
//!
//! marks             0                                     no row
//!                   1, ceil(rows / 8) bytes               bit i%8 of byte i/8: row i; padded with 0
//!                   2, number u32, rows, u32, ascending   these rows
//! ```
//!
//! Times, event times and ingest times alike:
//!
//! ```text
//! 0   1   version of this layout: 1
//! 1   1   width: 0, 1, 2, 4 or 8
//! 2   4   rows, u32
//! 6   8   the least value, s64
//! 14      rows numbers of that width: what to add to it, unsigned
//! ```

mod bits;
mod decode;
mod encode;
mod frame;

pub use decode::{decode, decode_times};
pub use encode::{encode, encode_times};

use crate::column::Column;
use crate::description::Kind;

/// One column over all events of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projected {
    /// One row an event; absent where there is nothing, a null or what is wrong.
    pub column: Column,
    /// Bit i%8 of byte i/8 set: row i is absent because of a null. Empty: none is.
    pub nulls: Vec<u8>,
    /// Ascending, each row once.
    pub wrong: Vec<Wrong>,
}

/// A row whose event is rejected by every version that reads the column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub row: u32,
    /// The payload as a whole is malformed, which decides before any filter does.
    pub malformed: bool,
    pub reason: String,
}

impl Projected {
    /// Whether an absent row has a null.
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1)
    }
}

/// Why bytes are not the column, or the times, that they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("layout {0} of a column is unknown to this host, which knows 1")]
    Version(u8),
    #[error("a column of kind code {found} with {digits} digits where {expected} was expected")]
    Kind { found: u8, digits: u8, expected: Kind },
    #[error("a column of {found} rows where {expected} were expected")]
    Rows { found: usize, expected: usize },
    #[error("{part}: {needed} bytes are needed and {left} are left")]
    Short { part: &'static str, needed: u64, left: usize },
    #[error("{0} bytes are left behind the end")]
    Trailing(usize),
    #[error("{part}: {width} bytes a row are not of this layout")]
    Width { part: &'static str, width: u8 },
    #[error("{part}: row {row} does not ascend or is not of the {rows} rows")]
    Row { part: &'static str, row: u32, rows: usize },
    #[error("{part}: mark {mark} is not of this layout")]
    Mark { part: &'static str, mark: u8 },
    #[error("{0}")]
    Heap(String),
    #[error("reason of row {0} is not UTF-8")]
    Reason(u32),
}

const VERSION: u8 = 1;

/// The kind as two bytes; None for one that no column has.
fn kind_code(kind: &Kind) -> Option<(u8, u8)> {
    Some(match kind {
        Kind::Boolean => (0, 0),
        Kind::Integer => (1, 0),
        Kind::Float => (2, 0),
        Kind::Text => (3, 0),
        Kind::Binary => (4, 0),
        Kind::Timestamp => (5, 0),
        Kind::Decimal(digits) => (6, *digits),
        Kind::Json => (7, 0),
        Kind::Other(_) => return None,
    })
}
