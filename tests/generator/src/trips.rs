//! The trips job: trips of some hundred drivers, with corrections of their distance hours later.

use crate::feed::{Job, Mail, lateness, skewed};
use crate::rng::Rng;

const DRIVERS: u64 = 300;
const HOUR_MS: i64 = 3_600_000;

/// `type, driver_id, trip_id, metres, seconds, ended_at`.
#[derive(Debug, Default)]
pub struct Trips {
    trips: u64,
}

impl Job for Trips {
    fn happen(&mut self, rng: &mut Rng, now_ms: i64, mail: &mut Mail) {
        self.trips += 1;
        let trip =
            format!("\"driver_id\":\"d-{}\",\"trip_id\":\"t-{}\"", skewed(rng, DRIVERS) + 1, self.trips);
        if rng.chance(1, 20) {
            mail.send(now_ms - HOUR_MS / 2, 0, &format!("\"type\":\"trip.started\",{trip}"));
        }
        let metres = 300 + (rng.below(180) * rng.below(180)) as i64;
        let seconds = metres / 8 + rng.between(0, 900);
        let ended = match rng.below(1000) {
            0 => format!("\"metres\":\"far\",\"seconds\":{seconds}"),
            1 => format!("\"metres\":-{metres},\"seconds\":{seconds}"),
            2 => format!("\"metres\":{metres}"),
            _ => format!("\"metres\":{metres},\"seconds\":{seconds}"),
        };
        let late_ms = lateness(rng, 2 * HOUR_MS);
        mail.send(now_ms, late_ms, &format!("\"type\":\"trip.ended\",{trip},{ended}"));
        if rng.chance(1, 6) {
            correct(rng, now_ms, &trip, metres, mail);
        }
    }

    fn pace_ms(&self) -> i64 {
        80_000
    }
}

/// One or two corrections, one in fifty of them too late to count.
fn correct(rng: &mut Rng, ended_ms: i64, trip: &str, metres: i64, mail: &mut Mail) {
    let ended_at = crate::orders::rfc3339(ended_ms);
    for _ in 0..rng.between(1, 2) {
        let most_ms = if rng.chance(1, 50) { 8 * HOUR_MS } else { 6 * HOUR_MS };
        let time_ms = ended_ms + rng.between(0, most_ms);
        let metres = metres * rng.between(80, 130) / 100;
        let fields =
            format!("\"type\":\"trip.corrected\",{trip},\"ended_at\":\"{ended_at}\",\"metres\":{metres}");
        mail.send(time_ms, lateness(rng, HOUR_MS), &fields);
    }
}
