//! Answers: the rows of a view from one pointer, exact over `[0, visible)`. Owns which cells a query asks
//! for, how halves are overlaid for it, what is rolled up and what marks a row; knows nothing of who asks,
//! and takes no lock.

mod condition;
mod grain;
mod marks;
mod order;
mod query;
mod rolled;

pub use grain::Grain;
pub use query::{Asked, Late, Lens, Query, key_column, key_equals, time_ms};

use crate::calls::{self, Calls};
use crate::cell::{Cell, CellRef};
use crate::description::{Description, Field, Kind};
use crate::merge::{Merge, Only, Source};
use crate::near::Pointer;
use crate::rows::Rows;
use crate::run::{self, Broken, Shown};
use crate::store;
use crate::table;
use marks::{Marker, Marks};
use order::Sorting;
use rolled::Rolled;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's: what is asked for cannot be had of this view.
    #[error("{0}")]
    Asked(String),
    #[error(transparent)]
    Call(#[from] calls::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<table::Error> for Error {
    fn from(error: table::Error) -> Error {
        match error {
            table::Error::Call(error) => Error::Call(error),
            table::Error::Store(error) => Error::Store(error),
        }
    }
}

/// What is to be said of an answer beside its rows.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub rows: u64,
    /// Settled cells for which speed holds more than batch, among those that were asked for.
    pub pending_late: u64,
    /// Cells that were asked for and have no row, in words.
    pub broken: Vec<String>,
}

/// Cells that are presented at a time.
const CELLS_AT_A_TIME: usize = 16_384;

/// The columns of an answer: those of the view, then the marks.
pub fn fields(description: &Description, query: &Query) -> Vec<Field> {
    let mut fields = description.keys.clone();
    if description.window.is_some() {
        fields.push(field("window", Kind::Timestamp));
    }
    fields.extend(description.outputs.iter().cloned());
    fields.extend(marks::fields(query));
    fields
}

fn field(name: &str, kind: Kind) -> Field {
    Field { name: name.into(), path: String::new(), kind, required: true }
}

/// Gives the rows of an answer to `take`, some thousand at a time.
pub fn answer<E: From<Error>>(
    calls: &Calls,
    pointer: &Pointer,
    query: &Query,
    take: &mut dyn FnMut(&Rows) -> Result<(), E>,
) -> Result<Summary, E> {
    let mut summary = Summary::default();
    let mut sorting = query.sorting();
    let mut cells = cells(calls, pointer, query)?;
    let mut marker = Marker::new(pointer, query).map_err(Error::from)?;
    let mut left = query.limit.unwrap_or(usize::MAX);
    while left > 0 {
        let most = if query.stops_at_limit() { left.min(CELLS_AT_A_TIME) } else { CELLS_AT_A_TIME };
        let few = few(cells.as_mut(), &mut marker, most).map_err(Error::from)?;
        if few.is_empty() {
            break;
        }
        let mut rows = shown(calls, &few, query, &mut summary).map_err(Error::from)?;
        rows = query.matching(rows);
        if let Some(sorting) = &mut sorting {
            sorting.add(rows).map_err(Error::Asked)?;
            continue;
        }
        let rows = if rows.count > left { order::first(&rows, left) } else { rows };
        left -= rows.count;
        summary.rows += rows.count as u64;
        take(&rows)?;
    }
    if let Some(rows) = sorting.map(Sorting::finish) {
        summary.rows += rows.count as u64;
        take(&rows)?;
    }
    summary.pending_late = marker.finish().map_err(Error::from)?;
    Ok(summary)
}

/// The cells that are asked for, overlaid and rolled up.
fn cells<'a>(
    calls: &'a Calls,
    pointer: &'a Pointer,
    query: &'a Query,
) -> Result<Box<dyn Source + 'a>, Error> {
    let mut sources: Vec<Box<dyn Source + 'a>> = Vec::new();
    if let Some(base) = pointer.base_view().filter(|_| query.lens != Lens::Speed) {
        let scan = base.scan_prefix(&query.leading)?;
        sources.push(Box::new(Only::new(scan, |cell: &CellRef<'_>| query.has(cell))?));
    }
    if query.lens != Lens::Batch {
        let serves = move |cell: &CellRef<'_>| query.has(cell) && !query.waits(pointer, cell.window);
        for part in &pointer.parts {
            let source = part.source(&query.leading, query.is_key)?;
            sources.push(Box::new(Only::new(source, serves)?));
        }
    }
    let merged = Merge::new(calls, sources)?;
    Ok(match &query.grain {
        Some(grain) => Box::new(Rolled::new(calls, merged, grain)?),
        None => Box::new(merged),
    })
}

/// The next cells, at most so many, with their marks.
fn few(
    cells: &mut dyn Source,
    marker: &mut Marker<'_>,
    most: usize,
) -> Result<Vec<(Cell, Marks)>, table::Error> {
    let mut few = Vec::new();
    while let Some(cell) = cells.head().filter(|_| few.len() < most) {
        let marks = marker.mark(&cell)?;
        few.push((cell.to_owned(), marks));
        cells.advance()?;
    }
    Ok(few)
}

fn shown(
    calls: &Calls,
    few: &[(Cell, Marks)],
    query: &Query,
    summary: &mut Summary,
) -> Result<Rows, calls::Error> {
    let Shown { mut rows, cells, broken } = run::show(calls, few.iter().map(|(cell, _)| cell.as_ref()))?;
    summary.broken.extend(broken.iter().map(in_words));
    let marks: Vec<Marks> = cells.iter().filter_map(|place| Some(few.get(*place)?.1)).collect();
    marks::add(&mut rows, &marks, query);
    Ok(rows)
}

fn in_words(broken: &Broken) -> String {
    let names = broken.cell.fields.iter().map(|field| broken.cell.text_of(&field.name, 0));
    format!("{}: {}", names.collect::<Vec<_>>().join(" "), broken.cause)
}
