//! The running host: streams that take events, views that follow them, runs that recompute them. Owns
//! every thread and what all of them share; what is decided is decided by the activities.

mod error;
mod shown;
mod stream;

pub use error::Error;
pub use shown::StreamShown;
pub use stream::Stream;

use crate::store::{self, Store, StreamRecord};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A data directory that is served. Shared by all who use it; stopped once.
pub struct App {
    store: Store,
    streams: RwLock<BTreeMap<String, Arc<Stream>>>,
    is_stopping: AtomicBool,
}

impl App {
    /// Opens all streams and views of a directory, and begins to follow them.
    pub fn start(store: Store) -> Result<Arc<App>, Error> {
        let mut streams = BTreeMap::new();
        for record in store.streams()? {
            let stream = Stream::open(&store, record)?;
            streams.insert(stream.record.name.clone(), Arc::new(stream));
        }
        Ok(Arc::new(App { store, streams: RwLock::new(streams), is_stopping: AtomicBool::new(false) }))
    }

    /// By name, ascending.
    pub fn streams(&self) -> Vec<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub fn stream(&self, name: &str) -> Result<Arc<Stream>, Error> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let unknown = || store::Error::Unknown { what: "stream", name: name.into() };
        Ok(streams.get(name).cloned().ok_or_else(unknown)?)
    }

    /// Makes a stream with an empty log; the number in `record` is not read.
    pub fn create_stream(&self, record: StreamRecord) -> Result<Arc<Stream>, Error> {
        self.require_running()?;
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        let record = self.store.create_stream(record)?;
        let stream = Arc::new(Stream::open(&self.store, record)?);
        streams.insert(stream.record.name.clone(), stream.clone());
        Ok(stream)
    }

    /// Removes a stream that no view reads, with its log, for good.
    pub fn remove_stream(&self, name: &str) -> Result<(), Error> {
        self.require_running()?;
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        let stream = self.stream_in(&streams, name)?;
        if let Some(view) = self.store.views()?.iter().find(|view| view.stream == name) {
            let view = &view.name;
            return Err(Error::Conflict(format!(
                "stream '{name}' is read by view '{view}'; remove that first"
            )));
        }
        stream.drain();
        streams.remove(name);
        Ok(self.store.remove_stream(name)?)
    }

    fn stream_in(&self, streams: &BTreeMap<String, Arc<Stream>>, name: &str) -> Result<Arc<Stream>, Error> {
        let unknown = || store::Error::Unknown { what: "stream", name: name.into() };
        Ok(streams.get(name).cloned().ok_or_else(unknown)?)
    }

    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    fn require_running(&self) -> Result<(), Error> {
        if self.is_stopping() { Err(Error::Stopping) } else { Ok(()) }
    }

    /// Makes durable what was handed over, ends all threads and closes all files. What comes after is
    /// refused with [`Error::Stopping`].
    pub fn stop(&self) -> Result<(), Error> {
        self.is_stopping.store(true, Ordering::Release);
        let streams = self.streams();
        streams.iter().for_each(|stream| stream.drain());
        streams.iter().try_for_each(|stream| Ok(stream.log.close()?))
    }
}
