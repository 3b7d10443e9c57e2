//! The batch executor, the far lens: the whole range again from the log, in parallel chunks that
//! are merged strictly left to right. Knows nothing of micro-batches.

use crate::extract;
use crate::half::{self, Error, FoldedChunk, Half, Job};
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
    fold(job, range.chunks(shape.chunk_rows), shape.threads, |chunk| {
        let events = chunk.range.count();
        half.absorb(job.calls, chunk, &left)?;
        progress(events);
        Ok::<(), Error>(())
    })?;
    Ok(half)
}

/// Folds chunks and gives them to `take`, one at a time and in order.
pub fn fold<E: From<Error> + Send>(
    job: &Job<'_>,
    chunks: impl Iterator<Item = Range> + Send,
    threads: usize,
    take: impl FnMut(FoldedChunk) -> Result<(), E> + Send,
) -> Result<(), E> {
    let fold = |scratch: &mut extract::Scratch, chunk| Ok(half::fold(job, scratch, chunk)?);
    pool::in_order(threads, chunks, extract::Scratch::default, fold, take)
}
