//! The payments job: approvals and declines of cards, and now and then a card that somebody tries
//! until it works.

use crate::feed::{Job, Mail, lateness, skewed};
use crate::rng::Rng;

const CARDS: u64 = 2_000;
const MINUTE_MS: i64 = 60_000;

/// `card_id, amount, status`.
#[derive(Debug)]
pub struct Payments;

impl Job for Payments {
    fn happen(&mut self, rng: &mut Rng, now_ms: i64, mail: &mut Mail) {
        let card = skewed(rng, CARDS) + 1;
        if rng.chance(1, 100) {
            return attack(rng, now_ms, card, mail);
        }
        let status = match rng.below(20) {
            0 | 1 => "declined",
            2 => "reversed",
            _ => "approved",
        };
        pay(rng, now_ms, card, status, mail);
    }

    fn pace_ms(&self) -> i64 {
        3_000
    }
}

/// Two to five declines, then an approval, within some twelve minutes: not all of them are fraud.
fn attack(rng: &mut Rng, now_ms: i64, card: u64, mail: &mut Mail) {
    let mut time_ms = now_ms;
    for _ in 0..rng.between(2, 5) {
        pay(rng, time_ms, card, "declined", mail);
        time_ms += rng.between(1_000, 3 * MINUTE_MS);
    }
    pay(rng, time_ms, card, "approved", mail);
}

fn pay(rng: &mut Rng, time_ms: i64, card: u64, status: &str, mail: &mut Mail) {
    let cents = rng.between(100, 20_000);
    let amount = match rng.below(1000) {
        0 => "\"a lot\"".to_owned(),
        _ => format!("{}.{:02}", cents / 100, cents % 100),
    };
    let fields = format!("\"card_id\":\"c-{card}\",\"amount\":{amount},\"status\":\"{status}\"");
    mail.send(time_ms, lateness(rng, 20 * MINUTE_MS), &fields);
}
