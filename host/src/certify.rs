//! Certificates of what executors made. Owns nothing of their form (see `certificate`).

use crate::calls::Calls;
use crate::certificate::{CellsHasher, Certificate, RejectedHasher, reads_ingested};
use crate::half::Half;
use crate::log::{ReadLog, Unreadable};

impl Certificate {
    pub fn of(calls: &Calls, log: &dyn ReadLog, half: &Half) -> Result<Certificate, Unreadable> {
        let description = calls.description();
        let (mut cells, mut rejected) = (CellsHasher::new(description), RejectedHasher::new());
        half.table.iter_sorted().for_each(|cell| cells.push(&cell));
        half.rejected.iter().for_each(|event| rejected.push(event.offset));
        Ok(Certificate {
            version: calls.version(),
            range: half.range,
            log: log.digest(half.range, reads_ingested(description))?,
            rejected: rejected.finish(),
            cells: cells.finish(),
        })
    }
}
