//! From projected columns to the chunk of one version: the verdicts that [`Extractor::extract`] comes
//! to row by row, here column by column, since nearly every row is kept.

use super::set::Set;
use super::{Extracted, Extractor, Input, Only, Rejected};
use crate::column::{Builder, Column, Value};
use crate::description::Kind;
use crate::offset::{Offset, Range};
use crate::stripe::{Projected, Wrong};
use crate::transform::Events;
use std::borrow::Cow;
use std::ops::Range as Rows;

/// What is at hand of consecutive events.
#[derive(Clone, Debug)]
pub struct Projection<'a> {
    pub range: Range,
    /// One an event.
    pub times_ms: &'a [i64],
    /// As [`Extractor::needs`] says. A column that is owned is moved where it can be.
    pub columns: Vec<Cow<'a, Projected>>,
}

/// What becomes of the rows of the part, which are counted from its first one.
struct Verdicts {
    /// Ascending.
    rejected: Vec<(usize, String)>,
    ignored: u64,
    /// Ascending.
    kept: Vec<Rows<usize>>,
}

/// Why a row is rejected, unless another reason comes before it.
struct Cause<'a> {
    row: usize,
    /// 0 for a malformed payload, then inputs from 1.
    rank: usize,
    reason: Reason<'a>,
}

enum Reason<'a> {
    Wrong(&'a str),
    Absent { input: &'a Input, null: bool },
}

impl Extractor {
    /// The chunk of `part`, which lies within the projection's range: what [`Extractor::extract`] makes
    /// of the same events, but that texts may have other codes, and heaps values that no row has.
    ///
    /// # Panics
    /// If the projection is not of this extractor's needs, or not of its range.
    pub fn assemble(&self, projection: Projection<'_>, part: Range) -> Extracted {
        let Projection { range, times_ms, columns } = projection;
        assert!(range.from <= part.from && part.to <= range.to, "{part} is not within {range}");
        assert!(times_ms.len() as u64 == range.count(), "{} times for {range}", times_ms.len());
        assert!(columns.len() == self.needs().count(), "{} columns for {range}", columns.len());
        let row = |offset: Offset| (offset.0 - range.from.0) as usize;
        let rows = row(part.from)..row(part.to);
        let Verdicts { rejected, ignored, kept } = self.verdicts(&columns, part, &rows);
        let offsets = offsets(part, &kept);
        let times = times(times_ms.get(rows.clone()).unwrap_or_default(), &kept);
        let columns = self.columns(columns, &offsets, &Cut { rows, whole: part == range, kept });
        let rejected =
            rejected.into_iter().map(|(row, reason)| Rejected { offset: part.from.0 + row as u64, reason });
        let rejected = rejected.collect();
        Extracted { range: part, offsets, events: Events { times, columns }, rejected, ignored }
    }

    fn verdicts(&self, columns: &[Cow<'_, Projected>], part: Range, rows: &Rows<usize>) -> Verdicts {
        let filter = self.only.as_ref().and_then(|only| Some((only, columns.get(only.need)?)));
        let mut ignored = filter.map_or_else(Set::default, |(only, column)| only.unwanted(column, rows));
        let mut causes = Vec::new();
        for (row, wrong) in columns.iter().flat_map(|column| wrong(column, rows)) {
            if wrong.malformed {
                ignored.remove(row);
                causes.push(Cause { row, rank: 0, reason: Reason::Wrong(&wrong.reason) });
            }
        }
        for (i, input) in self.inputs.iter().enumerate() {
            let mut push = |row, reason| causes.push(Cause { row, rank: i + 1, reason });
            match input.need.and_then(|need| columns.get(need)) {
                Some(column) => input.causes(column, rows, &mut push),
                None => input.offset_causes(part, &mut push),
            }
        }
        causes.retain(|cause| !ignored.has(cause.row));
        // Stable: within a column what is wrong stays before what is absent.
        causes.sort_by_key(|cause| (cause.row, cause.rank));
        causes.dedup_by_key(|cause| cause.row);
        let count = ignored.count();
        let mut dropped = ignored;
        causes.iter().for_each(|cause| dropped.insert(cause.row));
        let rejected = causes.into_iter().map(|cause| (cause.row, cause.reason.into_text())).collect();
        Verdicts { rejected, ignored: count, kept: dropped.gaps(rows.len()) }
    }

    fn columns(&self, mut columns: Vec<Cow<'_, Projected>>, offsets: &[u64], cut: &Cut) -> Vec<Column> {
        let last = |i: usize, need| !self.inputs.iter().skip(i + 1).any(|input| input.need == need);
        let column = |(i, input): (usize, &Input)| match input.need {
            None => offset_column(offsets),
            Some(need) => columns.get_mut(need).map_or_else(Column::default, |column| {
                cut.column(column, input.source.need.kind(), last(i, input.need))
            }),
        };
        self.inputs.iter().enumerate().map(column).collect()
    }
}

impl Input {
    /// Names the rows that this input alone would have rejected; one that is wrong is named first as
    /// such, then as absent.
    fn causes<'a>(
        &'a self,
        column: &'a Projected,
        rows: &Rows<usize>,
        push: &mut impl FnMut(usize, Reason<'a>),
    ) {
        let wrong = wrong(column, rows).filter(|(_, wrong)| !wrong.malformed);
        wrong.for_each(|(row, wrong)| push(row, Reason::Wrong(&wrong.reason)));
        if self.required {
            let absent = absent(&column.column.validity, rows);
            absent.for_each(|row| {
                push(row - rows.start, Reason::Absent { input: self, null: column.is_null(row) });
            });
        }
    }

    /// An offset is an integer only within 63 bits.
    fn offset_causes<'a>(&'a self, part: Range, push: &mut impl FnMut(usize, Reason<'a>)) {
        let beyond = part.from.0.max(i64::MAX as u64 + 1)..part.to.0;
        if self.required {
            beyond.for_each(|offset| {
                push((offset - part.from.0) as usize, Reason::Absent { input: self, null: false });
            });
        }
    }
}

impl Reason<'_> {
    fn into_text(self) -> String {
        match self {
            Reason::Wrong(reason) => reason.into(),
            Reason::Absent { input, null } => input.source.absent(null),
        }
    }
}

impl Only {
    /// The rows that the filter does not want, those with a malformed payload among them.
    fn unwanted(&self, column: &Projected, rows: &Rows<usize>) -> Set {
        let Column { fixed, heap, validity } = &column.column;
        let codes = fixed.as_chunks::<4>().0.get(rows.clone()).unwrap_or_default();
        let code = |bytes| u32::from_le_bytes(bytes) as usize;
        // A heap may be that of far more rows than these.
        let mut unwanted = if heap.len() <= rows.len() {
            let wanted: Vec<bool> = heap.iter().map(|text| self.is_one(text)).collect();
            if wanted.iter().all(|wanted| *wanted) {
                Set::default()
            } else {
                Set::of(codes, |bytes| !wanted.get(code(bytes)).is_some_and(|wanted| *wanted))
            }
        } else {
            Set::of(codes, |bytes| !self.is_one(heap.get(code(bytes))))
        };
        absent(validity, rows).for_each(|row| unwanted.insert(row - rows.start));
        unwanted
    }
}

/// What is taken out of projected columns.
struct Cut {
    /// Of the projection.
    rows: Rows<usize>,
    /// Whether these are all its rows.
    whole: bool,
    /// Of these rows.
    kept: Vec<Rows<usize>>,
}

impl Cut {
    /// `last`: nobody asks for this column again.
    fn column(&self, projected: &mut Cow<'_, Projected>, kind: &Kind, last: bool) -> Column {
        let mut column = match projected {
            Cow::Owned(projected) if self.whole && last => std::mem::take(&mut projected.column),
            projected if self.whole => projected.column.clone(),
            projected => projected.column.slice(kind, self.rows.start, self.rows.end),
        };
        column.keep(kind, &self.kept);
        column
    }
}

/// The wrong ones among `rows`, counted from the first of them.
fn wrong<'a>(column: &'a Projected, rows: &Rows<usize>) -> impl Iterator<Item = (usize, &'a Wrong)> {
    let (from, to) = (rows.start, rows.end);
    let first = column.wrong.partition_point(|wrong| (wrong.row as usize) < from);
    let of_rows = column.wrong.iter().skip(first).take_while(move |wrong| (wrong.row as usize) < to);
    of_rows.map(move |wrong| (wrong.row as usize - from, wrong))
}

/// The absent ones among `rows`; validity has few bytes that say so.
fn absent<'a>(validity: &'a [u8], rows: &Rows<usize>) -> impl Iterator<Item = usize> + use<'a> {
    let rows = rows.clone();
    let bytes = validity.iter().enumerate().take(rows.end.div_ceil(8)).skip(rows.start / 8);
    let bits = |(at, byte): (usize, &u8)| {
        let byte = *byte;
        (0..8).filter(move |bit| byte >> bit & 1 == 0).map(move |bit| at * 8 + bit)
    };
    bytes.filter(|(_, byte)| **byte != 0xff).flat_map(bits).filter(move |row| rows.contains(row))
}

fn offsets(part: Range, kept: &[Rows<usize>]) -> Vec<u64> {
    let mut offsets = Vec::with_capacity(kept.iter().map(Rows::len).sum());
    let offset = |row: usize| part.from.0 + row as u64;
    kept.iter().for_each(|rows| offsets.extend(offset(rows.start)..offset(rows.end)));
    offsets
}

/// One s64 a row that is kept.
fn times(times_ms: &[i64], kept: &[Rows<usize>]) -> Vec<u8> {
    let mut times = vec![0; kept.iter().map(|rows| rows.len() * 8).sum()];
    let mut places = times.as_chunks_mut::<8>().0;
    for rows in kept {
        let from = times_ms.get(rows.clone()).unwrap_or_default();
        let Some((these, rest)) = places.split_at_mut_checked(from.len()) else { break };
        these.iter_mut().zip(from).for_each(|(place, ms)| *place = ms.to_le_bytes());
        places = rest;
    }
    times
}

fn offset_column(offsets: &[u64]) -> Column {
    if offsets.last().is_some_and(|last| i64::try_from(*last).is_err()) {
        let mut column = Builder::default();
        let value = |offset: &u64| i64::try_from(*offset).map_or(Value::Absent, Value::Integer);
        offsets.iter().for_each(|offset| column.push(&Kind::Integer, value(offset)));
        return column.finish();
    }
    let mut fixed = vec![0; offsets.len() * 8];
    let places = fixed.as_chunks_mut::<8>().0.iter_mut();
    places.zip(offsets).for_each(|(place, offset)| *place = offset.to_le_bytes());
    Column { fixed, ..Column::default() }
}
