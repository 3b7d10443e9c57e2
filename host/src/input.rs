//! Files to events: NDJSON, a JSON array, CSV and Parquet, as they are or in gzip or zstd, told by
//! their first bytes and never by their names. Owns how a row becomes a payload; what a payload
//! must be is `extract`'s to say, and what becomes of an event the log's.
//!
//! | source     | event                                | payload                                | position |
//! |------------|--------------------------------------|----------------------------------------|----------|
//! | NDJSON     | a line that is not blank             | the line, less its line end            | line     |
//! | JSON array | an element                           | the element, line ends made spaces     | element  |
//! | CSV        | a record after the header, not blank | an object of texts, see `csv`          | line     |
//! | Parquet    | a row                                | an object by the types, see `parquet`  | row      |
//!
//! All files of one call are one append to a log in memory: all of it is kept or nothing. To a log that
//! lasts they are appended as far as they go (see `durable`).

mod array;
mod buffer;
mod csv;
mod declare;
mod destination;
mod durable;
mod exported;
mod lines;
mod parquet;
mod reading;
mod recipient;
pub mod request;
mod schema;
mod sink;
mod source;

pub use declare::{Declared, NotDeclared, schema_text};
pub use destination::{BATCH_BYTES, Destination, Here, Totals, Undelivered};
pub use durable::{Durable, Note, Stopped, append_durably, import_log};
pub use reading::{NotReadable, Reading};
pub use schema::Schema;

use crate::event::Typing;
use crate::extract::{Malformed, NotAField, PathError, Scratch};
use crate::log::{self, Log};
use crate::offset::Range;
use crate::store;
use crate::time::TimeRule;
use recipient::Memory;
use sink::{Rules, Sink};
use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;

/// The most bytes that one line, record or element may have.
pub const EVENT_BYTES_MAX: usize = log::PAYLOAD_BYTES_MAX;
/// Of so many lines that were skipped the reason is kept.
pub const REASONS_MAX: usize = 5;

/// Where the time of an event comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// The payload, at a path.
    Path(String),
    /// The moment of the append.
    Ingested,
    /// Nowhere: every event is at 0, which only a global window cannot tell from any other time.
    Zero,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub time: TimeSource,
    /// Where a payload holds its event's id.
    pub id: Option<String>,
    pub rule: TimeRule,
    /// The ingest time of all events.
    pub now_ms: i64,
    /// Let in times outside 1990-2100.
    pub any_time: bool,
    /// Count what cannot become an event instead of refusing all.
    pub skip: bool,
}

/// How far an append has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes as they stand in the files.
    pub bytes: u64,
    /// None: a source of unknown length is among them.
    pub bytes_total: Option<u64>,
    pub events: u64,
}

/// What became of the events of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offsets that the events got.
    pub range: Range,
    /// Lines that could not become events; they have no offset.
    pub skipped: u64,
    /// Why, for the first of them.
    pub reasons: Vec<String>,
    /// Events with an id and a payload that the log had; they have no offset.
    pub duplicates: u64,
    /// Events with an id that the log had with another payload; they have no offset.
    pub conflicts: u64,
    /// Least and greatest event time.
    pub times_ms: Option<(i64, i64)>,
}

/// What a line, record, element or row is called and where it is, each counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Line(u64),
    /// A column is counted in bytes.
    LineColumn(u64, u64),
    Row(u64),
    Element(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::LineColumn(line, column) => write!(f, "line {line}, column {column}"),
            Place::Row(row) => write!(f, "row {row}"),
            Place::Element(element) => write!(f, "element {element}"),
        }
    }
}

/// Why one line cannot become an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("expected {expected}, found {found}")]
    Malformed { expected: String, found: String },
    #[error("no time at '{0}'; name the field that has it with --time")]
    NoTime(String),
    #[error(
        "the time at '{path}' is {time}, not within 1990-2100; state its unit with --time-unit, or let it in \
         with --any-time"
    )]
    ImplausibleTime { path: String, time: String },
    #[error(
        "more than {EVENT_BYTES_MAX} bytes without an end; split it, or look for a missing line feed or quote"
    )]
    TooLong,
    #[error("{found} fields, but the header has {header}")]
    Fields { found: usize, header: usize },
    #[error("{}{said} (schema {number} of the stream)", at(path))]
    Schema { number: i64, path: String, said: String },
}

/// `at '/a/b': `, nothing for the payload as a whole.
fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("at '{path}': ") }
}

/// What stays when an input is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Nothing,
    /// What came before it.
    Before,
}

impl Kept {
    fn of_refused(self) -> &'static str {
        match self {
            Kept::Nothing => " (nothing was appended; --on-error skip leaves such lines out)",
            Kept::Before => "",
        }
    }

    fn of_broken(self) -> &'static str {
        if self == Kept::Nothing { " (nothing was appended)" } else { "" }
    }
}

/// What a durable append notes of how far it came with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marks {
    /// Nothing.
    None,
    /// It is appended from its start, and noted anew.
    Written,
    /// It goes on from where it was.
    Followed,
}

impl Reason {
    fn expected(expected: &str, found: impl Into<String>) -> Reason {
        Reason::Malformed { expected: expected.into(), found: found.into() }
    }

    fn of(malformed: Malformed) -> Reason {
        Reason::expected(malformed.expected, malformed.found)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}; check the path")]
    Open { path: String, source: io::Error },
    #[error("{path}: cannot be read: {source}")]
    Read { path: String, source: io::Error },
    /// Cut off or damaged.
    #[error("{path}: the {compression} data is {state} after {bytes} bytes; get the file again")]
    Compressed { path: String, compression: &'static str, state: &'static str, bytes: u64 },
    /// The whole file is of a kind that is not read.
    #[error("{path}: {what}")]
    Format { path: String, what: String },
    #[error("{path}: {place}: {reason}{}", kept.of_refused())]
    Refused { path: String, place: Place, reason: Reason, kept: Kept },
    /// What holds the events together is broken: no line can be left out to mend it.
    #[error("{path}: {place}: {reason}{}", kept.of_broken())]
    Broken { path: String, place: Place, reason: Reason, kept: Kept },
    #[error("{path}: {place}: {source} (nothing was appended)")]
    Log { path: String, place: Place, source: log::Error },
    #[error("{path}: {source}")]
    Store { path: String, source: store::Error },
    #[error("more than {events_max} events in one request; send them as several")]
    Many { events_max: u64 },
    /// Of whoever the events go to, in words.
    #[error("{0}")]
    Said(String),
    /// Never leaves a durable append, which begins the source anew.
    #[error("the rows differ from those appended before")]
    Changed,
    #[error("time: {0}")]
    TimePath(PathError),
    #[error("id: {0}")]
    IdPath(PathError),
    #[error(transparent)]
    NotAField(#[from] NotAField),
}

/// Bytes to read events from.
pub enum Source {
    /// `-` is standard input.
    File(PathBuf),
    Reader {
        name: String,
        bytes: Box<dyn Read>,
    },
}

/// Appends the events of `files`, in order, as one append.
pub fn append_files(
    log: &mut Log,
    files: &[PathBuf],
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Appended, Error> {
    append(log, files.iter().cloned().map(Source::File).collect(), options, progress)
}

/// Appends the events of `sources`, in order, as one append.
pub fn append(
    log: &mut Log,
    sources: Vec<Source>,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Appended, Error> {
    let mut memory = Memory { append: log.append(), now_ms: options.now_ms };
    let probe = sink::probe(&options.time, options.id.as_deref(), options.rule.clone())?;
    let mut scratch = Scratch::default();
    let mut sink = Sink::new(&mut memory, Rules::of(options, &probe), &mut scratch, progress);
    sink.total(source::total_bytes(&sources));
    for source in sources {
        read_one(source, Marks::None, &mut sink)?;
    }
    let appended = sink.finish();
    Ok(Appended { range: memory.append.commit(), ..appended })
}

fn read_one(source: Source, marks: Marks, sink: &mut Sink<'_>) -> Result<(), Error> {
    let opened = source::open(source, sink.bytes_read())?;
    sink.begin(&opened.path, marks);
    match opened.content {
        source::Content::Lines(buffer) => lines::read(buffer, Typing::Json, sink)?,
        source::Content::Array(buffer) => array::read(buffer, sink)?,
        source::Content::Csv(buffer) => csv::read(buffer, sink)?,
        source::Content::Parquet(file) => parquet::read(file, sink)?,
        source::Content::Empty => {}
    }
    sink.end()
}
