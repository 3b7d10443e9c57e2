//! Small cases for property tests, as unfriendly as a stream may be: few keys, times around the
//! ends of windows, ties, events out of order, again, or dated in the future, fields missing or of
//! a wrong type, amounts negative and near the ends of their range.

mod jobs;

use crate::orders::rfc3339;
use crate::rng::Rng;

/// What a log is given of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub time_ms: i64,
    pub ingested_ms: i64,
    pub payload: String,
}

/// Fields that a payload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// `order_id, merchant_id, amount, currency, status, ts`.
    Orders,
    /// `date, delay, distance, origin, destination`.
    Flights,
    /// `before, after`, each `merchant_id, currency, amount, status, created_at`.
    Changes,
    /// `type, driver_id, trip_id, metres, seconds, ended_at`.
    Trips,
    /// `topic, item_id, user_id`.
    Engagements,
    /// `card_id, amount, status`.
    Payments,
    /// `user_id, items`, each `sku, quantity`.
    Baskets,
}

impl Job {
    pub const ALL: [Job; 7] =
        [Job::Orders, Job::Flights, Job::Changes, Job::Trips, Job::Engagements, Job::Payments, Job::Baskets];
}

/// How unfriendly one case is; drawn anew for each, so that many cases are mild in some way and a
/// rare fault does not hide behind a frequent one.
#[derive(Clone, Debug)]
struct Mood {
    keys: usize,
    /// Greatest step between two events.
    step_ms: i64,
    /// In percent.
    bad: u64,
    again: u64,
    back: u64,
    future: u64,
    edge: u64,
    huge: u64,
}

const FROM_MS: i64 = 980_985_600_000; // 2001-02-01T00:00:00Z
const HOUR_MS: i64 = 3_600_000;

impl Mood {
    fn new(rng: &mut Rng) -> Mood {
        Mood {
            keys: *rng.pick(&[1, 1, 2, 3, 6]),
            step_ms: *rng.pick(&[0, 1, 1_000, 600_000, 2 * HOUR_MS]),
            bad: *rng.pick(&[0, 1, 5, 30, 90]),
            again: *rng.pick(&[0, 0, 2, 20]),
            back: *rng.pick(&[0, 5, 50]),
            future: *rng.pick(&[0, 0, 1, 5]),
            edge: *rng.pick(&[0, 10, 60]),
            huge: *rng.pick(&[0, 0, 0, 5]),
        }
    }
}

/// `count` events of a job, in the order of arrival. The same bytes for the same state of `rng`.
pub fn events(rng: &mut Rng, job: Job, count: usize) -> Vec<Arrival> {
    let mood = Mood::new(rng);
    let mut now_ms = FROM_MS + rng.between(0, 48 * HOUR_MS);
    let mut out: Vec<Arrival> = Vec::with_capacity(count);
    for number in 0..count {
        now_ms += rng.between(0, mood.step_ms);
        if number > 0 && rng.chance(mood.again, 100) {
            let twin = Arrival { ingested_ms: now_ms, ..rng.pick(&out).clone() };
            out.push(twin);
            continue;
        }
        let time_ms = time(rng, &mood, now_ms);
        let payload = match job {
            Job::Orders => order(rng, &mood, number, time_ms),
            Job::Flights => flight(rng, &mood, time_ms),
            Job::Changes => jobs::change(rng, &mood, time_ms),
            Job::Trips => jobs::trip(rng, &mood, time_ms),
            Job::Engagements => jobs::engagement(rng, &mood),
            Job::Payments => jobs::payment(rng, &mood),
            Job::Baskets => jobs::basket(rng, &mood),
        };
        out.push(Arrival { time_ms, ingested_ms: now_ms, payload });
    }
    out
}

fn time(rng: &mut Rng, mood: &Mood, now_ms: i64) -> i64 {
    if rng.chance(mood.future, 100) {
        return now_ms + rng.between(HOUR_MS - 1, 100 * 24 * HOUR_MS);
    }
    let time_ms = if rng.chance(mood.back, 100) { now_ms - rng.between(0, 30 * HOUR_MS) } else { now_ms };
    if rng.chance(mood.edge, 100) {
        let period_ms = *rng.pick(&[HOUR_MS / 4, HOUR_MS, 24 * HOUR_MS]);
        return time_ms.div_euclid(period_ms) * period_ms + rng.between(-1, 1);
    }
    time_ms
}

fn order(rng: &mut Rng, mood: &Mood, number: usize, time_ms: i64) -> String {
    let merchants = [r#""m-1""#, r#""m-2""#, r#""""#, r#""m\u00e9\u0000""#, r#""Ünı 店""#, r#""m-\"\\""#];
    let fields = [
        ("order_id", number.to_string(), None),
        ("merchant_id", rng.pick(&merchants[..mood.keys]).to_string(), Some(TEXT_FAULTS)),
        ("amount", amount(rng, mood), Some(AMOUNT_FAULTS)),
        ("currency", rng.pick(&[r#""EUR""#, r#""EUR""#, r#""USD""#]).to_string(), Some(TEXT_FAULTS)),
        ("status", rng.pick(&STATUSES).to_string(), Some(TEXT_FAULTS)),
        ("ts", format!("\"{}\"", rfc3339(time_ms)), None),
    ];
    object(rng, mood, &fields)
}

const STATUSES: [&str; 6] =
    [r#""completed""#, r#""completed""#, r#""completed""#, r#""pending""#, r#""Completed""#, r#""refunded""#];

fn flight(rng: &mut Rng, mood: &Mood, time_ms: i64) -> String {
    let origins = [r#""ATL""#, r#""ORD""#, r#""""#, r#""S\u00e3o""#, r#""AT\tL""#, r#""L\u0000""#];
    let fields = [
        ("date", format!("\"{}\"", rfc3339(time_ms)), None),
        ("delay", delay(rng, mood), Some(INTEGER_FAULTS)),
        ("distance", rng.between(30, 4_962).to_string(), None),
        ("origin", rng.pick(&origins[..mood.keys]).to_string(), Some(TEXT_FAULTS)),
        ("destination", rng.pick(&[r#""DFW""#, r#""LAX""#]).to_string(), None),
    ];
    object(rng, mood, &fields)
}

/// Values that stand in for a good one; the empty text leaves the field out. Some are good after
/// all (a null where a value may be absent): the oracle decides, not the generator.
const TEXT_FAULTS: &[&str] = &["", "null", "17", "true", "[\"EUR\"]", "{\"a\":1}", "1.5"];
const AMOUNT_FAULTS: &[&str] = &[
    "",
    "null",
    "\"\"",
    "\"a lot\"",
    "1.005",
    "1e2",
    "true",
    "[]",
    "\"12.345\"",
    "92233720368547758.08",
    "1.000",
    "\"-3.10\"",
    "12",
    "-0.00",
    "\"1e2\"",
];
const INTEGER_FAULTS: &[&str] = &[
    "",
    "null",
    "1.0",
    "\"12\"",
    "1e2",
    "true",
    "{}",
    "9223372036854775808",
    "-9223372036854775809",
    "0.5",
    "-0",
];

/// An object with its fields in any order, sometimes with one spoilt, and sometimes with one
/// written twice, of which the last counts.
fn object(rng: &mut Rng, mood: &Mood, fields: &[(&str, String, Option<&[&str]>)]) -> String {
    let spoilt = rng.chance(mood.bad, 100);
    let open: Vec<usize> = (0..fields.len()).filter(|field| fields[*field].2.is_some()).collect();
    let (bad, twice) = (*rng.pick(&open), *rng.pick(&open));
    let mut parts: Vec<String> = Vec::new();
    for (place, (name, value, faults)) in fields.iter().enumerate() {
        let fault = faults.filter(|_| spoilt && place == bad).map(|faults| *rng.pick(faults));
        match fault {
            Some("") => continue,
            Some(fault) => parts.push(format!("\"{name}\":{fault}")),
            None => parts.push(format!("\"{name}\":{value}")),
        }
    }
    if rng.chance(1, 4) {
        let turn = rng.below(parts.len() as u64) as usize;
        parts.rotate_left(turn);
    }
    if spoilt && rng.chance(1, 5) {
        let (name, value, _) = &fields[twice];
        parts.push(format!("\"{name}\" : {value}"));
    }
    format!("{{{}}}", parts.join(","))
}

fn amount(rng: &mut Rng, mood: &Mood) -> String {
    let units = match rng.below(100) {
        roll if roll < mood.huge => *rng.pick(&[i64::MAX, i64::MIN, 1 << 62, -(1 << 62), 1 << 55]),
        roll if roll < 50 => rng.between(-200, 200),
        _ => rng.between(-100_000, 5_000_000),
    };
    let (sign, units) = (if units < 0 { "-" } else { "" }, units.unsigned_abs());
    let text = format!("{sign}{}.{:02}", units / 100, units % 100);
    if rng.chance(1, 20) { format!("\"{text}\"") } else { text }
}

/// Around the threshold of 15 that the ordered machine watches, far from it, or absent.
fn delay(rng: &mut Rng, mood: &Mood) -> String {
    match rng.below(100) {
        roll if roll < mood.huge => rng.pick(&[i64::MAX, i64::MIN, 1 << 62, i64::MIN / 2]).to_string(),
        roll if roll < 15 => "null".into(),
        roll if roll < 60 => rng.between(13, 17).to_string(),
        roll if roll < 80 => rng.between(-60, 0).to_string(),
        _ => rng.between(-1_200, 2_000).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_is_json_and_the_same_seed_gives_the_same_case() {
        for seed in 0..300 {
            for job in Job::ALL {
                let case = events(&mut Rng::new(seed), job, 60);
                assert_eq!(case, events(&mut Rng::new(seed), job, 60));
                for event in case {
                    serde_json::from_str::<serde_json::Value>(&event.payload).expect(&event.payload);
                }
            }
        }
    }

    #[test]
    fn every_unfriendliness_occurs() {
        let mut seen = [false; 6];
        for seed in 0..300 {
            let case = events(&mut Rng::new(seed), Job::Orders, 60);
            for pair in case.windows(2) {
                seen[0] |= pair[1].time_ms < pair[0].time_ms;
                seen[1] |= pair[1].time_ms == pair[0].time_ms;
                seen[2] |= pair[1].time_ms > pair[1].ingested_ms + HOUR_MS;
                seen[3] |= !pair[1].payload.contains("\"amount\"");
                seen[4] |= pair[1].time_ms.rem_euclid(HOUR_MS) == HOUR_MS - 1;
                seen[5] |= pair[1].payload.contains("\"amount\":-");
            }
        }
        assert_eq!(seen, [true; 6]);
    }
}
