//! From payloads to columns that every version can use: nothing filtered, nothing taken out, and
//! whatever a version would reject an event for kept beside them.

use super::cast::{CastBuffers, Reader};
use super::dictionary::Dictionary;
use super::gather::Gather;
use super::json::{self, Token};
use super::need::Need;
use super::source::{self, Source};
use super::tree::Tree;
use super::{ROWS_PRESIZED_MAX, Scratch};
use crate::event::Event;
use crate::offset::Range;
use crate::stripe::{Projected, Wrong};

/// Reads the columns of some needs, in one pass over each payload.
#[derive(Clone, Debug)]
pub struct Projector {
    sources: Vec<Source>,
    tree: Tree,
}

/// One column in the making.
struct Making<'a> {
    gather: Gather<'a>,
    wrong: Vec<Wrong>,
}

impl Projector {
    pub fn new(needs: &[Need]) -> Projector {
        let (sources, tree) = Source::plan(needs.to_vec());
        Projector { sources, tree }
    }

    /// Reads `events`, which are those of `range` in order: one column a need, in the order of the
    /// needs, one row an event. The bytes of all payloads together stay below 4 GiB.
    pub fn project<'a>(
        &self,
        scratch: &mut Scratch,
        range: Range,
        events: impl Iterator<Item = Event<'a>>,
    ) -> Vec<Projected> {
        let mut projecting = self.begin(scratch, range);
        events.for_each(|event| projecting.push(&event));
        projecting.finish()
    }

    /// The same event by event: none of them needs to be there for longer than it is read.
    pub fn begin<'a>(&'a self, scratch: &'a mut Scratch, range: Range) -> Projecting<'a> {
        let rows = range.count().min(ROWS_PRESIZED_MAX) as usize;
        let Scratch { walk, cast, slots, dictionaries, .. } = scratch;
        dictionaries.resize_with(dictionaries.len().max(self.sources.len()), Dictionary::default);
        slots.resize(self.tree.slots(), Token::Missing);
        let making = |(source, dictionary): (&Source, &'a mut Dictionary)| Making {
            gather: Gather::new(source.need.form, dictionary, rows),
            wrong: Vec::new(),
        };
        let columns = self.sources.iter().zip(dictionaries).map(making).collect();
        Projecting { by: self, walk, cast, slots, columns }
    }
}

/// Columns in the making.
pub struct Projecting<'a> {
    by: &'a Projector,
    walk: &'a mut json::Buffers,
    cast: &'a mut CastBuffers,
    slots: &'a mut [Token],
    columns: Vec<Making<'a>>,
}

impl Projecting<'_> {
    /// Reads the next event.
    pub fn push(&mut self, event: &Event<'_>) {
        let Projecting { by, walk, cast, slots, columns } = self;
        if !slots.is_empty() {
            slots.fill(Token::Missing);
            if let Err(malformed) = json::walk(event.payload, walk, &by.tree, slots) {
                by.malformed(event, source::malformed(&malformed), columns);
                return;
            }
        }
        let mut reader = Reader::new(event, cast);
        for (source, column) in by.sources.iter().zip(columns) {
            if let Err(why) = source.read(event, slots, &mut reader, &mut column.gather) {
                column.wrong(false, source.wrong(event, slots, &why));
            }
        }
    }

    /// One column a need, in the order of the needs.
    pub fn finish(self) -> Vec<Projected> {
        self.columns.into_iter().map(Making::finish).collect()
    }
}

impl Projector {
    /// A payload that is no JSON is wrong wherever it is walked through, and has its record still.
    #[cold]
    fn malformed(&self, event: &Event<'_>, reason: String, columns: &mut [Making<'_>]) {
        let mut none = Default::default();
        let mut reader = Reader::new(event, &mut none);
        for (source, column) in self.sources.iter().zip(columns) {
            if source.walks() {
                column.wrong(true, reason.clone());
            } else {
                // What is not walked for is of its kind always.
                let _ = source.read(event, &[], &mut reader, &mut column.gather);
            }
        }
    }
}

impl Making<'_> {
    #[cold]
    fn wrong(&mut self, malformed: bool, reason: String) {
        self.wrong.push(Wrong { row: self.gather.rows() as u32, malformed, reason });
        self.gather.absent(false);
    }

    fn finish(self) -> Projected {
        let (column, nulls) = self.gather.finish();
        Projected { column, nulls, wrong: self.wrong }
    }
}
