//! Writes the events of a job to stdout, for whoever is not Rust.

use generator::JOBS;
use generator::feed::Lines;
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(mut job) = job(&arguments) else {
        eprintln!("usage: generator JOB EVENTS [SEED]      (NDJSON on stdout; JOB: {})", JOBS.join(", "));
        std::process::exit(2);
    };
    let (mut lines, mut out) = (Vec::new(), io::stdout().lock());
    while job.fill(&mut lines, 8192) > 0 {
        out.write_all(&lines)?;
        lines.clear();
    }
    out.flush()
}

fn job(arguments: &[String]) -> Option<Box<dyn Lines>> {
    match arguments {
        [job, events] => generator::job(job, events.parse().ok()?, 1),
        [job, events, seed] => generator::job(job, events.parse().ok()?, seed.parse().ok()?),
        _ => None,
    }
}
