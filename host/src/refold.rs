//! Runs whose result is a view on disk: full, incremental and targeted, all in bounded memory. Cells
//! that outgrow the table are laid down in spills and merged as they are written out. Owns the kinds of
//! run; knows nothing of catalogs: what it has not finished leaves no file, or one that a start removes.

mod choice;
mod filter;
mod gathering;
mod record;

pub use choice::Choice;

use crate::batch::{self, Shape};
use crate::calls;
use crate::cell::CellRef;
use crate::half::{self, FoldedChunk, Job};
use crate::log::Unreadable;
use crate::merge::{Only, Source};
use crate::offset::{Offset, Range};
use crate::store::{self, Disk, Meta, Span, ViewFile};
use crate::table;
use gathering::Gathering;
use record::{Copied, Record};

/// Why there is no new view.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Fold(#[from] half::Error),
    #[error("view {file} was built by version {found}, not {version}; make a full run")]
    Version { file: String, found: String, version: String },
    #[error("view {file} reaches from offset {from} to {to}, which {needed}; make a full run")]
    Range { file: String, from: Offset, to: Offset, needed: String },
    #[error("key column {column} was chosen, but the transform has {columns}; choose one of them")]
    Column { column: usize, columns: usize },
    #[error("windows were chosen, but the transform has one global window; choose keys")]
    Global,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        Error::Fold(error.into())
    }
}

impl From<table::Error> for Error {
    fn from(error: table::Error) -> Error {
        Error::Fold(error.into())
    }
}

impl From<calls::Error> for Error {
    fn from(error: calls::Error) -> Error {
        Error::Fold(error.into())
    }
}

impl From<Unreadable> for Error {
    fn from(error: Unreadable) -> Error {
        Error::Fold(error.into())
    }
}

/// Where a new view goes. There is no such file yet; spills are laid beside it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub disk: &'a dyn Disk,
    pub file: &'a str,
}

/// How a run goes about it; never what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    pub shape: Shape,
    /// What cells may take in memory before they are spilled.
    pub table_bytes_max: usize,
}

pub const TABLE_BYTES_MAX: usize = 1 << 30;

/// Hears of the number of events of each chunk that is done.
pub type Progress<'a> = &'a mut (dyn FnMut(u64) + Send);

/// Folds `[0, to)`.
pub fn full(
    job: &Job<'_>,
    to: Offset,
    target: Target<'_>,
    means: Means,
    progress: Progress<'_>,
) -> Result<Meta, Error> {
    let mut record = Record::new(job, target)?;
    let mut gathering = Gathering::new(job, None, target, means);
    let range = Range::new(Offset::ZERO, to);
    fold_on(job, range, means, &mut gathering, &mut record, progress)?;
    gathering.write(None, &mut record)?;
    record.finish(range, true)
}

/// Looks at the cells that a run has folded, before they are merged onto anything older.
pub type Look<'a> = &'a mut dyn FnMut(&mut dyn Source) -> Result<(), Error>;

/// Folds `[N, to)` and merges it to the right of `base`, which is `[0, N)`. What is wrong in the base
/// stays so; if it counts events that the log has lost since, nothing is certified.
pub fn incremental(
    job: &Job<'_>,
    base: &ViewFile,
    to: Offset,
    target: Target<'_>,
    means: Means,
    progress: Progress<'_>,
) -> Result<Meta, Error> {
    incremental_looked_at(job, base, to, target, means, progress, &mut |_| Ok(()))
}

/// The same, with a look at what was folded.
pub fn incremental_looked_at(
    job: &Job<'_>,
    base: &ViewFile,
    to: Offset,
    target: Target<'_>,
    means: Means,
    progress: Progress<'_>,
    look: Look<'_>,
) -> Result<Meta, Error> {
    check_base(job, base, to)?;
    let boundary = base.meta().range.to;
    let mut record = Record::new(job, target)?;
    Copied::new(base)?.copy_before(boundary, &mut record, |_| false)?;
    let mut gathering = Gathering::new(job, Some(base), target, means);
    fold_on(job, Range::new(boundary, to), means, &mut gathering, &mut record, progress)?;
    look(&mut gathering.cells(None)?)?;
    gathering.write(Some(Box::new(base.scan()?)), &mut record)?;
    record.finish(Range::new(Offset::ZERO, to), is_of_log(job, base))
}

/// Folds chosen cells of `[0, N)` again and puts them in place of those of `base`, whose boundary N
/// stays. Spans that cannot have touched a chosen cell are not read; the rejected events of those that
/// are read replace the ones that were recorded.
pub fn targeted(
    job: &Job<'_>,
    base: &ViewFile,
    choice: &Choice,
    target: Target<'_>,
    means: Means,
    progress: Progress<'_>,
) -> Result<Meta, Error> {
    let boundary = base.meta().range.to;
    check_base(job, base, boundary)?;
    let chosen = choice.checked(job.calls.description())?;
    let (mut record, mut copied) = (Record::new(job, target)?, Copied::new(base)?);
    let touched = |span: &Span| choice.may_touch(span);
    let mut gathering = Gathering::new(job, None, target, means);
    let spans: Vec<Range> = copied.spans().filter(|span| touched(span)).map(|span| span.range).collect();
    let chunks = spans.iter().flat_map(|span| span.chunks(means.shape.chunk_rows));
    batch::fold(job, chunks, means.shape.threads, |mut chunk: FoldedChunk| {
        copied.copy_before(chunk.range.from, &mut record, touched)?;
        record.note(&mut chunk)?;
        chunk.outcome.parts = chunk.outcome.parts.iter().map(|part| chosen.part(part)).collect();
        let events = chunk.range.count();
        gathering.take(chunk)?;
        progress(events);
        Ok::<(), Error>(())
    })?;
    copied.copy_before(boundary, &mut record, touched)?;
    let others = |cell: &CellRef<'_>| !chosen.has(cell.key, cell.window);
    gathering.write(Some(Box::new(Only::new(base.scan()?, others)?)), &mut record)?;
    record.finish(base.meta().range, is_of_log(job, base))
}

fn fold_on(
    job: &Job<'_>,
    range: Range,
    means: Means,
    gathering: &mut Gathering<'_>,
    record: &mut Record<'_>,
    progress: Progress<'_>,
) -> Result<(), Error> {
    batch::fold(job, range.chunks(means.shape.chunk_rows), means.shape.threads, |mut chunk| {
        record.note(&mut chunk)?;
        let events = chunk.range.count();
        gathering.take(chunk)?;
        progress(events);
        Ok(())
    })
}

/// Whether the log still has all that a certified base was folded from. What is lost stays lost, so that
/// equal counts are the same events.
fn is_of_log(job: &Job<'_>, base: &ViewFile) -> bool {
    let meta = base.meta();
    meta.certificate.is_some() && meta.tally.lost == job.log.lost(meta.range)
}

/// Refuses a base that a run up to `to` cannot stand on.
fn check_base(job: &Job<'_>, base: &ViewFile, to: Offset) -> Result<(), Error> {
    let (meta, version) = (base.meta(), job.calls.version());
    if meta.version != version {
        let (found, version) = (meta.version.to_string(), version.to_string());
        return Err(Error::Version { file: base.file().into(), found, version });
    }
    let needed = if meta.range.from != Offset::ZERO {
        "does not begin with the log".into()
    } else if meta.range.to > to {
        format!("is beyond {to}")
    } else {
        return Ok(());
    };
    Err(Error::Range { file: base.file().into(), from: meta.range.from, to: meta.range.to, needed })
}
