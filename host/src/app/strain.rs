//! How much of a view's time goes to finding events that fail: each of them costs calls that are thrown away.
//! A view that is given many lags by itself, and says so.

use std::time::{Duration, Instant};

/// What is looked at together.
const WINDOW: Duration = Duration::from_secs(10);
/// In percent; above it, it is told.
pub const SHARE_MAX: u32 = 50;

/// The time of one view, window by window.
pub struct Strain {
    since: Instant,
    /// Time that had gone to it by then.
    before: Duration,
}

impl Strain {
    pub fn new(now: Instant, bisecting: Duration) -> Strain {
        Strain { since: now, before: bisecting }
    }

    /// `bisecting`: all the time that has gone to it so far. At the end of a window the share of it that
    /// did, in percent.
    pub fn note(&mut self, now: Instant, bisecting: Duration) -> Option<u32> {
        let window = now.saturating_duration_since(self.since);
        if window < WINDOW {
            return None;
        }
        let share = bisecting.saturating_sub(self.before).as_secs_f64() / window.as_secs_f64();
        *self = Strain::new(now, bisecting);
        Some((share * 100.0).round() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_that_of_the_window_which_ends() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut strain = Strain::new(start, second);
        assert_eq!(strain.note(start + 9 * second, 9 * second), None);
        assert_eq!(strain.note(start + 10 * second, 9 * second), Some(80));
        assert_eq!(strain.note(start + 19 * second, 9 * second), None);
        assert_eq!(strain.note(start + 30 * second, 10 * second), Some(5));
    }
}
