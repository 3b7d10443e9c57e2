//! What is to be seen at one moment, as values. Made from a running host by `watch`, shown by `draw` and
//! `plain`; knows neither.

use super::job::Job;
use crate::store::{RunKind, RunRecord, RunResult};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Scene {
    pub job: &'static Job,
    pub elapsed: Duration,
    /// Events a second, over the last few.
    pub rate: u64,
    pub head: u64,
    pub visible: u64,
    pub boundary: u64,
    /// Events that there are in the feed.
    pub total: u64,
    pub freshness_ms: i64,
    pub late: u64,
    pub rejected: u64,
    /// When the last event really arrived.
    pub arrived_ms: i64,
    /// Why the view is not live.
    pub trouble: Option<String>,
    pub board: Board,
    pub revised: Vec<Revised>,
    /// Newest first.
    pub runs: Vec<Run>,
    /// All there were, those too that are not shown any more.
    pub runs_total: u64,
    pub compared_total: u64,
    /// The kind of the run that goes on.
    pub running: Option<RunKind>,
    /// Newest first.
    pub incidents: Vec<String>,
    /// How many events the bar of the log is wide.
    pub span: u64,
}

/// The same day by key, through each lens.
#[derive(Clone, Debug, Default)]
pub struct Board {
    pub day: String,
    /// The greatest first.
    pub rows: Vec<Row>,
    pub far: i64,
    pub near: i64,
    pub merged: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub key: String,
    pub far: Seen,
    pub near: Seen,
    pub merged: Seen,
}

/// What one lens shows of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub sum: i64,
    /// None: this lens has no such row.
    pub other: Option<String>,
}

/// A row that was settled, and has changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revised {
    pub key: String,
    pub window: String,
    /// What batch said when it was settled.
    pub settled: i64,
    pub now: i64,
    /// The run that has taken it in; None while only speed has.
    pub run: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub number: u64,
    pub kind: RunKind,
    /// The range that was folded.
    pub from: u64,
    pub to: u64,
    pub compared: u64,
    pub differ: u64,
    pub certificate: String,
    pub took_ms: u64,
    /// Why it failed.
    pub failed: Option<String>,
}

impl Board {
    /// The rows of three answers to one question, by key.
    pub fn new(day: String, mut lenses: [BTreeMap<String, Seen>; 3]) -> Board {
        let [far, near, merged] = &mut lenses;
        let sum = |seen: &BTreeMap<String, Seen>| seen.values().map(|seen| seen.sum).sum();
        let sums = [sum(far), sum(near), sum(merged)];
        let row = |(key, merged): (String, Seen)| {
            let (far, near) = (far.remove(&key), near.remove(&key));
            Row { far: far.unwrap_or_default(), near: near.unwrap_or_default(), merged, key }
        };
        let mut rows: Vec<Row> = std::mem::take(merged).into_iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.merged.sum));
        let [far, near, merged] = sums;
        Board { day, rows, far, near, merged }
    }

    pub fn adds_up(&self) -> bool {
        let adds_up = |row: &Row| row.far.sum + row.near.sum == row.merged.sum;
        self.far + self.near == self.merged && self.rows.iter().all(adds_up)
    }
}

impl Run {
    pub fn of(record: &RunRecord) -> Run {
        // The view of an incremental run begins at 0; it has folded only what was new.
        let from = record.to.saturating_sub(record.events).max(record.from);
        Run {
            number: record.number,
            kind: record.kind,
            from,
            to: record.to,
            compared: record.compared.unwrap_or(0),
            differ: record.differ,
            certificate: record.certificate.as_ref().map(|all| short(&all.cells)).unwrap_or_default(),
            took_ms: record.took_ms,
            failed: record.cause.clone().filter(|_| record.result == RunResult::Failed),
        }
    }

    pub fn is_clean(&self) -> bool {
        self.differ == 0 && self.failed.is_none()
    }
}

pub fn kind_name(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Full => "full",
        RunKind::Incremental => "incremental",
        RunKind::Targeted => "targeted",
        RunKind::Imported => "imported",
        RunKind::Sealed => "sealed",
    }
}

/// As `Digest::short`, of its hex text.
fn short(hex: &str) -> String {
    let ends = hex.get(..4).zip(hex.len().checked_sub(4).and_then(|at| hex.get(at..)));
    ends.map_or_else(|| hex.to_string(), |(first, last)| format!("{first}…{last}"))
}
