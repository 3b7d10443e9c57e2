//! Faults planted on purpose, to prove that the compare of the two halves sees them. Nothing here
//! runs unless a drill is asked for by name.

use crate::column::{Blobs, Column};
use crate::description::Description;
use crate::digest::Digest;
use crate::limits::Limits;
use crate::transform::{Events, Fault, Folded, Transform};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drill {
    /// Batch forgets the cells of one chunk.
    LostChunk,
    /// Speed folds one micro-batch twice.
    DoubledMicroBatch,
    /// Speed begins one event too late.
    CutOffByOne,
    /// Speed merges with left and right exchanged: seen where the order of the log matters.
    SwappedMerge,
    /// One byte of one state of the speed half is another.
    FlippedByte,
}

impl Drill {
    pub const ALL: [(&'static str, Drill); 5] = [
        ("lost-chunk", Drill::LostChunk),
        ("doubled-micro-batch", Drill::DoubledMicroBatch),
        ("cut-off-by-one", Drill::CutOffByOne),
        ("swapped-merge", Drill::SwappedMerge),
        ("flipped-byte", Drill::FlippedByte),
    ];
}

impl FromStr for Drill {
    type Err = String;

    fn from_str(name: &str) -> Result<Drill, String> {
        let names = || Drill::ALL.map(|(name, _)| name).join(", ");
        let found = Drill::ALL.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, drill)| drill).ok_or_else(|| format!("'{name}' is no drill; one of {}", names()))
    }
}

/// A transform with a planted fault.
pub struct Tampered {
    inner: Arc<dyn Transform>,
    drill: Drill,
    folds_with_cells: AtomicU64,
}

impl Tampered {
    pub fn new(inner: Arc<dyn Transform>, drill: Drill) -> Tampered {
        Tampered { inner, drill, folds_with_cells: AtomicU64::new(0) }
    }

    /// The fault is planted in the first call that has something to lose.
    fn is_due(&self, folded: &Folded) -> bool {
        !folded.cells.states.bytes.is_empty() && self.folds_with_cells.fetch_add(1, Ordering::Relaxed) == 0
    }
}

impl Transform for Tampered {
    fn description(&self) -> &Description {
        self.inner.description()
    }

    fn version(&self) -> Digest {
        self.inner.version()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn fold(&self, events: &Events, fuel: u64) -> Result<Folded, Fault> {
        let mut folded = self.inner.fold(events, fuel)?;
        match self.drill {
            Drill::LostChunk if self.is_due(&folded) => {
                folded.cells.keys.iter_mut().for_each(|column| *column = Column::default());
                folded.cells.windows.clear();
                folded.cells.states.clear();
            }
            Drill::FlippedByte if self.is_due(&folded) => {
                if let Some(byte) = folded.cells.states.bytes.first_mut() {
                    *byte ^= 1;
                }
            }
            _ => {}
        }
        Ok(folded)
    }

    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        match self.drill {
            Drill::SwappedMerge => self.inner.merge(right, left),
            _ => self.inner.merge(left, right),
        }
    }

    fn present(&self, keys: &[Column], windows: &[u8], states: &Blobs) -> Result<Vec<Column>, Fault> {
        self.inner.present(keys, windows, states)
    }
}
