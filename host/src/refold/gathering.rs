//! Cells of a run on their way to its view: in a table while it is small, in spills beyond.

use super::filter::Filter;
use super::record::Record;
use super::{Error, Means, Target};
use crate::cell::{Cell, Found};
use crate::half::{FoldedChunk, Job};
use crate::merge::{Merge, Sorted, Source};
use crate::offset::{Offset, Range};
use crate::store::{self, Proof, Spill, ViewFile, ViewWriter};
use crate::table::{Below, Table};
use std::borrow::Cow;

pub struct Gathering<'a> {
    job: Job<'a>,
    below: Stack<'a>,
    target: Target<'a>,
    table_bytes_max: usize,
    table: Table,
}

/// What whole states grow from: the newest spill that has the cell, else the base.
struct Stack<'a> {
    base: Option<&'a ViewFile>,
    /// Oldest first, each with what it does not have.
    spills: Vec<(Spill<'a>, Filter)>,
}

impl Below for ViewFile {
    fn find(&self, key: &[u8], window: i64) -> Result<Option<Found<'_>>, store::Error> {
        Ok(ViewFile::find(self, key, window)?.map(|cell| match cell {
            Cell { broken: Some(cause), .. } => Found::Broken(Cow::Owned(cause)),
            Cell { state, .. } => Found::State(Cow::Owned(state)),
        }))
    }
}

impl Below for Stack<'_> {
    fn find(&self, key: &[u8], window: i64) -> Result<Option<Found<'_>>, store::Error> {
        for (spill, filter) in self.spills.iter().rev() {
            if filter.may_have(key, window)
                && let Some(found) = Below::find(spill.view(), key, window)?
            {
                return Ok(Some(found));
            }
        }
        self.base.map_or(Ok(None), |base| Below::find(base, key, window))
    }
}

impl<'a> Gathering<'a> {
    pub fn new(job: &Job<'a>, base: Option<&'a ViewFile>, target: Target<'a>, means: Means) -> Gathering<'a> {
        Gathering {
            job: *job,
            below: Stack { base, spills: Vec::new() },
            target,
            table_bytes_max: means.table_bytes_max,
            table: Table::default(),
        }
    }

    /// Merges a chunk to the right of what is here.
    pub fn take(&mut self, chunk: FoldedChunk) -> Result<(), Error> {
        let left = self.job.left(Some(&self.below));
        for part in &chunk.outcome.parts {
            self.table.absorb(self.job.calls, part, &left)?;
        }
        if self.table.bytes() > self.table_bytes_max { self.spill() } else { Ok(()) }
    }

    /// Lays the table down and starts anew.
    fn spill(&mut self) -> Result<(), Error> {
        let mut writer = ViewWriter::spill(self.target.disk, self.target.file, self.below.spills.len())?;
        let mut filter = Filter::new(self.table.len());
        for cell in self.table.iter_sorted() {
            filter.add(cell.key, cell.window);
            writer.push(cell)?;
        }
        let range = Range::new(Offset::ZERO, Offset::ZERO);
        let spill = writer.finish_spill(&Proof::Nothing { version: self.job.calls.version(), range })?;
        self.below.spills.push((spill, filter));
        self.table = Table::default();
        Ok(())
    }

    /// All cells: those of `base`, which are older, with those that were gathered.
    pub fn cells<'b>(&'b self, base: Option<Box<dyn Source + 'b>>) -> Result<Merge<'b>, Error> {
        let mut sources: Vec<Box<dyn Source + 'b>> = base.into_iter().collect();
        for (spill, _) in &self.below.spills {
            sources.push(Box::new(spill.view().scan()?));
        }
        sources.push(Box::new(Sorted::new(&self.table)));
        Ok(Merge::new(self.job.calls, sources)?)
    }

    /// Writes them.
    pub fn write(&self, base: Option<Box<dyn Source + '_>>, record: &mut Record<'_>) -> Result<(), Error> {
        let mut merge = self.cells(base)?;
        while let Some(cell) = merge.head() {
            record.cell(cell)?;
            merge.advance()?;
        }
        Ok(())
    }
}
