//! A data directory through a random life: appends, retries, runs of every kind, failures, restarts,
//! removals and damaged caches. Whatever it is asked meanwhile, it says what a straight loop says.

mod query;

use super::append::{Model, batch, check};
use super::catalog::{stream, view};
use super::events::{Made, Random};
use super::lossy::{Lossy, is_long};
use super::run::{self, Run};
use super::straight::{self, Answer, HOUR_MS, Kind, encoded};
use crate::native::{Mode, Native, START_MS};
use bifocal::batch::{self as executor, Shape};
use bifocal::calls::Calls;
use bifocal::cell::Cell;
use bifocal::certificate::Certificate;
use bifocal::extract::{Extracted, Extractor, Scratch};
use bifocal::half::Job;
use bifocal::key::Part;
use bifocal::log::{ReadLog, Times, Unreadable};
use bifocal::merge::Source;
use bifocal::offset::{Offset, Range};
use bifocal::refold::{self, Choice, Means, Target};
use bifocal::store::{
    Appender, Disk, Payloads, RunKind, RunResult, Settings, Store, StreamLog, StreamRecord, ViewFile,
    ViewRecord,
};
use bifocal::time::TimeRule;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

pub const VIEW: &str = "revenue";
pub const STREAM: &str = "orders";
pub const LATENESS_MS: i64 = HOUR_MS / 2;
pub const OUT_OF_ORDERNESS_MS: i64 = 60_000;
pub const MAX_AHEAD_MS: i64 = 2 * HOUR_MS;
const STRIPE: u64 = 65_536;

/// A log whose disk fails after so many chunks.
struct Failing<'a>(&'a StreamLog, AtomicU64);

impl ReadLog for Failing<'_> {
    fn head(&self) -> Offset {
        ReadLog::head(self.0)
    }

    fn extract(
        &self,
        by: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable> {
        let left = self.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map_err(|_| Unreadable("the disk is gone".into()))?;
        self.0.extract(by, scratch, range)
    }

    fn times(&self, range: Range) -> Result<Times, Unreadable> {
        self.0.times(range)
    }

    fn digest(&self, range: Range, with_ingested: bool) -> Result<bifocal::digest::Digest, Unreadable> {
        self.0.digest(range, with_ingested)
    }
}

/// The directory, and what is known of it without a look at it.
struct World {
    disk: Lossy,
    store: Store,
    /// Held, so that one that is killed has not closed it.
    log: Arc<StreamLog>,
    random: Random,
    kind: Kind,
    calls: Calls,
    extractor: Extractor,
    model: Model,
    /// The last batch that was appended, to be sent again.
    sent: Vec<Made>,
    /// Chunks of at least so many events: a chunk of a cached stripe reads all of it.
    chunk_rows_min: u64,
    keep_runs: usize,
    /// Runs that are kept, oldest first: number, and the end of a published one.
    runs: Vec<(u64, Option<u64>)>,
    next_run: u64,
    served: Option<(u64, u64)>,
    /// What every run over `[0, to)` has proved.
    proofs: BTreeMap<u64, Certificate>,
    /// Of streams that are removed again.
    others: u64,
    did: BTreeMap<&'static str, u64>,
}

pub fn open(disk: &Lossy) -> Store {
    Store::with_disk(Arc::new(disk.clone())).unwrap()
}

pub fn open_log(store: &Store) -> Arc<StreamLog> {
    store.log(&store.stream(STREAM).unwrap()).unwrap()
}

fn orders(name: &str) -> StreamRecord {
    StreamRecord {
        out_of_orderness_ms: OUT_OF_ORDERNESS_MS,
        max_ahead_ms: MAX_AHEAD_MS,
        dedup_events: 300,
        ..stream(name)
    }
}

/// Some are late, far ahead, or no payments.
pub fn payment(random: &mut Random, number: u64) -> Made {
    let ingested_ms = START_MS + number as i64 * 4_000;
    let time_ms = match random.below(40) {
        0..4 => ingested_ms - random.below(5 * HOUR_MS as u64) as i64,
        4 => ingested_ms + random.below(4 * HOUR_MS as u64) as i64,
        _ => ingested_ms - random.below(90_000) as i64,
    };
    let shop = random.below(24) * random.below(24) / 24;
    let key = if shop == 0 { "shop\\u0000".to_string() } else { format!("shop-{shop}") };
    let amount = random.below(30_000) as f64 / 100.0;
    let payload = match random.below(60) {
        0 => r#"{"amount":1}"#.to_string(),
        1 => format!(r#"{{"key":"{key}","amount":"x"}}"#),
        2 => format!(r#"{{"key":"{key}","amount":-1.5}}"#),
        3 => format!(r#"{{"key":"{key}","amount":130.0}}"#),
        4 => format!(r#"{{"key":"{key}","amount":131.0005}}"#),
        _ => format!(r#"{{"key":"{key}","amount":{amount}}}"#),
    };
    let id = (random.below(2) == 0).then(|| format!("id-{}", random.below(900)));
    Made {
        time_ms,
        ingested_ms,
        id,
        position: number,
        key: None,
        headers: Vec::new(),
        payload: payload.into_bytes(),
    }
}

/// Where a new world begins: a disk with these events and nothing else, and the events.
pub fn begin(events: u64, seed: u64) -> (Lossy, Vec<Made>) {
    let disk = Lossy::default();
    let store = open(&disk);
    store.create_stream(orders(STREAM)).unwrap();
    let component = store.put_component(b"component").unwrap().to_string();
    store.create_view(view(VIEW, &component)).unwrap();
    let (mut random, mut made) = (Random(seed), Vec::new());
    let log = store.log(&store.stream(STREAM).unwrap()).unwrap();
    let appender = Appender::new(log.clone()).unwrap();
    while (made.len() as u64) < events {
        let from = made.len() as u64;
        let next: Vec<Made> = (from..events.min(from + 8_192))
            .map(|number| Made { id: None, ..payment(&mut random, number) })
            .collect();
        appender.append(batch(&next)).unwrap();
        made.extend(next);
    }
    drop(appender);
    log.close().unwrap();
    store.close().unwrap();
    (disk, made)
}

/// Two whole stripes and a bit, made once: only of whole ones columns are cached.
fn large() -> &'static (Lossy, Vec<Made>) {
    static LARGE: OnceLock<(Lossy, Vec<Made>)> = OnceLock::new();
    LARGE.get_or_init(|| begin(2 * STRIPE + 100, 77))
}

impl World {
    fn new(seed: u64, is_large: bool) -> World {
        let mut random = Random(seed);
        let kind = [Kind::Sums, Kind::Machine][random.below(2) as usize];
        let (disk, events) = if is_large { large().clone() } else { begin(random.below(300), seed) };
        let disk = disk.copy();
        let store = open(&disk);
        let keep_runs = 1 + random.below(4) as usize;
        store
            .update_view(VIEW, |view| {
                (view.keep_runs, view.lateness_ms) = (keep_runs, LATENESS_MS);
                Ok(())
            })
            .unwrap();
        let mode = if kind == Kind::Sums { Mode::Difficult } else { Mode::Machine };
        let calls = Calls::new(Arc::new(Native::new(mode)), Arc::default());
        let extractor = Extractor::new(calls.description(), TimeRule::default()).unwrap();
        World {
            disk,
            log: open_log(&store),
            store,
            random,
            kind,
            calls,
            extractor,
            model: Model { events, dedup_events: 300 },
            sent: Vec::new(),
            chunk_rows_min: if is_large { 16_384 } else { 1 },
            keep_runs,
            runs: Vec::new(),
            next_run: 1,
            served: None,
            proofs: BTreeMap::new(),
            others: 0,
            did: BTreeMap::new(),
        }
    }

    fn log(&self) -> Arc<StreamLog> {
        self.log.clone()
    }

    fn view(&self) -> ViewRecord {
        self.store.view(VIEW).unwrap()
    }

    fn head(&self) -> u64 {
        self.model.events.len() as u64
    }

    fn answer(&self, from: u64, to: u64) -> Answer {
        let times = (OUT_OF_ORDERNESS_MS, MAX_AHEAD_MS, LATENESS_MS);
        straight::answer(self.kind, &self.model.events, (from, to), times)
    }

    fn step(&mut self) {
        let what = match self.random.below(100) {
            0..30 => self.append(),
            30..36 => self.append_again(),
            36..60 => self.run(),
            60..66 => self.fail(),
            66..72 => self.verify(),
            72..78 => self.replay(),
            78..83 => self.remove_another(),
            83..92 => self.restart(),
            _ => self.damage_columns(),
        };
        *self.did.entry(what).or_default() += 1;
        self.query();
    }

    fn append(&mut self) -> &'static str {
        let count = [1, 7, 60, 250][self.random.below(4) as usize];
        let from = self.head();
        self.sent = (from..from + count).map(|number| payment(&mut self.random, number)).collect();
        self.send()
    }

    /// A producer that did not hear the answer sends it all again; what has no id is there twice then.
    fn append_again(&mut self) -> &'static str {
        self.send();
        "append again"
    }

    fn send(&mut self) -> &'static str {
        let appender = Appender::new(self.log()).unwrap();
        let expected = self.model.append(&self.sent);
        assert_eq!(appender.append(batch(&self.sent)).unwrap(), expected);
        "append"
    }

    fn means(&mut self) -> Means {
        let chunk_rows = [64, 333, 1_000, STRIPE][self.random.below(4) as usize].max(self.chunk_rows_min);
        let shape = Shape { threads: 1 + self.random.below(3) as usize, chunk_rows };
        Means { shape, table_bytes_max: [2_000, 1 << 30][self.random.below(2) as usize] }
    }

    fn windows(&mut self) -> (i64, i64) {
        let hours = self.head() as i64 * 4_000 / HOUR_MS + 3;
        let at = |random: &mut Random| START_MS + (random.below(hours as u64 + 5) as i64 - 5) * HOUR_MS;
        let (a, b) = (at(&mut self.random), at(&mut self.random));
        (a.min(b), a.max(b) + self.random.below(2) as i64)
    }

    fn shop(&mut self) -> String {
        match self.random.below(12) {
            0 => "shop\0".into(),
            shop => format!("shop-{shop}"),
        }
    }

    fn choice(&mut self) -> Choice {
        let windows_ms = (self.random.below(2) == 0).then(|| self.windows());
        let keys = if self.random.below(2) == 0 {
            vec![(0, Part::Bytes(self.shop().into_bytes()))]
        } else {
            Vec::new()
        };
        Choice { windows_ms, keys }
    }

    fn a_run(&mut self) -> (RunKind, Choice, Means) {
        let kind = [RunKind::Full, RunKind::Incremental, RunKind::Targeted][self.random.below(3) as usize];
        (kind, self.choice(), self.means())
    }

    /// What becomes of the list of runs by one more.
    fn note_run(&mut self, to: Option<u64>) {
        let number = self.next_run;
        self.next_run += 1;
        if let Some(to) = to {
            self.served = Some((number, to));
        }
        self.runs.push((number, to));
        while self.runs.len() > self.keep_runs {
            let served = self.served.map(|(number, _)| number);
            let Some(oldest) = self.runs.iter().position(|(number, _)| Some(*number) != served) else {
                break;
            };
            self.runs.remove(oldest);
        }
    }

    fn run(&mut self) -> &'static str {
        let (kind, choice, means) = self.a_run();
        let (head, boundary) = (self.head(), self.served.map(|(_, to)| to));
        let to = if kind == RunKind::Targeted { boundary.unwrap_or(head) } else { head };
        let (calls, extractor) = (&self.calls, &self.extractor);
        let run = Run { calls, extractor, lateness_ms: LATENESS_MS, kind, choice, means };
        let meta = run.on(&self.store, VIEW).unwrap();
        assert_eq!(meta.range, Range::new(Offset::ZERO, Offset(to)));
        self.prove(to, meta.certificate.unwrap());
        self.note_run(Some(to));
        self.check_served();
        match kind {
            RunKind::Full => "full run",
            RunKind::Incremental => "incremental run",
            RunKind::Targeted => "targeted run",
            RunKind::Imported | RunKind::Sealed => unreachable!("that is no run of the batch executor"),
        }
    }

    /// Every kind of run over one range proves the same.
    fn prove(&mut self, to: u64, proof: Certificate) {
        assert_eq!(*self.proofs.entry(to).or_insert(proof), proof, "[0, {to})");
    }

    /// A run whose disk fails leaves the view as it was, and says why in the list.
    fn fail(&mut self) -> &'static str {
        let (kind, choice, means) = self.a_run();
        let log = self.log();
        let failing = Failing(&log, AtomicU64::new(self.random.below(3)));
        let (calls, extractor) = (&self.calls, &self.extractor);
        let run = Run { calls, extractor, lateness_ms: LATENESS_MS, kind, choice, means };
        match run.over(&self.store, VIEW, &failing) {
            // There was less to read.
            Ok(meta) => {
                self.prove(meta.range.to.0, meta.certificate.unwrap());
                self.note_run(Some(meta.range.to.0));
                "run"
            }
            Err(error) => {
                assert!(error.to_string().contains("the disk is gone"), "{error}");
                self.note_run(None);
                "failed run"
            }
        }
    }

    /// The witness: raw payloads, other chunks.
    fn verify(&mut self) -> &'static str {
        let Some((_, to)) = self.served else { return "nothing to verify" };
        let (log, means) = (self.log(), self.means());
        let payloads = Payloads(&log);
        let job = self.job(&payloads);
        let file = format!("{}/new-witness.redb", self.view().folder());
        let target = Target { disk: self.store.disk(), file: &file };
        let meta = refold::full(&job, Offset(to), target, means, &mut |_| {}).unwrap();
        self.store.disk().unlink(&file).unwrap();
        self.prove(to, meta.certificate.unwrap());
        "verify"
    }

    fn job<'a>(&'a self, log: &'a dyn ReadLog) -> Job<'a> {
        Job { calls: &self.calls, log, extractor: &self.extractor, lateness_ms: LATENESS_MS }
    }

    /// Any range of the log through the transform, published nowhere.
    fn replay(&mut self) -> &'static str {
        let (a, b) = (self.random.below(self.head() + 1), self.random.below(self.head() + 1));
        let (from, to, shape) = (a.min(b), a.max(b), self.means().shape);
        let log = self.log();
        let range = Range::new(Offset(from), Offset(to));
        let half = executor::run(&self.job(log.as_ref()), range, shape, &mut |_| {}).unwrap();
        let expected = self.answer(from, to);
        let cells: Vec<Cell> = half.table.iter_sorted().map(|cell| cell.to_owned()).collect();
        assert_eq!(cells, listed(&expected.cells, |_, _| true), "[{from}, {to})");
        let rejected: Vec<u64> = half.rejected.iter().map(|event| event.offset).collect();
        assert_eq!((rejected, half.tally.late), (expected.rejected, expected.late), "[{from}, {to})");
        "replay"
    }

    fn remove_another(&mut self) -> &'static str {
        self.others += 1;
        let name = format!("other-{}", self.others);
        let record = self.store.create_stream(orders(&name)).unwrap();
        let made: Vec<Made> = (0..5).map(|number| payment(&mut self.random, number)).collect();
        let log = self.store.log(&record).unwrap();
        Appender::new(log.clone()).unwrap().append(batch(&made)).unwrap();
        drop(log);
        self.store.remove_stream(&name).unwrap();
        assert_eq!(self.store.streams().unwrap().len(), 1);
        "removed stream"
    }

    /// The process ends, in order or killed, and another opens the directory.
    fn restart(&mut self) -> &'static str {
        let is_killed = self.random.below(2) == 0;
        self.restart_after(is_killed, |_| {});
        self.check_all();
        "restart"
    }

    fn restart_after(&mut self, is_killed: bool, act: impl FnOnce(&Lossy)) {
        if is_killed {
            // What the one that was killed does to its disk from here on, nobody sees.
            self.disk = self.disk.copy();
        } else {
            self.log.close().unwrap();
        }
        // The former store closes its files, on the disk that it has.
        let elsewhere = begin(0, 0).0;
        self.store = open(&elsewhere);
        self.log = open_log(&self.store);
        act(&self.disk);
        self.store = open(&self.disk);
        self.log = open_log(&self.store);
    }

    fn damage_columns(&mut self) -> &'static str {
        let is_cache = |name: &String| name.contains("/columns/");
        if !self.disk.names().iter().any(is_cache) {
            return "nothing cached";
        }
        let mut random = self.random.clone();
        self.random.next();
        self.restart_after(false, |disk| {
            let name = disk.names().into_iter().find(is_cache).unwrap();
            let bytes = disk.bytes(&name);
            let used: Vec<u64> = (0..bytes.len() as u64).filter(|at| bytes[*at as usize] != 0).collect();
            for _ in 0..1 + random.below(20) {
                disk.flip(&name, used[random.below(used.len() as u64) as usize] * 8 + random.below(8));
            }
        });
        // It is healed by whoever reads next, and is right before and after.
        let log = self.log();
        for _ in 0..2 {
            for stripe in 0..self.head() / STRIPE {
                let range = Range::new(Offset(stripe * STRIPE), Offset((stripe + 1) * STRIPE));
                let (cached, _) = log.extract(&self.extractor, &mut Scratch::default(), range).unwrap();
                let (events, _) =
                    Payloads(&log).extract(&self.extractor, &mut Scratch::default(), range).unwrap();
                assert_eq!((&cached.rejected, &cached.offsets), (&events.rejected, &events.offsets));
            }
        }
        log.healed();
        "damaged cache"
    }

    /// The file that is served is all that a straight loop says of its range.
    fn check_served(&self) {
        let view = self.view();
        if let Some(run) = view.batch_run.and_then(|number| view.run(number)) {
            self.check_file(&run::open(&self.store, &view, run).unwrap(), run.to);
        }
    }

    fn check_file(&self, file: &ViewFile, to: u64) {
        let expected = self.answer(0, to);
        assert_eq!(all(file.scan().unwrap()), listed(&expected.cells, |_, _| true), "[0, {to})");
        let rejected: Vec<u64> = file.rejected().map(|event| event.unwrap().offset).collect();
        assert_eq!(rejected, expected.rejected, "[0, {to})");
        let tally = file.meta().tally;
        assert_eq!((tally.rejected, tally.late), (expected.rejected.len() as u64, expected.late));
        assert_eq!((tally.folded + tally.rejected, tally.ignored), (to, 0));
    }

    fn check_all(&mut self) {
        let view = self.view();
        let runs: Vec<(u64, Option<u64>)> = view
            .runs
            .iter()
            .map(|run| (run.number, (run.result == RunResult::Published).then_some(run.to)))
            .collect();
        assert_eq!(runs, self.runs);
        assert_eq!(view.batch_run, self.served.map(|(number, _)| number));
        assert_eq!((view.boundary, view.next_run), (self.served.map_or(0, |(_, to)| to), self.next_run));
        let mut files: Vec<String> = view.runs.iter().filter_map(|run| run.file.clone()).collect();
        files.sort();
        assert_eq!(self.disk.list(&view.folder()).unwrap(), files);
        for run in view.runs.iter().filter(|run| run.file.is_some()) {
            self.check_file(&run::open(&self.store, &view, run).unwrap(), run.to);
        }
        let settings = Settings { stream: orders(STREAM).stream(), seed: 0, segment_bytes: 0 };
        check(&self.log(), &self.model, &settings, &mut self.random);
    }
}

pub fn all(mut source: impl Source) -> Vec<Cell> {
    let mut cells = Vec::new();
    while let Some(cell) = source.head() {
        cells.push(cell.to_owned());
        source.advance().unwrap();
    }
    cells
}

/// Chosen cells in canonical order.
pub fn listed(cells: &straight::Cells, is_chosen: impl Fn(&str, i64) -> bool) -> Vec<Cell> {
    let chosen = cells.iter().filter(|((key, window), _)| is_chosen(key, *window));
    let cell = |((key, window), state): (&(String, i64), &Vec<u8>)| Cell {
        key: encoded(key),
        window: *window,
        state: state.clone(),
        broken: None,
    };
    let mut cells: Vec<Cell> = chosen.map(cell).collect();
    cells.sort_by(|a, b| (&a.key, a.window).cmp(&(&b.key, b.window)));
    cells
}

/// Lives of so many steps; a failure names its seed, and `BIFOCAL_SEED` leads that life alone.
fn lives(count: u64, steps: u64, is_large: bool) -> BTreeMap<&'static str, u64> {
    let seed = std::env::var("BIFOCAL_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let seeds = seed.map_or(0..count, |seed| seed..seed + 1);
    let mut did = BTreeMap::new();
    println!("{} lives of {steps} steps", seeds.end - seeds.start);
    for seed in seeds {
        println!("seed {seed}; BIFOCAL_SEED={seed} leads this life alone");
        let mut world = World::new(seed, is_large);
        (0..steps).for_each(|_| world.step());
        world.restart();
        world.check_all();
        world.did.into_iter().for_each(|(what, times)| *did.entry(what).or_default() += times);
    }
    println!("{did:?}");
    did
}

#[test]
fn whatever_a_directory_went_through_it_says_what_a_straight_loop_says() {
    let did = lives(if is_long() { 600 } else { 30 }, 40, false);
    if std::env::var_os("BIFOCAL_SEED").is_none() {
        assert!(did.len() >= 12, "something never happened: {did:?}");
    }
}

#[test]
fn whatever_becomes_of_cached_columns_it_says_what_a_straight_loop_says() {
    let did = lives(if is_long() { 40 } else { 3 }, 10, true);
    assert!(std::env::var_os("BIFOCAL_SEED").is_some() || did["damaged cache"] > 0, "{did:?}");
}
