//! An append in the making: pushed events lie behind the head and become the log's by one commit,
//! or are gone when the append is dropped.

use super::block::{Block, Entry};
use super::{Error, Log, PAYLOAD_BYTES_MAX, Rare, Run, Tip};
use crate::event::Event;
use crate::offset::{Offset, Range};

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Appended(Offset),
    /// The event at this offset has the same id and the same payload.
    Duplicate(Offset),
    /// The event at this offset has the same id and another payload.
    Conflict(Offset),
}

/// Events that are not yet the log's. Dropping it leaves the log as it was.
#[derive(Debug)]
pub struct Append<'a> {
    log: &'a mut Log,
    before: Tip,
    sources: usize,
    runs: usize,
    committed: bool,
}

impl<'a> Append<'a> {
    pub(super) fn new(log: &'a mut Log) -> Append<'a> {
        let (before, sources, runs) = (log.tip, log.sources.len(), log.runs.len());
        Append { log, before, sources, runs, committed: false }
    }

    /// Adds one event; its `offset` is not read, the log gives the next one. A duplicate id gets
    /// none.
    pub fn push(&mut self, event: &Event<'_>) -> Result<Pushed, Error> {
        check_size("payload", event.payload.len())?;
        check_size("id", event.id.map_or(0, str::len))?;
        let deduplicated = event.id.filter(|_| self.log.stream.id.is_some());
        let hash = deduplicated.map(|id| self.log.ids.hash(id));
        if let (Some(id), Some(hash)) = (deduplicated, hash) {
            let found =
                self.log.ids.find(hash, self.log.tip.head, |offset| self.log.id_at(offset) == Some(id));
            if let Some(offset) = found {
                let same = self.log.payload_at(offset) == Some(event.payload);
                let at = Offset(offset);
                return Ok(if same { Pushed::Duplicate(at) } else { Pushed::Conflict(at) });
            }
        }
        self.grow(event)?;
        let offset = self.log.tip.head;
        self.note(event);
        self.store(event);
        if let (Some(id), Some(hash)) = (deduplicated, hash) {
            let Log { ids, blocks, .. } = &mut *self.log;
            ids.insert(hash, offset, |other| super::read::entry_id(blocks, other) == Some(id));
        }
        Ok(Pushed::Appended(Offset(offset)))
    }

    /// Makes the pushed events part of the log, all at once, and says which offsets they have.
    pub fn commit(mut self) -> Range {
        self.committed = true;
        self.log.ids.commit(self.log.tip.head);
        Range::new(Offset(self.before.head), self.log.head())
    }

    /// The memory that the event takes; an id that is deduplicated costs 16 more.
    fn grow(&mut self, event: &Event<'_>) -> Result<(), Error> {
        let id_bytes = event.id.map_or(0, |id| id.len() + 21);
        let memory_bytes = self.log.tip.memory_bytes + (event.payload.len() + 16 + id_bytes) as u64;
        let limit_bytes = self.log.stream.memory_bytes_max;
        if memory_bytes > limit_bytes {
            return Err(Error::Full { limit_bytes });
        }
        self.log.tip.memory_bytes = memory_bytes;
        Ok(())
    }

    /// What follows from the event's times.
    fn note(&mut self, event: &Event<'_>) {
        let future = self.log.stream.rule().is_future(event.time_ms, event.ingested_ms);
        let Log { tip, maxima, .. } = &mut *self.log;
        maxima.push(tip.head, tip.greatest_ms);
        if future {
            tip.future += 1;
        } else {
            tip.greatest_ms = tip.greatest_ms.max(Some(event.time_ms));
        }
        let (least, greatest) = tip.times_ms.unwrap_or((event.time_ms, event.time_ms));
        tip.times_ms = Some((least.min(event.time_ms), greatest.max(event.time_ms)));
    }

    fn store(&mut self, event: &Event<'_>) {
        let position = self.position_in_run(event);
        let log = &mut *self.log;
        let offset = log.tip.head;
        let lineage = &event.lineage;
        if event.schema.is_some()
            || lineage.partition.is_some()
            || lineage.key.is_some()
            || !lineage.headers.is_empty()
        {
            let rare = Rare {
                schema: event.schema,
                partition: lineage.partition.map(str::to_owned),
                key: lineage.key.map(<[u8]>::to_vec),
                headers: lineage.headers.to_vec(),
            };
            log.rare.insert(offset, rare);
        }
        if log.blocks.last().is_none_or(Block::is_full) {
            log.blocks.push(Block::new(offset, log.blocks.last()));
        }
        if let Some(block) = log.blocks.last_mut() {
            block.push(Entry { time_ms: event.time_ms, position, id: event.id, payload: event.payload });
        }
        log.tip.head += 1;
    }

    /// The event's position within the last run, which is begun anew where anything differs.
    fn position_in_run(&mut self, event: &Event<'_>) -> u32 {
        let log = &mut *self.log;
        let position = event.lineage.position;
        if let Some(run) = log.runs.last() {
            let source = run.source.and_then(|source| log.sources.get(source as usize)).map(String::as_str);
            if run.ingested_ms == event.ingested_ms
                && run.typing == event.typing
                && source == event.lineage.source
            {
                let within = position.checked_sub(run.position).map(u32::try_from);
                if let Some(Ok(within)) = within {
                    return within;
                }
            }
        }
        let source = event.lineage.source.map(|source| log.source_index(source));
        log.runs.push(Run {
            first: log.tip.head,
            ingested_ms: event.ingested_ms,
            source,
            typing: event.typing,
            position,
        });
        0
    }
}

impl Drop for Append<'_> {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        let log = &mut *self.log;
        let from = self.before.head;
        let staged: Vec<(u64, u64)> = (from..log.tip.head)
            .filter_map(|offset| Some((log.ids.hash(super::read::entry_id(&log.blocks, offset)?), offset)))
            .collect();
        log.ids.undo(from, staged.into_iter());
        while let Some(block) = log.blocks.last_mut() {
            if block.first < from {
                block.truncate((from - block.first) as usize);
                break;
            }
            log.blocks.pop();
        }
        log.runs.truncate(self.runs);
        log.sources.truncate(self.sources);
        log.rare.split_off(&from);
        log.maxima.truncate(from);
        log.tip = self.before;
    }
}

impl Log {
    fn source_index(&mut self, source: &str) -> u32 {
        let known = self.sources.iter().rposition(|known| known == source);
        known.unwrap_or_else(|| {
            self.sources.push(source.to_owned());
            self.sources.len() - 1
        }) as u32
    }

    fn id_at(&self, offset: u64) -> Option<&str> {
        super::read::entry_id(&self.blocks, offset)
    }

    fn payload_at(&self, offset: u64) -> Option<&[u8]> {
        let block = super::read::block_of(&self.blocks, offset)?;
        block.payload((offset - block.first) as usize)
    }
}

fn check_size(part: &'static str, bytes: usize) -> Result<(), Error> {
    if bytes > PAYLOAD_BYTES_MAX { Err(Error::TooLarge { part, bytes }) } else { Ok(()) }
}
