//! Engagements and users by topic and item in the five minutes up to each minute.

use super::field::{required, text};
use super::number::about_distinct;
use super::{Answer, Cell, Clock, Plain, Seen, Verdict, each, windows};
use std::collections::{BTreeMap, BTreeSet};

const SIZE_MS: i64 = 300_000;
const SLIDE_MS: i64 = 60_000;

pub fn trending(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut cells: BTreeMap<Cell, (i64, BTreeSet<String>)> = BTreeMap::new();
    let mut answer = each(events, clock, Some((SIZE_MS, SLIDE_MS)), |event, object| {
        let (topic, item, user) = (text(object, "topic"), text(object, "item_id"), text(object, "user_id"));
        let (topic, item, user) = (required(topic?)?, required(item?)?, required(user?)?);
        for window in windows(event.time_ms, SIZE_MS, SLIDE_MS) {
            let cell = (vec![Some(topic.clone()), Some(item.clone())], window);
            let (engagements, users) = cells.entry(cell).or_default();
            *engagements += 1;
            users.insert(user.clone());
        }
        Ok(Verdict::Folded)
    });
    let row = |(engagements, users): (i64, BTreeSet<String>)| {
        let told = about_distinct(&users);
        let error = (told - users.len() as i64).abs() as f64;
        assert!(error <= 1.0 + 5.0 * 0.016_25 * users.len() as f64, "{told} for {}", users.len());
        Some(vec![Plain::Integer(engagements), Plain::Integer(told)])
    };
    answer.rows = cells.into_iter().map(|(cell, seen)| (cell, row(seen))).collect();
    answer
}
