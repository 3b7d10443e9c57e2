//! The orders job, made ready for all that is measured: the log, its columns, the component.

use crate::native::Row;
use bifocal::calls::Calls;
use bifocal::column::Value;
use bifocal::description::Kind;
use bifocal::extract::{Extracted, Extractor, Scratch};
use bifocal::half::Half;
use bifocal::input::{self, Options, Source, TimeSource};
use bifocal::key;
use bifocal::log::{Log, Stream};
use bifocal::table::Table;
use bifocal::time::TimeRule;
use bifocal::transform::Transform;
use bifocal::wasm::{Component, Engine};
use generator::orders::{Orders, Shape};
use std::sync::Arc;

/// Rows of one call of `fold`.
pub const CHUNK_ROWS: u64 = 65_536;

pub struct Job {
    pub events: u64,
    pub log: Log,
    pub chunks: Vec<Extracted>,
    pub extractor: Extractor,
    pub component: Arc<dyn Transform>,
}

impl Job {
    pub fn new(events: u64) -> anyhow::Result<Job> {
        let lines = lines(events);
        let component = component("revenue")?;
        let log = log(lines)?;
        let extractor = Extractor::new(component.description(), TimeRule::default())?;
        let mut scratch = Scratch::default();
        let chunks = log.range().chunks(CHUNK_ROWS);
        let chunks = chunks.map(|range| extractor.extract(&mut scratch, range, log.read(range))).collect();
        Ok(Job { events, log, chunks, extractor, component })
    }

    pub fn calls(&self) -> Calls {
        Calls::new(self.component.clone(), Arc::default())
    }
}

/// The orders of the job, as NDJSON.
pub fn lines(events: u64) -> Vec<u8> {
    let mut lines = Vec::new();
    Orders::new(Shape { events, ..Shape::default() }).fill(&mut lines, usize::MAX);
    lines
}

/// A plugin of this repository as a component.
pub fn component(package: &str) -> anyhow::Result<Arc<dyn Transform>> {
    let engine = Engine::new(bifocal::wasm::Options::default())?;
    Ok(Arc::new(Component::load(&engine, &guests::build(package), "{}")?))
}

/// NDJSON as a log, by the way that files take.
pub fn log(lines: Vec<u8>) -> anyhow::Result<Log> {
    let mut log = Log::new(Stream { time: Some("ts".into()), ..Stream::default() });
    let options = Options {
        time: TimeSource::Path("ts".into()),
        id: None,
        rule: TimeRule::default(),
        now_ms: i64::MAX / 2,
        any_time: false,
        skip: false,
    };
    let source = Source::Reader { name: "orders".into(), bytes: Box::new(std::io::Cursor::new(lines)) };
    input::append(&mut log, vec![source], &options, &mut |_| {})?;
    Ok(log)
}

/// What the host's cells say, as native rows.
pub fn rows(calls: &Calls, table: &Table) -> anyhow::Result<Vec<Row>> {
    let cells: Vec<_> = table.iter_sorted().collect();
    let keys = cells.iter().map(|cell| cell.key).collect();
    let windows: Vec<i64> = cells.iter().map(|cell| cell.window).collect();
    let states = cells.iter().map(|cell| cell.state).collect();
    let presented = calls.present(&keys, &windows, &states)?;
    anyhow::ensure!(presented.broken.is_empty(), "a cell is broken");
    let names = key::columns(&calls.description().keys, keys.iter());
    let text = |column: usize, row: usize| match names[column].value(&Kind::Text, row) {
        Value::Bytes(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    };
    let number = |column: usize, row: usize| match presented.columns[column].value(&Kind::Integer, row) {
        Value::Integer(number) => number,
        _ => i64::MIN,
    };
    let row = |row: usize| Row {
        merchant: text(0, row),
        currency: text(1, row),
        window_ms: windows[row],
        amount: number(0, row),
        orders: number(1, row),
        largest: number(2, row),
    };
    Ok((0..cells.len()).map(row).collect())
}

/// The rows of a half.
pub fn half_rows(job: &Job, half: &Half) -> anyhow::Result<Vec<Row>> {
    rows(&job.calls(), &half.table)
}
