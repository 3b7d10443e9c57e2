//! Fold on columns in memory: from dictionary columns to sorted, merged cells, one thread, metered,
//! a fresh instance a call, against a native loop over the same columns.

use crate::job::{self, Job};
use crate::measure::{Line, in_turn};
use crate::native::{Done, Revenue, digest};
use bifocal::table::{Left, Table};

pub fn measure(job: &Job) -> anyhow::Result<Line> {
    let ours = || {
        let (calls, mut table) = (job.calls(), Table::default());
        for chunk in &job.chunks {
            for part in calls.fold(chunk)?.parts {
                table.absorb(&calls, &part, &Left::Nothing)?;
            }
        }
        Ok(Sorted { first: table.sorted().first().copied(), table })
    };
    let theirs = || {
        let mut revenue = Revenue::default();
        job.chunks.iter().for_each(|chunk| revenue.add_columns(&chunk.events));
        Ok(Done::new(revenue))
    };
    let (ours, theirs) = in_turn(ours, theirs)?;
    let rows = job::rows(&job.calls(), &ours.result.table)?;
    let rates = (ours.rate(job.events), theirs.rate(job.events));
    Ok(Line {
        name: "columns to cells, 1 thread",
        rates,
        ratio: rates.0 / rates.1,
        goal: Some(0.25),
        digests: (digest(rows.iter()), theirs.result.digest()),
        remark: format!("against a native loop; {} cells, {} rows a call", rows.len(), job::CHUNK_ROWS),
    })
}

/// A table that has been put in order.
struct Sorted {
    table: Table,
    first: Option<bifocal::table::Slot>,
}

impl PartialEq for Sorted {
    /// Cheap, since it is timed: the rows are compared once, by their digest.
    fn eq(&self, other: &Sorted) -> bool {
        self.table.len() == other.table.len() && self.first == other.first
    }
}
