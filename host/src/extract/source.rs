//! From one event to one row of a column, and what is said where that cannot be.

use super::cast::{Reader, Why, found};
use super::gather::Gather;
use super::json::Token;
use super::need::Need;
use super::path::{Place, Record};
use super::tree::Tree;
use crate::event::Event;

/// A need, and where its values are found.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub need: Need,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    /// Where the walk through a payload leaves the value.
    Slot(usize),
    Record(Record),
    Payload,
}

impl Source {
    /// The sources of all needs, and the tree with which one walk finds those within payloads.
    pub fn plan(needs: Vec<Need>) -> (Vec<Source>, Tree) {
        let (tree, slots) = Tree::new(needs.iter().filter_map(Need::names));
        let mut slots = slots.into_iter();
        let source = |need: Need| {
            let from = match (need.names(), need.path().place()) {
                (Some(_), _) => From::Slot(slots.next().unwrap_or(usize::MAX)),
                (None, Place::Record(record)) => From::Record(record.clone()),
                (None, _) => From::Payload,
            };
            Source { need, from }
        };
        (needs.into_iter().map(source).collect(), tree)
    }

    /// Whether payloads are walked through for it, so that they must be JSON.
    pub fn walks(&self) -> bool {
        matches!(self.from, From::Slot(_))
    }

    /// Appends the event's value, or that there is none; appends nothing if it is of another kind.
    #[inline(always)]
    pub fn read<'a>(
        &'a self,
        event: &Event<'_>,
        slots: &[Token],
        reader: &mut Reader<'a>,
        column: &mut Gather<'_>,
    ) -> Result<(), Why> {
        match &self.from {
            From::Slot(slot) => {
                reader.rule = &self.need.rule;
                return reader.cast(slots.get(*slot).unwrap_or(&Token::Missing), column);
            }
            From::Record(record) => push_record(record, event, column),
            From::Payload => column.bytes(event.payload),
        }
        Ok(())
    }

    /// The event's text, if it has one.
    pub fn text<'b>(
        &self,
        event: &Event<'b>,
        slots: &[Token],
        reader: &'b mut Reader<'_>,
    ) -> Option<&'b [u8]> {
        match &self.from {
            From::Slot(slot) => reader.text(slots.get(*slot).copied().unwrap_or_default()),
            From::Record(record) => record_text(record, event).map(str::as_bytes),
            From::Payload => None,
        }
    }

    /// Why an event is rejected whose value [`Source::read`] could not append.
    #[cold]
    pub fn wrong(&self, event: &Event<'_>, slots: &[Token], why: &Why) -> String {
        let token = match &self.from {
            From::Slot(slot) => slots.get(*slot).copied().unwrap_or_default(),
            From::Record(_) | From::Payload => Token::Missing,
        };
        self.expected(&format!("{}{why}", found(token, event.payload)))
    }

    /// Why an event is rejected that has no value where one is required.
    #[cold]
    pub fn absent(&self, null: bool) -> String {
        self.expected(if null { "null" } else { "nothing" })
    }

    fn expected(&self, found: &str) -> String {
        format!("{}: expected {}, found {found}", self.need.path(), self.need.kind())
    }
}

/// What is said of an event whose payload is no JSON.
#[cold]
pub(super) fn malformed(malformed: &super::Malformed) -> String {
    format!("payload: {malformed}")
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

/// Appends a part of the record, or that it is absent.
fn push_record(record: &Record, event: &Event<'_>, out: &mut Gather<'_>) {
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
        out.absent(false);
    }
}
