//! Two sides measured in turn, and the line that says what came of it.

use bifocal::digest::Digest;
use std::fmt;
use std::time::{Duration, Instant};

/// Times each side runs. Neighbours on a shared machine come and go: sides take turns, and medians
/// are compared.
pub const ROUNDS: usize = 7;

/// One row of the table.
pub struct Line {
    pub name: &'static str,
    /// Million events a second of the side that is measured, and of what it is measured against.
    pub rates: (f64, f64),
    pub ratio: f64,
    /// The least that the ratio should be.
    pub goal: Option<f64>,
    /// What each side's result came to.
    pub digests: (Digest, Digest),
    /// What the ratio is of, or another figure in words.
    pub remark: String,
}

impl Line {
    pub const HEADER: &'static str = "\
        measured                                       M/s     against      ratio   goal  cells";

    pub fn is_met(&self) -> bool {
        self.digests.0 == self.digests.1 && self.goal.is_none_or(|goal| self.ratio >= goal)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, theirs) = self.rates;
        write!(f, "{:<40} {ours:>9.1} {theirs:>11.1} {:>10.2} ", self.name, self.ratio)?;
        match self.goal {
            Some(goal) => write!(f, "{goal:>6.2}  ")?,
            None => write!(f, "        ")?,
        }
        let (ours, theirs) = self.digests;
        match ours == theirs {
            true => write!(f, "{} = {}", ours.short(), theirs.short())?,
            false => write!(f, "DIFFER: {ours} and {theirs}")?,
        }
        let missed = if self.is_met() { "" } else { "  MISSED" };
        write!(f, "  {}{missed}", self.remark)
    }
}

/// Runs both sides in turn. What a side returns beside its time must be the same in each round.
pub fn in_turn<A: PartialEq, B: PartialEq>(
    mut ours: impl FnMut() -> anyhow::Result<A>,
    mut theirs: impl FnMut() -> anyhow::Result<B>,
) -> anyhow::Result<(Side<A>, Side<B>)> {
    let (mut a, mut b) = (Side::new(&mut ours)?, Side::new(&mut theirs)?);
    for _ in 0..ROUNDS {
        a.round(&mut ours)?;
        b.round(&mut theirs)?;
    }
    Ok((a, b))
}

/// One side: its result and how long each round took.
pub struct Side<T> {
    pub result: T,
    times: Vec<Duration>,
}

impl<T: PartialEq> Side<T> {
    /// The first round warms up and is not timed.
    fn new(work: &mut impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<Side<T>> {
        Ok(Side { result: work()?, times: Vec::new() })
    }

    fn round(&mut self, work: &mut impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<()> {
        let started = Instant::now();
        let result = work()?;
        self.times.push(started.elapsed());
        anyhow::ensure!(result == self.result, "two rounds of the same work have two results");
        Ok(())
    }
}

impl<T> Side<T> {
    /// Million events a second, by the median.
    pub fn rate(&self, events: u64) -> f64 {
        let mut times = self.times.clone();
        times.sort();
        events as f64 / times[times.len() / 2].as_secs_f64() / 1e6
    }
}

/// Resident memory of this process; 0 where the system does not say.
pub fn resident_bytes() -> f64 {
    resident_bytes_of("self")
}

/// The same of another process, by its number.
pub fn resident_bytes_of(process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0
}
