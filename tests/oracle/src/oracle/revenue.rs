//! Hourly revenue per merchant and currency of completed orders.

use super::field::{cents, required, text};
use super::{Answer, Cell, Clock, Plain, Seen, Verdict, each, in_range, windows};
use std::collections::BTreeMap;

const HOUR_MS: i64 = 3_600_000;

pub fn revenue(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut cells: BTreeMap<Cell, Vec<i64>> = BTreeMap::new();
    let mut answer = each(events, clock, Some((HOUR_MS, HOUR_MS)), |event, object| {
        let (merchant, currency) = (text(object, "merchant_id"), text(object, "currency"));
        let (amount, status) = (cents(object, "amount"), text(object, "status"));
        let keys = vec![Some(required(merchant?)?), Some(required(currency?)?)];
        let (amount, status) = (required(amount?)?, required(status?)?);
        if status == "completed" {
            for window in windows(event.time_ms, HOUR_MS, HOUR_MS) {
                cells.entry((keys.clone(), window)).or_default().push(amount);
            }
        }
        Ok(Verdict::Folded)
    });
    answer.rows = cells.into_iter().map(|(cell, amounts)| (cell, row(&amounts))).collect();
    answer
}

/// `amount, orders, largest`.
fn row(amounts: &[i64]) -> Option<Vec<Plain>> {
    let sum = amounts.iter().map(|amount| i128::from(*amount)).sum();
    let largest = amounts.iter().max().map_or(Plain::Absent, |largest| Plain::Integer(*largest));
    Some(vec![in_range(sum)?, Plain::Integer(amounts.len() as i64), largest])
}
