//! The batch executor, the far lens: the whole range again from the log, in parallel chunks that
//! are merged strictly left to right. Knows nothing of micro-batches.

use crate::extract;
use crate::half::{self, Error, Half, Job};
use crate::offset::Range;
use crate::pool;

/// How a run is cut; never what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub threads: usize,
    /// Events in one call of `fold`.
    pub chunk_rows: u64,
}

/// Folds `range`. `progress` hears of each chunk's number of events once it is merged.
pub fn run(
    job: &Job<'_>,
    range: Range,
    shape: Shape,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Half, Error> {
    let mut half = Half::new(range);
    let left = job.left(None);
    pool::in_order(
        shape.threads,
        range.chunks(shape.chunk_rows),
        extract::Scratch::default,
        |scratch, chunk| half::fold(job, job.log.extract(job.extractor, scratch, chunk)?),
        |chunk| {
            let events = chunk.range.count();
            half.absorb(job.calls, chunk, &left)?;
            progress(events);
            Ok(())
        },
    )?;
    Ok(half)
}
