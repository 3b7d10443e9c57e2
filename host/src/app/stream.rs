//! A stream that is open: its log, who appends to it, and how its events are read.

use super::Error;
use crate::arrivals::Arrivals;
use crate::input::Reading;
use crate::store::{self, Appender, Batch, Receipt, Store, StreamLog, StreamRecord};
use std::sync::{Arc, PoisonError, RwLock};

pub struct Stream {
    pub record: StreamRecord,
    pub log: Arc<StreamLog>,
    pub reading: Arc<Reading>,
    /// What is read of the log for those who follow it.
    pub arrivals: Arc<Arrivals>,
    /// None once the host stops.
    appender: RwLock<Option<Appender>>,
}

impl Stream {
    pub fn open(store: &Store, record: StreamRecord) -> Result<Stream, Error> {
        let log = store.log(&record)?;
        let appender = RwLock::new(Some(Appender::new(log.clone())?));
        let reading = Arc::new(Reading::of(&record)?);
        let arrivals = Arc::new(Arrivals::new(log.clone()));
        Ok(Stream { record, log, reading, arrivals, appender })
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

    /// Makes durable what waits; takes no more.
    pub fn drain(&self) {
        let appender = self.appender.write().unwrap_or_else(PoisonError::into_inner).take();
        drop(appender);
    }
}
