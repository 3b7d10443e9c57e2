//! Where batches of events go: to a log that is open here, or (see `cli`) to a server that has it open.

use super::recipient::Fault;
use super::{Error, Reason};
use crate::digest::Digest;
use crate::event::Event;
use crate::store::{self, Appender, Batch, Mark, Receipt, StreamLog};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A batch is handed over at this many bytes.
pub const BATCH_BYTES: usize = 8 << 20;
/// Bytes of batches whose answer is waited for: less than the log lets wait.
const IN_FLIGHT_BYTES_MAX: usize = 32 << 20;

/// Takes events, and makes them durable a batch at a time, in order.
pub trait Destination {
    /// How far the source of this name and first row was appended; nothing is in flight when it is asked.
    fn mark(&mut self, source: &str, first: Digest) -> Result<Option<Mark>, Undelivered>;

    /// When an event that is added now comes in.
    fn ingested_ms(&mut self) -> i64;

    /// Adds an event to the batch at hand; its offset is not read.
    fn add(&mut self, event: &Event<'_>) -> Result<(), Undelivered>;

    /// Whether the batch at hand has enough.
    fn is_full(&self) -> bool;

    /// Sends the batch at hand on its way; `mark` says how far it brings its source.
    fn hand_over(&mut self, mark: Option<Mark>) -> Result<(), Undelivered>;

    /// Waits for all that is on its way.
    fn finish(&mut self) -> Result<(), Undelivered>;

    /// What is known to be durable.
    fn totals(&self) -> Totals;
}

/// Why events did not reach their destination.
#[derive(Debug)]
pub enum Undelivered {
    /// One has more bytes than an event may have.
    TooLong,
    Store(store::Error),
    /// In words, from elsewhere.
    Said(String),
    /// How far a source was appended was lost by damage: in words, with what to do.
    Lost(String),
}

/// What became of batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The first and the next offset; None if nothing was appended.
    pub offsets: Option<(u64, u64)>,
    pub appended: u64,
    pub duplicates: u64,
    pub conflicts: u64,
}

impl Totals {
    pub fn add(&mut self, receipt: &Receipt) {
        if receipt.appended > 0 {
            let first = self.offsets.map_or(receipt.first_offset, |(first, _)| first);
            self.offsets = Some((first, receipt.next_offset));
        }
        self.appended += receipt.appended;
        self.duplicates += receipt.duplicates;
        self.conflicts += receipt.conflicts;
    }
}

impl From<Undelivered> for Fault {
    fn from(undelivered: Undelivered) -> Fault {
        match undelivered {
            Undelivered::TooLong => Fault::Refused(Reason::TooLong),
            Undelivered::Store(error) => Fault::Store(error),
            Undelivered::Said(words) | Undelivered::Lost(words) => Fault::Said(words),
        }
    }
}

impl From<Undelivered> for Error {
    fn from(undelivered: Undelivered) -> Error {
        let store = |source| Error::Store { path: "the log".into(), source };
        match undelivered {
            Undelivered::TooLong => Error::Said(Reason::TooLong.to_string()),
            Undelivered::Store(source) => store(source),
            Undelivered::Said(words) | Undelivered::Lost(words) => Error::Said(words),
        }
    }
}

impl From<store::Error> for Undelivered {
    fn from(error: store::Error) -> Undelivered {
        Undelivered::Store(error)
    }
}

/// What the writer says of a batch.
type Answer = Result<Receipt, store::Error>;

/// A log that is open here, with several batches on their way to the disk at a time.
pub struct Here<'a> {
    log: &'a StreamLog,
    appender: &'a Appender,
    clock: &'a dyn Fn() -> i64,
    batch: Batch,
    now_ms: i64,
    answers: (Sender<Answer>, Receiver<Answer>),
    /// Bytes of each batch on its way.
    in_flight: VecDeque<usize>,
    totals: Totals,
}

impl<'a> Here<'a> {
    /// `clock` says what time it is, milliseconds UTC.
    pub fn new(log: &'a StreamLog, appender: &'a Appender, clock: &'a dyn Fn() -> i64) -> Here<'a> {
        Here {
            log,
            appender,
            clock,
            batch: Batch::default(),
            now_ms: 0,
            answers: channel(),
            in_flight: VecDeque::new(),
            totals: Totals::default(),
        }
    }

    /// Waits for the next answer.
    fn hear(&mut self) -> Result<(), Undelivered> {
        self.in_flight.pop_front();
        let Ok(answer) = self.answers.1.recv() else { return Ok(()) };
        self.totals.add(&answer?);
        Ok(())
    }
}

impl Destination for Here<'_> {
    fn mark(&mut self, source: &str, first: Digest) -> Result<Option<Mark>, Undelivered> {
        self.log.mark(source, first).map_err(|error| match error {
            store::Error::Refused(lost) => Undelivered::Lost(lost),
            other => Undelivered::Store(other),
        })
    }

    /// All events of a batch come in at one moment.
    #[inline]
    fn ingested_ms(&mut self) -> i64 {
        if self.batch.events() == 0 {
            self.now_ms = (self.clock)();
        }
        self.now_ms
    }

    #[inline]
    fn add(&mut self, event: &Event<'_>) -> Result<(), Undelivered> {
        self.batch.push(event).map_err(|_| Undelivered::TooLong)
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.batch.bytes() >= BATCH_BYTES
    }

    /// Waits until there is room for it.
    fn hand_over(&mut self, mark: Option<Mark>) -> Result<(), Undelivered> {
        if self.batch.events() == 0 {
            return Ok(());
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.mark = mark;
        let bytes = batch.bytes();
        while !self.in_flight.is_empty() && self.in_flight.iter().sum::<usize>() + bytes > IN_FLIGHT_BYTES_MAX
        {
            self.hear()?;
        }
        let answers = self.answers.0.clone();
        self.appender.submit(batch, move |answer| _ = answers.send(answer))?;
        self.in_flight.push_back(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Undelivered> {
        while !self.in_flight.is_empty() {
            self.hear()?;
        }
        Ok(())
    }

    fn totals(&self) -> Totals {
        self.totals
    }
}
