//! Events as bytes: the records of a tail row, of a block and of a batch that waits to be written.
//! Each such stretch starts with a whole record; what an event shares with the one before it is left out.
//!
//! ```text
//! record  = flags u8: 1 run, 2 id, 4 rare
//!           [run]   ingested i64, position u64, typing u8 (0 JSON, 1 text), source text?
//!           time    i64, milliseconds UTC
//!           [id]    text
//!           [rare]  schema u8 0, or 1 and i64; partition text?; key text?; headers u32, (text, text) each
//!           payload text
//! text    = length u32, bytes        text? = u32::MAX, or text        all numbers little-endian
//! ```
//!
//! Without run an event has the ingest time, typing and source of the one before it, and the next
//! position.

use crate::event::{Event, Lineage, Typing};
use crate::offset::Offset;
use std::collections::BTreeMap;
use std::ops::Range;

const RUN: u8 = 1;
const ID: u8 = 2;
const RARE: u8 = 4;
const NONE: u32 = u32::MAX;

/// What the next event may share with the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    ingested_ms: i64,
    position: u64,
    typing: Typing,
    source: Option<String>,
}

/// What a usual record has beside its payload and id.
const PUT_AT_ONCE_BYTES: usize = 48;

/// Records in the making.
#[derive(Clone, Debug, Default)]
pub struct Records {
    pub bytes: Vec<u8>,
    pub count: u64,
    last: Option<Run>,
    /// The next record is whole, whatever it shares with the last one.
    is_apart: bool,
}

impl Records {
    /// Adds one event; its offset is not written.
    pub fn push(&mut self, event: &Event<'_>) {
        // At once: a batch of one event would grow its buffer six times.
        self.bytes.reserve(PUT_AT_ONCE_BYTES + event.payload.len() + event.id.map_or(0, str::len));
        let lineage = &event.lineage;
        let is_rare = event.schema.is_some()
            || lineage.partition.is_some()
            || lineage.key.is_some()
            || !lineage.headers.is_empty();
        let goes_on = self.goes_on(event);
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        self.bytes.push(flag(!goes_on, RUN) | flag(event.id.is_some(), ID) | flag(is_rare, RARE));
        if !goes_on {
            self.run(event);
        }
        self.bytes.extend_from_slice(&event.time_ms.to_le_bytes());
        if let Some(id) = event.id {
            text(&mut self.bytes, id.as_bytes());
        }
        if is_rare {
            self.rare(event);
        }
        text(&mut self.bytes, event.payload);
        self.count += 1;
    }

    /// Whether the event follows the last one; notes its position if so.
    fn goes_on(&mut self, event: &Event<'_>) -> bool {
        if std::mem::take(&mut self.is_apart) {
            return false;
        }
        let Some(last) = &mut self.last else { return false };
        let next = last.position.wrapping_add(1);
        let same = last.ingested_ms == event.ingested_ms
            && next == event.lineage.position
            && last.typing == event.typing
            && last.source.as_deref() == event.lineage.source;
        if same {
            last.position = next;
        }
        same
    }

    fn run(&mut self, event: &Event<'_>) {
        self.bytes.extend_from_slice(&event.ingested_ms.to_le_bytes());
        self.bytes.extend_from_slice(&event.lineage.position.to_le_bytes());
        self.bytes.push(match event.typing {
            Typing::Json => 0,
            Typing::Text => 1,
        });
        maybe(&mut self.bytes, event.lineage.source.map(str::as_bytes));
        // The allocation of the last source is kept: most runs of one stretch come from one.
        let mut source = self.last.take().and_then(|last| last.source);
        match event.lineage.source {
            Some(name) if source.as_deref() == Some(name) => {}
            name => source = name.map(str::to_owned),
        }
        self.last = Some(Run {
            ingested_ms: event.ingested_ms,
            position: event.lineage.position,
            typing: event.typing,
            source,
        });
    }

    fn rare(&mut self, event: &Event<'_>) {
        match event.schema {
            Some(schema) => {
                self.bytes.push(1);
                self.bytes.extend_from_slice(&schema.to_le_bytes());
            }
            None => self.bytes.push(0),
        }
        maybe(&mut self.bytes, event.lineage.partition.map(str::as_bytes));
        maybe(&mut self.bytes, event.lineage.key);
        self.bytes.extend_from_slice(&(event.lineage.headers.len() as u32).to_le_bytes());
        for (name, value) in event.lineage.headers {
            text(&mut self.bytes, name.as_bytes());
            text(&mut self.bytes, value.as_bytes());
        }
    }

    /// What follows can be read without what is here.
    pub fn part(&mut self) {
        self.is_apart = true;
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
        self.last = None;
    }
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn maybe(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => text(out, bytes),
        None => out.extend_from_slice(&NONE.to_le_bytes()),
    }
}

/// A stretch of consecutive events that has been read.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    pub first: u64,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<RunOf>,
    rare: BTreeMap<u32, Rare>,
    /// Events before this offset were given by another stretch.
    follows: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    time_ms: i64,
    /// Counted from that of its run.
    position: u32,
    run: u32,
    id: Span,
    payload: Span,
}

/// Bytes of the stretch; from is u32::MAX where there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: u32,
    to: u32,
}

#[derive(Clone, Debug)]
struct RunOf {
    ingested_ms: i64,
    position: u64,
    typing: Typing,
    /// By itself, since it is that of many events, each of which would have to trust it anew.
    source: Option<Box<str>>,
}

#[derive(Clone, Debug)]
struct Rare {
    schema: Option<i64>,
    partition: Span,
    key: Span,
    headers: Vec<(String, String)>,
}

impl Stretch {
    /// Reads `count` records; says what is wrong with bytes that are none.
    pub fn read(first: u64, bytes: Vec<u8>, count: usize) -> Result<Stretch, String> {
        let mut stretch = Stretch { first, ..Stretch::default() };
        // A record has at least thirteen bytes, so a wrong count reserves little.
        stretch.entries.reserve_exact(count.min(bytes.len() / 13 + 1));
        let mut reader = Reader { bytes: &bytes, at: 0 };
        for row in 0..count {
            let read = stretch.record(&mut reader, row as u32);
            read.ok_or_else(|| format!("record {row} of {count} is cut off or no record"))?;
        }
        if reader.at != bytes.len() {
            return Err(format!("{} bytes follow the last of {count} records", bytes.len() - reader.at));
        }
        stretch.bytes = bytes;
        Ok(stretch)
    }

    fn record(&mut self, reader: &mut Reader<'_>, row: u32) -> Option<()> {
        let flags = reader.u8()?;
        if flags & RUN != 0 {
            let run = RunOf {
                ingested_ms: reader.i64()?,
                position: reader.i64()? as u64,
                typing: match reader.u8()? {
                    0 => Typing::Json,
                    1 => Typing::Text,
                    _ => return None,
                },
                source: match reader.maybe_text()? {
                    Span::NONE => None,
                    name => Some(reader.string(name)?.into()),
                },
            };
            self.runs.push(run);
        }
        let run = (self.runs.len() as u32).checked_sub(1)?;
        let time_ms = reader.i64()?;
        let id = if flags & ID != 0 { reader.utf8()? } else { Span::NONE };
        if flags & RARE != 0 {
            let rare = reader.rare()?;
            self.rare.insert(row, rare);
        }
        let payload = reader.text()?;
        let position = match self.entries.last() {
            Some(last) if flags & RUN == 0 => last.position.checked_add(1)?,
            _ => 0,
        };
        self.entries.push(Entry { time_ms, position, run, id, payload });
        Some(())
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The offset after the last event.
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub fn get(&self, row: usize) -> Option<Event<'_>> {
        let entry = self.entries.get(row)?;
        let run = self.runs.get(entry.run as usize)?;
        let mut event = Event {
            offset: Offset(self.first + row as u64),
            time_ms: entry.time_ms,
            ingested_ms: run.ingested_ms,
            id: self.text(entry.id),
            schema: None,
            lineage: Lineage {
                source: run.source.as_deref(),
                position: run.position.wrapping_add(u64::from(entry.position)),
                ..Lineage::default()
            },
            typing: run.typing,
            payload: self.slice(entry.payload).unwrap_or_default(),
        };
        if !self.rare.is_empty()
            && let Some(rare) = self.rare.get(&(row as u32))
        {
            event.schema = rare.schema;
            event.lineage.partition = self.text(rare.partition);
            event.lineage.key = self.slice(rare.key);
            event.lineage.headers = &rare.headers;
        }
        Some(event)
    }

    /// Events by row, as far as there are such rows.
    pub fn rows(&self, rows: Range<usize>) -> impl Iterator<Item = Event<'_>> {
        (rows.start..rows.end.min(self.len())).filter_map(|row| self.get(row))
    }

    /// Leaves events before `offset` to the stretch before, which has them too.
    pub fn following(mut self, offset: u64) -> Stretch {
        self.follows = offset;
        self
    }

    /// The events of offsets `[from, to)`, as far as they are here and not the stretch before's.
    pub fn between(&self, from: u64, to: u64) -> impl Iterator<Item = Event<'_>> {
        let row = |offset: u64| offset.saturating_sub(self.first) as usize;
        self.rows(row(from.max(self.follows))..row(to))
    }

    fn slice(&self, span: Span) -> Option<&[u8]> {
        if span.from == NONE { None } else { self.bytes.get(span.from as usize..span.to as usize) }
    }

    /// Text was checked to be UTF-8 when it was read.
    fn text(&self, span: Span) -> Option<&str> {
        std::str::from_utf8(self.slice(span)?).ok()
    }
}

impl Span {
    const NONE: Span = Span { from: NONE, to: NONE };
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let chunk = self.bytes.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(*chunk)
    }

    fn u8(&mut self) -> Option<u8> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.chunk().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.chunk().map(i64::from_le_bytes)
    }

    fn text(&mut self) -> Option<Span> {
        let length = self.u32()?;
        self.span(length)
    }

    fn maybe_text(&mut self) -> Option<Span> {
        match self.u32()? {
            NONE => Some(Span::NONE),
            length => {
                let span = self.span(length)?;
                self.checked(span)
            }
        }
    }

    fn utf8(&mut self) -> Option<Span> {
        let span = self.text()?;
        self.checked(span)
    }

    fn checked(&self, span: Span) -> Option<Span> {
        std::str::from_utf8(self.bytes.get(span.from as usize..span.to as usize)?).ok().map(|_| span)
    }

    fn span(&mut self, length: u32) -> Option<Span> {
        let from = u32::try_from(self.at).ok()?;
        let to = from.checked_add(length)?;
        (to as usize <= self.bytes.len()).then_some(())?;
        self.at = to as usize;
        Some(Span { from, to })
    }

    fn rare(&mut self) -> Option<Rare> {
        let schema = match self.u8()? {
            0 => None,
            1 => Some(self.i64()?),
            _ => return None,
        };
        let partition = self.maybe_text()?;
        let key = match self.u32()? {
            NONE => Span::NONE,
            length => self.span(length)?,
        };
        let mut headers = Vec::new();
        for _ in 0..self.u32()? {
            let (name, value) = (self.utf8()?, self.utf8()?);
            headers.push((self.string(name)?, self.string(value)?));
        }
        Some(Rare { schema, partition, key, headers })
    }

    fn string(&self, span: Span) -> Option<String> {
        let bytes = self.bytes.get(span.from as usize..span.to as usize)?;
        String::from_utf8(bytes.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Made = (i64, i64, Option<String>, Vec<u8>, Option<(Option<i64>, Option<Vec<u8>>)>, bool, u64);

    fn made() -> impl Strategy<Value = Vec<Made>> {
        let rare = (any::<Option<i64>>(), any::<Option<Vec<u8>>>());
        let one = (
            any::<i64>(),
            0..3i64,
            proptest::option::of("[a-zß]{0,3}"),
            proptest::collection::vec(any::<u8>(), 0..20),
            proptest::option::weighted(0.2, rare),
            any::<bool>(),
            0..4u64,
        );
        proptest::collection::vec(one, 0..40)
    }

    fn event<'a>(made: &'a Made, offset: u64, headers: &'a [(String, String)]) -> Event<'a> {
        let (time_ms, ingested_ms, id, payload, rare, text, position) = made;
        Event {
            offset: Offset(offset),
            time_ms: *time_ms,
            ingested_ms: *ingested_ms,
            id: id.as_deref(),
            schema: rare.as_ref().and_then(|(schema, _)| *schema),
            lineage: Lineage {
                source: text.then_some("a file"),
                position: position + offset,
                partition: rare.is_some().then_some("p"),
                key: rare.as_ref().and_then(|(_, key)| key.as_deref()),
                headers: if rare.is_some() { headers } else { &[] },
            },
            typing: if *text { Typing::Text } else { Typing::Json },
            payload,
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(all in made()) {
            let headers = [("name".to_owned(), "value".to_owned())];
            let mut records = Records::default();
            for (i, made) in all.iter().enumerate() {
                records.push(&event(made, 7 + i as u64, &headers));
            }
            let stretch = Stretch::read(7, records.bytes.clone(), all.len()).unwrap();
            let expected: Vec<_> =
                all.iter().enumerate().map(|(i, made)| event(made, 7 + i as u64, &headers)).collect();
            prop_assert_eq!(stretch.rows(0..all.len()).collect::<Vec<_>>(), expected);
            prop_assert!(Stretch::read(7, records.bytes.clone(), all.len() + 1).is_err());
            if let Some((_, rest)) = records.bytes.split_last() {
                prop_assert!(Stretch::read(7, rest.to_vec(), all.len()).is_err());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), count in 0..9usize) {
            _ = Stretch::read(0, bytes, count);
        }
    }
}
