//! The product's promise in one step: a transform over a log, through batch, through speed, or
//! through both, compared cell by cell. Owns the plan and the outcome; reads no file, prints nothing.

use crate::batch::{self, Shape};
use crate::calls::{self, Calls, Verdicts};
use crate::cell::CellRef;
use crate::certificate::Certificate;
use crate::column::{Blobs, Builder, Column, Value};
use crate::description::{Description, Field, Kind};
use crate::drill::{Drill, Tampered};
use crate::extract::Extractor;
use crate::half::{self, Half, Job};
use crate::log::{ReadLog, Unreadable};
use crate::offset::{Offset, Range};
use crate::reconcile::{self, Side};
use crate::rows::Rows;
use crate::speed::Speed;
use crate::table::Table;
use crate::transform::Transform;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    Batch,
    Speed,
    Both,
}

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub through: Through,
    /// The boundary N: batch is `[0, N)`, speed `[N, head)`.
    pub cut: Offset,
    pub shape: Shape,
    /// Events in one micro-batch.
    pub micro_batch_rows: u64,
    pub lateness_ms: i64,
    pub drill: Option<Drill>,
}

/// One part of the work, for whoever shows progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Batch over all of the log, that the overlay is compared with.
    Full,
    Batch,
    Speed,
    Present,
}

/// Hears of each stage: its number of events, then each step's.
pub trait Progress: Send {
    fn begin(&mut self, stage: Stage, events: u64);
    fn advance(&mut self, events: u64);
}

/// What a half did, and how long it took.
pub struct Done {
    pub half: Half,
    pub took: Duration,
}

pub struct Outcome {
    /// Batch over `[0, head)`; with `Through::Both` what the overlay is compared with.
    pub full: Option<Done>,
    /// Batch over `[0, N)`.
    pub base: Option<Done>,
    /// Speed over `[N, head)`.
    pub generation: Option<Done>,
    pub comparison: Option<Comparison>,
    pub certificate: Certificate,
    pub rows: Rows,
    /// Cells that cannot be served, with the cause.
    pub broken: Vec<Broken>,
}

/// The verdict of batch against overlay, detached from both.
pub struct Comparison {
    pub compared: u64,
    pub differ: u64,
    pub missing: u64,
    pub extra: u64,
    pub rejected: Option<u64>,
    pub conservation: Option<String>,
    pub worst: Option<Worst>,
}

impl Comparison {
    pub fn is_same(&self) -> bool {
        self.cells() == 0 && self.rejected.is_none() && self.conservation.is_none()
    }

    pub fn cells(&self) -> u64 {
        self.differ + self.missing + self.extra
    }
}

/// The differing cell whose outputs are furthest apart, as a person reads it.
#[derive(Clone, Debug)]
pub struct Worst {
    pub key: Vec<u8>,
    pub window: i64,
    /// Column by column: keys and window.
    pub cell: Rows,
    /// The output that differs most; None: only the bytes of the states do, or one side lacks the cell.
    pub output: Option<String>,
    /// Outputs as batch has them; no row if it lacks the cell.
    pub batch: Rows,
    pub speed: Rows,
}

#[derive(Clone, Debug)]
pub struct Broken {
    /// Keys and window of the one cell.
    pub cell: Rows,
    pub cause: String,
}

pub fn run(
    transform: Arc<dyn Transform>,
    log: &dyn ReadLog,
    extractor: &Extractor,
    plan: &Plan,
    progress: &mut dyn Progress,
) -> Result<Outcome, half::Error> {
    let verdicts = Arc::new(Verdicts::default());
    let plain = Calls::new(transform.clone(), verdicts.clone());
    let halves = Halves { transform, verdicts, log, extractor, plan };
    let head = log.head();
    let mut outcome = Outcome {
        full: None,
        base: None,
        generation: None,
        comparison: None,
        certificate: Certificate::of(&plain, log, &Half::new(Range::new(Offset::ZERO, Offset::ZERO)))?,
        rows: Rows::default(),
        broken: Vec::new(),
    };
    let cut = match plan.through {
        Through::Batch => head,
        _ => plan.cut.min(head),
    };
    if plan.through == Through::Both {
        outcome.full = Some(halves.batch(Stage::Full, head, plan.drill, progress)?);
    }
    let base = halves.batch(Stage::Batch, cut, None, progress)?;
    let view = if plan.through == Through::Batch {
        outcome.certificate = Certificate::of(&plain, log, &base.half)?;
        let view = base.half.table.clone();
        outcome.full = Some(base);
        view
    } else {
        let generation = halves.speed(Range::new(cut, head), &base.half.table, progress)?;
        let whole = plain.description().initial.is_some();
        let overlaid = base.half.table.overlaid(&plain, &generation.half.table, whole)?;
        outcome.certificate = halves.certify(&plain, &base.half, &generation.half, &overlaid)?;
        if let Some(full) = &outcome.full {
            outcome.comparison = Some(compare(&plain, &full.half, &base.half, &generation.half, &overlaid)?);
            outcome.certificate = Certificate::of(&plain, log, &full.half)?;
        }
        outcome.base = Some(base);
        outcome.generation = Some(generation);
        overlaid
    };
    progress.begin(Stage::Present, view.len() as u64);
    (outcome.rows, outcome.broken) = present(&plain, view.iter_sorted())?;
    Ok(outcome)
}

/// What both halves of one run share.
struct Halves<'a> {
    transform: Arc<dyn Transform>,
    verdicts: Arc<Verdicts>,
    log: &'a dyn ReadLog,
    extractor: &'a Extractor,
    plan: &'a Plan,
}

impl Halves<'_> {
    /// A half has calls of its own: what one has learnt about chunk sizes does not shape the other.
    fn calls(&self, drill: Option<Drill>) -> Calls {
        let transform = match drill {
            Some(drill) => Arc::new(Tampered::new(self.transform.clone(), drill)),
            None => self.transform.clone(),
        };
        Calls::new(transform, self.verdicts.clone())
    }

    fn job<'a>(&'a self, calls: &'a Calls) -> Job<'a> {
        Job { calls, log: self.log, extractor: self.extractor, lateness_ms: self.plan.lateness_ms }
    }

    fn batch(
        &self,
        stage: Stage,
        to: Offset,
        drill: Option<Drill>,
        progress: &mut dyn Progress,
    ) -> Result<Done, half::Error> {
        let calls = self.calls(drill.filter(|drill| *drill == Drill::LostChunk));
        let range = Range::new(Offset::ZERO, to);
        progress.begin(stage, range.count());
        let started = Instant::now();
        let half =
            batch::run(&self.job(&calls), range, self.plan.shape, &mut |events| progress.advance(events))?;
        Ok(Done { half, took: started.elapsed() })
    }

    fn speed(&self, range: Range, below: &Table, progress: &mut dyn Progress) -> Result<Done, half::Error> {
        let drill = self.plan.drill;
        let in_calls = [Drill::SwappedMerge, Drill::FlippedByte];
        let calls = self.calls(drill.filter(|drill| in_calls.contains(drill)));
        progress.begin(Stage::Speed, range.count());
        let started = Instant::now();
        let from = if drill == Some(Drill::CutOffByOne) { range.from.plus(1) } else { range.from };
        let mut speed = Speed::new(self.job(&calls), from, Some(below));
        for (i, chunk) in Range::new(from, range.to).chunks(self.plan.micro_batch_rows).enumerate() {
            speed.step(chunk.to)?;
            if i == 0 && drill == Some(Drill::DoubledMicroBatch) {
                speed.forget_progress(chunk.from);
                speed.step(chunk.to)?;
            }
            progress.advance(chunk.count());
        }
        let mut half = speed.into_half();
        half.range = range;
        Ok(Done { half, took: started.elapsed() })
    }

    /// The certificate of an overlay that no batch run has confirmed.
    fn certify(
        &self,
        calls: &Calls,
        base: &Half,
        generation: &Half,
        overlaid: &Table,
    ) -> Result<Certificate, Unreadable> {
        let mut whole = Half::new(Range::new(base.range.from, generation.range.to));
        whole.rejected = base.rejected.iter().chain(&generation.rejected).cloned().collect();
        whole.table = overlaid.clone();
        Certificate::of(calls, self.log, &whole)
    }
}

fn compare(
    calls: &Calls,
    full: &Half,
    base: &Half,
    generation: &Half,
    overlaid: &Table,
) -> Result<Comparison, calls::Error> {
    let difference = reconcile::compare(full, base, generation, overlaid);
    Ok(Comparison {
        compared: difference.compared,
        differ: difference.differ,
        missing: difference.missing,
        extra: difference.extra,
        rejected: difference.rejected,
        worst: worst(calls, &difference.first)?,
        conservation: difference.conservation,
    })
}

/// Presents both sides of every kept difference and picks the one furthest apart.
fn worst(calls: &Calls, sides: &[Side<'_>]) -> Result<Option<Worst>, calls::Error> {
    let Some(first) = sides.first() else { return Ok(None) };
    let mut found = (first, None, -1.0);
    for side in sides {
        let Side::Both { batch, speed } = side else { continue };
        let (batch, speed) = (one(calls, *batch)?, one(calls, *speed)?);
        for (field, (a, b)) in calls.description().outputs.iter().zip(batch.iter().zip(&speed)) {
            let apart = apart(&field.kind, a, b);
            if apart > found.2 && apart > 0.0 {
                found = (side, Some(field.name.clone()), apart);
            }
        }
    }
    let (side, output, _) = found;
    let (batch, speed) = match *side {
        Side::Both { batch, speed } => (Some(batch), Some(speed)),
        Side::Missing(batch) => (Some(batch), None),
        Side::Extra(speed) => (None, Some(speed)),
    };
    let shown = |cell: Option<CellRef<'_>>| -> Result<Rows, calls::Error> {
        let Some(cell) = cell else { return Ok(Rows::default()) };
        Ok(Rows::new(calls.description().outputs.clone(), one(calls, cell)?, 1))
    };
    let cell = side.cell();
    Ok(Some(Worst {
        key: cell.key.to_vec(),
        window: cell.window,
        cell: name_cell(calls.description(), cell.key, cell.window),
        output,
        batch: shown(batch)?,
        speed: shown(speed)?,
    }))
}

/// The outputs of one cell; all absent if it is broken, which has no state to present.
fn one(calls: &Calls, cell: CellRef<'_>) -> Result<Vec<Column>, calls::Error> {
    if cell.broken.is_some() {
        let absent = |field: &Field| {
            let mut builder = Builder::default();
            builder.push(&field.kind, Value::Absent);
            builder.finish()
        };
        return Ok(calls.description().outputs.iter().map(absent).collect());
    }
    let (keys, states) = ([cell.key].into_iter().collect(), [cell.state].into_iter().collect());
    Ok(calls.present(&keys, &[cell.window], &states)?.columns)
}

/// How far two values are apart, relative to the greater; 1 where they cannot be subtracted.
fn apart(kind: &Kind, a: &Column, b: &Column) -> f64 {
    let (a, b) = (a.value(kind, 0), b.value(kind, 0));
    if a == b {
        return 0.0;
    }
    let number = |value: Value<'_>| match value {
        Value::Integer(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) if a.is_finite() && b.is_finite() => (a - b).abs() / a.abs().max(b.abs()),
        _ => 1.0,
    }
}

/// A view's rows in canonical order, and those cells that have none.
pub fn present<'a>(
    calls: &Calls,
    cells: impl Iterator<Item = CellRef<'a>>,
) -> Result<(Rows, Vec<Broken>), calls::Error> {
    let Shown { rows, broken, .. } = show(calls, cells)?;
    Ok((rows, broken))
}

/// Cells as people read them.
pub struct Shown {
    pub rows: Rows,
    /// Which of the cells, counted as they were given, each row is.
    pub cells: Vec<usize>,
    pub broken: Vec<Broken>,
}

/// The rows of cells, in their order.
pub fn show<'a>(calls: &Calls, cells: impl Iterator<Item = CellRef<'a>>) -> Result<Shown, calls::Error> {
    let description = calls.description();
    let (mut keys, mut windows, mut states) = (Blobs::default(), Vec::new(), Blobs::default());
    let (mut broken, mut places) = (Vec::new(), Vec::new());
    for (place, cell) in cells.enumerate() {
        if let Some(cause) = cell.broken {
            let cell = name_cell(description, cell.key, cell.window);
            broken.push(Broken { cell, cause: cause.into() });
            continue;
        }
        keys.push(cell.key);
        windows.push(cell.window);
        states.push(cell.state);
        places.push(place);
    }
    let presented = calls.present(&keys, &windows, &states)?;
    for (row, cause) in &presented.broken {
        let window = windows.get(*row).copied().unwrap_or(0);
        let cell = name_cell(description, keys.get(*row), window);
        broken.push(Broken { cell, cause: cause.clone() });
    }
    let bad: std::collections::BTreeSet<usize> = presented.broken.iter().map(|(row, _)| *row).collect();
    let good: Vec<usize> = (0..states.len()).filter(|row| !bad.contains(row)).collect();
    let mut rows = cells_named(description, &keys, &windows);
    rows.extend(description.outputs.iter().cloned().zip(presented.columns));
    let count = good.len();
    let (fields, columns): (Vec<Field>, Vec<Column>) = rows
        .into_iter()
        .map(|(field, column)| {
            let column = if bad.is_empty() { column } else { column.pick(&field.kind, &good) };
            (field, column)
        })
        .unzip();
    let cells = good.iter().filter_map(|row| places.get(*row).copied()).collect();
    Ok(Shown { rows: Rows::new(fields, columns, count), cells, broken })
}

/// Key columns and, unless the window is global, the window.
fn cells_named(description: &Description, keys: &Blobs, windows: &[i64]) -> Vec<(Field, Column)> {
    let columns = crate::key::columns(&description.keys, keys.iter());
    let mut out: Vec<(Field, Column)> = description.keys.iter().cloned().zip(columns).collect();
    if description.window.is_some() {
        let mut builder = Builder::default();
        windows.iter().for_each(|window| builder.push(&Kind::Timestamp, Value::Integer(*window)));
        let field =
            Field { name: "window".into(), path: String::new(), kind: Kind::Timestamp, required: true };
        out.push((field, builder.finish()));
    }
    out
}

/// A cell's keys and window, as people read them.
pub fn cell_in_words(description: &Description, key: &[u8], window: i64) -> String {
    let cell = name_cell(description, key, window);
    let names = cell.fields.iter().map(|field| cell.text_of(&field.name, 0));
    names.collect::<Vec<_>>().join(" ")
}

fn name_cell(description: &Description, key: &[u8], window: i64) -> Rows {
    let keys = [key].into_iter().collect();
    let (fields, columns) = cells_named(description, &keys, &[window]).into_iter().unzip();
    Rows::new(fields, columns, 1)
}
