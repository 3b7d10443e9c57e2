//! Cells as values: what one is to whoever looks at it, borrowed and owned, and the canonical order.
//! Knows nothing of where cells are kept.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A cell as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRef<'a> {
    /// In the encoding of `key`.
    pub key: &'a [u8],
    /// Start, milliseconds UTC; 0 for a global window.
    pub window: i64,
    pub state: &'a [u8],
    /// Why the cell has no state that could be used.
    pub broken: Option<&'a str>,
}

impl CellRef<'_> {
    /// Canonical order: by key, then window.
    pub fn order(&self, other: &CellRef<'_>) -> Ordering {
        self.key.cmp(other.key).then_with(|| self.window.cmp(&other.window))
    }

    pub fn to_owned(&self) -> Cell {
        Cell {
            key: self.key.to_vec(),
            window: self.window,
            state: self.state.to_vec(),
            broken: self.broken.map(str::to_string),
        }
    }
}

/// A cell that outlives what it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub key: Vec<u8>,
    pub window: i64,
    pub state: Vec<u8>,
    pub broken: Option<String>,
}

impl Cell {
    pub fn as_ref(&self) -> CellRef<'_> {
        CellRef { key: &self.key, window: self.window, state: &self.state, broken: self.broken.as_deref() }
    }
}

/// What is there of a cell that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    State(Cow<'a, [u8]>),
    /// No state that could be used, and why.
    Broken(Cow<'a, str>),
}
