//! Where the events of input go: a log in memory, or (see `durable`) one that lasts.

use super::{Kept, Marks, Reason};
use crate::event::Event;
use crate::log::{self, Append, Pushed};
use crate::store;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Appended,
    /// It is told later whether it was appended.
    Waiting,
    Duplicate,
    Conflict,
}

/// Why a recipient takes no more.
pub enum Fault {
    /// This event cannot be one of the log.
    Refused(Reason),
    Full(log::Error),
    Store(store::Error),
    /// In words, from elsewhere.
    Said(String),
    /// More events than one request may have.
    Many {
        events_max: u64,
    },
    /// The rows before differ from those that were appended under the same name.
    Changed,
}

pub trait Recipient {
    /// A source begins.
    fn begin(&mut self, _name: &str, _marks: Marks) {}

    /// Whether the next row was appended before and makes no event; asked of each row once.
    fn has(&mut self, _row: &[u8]) -> Result<bool, Fault> {
        Ok(false)
    }

    /// When an event that is pushed now has come in.
    fn ingested_ms(&mut self) -> i64;

    /// Takes the event of a row that is not there; its offset is not read.
    fn push(&mut self, event: &Event<'_>) -> Result<Taken, Fault>;

    /// A source has ended.
    fn end(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// What stays if the input is refused.
    fn kept(&self) -> Kept;
}

/// A log in memory: all is appended by one commit or nothing is.
pub struct Memory<'a> {
    pub append: Append<'a>,
    pub now_ms: i64,
}

impl Recipient for Memory<'_> {
    fn ingested_ms(&mut self) -> i64 {
        self.now_ms
    }

    #[inline]
    fn push(&mut self, event: &Event<'_>) -> Result<Taken, Fault> {
        match self.append.push(event) {
            Ok(Pushed::Appended(_)) => Ok(Taken::Appended),
            Ok(Pushed::Duplicate(_)) => Ok(Taken::Duplicate),
            Ok(Pushed::Conflict(_)) => Ok(Taken::Conflict),
            Err(log::Error::TooLarge { .. }) => Err(Fault::Refused(Reason::TooLong)),
            Err(full) => Err(Fault::Full(full)),
        }
    }

    fn kept(&self) -> Kept {
        Kept::Nothing
    }
}
