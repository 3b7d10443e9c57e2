//! Input to a log that lasts: in batches, several of them on their way to the disk at a time. Each says
//! how far it brings its file, so that a file can be given again: what is there is read and compared,
//! and only what follows is appended.

use super::recipient::{Fault, Recipient, Taken};
use super::schema::Schema;
use super::sink::{self, Rules, Sink};
use super::{Error, Kept, Marks, Progress, Reason, Source, TimeSource, exported, read_one, source};
use crate::digest::{Digest, Hasher};
use crate::event::Event;
use crate::extract::{Probe, Scratch};
use crate::store::{self, Appender, Batch, Mark, Receipt, StreamLog, StreamRecord};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

/// A batch is handed over at this many bytes.
const BATCH_BYTES: usize = 8 << 20;
/// Bytes of batches whose answer is waited for: less than the log lets wait.
const IN_FLIGHT_BYTES_MAX: usize = 32 << 20;

/// How events are read, as the stream says.
#[derive(Debug)]
pub struct Reading {
    time: TimeSource,
    probe: Probe,
    /// Whether events are deduplicated.
    pub has_ids: bool,
    pub schema: Option<Schema>,
    /// Let in times outside 1990-2100.
    pub any_time: bool,
    /// Append files from their start, whatever was appended of them before.
    pub again: bool,
}

impl Reading {
    /// What was fixed when the stream was made, and the schema in force.
    pub fn of(stream: &StreamRecord) -> Result<Reading, NotReadable> {
        let not = |why: String| NotReadable { stream: stream.name.clone(), why };
        let time = stream.time.clone().map_or(TimeSource::Ingested, TimeSource::Path);
        let rule = stream.time_rule().map_err(|error| not(error.to_string()))?;
        let probe = sink::probe(&time, stream.id.as_deref(), rule).map_err(|error| not(error.to_string()))?;
        let schema = stream.schema().map(|schema| Schema::new(schema.number, &schema.text)).transpose();
        Ok(Reading {
            time,
            probe,
            has_ids: stream.id.is_some(),
            schema: schema.map_err(|why| not(format!("its schema: {why}")))?,
            any_time: false,
            again: false,
        })
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { probe: &self.probe, time: &self.time, any_time: self.any_time, skip: false }
    }

    /// Adds an event to a batch, if it is what the schema wants.
    #[inline]
    pub(super) fn push(&self, event: &Event<'_>, batch: &mut Batch) -> Result<(), Fault> {
        let schema = self.schema.as_ref();
        if let Some(schema) = schema {
            schema.check(event.payload).map_err(Fault::Refused)?;
        }
        let schema = schema.map(|schema| schema.number).or(event.schema);
        batch.push(&Event { schema, ..*event }).map_err(|_| Fault::Refused(Reason::TooLong))
    }
}

/// A stream whose record was made by another host, which knew other rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("how events of stream '{stream}' are read: {why}")]
pub struct NotReadable {
    stream: String,
    why: String,
}

/// A log, who appends to it, and what time it is.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub log: &'a StreamLog,
    pub appender: &'a Appender,
    pub now_ms: &'a dyn Fn() -> i64,
}

/// What an append has made durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    /// The first and the next offset; None if nothing was appended.
    pub offsets: Option<(u64, u64)>,
    pub appended: u64,
    pub duplicates: u64,
    pub conflicts: u64,
    pub notes: Vec<Note>,
}

/// What is to be said of a file that was appended before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// So many rows of it were there, before this offset.
    There { source: String, rows: u64, next_offset: u64 },
    /// Its rows are others now: it was appended from its start.
    Changed { source: String },
}

/// An append that ended early: what came before is durable all the same.
#[derive(Debug)]
pub struct Stopped {
    pub error: Error,
    pub durable: Durable,
}

/// Appends the events of `files`, in order.
pub fn append_durably(
    target: Target<'_>,
    files: &[PathBuf],
    reading: &Reading,
    progress: &mut dyn FnMut(Progress),
) -> Result<Durable, Box<Stopped>> {
    let mut batches = Batches::new(target, Some(reading), reading.again);
    let appended = read_all(&mut batches, files, reading, progress);
    let finished = batches.finish().map_err(|source| Error::Store { path: "the log".into(), source });
    match appended.and(finished) {
        Ok(()) => Ok(batches.durable),
        Err(error) => Err(Box::new(Stopped { error, durable: batches.durable })),
    }
}

/// Appends a log that was exported: events as they are, but for their offsets.
pub fn import_log(
    target: Target<'_>,
    file: &Path,
    again: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Durable, Box<Stopped>> {
    let mut batches = Batches::new(target, None, again);
    let imported = match exported::read(file, Marks::Followed, &mut batches, progress) {
        Err(Error::Changed) => exported::read(file, Marks::Written, &mut batches, progress),
        imported => imported,
    };
    let finished = batches.finish().map_err(|source| Error::Store { path: "the log".into(), source });
    match imported.and(finished) {
        Ok(()) => Ok(batches.durable),
        Err(error) => Err(Box::new(Stopped { error, durable: batches.durable })),
    }
}

fn read_all(
    batches: &mut Batches<'_>,
    files: &[PathBuf],
    reading: &Reading,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let mut scratch = Scratch::default();
    let mut sink = Sink::new(batches, reading.rules(), &mut scratch, progress);
    let sources = || files.iter().cloned().map(Source::File);
    sink.total(source::total_bytes(&sources().collect::<Vec<_>>()));
    for (file, path) in sources().zip(files) {
        // What comes through a pipe cannot be given again from its start.
        let marks = if path.is_file() { Marks::Followed } else { Marks::None };
        let before = sink.bytes_read().get();
        match read_one(file, marks, &mut sink) {
            Err(Error::Changed) => {
                sink.bytes_read().set(before);
                read_one(Source::File(path.clone()), Marks::Written, &mut sink)?;
            }
            read => read?,
        }
    }
    sink.report();
    Ok(())
}

/// The file at hand.
struct File {
    name: String,
    marks: Marks,
    first: Option<Digest>,
    rows: u64,
    position: u64,
    digest: Hasher,
    /// What was appended of it before, until its rows are known to be the same.
    before: Option<Mark>,
}

/// What the writer says of a batch.
type Answer = Result<Receipt, store::Error>;

struct Batches<'a> {
    target: Target<'a>,
    /// None: events are taken as they are.
    reading: Option<&'a Reading>,
    again: bool,
    batch: Batch,
    now_ms: i64,
    file: File,
    answers: (Sender<Answer>, Receiver<Answer>),
    /// Bytes of each batch on its way.
    in_flight: VecDeque<usize>,
    durable: Durable,
}

impl<'a> Batches<'a> {
    fn new(target: Target<'a>, reading: Option<&'a Reading>, again: bool) -> Batches<'a> {
        Batches {
            target,
            reading,
            again,
            batch: Batch::default(),
            now_ms: 0,
            file: File::new("", Marks::None),
            answers: channel(),
            in_flight: VecDeque::new(),
            durable: Durable::default(),
        }
    }

    /// Hands over what is gathered, once there is room for it.
    fn hand_over(&mut self) -> Result<(), store::Error> {
        if self.batch.events() == 0 {
            return Ok(());
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.mark = self.file.mark();
        let bytes = batch.bytes();
        while !self.in_flight.is_empty() && self.in_flight.iter().sum::<usize>() + bytes > IN_FLIGHT_BYTES_MAX
        {
            self.hear()?;
        }
        let answers = self.answers.0.clone();
        self.target.appender.submit(batch, move |answer| _ = answers.send(answer))?;
        self.in_flight.push_back(bytes);
        Ok(())
    }

    /// Waits for the next answer.
    fn hear(&mut self) -> Result<(), store::Error> {
        self.in_flight.pop_front();
        let Ok(answer) = self.answers.1.recv() else { return Ok(()) };
        let receipt = answer?;
        let durable = &mut self.durable;
        if receipt.appended > 0 {
            let first = durable.offsets.map_or(receipt.first_offset, |(first, _)| first);
            durable.offsets = Some((first, receipt.next_offset));
        }
        durable.appended += receipt.appended;
        durable.duplicates += receipt.duplicates;
        durable.conflicts += receipt.conflicts;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), store::Error> {
        self.hand_over()?;
        while !self.in_flight.is_empty() {
            self.hear()?;
        }
        Ok(())
    }

    /// What is known of a file whose first row this is.
    fn find_mark(&mut self, row: &[u8]) -> Result<(), store::Error> {
        let first = Digest::of(row);
        self.file.first = Some(first);
        if self.file.marks == Marks::Followed && !self.again {
            // A file of this very call may have the same name.
            self.finish()?;
            self.file.before = self.target.log.mark(&self.file.name, first)?;
        }
        Ok(())
    }

    /// Notes that the file at hand is appended from its start though another was under its name.
    fn changed(&mut self) -> Fault {
        self.durable.notes.push(Note::Changed { source: self.file.name.clone() });
        Fault::Changed
    }
}

impl Recipient for Batches<'_> {
    fn begin(&mut self, name: &str, marks: Marks) {
        self.file = File::new(name, marks);
    }

    fn has(&mut self, row: &[u8]) -> Result<bool, Fault> {
        if self.file.marks == Marks::None {
            return Ok(false);
        }
        if self.file.first.is_none() {
            self.find_mark(row).map_err(Fault::Store)?;
        }
        let Some(mark) = &self.file.before else { return Ok(false) };
        self.file.digest.part(row);
        self.file.rows += 1;
        if self.file.rows < mark.rows {
            return Ok(true);
        }
        if self.file.digest.clone().finish() != mark.digest {
            return Err(self.changed());
        }
        self.file.position = mark.position;
        let (source, rows, next_offset) = (self.file.name.clone(), mark.rows, mark.next_offset);
        self.durable.notes.push(Note::There { source, rows, next_offset });
        self.file.before = None;
        Ok(true)
    }

    /// All events of a batch come in at one moment.
    fn ingested_ms(&mut self) -> i64 {
        if self.batch.events() == 0 {
            self.now_ms = (self.target.now_ms)();
        }
        self.now_ms
    }

    fn push(&mut self, event: &Event<'_>) -> Result<Taken, Fault> {
        match self.reading {
            Some(reading) => reading.push(event, &mut self.batch)?,
            None => self.batch.push(event).map_err(|_| Fault::Refused(Reason::TooLong))?,
        }
        if self.file.marks != Marks::None {
            self.file.digest.part(event.payload);
        }
        self.file.rows += 1;
        self.file.position = event.lineage.position;
        if self.batch.bytes() >= BATCH_BYTES {
            self.hand_over().map_err(Fault::Store)?;
        }
        Ok(Taken::Waiting)
    }

    fn end(&mut self) -> Result<(), Fault> {
        if self.file.before.is_some() {
            return Err(self.changed());
        }
        self.hand_over().map_err(Fault::Store)
    }

    fn kept(&self) -> Kept {
        Kept::Before
    }
}

impl File {
    fn new(name: &str, marks: Marks) -> File {
        let digest = Hasher::new("rows of a file");
        File { name: name.into(), marks, first: None, rows: 0, position: 0, digest, before: None }
    }

    fn mark(&self) -> Option<Mark> {
        if self.marks == Marks::None {
            return None;
        }
        Some(Mark {
            source: self.name.clone(),
            first: self.first?,
            rows: self.rows,
            position: self.position,
            digest: self.digest.clone().finish(),
            next_offset: 0,
        })
    }
}
