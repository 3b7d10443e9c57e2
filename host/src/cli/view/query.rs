//! `bifocal query`: the rows of a view. Directly on a directory the near half is folded for the question:
//! batch `[0, N)` from its file, `[N, head)` from the log, overlaid at the offset N.

use crate::cli::client::{Client, encoded};
use crate::cli::data::{DataArgs, Place, PlaceArgs, lost_in_words};
use crate::cli::table::grouped;
use crate::cli::view::Opened;
use crate::cli::{Answer, options};
use crate::half::Half;
use crate::log::ReadLog;
use crate::near::{Base, Pointer};
use crate::offset::{Offset, Range};
use crate::parts::Part;
use crate::rows::{Format, Rows, Writer};
use crate::serving::{self, Asked, Late, Lens, Query, Summary};
use crate::speed::Speed;
use crate::store::ViewFile;
use crate::table::Below;
use anyhow::{Context, bail};
use clap::{Args as ClapArgs, ValueEnum};
use std::io::{BufWriter, IsTerminal, Write};
use std::sync::Arc;

/// Events in one call of speed, a whole stripe of columns.
const MICRO_BATCH_ROWS: u64 = 65_536;
/// Rows that a table shows unless asked.
pub const TABLE_ROWS: usize = 20;

/// The rows of a view, exact over all events that are durable
///
/// Rows come in order of their keys, then windows. `settled` says that the window is closed in what
/// batch has folded, so that only a correction can change it; `revised`, that one has. Exit code 1 if a
/// cell is broken.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal query revenue merchant_id=m_0001 --data ./data
  bifocal query revenue --from -24h --grain 1d --tz Europe/Berlin --order=-amount --limit 10 --data ./data
  bifocal query revenue --prefix merchant_id=m_00 --where 'amount>=100' --data ./data
  bifocal query revenue --as-of run:3 --format csv --data ./data")]
pub struct Args {
    pub view: String,
    /// Only rows with these values of keys
    #[arg(value_name = "KEY=VALUE")]
    pub keys: Vec<String>,
    /// Only rows whose text key begins so
    #[arg(long, value_name = "KEY=TEXT")]
    pub prefix: Option<String>,
    /// Only windows that start at or after this time, or so long ago, such as -24h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Only windows that start before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// The time zone of grains, and of times that name none
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// Windows rolled up: a duration that divides a day, days, 1w or 1mo
    #[arg(long, value_name = "DURATION")]
    pub grain: Option<String>,
    /// Only rows for which this holds; may be said several times
    #[arg(long = "where", value_name = "COLUMN>VALUE")]
    pub conditions: Vec<String>,
    /// By which columns rows are sorted; a minus in front: descending
    #[arg(long, value_name = "COLUMN,…", allow_hyphen_values = true)]
    pub order: Option<String>,
    /// At most so many rows [default: all; a table shows 20]
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<usize>,
    /// The limit holds for each value of this column by itself
    #[arg(long, value_name = "COLUMN", requires = "limit")]
    pub per: Option<String>,
    /// What batch says, what speed says, or both overlaid
    #[arg(long, default_value = "merged")]
    lens: LensArg,
    /// A kept run, as `run:N`: what batch said then
    #[arg(long, value_name = "run:N")]
    pub as_of: Option<String>,
    /// How rows are printed [default: table on a terminal, ndjson in a pipe]
    #[arg(long)]
    pub format: Option<Format>,
    /// Waits until all before this offset is visible (with a server)
    #[arg(long, value_name = "OFFSET")]
    min_offset: Option<u64>,
    /// Ask again whenever more is visible, until it is interrupted (with a server)
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LensArg {
    Merged,
    Batch,
    Speed,
}

impl Args {
    /// The same in the words of a query.
    pub fn asked(&self) -> Asked {
        Asked {
            keys: self.keys.clone(),
            prefix: self.prefix.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            tz: self.tz.clone(),
            grain: self.grain.clone(),
            conditions: self.conditions.clone(),
            order: self.order.clone(),
            limit: self.limit,
            per: self.per.clone(),
            lens: match self.lens {
                LensArg::Merged => Lens::Merged,
                LensArg::Batch => Lens::Batch,
                LensArg::Speed => Lens::Speed,
            },
        }
    }

    /// The same in the words of a URL.
    fn parameters(&self) -> String {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in &self.keys {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((format!("key.{name}"), value.into()));
        }
        let lens = (self.lens != LensArg::Merged).then(|| self.asked().lens.name().to_string());
        let words = [
            ("prefix", self.prefix.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("tz", self.tz.clone()),
            ("grain", self.grain.clone()),
            ("order", self.order.clone()),
            ("limit", self.limit.map(|limit| limit.to_string())),
            ("per", self.per.clone()),
            ("lens", lens),
            ("as_of", self.as_of.clone()),
            ("min_offset", self.min_offset.map(|offset| offset.to_string())),
        ];
        pairs.extend(words.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))));
        pairs.extend(self.conditions.iter().map(|condition| ("where".to_string(), condition.clone())));
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }

    /// The format that is asked for, or that fits where rows go.
    pub fn format(&self) -> anyhow::Result<Format> {
        let is_terminal = std::io::stdout().is_terminal();
        let format = self.format.unwrap_or(if is_terminal { Format::Table } else { Format::Ndjson });
        if is_terminal && format.is_binary() {
            bail!("--format {} is not for a terminal; send it to a file", format.name());
        }
        Ok(format)
    }
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    match args.place.place()? {
        Place::Directory(data) => here(args, &data),
        Place::Server(client) if args.watch => watch(args, &client),
        Place::Server(client) => there(args, &client, None).map(|_| Answer::Done),
    }
}

/// Between two looks whether more is visible.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);

fn watch(args: &Args, client: &Client) -> anyhow::Result<Answer> {
    let mut seen = None;
    loop {
        seen = there(args, client, seen)?;
        std::thread::sleep(LOOK);
    }
}

/// Prints the rows that a server has, unless no more is visible than `seen`; what is.
fn there(args: &Args, client: &Client, seen: Option<String>) -> anyhow::Result<Option<String>> {
    let format = args.format()?;
    let url = format!(
        "{}{}",
        client.at(&["views", &format!("{}.{}", args.view, format.name())]),
        args.parameters()
    );
    let (said, body) = client.stream(&url)?;
    let visible = said.get("visible").cloned();
    if seen.is_some() && visible == seen {
        return Ok(seen);
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.watch && std::io::stdout().is_terminal() {
        // Up and clear: what was shown is replaced.
        out.write_all(b"\x1b[H\x1b[2J")?;
    }
    std::io::copy(&mut body.into_reader(), &mut out).with_context(|| format!("rows of {}", args.view))?;
    out.flush()?;
    let of = |name: &str| said.get(name).map(String::as_str).unwrap_or_default();
    if of("state") != "live" || args.watch {
        eprintln!(
            "{:<8} {} [0, {})   fresh to {} ms",
            of("state"),
            of("version"),
            of("visible"),
            of("freshness-ms")
        );
    }
    Ok(visible)
}

fn here(args: &Args, data: &DataArgs) -> anyhow::Result<Answer> {
    if args.watch || args.min_offset.is_some() {
        bail!("--watch and --min-offset wait for what arrives, which needs a server; leave --data out");
    }
    let opened = Opened::new(data, &args.view, options::threads(None))?;
    let late = Late::of(&opened.record);
    let now_ms = chrono::Utc::now().timestamp_millis();
    let query = Query::new(opened.description(), &args.asked(), late, now_ms);
    let query = query.map_err(|why| anyhow::anyhow!(why))?;
    let pointer = args.pointer(&opened)?;
    let summary = args.print(&opened, &pointer, &query)?;
    args.tell_lost(&opened, pointer.base_view());
    drop(pointer);
    opened.close()?;
    Ok(tell(&summary))
}

/// What is to be said beside the rows.
pub fn tell(summary: &Summary) -> Answer {
    if summary.pending_late > 0 {
        eprintln!("pending  {} settled cells wait for the next run", grouped(summary.pending_late));
    }
    for broken in &summary.broken {
        eprintln!("broken   {broken}");
    }
    if summary.broken.is_empty() { Answer::Done } else { Answer::No }
}

impl Args {
    /// What the answer is made from: the batch view that is served, or a kept one, and what follows it.
    fn pointer(&self, opened: &Opened) -> anyhow::Result<Pointer> {
        let view = match &self.as_of {
            Some(name) => Some(opened.kept_run(name)?),
            None => opened.base()?,
        };
        let boundary = view.as_ref().map_or(Offset::ZERO, |view| view.meta().range.to);
        let near = match &self.as_of {
            Some(_) => None,
            None => Some(near(opened, boundary, view.as_ref())?),
        };
        let settled_to_ms = settled_to(opened, boundary)?;
        let base = view.map(|view| Arc::new(Base { run: 0, view, settled_to_ms }));
        let visible = near.as_ref().map_or(boundary, |half| half.range.to);
        let parts = near.filter(|half| !half.range.is_empty()).map(|half| Arc::new(Part::in_memory(half)));
        Ok(Pointer { base, parts: parts.into_iter().collect(), visible, greatest_ms: None })
    }

    fn print(&self, opened: &Opened, pointer: &Pointer, query: &Query) -> anyhow::Result<Summary> {
        let calls = opened.calls();
        let fields = serving::fields(opened.description(), query);
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut writer = Writer::new(self.format()?, &fields, self.limit.unwrap_or(TABLE_ROWS), &mut out)?;
        let mut write = |rows: &Rows| -> Result<(), Fault> { Ok(writer.write(&rows.columns, rows.count)?) };
        let summary = serving::answer(&calls, pointer, query, &mut write)?;
        writer.finish()?;
        out.flush().with_context(|| format!("rows of {}", self.view))?;
        Ok(summary)
    }

    /// What of the events that were asked for is lost, and whether batch was folded while it was there.
    fn tell_lost(&self, opened: &Opened, base: Option<&ViewFile>) {
        let batch = base.map_or(Range::new(Offset::ZERO, Offset::ZERO), |base| base.meta().range);
        let head = Offset(opened.log.head());
        let range = match (self.lens, &self.as_of) {
            (LensArg::Batch, _) | (_, Some(_)) => batch,
            (LensArg::Speed, None) => Range::new(batch.to, head),
            (LensArg::Merged, None) => Range::new(Offset::ZERO, head),
        };
        let Some(lost) = lost_in_words(&opened.log.losses(range)) else { return };
        eprintln!("lost     {lost}");
        let counted = opened.log.lost(batch).saturating_sub(base.map_or(0, |base| base.meta().tally.lost));
        if counted > 0 && self.lens != LensArg::Speed {
            let to = grouped(batch.to.0);
            eprintln!(
                "         batch [0, {to}) was folded before {} of them were lost, and counts those",
                grouped(counted)
            );
        }
    }
}

/// Why rows were not printed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Serving(#[from] serving::Error),
    #[error(transparent)]
    Rows(#[from] crate::rows::Error),
}

/// `[boundary, head)`, folded now.
fn near(opened: &Opened, boundary: Offset, base: Option<&ViewFile>) -> anyhow::Result<Half> {
    let calls = opened.calls();
    let job = opened.job(&calls, opened.log.as_ref());
    let below = base.map(|base| base as &dyn Below);
    let mut speed = Speed::new(job, boundary, below);
    for chunk in Range::new(boundary, Offset(opened.log.head())).chunks(MICRO_BATCH_ROWS) {
        speed.step(chunk.to)?;
    }
    Ok(speed.into_half())
}

/// Windows that start before this are closed in `[0, boundary)`; None: nothing is settled.
fn settled_to(opened: &Opened, boundary: Offset) -> anyhow::Result<Option<i64>> {
    let Some(window) = opened.description().window else { return Ok(None) };
    let times = opened.log.times(Range::new(boundary, boundary))?;
    let watermark_ms = times.rule.watermark(times.greatest_before_ms);
    Ok(watermark_ms.map(|watermark_ms| window.closed_before(watermark_ms, opened.record.lateness_ms)))
}
