//! The greatest event time of any prefix: kept every so many events, scanned in between.

use super::Log;
use super::read::block_of;

/// Events between two kept maxima: 64 bytes of log a kept byte, and a scan of some 50 ns.
const STEP: u64 = 256;

/// Element i: the greatest time that counts in `[0, i x STEP)`.
#[derive(Debug, Default)]
pub struct Maxima(Vec<Option<i64>>);

impl Maxima {
    /// Notes the maximum before the event at `offset`; called once for each, in order.
    pub fn push(&mut self, offset: u64, before_ms: Option<i64>) {
        if offset.is_multiple_of(STEP) {
            self.0.push(before_ms);
        }
    }

    /// Forgets the maxima of prefixes that need events from `head` on.
    pub fn truncate(&mut self, head: u64) {
        self.0.truncate(head.div_ceil(STEP) as usize);
    }
}

impl Log {
    pub(super) fn greatest_before(&self, offset: u64) -> Option<i64> {
        if offset >= self.tip.head {
            return self.tip.greatest_ms;
        }
        let kept = offset / STEP;
        let from = kept * STEP;
        let mut greatest_ms = self.maxima.0.get(kept as usize).copied().flatten();
        let mut run = self.runs.partition_point(|run| run.first <= from).saturating_sub(1);
        let mut at = from;
        while at < offset {
            let (Some(block), Some(ingested)) = (block_of(&self.blocks, at), self.runs.get(run)) else {
                break;
            };
            let run_to = self.runs.get(run + 1).map_or(u64::MAX, |next| next.first);
            let to = offset.min(run_to).min(block.first + block.len() as u64);
            let within = (at - block.first) as usize..(to - block.first) as usize;
            let ahead_ms = ingested.ingested_ms.saturating_add(self.stream.max_ahead_ms);
            let times_ms = block.times_ms().get(within).unwrap_or_default();
            greatest_ms = greatest_ms.max(times_ms.iter().copied().filter(|time| *time <= ahead_ms).max());
            run += usize::from(to == run_to);
            at = to;
        }
        greatest_ms
    }
}
