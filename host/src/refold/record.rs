//! A view in the making with all that its run says of it: cells, rejected events, spans, certificate.

use super::{Error, Target};
use crate::cell::CellRef;
use crate::certificate::{CellsHasher, Certificate, RejectedHasher, reads_ingested};
use crate::half::{FoldedChunk, Job};
use crate::offset::Offset;
use crate::offset::Range;
use crate::store::{Meta, Proof, RejectedScan, Span, ViewFile, ViewWriter};
use std::iter::Peekable;

/// Events of one span: enough that spans are few, few enough that a targeted run reads little.
const SPAN_EVENTS: u64 = 65_536;

pub struct Record<'a> {
    job: Job<'a>,
    writer: ViewWriter<'a>,
    cells: CellsHasher,
    rejected: RejectedHasher,
    /// The span that grows.
    span: Option<Span>,
}

impl<'a> Record<'a> {
    pub fn new(job: &Job<'a>, target: Target<'a>) -> Result<Record<'a>, Error> {
        Ok(Record {
            job: *job,
            writer: ViewWriter::create(target.disk, target.file)?,
            cells: CellsHasher::new(job.calls.description()),
            rejected: RejectedHasher::new(),
            span: None,
        })
    }

    /// Notes what became of the next chunk, and takes its rejected events.
    pub fn note(&mut self, chunk: &mut FoldedChunk) -> Result<(), Error> {
        let windows = || chunk.outcome.parts.iter().flat_map(|part| part.windows.iter().copied());
        let windows = windows().min().zip(windows().max());
        self.span(Span { range: chunk.range, windows, tally: chunk.tally() })?;
        chunk.rejected.drain(..).try_for_each(|event| self.reject(event.offset, &event.reason))
    }

    pub fn reject(&mut self, offset: u64, reason: &str) -> Result<(), Error> {
        self.rejected.push(offset);
        Ok(self.writer.push_rejected(offset, reason)?)
    }

    /// Adds the next span; small ones grow together.
    pub fn span(&mut self, next: Span) -> Result<(), Error> {
        let Some(span) = &mut self.span else {
            self.span = Some(next);
            return Ok(());
        };
        if span.range.count() + next.range.count() > SPAN_EVENTS {
            let full = std::mem::replace(span, next);
            return Ok(self.writer.push_span(&full)?);
        }
        span.range = Range::new(span.range.from, next.range.to);
        span.tally = span.tally.plus(next.tally);
        span.windows = match (span.windows, next.windows) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        Ok(())
    }

    /// Adds the next cell in canonical order.
    pub fn cell(&mut self, cell: CellRef<'_>) -> Result<(), Error> {
        self.cells.push(&cell);
        Ok(self.writer.push(cell)?)
    }

    /// Makes the view last. It is certified if all of it was computed from the log.
    pub fn finish(mut self, range: Range, is_certified: bool) -> Result<Meta, Error> {
        self.span.take().map_or(Ok(()), |span| self.writer.push_span(&span))?;
        let (calls, log) = (self.job.calls, self.job.log);
        let version = calls.version();
        let proof = match is_certified {
            false => Proof::Nothing { version, range },
            true => Proof::Certified(Certificate {
                version,
                range,
                log: log.digest(range, reads_ingested(calls.description()))?,
                rejected: self.rejected.finish(),
                cells: self.cells.finish(),
            }),
        };
        Ok(self.writer.finish(&proof)?)
    }
}

/// What a base says of its chunks and rejected events, on its way into a new record.
pub struct Copied<'a> {
    spans: Vec<Span>,
    /// Spans before this place are dealt with.
    next: usize,
    rejected: Peekable<RejectedScan<'a>>,
}

impl<'a> Copied<'a> {
    pub fn new(base: &'a ViewFile) -> Result<Copied<'a>, Error> {
        let (mut spans, meta) = (base.spans()?, base.meta());
        if spans.is_empty() && !meta.range.is_empty() {
            // Nobody noted where its cells come from: they may come from anywhere.
            let windows = Some((i64::MIN, i64::MAX));
            spans.push(Span { range: meta.range, windows, tally: meta.tally });
        }
        Ok(Copied { spans, next: 0, rejected: base.rejected().peekable() })
    }

    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter()
    }

    /// Copies what is said of the spans that end at or before `end`, less those that were folded again.
    pub fn copy_before(
        &mut self,
        end: Offset,
        record: &mut Record<'_>,
        is_folded_again: impl Fn(&Span) -> bool,
    ) -> Result<(), Error> {
        while let Some(span) = self.spans.get(self.next).copied().filter(|span| span.range.to <= end) {
            self.next += 1;
            let copies = !is_folded_again(&span);
            if copies {
                record.span(span)?;
            }
            while let Some(event) = self.rejected.next_if(|event| is_before(event, span.range.to)) {
                let event = event?;
                if copies {
                    record.reject(event.offset, &event.reason)?;
                }
            }
        }
        Ok(())
    }
}

/// Also an error: whoever takes it passes it on.
fn is_before<E>(event: &Result<crate::extract::Rejected, E>, end: Offset) -> bool {
    event.as_ref().map_or(true, |event| event.offset < end.0)
}
