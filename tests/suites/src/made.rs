//! What a transform makes of a log, as texts that can be compared and kept.

use crate::{log_of, run};
use bifocal::batch;
use bifocal::offset::Offset;
use bifocal::rows::{Format, Rows};
use bifocal::run::{Plan, Through};
use bifocal::wasm::Component;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

/// What a transform makes of a log.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    pub rows: String,
    /// Offset and reason of each, a line each.
    pub rejected: String,
    /// Key, window and state of each cell, in the order of the rows, as hex.
    pub states: String,
}

/// What a component makes of a file of events whose time is at `time`.
pub fn made(transform: &Arc<Component>, events: &Path, time: &str, plan: &Plan) -> Made {
    let (log, extractor) = log_of(transform.as_ref(), events, time);
    let outcome = run(transform.clone() as Arc<_>, &log, &extractor, plan);
    if let Some(comparison) = &outcome.comparison {
        assert!(comparison.is_same(), "batch and speed differ: {:?}", comparison.worst);
    }
    for broken in &outcome.broken {
        assert!(broken.cause.contains("out of range"), "a cell is broken: {}", broken.cause);
    }
    let half = outcome.full.expect("batch was run").half;
    let mut made = Made { rows: ndjson(&outcome.rows), rejected: String::new(), states: String::new() };
    for event in &half.rejected {
        let line = serde_json::json!({"offset": event.offset, "reason": event.reason});
        let _ = writeln!(made.rejected, "{line}");
    }
    for cell in half.table.iter_sorted() {
        let state = hex(cell.state);
        let line =
            format!("{{\"key\":\"{}\",\"window\":{},\"state\":\"{state}\"}}", hex(cell.key), cell.window);
        let _ = writeln!(made.states, "{line}");
    }
    made
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ndjson(rows: &Rows) -> String {
    let mut out = Vec::new();
    rows.write(Format::Ndjson, usize::MAX, &mut out).expect("memory takes all");
    String::from_utf8(out).expect("NDJSON is text")
}

/// Both executors, meeting at `cut`.
pub fn plan(cut: u64, chunk_rows: u64, micro_batch_rows: u64) -> Plan {
    Plan {
        through: Through::Both,
        cut: Offset(cut),
        shape: batch::Shape { threads: 2, chunk_rows },
        micro_batch_rows,
        lateness_ms: 0,
        drill: None,
    }
}
