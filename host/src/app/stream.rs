//! A stream that is open: its log, who appends to it, and how its events are read.

use super::Error;
use crate::arrivals::Arrivals;
use crate::event::Typing;
use crate::input::Reading;
use crate::input::request::{Form, Origin, batch};
use crate::store::{self, Appender, Batch, Receipt, Store, StreamLog, StreamRecord};
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};

pub struct Stream {
    pub log: Arc<StreamLog>,
    declared: RwLock<Declared>,
    changing: Mutex<()>,
    /// What is read of the log for those who follow it.
    pub arrivals: Arc<Arrivals>,
    /// None once the host stops.
    appender: RwLock<Option<Appender>>,
}

/// What a stream is: fixed for good, but for its schema.
struct Declared {
    record: Arc<StreamRecord>,
    reading: Arc<Reading>,
}

impl Declared {
    fn new(record: StreamRecord) -> Result<Declared, Error> {
        let reading = Arc::new(Reading::of(&record)?);
        Ok(Declared { record: Arc::new(record), reading })
    }
}

impl Stream {
    pub fn open(store: &Store, record: StreamRecord) -> Result<Stream, Error> {
        let log = store.log(&record)?;
        let appender = RwLock::new(Some(Appender::new(log.clone())?));
        let declared = RwLock::new(Declared::new(record)?);
        let arrivals = Arc::new(Arrivals::new(log.clone()));
        Ok(Stream { log, declared, changing: Mutex::default(), arrivals, appender })
    }

    pub fn record(&self) -> Arc<StreamRecord> {
        self.declared.read().unwrap_or_else(PoisonError::into_inner).record.clone()
    }

    /// How its events are read now.
    pub fn reading(&self) -> Arc<Reading> {
        self.declared.read().unwrap_or_else(PoisonError::into_inner).reading.clone()
    }

    /// Goes on by another schema; one such change after the other.
    pub(super) fn declare(&self, change: impl FnOnce() -> Result<StreamRecord, Error>) -> Result<(), Error> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let declared = Declared::new(change()?)?;
        *self.declared.write().unwrap_or_else(PoisonError::into_inner) = declared;
        Ok(())
    }

    /// Hands events over; `done` hears of them once they are durable, on the writer's thread. Never waits:
    /// more than may wait is [`store::Error::Busy`].
    pub fn submit(
        &self,
        batch: Batch,
        done: impl FnOnce(Result<Receipt, store::Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let appender = self.appender.read().unwrap_or_else(PoisonError::into_inner);
        let appender = appender.as_ref().ok_or(Error::Stopping)?;
        Ok(appender.submit(batch, done)?)
    }

    /// The events of NDJSON, which came in at `now_ms`; durable on return, all of them or none.
    pub fn append_lines(&self, lines: &[u8], now_ms: i64) -> Result<Receipt, Error> {
        let form = Form::Lines(Typing::Json);
        let batch = batch(&self.reading(), &form, &Origin::default(), lines.to_vec(), now_ms);
        let (done, answer) = mpsc::sync_channel(1);
        let batch = batch.map_err(|error| Error::Refused(format!("{error}; nothing was appended")))?;
        self.submit(batch, move |receipt| _ = done.send(receipt))?;
        Ok(answer.recv().map_err(|_| Error::Stopping)??)
    }

    /// Makes durable what waits; takes no more.
    pub fn drain(&self) {
        let appender = self.appender.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(appender);
    }
}
