//! What a view must say, by straight loops over its events in the order of their offsets: plain
//! collections, and nothing of what is judged by them. The transforms are those of `native`.

use super::events::Made;
use std::collections::BTreeMap;

pub const HOUR_MS: i64 = 3_600_000;
/// What makes the transform fail or refuse, each alone.
const POISON: [f64; 2] = [130.0, 131.0005];

/// Which of the two transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sums: a state is what a range of events adds.
    Sums,
    /// A machine: a state is where the cell stands.
    Machine,
}

/// Keys, windows and states.
pub type Cells = BTreeMap<(String, i64), Vec<u8>>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub cells: Cells,
    pub rejected: Vec<u64>,
    pub late: u64,
}

/// Key and amount in cents of an event that can be folded.
fn folded(kind: Kind, payload: &[u8]) -> Option<(String, i64)> {
    let payload: serde_json::Value = serde_json::from_slice(payload).unwrap();
    let (key, amount) = (payload["key"].as_str()?, payload["amount"].as_f64()?);
    let is_refused = kind == Kind::Sums && (amount < 0.0 || POISON.contains(&amount));
    (!is_refused).then(|| (key.to_string(), (amount * 100.0) as i64))
}

/// The answer over `[from, to)`; what is late depends on all events before.
pub fn answer(
    kind: Kind,
    events: &[Made],
    (from, to): (u64, u64),
    (out_of_orderness_ms, max_ahead_ms, lateness_ms): (i64, i64, i64),
) -> Answer {
    let mut sums: BTreeMap<(String, i64), (u64, i128, i64)> = BTreeMap::new();
    let (mut answer, mut greatest_ms) = (Answer::default(), None);
    for (offset, event) in events.iter().enumerate().take(to as usize) {
        let offset = offset as u64;
        let window = event.time_ms.div_euclid(HOUR_MS) * HOUR_MS;
        if offset >= from {
            match folded(kind, &event.payload) {
                None => answer.rejected.push(offset),
                Some((key, cents)) => {
                    let is_closed = |greatest_ms: i64| {
                        window + HOUR_MS + lateness_ms <= greatest_ms - out_of_orderness_ms
                    };
                    answer.late += u64::from(greatest_ms.is_some_and(is_closed));
                    let (count, sum, most) = sums.entry((key, window)).or_insert((0, 0, i64::MIN));
                    (*count, *most) = (*count + 1, cents.max(*most));
                    *sum = match kind {
                        Kind::Sums => *sum + i128::from(cents),
                        // It starts again from 0 whenever it passes 1,000.00.
                        Kind::Machine if *sum + i128::from(cents) > 100_000 => 0,
                        Kind::Machine => *sum + i128::from(cents),
                    };
                }
            }
        }
        if event.time_ms <= event.ingested_ms + max_ahead_ms {
            greatest_ms = greatest_ms.max(Some(event.time_ms));
        }
    }
    answer.cells = sums.into_iter().map(|(name, sum)| (name, state(kind, sum))).collect();
    answer
}

fn state(kind: Kind, (count, sum, most): (u64, i128, i64)) -> Vec<u8> {
    match kind {
        Kind::Sums => [&count.to_le_bytes()[..], &sum.to_le_bytes(), &most.to_le_bytes()].concat(),
        Kind::Machine => [&b"a\0"[..], &(sum as i64).to_le_bytes()].concat(),
    }
}

/// A text as the canonical key that it is alone.
pub fn encoded(key: &str) -> Vec<u8> {
    let mut out = vec![1];
    for byte in key.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
    out
}
