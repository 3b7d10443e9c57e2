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

mod assemble;
mod block;
mod cast;
mod dictionary;
mod gather;
mod json;
mod need;
mod number;
mod path;
mod probe;
mod project;
mod set;
mod shape;
mod source;
mod text;
mod tree;
mod word;

pub use assemble::Projection;
pub use json::{DEPTH_MAX, Malformed};
pub use need::Need;
pub use path::{Error as PathError, Path};
pub use probe::{NotAField, Probe, Probed, Refusal};
pub use project::{Projecting, Projector};

use crate::description::{Description, Kind};
use crate::event::Event;
use crate::offset::Range;
use crate::time::TimeRule;
use crate::transform::Events;
use cast::{CastBuffers, Reader};
use dictionary::Dictionary;
use gather::Gather;
use json::Token;
use source::Source;
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
    /// What is found within payloads; if that is nothing, a transform parses them itself, and some may
    /// be no JSON.
    tree: Tree,
}

#[derive(Clone, Debug)]
struct Input {
    source: Source,
    required: bool,
    /// Which of the needs it is; None for the offset, which takes no column.
    need: Option<usize>,
}

/// The filter: texts of which an event must have one.
#[derive(Clone, Debug)]
struct Only {
    source: Source,
    one_of: Vec<Box<[u8]>>,
    need: usize,
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
        let inputs = description.inputs.iter().map(|field| Need::of_input(field, &rule));
        let filter = description.only.iter().map(|filter| Need::of_filter(filter, &rule));
        let (sources, tree) = Source::plan(inputs.chain(filter).collect::<Result<_, _>>()?);
        let mut known = Vec::new();
        let mut sources = sources.into_iter().map(|source| {
            let need = (!source.need.is_offset()).then(|| place(&mut known, source.need.identity()));
            (source, need)
        });
        let fields = description.inputs.iter();
        let inputs = fields.zip(sources.by_ref());
        let inputs =
            inputs.map(|(field, (source, need))| Input { source, required: field.required, need }).collect();
        let only = description.only.as_ref().zip(sources.next()).and_then(|(filter, (source, need))| {
            let one_of = filter.one_of.iter().map(|text| text.as_bytes().into()).collect();
            Some(Only { source, one_of, need: need? })
        });
        Ok(Extractor { inputs, only, tree })
    }

    /// The columns from which [`Extractor::assemble`] makes chunks: those of the inputs in their order,
    /// then the filter's; each once, and none for the offset.
    pub fn needs(&self) -> impl Iterator<Item = &Need> {
        let inputs = self.inputs.iter().filter_map(|input| Some((input.need?, &input.source.need)));
        let all = inputs.chain(self.only.iter().map(|only| (only.need, &only.source.need)));
        // Places are given out in this order, so that one not seen before is the next.
        let first = |next: &mut usize, (place, need)| {
            let is_new = place == *next;
            *next += usize::from(is_new);
            Some(is_new.then_some(need))
        };
        all.scan(0, first).flatten()
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
            inputs.map(|(input, dictionary)| Gather::new(input.source.need.form, dictionary, rows)).collect();
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
        let columns = columns.into_iter().map(|column| column.finish().0).collect();
        Extracted { range, offsets, events: Events { times, columns }, rejected, ignored }
    }

    fn event(
        &self,
        event: &Event<'_>,
        (walk, buffers, slots): (&mut json::Buffers, &mut CastBuffers, &mut [Token]),
        columns: &mut [Gather<'_>],
    ) -> Verdict {
        if !slots.is_empty() {
            slots.fill(Token::Missing);
            if let Err(malformed) = json::walk(event.payload, walk, &self.tree, slots) {
                return Verdict::Rejected(source::malformed(&malformed));
            }
        }
        let mut reader = Reader::new(event, buffers);
        if let Some(only) = &self.only
            && !only.source.text(event, slots, &mut reader).is_some_and(|text| only.is_one(text))
        {
            return Verdict::Ignored;
        }
        for (input, column) in self.inputs.iter().zip(columns) {
            if let Err(why) = input.source.read(event, slots, &mut reader, column) {
                return Verdict::Rejected(input.source.wrong(event, slots, &why));
            }
            if input.required
                && let Some(null) = column.last_absence()
            {
                return Verdict::Rejected(input.source.absent(null));
            }
        }
        Verdict::Kept
    }
}

/// Space is made for as many rows beforehand; more are welcome.
const ROWS_PRESIZED_MAX: u64 = 1 << 18;

impl Only {
    fn is_one(&self, text: &[u8]) -> bool {
        self.one_of.iter().any(|wanted| **wanted == *text)
    }
}

/// The place of an identity among those known, to which it is added if it is new.
fn place(known: &mut Vec<String>, identity: String) -> usize {
    known.iter().position(|other| *other == identity).unwrap_or_else(|| {
        known.push(identity);
        known.len() - 1
    })
}
