//! What `run` says of itself: lines for a person on stderr, the same as JSON for a program.

use super::table::{cells_in_words, grouped};
use crate::log::Log;
use crate::run::{Done, Outcome, Plan, Through};
use crate::time::Rfc3339;
use crate::transform::Transform;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// Reasons of rejected events, and broken cells, that are shown.
const SHOWN_MAX: usize = 5;

/// A run and all that its report speaks of.
pub struct Report<'a> {
    pub transform: &'a dyn Transform,
    pub log: &'a Log,
    pub plan: &'a Plan,
    pub outcome: &'a Outcome,
    pub skipped: u64,
    pub duplicates: u64,
    pub conflicts: u64,
    /// The law behind a difference, and the command that shows it.
    pub why: Option<String>,
    pub next: Option<String>,
}

impl Report<'_> {
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write_head(&mut out);
        self.write_halves(&mut out);
        self.write_verdict(&mut out);
        self.write_counts(&mut out);
        out
    }

    fn write_head(&self, out: &mut String) {
        let version = self.transform.version().to_string();
        let times =
            self.log.times_ms().map(|(first, last)| format!(", {} … {}", Rfc3339(first), Rfc3339(last)));
        let _ = writeln!(
            out,
            "{:<8} sha256:{}…   {} events{}",
            self.transform.description().name,
            version.get(..6).unwrap_or_default(),
            grouped(self.log.head().0),
            times.unwrap_or_default(),
        );
    }

    fn write_halves(&self, out: &mut String) {
        let outcome = self.outcome;
        let threads = match self.plan.shape.threads {
            1 => "1 thread".to_string(),
            threads => format!("{threads} threads"),
        };
        let name = if self.plan.through == Through::Batch { "batch" } else { "full" };
        let named = [(name, &outcome.full), ("batch", &outcome.base)];
        for (name, done) in named.into_iter().filter_map(|(name, done)| Some((name, done.as_ref()?))) {
            write_half(out, name, done, &threads);
        }
        if let Some(done) = &outcome.generation {
            write_half(out, "speed", done, &format!("{} micro-batches", grouped(done.half.tally.chunks)));
        }
    }

    fn write_verdict(&self, out: &mut String) {
        let cells = self.outcome.certificate.cells.short();
        let Some(comparison) = &self.outcome.comparison else {
            let count = grouped(self.outcome.rows.count as u64);
            let _ = writeln!(out, "cells    {count}     certificate {cells}");
            return;
        };
        if comparison.is_same() {
            let _ = writeln!(
                out,
                "same     {} cells compared: 0 differ, 0 missing, 0 extra     certificate {cells}",
                grouped(comparison.compared),
            );
            return;
        }
        let _ = writeln!(
            out,
            "differ   {} cells of {} ({} differ, {} missing, {} extra)",
            grouped(comparison.cells()),
            grouped(comparison.compared),
            grouped(comparison.differ),
            grouped(comparison.missing),
            grouped(comparison.extra)
        );
        if let Some(worst) = &comparison.worst {
            let _ = writeln!(out, "worst    {}", worst_in_words(worst));
        }
        if let Some(offset) = comparison.rejected {
            let _ = writeln!(out, "         offset {offset} is rejected by one half and not by the other");
        }
        if let Some(what) = &comparison.conservation {
            let _ = writeln!(out, "         {what}");
        }
        for (name, line) in [("why", &self.why), ("next", &self.next)] {
            if let Some(line) = line {
                let _ = writeln!(out, "{name:<8} {line}");
            }
        }
    }

    fn write_counts(&self, out: &mut String) {
        let counted = self.counted();
        let tally = counted.iter().fold(crate::half::Tally::default(), |sum, done| sum.plus(done.half.tally));
        let _ = write!(
            out,
            "rejected {}   ignored {}   late {}   fuel {} an event",
            grouped(tally.rejected),
            grouped(tally.ignored),
            grouped(tally.late),
            grouped(tally.fuel / tally.folded.max(1)),
        );
        let extras = [
            ("skipped", self.skipped),
            ("duplicates", self.duplicates),
            ("conflicts", self.conflicts),
            ("splits", tally.splits),
            ("future", self.log.future_events()),
        ];
        for (name, count) in extras.into_iter().filter(|(_, count)| *count > 0) {
            let _ = write!(out, "   {name} {}", grouped(count));
        }
        out.push('\n');
        let rejected = counted.iter().flat_map(|done| &done.half.rejected);
        for event in rejected.take(SHOWN_MAX) {
            let reason = event.reason.replace('\n', "\n         ");
            let _ = writeln!(out, "         {}: {reason}", self.place(event.offset));
        }
        for broken in self.outcome.broken.iter().take(SHOWN_MAX) {
            let _ = writeln!(out, "broken   {}: {}", cells_in_words(&broken.cell), broken.cause);
        }
        if self.outcome.broken.len() > SHOWN_MAX {
            let _ = writeln!(out, "broken   {} cells in all", grouped(self.outcome.broken.len() as u64));
        }
    }

    /// The halves that together cover the log once.
    fn counted(&self) -> Vec<&Done> {
        match &self.outcome.full {
            Some(full) => vec![full],
            None => self.outcome.base.iter().chain(&self.outcome.generation).collect(),
        }
    }

    /// Where an event came from: `offset 17 (orders.ndjson:18)`.
    fn place(&self, offset: u64) -> String {
        super::options::place(self.log, offset)
    }

    /// The report for a program: full digests, exact counts, seconds as numbers.
    pub fn json(&self) -> Value {
        let outcome = self.outcome;
        let certificate = &outcome.certificate;
        let half = |done: &Option<Done>| done.as_ref().map(half_json);
        json!({
            "transform": self.transform.description().name,
            "version": format!("sha256:{}", self.transform.version()),
            "events": self.log.head().0,
            "times": self.log.times_ms().map(|(a, b)| [Rfc3339(a).to_string(), Rfc3339(b).to_string()]),
            "full": half(&outcome.full),
            "batch": half(&outcome.base),
            "speed": half(&outcome.generation),
            "cells": outcome.rows.count + outcome.broken.len(),
            "comparison": outcome.comparison.as_ref().map(|comparison| json!({
                "same": comparison.is_same(),
                "compared": comparison.compared,
                "differ": comparison.differ,
                "missing": comparison.missing,
                "extra": comparison.extra,
                "rejected_offset": comparison.rejected,
                "conservation": comparison.conservation,
                "worst": comparison.worst.as_ref().map(worst_in_words),
                "why": self.why,
            })),
            "certificate": {
                "digest": certificate.digest().to_string(),
                "version": certificate.version.to_string(),
                "offsets": [certificate.range.from.0, certificate.range.to.0],
                "log": certificate.log.to_string(),
                "rejected": certificate.rejected.to_string(),
                "cells": certificate.cells.to_string(),
            },
            "broken": outcome.broken.iter().map(|broken| json!({
                "cell": cells_in_words(&broken.cell), "cause": broken.cause
            })).collect::<Vec<_>>(),
            "skipped": self.skipped,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "future": self.log.future_events(),
            "rejected": self.counted().iter().flat_map(|done| &done.half.rejected).take(100).map(|event| json!({
                "offset": event.offset, "reason": event.reason
            })).collect::<Vec<_>>(),
        })
    }
}

fn write_half(out: &mut String, name: &str, done: &Done, how: &str) {
    let range = format!("[{}, {})", grouped(done.half.range.from.0), grouped(done.half.range.to.0));
    let events = done.half.range.count();
    let _ = writeln!(
        out,
        "{name:<8} {range:<24} {how:<20} {:>6}   {:>10}",
        seconds(done.took),
        rate(events, done.took)
    );
}

fn half_json(done: &Done) -> Value {
    let tally = done.half.tally;
    json!({
        "offsets": [done.half.range.from.0, done.half.range.to.0],
        "cells": done.half.table.len(),
        "folded": tally.folded,
        "rejected": tally.rejected,
        "ignored": tally.ignored,
        "late": tally.late,
        "fuel": tally.fuel,
        "splits": tally.splits,
        "chunks": tally.chunks,
        "seconds": done.took.as_secs_f64(),
    })
}

pub fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

pub fn rate(events: u64, took: Duration) -> String {
    let rate = events as f64 / took.as_secs_f64().max(1e-9);
    match rate {
        _ if events == 0 => String::new(),
        rate if rate >= 1e7 => format!("{:.0} M events/s", rate / 1e6),
        rate if rate >= 1e6 => format!("{:.1} M events/s", rate / 1e6),
        rate if rate >= 1e4 => format!("{:.0} k events/s", rate / 1e3),
        rate => format!("{rate:.0} events/s"),
    }
}

/// `ATL 2001-03-02T17:00:00Z mean_delay 41.2 (batch) 41.3 (speed)`
fn worst_in_words(worst: &crate::run::Worst) -> String {
    let cell = cells_in_words(&worst.cell);
    if worst.batch.count == 0 {
        return format!("{cell} is missing from batch; speed has {}", cells_in_words(&worst.speed));
    }
    if worst.speed.count == 0 {
        return format!("{cell} is missing from speed; batch has {}", cells_in_words(&worst.batch));
    }
    match &worst.output {
        Some(output) => {
            let (batch, speed) = (worst.batch.text_of(output, 0), worst.speed.text_of(output, 0));
            format!("{cell} {output} {batch} (batch) {speed} (speed)")
        }
        None => format!("{cell}: outputs are equal, the bytes of the states are not"),
    }
}
