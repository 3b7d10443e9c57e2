//! `bifocal query`: the rows of a view. Without a server the near half is folded for the question:
//! batch `[0, N)` from its file, `[N, head)` from the log, overlaid at the offset N.

use crate::calls::Calls;
use crate::cell::CellRef;
use crate::cli::data::{DataArgs, lost_in_words};
use crate::cli::table::grouped;
use crate::cli::view::{Opened, key_column, key_equals, time_ms};
use crate::cli::{Answer, options};
use crate::column::{Builder, Value};
use crate::description::{Description, Field, Kind};
use crate::key;
use crate::log::ReadLog;
use crate::merge::{Merge, Only, Sorted, Source};
use crate::offset::{Offset, Range};
use crate::rows::{Format, Writer};
use crate::run;
use crate::speed::Speed;
use crate::store::ViewFile;
use crate::table::{Below, Table};
use anyhow::{Context, bail};
use clap::{Args as ClapArgs, ValueEnum};
use std::io::{BufWriter, IsTerminal, Write};

/// Events in one call of speed, a whole stripe of columns.
const MICRO_BATCH_ROWS: u64 = 65_536;
/// Cells that are presented at a time.
const CELLS_AT_A_TIME: usize = 16_384;
/// Rows that a table shows unless asked.
const TABLE_ROWS: usize = 20;

/// The rows of a view, exact over all events that are durable
///
/// Rows come in order of their keys, then windows. `settled` says that the window is closed in what
/// batch has folded, so that only a correction can change it. Exit code 1 if a cell is broken.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal query revenue merchant_id=m_0001 --data ./data
  bifocal query revenue --prefix merchant_id=m_00 --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z --data ./data
  bifocal query revenue --as-of run:3 --format csv --data ./data")]
pub struct Args {
    view: String,
    /// Only rows with these values of keys
    #[arg(value_name = "KEY=VALUE")]
    keys: Vec<String>,
    /// Only rows whose text key begins so
    #[arg(long, value_name = "KEY=TEXT")]
    prefix: Option<String>,
    /// Only windows that start at or after this time
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only windows that start before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// What batch says, what speed says, or both overlaid
    #[arg(long, default_value = "merged")]
    lens: Lens,
    /// A kept run, as `run:N`: what batch said then
    #[arg(long, value_name = "run:N")]
    as_of: Option<String>,
    /// At most so many rows [default: all; a table shows 20]
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,
    /// How rows are printed [default: table on a terminal, ndjson in a pipe]
    #[arg(long)]
    format: Option<Format>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lens {
    Merged,
    Batch,
    Speed,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let opened = Opened::new(&args.data, &args.view, options::threads(None))?;
    let wanted = Wanted::new(args, opened.description())?;
    let calls = opened.calls();
    let base = match &args.as_of {
        Some(name) => Some(opened.kept_run(name)?),
        None => opened.base()?,
    };
    let boundary = base.as_ref().map_or(Offset::ZERO, |base| base.meta().range.to);
    let is_whole = opened.description().initial.is_some();
    if args.lens == Lens::Speed && is_whole {
        bail!("view '{}' keeps whole states: speed has no part of its own; use --lens merged", args.view);
    }
    let near = match (args.lens, &args.as_of) {
        (Lens::Batch, _) | (_, Some(_)) => Table::default(),
        _ => near(&opened, &calls, boundary, base.as_ref())?,
    };
    let mut sources: Vec<Box<dyn Source + '_>> = Vec::new();
    if let Some(base) = base.as_ref().filter(|_| args.lens != Lens::Speed) {
        let scan = base.scan_prefix(&wanted.leading)?;
        sources.push(Box::new(Only::new(scan, |cell: &CellRef<'_>| wanted.has(cell))?));
    }
    sources.push(Box::new(Only::new(Sorted::new(&near), |cell: &CellRef<'_>| wanted.has(cell))?));
    let merged = Merge::new(&calls, sources)?;
    let settled_to = settled_to(&opened, boundary)?;
    let broken = print(args, &calls, merged, settled_to)?;
    tell_lost(args, &opened, base.as_ref());
    drop(base);
    opened.close()?;
    for broken in &broken {
        eprintln!("broken   {broken}");
    }
    Ok(if broken.is_empty() { Answer::Done } else { Answer::No })
}

/// What of the events that were asked for is lost, and whether batch was folded while it was there.
fn tell_lost(args: &Args, opened: &Opened, base: Option<&ViewFile>) {
    let batch = base.map_or(Range::new(Offset::ZERO, Offset::ZERO), |base| base.meta().range);
    let head = Offset(opened.log.head());
    let range = match (args.lens, &args.as_of) {
        (Lens::Batch, _) | (_, Some(_)) => batch,
        (Lens::Speed, None) => Range::new(batch.to, head),
        (Lens::Merged, None) => Range::new(Offset::ZERO, head),
    };
    let Some(lost) = lost_in_words(&opened.log.losses(range)) else { return };
    eprintln!("lost     {lost}");
    let counted = opened.log.lost(batch).saturating_sub(base.map_or(0, |base| base.meta().tally.lost));
    if counted > 0 && args.lens != Lens::Speed {
        let to = grouped(batch.to.0);
        eprintln!(
            "         batch [0, {to}) was folded before {} of them were lost, and counts those",
            grouped(counted)
        );
    }
}

/// `[boundary, head)`, folded now.
fn near(opened: &Opened, calls: &Calls, boundary: Offset, base: Option<&ViewFile>) -> anyhow::Result<Table> {
    let job = opened.job(calls, opened.log.as_ref());
    let below = base.map(|base| base as &dyn Below);
    let mut speed = Speed::new(job, boundary, below);
    for chunk in Range::new(boundary, Offset(opened.log.head())).chunks(MICRO_BATCH_ROWS) {
        speed.step(chunk.to)?;
    }
    Ok(speed.into_half().table)
}

/// Windows that start before this are closed in `[0, boundary)`; None: nothing is settled.
fn settled_to(opened: &Opened, boundary: Offset) -> anyhow::Result<Option<i64>> {
    let Some(window) = opened.description().window else { return Ok(None) };
    let times = opened.log.times(Range::new(boundary, boundary))?;
    let watermark_ms = times.rule.watermark(times.greatest_before_ms);
    // Closed: the window's end plus the lateness is at or behind the watermark.
    Ok(watermark_ms.map(|watermark_ms| {
        watermark_ms
            .saturating_sub(opened.record.lateness_ms)
            .saturating_sub(window.size_ms)
            .saturating_add(1)
    }))
}

/// Presents and prints piece by piece; what cells are broken, in words.
fn print(
    args: &Args,
    calls: &Calls,
    mut merged: Merge<'_>,
    settled_to: Option<i64>,
) -> anyhow::Result<Vec<String>> {
    let out = std::io::stdout();
    let is_terminal = out.is_terminal();
    let format = args.format.unwrap_or(if is_terminal { Format::Table } else { Format::Ndjson });
    if is_terminal && format.is_binary() {
        bail!("--format {} is not for a terminal; send it to a file", format.name());
    }
    let description = calls.description();
    let mut out = BufWriter::new(out.lock());
    let (mut left, mut broken) = (args.limit.unwrap_or(usize::MAX), Vec::new());
    let empty = shown(calls, Vec::new(), settled_to, &mut broken)?;
    let mut writer = Writer::new(format, &empty.fields, args.limit.unwrap_or(TABLE_ROWS), &mut out)?;
    while left > 0 && merged.head().is_some() {
        let mut cells = Vec::new();
        while let Some(cell) = merged.head().filter(|_| cells.len() < CELLS_AT_A_TIME.min(left)) {
            cells.push(cell.to_owned());
            merged.advance()?;
        }
        left -= cells.len();
        let rows = shown(calls, cells, settled_to, &mut broken)?;
        writer.write(&rows.columns, rows.count)?;
    }
    writer.finish()?;
    out.flush().with_context(|| format!("rows of {}", description.name))?;
    Ok(broken)
}

/// Rows of cells, with their marks.
fn shown(
    calls: &Calls,
    cells: Vec<crate::cell::Cell>,
    settled_to: Option<i64>,
    broken: &mut Vec<String>,
) -> anyhow::Result<crate::rows::Rows> {
    let (mut rows, failed) = run::present(calls, cells.iter().map(|cell| cell.as_ref()))?;
    broken.extend(failed.iter().map(|failed| {
        let names = failed.cell.fields.iter().map(|field| failed.cell.text_of(&field.name, 0));
        format!("{}: {}", names.collect::<Vec<_>>().join(" "), failed.cause)
    }));
    let window = rows.fields.iter().position(|field| field.name == "window");
    let windows = calls.description().window.and(window).and_then(|window| rows.columns.get(window));
    let mut settled = Builder::default();
    for row in 0..rows.count {
        let is_settled = match windows.map(|windows| windows.value(&Kind::Timestamp, row)) {
            Some(Value::Integer(start)) => settled_to.is_some_and(|to| start < to),
            _ => false,
        };
        settled.push(&Kind::Boolean, Value::Boolean(is_settled));
    }
    rows.fields.push(Field {
        name: "settled".into(),
        path: String::new(),
        kind: Kind::Boolean,
        required: true,
    });
    rows.columns.push(settled.finish());
    Ok(rows)
}

/// Which cells are asked for.
struct Wanted<'a> {
    description: &'a Description,
    keys: Vec<(usize, key::Part)>,
    prefix: Option<(usize, Vec<u8>)>,
    windows_ms: (i64, i64),
    /// What every wanted key begins with, encoded: a point in the file instead of all of it.
    leading: Vec<u8>,
}

impl<'a> Wanted<'a> {
    fn new(args: &Args, description: &'a Description) -> anyhow::Result<Wanted<'a>> {
        let keys: Vec<_> =
            args.keys.iter().map(|pair| key_equals(description, pair)).collect::<anyhow::Result<_>>()?;
        let prefix = args.prefix.as_deref().map(|pair| prefix(description, pair)).transpose()?;
        if description.window.is_none() && (args.from.is_some() || args.to.is_some()) {
            bail!("the view has one global window: --from and --to choose nothing");
        }
        let time = |flag, text: &Option<String>, usual| {
            text.as_deref().map_or(Ok(usual), |text| time_ms(flag, text))
        };
        let windows_ms = (time("--from", &args.from, i64::MIN)?, time("--to", &args.to, i64::MAX)?);
        let mut leading = Vec::new();
        for column in 0..description.keys.len() {
            let Some((_, part)) = keys.iter().find(|(other, _)| *other == column) else { break };
            key::push(part.value(), &mut leading);
        }
        Ok(Wanted { description, keys, prefix, windows_ms, leading })
    }

    fn has(&self, cell: &CellRef<'_>) -> bool {
        let (from, to) = self.windows_ms;
        let in_time = self.description.window.is_none() || (from..to).contains(&cell.window);
        in_time && (self.keys.is_empty() && self.prefix.is_none() || self.has_key(cell.key))
    }

    fn has_key(&self, key: &[u8]) -> bool {
        let Some(parts) = key::decode(&self.description.keys, key) else { return false };
        let begins = |(column, text): &(usize, Vec<u8>)| matches!(parts.get(*column), Some(key::Part::Bytes(bytes)) if bytes.starts_with(text));
        self.keys.iter().all(|(column, wanted)| parts.get(*column) == Some(wanted))
            && self.prefix.as_ref().is_none_or(begins)
    }
}

fn prefix(description: &Description, pair: &str) -> anyhow::Result<(usize, Vec<u8>)> {
    let Some((name, text)) = pair.split_once('=') else { bail!("--prefix '{pair}' is not KEY=TEXT") };
    let column = key_column(description, name)?;
    match description.keys.get(column).map(|field| &field.kind) {
        Some(Kind::Text | Kind::Binary) => Ok((column, text.as_bytes().to_vec())),
        _ => bail!("key '{name}' is no text; choose it by KEY=VALUE"),
    }
}
