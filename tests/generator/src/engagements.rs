//! The engagements job: views of items under topics, some of which everybody looks at for a while.

use crate::feed::{Job, Mail, lateness, skewed};
use crate::rng::Rng;

const TOPICS: [&str; 6] = ["news", "sport", "music", "games", "food", "travel"];
const ITEMS: u64 = 80;
const USERS: u64 = 20_000;
/// Every item in its turn is the one of this quarter of an hour.
const TURN_MS: i64 = 15 * 60_000;

/// `topic, item_id, user_id`.
#[derive(Debug)]
pub struct Engagements;

impl Job for Engagements {
    fn happen(&mut self, rng: &mut Rng, now_ms: i64, mail: &mut Mail) {
        let turn = now_ms.div_euclid(TURN_MS).unsigned_abs() % ITEMS;
        let item = if rng.chance(1, 3) { turn } else { skewed(rng, ITEMS) };
        let topic = TOPICS[(item % TOPICS.len() as u64) as usize];
        let fields = match rng.below(1000) {
            0 => format!("\"topic\":\"{topic}\",\"item_id\":\"i-{item}\""),
            1 => format!("\"topic\":\"{topic}\",\"item_id\":{item},\"user_id\":\"u-1\""),
            _ => format!(
                "\"topic\":\"{topic}\",\"item_id\":\"i-{item}\",\"user_id\":\"u-{}\"",
                skewed(rng, USERS)
            ),
        };
        mail.send(now_ms, lateness(rng, 5 * 60_000), &fields);
    }

    fn pace_ms(&self) -> i64 {
        400
    }
}
