//! Hourly count and sum of `amount` by `key`, written against the WIT alone, and ten ways to break a
//! law: what a check must find.
//!
//! | mode (`{"mode": "..."}`) | what it does | the law that it breaks |
//! |---|---|---|
//! | `sound` (default) | counts, and sums cents as integers | none |
//! | `float-sum` | sums f64 | split |
//! | `hash-map-bytes` | writes its distinct amounts in the order of a hash map | split |
//! | `mean-of-means` | keeps a mean, and merges two by their mean | split |
//! | `global-counter` | counts its calls of `fold`, too | pure |
//! | `rejects-duplicates-within-the-call` | | split |
//! | `depends-on-chunk-size` | adds the rows of the call to the sum | split |
//! | `fails-only-when-alone` | fails on one row, if its amount is above 100 | monotone |
//! | `grows-on-merge` | appends a byte with every merge | split |
//! | `traps-on-a-rare-state` | traps where a refund meets a chargeback | total |
//! | `claims-order-free` | keeps the amount of the right side, and says `order = none` | order-free |
//!
//! `float-sum` shows on amounts that round, `traps-on-a-rare-state` on two texts of `status` in one
//! cell: neither on uniform random numbers.

#![cfg(target_family = "wasm")]

wit_bindgen::generate!({ world: "plugin", path: "../../../wit" });

use bifocal::transform::host;
use exports::bifocal::transform::transform::*;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicI64, Ordering};

struct Lawbreaker;
export!(Lawbreaker);

const HOUR_MS: i64 = 3_600_000;
const REFUNDED: i64 = 1;
const CHARGED_BACK: i64 = 2;

/// One event.
struct Row<'a> {
    key: &'a [u8],
    amount: f64,
    status: Option<&'a [u8]>,
    time_ms: i64,
}

/// The state of the lawful mode: count, cents, and which rare statuses were seen.
#[derive(Default)]
struct Sum {
    count: i64,
    cents: i64,
    seen: i64,
}

impl Guest for Lawbreaker {
    fn describe() -> Result<Description, String> {
        let field =
            |name: &str, kind, required| Field { name: name.into(), path: name.into(), kind, required };
        Ok(Description {
            name: "lawbreaker".into(),
            summary: "count and sum by key and hour".into(),
            inputs: vec![
                field("key", Kind::Text, true),
                field("amount", Kind::Float, true),
                field("status", Kind::Text, false),
                field("at", Kind::Timestamp, true),
            ],
            keys: vec![field("key", Kind::Text, true)],
            outputs: vec![field("count", Kind::Integer, true), field("total", Kind::Float, true)],
            only: None,
            window: Some(Window { size_ms: HOUR_MS as u64, slide_ms: HOUR_MS as u64 }),
            order: Order::None,
            initial: None,
            annotations: Vec::new(),
        })
    }

    fn fold(events: Events) -> Result<Folded, String> {
        static CALLS: AtomicI64 = AtomicI64::new(0);
        let earlier_calls = CALLS.fetch_add(1, Ordering::Relaxed);
        let mode = mode();
        let rows = rows(&events);
        if mode == "fails-only-when-alone" && rows.len() == 1 && rows[0].amount > 100.0 {
            return Err("one value has no variance".into());
        }
        let mut rejected = Vec::new();
        let mut seen = BTreeSet::new();
        let mut cells: BTreeMap<(&[u8], i64), Vec<&Row>> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            let new = seen.insert((row.key, row.amount.to_bits(), row.time_ms));
            if mode == "rejects-duplicates-within-the-call" && !new {
                rejected.push(Rejection { row: place as u32, reason: "a duplicate".into() });
                continue;
            }
            cells.entry((row.key, row.time_ms.div_euclid(HOUR_MS) * HOUR_MS)).or_default().push(row);
        }
        let mut keys = Column { fixed: Vec::new(), heap: no_blobs(), validity: Vec::new() };
        let (mut windows, mut states, mut codes) = (Vec::new(), no_blobs(), BTreeMap::new());
        for ((key, window), of_cell) in cells {
            let next = codes.len() as u32;
            let code = *codes.entry(key).or_insert_with(|| {
                push(&mut keys.heap, key);
                next
            });
            keys.fixed.extend_from_slice(&code.to_le_bytes());
            windows.extend_from_slice(&window.to_le_bytes());
            let mut state = state(&mode, &of_cell, rows.len());
            if mode == "global-counter" {
                state[0] = state[0].wrapping_add(earlier_calls as u8);
            }
            push(&mut states, &state);
        }
        Ok(Folded { cells: Cells { keys: vec![keys], windows, states }, rejected })
    }

    fn merge(left: Blobs, right: Blobs) -> Result<Blobs, String> {
        let mode = mode();
        let mut merged = no_blobs();
        for pair in 0..left.ends.len() / 4 {
            let (left, right) = (blob(&left, pair), blob(&right, pair));
            push(&mut merged, &merge_one(&mode, left, right));
        }
        Ok(merged)
    }

    fn present(_: Vec<Column>, _: Vec<u8>, states: Blobs) -> Result<Vec<Column>, String> {
        let mode = mode();
        let (mut counts, mut totals) = (Vec::new(), Vec::new());
        for cell in 0..states.ends.len() / 4 {
            let state = blob(&states, cell);
            let (count, total) = match mode.as_str() {
                "float-sum" | "mean-of-means" => (0, f64_of(state)),
                "hash-map-bytes" => (state.len() as i64 / 8, 0.0),
                "claims-order-free" => (0, read_i64(state, 0) as f64 / 100.0),
                _ => (read_i64(state, 0), read_i64(state, 1) as f64 / 100.0),
            };
            counts.extend_from_slice(&count.to_le_bytes());
            totals.extend_from_slice(&total.to_le_bytes());
        }
        let column = |fixed| Column { fixed, heap: no_blobs(), validity: Vec::new() };
        Ok(vec![column(counts), column(totals)])
    }
}

/// What `fold` makes of the rows of one cell.
fn state(mode: &str, rows: &[&Row], of_call: usize) -> Vec<u8> {
    let cents = rows.iter().map(|row| cents(row.amount));
    match mode {
        "float-sum" => rows.iter().map(|row| row.amount).sum::<f64>().to_le_bytes().into(),
        "mean-of-means" => {
            (rows.iter().map(|row| row.amount).sum::<f64>() / rows.len() as f64).to_le_bytes().into()
        }
        "hash-map-bytes" => distinct(cents),
        "claims-order-free" => rows.last().map_or(0, |row| self::cents(row.amount)).to_le_bytes().into(),
        _ => {
            let mut sum = Sum::default();
            for row in rows {
                sum.count += 1;
                sum.cents = sum.cents.wrapping_add(self::cents(row.amount));
                sum.seen |= match row.status {
                    Some(b"refunded-in-part") => REFUNDED,
                    Some(b"charged-back") => CHARGED_BACK,
                    _ => 0,
                };
            }
            if mode == "depends-on-chunk-size" {
                sum.cents = sum.cents.wrapping_add(of_call as i64);
            }
            sum.write()
        }
    }
}

fn merge_one(mode: &str, left: &[u8], right: &[u8]) -> Vec<u8> {
    match mode {
        "float-sum" => (f64_of(left) + f64_of(right)).to_le_bytes().into(),
        "mean-of-means" => ((f64_of(left) + f64_of(right)) / 2.0).to_le_bytes().into(),
        "hash-map-bytes" => {
            let amounts = |state: &[u8]| (0..state.len() / 8).map(|i| read_i64(state, i)).collect::<Vec<_>>();
            distinct(amounts(left).into_iter().chain(amounts(right)))
        }
        "claims-order-free" => right.into(),
        _ => {
            let (left, right) = (Sum::read(left), Sum::read(right));
            let seen = left.seen | right.seen;
            if mode == "traps-on-a-rare-state" && seen == REFUNDED | CHARGED_BACK {
                core::arch::wasm32::unreachable();
            }
            let cents = left.cents.wrapping_add(right.cents);
            let mut state = Sum { count: left.count + right.count, cents, seen }.write();
            if mode == "grows-on-merge" {
                state.push(0);
            }
            state
        }
    }
}

/// Each number once, in the order of a hash map whose hashes are the same everywhere.
fn distinct(numbers: impl Iterator<Item = i64>) -> Vec<u8> {
    let mut map: HashMap<i64, (), BuildHasherDefault<DefaultHasher>> = HashMap::default();
    numbers.for_each(|number| _ = map.insert(number, ()));
    map.keys().flat_map(|number| number.to_le_bytes()).collect()
}

/// Cents as an integer: what is beyond one saturates.
fn cents(amount: f64) -> i64 {
    (amount * 100.0).round() as i64
}

impl Sum {
    fn read(state: &[u8]) -> Sum {
        Sum { count: read_i64(state, 0), cents: read_i64(state, 1), seen: read_i64(state, 2) }
    }

    fn write(&self) -> Vec<u8> {
        [self.count, self.cents, self.seen].iter().flat_map(|number| number.to_le_bytes()).collect()
    }
}

fn rows(events: &Events) -> Vec<Row<'_>> {
    let [keys, amounts, statuses, _] = &events.columns[..] else { panic!("four columns are declared") };
    let row = |row: usize| Row {
        key: text(keys, row).unwrap_or_default(),
        amount: f64::from_bits(read_i64(&amounts.fixed, row) as u64),
        status: text(statuses, row),
        time_ms: read_i64(&events.times, row),
    };
    (0..events.times.len() / 8).map(row).collect()
}

/// The value of `mode` in settings.
fn mode() -> String {
    let settings = host::settings();
    let value = settings.split_once("\"mode\":").and_then(|(_, rest)| rest.split('"').nth(1));
    value.unwrap_or("sound").to_owned()
}

fn text(column: &Column, row: usize) -> Option<&[u8]> {
    let present = column.validity.is_empty() || column.validity[row / 8] >> (row % 8) & 1 == 1;
    present.then(|| blob(&column.heap, read_u32(&column.fixed, row) as usize))
}

fn blob(blobs: &Blobs, i: usize) -> &[u8] {
    let from = if i == 0 { 0 } else { read_u32(&blobs.ends, i - 1) };
    &blobs.bytes[from as usize..read_u32(&blobs.ends, i) as usize]
}

fn push(blobs: &mut Blobs, value: &[u8]) {
    blobs.bytes.extend_from_slice(value);
    blobs.ends.extend_from_slice(&(blobs.bytes.len() as u32).to_le_bytes());
}

fn no_blobs() -> Blobs {
    Blobs { ends: Vec::new(), bytes: Vec::new() }
}

fn read_u32(bytes: &[u8], i: usize) -> u32 {
    u32::from_le_bytes(bytes[i * 4..i * 4 + 4].try_into().unwrap())
}

fn read_i64(bytes: &[u8], i: usize) -> i64 {
    i64::from_le_bytes(bytes[i * 8..i * 8 + 8].try_into().unwrap())
}

fn f64_of(state: &[u8]) -> f64 {
    f64::from_bits(read_i64(state, 0) as u64)
}
