//! Directories, cells and logs for the tests of views.

use crate::native::{HOUR_MS, Mode, Native, START_MS, realistic};
use bifocal::batch::{self, Shape};
use bifocal::calls::Calls;
use bifocal::cell::{Cell, CellRef};
use bifocal::certificate::Certificate;
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::{Extractor, Rejected};
use bifocal::half::{Half, Job};
use bifocal::log::{Log, Stream};
use bifocal::offset::{Offset, Range};
use bifocal::refold::{Means, Target};
use bifocal::store::{CacheBytes, Directory, Error, Proof, Scan, ViewFile, ViewWriter};
use bifocal::time::TimeRule;
use std::sync::Arc;
use tempfile::TempDir;

pub const CACHE: CacheBytes = CacheBytes(1 << 20);

pub struct Place {
    pub folder: TempDir,
    pub disk: Directory,
}

impl Place {
    pub fn new() -> Place {
        let folder = TempDir::new().unwrap();
        Place { disk: Directory::new(folder.path().to_path_buf()), folder }
    }

    pub fn open(&self, file: &str) -> Result<ViewFile, Error> {
        ViewFile::open_read_only(&self.disk, file, CACHE)
    }

    pub fn target<'a>(&'a self, file: &'a str) -> Target<'a> {
        Target { disk: &self.disk, file }
    }

    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub fn nothing() -> Proof {
    Proof::Nothing {
        version: bifocal::digest::Digest::of(b"v"),
        range: Range::new(Offset::ZERO, Offset::ZERO),
    }
}

pub fn write(place: &Place, file: &str, cells: &[Cell]) {
    let mut writer = ViewWriter::create(&place.disk, file).unwrap();
    cells.iter().for_each(|cell| writer.push(cell.as_ref()).unwrap());
    writer.finish(&nothing()).unwrap();
}

pub fn read(mut scan: Scan<'_>) -> Result<Vec<Cell>, Error> {
    let mut cells = Vec::new();
    while let Some(cell) = scan.head() {
        cells.push(cell.to_owned());
        scan.advance()?;
    }
    Ok(cells)
}

/// Numbers that look random.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

/// Cells in canonical order: keys of one text, windows on both sides of 0, states of all sizes.
pub fn cells(count: usize, dice: &mut Dice) -> Vec<Cell> {
    let mut cells = std::collections::BTreeMap::new();
    while cells.len() < count {
        let text = format!("shop-{}", dice.below(count as u64 / 3 + 1));
        let mut key = Vec::new();
        bifocal::key::push(bifocal::column::Value::Bytes(text.as_bytes()), &mut key);
        let window = (dice.below(9) as i64 - 4) * HOUR_MS;
        let bytes = if dice.below(200) == 0 { dice.below(9_000) } else { dice.below(60) };
        let broken = (dice.below(20) == 0).then(|| format!("merge trapped: {text}"));
        let state = if broken.is_some() { Vec::new() } else { vec![dice.below(256) as u8; bytes as usize] };
        cells.insert((key.clone(), window), Cell { key, window, state, broken });
    }
    cells.into_values().collect()
}

/// A transform over a log of its events.
pub struct Stage {
    pub calls: Calls,
    pub log: Log,
    pub extractor: Extractor,
}

impl Stage {
    pub fn new(mode: Mode, events: usize, seed: u64) -> Stage {
        let calls = Calls::new(Arc::new(Native::new(mode)), Arc::default());
        let mut log = Log::new(Stream::default());
        let mut append = log.append();
        for (i, row) in realistic(events, seed).iter().enumerate() {
            // Some are no event of this transform.
            let payload = match i % 97 {
                13 => r#"{"amount":1}"#.to_string(),
                _ => format!(r#"{{"key":"{}","amount":{}}}"#, row.key, row.amount),
            };
            let event = Event {
                offset: Offset::ZERO,
                time_ms: row.time_ms,
                ingested_ms: START_MS + i as i64 * 5_000,
                id: None,
                schema: None,
                lineage: Lineage::default(),
                typing: Typing::Json,
                payload: payload.as_bytes(),
            };
            append.push(&event).unwrap();
        }
        append.commit();
        let extractor = Extractor::new(calls.description(), TimeRule::default()).unwrap();
        Stage { calls, log, extractor }
    }

    pub fn job(&self) -> Job<'_> {
        Job { calls: &self.calls, log: &self.log, extractor: &self.extractor, lateness_ms: HOUR_MS }
    }

    /// The run in memory that all others are held against.
    pub fn expected(&self, to: Offset) -> Expected {
        let shape = Shape { threads: 1, chunk_rows: 700 };
        let half = batch::run(&self.job(), Range::new(Offset::ZERO, to), shape, &mut |_| {}).unwrap();
        Expected { certificate: Certificate::of(&self.calls, &self.log, &half).unwrap(), half }
    }
}

pub struct Expected {
    pub half: Half,
    pub certificate: Certificate,
}

impl Expected {
    /// Whether a file has all that the run in memory has.
    pub fn holds(&self, view: &ViewFile) {
        let cells: Vec<Cell> =
            self.half.table.iter_sorted().map(|cell: CellRef<'_>| cell.to_owned()).collect();
        assert_eq!(read(view.scan().unwrap()).unwrap(), cells);
        let rejected: Result<Vec<Rejected>, _> = view.rejected().collect();
        assert_eq!(rejected.unwrap(), self.half.rejected);
        let meta = view.meta();
        assert_eq!(meta.certificate, Some(self.certificate));
        assert_eq!(meta.cells, cells.len() as u64);
        assert_eq!(meta.broken, self.half.table.broken_count() as u64);
        assert_eq!(meta.range, self.half.range);
        let (found, expected) = (meta.tally, self.half.tally);
        let counts = |tally: bifocal::tally::Tally| (tally.folded, tally.rejected, tally.ignored, tally.late);
        assert_eq!(counts(found), counts(expected));
        assert_eq!(found.folded + found.rejected + found.ignored, meta.range.count());
        let spans = view.spans().unwrap();
        assert_eq!(spans.iter().map(|span| span.range.count()).sum::<u64>(), meta.range.count());
    }
}

pub fn means(dice: &mut Dice, table_bytes_max: usize) -> Means {
    let shape =
        Shape { threads: 1 + dice.below(3) as usize, chunk_rows: [50, 333, 1_000][dice.below(3) as usize] };
    Means { shape, table_bytes_max }
}
