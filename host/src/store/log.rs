//! The durable log of one stream: segment files, read by anyone at any time and written by one writer.
//! Owns where an offset is found; knows nothing of who appends or why.

mod append;
mod before;
mod block;
pub(super) mod columns;
mod fence;
mod ingested;
mod mark;
mod queue;
mod read;
mod record;
mod repair;
mod segment;
mod shelf;
mod survey;
mod writer;

pub use append::{Batch, Key, Receipt};
pub use fence::Loss;
pub use mark::Mark;
pub use queue::Appender;
pub use read::{Made, Payloads, Pieces};
pub use repair::{Health, Patient};

use super::disk::Disk;
use super::error::Error;
use crate::log::Stream;
use before::Before;
use columns::Columns;
use ingested::Ingested;
use segment::Segment;
use shelf::Shelf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

/// What a stream is made with, and keeps for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub stream: Stream,
    /// Ids are hashed under it, so that nobody can prepare ids that collide.
    pub seed: u64,
    /// Bytes of a segment after which the next one is begun.
    pub segment_bytes: u64,
}

/// A segment is rolled at this many bytes: one that was not closed is read whole when it is opened.
pub const SEGMENT_BYTES: u64 = 256 << 20;

/// A log that is open.
#[derive(Debug)]
pub struct StreamLog {
    disk: Arc<dyn Disk>,
    shelf: Arc<Shelf>,
    folder: String,
    settings: Settings,
    /// By first offset; the last one is written to. Never empty.
    segments: RwLock<Vec<Arc<Segment>>>,
    head: AtomicU64,
    /// What holds for `[0, head)`.
    tip: Mutex<Before>,
    /// The first write that failed: nothing is written after it.
    failed: OnceLock<String>,
    columns: Columns,
    followers: Followers,
    /// When the newest events came in.
    ingested: Mutex<Ingested>,
}

/// Those who wait for the head to move.
#[derive(Debug, Default)]
struct Followers {
    /// How many sleep: to wake nobody costs no system call.
    asleep: Mutex<usize>,
    moved: Condvar,
}

impl StreamLog {
    /// Opens the log in `folder`, or makes an empty one. The directory says which segments there are.
    /// Columns are cached in a folder beside it.
    pub fn open(disk: Arc<dyn Disk>, folder: &str, settings: Settings) -> Result<Arc<StreamLog>, Error> {
        let fail = |cause| Error::disk(folder, cause);
        disk.create_folder(folder).map_err(fail)?;
        let names = disk.list(folder).map_err(fail)?;
        for name in names.iter().filter(|name| segment::is_unfinished(name)) {
            disk.unlink(&format!("{folder}/{name}")).map_err(fail)?;
        }
        let firsts: Vec<u64> = names.iter().filter_map(|name| segment::first_of(name)).collect();
        let shelf = Arc::new(Shelf::new(disk.clone()));
        let mut segments = Vec::with_capacity(firsts.len() + 1);
        if let Some((last, full)) = firsts.split_last() {
            for first in full {
                segments.push(Arc::new(Segment::open_sealed(
                    disk.as_ref(),
                    Some(shelf.clone()),
                    folder,
                    *first,
                )?));
            }
            segments.push(Arc::new(Segment::open_active(disk.as_ref(), &shelf, folder, *last)?));
        } else {
            disk.sync_folder(parent(folder)).map_err(fail)?;
            segments.push(Arc::new(Segment::create(disk.as_ref(), &shelf, folder, 0, &Before::default())?));
        }
        let log = StreamLog {
            columns: Columns::new(disk.clone(), columns::folder_of(folder)),
            disk,
            shelf,
            folder: folder.into(),
            settings,
            segments: RwLock::new(segments),
            head: AtomicU64::new(0),
            tip: Mutex::default(),
            failed: OnceLock::new(),
            followers: Followers::default(),
            ingested: Mutex::default(),
        };
        log.recover()?;
        Ok(Arc::new(log))
    }

    /// Finds the head, and checks that segments follow one another.
    fn recover(&self) -> Result<(), Error> {
        let segments = self.segments();
        for pair in segments.windows(2) {
            let [earlier, later] = pair else { continue };
            let end = earlier.end()?;
            if end != later.first {
                let what = format!(
                    "it ends at offset {end}, but the next segment starts at {}: offsets between are lost",
                    later.first
                );
                return Err(Error::damaged(earlier.file(), what));
            }
        }
        let Some(last) = segments.last() else { return Ok(()) };
        let end = last.end()?;
        self.head.store(end, Ordering::Release);
        *self.tip.lock().unwrap_or_else(PoisonError::into_inner) = self.before(end)?;
        Ok(())
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The offset after the last durable event.
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// The head, once it is beyond `offset`, [`StreamLog::wake`] is called or the time is over.
    pub fn wait_beyond(&self, offset: u64, time: Duration) -> u64 {
        let mut asleep = self.followers.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        if self.head() <= offset {
            *asleep += 1;
            let woken = self.followers.moved.wait_timeout(asleep, time);
            asleep = woken.unwrap_or_else(PoisonError::into_inner).0;
            *asleep -= 1;
        }
        self.head()
    }

    /// Wakes all who wait for the head to move.
    pub fn wake(&self) {
        if *self.followers.asleep.lock().unwrap_or_else(PoisonError::into_inner) > 0 {
            self.followers.moved.notify_all();
        }
    }

    fn advance(&self, head: u64) {
        self.head.store(head, Ordering::Release);
        self.wake();
    }

    /// The first offset that is there.
    pub fn floor(&self) -> u64 {
        self.segments().first().map_or(0, |segment| segment.first)
    }

    /// Why nothing more is written, once a write has failed.
    pub fn failed(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    /// Least and greatest event time; None if there is no event.
    pub fn times_ms(&self) -> Option<(i64, i64)> {
        self.tip.lock().unwrap_or_else(PoisonError::into_inner).times_ms
    }

    /// Events dated more than `max_ahead_ms` after their own ingest time.
    pub fn future_events(&self) -> u64 {
        self.tip.lock().unwrap_or_else(PoisonError::into_inner).future
    }

    /// Segment files, and the bytes that they take.
    pub fn size(&self) -> Result<(usize, u64), Error> {
        let segments = self.segments();
        let mut bytes = 0;
        for segment in &segments {
            let file = self.disk.open(segment.file()).map_err(|cause| Error::disk(segment.file(), cause))?;
            bytes += file.size().map_err(|cause| Error::disk(segment.file(), cause))?;
        }
        Ok((segments.len(), bytes))
    }

    /// The folders of its segments and of its columns.
    pub fn folders(&self) -> (String, String) {
        (self.folder.clone(), columns::folder_of(&self.folder))
    }

    /// Closes all files, so that they open in a moment. Nothing can be read after.
    pub fn close(&self) -> Result<(), Error> {
        self.columns.close()?;
        self.segments().iter().try_for_each(|segment| segment.close())
    }

    fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The segment that holds `offset`, or would.
    fn segment_of(&self, offset: u64) -> Result<Arc<Segment>, Error> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let place = segments.partition_point(|segment| segment.first <= offset);
        let found = place.checked_sub(1).and_then(|place| segments.get(place)).cloned();
        found.ok_or_else(|| Error::Refused(format!("offset {offset} lies before the first that is kept")))
    }
}

fn parent(folder: &str) -> &str {
    folder.rsplit_once('/').map_or("", |(parent, _)| parent)
}
