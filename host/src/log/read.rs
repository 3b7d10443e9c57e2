//! Reading a range of the log, from wherever it starts.

use super::block::Block;
use super::{Log, Run};
use crate::event::{Event, Lineage};
use crate::offset::{Offset, Range};

/// The events of a range, in order.
#[derive(Debug)]
pub struct Events<'a> {
    log: &'a Log,
    next: u64,
    to: u64,
    /// Blocks from the one of `next` on.
    blocks: std::slice::Iter<'a, Block>,
    block: Option<&'a Block>,
    /// Runs after `run`, which is that of `next`.
    runs: &'a [Run],
    run: Option<&'a Run>,
}

impl<'a> Events<'a> {
    pub(super) fn new(log: &'a Log, range: Range) -> Events<'a> {
        let (next, to) = (range.from.0, range.to.0.min(log.tip.head));
        let block = log.blocks.partition_point(|block| block.first <= next).saturating_sub(1);
        let run = log.runs.partition_point(|run| run.first <= next).saturating_sub(1);
        let mut blocks = log.blocks.get(block..).unwrap_or_default().iter();
        let runs = log.runs.get(run..).unwrap_or_default();
        let (run, runs) = runs.split_first().map_or((None, runs), |(run, rest)| (Some(run), rest));
        Events { log, next, to, block: blocks.next(), blocks, runs, run }
    }

    fn lineage(&self, position: u32) -> Option<Event<'a>> {
        let run = self.run?;
        let source = run.source.and_then(|source| self.log.sources.get(source as usize));
        let mut event = Event {
            offset: Offset(self.next),
            time_ms: 0,
            ingested_ms: run.ingested_ms,
            id: None,
            schema: None,
            lineage: Lineage {
                source: source.map(String::as_str),
                position: run.position + u64::from(position),
                ..Lineage::default()
            },
            typing: run.typing,
            payload: &[],
        };
        if !self.log.rare.is_empty()
            && let Some(rare) = self.log.rare.get(&self.next)
        {
            event.schema = rare.schema;
            event.lineage.partition = rare.partition.as_deref();
            event.lineage.key = rare.key.as_deref();
            event.lineage.headers = &rare.headers;
        }
        Some(event)
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    #[inline]
    fn next(&mut self) -> Option<Event<'a>> {
        if self.next >= self.to {
            return None;
        }
        let entry = loop {
            let block = self.block?;
            match block.get((self.next - block.first) as usize) {
                Some(entry) => break entry,
                None => self.block = self.blocks.next(),
            }
        };
        while let Some((run, rest)) = self.runs.split_first()
            && run.first <= self.next
        {
            (self.run, self.runs) = (Some(run), rest);
        }
        let mut event = self.lineage(entry.position)?;
        event.time_ms = entry.time_ms;
        event.id = entry.id;
        event.payload = entry.payload;
        self.next += 1;
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.to.saturating_sub(self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Events<'_> {}

pub fn block_of(blocks: &[Block], offset: u64) -> Option<&Block> {
    blocks.get(blocks.partition_point(|block| block.first <= offset).checked_sub(1)?)
}

pub fn entry_id(blocks: &[Block], offset: u64) -> Option<&str> {
    let block = block_of(blocks, offset)?;
    block.id((offset - block.first) as usize)
}
