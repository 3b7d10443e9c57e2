//! Durable append: the library's group commit against a plain file that is written and synced
//! (fdatasync), by producers in flight and by events a commit.

use crate::job;
use bifocal::event::{Event, Lineage, Typing};
use bifocal::log::Stream;
use bifocal::offset::{Offset, Range};
use bifocal::store::{Appender, Batch, Directory, SEGMENT_BYTES, Settings, StreamLog};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

/// How long each side of each line runs, and how often they take turns.
const SLICE: Duration = Duration::from_millis(700);
const TURNS: usize = 3;

/// Events to append, over and over.
struct Events {
    payloads: Vec<Vec<u8>>,
}

impl Events {
    fn new() -> Events {
        let lines = job::lines(100_000);
        Events {
            payloads: lines
                .split(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .filter(|line| !line.is_empty())
                .collect(),
        }
    }

    fn payload(&self, number: u64) -> &[u8] {
        &self.payloads[number as usize % self.payloads.len()]
    }

    fn batch(&self, from: u64, events: u64, ids: bool) -> Batch {
        let mut batch = Batch::default();
        for number in from..from + events {
            let id = ids.then(|| format!("order-{number:012}"));
            let event = Event {
                offset: Offset::ZERO,
                time_ms: 1_700_000_000_000 + number as i64,
                ingested_ms: 1_700_000_000_000 + (from as i64),
                id: id.as_deref(),
                schema: None,
                lineage: Lineage { position: number, ..Lineage::default() },
                typing: Typing::Json,
                payload: self.payload(number),
            };
            batch.push(&event).expect("a small event");
        }
        batch
    }
}

/// One way to append: so many requests in flight, each of so many events.
#[derive(Clone, Copy)]
struct Shape {
    in_flight: u64,
    events: u64,
    ids: bool,
}

pub fn measure() -> anyhow::Result<()> {
    let events = Events::new();
    println!(
        "durable append, K events a second; a plain file: the same payloads and line ends, one write and one"
    );
    println!("fdatasync for as many events as are in flight at once");
    println!("in flight  events each  ids        ours    plain file    ratio   goal");
    let shapes = [(1, 1), (64, 1), (512, 1), (4096, 1), (1, 1000), (1, 10_000), (4, 1000)];
    for (in_flight, each) in shapes {
        for ids in [false, true] {
            line(&events, Shape { in_flight, events: each, ids })?;
        }
    }
    Ok(())
}

fn line(events: &Events, shape: Shape) -> anyhow::Result<()> {
    let directory = tempfile::tempdir_in(".")?;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    let mut side = Ours::new(directory.path(), shape.ids)?;
    for turn in 0..TURNS {
        ours.push(side.run(events, shape)?);
        plain.push(plain_file(&directory.path().join(format!("plain-{turn}")), events, shape)?);
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let (ours, plain) = (median(&mut ours), median(&mut plain));
    let goal = match (shape.in_flight, shape.events, shape.ids) {
        (_, 1, false) => "0.60",
        (_, 1000, false) => "0.35",
        _ => "",
    };
    println!(
        "{:>9} {:>12}  {:<5} {ours:>9.1} {plain:>13.1} {:>8.2}   {goal}",
        shape.in_flight,
        shape.events,
        if shape.ids { "yes" } else { "no" },
        ours / plain
    );
    Ok(())
}

struct Ours {
    log: Arc<StreamLog>,
    appender: Appender,
    next: u64,
}

impl Ours {
    fn new(path: &Path, ids: bool) -> anyhow::Result<Ours> {
        let stream = Stream { id: ids.then(|| "id".into()), ..Stream::default() };
        let settings = Settings { stream, seed: 1, segment_bytes: SEGMENT_BYTES };
        let log = StreamLog::open(Arc::new(Directory::new(path.into())), "log", settings)?;
        Ok(Ours { appender: Appender::new(log.clone())?, log, next: 0 })
    }

    /// K events a second; making the requests is a part of it.
    fn run(&mut self, events: &Events, shape: Shape) -> anyhow::Result<f64> {
        let (done, finished): (Sender<bool>, Receiver<bool>) = mpsc::channel();
        let submit = |number: u64| -> anyhow::Result<()> {
            let done = done.clone();
            let batch = events.batch(number, shape.events, shape.ids);
            Ok(self.appender.submit(batch, move |receipt| _ = done.send(receipt.is_ok()))?)
        };
        let head = self.log.head();
        let started = Instant::now();
        let mut next = self.next;
        for _ in 0..shape.in_flight {
            submit(next)?;
            next += shape.events;
        }
        let mut waiting = shape.in_flight;
        while waiting > 0 {
            anyhow::ensure!(finished.recv()?, "an append failed");
            waiting -= 1;
            if started.elapsed() < SLICE {
                submit(next)?;
                next += shape.events;
                waiting += 1;
            }
        }
        let took = started.elapsed();
        let appended = self.log.head() - head;
        anyhow::ensure!(
            appended == next - self.next,
            "{appended} events are there, not all that were appended"
        );
        self.next = next;
        Ok(appended as f64 / took.as_secs_f64() / 1e3)
    }
}

fn plain_file(path: &Path, events: &Events, shape: Shape) -> anyhow::Result<f64> {
    let mut file = File::create(path)?;
    let (mut number, mut bytes) = (0, Vec::new());
    let started = Instant::now();
    while started.elapsed() < SLICE {
        bytes.clear();
        for _ in 0..shape.in_flight * shape.events {
            bytes.extend_from_slice(events.payload(number));
            bytes.push(b'\n');
            number += 1;
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    let rate = number as f64 / started.elapsed().as_secs_f64() / 1e3;
    std::fs::remove_file(path)?;
    Ok(rate)
}

/// How long a log takes to open that was left by a process that died.
pub fn open_after_kill(events: u64) -> anyhow::Result<()> {
    let directory = tempfile::tempdir_in(".")?;
    let made = Events::new();
    let mut side = Ours::new(directory.path(), true)?;
    while side.next < events {
        side.appender.append(made.batch(side.next, 10_000, true))?;
        side.next += 10_000;
    }
    let head = side.log.head();
    // Neither closed nor dropped: the file stays as a killed process leaves it.
    std::mem::forget(side);
    let started = Instant::now();
    let side = Ours::new(directory.path(), true)?;
    let took = started.elapsed();
    anyhow::ensure!(side.log.head() == head, "the head is another one");
    let (segments, bytes) = side.log.size()?;
    println!(
        "open after a kill: {head} events with ids, {segments} segments, {} MiB: {:.2} s (goal: under 2 s)",
        bytes >> 20,
        took.as_secs_f64()
    );
    let started = Instant::now();
    let mut bytes = 0;
    side.log.visit(Range::new(Offset::ZERO, Offset(head)), |event| bytes += event.payload.len())?;
    println!(
        "scan: {:.1} M events/s, {} bytes each",
        head as f64 / started.elapsed().as_secs_f64() / 1e6,
        bytes as u64 / head
    );
    Ok(())
}
