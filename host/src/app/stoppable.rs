//! A log that gives nothing more once its reader is to stop: so a long run ends between two chunks.

use crate::digest::Digest;
use crate::extract::{Extracted, Extractor, Scratch};
use crate::log::{ReadLog, Times, Unreadable};
use crate::offset::{Offset, Range};

#[derive(Clone, Copy)]
pub struct Stoppable<'a> {
    log: &'a dyn ReadLog,
    is_stopping: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Stoppable<'a> {
    pub fn new(log: &'a dyn ReadLog, is_stopping: &'a (dyn Fn() -> bool + Sync)) -> Stoppable<'a> {
        Stoppable { log, is_stopping }
    }
}

impl ReadLog for Stoppable<'_> {
    fn head(&self) -> Offset {
        self.log.head()
    }

    fn extract(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable> {
        if (self.is_stopping)() {
            return Err(Unreadable("bifocal is stopping".into()));
        }
        self.log.extract(extractor, scratch, range)
    }

    fn times(&self, range: Range) -> Result<Times, Unreadable> {
        self.log.times(range)
    }

    fn digest(&self, range: Range, with_ingested: bool) -> Result<Digest, Unreadable> {
        self.log.digest(range, with_ingested)
    }

    fn lost(&self, range: Range) -> u64 {
        self.log.lost(range)
    }
}
