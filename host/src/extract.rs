//! Extraction: from the payloads of a chunk to the columns that a transform declares. A pure
//! function of record, path and kind, and part of the semantics number. Knows nothing of files,
//! logs or transforms that run.
//!
//! The parser is our own, by measurement: sonic-rs 0.5 has no strict pass over what nobody asks for
//! (it lets lone surrogates through), and its lazy values cost 250 ns for the five fields of an
//! order of 120 bytes where a struct of them costs 205 ns; a strict pass here and the columns
//! together must not cost more than 1.4 times that struct. One pass finds the quotes 16 bytes at a
//! time, a second walks from quote to quote through names and values, checks the grammar on its way
//! and leaves where each declared value is; then each value is read as its declared kind.

mod block;
mod cast;
mod dictionary;
mod gather;
mod json;
mod number;
mod path;
mod probe;
mod shape;
mod text;
mod tree;
mod word;

pub use json::{DEPTH_MAX, Malformed};
pub use path::{Error as PathError, Path};
pub use probe::{NotAField, Probe, Probed, Refusal};

use crate::column::Column;
use crate::description::{Description, Field, Kind};
use crate::event::Event;
use crate::offset::Range;
use crate::time::TimeRule;
use crate::transform::Events;
use cast::{CastBuffers, Reader, Why, found};
use dictionary::Dictionary;
use gather::{Form, Gather};
use json::Token;
use path::{Place, Record};
use tree::Tree;

/// Why a description's inputs or filter cannot be extracted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("input '{field}': {error}")]
    Path { field: String, error: PathError },
    #[error("input '{field}': path '{path}' is {is}, not {kind}; declare it as that kind")]
    Kind { field: String, path: String, is: &'static str, kind: Kind },
    #[error("input '{field}': kind {kind} is unknown to this host")]
    UnknownKind { field: String, kind: Kind },
    #[error("filter: {0}")]
    Filter(PathError),
    #[error("filter: path '{0}' is never a text, so that no event would be wanted")]
    FilterKind(String),
}

/// Reads the inputs that one description declares.
#[derive(Clone, Debug)]
pub struct Extractor {
    inputs: Vec<Input>,
    only: Option<Only>,
    tree: Tree,
    /// Whether payloads are looked into at all: a transform that parses them itself may have some
    /// that are no JSON.
    walks: bool,
    rule: TimeRule,
}

#[derive(Clone, Debug)]
struct Input {
    path: Path,
    kind: Kind,
    form: Form,
    required: bool,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    Slot(usize),
    Record(Record),
    Payload,
}

/// The filter: texts of which an event must have one.
#[derive(Clone, Debug)]
struct Only {
    from: From,
    one_of: Vec<Box<[u8]>>,
}

/// What extraction keeps from one call to the next: allocations, nothing that changes a result.
#[derive(Default)]
pub struct Scratch {
    walk: json::Buffers,
    /// Apart, since probing and extracting may take turns.
    probe: json::Buffers,
    cast: CastBuffers,
    slots: Vec<Token>,
    dictionaries: Vec<Dictionary>,
}

/// An event that a version cannot fold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub offset: u64,
    pub reason: String,
}

/// A chunk in columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// The offsets of all events, those kept and the others.
    pub range: Range,
    /// The offset of each row.
    pub offsets: Vec<u64>,
    pub events: Events,
    /// Ascending.
    pub rejected: Vec<Rejected>,
    /// Events that the filter does not want.
    pub ignored: u64,
}

/// What becomes of one event.
enum Verdict {
    Kept,
    Ignored,
    Rejected(String),
}

impl Extractor {
    /// Refuses paths and kinds that no event could answer, naming the field.
    pub fn new(description: &Description, rule: TimeRule) -> Result<Extractor, Error> {
        let inputs = description.inputs.iter().map(parse_input).collect::<Result<Vec<_>, _>>()?;
        let only = match &description.only {
            Some(filter) => {
                let path = Path::new(&filter.path).map_err(Error::Filter)?;
                check_filter(&path)?;
                Some((path, &filter.one_of))
            }
            None => None,
        };
        let filter = only.iter().filter_map(|(path, _)| names(path, &Kind::Text));
        let (tree, slots) =
            Tree::new(inputs.iter().filter_map(|(path, _, field)| names(path, &field.kind)).chain(filter));
        let mut slots = slots.into_iter();
        let mut from = |path: &Path, kind: &Kind| match (names(path, kind), path.place()) {
            (Some(_), _) => From::Slot(slots.next().unwrap_or(usize::MAX)),
            (None, Place::Record(record)) => From::Record(record.clone()),
            (None, _) => From::Payload,
        };
        let inputs = inputs.into_iter().map(|(path, form, field)| Input {
            from: from(&path, &field.kind),
            path,
            kind: field.kind.clone(),
            form,
            required: field.required,
        });
        let inputs = inputs.collect();
        let only = only.map(|(path, texts)| Only {
            from: from(&path, &Kind::Text),
            one_of: texts.iter().map(|text| text.as_bytes().into()).collect(),
        });
        Ok(Extractor { inputs, only, walks: tree.slots() > 0, tree, rule })
    }

    /// Reads `events`, which are those of `range` in order. The bytes of all payloads together stay
    /// below 4 GiB.
    pub fn extract<'a>(
        &self,
        scratch: &mut Scratch,
        range: Range,
        events: impl Iterator<Item = Event<'a>>,
    ) -> Extracted {
        let rows = range.count().min(ROWS_PRESIZED_MAX) as usize;
        let Scratch { walk, cast, slots, dictionaries, .. } = scratch;
        dictionaries.resize_with(dictionaries.len().max(self.inputs.len()), Dictionary::default);
        slots.resize(self.tree.slots(), Token::Missing);
        let inputs = self.inputs.iter().zip(dictionaries);
        let mut columns: Vec<Gather<'_>> =
            inputs.map(|(input, dictionary)| Gather::new(input.form, dictionary, rows)).collect();
        let (mut rejected, mut ignored) = (Vec::new(), 0);
        let (mut offsets, mut times) = (Vec::with_capacity(rows), Vec::with_capacity(rows * 8));
        for event in events {
            match self.event(&event, (walk, cast, slots), &mut columns) {
                Verdict::Kept => {
                    offsets.push(event.offset.0);
                    times.extend_from_slice(&event.time_ms.to_le_bytes());
                }
                Verdict::Ignored => ignored += 1,
                Verdict::Rejected(reason) => {
                    columns.iter_mut().for_each(|column| column.cut(offsets.len()));
                    rejected.push(Rejected { offset: event.offset.0, reason });
                }
            }
        }
        let columns: Vec<Column> = columns.into_iter().map(Gather::finish).collect();
        Extracted { range, offsets, events: Events { times, columns }, rejected, ignored }
    }

    fn event(
        &self,
        event: &Event<'_>,
        (walk, buffers, slots): (&mut json::Buffers, &mut CastBuffers, &mut [Token]),
        columns: &mut [Gather<'_>],
    ) -> Verdict {
        if self.walks {
            slots.fill(Token::Missing);
            if let Err(malformed) = json::walk(event.payload, walk, &self.tree, slots) {
                return Verdict::Rejected(format!("payload: {malformed}"));
            }
        }
        let mut reader = Reader { payload: event.payload, typing: event.typing, rule: &self.rule, buffers };
        if let Some(only) = &self.only
            && !only.wants(event, slots, &mut reader)
        {
            return Verdict::Ignored;
        }
        for (input, column) in self.inputs.iter().zip(columns) {
            let token = match &input.from {
                From::Slot(slot) => slots.get(*slot).unwrap_or(&Token::Missing),
                From::Record(record) => {
                    if !push_record(record, event, column) && input.required {
                        return input.reject(Token::Missing, event, &Why::Other);
                    }
                    continue;
                }
                From::Payload => {
                    column.bytes(event.payload);
                    continue;
                }
            };
            if input.required && matches!(token, Token::Missing | Token::Null) {
                return input.reject(*token, event, &Why::Other);
            }
            if let Err(why) = reader.cast(token, column) {
                return input.reject(*token, event, &why);
            }
        }
        Verdict::Kept
    }
}

/// Space is made for as many rows beforehand; more are welcome.
const ROWS_PRESIZED_MAX: u64 = 1 << 18;

impl Input {
    #[cold]
    fn reject(&self, token: Token, event: &Event<'_>, why: &Why) -> Verdict {
        let found = found(token, event.payload);
        Verdict::Rejected(format!("{}: expected {}, found {found}{why}", self.path, self.kind))
    }
}

impl Only {
    fn wants(&self, event: &Event<'_>, slots: &[Token], reader: &mut Reader<'_>) -> bool {
        let text = match &self.from {
            From::Slot(slot) => reader.text(slots.get(*slot).copied().unwrap_or_default()),
            From::Record(record) => record_text(record, event).map(str::as_bytes),
            From::Payload => None,
        };
        text.is_some_and(|text| self.one_of.iter().any(|wanted| **wanted == *text))
    }
}

fn parse_input(field: &Field) -> Result<(Path, Form, &Field), Error> {
    let name = || field.name.clone();
    let path = Path::new(&field.path).map_err(|error| Error::Path { field: name(), error })?;
    let kind = field.kind.clone();
    let Some(form) = Form::of(&kind) else { return Err(Error::UnknownKind { field: name(), kind }) };
    let is = match path.place() {
        Place::Names(_) => None,
        Place::Payload => (!matches!(kind, Kind::Binary | Kind::Json)).then_some("binary or json"),
        Place::Record(record) => {
            Some(record_kind(record)).filter(|(is, _)| *is != kind).map(|(_, name)| name)
        }
    };
    match is {
        None => Ok((path, form, field)),
        Some(is) => Err(Error::Kind { field: name(), path: field.path.clone(), is, kind }),
    }
}

fn check_filter(path: &Path) -> Result<(), Error> {
    let is_text = match path.place() {
        Place::Names(_) => true,
        Place::Payload => false,
        Place::Record(record) => record_kind(record).0 == Kind::Text,
    };
    if is_text { Ok(()) } else { Err(Error::FilterKind(path.as_str().into())) }
}

/// The names that lead to a field within a payload: none, for the whole of it as json; None if
/// no JSON has to be read for it.
fn names<'a>(path: &'a Path, kind: &Kind) -> Option<&'a [String]> {
    match path.place() {
        Place::Names(names) => Some(names),
        Place::Payload => (*kind == Kind::Json).then_some(&[]),
        Place::Record(_) => None,
    }
}

fn record_kind(record: &Record) -> (Kind, &'static str) {
    match record {
        Record::Offset | Record::Schema => (Kind::Integer, "integer"),
        Record::Time | Record::Ingested => (Kind::Timestamp, "timestamp"),
        Record::Key => (Kind::Binary, "binary"),
        Record::Id | Record::Source | Record::Partition | Record::Header(_) => (Kind::Text, "text"),
    }
}

fn record_text<'a>(record: &Record, event: &Event<'a>) -> Option<&'a str> {
    match record {
        Record::Id => event.id,
        Record::Source => event.lineage.source,
        Record::Partition => event.lineage.partition,
        // As with names in a payload, the last of equal ones counts.
        Record::Header(name) => {
            let mut headers = event.lineage.headers.iter().rev();
            headers.find(|(other, _)| other == name).map(|(_, value)| value.as_str())
        }
        _ => None,
    }
}

/// Appends a part of the record, or that it is absent; whether it is there.
fn push_record(record: &Record, event: &Event<'_>, out: &mut Gather<'_>) -> bool {
    let number = match record {
        Record::Offset => i64::try_from(event.offset.0).ok(),
        Record::Schema => event.schema,
        Record::Time => Some(event.time_ms),
        Record::Ingested => Some(event.ingested_ms),
        _ => None,
    };
    if let Some(number) = number {
        out.integer(number);
    } else if let (Record::Key, Some(key)) = (record, event.lineage.key) {
        out.bytes(key);
    } else if let Some(text) = record_text(record, event) {
        out.text(text.as_bytes(), 0, text.len());
    } else {
        out.absent();
        return false;
    }
    true
}
