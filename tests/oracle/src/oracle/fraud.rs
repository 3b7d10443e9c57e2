//! Three declines of a card, then an approval, all within ten minutes, in the order of the log.

use super::field::{cents, required, text};
use super::{Answer, Clock, Plain, Seen, Verdict, each, in_range};
use serde_json::Value;
use std::collections::BTreeMap;

const WITHIN_MS: i64 = 600_000;

/// When, and how much was approved; None: declined.
type Payment = (i64, Option<i64>);

pub fn fraud(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut cards: BTreeMap<String, Vec<Payment>> = BTreeMap::new();
    let mut answer = each(events, clock, None, |event, object| {
        let is_approved = match object.get("status") {
            Some(Value::String(status)) if status == "approved" => true,
            Some(Value::String(status)) if status == "declined" => false,
            _ => return Ok(Verdict::Ignored),
        };
        let (card, amount) = (text(object, "card_id"), cents(object, "amount"));
        let (card, amount) = (required(card?)?, amount?);
        let amount = if is_approved { Some(required(amount)?) } else { None };
        cards.entry(card).or_default().push((event.time_ms, amount));
        Ok(Verdict::Folded)
    });
    let cell = |card| (vec![Some(card)], 0);
    answer.rows = cards.into_iter().map(|(card, payments)| (cell(card), row(&payments))).collect();
    answer
}

/// `alerts, last_alert, amount`: each four payments of which the last alone is approved are looked at.
fn row(payments: &[Payment]) -> Option<Vec<Plain>> {
    let mut alerts = Vec::new();
    for four in payments.windows(4) {
        let [(_, None), (_, None), (_, None), (approved_ms, Some(amount))] = four else { continue };
        let mut times: Vec<i64> = four.iter().map(|(time_ms, _)| *time_ms).collect();
        times.sort_unstable();
        if times[3] - times[0] <= WITHIN_MS {
            alerts.push((*approved_ms, i128::from(*amount)));
        }
    }
    let last = alerts.last().map_or(Plain::Absent, |(time_ms, _)| Plain::Integer(*time_ms));
    let sum = alerts.iter().map(|(_, amount)| amount).sum();
    Some(vec![Plain::Integer(alerts.len() as i64), last, in_range(sum)?])
}
