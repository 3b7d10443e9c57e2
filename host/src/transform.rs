//! What an executor can ask of a transform, whatever it is made of: a WebAssembly component (see
//! `wasm`) or, in tests, the same plugin linked natively. Owns the values that cross and the names
//! of their faults; knows nothing of retries, halving or merging order (see `calls`).

use crate::column::{Blobs, Column};
use crate::description::Description;
use crate::digest::Digest;
use crate::limits::Limits;

/// A chunk as `fold` sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// One s64 a row, milliseconds UTC.
    pub times: Vec<u8>,
    /// As `Description::inputs` says.
    pub columns: Vec<Column>,
}

impl Events {
    pub fn rows(&self) -> usize {
        self.times.len() / 8
    }

    /// Rows `[from, to)`.
    pub fn slice(&self, description: &Description, from: usize, to: usize) -> Events {
        let columns = self.columns.iter().zip(&description.inputs);
        Events {
            times: self.times.get(from * 8..to * 8).unwrap_or_default().to_vec(),
            columns: columns.map(|(column, field)| column.slice(&field.kind, from, to)).collect(),
        }
    }
}

/// States by (key, window), in any order; each pair at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// As `Description::keys` says.
    pub keys: Vec<Column>,
    /// One s64 a cell; empty for a global window.
    pub windows: Vec<u8>,
    pub states: Blobs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub row: u32,
    pub reason: String,
}

/// What one call of `fold` returned, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    pub cells: Cells,
    /// Ascending, each row once.
    pub rejected: Vec<Rejection>,
    /// Fuel that the call took; 0 where nothing is metered.
    pub fuel: u64,
}

/// Why a call gave no result. All but `Host` are the transform's fault and a
/// function of its input alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The transform returned an error.
    #[error("failed: {0}")]
    Failed(String),
    /// It trapped (a panic, an overflow, an assertion); with the last thing that it logged.
    #[error("trapped: {0}")]
    Trap(String),
    #[error("ran out of fuel ({limit} for one call)")]
    Fuel { limit: u64 },
    #[error("asked for more memory than {limit_bytes} bytes")]
    Memory { limit_bytes: u64 },
    /// The one verdict on which machines may differ: recorded, and obeyed from then on.
    #[error("overflowed its stack of {limit_bytes} bytes")]
    Stack { limit_bytes: u64 },
    #[error("returned {bytes} bytes, more than {limit_bytes}")]
    ResultSize { bytes: u64, limit_bytes: u64 },
    /// It returned something that the contract excludes.
    #[error("returned a malformed result: {0}")]
    Malformed(String),
    /// Ours: an instance could not be had, a file not be read.
    #[error("the host failed: {0}")]
    Host(String),
}

impl Fault {
    /// Whether a limit of one call was met.
    pub fn is_a_limit(&self) -> bool {
        matches!(
            self,
            Fault::Fuel { .. } | Fault::Memory { .. } | Fault::Stack { .. } | Fault::ResultSize { .. }
        )
    }

    /// Whether the transform, and not this host at this moment, is the cause.
    pub fn is_the_transforms(&self) -> bool {
        !matches!(self, Fault::Host(_))
    }
}

/// WebAssembly stack of one call. No setting changes it: it is the engine's.
pub const STACK_BYTES_MAX: u64 = 1 << 20;
/// Rules of extraction, limits and verdicts; part of every version. A host that changes one of
/// them raises this number.
pub const SEMANTICS: u64 = 1;

/// Folds, merges and presents. Each call is on its own: nothing of one is seen by the next.
///
/// Results come unchecked; `calls` checks them before anyone else sees them.
pub trait Transform: Send + Sync {
    fn description(&self) -> &Description;

    /// The identity of component, settings and semantics number.
    fn version(&self) -> Digest;

    /// What one call may take.
    fn limits(&self) -> Limits;

    /// `fuel` is at most that of the limits; a call of several rows may be given less, since its
    /// failure only leads to halves.
    fn fold(&self, events: &Events, fuel: u64) -> Result<Folded, Fault>;

    /// State i of `left` with state i of `right`, left earlier in the log.
    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault>;

    /// One row a cell; columns as `Description::outputs` says. `windows` has one s64 a cell, or is
    /// empty for a global window.
    fn present(&self, keys: &[Column], windows: &[u8], states: &Blobs) -> Result<Vec<Column>, Fault>;
}
