//! A batch view held against its log: every cell and every verdict computed again from raw payloads, on one
//! thread, past every cache and in chunks that no run has. Publishes nothing; knows no catalog.

use crate::batch::Shape;
use crate::half::Job;
use crate::reconcile::Drift;
use crate::refold::{self, Error, Means, Progress, Target};
use crate::run::cell_in_words;
use crate::store::{CacheBytes, ViewFile};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Rows of one call: no divisor of what a run takes.
const CHUNK_ROWS: u64 = 50_000;
const CACHE: CacheBytes = CacheBytes(16 << 20);

/// What was found of a view over `[0, to)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    pub to: u64,
    pub events: u64,
    /// Cells that the view or the witness has.
    pub compared: u64,
    /// Cells that are not the same bytes in both.
    pub differ: u64,
    /// The first of them, in words.
    pub first: Option<String>,
    /// The first offset that one of both rejects, and the other does not.
    pub rejected: Option<u64>,
    /// Events that the log has lost since the view was folded: it counts them, no new run can.
    pub lost_since: u64,
    pub took_ms: u64,
}

impl Verified {
    pub fn is_same(&self) -> bool {
        self.differ == 0 && self.rejected.is_none()
    }
}

/// Verifies `base` by `job`, whose log is read from its events alone. `target` is a file for the time of it.
pub fn verify(
    job: &Job<'_>,
    base: &ViewFile,
    target: Target<'_>,
    table_bytes_max: usize,
    progress: Progress<'_>,
) -> Result<Verified, Error> {
    let started = Instant::now();
    let range = base.meta().range;
    let means = Means { shape: Shape { threads: 1, chunk_rows: CHUNK_ROWS }, table_bytes_max };
    let folded = refold::full(job, range.to, target, means, progress);
    let drift = folded.and_then(|_| compared(base, target));
    // What stays is removed at the next start.
    _ = target.disk.unlink(target.file);
    let drift = drift?;
    let first = drift.cells.first();
    Ok(Verified {
        to: range.to.0,
        events: range.count(),
        compared: drift.compared,
        differ: drift.differ,
        first: first.map(|pair| cell_in_words(job.calls.description(), &pair.key, pair.window)),
        rejected: drift.rejected,
        lost_since: job.log.lost(range).saturating_sub(base.meta().tally.lost),
        took_ms: started.elapsed().as_millis() as u64,
    })
}

fn compared(base: &ViewFile, target: Target<'_>) -> Result<Drift, Error> {
    let witness = ViewFile::open_read_only(target.disk, target.file, CACHE)?;
    let mut drift = Drift::of(&mut base.scan()?, &mut witness.scan()?)?;
    drift.compare_rejected(base.rejected(), witness.rejected())?;
    Ok(drift)
}
