//! The last 20 items of each user, and the 10 items that share most baskets with each item.

use super::field::{required, text};
use super::{Answer, Clock, Plain, Seen, Unfit, Verdict, each};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ITEMS_MAX: usize = 32;

/// Who bought, and which items, each once.
fn basket(object: &Map<String, Value>) -> Result<(String, BTreeSet<String>), Unfit> {
    let user = required(text(object, "user_id")?)?;
    let Some(Value::Array(items)) = object.get("items") else { return Err(Unfit) };
    if items.len() > ITEMS_MAX {
        return Err(Unfit);
    }
    let sku = |item: &Value| match item.get("sku") {
        Some(Value::String(sku)) if item.is_object() => Ok(sku.clone()),
        _ => Err(Unfit),
    };
    Ok((user, items.iter().map(sku).collect::<Result<_, _>>()?))
}

/// `recent, together`, of which the second is empty.
pub fn recent(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut users: BTreeMap<String, Vec<(i64, u64, String)>> = BTreeMap::new();
    let mut answer = each(events, clock, None, |event, object| {
        let (user, items) = basket(object)?;
        for item in items {
            users.entry(user.clone()).or_default().push((event.time_ms, event.offset, item));
        }
        Ok(Verdict::Folded)
    });
    for (user, mut bought) in users {
        bought.sort_unstable_by(|a, b| b.cmp(a));
        let last: Vec<_> = bought.into_iter().take(20).map(|(.., item)| item).collect();
        let outputs = vec![Plain::Text(json!(last).to_string()), Plain::Text("[]".into())];
        answer.rows.insert((vec![Some(user)], 0), Some(outputs));
    }
    answer
}

/// `recent, together`, of which the first is empty.
pub fn together(events: &[Seen<'_>], clock: Clock) -> Answer {
    let mut pairs: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    let mut answer = each(events, clock, None, |_, object| {
        let (_, items) = basket(object)?;
        for item in &items {
            for other in &items {
                if other != item {
                    *pairs.entry(item.clone()).or_default().entry(other.clone()).or_default() += 1;
                }
            }
        }
        Ok(Verdict::Folded)
    });
    for (item, counts) in pairs {
        let mut counts: Vec<(String, i64)> = counts.into_iter().collect();
        counts.sort_by_key(|(other, count)| (-count, other.clone()));
        counts.truncate(10);
        let outputs = vec![Plain::Text("[]".into()), Plain::Text(json!(counts).to_string())];
        answer.rows.insert((vec![Some(item)], 0), Some(outputs));
    }
    answer
}
