//! The host against native Rust on the same job, on this machine, in this run. Figures are ratios:
//! both sides run in turn, and the result of each is digested, printed and must be equal.
//!
//! `cargo run --release -p benches -- orders [EVENTS [HOT_EVENTS]]`, by default 2 M and 10 M.
//! Exit code 1 if results differ or a ratio misses its goal.

mod columns;
mod hot;
mod job;
mod json;
mod measure;
mod native;
mod parts;

use bifocal::certificate::Certificate;
use measure::Line;

const USAGE: &str = "usage: benches orders [EVENTS [HOT_EVENTS]]      (2000000 and 10000000)";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(events) = events_of_parts(&arguments) {
        return parts::measure(events);
    }
    let Some((events, hot_events)) = sizes(&arguments) else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    if cfg!(debug_assertions) {
        eprintln!("built without --release: the ratios below mean nothing");
    }
    let (lines, certificate) = orders(events, hot_events)?;
    println!("orders: {events} events, {} rounds each, medians; M events a second", measure::ROUNDS);
    println!("{}", Line::HEADER);
    lines.iter().for_each(|line| println!("{line}"));
    println!("certificate {}: cells {}", certificate.digest(), certificate.cells);
    if lines.iter().all(Line::is_met) { Ok(()) } else { std::process::exit(1) }
}

fn sizes(arguments: &[String]) -> Option<(u64, u64)> {
    let number = |i: usize, usual| arguments.get(i).map_or(Some(usual), |text| text.parse().ok());
    let is_job = arguments.first().is_some_and(|job| job == "orders") && arguments.len() <= 3;
    if is_job { number(1, 2_000_000).zip(number(2, 10_000_000)) } else { None }
}

/// The events of `parts [EVENTS]`, if it is asked for.
fn events_of_parts(arguments: &[String]) -> Option<u64> {
    match arguments {
        [job] if job == "parts" => Some(2_000_000),
        [job, events] if job == "parts" => events.parse().ok(),
        _ => None,
    }
}

fn orders(events: u64, hot_events: u64) -> anyhow::Result<(Vec<Line>, Certificate)> {
    // First, while nothing else has made the process large.
    let hot = hot::measure(hot_events)?;
    let job = job::Job::new(events)?;
    let mut lines = vec![columns::measure(&job)?];
    lines.extend(json::measure(&job)?);
    lines.extend(hot);
    Ok((lines, json::certificate(&job)?))
}
