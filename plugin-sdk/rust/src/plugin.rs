//! A transform as its host calls it, whatever language it is written in: four functions over
//! columns. Owns the trait and the values that cross; knows no author's type.

use crate::column::{Blobs, Column};
use crate::description::Description;

/// A chunk: consecutive events of the log, without those that the host rejected or ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// The events' times: one s64 a row, milliseconds UTC.
    pub times: Vec<u8>,
    /// As [`Description::inputs`] says.
    pub columns: Vec<Column>,
}

/// States by (key, window), each pair at most once, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellColumns {
    /// As [`Description::keys`] says.
    pub keys: Vec<Column>,
    /// Window starts: one s64 a cell, milliseconds UTC. Empty if the window is global.
    pub windows: Vec<u8>,
    /// One state a cell.
    pub states: Blobs,
}

/// An event that the transform cannot fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Index of the row in the chunk.
    pub row: u32,
    pub reason: String,
}

/// What one call of `fold` returns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    pub cells: CellColumns,
    /// Ascending by row, each row at most once.
    pub rejected: Vec<Rejection>,
}

/// The four functions of the contract, on columns in memory.
///
/// `#[transform]` makes a type of this trait out of a function, with the function's name. On
/// WebAssembly the component exports it; natively a test, a debugger or a second implementation
/// of a host calls it as it is. Every function is a function of its arguments alone.
///
/// `settings` is a JSON object as text, `{}` if there are none.
pub trait Plugin: Send + Sync {
    /// What the transform reads and makes. Fails if the settings are not those it needs.
    fn describe(&self, settings: &str) -> Result<Description, String>;

    /// Events to cells. An error throws the chunk away: the host folds its halves.
    fn fold(&self, settings: &str, events: &Events) -> Result<Folded, String>;

    /// Pair by pair, state i of `left` with state i of `right`; left is earlier in the log.
    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, String>;

    /// States to what a person reads: one row a cell, columns as [`Description::outputs`] says.
    fn present(&self, keys: &[Column], windows: &[u8], states: &Blobs) -> Result<Vec<Column>, String>;

    /// Whether [`Plugin::fold`] reads its settings at all.
    fn has_settings(&self) -> bool {
        false
    }
}
