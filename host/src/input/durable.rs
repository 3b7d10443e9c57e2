//! Input to a log that lasts, in batches. Each says how far it brings its file, so that a file can be
//! given again: what is there is read and compared, and only what follows is appended.

use super::destination::{Destination, Totals, Undelivered};
use super::reading::Reading;
use super::recipient::{Fault, Recipient, Taken};
use super::sink::Sink;
use super::{Error, Kept, Marks, Progress, Source, exported, read_one, source};
use crate::digest::{Digest, Hasher};
use crate::event::Event;
use crate::extract::Scratch;
use crate::store::Mark;
use std::path::{Path, PathBuf};

/// What an append has made durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durable {
    pub totals: Totals,
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
    destination: &mut dyn Destination,
    files: &[PathBuf],
    reading: &Reading,
    progress: &mut dyn FnMut(Progress),
) -> Result<Durable, Box<Stopped>> {
    let mut batches = Batches::new(destination, Some(reading), reading.again);
    let appended = read_all(&mut batches, files, reading, progress);
    batches.end(appended)
}

/// Appends a log that was exported: events as they are, but for their offsets.
pub fn import_log(
    destination: &mut dyn Destination,
    file: &Path,
    again: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Durable, Box<Stopped>> {
    let mut batches = Batches::new(destination, None, again);
    let imported = match exported::read(file, Marks::Followed, &mut batches, progress) {
        Err(Error::Changed) => exported::read(file, Marks::Written, &mut batches, progress),
        imported => imported,
    };
    batches.end(imported)
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

struct Batches<'a> {
    destination: &'a mut dyn Destination,
    /// None: events are taken as they are.
    reading: Option<&'a Reading>,
    again: bool,
    file: File,
    notes: Vec<Note>,
}

impl<'a> Batches<'a> {
    fn new(destination: &'a mut dyn Destination, reading: Option<&'a Reading>, again: bool) -> Batches<'a> {
        Batches { destination, reading, again, file: File::new("", Marks::None), notes: Vec::new() }
    }

    /// Hands over what is gathered, however the reading ended, and waits for all of it.
    fn end(mut self, read: Result<(), Error>) -> Result<Durable, Box<Stopped>> {
        let finished = self.finish().map_err(Error::from);
        let durable = Durable { totals: self.destination.totals(), notes: self.notes };
        match read.and(finished) {
            Ok(()) => Ok(durable),
            Err(error) => Err(Box::new(Stopped { error, durable })),
        }
    }

    fn finish(&mut self) -> Result<(), Undelivered> {
        self.destination.hand_over(self.file.mark())?;
        self.destination.finish()
    }

    /// What is known of a file whose first row this is.
    fn find_mark(&mut self, row: &[u8]) -> Result<(), Undelivered> {
        let first = Digest::of(row);
        // A file of this very call may have the same name.
        self.finish()?;
        let mark = match self.destination.mark(&self.file.name, first) {
            Ok(_) | Err(Undelivered::Lost(_)) if self.again => None,
            mark => mark?,
        };
        self.file.first = Some(first);
        self.file.before = mark.filter(|_| self.file.marks == Marks::Followed);
        Ok(())
    }

    /// Notes that the file at hand is appended from its start though another was under its name.
    fn changed(&mut self) -> Fault {
        self.notes.push(Note::Changed { source: self.file.name.clone() });
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
            self.find_mark(row)?;
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
        self.notes.push(Note::There { source, rows, next_offset });
        self.file.before = None;
        Ok(true)
    }

    #[inline]
    fn ingested_ms(&mut self) -> i64 {
        self.destination.ingested_ms()
    }

    fn push(&mut self, event: &Event<'_>) -> Result<Taken, Fault> {
        let event = match self.reading {
            Some(reading) => &reading.checked(event)?,
            None => event,
        };
        self.destination.add(event)?;
        if self.file.marks != Marks::None {
            self.file.digest.part(event.payload);
        }
        self.file.rows += 1;
        self.file.position = event.lineage.position;
        if self.destination.is_full() {
            self.destination.hand_over(self.file.mark())?;
        }
        Ok(Taken::Waiting)
    }

    fn end(&mut self) -> Result<(), Fault> {
        if self.file.before.is_some() {
            return Err(self.changed());
        }
        Ok(self.destination.hand_over(self.file.mark())?)
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
