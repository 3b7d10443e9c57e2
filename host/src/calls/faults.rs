//! How often calls of a transform have failed, by kind.

use crate::transform::Fault;
use std::sync::atomic::{AtomicU64, Ordering};

/// The kinds of faults that are the transform's.
pub const KINDS: [&str; 7] = ["failed", "trapped", "fuel", "memory", "stack", "result_size", "malformed"];

#[derive(Debug, Default)]
pub struct Faults([AtomicU64; KINDS.len()]);

impl Faults {
    pub fn count(&self, fault: &Fault) {
        let kind = match fault {
            Fault::Failed(_) => 0,
            Fault::Trap(_) => 1,
            Fault::Fuel { .. } => 2,
            Fault::Memory { .. } => 3,
            Fault::Stack { .. } => 4,
            Fault::ResultSize { .. } => 5,
            Fault::Malformed(_) => 6,
            // Ours, and no verdict.
            Fault::Host(_) => return,
        };
        if let Some(count) = self.0.get(kind) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One a kind, in the order of [`KINDS`].
    pub fn counts(&self) -> [u64; KINDS.len()] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
