//! A log that is far larger than memory: appended, sealed, replayed twice (from payloads, on warm columns),
//! with resident memory looked at all the way: it must not grow with the log.
//! `cargo run --release -p benches -- large [EVENTS]`.

use crate::job;
use crate::measure::resident_bytes;
use bifocal::batch::{self, Shape};
use bifocal::calls::Calls;
use bifocal::certificate::Certificate;
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::Extractor;
use bifocal::half::Job;
use bifocal::log::Stream;
use bifocal::offset::{Offset, Range};
use bifocal::store::{Appender, Batch, Directory, SEGMENT_BYTES, Settings, StreamLog};
use bifocal::time::TimeRule;
use generator::orders::{Orders, Shape as OrdersShape};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Events of one append.
const BATCH_EVENTS: usize = 8192;
const TENTHS: u64 = 10;

pub fn measure(events: u64) -> anyhow::Result<()> {
    let directory = tempfile::tempdir_in(".")?;
    println!("large: {events} orders; resident memory (MiB) at each tenth");
    append(directory.path(), events)?;
    let first = replay("replay from payloads", directory.path(), events)?;
    let warm = replay("replay on warm columns", directory.path(), events)?;
    anyhow::ensure!(first == warm, "two replays have two certificates");
    println!("certificate {first}");
    Ok(())
}

fn open(path: &Path) -> anyhow::Result<Arc<StreamLog>> {
    let settings = Settings { stream: Stream::default(), seed: 1, segment_bytes: SEGMENT_BYTES };
    Ok(StreamLog::open(Arc::new(Directory::new(path.into())), "log", settings)?)
}

fn append(path: &Path, events: u64) -> anyhow::Result<()> {
    let log = open(path)?;
    let appender = Appender::new(log.clone())?;
    let mut orders = Orders::new(OrdersShape { events, ..OrdersShape::default() });
    let (mut lines, mut next) = (Vec::new(), 0);
    let mut watch = Watch::new("append and seal", events);
    while orders.fill(&mut lines, BATCH_EVENTS) > 0 {
        let mut batch = Batch::default();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            batch.push(&Event {
                offset: Offset::ZERO,
                time_ms: time_ms(line)?,
                ingested_ms: 1_800_000_000_000,
                id: None,
                schema: None,
                lineage: Lineage { position: next, ..Lineage::default() },
                typing: Typing::Json,
                payload: line,
            })?;
            next += 1;
        }
        let appended = batch.events();
        appender.append(batch)?;
        watch.saw(appended);
        lines.clear();
    }
    drop(appender);
    let (segments, bytes) = log.size()?;
    log.close()?;
    println!("{} {segments} segments, {:.1} bytes an event", watch.line(), bytes as f64 / events as f64);
    Ok(())
}

/// The time in an order, which ends with it.
fn time_ms(line: &[u8]) -> anyhow::Result<i64> {
    let text = line.strip_suffix(b"\"}").and_then(|line| line.last_chunk::<20>());
    let parsed = text.and_then(|text| TimeRule::default().parse_text(text).ok());
    parsed.ok_or_else(|| anyhow::anyhow!("an order without a time"))
}

fn replay(name: &'static str, path: &Path, events: u64) -> anyhow::Result<String> {
    let log = open(path)?;
    let component = job::component("revenue")?;
    let calls = Calls::new(component.clone(), Arc::default());
    let extractor = Extractor::new(component.description(), TimeRule::default())?;
    let job = Job { calls: &calls, log: log.as_ref(), extractor: &extractor, lateness_ms: 0 };
    let mut watch = Watch::new(name, events);
    let shape = Shape { threads: 1, chunk_rows: job::CHUNK_ROWS };
    let half = batch::run(&job, Range::new(Offset::ZERO, Offset(log.head())), shape, &mut |events| {
        watch.saw(events);
    })?;
    let certificate = Certificate::of(&calls, log.as_ref(), &half)?;
    println!("{} {} cells", watch.line(), half.table.len());
    log.close()?;
    Ok(certificate.digest().to_string())
}

/// Progress of one pass and the memory at each tenth of it.
struct Watch {
    name: &'static str,
    events: u64,
    done: u64,
    resident: Vec<f64>,
    started: Instant,
}

impl Watch {
    fn new(name: &'static str, events: u64) -> Watch {
        Watch { name, events, done: 0, resident: Vec::new(), started: Instant::now() }
    }

    fn saw(&mut self, events: u64) {
        self.done += events;
        if self.done * TENTHS >= self.events * (self.resident.len() as u64 + 1) {
            self.resident.push(resident_bytes() / f64::from(1 << 20));
        }
    }

    fn line(&self) -> String {
        let rate = self.events as f64 / self.started.elapsed().as_secs_f64() / 1e6;
        let resident: Vec<String> = self.resident.iter().map(|mib| format!("{mib:.0}")).collect();
        format!("{:<24} {rate:>6.2} M/s  {} ", self.name, resident.join(" "))
    }
}
