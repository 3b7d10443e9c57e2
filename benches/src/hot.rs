//! An ordered machine over one hot key: every event of the job goes through one cell, one after the
//! other, and memory beyond the log stays as it is.

use crate::job::{CHUNK_ROWS, component};
use crate::measure::{Line, resident_bytes};
use bifocal::batch::{self, Shape};
use bifocal::calls::Calls;
use bifocal::digest::{Digest, Hasher};
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::Extractor;
use bifocal::half::Job;
use bifocal::log::{Log, Stream};
use bifocal::offset::{Offset, Range};
use bifocal::speed::Speed;
use bifocal::table::Table;
use bifocal::time::TimeRule;
use generator::rng::Rng;
use std::sync::Arc;
use std::time::Instant;

const DAY_MS: i64 = 86_400_000;
/// Growth of resident memory that is no growth: allocators and pools breathe.
const BREATH_BYTES: f64 = 32.0 * 1024.0 * 1024.0;

pub fn measure(events: u64) -> anyhow::Result<Vec<Line>> {
    let component = component("sequence")?;
    let extractor = Extractor::new(component.description(), TimeRule::default())?;
    let log = log(events)?;
    let calls = Calls::new(component, Arc::default());
    let job = Job { calls: &calls, log: &log, extractor: &extractor, lateness_ms: 0 };
    let expected = expected(&log);
    let batch = Watched::new(&log, |watch| {
        let shape = Shape { threads: 2, chunk_rows: CHUNK_ROWS };
        let mut progress = |events| watch(events);
        Ok(batch::run(&job, log.range(), shape, &mut progress)?.table)
    })?;
    let speed = Watched::new(&log, |watch| {
        let mut speed = Speed::new(job, Offset::ZERO, None);
        for chunk in log.range().chunks(16_384) {
            speed.step(chunk.to)?;
            watch(chunk.count());
        }
        Ok(speed.into_half().table)
    })?;
    let line = |name, watched: Watched| -> anyhow::Result<Line> {
        let found = shown(&calls, &watched.table)?;
        Ok(watched.line(name, events, (found, expected)))
    };
    Ok(vec![line("one hot key, ordered, batch", batch)?, line("one hot key, ordered, speed", speed)?])
}

/// Flights of one airport on one day.
fn log(events: u64) -> anyhow::Result<Log> {
    let mut log = Log::new(Stream::default());
    let mut rng = Rng::new(7);
    let mut append = log.append();
    for number in 0..events {
        let payload = format!(r#"{{"origin":"ATL","delay":{}}}"#, rng.between(-30, 60));
        let time_ms = (number as i128 * i128::from(DAY_MS) / i128::from(events)) as i64;
        append.push(&Event {
            offset: Offset::ZERO,
            time_ms,
            ingested_ms: time_ms,
            id: None,
            schema: None,
            lineage: Lineage::default(),
            typing: Typing::Json,
            payload: payload.as_bytes(),
        })?;
    }
    append.commit();
    Ok(log)
}

/// What a plain loop says: streak and crossings, first and last delay.
fn expected(log: &Log) -> Digest {
    let (mut run, mut streak, mut crossings, mut before) = (0, 0, 0, true);
    let (mut first, mut last) = (None, 0);
    for event in log.read(log.range()) {
        let digits = event.payload.iter().filter(|byte| byte.is_ascii_digit() || **byte == b'-');
        let text: String = digits.map(|byte| char::from(*byte)).collect();
        let delay: i64 = text.parse().expect("the delay is the only number");
        let late = delay > 15;
        crossings += i64::from(late && !before);
        run = if late { run + 1 } else { 0 };
        (streak, before) = (run.max(streak), late);
        first.get_or_insert(delay);
        last = delay;
    }
    let first = first.unwrap_or(0);
    digest(&[first, last, first, last, streak, crossings])
}

fn digest(numbers: &[i64]) -> Digest {
    let mut hasher = Hasher::new("rows of the hot key");
    numbers.iter().for_each(|number| hasher.i64(*number));
    hasher.finish()
}

fn shown(calls: &Calls, table: &Table) -> anyhow::Result<Digest> {
    let [cell] = &table.iter_sorted().collect::<Vec<_>>()[..] else { anyhow::bail!("there is one cell") };
    let (keys, states) = ([cell.key].into_iter().collect(), [cell.state].into_iter().collect());
    let columns = calls.present(&keys, &[cell.window], &states)?.columns;
    let numbers: Vec<i64> = columns.iter().flat_map(|column| bifocal::column::i64s(&column.fixed)).collect();
    Ok(digest(&numbers))
}

/// A run whose resident memory was looked at after each chunk.
struct Watched {
    table: Table,
    seconds: f64,
    log_bytes: u64,
    /// Resident memory at the start, and the most in the first tenth and in all of the run.
    resident: [f64; 3],
}

impl Watched {
    fn new(
        log: &Log,
        run: impl FnOnce(&mut (dyn FnMut(u64) + Send)) -> anyhow::Result<Table>,
    ) -> anyhow::Result<Watched> {
        let whole = Range::new(Offset::ZERO, log.head()).count();
        let start = resident_bytes();
        let (mut done, mut early, mut most) = (0, start, start);
        let started = Instant::now();
        let table = run(&mut |events| {
            done += events;
            most = most.max(resident_bytes());
            if done * 10 <= whole {
                early = most;
            }
        })?;
        let seconds = started.elapsed().as_secs_f64();
        Ok(Watched { table, seconds, log_bytes: log.memory_bytes(), resident: [start, early, most] })
    }

    /// The ratio is resident memory in the first tenth over that of all: 1 if it is flat.
    fn line(self, name: &'static str, events: u64, digests: (Digest, Digest)) -> Line {
        let [start, early, most] = self.resident;
        let mib = |bytes: f64| bytes / f64::from(1 << 20);
        let rate = events as f64 / self.seconds / 1e6;
        Line {
            name,
            rates: (rate, rate),
            ratio: (early + BREATH_BYTES) / most,
            goal: Some(1.0),
            digests,
            remark: format!(
                "memory: log {:.0} MiB, beyond it +{:.1} MiB in the first tenth, +{:.1} MiB at most",
                mib(self.log_bytes as f64),
                mib(early - start),
                mib(most - start),
            ),
        }
    }
}
