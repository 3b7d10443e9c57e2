//! Group commit: producers hand over batches, one thread writes all that wait by one transaction, and
//! answers each. There is no timer: what comes in while the disk syncs is the next transaction.

use super::StreamLog;
use super::append::{Batch, Receipt};
use super::writer::{Request, Writer};
use crate::store::error::Error;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

/// Bytes of batches that may wait; a single larger one is let in when nothing else waits.
pub const WAITING_BYTES_MAX: u64 = 64 << 20;
/// Bytes of batches that one transaction takes.
const COMMIT_BYTES_MAX: usize = 16 << 20;

type Done = Box<dyn FnOnce(Result<Receipt, Error>) + Send>;

struct Waiting {
    request: Request,
    bytes: usize,
    done: Done,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: u64,
    closed: bool,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Something waits, or nothing ever will again.
    filled: Condvar,
    /// Something was taken.
    emptied: Condvar,
}

/// Appends to a log. Dropping it writes what waits, then ends the thread.
pub struct Appender {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Appender {
    pub fn new(log: Arc<StreamLog>) -> Result<Appender, Error> {
        let mut writer = Writer::new(log.clone())?;
        let queue = Arc::<Queue>::default();
        let taken = queue.clone();
        let write = move || {
            while let Some(batch) = taken.take() {
                let (requests, done): (Vec<Request>, Vec<Done>) =
                    batch.into_iter().map(|waiting| (waiting.request, waiting.done)).unzip();
                let answers = writer.step(&requests);
                done.into_iter().zip(answers).for_each(|(done, answer)| done(answer));
            }
        };
        let thread = std::thread::Builder::new().name("append".into()).spawn(write);
        let thread = thread.map_err(|cause| Error::disk(&log.folder, cause))?;
        Ok(Appender { queue, thread: Some(thread) })
    }

    /// Hands a batch over; `done` hears of it once it is durable, on the writer's thread. Never waits.
    pub fn submit(
        &self,
        batch: Batch,
        done: impl FnOnce(Result<Receipt, Error>) + Send + 'static,
    ) -> Result<(), Error> {
        let waiting = Waiting::new(batch, Box::new(done))?;
        let state = self.queue.lock();
        if !state.has_room(waiting.bytes) {
            let waiting_bytes = state.bytes;
            return Err(Error::Busy { waiting_bytes, limit_bytes: WAITING_BYTES_MAX });
        }
        self.queue.push(state, waiting);
        Ok(())
    }

    /// Appends a batch, and returns once it is durable. Waits while too much else does.
    pub fn append(&self, batch: Batch) -> Result<Receipt, Error> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let done = move |answer| _ = sender.send(answer);
        let waiting = Waiting::new(batch, Box::new(done))?;
        let mut state = self.queue.lock();
        while !state.has_room(waiting.bytes) {
            state = self.queue.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.queue.push(state, waiting);
        let ended = || Error::Latched { file: "the log".into(), cause: "its writer ended".into() };
        receiver.recv().unwrap_or_else(|_| Err(ended()))
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.filled.notify_all();
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

impl Waiting {
    fn new(batch: Batch, done: Done) -> Result<Waiting, Error> {
        let bytes = batch.bytes();
        Ok(Waiting { request: batch.into_request()?, bytes, done })
    }
}

impl State {
    fn has_room(&self, bytes: usize) -> bool {
        self.waiting.is_empty() || self.bytes + bytes as u64 <= WAITING_BYTES_MAX
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, mut state: MutexGuard<'_, State>, waiting: Waiting) {
        // The writer sleeps only while nothing waits; to wake it is a system call.
        let may_sleep = state.waiting.is_empty();
        state.bytes += waiting.bytes as u64;
        state.waiting.push_back(waiting);
        drop(state);
        if may_sleep {
            self.filled.notify_one();
        }
    }

    /// All that waits, as far as one transaction takes it; None once the queue is closed and empty.
    fn take(&self) -> Option<Vec<Waiting>> {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(next) = state.waiting.pop_front() {
            bytes += next.bytes;
            taken.push(next);
            if bytes >= COMMIT_BYTES_MAX {
                break;
            }
        }
        state.bytes -= bytes as u64;
        drop(state);
        self.emptied.notify_all();
        Some(taken)
    }
}
