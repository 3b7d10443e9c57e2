//! What `bifocal demo` carries inside: two components, built from the example plugins, and two feeds of
//! events in order of arrival. Owns how a feed is written; `host/assets/demo/SOURCE.md` says what is in it.

use crate::tools::{require_wasm_target, root, run};
use anyhow::Context;
use chrono::{NaiveDateTime, TimeDelta};
use generator::orders::{Orders, Shape};
use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;

const BIFOCAL: &str = "target/debug/bifocal";
const FLIGHTS: &str = "tests/real-data/flights-sample.ndjson.zst";
const LEVEL: i32 = 19;

/// A day of a shop window that a person can follow: few merchants, three in a hundred orders late.
const ORDERS: Shape = Shape {
    seed: 7,
    events: 36_000,
    merchants: 40,
    from_ms: 1_795_132_800_000, // 2026-11-20T00:00:00Z
    span_ms: 24 * 3_600_000,
    late: 300,
    poison: 10,
};

pub fn main() -> anyhow::Result<()> {
    require_wasm_target()?;
    run("cargo", &["build", "--workspace", "--bin", "bifocal"])?;
    for name in ["flights", "revenue"] {
        run(BIFOCAL, &["build", &format!("plugins/{name}")])?;
        std::fs::copy(root().join(format!("plugins/{name}/{name}.wasm")), asset(&format!("{name}.wasm")))?;
    }
    let flights = std::fs::read(root().join(FLIGHTS)).context(FLIGHTS)?;
    let flights = String::from_utf8(zstd::decode_all(flights.as_slice())?)?;
    write("flights.feed.zst", &feed(&flights, known)?)?;
    let mut orders = Vec::new();
    Orders::new(ORDERS).fill(&mut orders, usize::MAX);
    write("orders.feed.zst", &feed(&String::from_utf8(orders)?, ordered)?)
}

fn asset(name: &str) -> PathBuf {
    root().join("host/assets/demo").join(name)
}

fn write(name: &str, text: &str) -> anyhow::Result<()> {
    let bytes = zstd::encode_all(text.as_bytes(), LEVEL)?;
    eprintln!("{name}: {} events, {} bytes", text.lines().count(), bytes.len());
    Ok(std::fs::write(asset(name), bytes)?)
}

/// A line an event: seconds from the arrival before it, a space, the payload. The first line counts from
/// 1970.
fn feed(lines: &str, arrival: fn(&Value) -> Option<NaiveDateTime>) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut last_s = 0;
    for line in lines.lines() {
        let event = serde_json::from_str(line)?;
        let arrived = arrival(&event).with_context(|| format!("no arrival in {line}"))?;
        // An event that is told late arrives with those around it.
        let arrived_s = arrived.and_utc().timestamp().max(last_s);
        writeln!(out, "{} {line}", arrived_s - last_s)?;
        last_s = arrived_s;
    }
    Ok(out)
}

fn time(event: &Value, name: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(event[name].as_str()?.trim_end_matches('Z'), "%Y-%m-%dT%H:%M:%S%.f").ok()
}

/// A flight is known once it has left as late as it did, as `tests/real-data/arrange.py` has it.
fn known(flight: &Value) -> Option<NaiveDateTime> {
    Some(time(flight, "date")? + TimeDelta::minutes(flight["delay"].as_i64()?.max(0)))
}

fn ordered(order: &Value) -> Option<NaiveDateTime> {
    time(order, "ts")
}
