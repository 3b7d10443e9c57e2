//! Reading a range of a log: pieces in order, each read by a short transaction of its own, so that no
//! reader keeps the writer's file from freeing pages.

use super::StreamLog;
use super::before::Before;
use super::columns::{Found, STRIPE_EVENTS, Stripe, StripeTimes};
use super::fence::{Fence, Loss};
use super::record::Stretch;
use crate::digest::{Digest, Hasher};
use crate::event::Event;
use crate::extract::{Extracted, Extractor, Need, Projection, Projector, Scratch};
use crate::log::{ReadLog, Times, Unreadable};
use crate::offset::{Offset, Range};
use crate::store::error::Error;
use crate::stripe::Projected;
use std::borrow::Cow;
use std::sync::PoisonError;

/// The stretches of a range, in order, around what is lost; each event is given by one of them. The last one
/// may reach beyond the range.
#[derive(Debug)]
pub struct Pieces<'a> {
    log: &'a StreamLog,
    next: u64,
    to: u64,
}

impl Iterator for Pieces<'_> {
    type Item = Result<Stretch, Error>;

    fn next(&mut self) -> Option<Result<Stretch, Error>> {
        while let Some(fence) = self.log.fence_at(self.next).filter(|_| self.next < self.to) {
            self.next = fence.to();
        }
        if self.next >= self.to {
            return None;
        }
        // The writer may have made a block of a tail whose first rows were read already: it begins before.
        let stretch = self.log.stretch_at(self.next).map(|stretch| stretch.following(self.next));
        self.next = stretch.as_ref().map_or(self.to, Stretch::end);
        Some(stretch)
    }
}

/// What was made of the events of a range.
#[derive(Debug)]
pub struct Made {
    /// One a need.
    pub columns: Vec<Projected>,
    pub times_ms: Vec<i64>,
    pub ingested_ms: Vec<i64>,
}

impl StreamLog {
    /// The stretches that hold the events of a range, less what is at or beyond the head.
    pub fn pieces(&self, range: Range) -> Pieces<'_> {
        Pieces { log: self, next: range.from.0, to: range.to.0.min(self.head()) }
    }

    /// The stretch that holds one event.
    pub fn stretch_at(&self, offset: u64) -> Result<Stretch, Error> {
        let segment = self.segment_of(offset)?;
        if let Some(fence) = segment.fence_at(offset) {
            let Loss { range, reason, .. } = &fence.loss;
            return Err(Error::Refused(format!("the events at offsets {range} are lost: {reason}")));
        }
        segment.stretch_at(offset)?.filter(|stretch| stretch.first <= offset).ok_or_else(|| {
            Error::damaged(segment.file(), format!("the event at offset {offset} is not where it should be"))
        })
    }

    /// What holds for `[0, offset)`; within lost events, what holds before the first of them.
    pub(super) fn before(&self, offset: u64) -> Result<Before, Error> {
        let (from, mut before) = self.segment_of(offset)?.known_before(offset)?;
        let rule = self.settings.stream.rule();
        self.visit_to_loss(from, offset, |stretch, at| before.extend(rule, stretch.between(at, offset)))?;
        Ok(before)
    }

    /// Of [`StreamLog::before`] the watermark's time alone: nothing is hashed for it.
    fn greatest_before(&self, offset: u64) -> Result<Option<i64>, Error> {
        let (from, before) = self.segment_of(offset)?.known_before(offset)?;
        let (rule, mut greatest_ms) = (self.settings.stream.rule(), before.greatest_ms);
        self.visit_to_loss(from, offset, |stretch, at| {
            let counts = |event: &Event<'_>| !rule.is_future(event.time_ms, event.ingested_ms);
            let times = stretch.between(at, offset).filter(counts).map(|event| event.time_ms);
            greatest_ms = greatest_ms.max(times.max());
        })?;
        Ok(greatest_ms)
    }

    /// When an event came in, milliseconds UTC; known without reading the log for the newest ones of this
    /// process, for which it is asked most.
    pub fn ingested_ms(&self, offset: u64) -> Result<Option<i64>, Error> {
        if offset >= self.head() || self.fence_at(offset).is_some() {
            return Ok(None);
        }
        let known = self.ingested.lock().unwrap_or_else(PoisonError::into_inner).of(offset);
        if known.is_some() {
            return Ok(known);
        }
        let stretch = self.stretch_at(offset)?;
        Ok(stretch.between(offset, offset + 1).next().map(|event| event.ingested_ms))
    }

    /// The stretches from one offset to another, each with where it is to be read from, until one is lost.
    fn visit_to_loss(&self, from: u64, to: u64, mut visit: impl FnMut(&Stretch, u64)) -> Result<(), Error> {
        let mut at = from;
        while at < to && self.fence_at(at).is_none() {
            let stretch = self.stretch_at(at)?;
            visit(&stretch, at);
            at = stretch.end();
        }
        Ok(())
    }

    /// Gives the events of a range to `visit`, in order.
    pub fn visit(&self, range: Range, mut visit: impl FnMut(Event<'_>)) -> Result<(), Error> {
        for stretch in self.pieces(range) {
            stretch?.between(range.from.0, range.to.0).for_each(&mut visit);
        }
        Ok(())
    }

    /// All of a stripe that `needs` asks for, from the cache or from its events, which fill it.
    fn stripe(
        &self,
        stripe: Stripe,
        needs: &[&Need],
        scratch: &mut Scratch,
    ) -> Result<(StripeTimes, Vec<Projected>), Error> {
        let Found { times, columns } = self.columns.find(stripe, needs)?;
        let missing: Vec<Need> = needs
            .iter()
            .zip(&columns)
            .filter(|(_, column)| column.is_none())
            .map(|(need, _)| (*need).clone())
            .collect();
        let times = match times {
            Some(times) if missing.is_empty() => return Ok((times, columns.into_iter().flatten().collect())),
            times => times,
        };
        let range = stripe.range();
        let Made { columns: made, times_ms, ingested_ms } = self.project(&missing, scratch, range)?;
        let is_new = times.is_none();
        let times = match times {
            Some(times) => times,
            None => {
                StripeTimes { times_ms, ingested_ms, greatest_before_ms: self.greatest_before(range.from.0)? }
            }
        };
        let rows: Vec<(&Need, &Projected)> = missing.iter().zip(&made).collect();
        self.columns.keep(stripe, is_new.then_some(&times), &rows)?;
        let mut made = made.into_iter();
        Ok((times, columns.into_iter().filter_map(|column| column.or_else(|| made.next())).collect()))
    }

    /// What `needs` ask for of a range, from the events themselves: block by block, so that what is unpacked is
    /// still at hand when it is read.
    pub fn project(&self, needs: &[Need], scratch: &mut Scratch, range: Range) -> Result<Made, Error> {
        let projector = Projector::new(needs);
        let mut projecting = projector.begin(scratch, range);
        let (mut times_ms, mut ingested_ms) = (Vec::new(), Vec::new());
        let events = range.count().min(STRIPE_EVENTS) as usize;
        times_ms.reserve_exact(events);
        ingested_ms.reserve_exact(events);
        self.visit(range, |event| {
            projecting.push(&event);
            times_ms.push(event.time_ms);
            ingested_ms.push(event.ingested_ms);
        })?;
        Ok(Made { columns: projecting.finish(), times_ms, ingested_ms })
    }

    /// Columns of a range from the events themselves, whatever is cached.
    fn extract_events(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<Extracted, Error> {
        let stretches = self.stretches(range)?;
        let events = stretches.iter().flat_map(|stretch| stretch.between(range.from.0, range.to.0));
        Ok(extractor.extract(scratch, range, events))
    }

    fn times_of(&self, stripe: StripeTimes) -> Times {
        let StripeTimes { times_ms, ingested_ms, greatest_before_ms } = stripe;
        Times { times_ms, ingested_ms, greatest_before_ms, rule: self.settings.stream.rule() }
    }

    /// A lost event has the watermark's own time after it: so whoever starts behind it and whoever comes
    /// by find the same watermark.
    fn times_of_events(&self, range: Range) -> Result<Times, Error> {
        let range = Range::new(range.from, range.to.min(Offset(self.head())));
        let (mut times_ms, mut ingested_ms) = (Vec::new(), Vec::new());
        let mut fences = self.fences_in(range).into_iter().peekable();
        let mut fill = |times_ms: &mut Vec<i64>, ingested_ms: &mut Vec<i64>, to: u64| {
            while let Some(fence) = fences.next_if(|fence| fence.from() < to) {
                let (time_ms, ingested) = fence.before.greatest_ms.map_or(NEVER_COUNTS, |ms| (ms, ms));
                let end = (fence.to().min(range.to.0) - range.from.0) as usize;
                times_ms.resize(end, time_ms);
                ingested_ms.resize(end, ingested);
            }
        };
        self.visit(range, |event| {
            fill(&mut times_ms, &mut ingested_ms, event.offset.0);
            times_ms.push(event.time_ms);
            ingested_ms.push(event.ingested_ms);
        })?;
        fill(&mut times_ms, &mut ingested_ms, range.to.0);
        let greatest_before_ms = self.greatest_before(range.from.0)?;
        Ok(Times { times_ms, ingested_ms, greatest_before_ms, rule: self.settings.stream.rule() })
    }

    /// What is lost of a range, ascending and never overlapping; each cut to the range.
    pub fn losses(&self, range: Range) -> Vec<Loss> {
        let cut = |loss: Loss| {
            let (from, to) = (loss.range.from.max(range.from), loss.range.to.min(range.to));
            Loss { range: Range::new(from, to), ..loss }
        };
        self.fences_in(range).into_iter().map(|fence| cut(fence.loss)).collect()
    }

    fn fences_in(&self, range: Range) -> Vec<Fence> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let fences = segments.iter().flat_map(|segment| segment.fences());
        let is_in = |fence: &&Fence| fence.from() < range.to.0 && range.from.0 < fence.to();
        fences.filter(is_in).cloned().collect()
    }

    fn fence_at(&self, offset: u64) -> Option<Fence> {
        self.segment_of(offset).ok()?.fence_at(offset).cloned()
    }

    /// What was found damaged in a cache and made again, since the last time this was asked.
    pub fn healed(&self) -> Vec<String> {
        self.columns.healed()
    }

    /// Drops all cached columns, which are made again from the events.
    pub fn forget_columns(&self) -> Result<(), Error> {
        self.columns.forget()
    }

    fn stretches(&self, range: Range) -> Result<Vec<Stretch>, Error> {
        self.pieces(range).collect()
    }
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Unreadable {
        Unreadable(error.to_string())
    }
}

/// A log read from its events alone, past every cache: what a witness reads.
#[derive(Clone, Copy, Debug)]
pub struct Payloads<'a>(pub &'a StreamLog);

impl ReadLog for Payloads<'_> {
    fn head(&self) -> Offset {
        ReadLog::head(self.0)
    }

    fn extract(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable> {
        Ok((self.0.extract_events(extractor, scratch, range)?, None))
    }

    fn times(&self, range: Range) -> Result<Times, Unreadable> {
        Ok(self.0.times_of_events(range)?)
    }

    fn digest(&self, range: Range, with_ingested: bool) -> Result<Digest, Unreadable> {
        ReadLog::digest(self.0, range, with_ingested)
    }

    fn lost(&self, range: Range) -> u64 {
        self.0.lost(range)
    }
}

impl ReadLog for StreamLog {
    fn head(&self) -> Offset {
        Offset(StreamLog::head(self))
    }

    fn extract(
        &self,
        extractor: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable> {
        let stripe = Stripe::of(range.from);
        let whole = stripe.range();
        // What is cached of a stripe may have what the log has lost since.
        let is_whole = whole.to.0 <= StreamLog::head(self) && self.lost(whole) == 0;
        if range.is_empty() || range.to > whole.to || !is_whole {
            return Ok((self.extract_events(extractor, scratch, range)?, None));
        }
        let needs: Vec<&Need> = extractor.needs().collect();
        let (times, columns) = self.stripe(stripe, &needs, scratch)?;
        let columns = columns.into_iter().map(Cow::Owned).collect();
        let projection = Projection { range: whole, times_ms: &times.times_ms, columns };
        let extracted = extractor.assemble(projection, range);
        Ok((extracted, (range == whole).then(|| self.times_of(times))))
    }

    fn times(&self, range: Range) -> Result<Times, Unreadable> {
        let stripe = Stripe::of(range.from);
        if range == stripe.range()
            && range.to.0 <= StreamLog::head(self)
            && self.lost(range) == 0
            && let Some(times) = self.columns.find(stripe, &[])?.times
        {
            return Ok(self.times_of(times));
        }
        Ok(self.times_of_events(range)?)
    }

    /// With events lost in the range it is the digest of both that and of which they are: what was folded
    /// around them is never taken for what was folded with them.
    fn digest(&self, range: Range, with_ingested: bool) -> Result<Digest, Unreadable> {
        let (from, to) = (self.before(range.from.0)?, self.before(range.to.0)?);
        let whole = to.running.digest(range, &from.running, with_ingested);
        let lost = self.losses(range);
        if lost.is_empty() {
            return Ok(whole);
        }
        let mut hasher = Hasher::new("events with some lost");
        hasher.raw(&whole.0);
        for loss in lost {
            hasher.u64(loss.range.from.0);
            hasher.u64(loss.range.to.0);
        }
        Ok(hasher.finish())
    }

    fn lost(&self, range: Range) -> u64 {
        Loss::count(&self.losses(range))
    }
}

/// Time and ingest time of an event that no watermark counts.
const NEVER_COUNTS: (i64, i64) = (i64::MAX, i64::MIN);
