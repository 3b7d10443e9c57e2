//! The host against native Rust on the same job, on this machine, in this run. Figures are ratios:
//! both sides run in turn, and the result of each is digested, printed and must be equal.
//!
//! `cargo run --release -p benches -- WHAT`, with WHAT one of
//! - `orders [EVENTS [HOT_EVENTS]]`: in memory, by default 2 M and 10 M;
//! - `store [EVENTS]`: the same job replayed from a durable log, by default 10 M;
//! - `parts [EVENTS]`: where the time of columns to cells goes, by default 2 M;
//! - `large [EVENTS]`: a log larger than memory, by default 100 M: append, seal, replay, memory all the way;
//! - `living`: the server from outside, over HTTP: appends, freshness, queries, recovery;
//! - `languages [EVENTS]`: `revenue` in every language against Rust, by default 1 M;
//! - `overload [EVENTS [orders | hot | keys]]`: more than the server can take, by default 100 M events;
//! - `durable`: append against a plain file, and how long a log takes to open after a kill.
//!
//! Exit code 1 if results differ or a ratio misses its goal. Files are made in the current directory.

mod columns;
mod columns_cache;
mod duck;
mod durable;
mod hot;
mod job;
mod languages;
mod large;
mod living;
mod json;
mod measure;
mod native;
mod overload;
mod parts;
mod replay;

use bifocal::certificate::Certificate;
use measure::Line;

/// That of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: benches orders [EVENTS [HOT_EVENTS]] | parts [EVENTS] | store [EVENTS] | large [EVENTS] | living | overload [EVENTS [orders | hot | keys]] | languages [EVENTS] | durable";

enum What {
    Orders {
        events: u64,
        hot_events: u64,
    },
    Parts {
        events: u64,
    },
    Store {
        events: u64,
    },
    Languages {
        events: u64,
    },
    Large {
        events: u64,
    },
    Overload {
        events: u64,
        load: overload::Load,
    },
    Durable,
    Living,
    /// The other process of `living`.
    Server {
        directory: String,
    },
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(what) = what(&arguments) else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    if cfg!(debug_assertions) {
        eprintln!("built without --release: the ratios below mean nothing");
    }
    let is_store = matches!(what, What::Store { .. });
    let (events, lines, certificate) = match what {
        What::Orders { events, hot_events } => {
            let (lines, certificate) = orders(events, hot_events)?;
            (events, lines, certificate)
        }
        What::Parts { events } => return parts::measure(events),
        What::Languages { events } => return languages::measure(events),
        What::Large { events } => return large::measure(events),
        What::Store { events } => {
            let job = job::Job::new(events)?;
            (events, replay::Stored::new(&job)?.measure()?, json::certificate(&job)?)
        }
        What::Overload { events, load } => return overload::measure(events, load),
        What::Living => return living::measure(),
        What::Server { directory } => return living::server(std::path::Path::new(&directory)),
        What::Durable => {
            durable::measure()?;
            return durable::open_after_kill(10_000_000);
        }
    };
    println!("orders: {events} events, {} rounds each, medians; M events a second", measure::ROUNDS);
    println!("{}", Line::HEADER);
    lines.iter().for_each(|line| println!("{line}"));
    println!("certificate {}: cells {}", certificate.digest(), certificate.cells);
    if is_store {
        duck::print(events)?;
    }
    if lines.iter().all(Line::is_met) { Ok(()) } else { std::process::exit(1) }
}

fn what(arguments: &[String]) -> Option<What> {
    let number = |i: usize, usual| arguments.get(i).map_or(Some(usual), |text| text.parse().ok());
    match (arguments.first()?.as_str(), arguments.len()) {
        ("orders", ..=3) => {
            let (events, hot_events) = number(1, 2_000_000).zip(number(2, 10_000_000))?;
            Some(What::Orders { events, hot_events })
        }
        ("parts", ..=2) => Some(What::Parts { events: number(1, 2_000_000)? }),
        ("store", ..=2) => Some(What::Store { events: number(1, 10_000_000)? }),
        ("overload", ..=3) => {
            let load = overload::Load::of(arguments.get(2).map_or("orders", String::as_str))?;
            Some(What::Overload { events: number(1, 100_000_000)?, load })
        }
        ("languages", ..=2) => Some(What::Languages { events: number(1, 1_000_000)? }),
        ("large", ..=2) => Some(What::Large { events: number(1, 100_000_000)? }),
        ("living", 1) => Some(What::Living),
        ("server", 2) => Some(What::Server { directory: arguments.get(1)?.clone() }),
        ("durable", 1) => Some(What::Durable),
        _ => None,
    }
}

fn orders(events: u64, hot_events: u64) -> anyhow::Result<(Vec<Line>, Certificate)> {
    // First, while nothing else has made the process large.
    let hot = hot::measure(hot_events)?;
    let job = job::Job::new(events)?;
    let mut lines = vec![columns::measure(&job)?];
    lines.push(columns_cache::measure(&job)?);
    lines.extend(json::measure(&job)?);
    lines.extend(hot);
    Ok((lines, json::certificate(&job)?))
}
