//! Figures of views on disk: how fast cells are loaded, scanned and found, and what a run over many
//! distinct cells takes in time and memory.
//!
//! `cargo run --release -p bifocal --example views -- FOLDER [CELLS [SPILLED_CELLS [TABLE_MIB]]]`, by
//! default 2 M, 10 M and 256 MiB.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bifocal::batch::Shape;
use bifocal::calls::Calls;
use bifocal::cell::CellRef;
use bifocal::column::{Blobs, Column, i64s};
use bifocal::description::{Description, Field, Kind, Order};
use bifocal::digest::Digest;
use bifocal::extract::{Extracted, Extractor, Scratch};
use bifocal::half::Job;
use bifocal::limits::Limits;
use bifocal::log::{ReadLog, Times, Unreadable, WatermarkRule};
use bifocal::offset::{Offset, Range};
use bifocal::refold::{self, Means, Target};
use bifocal::store::{CacheBytes, Directory, Disk, Proof, ViewFile, ViewWriter};
use bifocal::time::TimeRule;
use bifocal::transform::{Cells, Events, Fault, Folded, Transform};
use std::sync::Arc;
use std::time::{Duration, Instant};

const FILE: &str = "view";
const CACHE: CacheBytes = CacheBytes(64 << 20);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, usual| arguments.get(i).map_or(usual, |text| text.parse().unwrap());
    let Some(folder) = arguments.first() else {
        eprintln!("usage: views FOLDER [CELLS [SPILLED_CELLS [TABLE_MIB]]]      (2000000, 10000000, 256)");
        std::process::exit(2);
    };
    let disk = Directory::new(folder.into());
    disk.create_folder("").unwrap();
    let _ = disk.unlink(FILE);
    files(&disk, number(1, 2_000_000));
    runs(&disk, number(2, 10_000_000), number(3, 256) as usize);
}

fn files(disk: &Directory, cells: u64) {
    let started = Instant::now();
    let mut writer = ViewWriter::create(disk, FILE).unwrap();
    for i in 0..cells {
        let key = key_of(i);
        writer.push(CellRef { key: &key, window: 0, state: &[7; 24], broken: None }).unwrap();
    }
    let range = Range::new(Offset::ZERO, Offset::ZERO);
    writer.finish(&Proof::Nothing { version: Digest::of(b""), range }).unwrap();
    rate("loaded and synced", cells, started.elapsed());
    let bytes = disk.open(FILE).unwrap().size().unwrap();
    println!("file: {} MB, {:.1} bytes a cell", bytes / 1_000_000, bytes as f64 / cells as f64);

    let view = ViewFile::open_read_only(disk, FILE, CACHE).unwrap();
    let started = Instant::now();
    let (mut scan, mut seen) = (view.scan().unwrap(), 0);
    while scan.head().is_some() {
        seen += 1;
        scan.advance().unwrap();
    }
    rate("scanned", seen, started.elapsed());
    let mut took: Vec<Duration> = (0..100_000u64)
        .map(|i| {
            let key = key_of(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % cells);
            let started = Instant::now();
            view.find(&key, 0).unwrap().unwrap();
            started.elapsed()
        })
        .collect();
    took.sort();
    println!("found: p50 {:?}, p99 {:?}", took[took.len() / 2], took[took.len() * 99 / 100]);
    disk.unlink(FILE).unwrap();
}

fn runs(disk: &Directory, events: u64, table_mib: usize) {
    for (name, initial) in [("deltas", None), ("whole states", Some(vec![0; 8]))] {
        let calls = Calls::new(Arc::new(Counts::new(initial)), Arc::default());
        let extractor = Extractor::new(calls.description(), TimeRule::default()).unwrap();
        let job = Job { calls: &calls, log: &Numbers(events), extractor: &extractor, lateness_ms: 0 };
        let shape = Shape { threads: 2, chunk_rows: 65_536 };
        let means = Means { shape, table_bytes_max: table_mib << 20 };
        let started = Instant::now();
        let mut folded = Duration::ZERO;
        let target = Target { disk, file: FILE };
        let meta = refold::full(&job, Offset(events), target, means, &mut |_| folded = started.elapsed());
        println!("{name}: {} cells; peak of the process {} MB", meta.unwrap().cells, peak_mb());
        rate("  folded and spilled", events, folded);
        rate("  merged and written", events, started.elapsed() - folded);
        disk.unlink(FILE).unwrap();
    }
}

fn rate(what: &str, count: u64, took: Duration) {
    println!("{what}: {took:.2?}, {:.2} M/s", count as f64 / took.as_secs_f64() / 1e6);
}

fn key_of(number: u64) -> Vec<u8> {
    [&[1][..], &(number ^ 1 << 63).to_be_bytes()].concat()
}

/// The most memory that was resident at once.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse::<u64>().unwrap() / 1000
}

/// A log of numbers, all different, in no order.
struct Numbers(u64);

impl ReadLog for Numbers {
    fn head(&self) -> Offset {
        Offset(self.0)
    }

    fn extract(
        &self,
        _: &Extractor,
        _: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable> {
        let offsets: Vec<u64> = (range.from.0..range.to.0).collect();
        let numbers = offsets.iter().flat_map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1).to_le_bytes());
        let column = Column { fixed: numbers.collect(), ..Column::default() };
        let events = Events { times: vec![0; offsets.len() * 8], columns: vec![column] };
        Ok((Extracted { range, offsets, events, rejected: Vec::new(), ignored: 0 }, None))
    }

    fn times(&self, _: Range) -> Result<Times, Unreadable> {
        let rule = WatermarkRule { out_of_orderness_ms: 0, max_ahead_ms: 0 };
        Ok(Times { times_ms: Vec::new(), ingested_ms: Vec::new(), greatest_before_ms: None, rule })
    }

    fn digest(&self, _: Range, _: bool) -> Result<Digest, Unreadable> {
        Ok(Digest::of(b""))
    }
}

/// Counts each number.
struct Counts(Description);

impl Counts {
    fn new(initial: Option<Vec<u8>>) -> Counts {
        let field =
            Field { name: "number".into(), path: "number".into(), kind: Kind::Integer, required: true };
        Counts(Description {
            name: "counts".into(),
            summary: String::new(),
            inputs: vec![field.clone()],
            keys: vec![field],
            outputs: Vec::new(),
            only: None,
            window: None,
            order: if initial.is_some() { Order::Log } else { Order::None },
            initial,
            annotations: Vec::new(),
        })
    }
}

impl Transform for Counts {
    fn description(&self) -> &Description {
        &self.0
    }

    fn version(&self) -> Digest {
        Digest::of(b"counts")
    }

    fn limits(&self) -> Limits {
        Limits::DEFAULT
    }

    fn fold(&self, events: &Events, _: u64) -> Result<Folded, Fault> {
        let states = (0..events.rows()).fold(Blobs::default(), |mut states, _| {
            states.push(&1u64.to_le_bytes());
            states
        });
        let cells = Cells { keys: events.columns.clone(), windows: Vec::new(), states };
        Ok(Folded { cells, rejected: Vec::new(), fuel: 0 })
    }

    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        let mut out = Blobs::default();
        for (a, b) in i64s(&left.bytes).zip(i64s(&right.bytes)) {
            out.push(&(a + b).to_le_bytes());
        }
        Ok(out)
    }

    fn present(&self, _: &[Column], _: &[u8], _: &Blobs) -> Result<Vec<Column>, Fault> {
        Ok(Vec::new())
    }
}
