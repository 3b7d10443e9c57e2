//! The speed executor, the near lens: events in micro-batches, each merged at once onto what is
//! there. Knows nothing of threads or of how the view below was made.

use crate::extract::Scratch;
use crate::half::{self, Error, Half, Job};
use crate::offset::{Offset, Range};
use crate::table::Below;

/// A generation in the making: `[from, visible)` over a batch view `[0, from)`.
pub struct Speed<'a> {
    job: Job<'a>,
    /// The batch view: whole states grow from its states, deltas do not look at it.
    below: Option<&'a dyn Below>,
    scratch: Scratch,
    half: Half,
}

impl<'a> Speed<'a> {
    pub fn new(job: Job<'a>, from: Offset, below: Option<&'a dyn Below>) -> Speed<'a> {
        Speed { job, below, scratch: Scratch::default(), half: Half::new(Range::new(from, from)) }
    }

    /// The offset up to which events are folded.
    pub fn visible(&self) -> Offset {
        self.half.range.to
    }

    /// Folds one micro-batch, `[visible, to)`.
    pub fn step(&mut self, to: Offset) -> Result<(), Error> {
        let range = Range::new(self.visible(), to);
        let chunk = half::fold(&self.job, &mut self.scratch, range)?;
        self.half.absorb(self.job.calls, chunk, &self.job.left(self.below))?;
        self.half.range.to = to;
        Ok(())
    }

    /// Starts again at an earlier offset, keeping what is folded: what a recovery must never do.
    /// For drills that prove that the compare sees it.
    pub fn forget_progress(&mut self, visible: Offset) {
        self.half.range.to = visible;
    }

    pub fn into_half(self) -> Half {
        self.half
    }
}
