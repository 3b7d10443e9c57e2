//! Views on disk: the cells of one batch view in canonical order, with what its run has to say of
//! them, in one file that is written once and never changed. Owns the form of that file; knows nothing
//! of transforms or of what a state says.
//!
//! A file is one redb file (see `database` for the version and checksum before each body) with these
//! tables. Numbers are little-endian unless said otherwise; `v` is LEB128, `z` zigzag LEB128.
//!
//! ```text
//! meta      key   "view"
//!           body  version 32 bytes, range from u64, to u64,
//!                 cells u64, broken u64, rejected u64, spans u64, tally 8 x u64,
//!                 certificate u8: 0 none, or 1 and three digests of 32 bytes: log, rejected, cells
//!                 first: the row key of the first block, to the end; empty if there is no cell
//!
//! cells     one row a block; together with its key just under 4,096 bytes, more only for one cell
//!           key   canonical key of the first cell, then its window: s64 big-endian, sign bit flipped
//!           body  fence: v length, the row key of the block that follows; length 0 after the last
//!                 cells, to the end
//!           cell  v bytes that its key shares with the key of the cell before (the first: all of it,
//!                   from the row key)
//!                 v length, the rest of its key
//!                 z its window less that of the cell before (wrapping)
//!                 v 2 x length of its state + 0, the state; or
//!                 v 2 x length of the cause + 1, why it is broken
//!
//! rejected  key   offset of the first, u64 big-endian
//!           body  events: v offset less the one before (the first: less the row's), v length, reason
//!
//! spans     key   offset at which the first begins, u64 big-endian
//!           body  spans, each from where the one before ends: v events, u8 0 without cells or 1 and
//!                 least window i64, greatest window i64; tally 8 x v
//! ```
//!
//! Row keys sort as (key, window) do: canonical keys are self-delimiting, so none is the beginning of
//! another, and two that differ do so before either ends; equal ones leave the window to decide. The
//! writer refuses keys that are not so; looking at neighbours is enough, since whatever sorts between a
//! key and one that begins with it begins with it too.
//!
//! Fences prove absence. A checksum says that a row is what was written, not that it is the right one:
//! a damaged branch page may lead past the row that has the cell. A block that is asked for something
//! at or beyond its fence was not the right one, and a scan goes from fence to fence.

mod block;
mod bytes;
mod list;
mod meta;
mod read;
mod scan;
mod spill;
mod write;

pub use meta::{Meta, Span};
pub use read::{RejectedScan, ViewFile};
pub use scan::Scan;
pub use spill::{Spill, remove_spills};
pub use write::{Proof, ViewWriter};

use super::database::Table;

const META: Table = Table("meta");
const CELLS: Table = Table("cells");
const REJECTED: Table = Table("rejected");
const SPANS: Table = Table("spans");
const META_KEY: &[u8] = b"view";

/// Key and value of a row of several cells; what is left of 4,096 is redb's own.
const ROW_BYTES: usize = 4_080;

/// The key of the row that would begin with this cell.
fn row_key(key: &[u8], window: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + WINDOW_BYTES);
    out.extend_from_slice(key);
    out.extend_from_slice(&(window as u64 ^ SIGN).to_be_bytes());
    out
}

/// Key and window of a row key; None if it is too short for one.
fn cell_of(row_key: &[u8]) -> Option<(&[u8], i64)> {
    let (key, window) = row_key.split_last_chunk::<WINDOW_BYTES>()?;
    Some((key, (u64::from_be_bytes(*window) ^ SIGN) as i64))
}

const WINDOW_BYTES: usize = 8;
const SIGN: u64 = 1 << 63;
