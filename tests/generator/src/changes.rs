//! The changes job: a feed of an orders table, each change with the order's image before and after.

use crate::feed::{Job, Mail, lateness, skewed};
use crate::orders::rfc3339;
use crate::rng::Rng;

const MERCHANTS: u64 = 200;
const CURRENCIES: [&str; 3] = ["EUR", "USD", "GBP"];
const HOUR_MS: i64 = 3_600_000;

/// `change_id, before, after`; an image has `order_id, merchant_id, currency, amount, status,
/// created_at`.
#[derive(Debug, Default)]
pub struct Changes {
    orders: u64,
    changes: u64,
}

impl Job for Changes {
    /// An order with all that becomes of it, over up to two days.
    fn happen(&mut self, rng: &mut Rng, now_ms: i64, mail: &mut Mail) {
        self.orders += 1;
        let merchant = skewed(rng, MERCHANTS);
        let fixed = format!(
            "{{\"order_id\":\"o-{}\",\"merchant_id\":\"m-{}\",\"currency\":\"{}\",\"created_at\":\"{}\"",
            self.orders,
            merchant + 1,
            CURRENCIES[(merchant % 3) as usize],
            rfc3339(now_ms),
        );
        let mut cents = rng.between(50, 40_000);
        let image = |cents: i64, status: &str| {
            format!("{fixed},\"amount\":{}.{:02},\"status\":\"{status}\"}}", cents / 100, cents % 100)
        };
        let mut before = "null".to_owned();
        let mut time_ms = now_ms;
        for status in ["pending", "completed", "completed", "refunded", "gone"] {
            let after = if status == "gone" { "null".to_owned() } else { image(cents, status) };
            self.change(rng, time_ms, (&before, &after), mail);
            if rng.chance(1, 3) {
                return;
            }
            before = after;
            time_ms += rng.between(1_000, 12 * HOUR_MS);
            cents += rng.between(0, 500);
        }
    }

    fn pace_ms(&self) -> i64 {
        150_000
    }
}

impl Changes {
    fn change(&mut self, rng: &mut Rng, time_ms: i64, (before, after): (&str, &str), mail: &mut Mail) {
        self.changes += 1;
        let after = match rng.below(1000) {
            0 => "{\"order_id\":\"o-0\",\"merchant_id\":\"m-1\"}",
            1 => "{\"merchant_id\":17}",
            _ => after,
        };
        let fields = format!("\"change_id\":\"c-{}\",\"before\":{before},\"after\":{after}", self.changes);
        mail.send(time_ms, lateness(rng, 4 * HOUR_MS), &fields);
    }
}
