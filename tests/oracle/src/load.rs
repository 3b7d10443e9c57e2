//! Logs of the generator's jobs: what a plugin sees in use, in the order of arrival.

use crate::oracle::time_of;
use generator::wild::Arrival;

/// The first `events` events of a job. Each is appended when the greatest time so far is now.
pub fn arrivals(job: &str, events: u64, seed: u64) -> Vec<Arrival> {
    let (mut job, mut lines) = (generator::job(job, events, seed).expect("a job"), Vec::new());
    while job.fill(&mut lines, 8192) > 0 {}
    let (mut arrivals, mut now_ms) = (Vec::new(), i64::MIN);
    for payload in String::from_utf8(lines).expect("text").lines() {
        let time_ms = time_of(payload, "ts").expect("a time");
        now_ms = now_ms.max(time_ms);
        arrivals.push(Arrival { time_ms, ingested_ms: now_ms, payload: payload.to_owned() });
    }
    arrivals
}
