//! Room for instances: whoever needs one waits until another is done with its own, for a bounded time.

use crate::transform::Fault;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

pub struct Slots {
    free: Mutex<u32>,
    freed: Condvar,
    wait: Duration,
}

/// Room for one instance.
pub struct Slot(Arc<Slots>);

impl Slots {
    pub fn new(count: u32, wait: Duration) -> Slots {
        Slots { free: Mutex::new(count), freed: Condvar::new(), wait }
    }

    pub fn take(self: &Arc<Slots>) -> Result<Slot, Fault> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_timeout_while(free, self.wait, |free| *free == 0);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *free == 0 {
            let seconds = self.wait.as_secs();
            return Err(Fault::Host(format!(
                "no instance became free within {seconds} s: too many call at a time"
            )));
        }
        *free -= 1;
        Ok(Slot(self.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
