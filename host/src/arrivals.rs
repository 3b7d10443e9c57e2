//! Events of one log as they arrive, in columns: read once for all the views that follow the stream. Owns
//! where a micro-batch ends and what of the last ones is kept; an implementer of the door by which
//! executors read a log. Knows nothing of views.

use crate::digest::Digest;
use crate::extract::{Extracted, Extractor, Need, Projection, Scratch};
use crate::log::{ReadLog, Times, Unreadable};
use crate::offset::{Offset, Range};
use crate::store::{Made, StreamLog};
use crate::stripe::Projected;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Events of one micro-batch, at most: a stripe of columns, which are kept on disk when it is whole.
pub const EVENTS_MAX: u64 = 65_536;
/// Micro-batches that are kept for views that are a little behind.
const KEPT_MAX: usize = 8;

/// A log with the micro-batches that were read last.
pub struct Arrivals {
    log: Arc<StreamLog>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What each follower reads, by its name.
    needs: BTreeMap<String, Vec<Need>>,
    kept: VecDeque<Arc<Batch>>,
    /// The greatest time that counts before an offset.
    tip: Option<(Offset, Option<i64>)>,
}

/// Events of a range in columns.
struct Batch {
    range: Range,
    times: Times,
    /// By what identifies a need.
    columns: BTreeMap<String, Projected>,
}

impl Arrivals {
    pub fn new(log: Arc<StreamLog>) -> Arrivals {
        Arrivals { log, state: Mutex::default() }
    }

    pub fn log(&self) -> &Arc<StreamLog> {
        &self.log
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on columns that `extractor` needs are read for it too.
    pub fn join(&self, follower: &str, extractor: &Extractor) {
        self.lock().needs.insert(follower.into(), extractor.needs().cloned().collect());
    }

    pub fn leave(&self, follower: &str) {
        self.lock().needs.remove(follower);
    }

    /// Where the micro-batch that begins at `from` ends: with one that was read already if there is such,
    /// else at the head, but never beyond a stripe of columns.
    pub fn end_of(&self, from: Offset) -> Offset {
        let state = self.lock();
        let kept = state.kept.iter().find(|batch| batch.range.from <= from && from < batch.range.to);
        let stripe = Offset((from.0 / EVENTS_MAX + 1) * EVENTS_MAX);
        kept.map_or_else(|| stripe.min(Offset(self.log.head())), |batch| batch.range.to)
    }

    /// The greatest event time that counts in `[0, to)`.
    pub fn greatest_before(&self, to: Offset) -> Result<Option<i64>, Unreadable> {
        let known = self.lock().tip.filter(|(at, _)| *at == to);
        match known {
            Some((_, greatest_ms)) => Ok(greatest_ms),
            None => Ok(self.log.times(Range::new(to, to))?.greatest_before_ms),
        }
    }

    fn is_stripe(range: Range) -> bool {
        range.from.0.is_multiple_of(EVENTS_MAX) && range.count() == EVENTS_MAX
    }

    /// The micro-batch that holds a range, read now if nobody has: once, whoever else waits for it.
    fn batch(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<Arc<Batch>, Unreadable> {
        let mut state = self.lock();
        let holds = |batch: &&Arc<Batch>| {
            let has = |need: &Need| batch.columns.contains_key(&need.identity());
            batch.range.from <= range.from && range.to <= batch.range.to && extractor.needs().all(has)
        };
        if let Some(batch) = state.kept.iter().find(holds) {
            return Ok(batch.clone());
        }
        let is_behind = state.kept.front().is_some_and(|first| range.from < first.range.from);
        let needs = if is_behind { extractor.needs().cloned().collect() } else { state.needs_of(extractor) };
        let known = state.tip.filter(|(at, _)| *at == range.from).map(|(_, greatest_ms)| greatest_ms);
        if is_behind {
            // Who is far behind reads for itself, and nobody waits for it.
            drop(state);
            return Ok(Arc::new(self.read(&needs, scratch, range, known)?));
        }
        let batch = Arc::new(self.read(&needs, scratch, range, known)?);
        state.tip = Some((range.to, greatest_after(&batch.times)));
        if state.needs.len() > 1 {
            state.kept.push_back(batch.clone());
            while state.kept.len() > KEPT_MAX {
                state.kept.pop_front();
            }
        }
        Ok(batch)
    }

    fn read(
        &self,
        needs: &[Need],
        scratch: &mut Scratch,
        range: Range,
        greatest_before_ms: Option<Option<i64>>,
    ) -> Result<Batch, Unreadable> {
        let Made { columns: made, times_ms, ingested_ms } = self.log.project(needs, scratch, range)?;
        let greatest_before_ms = match greatest_before_ms {
            Some(known) => known,
            None => self.log.times(Range::new(range.from, range.from))?.greatest_before_ms,
        };
        let rule = self.log.settings().stream.rule();
        let times = Times { times_ms, ingested_ms, greatest_before_ms, rule };
        Ok(Batch { range, times, columns: needs.iter().map(Need::identity).zip(made).collect() })
    }
}

impl State {
    /// What all followers and this one need, each once.
    fn needs_of(&self, extractor: &Extractor) -> Vec<Need> {
        let all = self.needs.values().flatten().chain(extractor.needs());
        let by_identity: BTreeMap<String, &Need> = all.map(|need| (need.identity(), need)).collect();
        by_identity.into_values().cloned().collect()
    }
}

fn greatest_after(times: &Times) -> Option<i64> {
    let counts = |(time_ms, ingested_ms): (&i64, &i64)| {
        (!times.rule.is_future(*time_ms, *ingested_ms)).then_some(*time_ms)
    };
    let within = times.times_ms.iter().zip(&times.ingested_ms).filter_map(counts).max();
    within.max(times.greatest_before_ms)
}

impl ReadLog for Arrivals {
    fn head(&self) -> Offset {
        Offset(self.log.head())
    }

    fn extract(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable> {
        // A whole stripe is kept on disk for every run that comes after; a lost event has no column.
        if range.is_empty() || Self::is_stripe(range) || self.log.lost(range) > 0 {
            return ReadLog::extract(self.log.as_ref(), extractor, scratch, range);
        }
        let batch = self.batch(extractor, scratch, range)?;
        let column = |need: &Need| batch.columns.get(&need.identity()).map(Cow::Borrowed);
        let columns: Vec<_> = extractor.needs().filter_map(column).collect();
        let projection = Projection { range: batch.range, times_ms: &batch.times.times_ms, columns };
        let times = (batch.range == range).then(|| batch.times.clone());
        Ok((extractor.assemble(projection, range), times))
    }

    fn times(&self, range: Range) -> Result<Times, Unreadable> {
        self.log.times(range)
    }

    fn digest(&self, range: Range, with_ingested: bool) -> Result<Digest, Unreadable> {
        ReadLog::digest(self.log.as_ref(), range, with_ingested)
    }

    fn lost(&self, range: Range) -> u64 {
        ReadLog::lost(self.log.as_ref(), range)
    }
}
