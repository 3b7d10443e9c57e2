//! Room for instances: whoever needs one waits until another is done with its own. Calls are short, and
//! no call needs a second instance, so that none waits for ever; who waits too long learns from the pool
//! that it is full.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(60);

pub struct Slots {
    free: Mutex<u32>,
    freed: Condvar,
}

/// Room for one instance.
pub struct Slot(Arc<Slots>, bool);

impl Slots {
    pub fn new(count: u32) -> Slots {
        Slots { free: Mutex::new(count), freed: Condvar::new() }
    }

    pub fn take(self: &Arc<Slots>) -> Slot {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(free, WAIT, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_taken = *free > 0;
        *free -= u32::from(is_taken);
        Slot(self.clone(), is_taken)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.1 {
            *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.0.freed.notify_one();
        }
    }
}
