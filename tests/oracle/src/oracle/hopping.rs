//! Payments and refunds by merchant in the hour up to each quarter: the guest `hopping`.

use super::field::{cents, required, text};
use super::{Answer, Cell, Clock, Plain, Seen, Verdict, each, in_range, windows};
use serde_json::Value;
use std::collections::BTreeMap;

const SIZE_MS: i64 = 3_600_000;
const SLIDE_MS: i64 = 900_000;

struct Payment {
    time_ms: i64,
    offset: u64,
    amount: i64,
    is_refund: bool,
}

/// Wanted are completed and refunded orders; an amount of nothing is rejected; the merchant may be
/// absent.
pub fn hopping(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut cells: BTreeMap<Cell, Vec<Payment>> = BTreeMap::new();
    let mut answer = each(events, clock, Some((SIZE_MS, SLIDE_MS)), |event, object| {
        let is_refund = match object.get("status") {
            Some(Value::String(status)) if status == "completed" => false,
            Some(Value::String(status)) if status == "refunded" => true,
            _ => return Ok(Verdict::Ignored),
        };
        let (merchant, amount) = (text(object, "merchant_id"), cents(object, "amount"));
        let (merchant, amount) = (merchant?, required(amount?)?);
        if amount == 0 {
            return Ok(Verdict::Rejected);
        }
        for window in windows(event.time_ms, SIZE_MS, SLIDE_MS) {
            let payment = Payment { time_ms: event.time_ms, offset: event.offset, amount, is_refund };
            cells.entry((vec![merchant.clone()], window)).or_default().push(payment);
        }
        Ok(Verdict::Folded)
    });
    answer.rows = cells.into_iter().map(|(cell, payments)| (cell, row(&payments))).collect();
    answer
}

/// `payments, refunds, paid, smallest, first, last, first_seen, last_seen`. First and last go by
/// time, then offset; first seen and last seen by offset; all four over payments and refunds alike.
fn row(all: &[Payment]) -> Option<Vec<Plain>> {
    let paid: Vec<i64> = all.iter().filter(|one| !one.is_refund).map(|one| one.amount).collect();
    let sum = paid.iter().map(|amount| i128::from(*amount)).sum();
    let by_time = |one: &&Payment| (one.time_ms, one.offset);
    let shown = |one: Option<&Payment>| one.map_or(Plain::Absent, |one| Plain::Integer(one.amount));
    Some(vec![
        Plain::Integer(paid.len() as i64),
        Plain::Integer((all.len() - paid.len()) as i64),
        in_range(sum)?,
        paid.iter().min().map_or(Plain::Absent, |least| Plain::Integer(*least)),
        shown(all.iter().min_by_key(by_time)),
        shown(all.iter().max_by_key(by_time)),
        shown(all.first()),
        shown(all.last()),
    ])
}
