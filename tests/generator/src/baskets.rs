//! The baskets job: purchases of several items, some of which go together.

use crate::feed::{Job, Mail, lateness, skewed};
use crate::rng::Rng;

const USERS: u64 = 500;
const SKUS: u64 = 150;
/// Items come in groups of so many that are often bought together.
const GROUP: u64 = 5;

/// `user_id, items`; an item has `sku, quantity`.
#[derive(Debug)]
pub struct Baskets;

impl Job for Baskets {
    fn happen(&mut self, rng: &mut Rng, now_ms: i64, mail: &mut Mail) {
        // One in a thousand is a reseller's, larger than what is looked at.
        let count = if rng.chance(1, 1000) { 40 } else { rng.between(1, 6) };
        let first = skewed(rng, SKUS);
        let mut items = Vec::new();
        for _ in 0..count {
            let sku =
                if rng.chance(1, 2) { first / GROUP * GROUP + rng.below(GROUP) } else { skewed(rng, SKUS) };
            items.push(format!("{{\"sku\":\"s-{sku}\",\"quantity\":{}}}", rng.between(1, 3)));
        }
        let items = match rng.below(1000) {
            0 => "\"none\"".to_owned(),
            1 => "[{\"quantity\":1}]".to_owned(),
            _ => format!("[{}]", items.join(",")),
        };
        let fields = format!("\"user_id\":\"u-{}\",\"items\":{items}", skewed(rng, USERS) + 1);
        mail.send(now_ms, lateness(rng, 3_600_000), &fields);
    }

    fn pace_ms(&self) -> i64 {
        20_000
    }
}
