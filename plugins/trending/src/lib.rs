//! What is engaged with, and by how many people, in the five minutes up to each minute.

use bifocal_sdk::*;

#[derive(Event)]
struct Engagement<'a> {
    topic: Text<'a>,
    item_id: Text<'a>,
    user_id: &'a str,
}

#[derive(Key)]
struct Item<'a> {
    topic: Text<'a>,
    item_id: Text<'a>,
}

#[derive(State)]
struct Trend {
    engagements: Count,
    /// Within some 1.6 %, in 3 KiB an item and window however many they are.
    users: Distinct<String>,
}

/// Engagements and unique users per topic and item in the last five minutes, every minute.
#[transform(window = "5m", slide = "1m", time = "ts")]
pub fn trending(engagement: Engagement, out: &mut Cells<Item, Trend>) -> Result<(), Reject> {
    let trend = out.cell(Item { topic: engagement.topic, item_id: engagement.item_id });
    trend.engagements.add(1);
    trend.users.add(engagement.user_id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_sdk::testing::{Bench, check_fixtures};

    #[test]
    fn an_engagement_counts_in_five_windows_and_its_user_once_in_each() {
        let mut bench = Bench::new(trending()).unwrap();
        for (minute, user) in [(10, "u-1"), (10, "u-2"), (14, "u-1"), (10, "u-1")] {
            bench.append(&format!(
                r#"{{"ts":"2026-11-20T21:{minute}:30Z","topic":"news","item_id":"i-1","user_id":"{user}"}}"#
            ));
        }
        let rows: Vec<String> = (6..=14)
            .map(|minute| {
                let (engagements, users) = match minute {
                    ..10 => (3, 2),
                    10 => (4, 2),
                    _ => (1, 1),
                };
                format!(
                    r#"{{"topic":"news","item_id":"i-1","window":"2026-11-20T21:{minute:02}:00Z","engagements":{engagements},"users":{users}}}"#
                )
            })
            .collect();
        assert_eq!(bench.rows().unwrap(), rows);
        bench.check_laws().unwrap();
    }

    #[test]
    fn fixtures_hold() {
        check_fixtures(trending(), concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    }
}
