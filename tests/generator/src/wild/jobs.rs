//! Payloads of the plugins' own jobs, as unfriendly as those of orders and flights.

use super::{AMOUNT_FAULTS, HOUR_MS, INTEGER_FAULTS, Mood, TEXT_FAULTS, object};
use crate::orders::rfc3339;
use crate::rng::Rng;

const TIME_FAULTS: &[&str] = &["", "null", "true", "\"soon\"", "{}", "\"2001-13-01T00:00:00Z\""];
const IMAGE_FAULTS: &[&str] = &["", "null", "7", "\"x\"", "{}", "[]", "{\"amount\":1}"];
const LIST_FAULTS: &[&str] = &[
    "",
    "null",
    "7",
    "\"tea\"",
    "{}",
    "[7]",
    "[[]]",
    "[null]",
    "[{}]",
    "[{\"sku\":null}]",
    "[{\"sku\":1}]",
    "[{\"sku\":\"a\"},{\"sku\":\"b\"},{\"sku\":[]}]",
];
const COUNT_FAULTS: &[&str] = &["", "null", "-1", "4294967295", "4294967296", "1.0", "\"12\"", "true", "-0"];
const PEOPLE: [&str; 6] = [
    r#""u-1""#,
    r#""u-2""#,
    r#""""#,
    r#""\u00fc\u0000""#,
    r#""店-and-more-than-thirty-two-bytes""#,
    r#""u-\"\\""#,
];

fn person(rng: &mut Rng, mood: &Mood) -> String {
    rng.pick(&PEOPLE[..mood.keys]).to_string()
}

pub fn change(rng: &mut Rng, mood: &Mood, time_ms: i64) -> String {
    // One of two images is often missing, and now and then both.
    let mut image = |share: u64| match rng.chance(share, 100) {
        true => image(rng, mood, time_ms),
        false => "null".to_owned(),
    };
    let fields = [("before", image(50), Some(IMAGE_FAULTS)), ("after", image(90), Some(IMAGE_FAULTS))];
    object(rng, mood, &fields)
}

fn image(rng: &mut Rng, mood: &Mood, time_ms: i64) -> String {
    let created_ms = time_ms - rng.between(0, 30 * HOUR_MS);
    let fields = [
        ("merchant_id", person(rng, mood), Some(TEXT_FAULTS)),
        ("currency", rng.pick(&[r#""EUR""#, r#""EUR""#, r#""USD""#]).to_string(), Some(TEXT_FAULTS)),
        ("amount", super::amount(rng, mood), Some(AMOUNT_FAULTS)),
        ("status", rng.pick(&super::STATUSES).to_string(), Some(TEXT_FAULTS)),
        ("created_at", format!("\"{}\"", rfc3339(created_ms)), Some(TIME_FAULTS)),
    ];
    object(rng, mood, &fields)
}

/// Few trips, so that one is corrected several times, before and after it ended, and ends twice.
pub fn trip(rng: &mut Rng, mood: &Mood, time_ms: i64) -> String {
    let kinds = [r#""trip.ended""#, r#""trip.corrected""#, r#""trip.corrected""#, r#""trip.started""#];
    let ended_ms = time_ms - *rng.pick(&[0, 1, HOUR_MS, 6 * HOUR_MS, 6 * HOUR_MS + 1, -1, 20 * HOUR_MS]);
    let trips = [r#""t-1""#, r#""t-2""#, r#""t-3""#, r#""""#];
    let count = |rng: &mut Rng, most: i64| rng.between(0, most).to_string();
    let fields = [
        ("type", rng.pick(&kinds).to_string(), Some(TEXT_FAULTS)),
        ("driver_id", person(rng, mood), Some(TEXT_FAULTS)),
        ("trip_id", rng.pick(&trips).to_string(), Some(TEXT_FAULTS)),
        ("metres", count(rng, 30_000), Some(COUNT_FAULTS)),
        ("seconds", count(rng, 4_000), Some(COUNT_FAULTS)),
        ("ended_at", format!("\"{}\"", rfc3339(ended_ms)), Some(TIME_FAULTS)),
    ];
    object(rng, mood, &fields)
}

pub fn engagement(rng: &mut Rng, mood: &Mood) -> String {
    let fields = [
        ("topic", rng.pick(&[r#""news""#, r#""news""#, r#""""#]).to_string(), Some(TEXT_FAULTS)),
        ("item_id", person(rng, mood), Some(TEXT_FAULTS)),
        ("user_id", rng.pick(&PEOPLE).to_string(), Some(TEXT_FAULTS)),
        ("count", rng.between(0, 9).to_string(), Some(INTEGER_FAULTS)),
    ];
    object(rng, mood, &fields)
}

pub fn payment(rng: &mut Rng, mood: &Mood) -> String {
    let statuses = [r#""declined""#, r#""declined""#, r#""declined""#, r#""approved""#, r#""reversed""#];
    let fields = [
        ("card_id", person(rng, mood), Some(TEXT_FAULTS)),
        ("amount", super::amount(rng, mood), Some(AMOUNT_FAULTS)),
        ("status", rng.pick(&statuses).to_string(), Some(TEXT_FAULTS)),
    ];
    object(rng, mood, &fields)
}

/// Baskets of up to a few items, of exactly as many as are looked at, and of one more.
pub fn basket(rng: &mut Rng, mood: &Mood) -> String {
    let count = match rng.below(40) {
        0 => 32,
        1 => 33,
        _ => rng.between(0, 4),
    };
    let mut items = Vec::new();
    for _ in 0..count {
        let fields = [
            ("sku", format!("\"s-{}\"", rng.below(1 + 3 * mood.keys as u64)), Some(TEXT_FAULTS)),
            ("quantity", rng.between(1, 3).to_string(), Some(INTEGER_FAULTS)),
        ];
        items.push(object(rng, &Mood { bad: mood.bad / 4, ..mood.clone() }, &fields));
    }
    let items = format!("[{}]", items.join(" , "));
    let fields = [("user_id", person(rng, mood), Some(TEXT_FAULTS)), ("items", items, Some(LIST_FAULTS))];
    object(rng, mood, &fields)
}
