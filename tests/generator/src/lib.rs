//! Events for tests and benches, the same for the same seed on any machine. Owns what the jobs
//! of the plugins look like in use and what a wild case may hold; knows nothing of transforms or of the
//! host.
//!
//! ```
//! use generator::orders::{Orders, Shape};
//!
//! let mut lines = Vec::new();
//! Orders::new(Shape { events: 1_000, ..Shape::default() }).fill(&mut lines, usize::MAX);
//! assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 1_000);
//! ```

pub mod baskets;
pub mod changes;
pub mod engagements;
pub mod feed;
pub mod orders;
pub mod payments;
pub mod rng;
pub mod trips;
pub mod wild;

use feed::{Feed, Lines};

/// The jobs, by the names that the command line and tests call them.
pub const JOBS: [&str; 6] = ["orders", "changes", "trips", "engagements", "payments", "baskets"];

/// The events of a job; `None`: there is no such job.
pub fn job(name: &str, events: u64, seed: u64) -> Option<Box<dyn Lines>> {
    Some(match name {
        "orders" => Box::new(orders::Orders::new(orders::Shape { events, seed, ..Default::default() })),
        "changes" => Box::new(Feed::new(changes::Changes::default(), seed, events)),
        "trips" => Box::new(Feed::new(trips::Trips::default(), seed, events)),
        "engagements" => Box::new(Feed::new(engagements::Engagements, seed, events)),
        "payments" => Box::new(Feed::new(payments::Payments, seed, events)),
        "baskets" => Box::new(Feed::new(baskets::Baskets, seed, events)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_json_and_the_same_for_the_same_seed_whatever_the_portions() {
        for name in JOBS {
            let lines = |seed: u64, portion: usize| {
                let (mut out, mut job) = (Vec::new(), job(name, 3_000, seed).unwrap());
                while job.fill(&mut out, portion) > 0 {}
                String::from_utf8(out).unwrap()
            };
            let whole = lines(1, usize::MAX);
            assert!(whole == lines(1, 333), "{name}");
            assert!(whole != lines(2, 333), "{name}");
            assert_eq!(whole.lines().count(), 3_000, "{name}");
            for line in whole.lines() {
                let event: serde_json::Value = serde_json::from_str(line).expect(line);
                assert!(event["ts"].is_string(), "{line}");
            }
        }
        assert!(job("weather", 1, 1).is_none());
    }
}
