//! One record of a stream, as it is read from the log. Knows nothing of how the log keeps it.

mod line;
mod running;

pub use running::{RUNNING_BYTES, Running};

use crate::offset::Offset;

/// How the values of a payload came to be JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// The producer wrote JSON: a text is a text.
    #[default]
    Json,
    /// A CSV row: every value is text, which extraction reads as the declared kind.
    Text,
}

/// Where an event came from; each part absent where the source has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lineage<'a> {
    /// A file's name, a topic.
    pub source: Option<&'a str>,
    /// Line, row or message number within the source, from 1 for files.
    pub position: u64,
    pub partition: Option<&'a str>,
    pub key: Option<&'a [u8]>,
    pub headers: &'a [(String, String)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    pub offset: Offset,
    /// Fixed at append and never extracted again; milliseconds UTC.
    pub time_ms: i64,
    pub ingested_ms: i64,
    pub id: Option<&'a str>,
    pub schema: Option<i64>,
    pub lineage: Lineage<'a>,
    pub typing: Typing,
    pub payload: &'a [u8],
}
