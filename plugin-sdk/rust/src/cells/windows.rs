//! From a time to the start of its window.

use crate::description::Window;

/// The time of the event at hand, and the window of a time. Events come nearly in order, so the
/// last window is usually the next one too and the division is left out.
pub(crate) struct Windows {
    time_ms: i64,
    /// How long before the latest window of a time the one wanted begins.
    back_ms: i64,
    /// The greatest `back_ms`.
    back_ms_max: i64,
    /// The latest start at or before the time that was last asked for, and how far it reaches.
    latest_ms: i64,
    reach_ms: u64,
    /// The start of the wanted window: `back_ms` before the latest.
    start_ms: i64,
    slide_ms: i64,
    global: bool,
}

impl Windows {
    pub(crate) fn new(window: Option<Window>) -> Windows {
        let (size_ms, slide_ms) = window.map_or((1, 1), |window| (window.size_ms, window.slide_ms));
        Windows {
            time_ms: 0,
            back_ms: 0,
            back_ms_max: size_ms - slide_ms,
            // One global window holds all times; where it starts is never seen.
            latest_ms: if window.is_none() { i64::MIN } else { 0 },
            start_ms: if window.is_none() { i64::MIN } else { 0 },
            reach_ms: if window.is_none() { u64::MAX } else { slide_ms as u64 },
            slide_ms,
            global: window.is_none(),
        }
    }

    pub(crate) fn is_global(&self) -> bool {
        self.global
    }

    pub(crate) fn slide_ms(&self) -> i64 {
        self.slide_ms
    }

    /// The time of the event at hand.
    #[inline]
    pub(crate) fn time_ms(&self) -> i64 {
        self.time_ms
    }

    #[inline]
    pub(crate) fn begin(&mut self, time_ms: i64) {
        self.time_ms = time_ms;
    }

    /// Turns to the `hop`th of the windows that hold a time, the latest being 0.
    pub(crate) fn hop(&mut self, hop: i64) {
        self.back_ms = hop * self.slide_ms;
        self.start_ms = self.latest_ms.wrapping_sub(self.back_ms);
    }

    /// The start of the wanted one of the windows that hold `time_ms`.
    #[inline]
    pub(crate) fn start(&mut self, time_ms: i64) -> i64 {
        // Wrapping: a time before the start becomes a great number, beyond every reach.
        if time_ms.wrapping_sub(self.latest_ms) as u64 >= self.reach_ms {
            self.turn(time_ms);
        }
        self.start_ms
    }

    /// Turns to the latest window that holds `time_ms`.
    #[cold]
    fn turn(&mut self, time_ms: i64) {
        if self.global {
            return;
        }
        let latest_ms = time_ms.div_euclid(self.slide_ms).checked_mul(self.slide_ms);
        match latest_ms.filter(|latest| latest.checked_sub(self.back_ms_max).is_some()) {
            Some(latest_ms) => self.latest_ms = latest_ms,
            None => panic!("time {time_ms} ms is too early to have a window"),
        }
        self.start_ms = self.latest_ms.wrapping_sub(self.back_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(window: Window, time_ms: i64) -> Vec<i64> {
        let mut windows = Windows::new(Some(window));
        (0..window.size_ms / window.slide_ms)
            .map(|hop| {
                windows.hop(hop);
                windows.start(time_ms)
            })
            .collect()
    }

    #[test]
    fn windows_begin_at_multiples_of_the_slide_before_1970_too() {
        for (time_ms, start_ms) in [(0, 0), (9, 0), (10, 10), (-1, -10), (-10, -10), (-11, -20)] {
            assert_eq!(starts(Window::tumbling(10), time_ms), [start_ms], "time {time_ms}");
        }
    }

    #[test]
    fn every_window_that_holds_a_time_is_found_once() {
        for time_ms in -100..100 {
            let expected: Vec<i64> = (-200..200)
                .rev()
                .filter(|start| start % 5 == 0 && (*start..start + 20).contains(&time_ms))
                .collect();
            assert_eq!(starts(Window::hopping(20, 5), time_ms), expected, "time {time_ms}");
        }
    }

    #[test]
    fn the_window_found_last_does_not_decide_the_next() {
        let mut windows = Windows::new(Some(Window::tumbling(10)));
        let starts: Vec<i64> = [5, 12, 11, 3, -4, 40, i64::MAX].map(|time| windows.start(time)).into();
        assert_eq!(starts, [0, 10, 10, 0, -10, 40, i64::MAX / 10 * 10]);
    }

    #[test]
    fn one_global_window_holds_all_times() {
        let mut windows = Windows::new(None);
        let starts = [0, -1, i64::MIN, i64::MAX].map(|time| windows.start(time));
        assert!(starts.iter().all(|start| *start == starts[0]));
    }

    #[test]
    #[should_panic(expected = "too early to have a window")]
    fn a_time_whose_first_window_would_start_below_all_numbers_is_refused() {
        starts(Window::hopping(20, 10), i64::MIN + 12);
    }
}
