//! The events that a check works on: rows of columns with the places that they came from. Owns
//! which events of a log are taken and how rows are put together to chunks that a log could hold;
//! knows nothing of laws.

use crate::column::{Builder, Column, Value, set_bit};
use crate::description::{Description, Kind};
use crate::extract::{Extracted, Extractor, Scratch};
use crate::log::Log;
use crate::offset::{Offset, Range};
use crate::transform::Events;
use hashbrown::HashMap;

/// A row of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(pub u32);

/// Pieces of consecutive events that a sample of a longer log is made of.
const PIECES: u64 = 16;
/// Bytes of a payload that a place shows.
const SHOWN_BYTES_MAX: usize = 300;

/// Extracted events of one log, in its order.
pub struct Sample<'a> {
    description: Description,
    events: Events,
    offsets: Vec<u64>,
    log: Option<&'a Log>,
    /// Events that were looked at: rows, rejected and ignored ones.
    pub looked_at: u64,
    /// Events of the log.
    pub of: u64,
    /// By extraction.
    pub rejected: u64,
    pub ignored: u64,
    /// Why extraction rejected the first of them.
    pub first_rejected: Option<String>,
}

/// Where an event is found by whoever reads of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub offset: u64,
    /// File or topic.
    pub source: Option<String>,
    /// Line or row in the source, from 1; 0 if unknown.
    pub position: u64,
    pub time_ms: i64,
    /// The beginning of the payload.
    pub payload: String,
}

impl<'a> Sample<'a> {
    /// At most `events_max` events: all of a short log, else pieces spread evenly over it. A piece
    /// is a log of its own, so no law is asked more than it promises.
    pub fn read(
        log: &'a Log,
        extractor: &Extractor,
        description: &Description,
        events_max: u64,
    ) -> Sample<'a> {
        let head = log.head().0;
        let ranges: Vec<Range> = if head <= events_max {
            vec![Range::new(Offset::ZERO, Offset(head))]
        } else {
            let length = events_max.div_ceil(PIECES).max(1);
            let count = events_max.div_ceil(length);
            let step = (head - length) / count.saturating_sub(1).max(1);
            (0..count).map(|i| Range::new(Offset(i * step), Offset(i * step + length))).collect()
        };
        let mut scratch = Scratch::default();
        let extracted: Vec<Extracted> =
            ranges.iter().map(|range| extractor.extract(&mut scratch, *range, log.read(*range))).collect();
        Sample { log: Some(log), of: head, ..Sample::of(description, &extracted) }
    }

    /// The chosen events of a log, ascending.
    pub fn chosen(
        log: &'a Log,
        extractor: &Extractor,
        description: &Description,
        offsets: &[u64],
    ) -> Sample<'a> {
        let mut scratch = Scratch::default();
        let one = |offset: u64| Range::new(Offset(offset), Offset(offset + 1));
        let extracted: Vec<Extracted> = offsets
            .iter()
            .map(|offset| extractor.extract(&mut scratch, one(*offset), log.read(one(*offset))))
            .collect();
        Sample { log: Some(log), of: log.head().0, ..Sample::of(description, &extracted) }
    }

    /// Events that were extracted before; without a log their places are offsets alone.
    pub fn of(description: &Description, extracted: &[Extracted]) -> Sample<'static> {
        let rows =
            extracted.iter().flat_map(|chunk| (0..chunk.events.rows()).map(move |i| (&chunk.events, i)));
        let looked_at = extracted.iter().map(|chunk| chunk.range.count()).sum();
        Sample {
            description: description.clone(),
            events: gather(description, rows),
            offsets: extracted.iter().flat_map(|chunk| chunk.offsets.iter().copied()).collect(),
            log: None,
            looked_at,
            of: looked_at,
            rejected: extracted.iter().map(|chunk| chunk.rejected.len() as u64).sum(),
            ignored: extracted.iter().map(|chunk| chunk.ignored).sum(),
            first_rejected: extracted.iter().find_map(|chunk| Some(chunk.rejected.first()?.reason.clone())),
        }
    }

    pub fn rows(&self) -> usize {
        self.offsets.len()
    }

    /// Forgets the rows from `rows` on.
    pub fn truncate(&mut self, rows: usize) {
        if rows < self.rows() {
            self.looked_at -= (self.rows() - rows) as u64;
            self.events = self.events.slice(&self.description, 0, rows);
            self.offsets.truncate(rows);
        }
    }

    pub fn all(&self) -> Vec<Row> {
        (0..self.rows() as u32).map(Row).collect()
    }

    pub fn offset(&self, row: Row) -> u64 {
        self.offsets.get(row.0 as usize).copied().unwrap_or(0)
    }

    pub fn time_ms(&self, row: Row) -> i64 {
        crate::column::read_i64(&self.events.times, row.0 as usize).unwrap_or(0)
    }

    /// The rows as one chunk.
    pub fn chunk(&self, rows: &[Row]) -> Events {
        gather(&self.description, rows.iter().map(|row| (&self.events, row.0 as usize)))
    }

    /// Whether an event may stand in a log twice: not if its offset is a part of what is folded.
    pub fn may_repeat(&self) -> bool {
        self.description.inputs.iter().all(|field| field.path != "@offset" && field.path != "@id")
    }

    pub fn place(&self, row: Row) -> Place {
        let offset = self.offset(row);
        let range = Range::new(Offset(offset), Offset(offset + 1));
        let event = self.log.and_then(|log| log.read(range).next());
        Place {
            offset,
            source: event.and_then(|event| event.lineage.source.map(String::from)),
            position: event.map_or(0, |event| event.lineage.position),
            time_ms: self.time_ms(row),
            payload: event.map_or(String::new(), |event| beginning(event.payload)),
        }
    }
}

fn beginning(payload: &[u8]) -> String {
    match payload.get(..SHOWN_BYTES_MAX) {
        Some(shown) if payload.len() > SHOWN_BYTES_MAX => format!("{}…", String::from_utf8_lossy(shown)),
        _ => String::from_utf8_lossy(payload).into_owned(),
    }
}

/// Rows that are called in slices, again and again.
pub struct Sequence {
    pub rows: Vec<Row>,
    events: Events,
}

impl Sequence {
    pub fn new(sample: &Sample<'_>, rows: Vec<Row>) -> Sequence {
        Sequence { events: sample.chunk(&rows), rows }
    }

    pub fn slice(&self, description: &Description, from: usize, to: usize) -> Events {
        self.events.slice(description, from, to)
    }

    pub fn rows(&self, from: usize, to: usize) -> &[Row] {
        self.rows.get(from..to).unwrap_or_default()
    }
}

fn gather<'e>(description: &Description, rows: impl Iterator<Item = (&'e Events, usize)> + Clone) -> Events {
    let mut times = Vec::new();
    for (events, row) in rows.clone() {
        times.extend_from_slice(events.times.get(row * 8..row * 8 + 8).unwrap_or_default());
    }
    let columns = description.inputs.iter().enumerate().map(|(i, field)| {
        let values = rows.clone().map(|(events, row)| {
            events.columns.get(i).map_or(Value::Absent, |column| column.value(&field.kind, row))
        });
        column(&field.kind, values)
    });
    Events { columns: columns.collect(), times }
}

fn column<'v>(kind: &Kind, values: impl Iterator<Item = Value<'v>>) -> Column {
    if *kind == Kind::Text {
        return texts(values);
    }
    let mut builder = Builder::default();
    values.for_each(|value| builder.push(kind, value));
    builder.finish()
}

/// A text column whose heap has each distinct value once, as the contract promises to guests.
fn texts<'v>(values: impl Iterator<Item = Value<'v>>) -> Column {
    let (mut column, mut codes) = (Column::default(), HashMap::new());
    let (mut rows, mut absent) = (0, false);
    for value in values {
        if rows % 8 == 0 {
            column.validity.push(0);
        }
        let code = match value {
            Value::Bytes(text) => {
                set_bit(&mut column.validity, rows);
                let next = codes.len() as u32;
                *codes.entry(text).or_insert_with(|| {
                    column.heap.push(text);
                    next
                })
            }
            _ => {
                absent = true;
                0
            }
        };
        column.fixed.extend_from_slice(&code.to_le_bytes());
        rows += 1;
    }
    if !absent {
        column.validity.clear();
    }
    column
}
