//! What the versions of a view say of themselves: their last lines are kept for whoever asks, and a few a
//! second go to the log of the process. A transform that says something of every event neither fills the
//! memory nor drowns the others.

use crate::wasm::{Level, Sink};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines of one view that are kept.
pub const LINES_KEPT: usize = 1_000;
/// Lines of one view that go on to the log of the process in each second.
const LINES_A_SECOND: u64 = 10;
/// Lines of one view that are kept in each second; in a replay millions may come.
const KEPT_A_SECOND: u64 = 1_000;

/// A line that a transform logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at_ms: i64,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    pub message: String,
}

/// The lines of all views.
pub struct Journal {
    /// The log of the process: level, view, line.
    out: Sink,
    views: Mutex<BTreeMap<String, Arc<Mutex<Lines>>>>,
}

#[derive(Debug)]
struct Lines {
    kept: VecDeque<Line>,
    /// All that were ever logged.
    total: u64,
    second: Instant,
    /// Of this second.
    seen: u64,
}

impl Journal {
    pub fn new(out: Sink) -> Journal {
        Journal { out, views: Mutex::default() }
    }

    /// Where the transforms of a view are to log.
    pub fn of(&self, view: &str) -> Sink {
        let (lines, out, view) = (self.lines(view), self.out.clone(), view.to_owned());
        Arc::new(move |level, _, message| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            let place = lines.count();
            if place.dropped > 0 {
                let dropped = format!("{} lines were left out in a second", place.dropped);
                out(Level::Warn, &view, &dropped);
            }
            if place.in_second <= KEPT_A_SECOND {
                lines.keep(level, message);
            }
            drop(lines);
            if place.in_second <= LINES_A_SECOND {
                out(level, &view, message);
            }
        })
    }

    /// The last `limit` lines of a view, and how many there ever were since the start.
    pub fn last(&self, view: &str, limit: usize) -> (Vec<Line>, u64) {
        let lines = self.lines(view);
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        let from = lines.kept.len().saturating_sub(limit);
        (lines.kept.range(from..).cloned().collect(), lines.total)
    }

    pub fn forget(&self, view: &str) {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).remove(view);
    }

    fn lines(&self, view: &str) -> Arc<Mutex<Lines>> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.entry(view.to_owned()).or_default().clone()
    }
}

/// Where a line stands among those of its second.
struct Place {
    /// From 1.
    in_second: u64,
    /// Of the second before, if this is the first of a second.
    dropped: u64,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines { kept: VecDeque::new(), total: 0, second: Instant::now(), seen: 0 }
    }
}

impl Lines {
    fn count(&mut self) -> Place {
        self.total += 1;
        let mut dropped = 0;
        if self.second.elapsed() >= Duration::from_secs(1) {
            dropped = self.seen.saturating_sub(LINES_A_SECOND);
            (self.second, self.seen) = (Instant::now(), 0);
        }
        self.seen += 1;
        Place { in_second: self.seen, dropped }
    }

    fn keep(&mut self, level: Level, message: &str) {
        if self.kept.len() == LINES_KEPT {
            self.kept.pop_front();
        }
        let at_ms = chrono::Utc::now().timestamp_millis();
        self.kept.push_back(Line { at_ms, level: level.to_string(), message: message.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_talks_without_end_is_bounded_and_the_others_are_heard() {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = said.clone();
        let journal = Journal::new(Arc::new(move |_, view, line| {
            heard.lock().unwrap().push(format!("{view}: {line}"));
        }));
        let (loud, quiet) = (journal.of("loud"), journal.of("quiet"));
        (0..100_000).for_each(|i| loud(Level::Info, "transform", &i.to_string()));
        quiet(Level::Warn, "transform", "hello");
        let (kept, total) = journal.last("loud", usize::MAX);
        assert!(kept.len() <= LINES_KEPT && total == 100_000);
        assert_eq!(kept[0].message, "0");
        let (kept, _) = journal.last("quiet", 1);
        assert_eq!((kept[0].level.as_str(), kept[0].message.as_str()), ("warn", "hello"));
        let said = said.lock().unwrap();
        assert!(said.len() < 1_000, "{} lines", said.len());
        assert!(said.contains(&"quiet: hello".to_owned()));
    }
}
