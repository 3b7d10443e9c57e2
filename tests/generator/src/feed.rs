//! Events in the order of arrival, of jobs in which one thing leads to another: what happens now may
//! be told hours later, again, or never as it should be. Owns delivery; knows no job.

use crate::orders::rfc3339;
use crate::rng::Rng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// 2026-11-20T00:00:00Z, when every job begins.
const FROM_MS: i64 = 1_795_132_800_000;
/// Of 1,000 events, how many are delivered twice, up to a minute apart.
const AGAIN: u64 = 5;
const AGAIN_MS_MAX: i64 = 60_000;

/// What goes on in a job.
pub trait Job {
    /// Makes one thing happen now, and sends all the events that it will ever lead to.
    fn happen(&mut self, rng: &mut Rng, now_ms: i64, mail: &mut Mail);

    /// Greatest time between two things that happen.
    fn pace_ms(&self) -> i64;
}

/// Lines on their way.
#[derive(Debug, Default)]
pub struct Mail {
    /// By arrival, then by the order in which they were sent.
    lines: BinaryHeap<Reverse<(i64, u64, String)>>,
    sent: u64,
}

impl Mail {
    /// Sends an event of `time_ms` that arrives `late_ms` after it. `fields` are those of the object but
    /// for its time.
    pub fn send(&mut self, time_ms: i64, late_ms: i64, fields: &str) {
        let line = format!("{{\"ts\":\"{}\",{fields}}}", rfc3339(time_ms));
        self.sent += 1;
        self.lines.push(Reverse((time_ms + late_ms, self.sent, line)));
    }

    fn next(&mut self, now_ms: i64) -> Option<String> {
        let is_due = self.lines.peek().is_some_and(|Reverse((arrival_ms, ..))| *arrival_ms <= now_ms);
        if is_due { self.lines.pop().map(|Reverse((.., line))| line) } else { None }
    }
}

/// Writes a job's events as NDJSON, in the order in which they arrive.
#[derive(Debug)]
pub struct Feed<J> {
    job: J,
    rng: Rng,
    mail: Mail,
    now_ms: i64,
    left: u64,
}

impl<J: Job> Feed<J> {
    pub fn new(job: J, seed: u64, events: u64) -> Feed<J> {
        Feed { job, rng: Rng::new(seed), mail: Mail::default(), now_ms: FROM_MS, left: events }
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(line) = self.mail.next(self.now_ms) {
                if self.rng.chance(AGAIN, 1000) {
                    let arrival_ms = self.now_ms + self.rng.between(1, AGAIN_MS_MAX);
                    self.mail.sent += 1;
                    self.mail.lines.push(Reverse((arrival_ms, self.mail.sent, line.clone())));
                }
                return line;
            }
            self.now_ms += self.rng.between(1, self.job.pace_ms());
            self.job.happen(&mut self.rng, self.now_ms, &mut self.mail);
        }
    }
}

/// Whoever writes lines by portions.
pub trait Lines {
    /// Appends up to `lines` lines; returns how many, 0 at the end.
    fn fill(&mut self, out: &mut Vec<u8>, lines: usize) -> usize;
}

impl<J: Job> Lines for Feed<J> {
    fn fill(&mut self, out: &mut Vec<u8>, lines: usize) -> usize {
        let lines = (lines as u64).min(self.left);
        self.left -= lines;
        for _ in 0..lines {
            out.extend_from_slice(self.line().as_bytes());
            out.push(b'\n');
        }
        lines as usize
    }
}

/// How late an event is told: nearly all at once, one in a hundred up to `late_ms_max`.
pub fn lateness(rng: &mut Rng, late_ms_max: i64) -> i64 {
    if rng.chance(1, 100) { rng.between(0, late_ms_max) } else { rng.between(0, 2_000) }
}

/// One of `count`, the first of them most often.
pub fn skewed(rng: &mut Rng, count: u64) -> u64 {
    rng.below(count) * rng.below(count) / count
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ticks;

    impl Job for Ticks {
        fn happen(&mut self, rng: &mut Rng, now_ms: i64, mail: &mut Mail) {
            let late_ms = rng.between(0, 10_000);
            mail.send(now_ms, late_ms, &format!("\"late\":{late_ms}"));
        }

        fn pace_ms(&self) -> i64 {
            1_000
        }
    }

    #[test]
    fn events_arrive_late_out_of_order_and_some_twice() {
        let mut lines = Vec::new();
        assert_eq!(Feed::new(Ticks, 3, 5_000).fill(&mut lines, usize::MAX), 5_000);
        let text = String::from_utf8(lines).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let distinct: std::collections::BTreeSet<&str> = lines.iter().copied().collect();
        assert!((4_950..4_990).contains(&distinct.len()), "{}", distinct.len());
        assert!(lines.windows(2).filter(|pair| pair[0] > pair[1]).count() > 1_000);
    }
}
