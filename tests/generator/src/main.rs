//! Writes generated orders to stdout, for whoever is not Rust.

use generator::orders::{Orders, Shape};
use std::io::{self, Write};

const USAGE: &str = "usage: generator orders EVENTS [SEED]      (NDJSON on stdout)";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(shape) = shape(&arguments) else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    let (mut orders, mut lines, mut out) = (Orders::new(shape), Vec::new(), io::stdout().lock());
    while orders.fill(&mut lines, 8192) > 0 {
        out.write_all(&lines)?;
        lines.clear();
    }
    out.flush()
}

fn shape(arguments: &[String]) -> Option<Shape> {
    let (events, seed) = match arguments {
        [job, events] if job == "orders" => (events.parse().ok()?, 1),
        [job, events, seed] if job == "orders" => (events.parse().ok()?, seed.parse().ok()?),
        _ => return None,
    };
    Some(Shape { events, seed, ..Shape::default() })
}
