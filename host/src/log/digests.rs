//! Digests of ranges: running digests of prefixes, made when first needed.

use super::Log;
use super::block::BLOCK_EVENTS;
use crate::digest::Digest;
use crate::event::Running;
use crate::offset::{Offset, Range};
use std::sync::{Mutex, PoisonError};

const STEP: u64 = BLOCK_EVENTS as u64;

/// Element i has seen `[0, i x STEP)`. A prefix of the log never changes, so they are never wrong.
#[derive(Debug, Default)]
pub struct Snapshots(Mutex<Vec<Running>>);

impl Snapshots {
    pub fn of(&self, log: &Log, range: Range, with_ingested: bool) -> Digest {
        let range = Range::new(range.from.min(log.head()), range.to.min(log.head()));
        self.prefix(log, range.to).digest(range, &self.prefix(log, range.from), with_ingested)
    }

    fn prefix(&self, log: &Log, to: Offset) -> Running {
        // A panic while the lock is held leaves whole snapshots only.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = kept.last().cloned().unwrap_or_default();
        while kept.len() as u64 <= to.0 / STEP {
            if let Some(last) = kept.len().checked_sub(1) {
                let from = Offset(last as u64 * STEP);
                running.extend(log.read(Range::new(from, from.plus(STEP))));
            }
            kept.push(running.clone());
        }
        let mut running = kept.get((to.0 / STEP) as usize).cloned().unwrap_or_default();
        running.extend(log.read(Range::new(Offset(to.0 / STEP * STEP), to)));
        running
    }
}
