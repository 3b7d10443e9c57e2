//! How much one call is given.

use crate::transform::Fault;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many rows, pairs or cells a call is given: fewer after one that met a limit and passed as halves, more
/// again after many that passed, since a few dear ones among them may have been the cause.
#[derive(Debug)]
pub struct Size {
    /// None is given more.
    limit: usize,
    most: AtomicUsize,
    /// Calls of that size that have passed one after the other.
    passed: AtomicUsize,
}

/// Calls that pass before larger ones are tried.
const PASSED_BEFORE_MORE: usize = 64;

impl Size {
    pub fn up_to(limit: usize) -> Size {
        Size { limit, most: AtomicUsize::new(limit), passed: AtomicUsize::new(0) }
    }

    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// A call of so many passed, or failed as a whole though none of them alone did.
    pub fn learn(&self, tried: usize, fault: Option<&Fault>) {
        match fault {
            Some(fault) if is_of_size(fault) => {
                self.most.fetch_min(tried.div_ceil(2), Ordering::Relaxed);
                self.passed.store(0, Ordering::Relaxed);
            }
            None if tried == self.most() && tried < self.limit => {
                let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
                if passed >= PASSED_BEFORE_MORE {
                    self.passed.store(0, Ordering::Relaxed);
                    self.most.store(tried.saturating_mul(2).min(self.limit), Ordering::Relaxed);
                }
            }
            _ => {}
        }
    }
}

/// Whether a call of fewer rows or cells may pass where this one met its limit.
fn is_of_size(fault: &Fault) -> bool {
    matches!(fault, Fault::Fuel { .. } | Fault::Memory { .. } | Fault::ResultSize { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_met_a_limit_is_given_less_and_after_a_while_more_again() {
        let size = Size::up_to(1_000);
        size.learn(1_000, Some(&Fault::Trap("it is not its size".into())));
        assert_eq!(size.most(), 1_000);
        size.learn(1_000, Some(&Fault::Fuel { limit: 1 }));
        size.learn(500, Some(&Fault::Fuel { limit: 1 }));
        assert_eq!(size.most(), 250);
        (1..PASSED_BEFORE_MORE).for_each(|_| size.learn(250, None));
        // Smaller ones tell nothing.
        size.learn(249, None);
        assert_eq!(size.most(), 250);
        size.learn(250, None);
        assert_eq!(size.most(), 500);
        (0..PASSED_BEFORE_MORE).for_each(|_| size.learn(500, None));
        (0..PASSED_BEFORE_MORE).for_each(|_| size.learn(1_000, None));
        assert_eq!(size.most(), 1_000, "no more than the limit");
    }
}
