//! Memory for bodies: taken as they grow, given back once they are read.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted at a time: a semaphore counts in 32 bits.
const UNIT_BYTES: usize = 1 << 10;

#[derive(Clone, Debug)]
pub struct Budget {
    units: Arc<Semaphore>,
    bytes_max: usize,
}

/// A part of it; given back when it is dropped.
pub struct Room {
    budget: Budget,
    bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub fn new(bytes_max: usize) -> Budget {
        let units = Semaphore::new((bytes_max / UNIT_BYTES).min(u32::MAX as usize));
        Budget { units: Arc::new(units), bytes_max }
    }

    pub fn room(&self) -> Room {
        Room { budget: self.clone(), bytes: 0, permit: None }
    }

    /// Whether so many bytes could be taken now.
    pub fn has(&self, bytes: usize) -> bool {
        self.units.available_permits() * UNIT_BYTES >= bytes
    }

    pub fn taken_bytes(&self) -> usize {
        self.bytes_max.saturating_sub(self.units.available_permits() * UNIT_BYTES)
    }
}

impl Room {
    /// Takes so many more bytes; false if they are not there.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let units = |bytes: usize| bytes.div_ceil(UNIT_BYTES);
        let more = units(self.bytes + bytes) - units(self.bytes);
        let Ok(more) = u32::try_from(more) else { return false };
        let Ok(permit) = self.budget.units.clone().try_acquire_many_owned(more) else { return false };
        self.bytes += bytes;
        match &mut self.permit {
            Some(all) => all.merge(permit),
            None => self.permit = Some(permit),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_taken_as_bodies_grow_and_given_back() {
        let budget = Budget::new(10 << 10);
        let (mut one, mut other) = (budget.room(), budget.room());
        assert!(one.grow(1) && one.grow(1023), "both of one unit");
        assert_eq!(budget.taken_bytes(), 1 << 10);
        assert!(other.grow(9 << 10) && !one.grow(1) && !budget.has(1));
        drop(other);
        assert!(one.grow(1) && budget.has(8 << 10) && !budget.has(9 << 10));
        drop(one);
        assert_eq!(budget.taken_bytes(), 0);
    }
}
