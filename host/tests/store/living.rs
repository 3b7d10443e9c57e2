//! A live view through a random life: micro-batches of any size, parts folded together and laid on disk,
//! runs of every kind that speed goes on during, failures, restarts. At every step what is served is what a
//! straight loop says of exactly `[0, visible)`. And planted faults: each is found by the next run, blamed on
//! the right part, and never published.

use super::append::{Model, batch};
use super::events::Random;
use super::lossy::{Lossy, is_long};
use super::model::{
    LATENESS_MS, MAX_AHEAD_MS, OUT_OF_ORDERNESS_MS, VIEW, all, begin, listed, open, open_log, payment,
};
use super::straight::{self, Kind};
use crate::native::{Mode, Native};
use bifocal::arrivals::Arrivals;
use bifocal::batch::Shape;
use bifocal::calls::Calls;
use bifocal::cell::Cell;
use bifocal::deltas::Folder;
use bifocal::extract::{Extracted, Extractor, Scratch};
use bifocal::half::Job;
use bifocal::log::{ReadLog, Times, Unreadable};
use bifocal::merge::{Merge, Source};
use bifocal::near::{Base, Near, Pointer};
use bifocal::offset::{Offset, Range};
use bifocal::refold::{Choice, Error, Means, Target};
use bifocal::renewal::{Kind as Run, Renewal, Renewed};
use bifocal::store::{Appender, CacheBytes, Payloads, Proof, Store, StreamLog, ViewFile, ViewWriter};
use bifocal::time::TimeRule;
use bifocal::witness::Party;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const CACHE: CacheBytes = CacheBytes(1 << 20);

/// A batch executor's log that says something else at one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Lost,
    Doubled,
    Unreadable,
}

struct Faulty<'a> {
    log: &'a StreamLog,
    fault: Option<(Fault, Offset)>,
}

impl ReadLog for Faulty<'_> {
    fn head(&self) -> Offset {
        ReadLog::head(self.log)
    }

    fn extract(
        &self,
        by: &Extractor,
        scratch: &mut Scratch,
        range: Range,
    ) -> Result<(Extracted, Option<Times>), Unreadable> {
        let here = self.fault.filter(|(_, at)| range.from <= *at && *at < range.to);
        match here.map(|(fault, _)| fault) {
            None => self.log.extract(by, scratch, range),
            Some(Fault::Unreadable) => Err(Unreadable("the disk is gone".into())),
            Some(Fault::Lost) => self.log.extract(by, scratch, Range::new(range.from, range.from)),
            Some(Fault::Doubled) => {
                let (mut once, times) = self.log.extract(by, scratch, range)?;
                let at = here.map(|(_, at)| at.0);
                let row = once.offsets.iter().position(|offset| Some(*offset) == at).unwrap();
                let twice: Vec<usize> = (0..=row).chain(row..once.offsets.len()).collect();
                once.offsets = twice.iter().map(|row| once.offsets[*row]).collect();
                let bytes = &once.events.times;
                once.events.times =
                    twice.iter().flat_map(|row| bytes[row * 8..row * 8 + 8].to_vec()).collect();
                let inputs = Native::new(Mode::Difficult);
                let kinds = bifocal::transform::Transform::description(&inputs).inputs.clone();
                let columns = once.events.columns.iter().zip(&kinds);
                once.events.columns =
                    columns.map(|(column, field)| column.pick(&field.kind, &twice)).collect();
                Ok((once, times))
            }
        }
    }

    fn times(&self, range: Range) -> Result<Times, Unreadable> {
        self.log.times(range)
    }

    fn digest(&self, range: Range, with: bool) -> Result<bifocal::digest::Digest, Unreadable> {
        self.log.digest(range, with)
    }
}

struct World {
    disk: Lossy,
    store: Store,
    log: Arc<StreamLog>,
    arrivals: Arrivals,
    random: Random,
    kind: Kind,
    calls: Calls,
    extractor: Extractor,
    model: Model,
    near: Near,
    run: u64,
    /// The file of the published run.
    base: Option<String>,
    did: BTreeMap<&'static str, u64>,
}

fn greatest(arrivals: &Arrivals, to: Offset) -> Option<i64> {
    arrivals.greatest_before(to).unwrap()
}

impl World {
    fn new(seed: u64, kind: Kind) -> World {
        let mut random = Random(seed);
        let (disk, events) = begin(random.below(300), seed);
        let disk = disk.copy();
        let store = open(&disk);
        let mode = if kind == Kind::Sums { Mode::Difficult } else { Mode::Machine };
        let calls = Calls::new(Arc::new(Native::new(mode)), Arc::default());
        let extractor = Extractor::new(calls.description(), TimeRule::default()).unwrap();
        let log = open_log(&store);
        let arrivals = Arrivals::new(log.clone());
        // Two followers: what is read is kept for the other.
        arrivals.join("one", &extractor);
        arrivals.join("two", &extractor);
        World {
            disk,
            store,
            log,
            arrivals,
            random,
            kind,
            calls,
            extractor,
            model: Model { events, dedup_events: 300 },
            near: Near::new(None, Vec::new(), None),
            run: 0,
            base: None,
            did: BTreeMap::new(),
        }
    }

    fn folder(&self) -> String {
        self.store.view(VIEW).unwrap().folder()
    }

    fn deltas<'a>(&'a self, folder: &'a str) -> Folder<'a> {
        Folder { disk: self.store.disk(), folder, version: self.calls.version(), run: self.run }
    }

    fn job<'a>(&'a self, log: &'a dyn ReadLog) -> Job<'a> {
        Job { calls: &self.calls, log, extractor: &self.extractor, lateness_ms: LATENESS_MS }
    }

    fn head(&self) -> u64 {
        self.log.head()
    }

    fn expected(&self, to: u64) -> straight::Answer {
        let times = (OUT_OF_ORDERNESS_MS, MAX_AHEAD_MS, LATENESS_MS);
        straight::answer(self.kind, &self.model.events, (0, to), times)
    }

    fn served(&self, pointer: &Pointer) -> Vec<Cell> {
        let mut sources: Vec<Box<dyn Source + '_>> = Vec::new();
        if let Some(base) = pointer.base_view() {
            sources.push(Box::new(base.scan().unwrap()));
        }
        sources.extend(pointer.parts.iter().map(|part| part.source(&[], false).unwrap()));
        all(Merge::new(&self.calls, sources).unwrap())
    }

    fn check(&self) {
        let pointer = self.near.pointer();
        let to = pointer.visible.0;
        let expected = self.expected(to);
        assert_eq!(self.served(&pointer), listed(&expected.cells, |_, _| true), "[0, {to})");
        let mut at = pointer.boundary();
        for part in &pointer.parts {
            assert_eq!(part.range.from, at, "parts follow one another");
            at = part.range.to;
        }
        assert_eq!(at, pointer.visible);
        let old = pointer.base_view().into_iter().flat_map(|view| view.rejected());
        let near = pointer.parts.iter().flat_map(|part| part.rejected());
        let rejected: Vec<u64> = old.chain(near).map(|event| event.unwrap().offset).collect();
        assert_eq!(rejected, expected.rejected, "[0, {to})");
        let late = pointer.base_view().map_or(0, |view| view.meta().tally.late);
        let late: u64 = late + pointer.parts.iter().map(|part| part.tally.late).sum::<u64>();
        assert_eq!(late, expected.late, "late in [0, {to})");
        // One key by itself, as a point query finds it.
        if let Some(cell) = self.served(&pointer).first() {
            let of_key = |part: &Arc<bifocal::parts::Part>| all(part.source(&cell.key, true).unwrap());
            let whole = |part: &Arc<bifocal::parts::Part>| all(part.source(&[], false).unwrap());
            for part in &pointer.parts {
                let mut expected = whole(part);
                expected.retain(|other| other.key == cell.key);
                assert_eq!(of_key(part), expected);
            }
        }
    }

    fn step(&mut self) {
        let before = self.near.pointer().visible;
        let what = match self.random.below(100) {
            0..20 => self.append(),
            20..50 => self.fold(),
            50..56 => self.tidy(),
            56..64 => self.persist(),
            64..68 => self.evict(),
            68..90 => self.run(),
            _ => self.restart(),
        };
        *self.did.entry(what).or_default() += 1;
        if what != "restart" && what != "targeted run of whole states" {
            assert!(self.near.pointer().visible >= before, "{what}: what was visible is visible");
        }
        self.check();
    }

    fn append(&mut self) -> &'static str {
        let count = [1, 7, 60, 250][self.random.below(4) as usize];
        let from = self.model.events.len() as u64;
        let sent: Vec<_> = (from..from + count).map(|number| payment(&mut self.random, number)).collect();
        let appender = Appender::new(self.log.clone()).unwrap();
        assert_eq!(appender.append(batch(&sent)).unwrap(), self.model.append(&sent));
        "append"
    }

    fn fold(&mut self) -> &'static str {
        let (visible, head) = (self.near.pointer().visible.0, self.head());
        let to = visible + self.random.below(head - visible + 1);
        self.fold_to(to);
        "fold"
    }

    fn fold_to(&self, to: u64) {
        let mut scratch = Scratch::default();
        while self.near.pointer().visible.0 < to {
            let end = self.arrivals.end_of(self.near.pointer().visible).min(Offset(to));
            let folded = self.near.fold(&self.job(&self.arrivals), &mut scratch, end).unwrap();
            let Some(folded) = folded else { return };
            let greatest_ms = greatest(&self.arrivals, folded.range().to);
            assert!(self.near.append(folded, greatest_ms));
        }
    }

    fn tidy(&mut self) -> &'static str {
        if self.random.below(2) == 0 {
            self.near.tidy(&self.calls).unwrap();
        } else {
            while self.near.tidy_all(&self.calls).unwrap() {}
        }
        "tidy"
    }

    fn persist(&mut self) -> &'static str {
        let folder = self.folder();
        let deltas = self.deltas(&folder);
        self.near.persist(&self.calls, &deltas).unwrap();
        if self.random.clone().below(2) == 0 {
            while self.near.tidy_files(&self.calls, &deltas).unwrap() {}
        }
        "persist"
    }

    fn evict(&mut self) -> &'static str {
        self.near.evict();
        "evict"
    }

    fn means(&mut self) -> Means {
        let chunk_rows = [64, 333, 1_000][self.random.below(3) as usize];
        let shape = Shape { threads: 1 + self.random.below(3) as usize, chunk_rows };
        Means { shape, table_bytes_max: [2_000, 1 << 30][self.random.below(2) as usize] }
    }

    /// A run, while events arrive and are folded. None: it failed, as it was to.
    fn renew(
        &mut self,
        run: &Run,
        fault: Option<(Fault, Offset)>,
    ) -> Option<(Offset, Result<Renewed, Error>)> {
        let log = self.log.clone();
        let to = match run {
            Run::Targeted(_) => self.near.pointer().boundary(),
            _ => self.near.cut(|| Offset(log.head())),
        };
        if self.random.below(2) == 0 {
            self.append();
        }
        // One step up to the head: it must stop at the cut by itself.
        self.fold_to(self.head());
        if self.random.below(2) == 0 {
            self.tidy();
            self.persist();
        }
        self.check();
        let means = self.means();
        let faulty = Faulty { log: &log, fault };
        let payloads = Payloads(&log);
        self.run += 1;
        let (job, file) = (self.job(&faulty), self.file());
        let pointer = self.near.pointer();
        let target = Target { disk: self.store.disk(), file: &file };
        let renewal = Renewal { job: &job, payloads: &payloads, pointer: &pointer, to, target, means };
        Some((to, renewal.run(run, &mut |_| {})))
    }

    fn file(&self) -> String {
        format!("{}/{:010}.redb", self.folder(), self.run)
    }

    fn run(&mut self) -> &'static str {
        let choice = Choice { windows_ms: None, keys: Vec::new() };
        let has_base = self.near.pointer().base.is_some();
        let (run, what) = match self.random.below(5) {
            0 | 1 => (Run::Full, "full run"),
            2 => (Run::Incremental, "incremental run"),
            3 => (Run::Sealed, "sealed run"),
            _ if !has_base => return "nothing to be targeted",
            _ if self.kind == Kind::Machine => (Run::Targeted(choice), "targeted run of whole states"),
            _ => (Run::Targeted(choice), "targeted run"),
        };
        let fails = self.random.below(5) == 0 && !matches!(run, Run::Sealed);
        let at = Offset(self.random.below(self.head() + 1));
        let fault = fails.then_some((Fault::Unreadable, at));
        let Some((to, renewed)) = self.renew(&run, fault) else { return "nothing" };
        match renewed {
            Err(error) => {
                assert!(error.to_string().contains("the disk is gone"), "{error}");
                self.run -= 1;
                self.near.uncut();
                "failed run"
            }
            Ok(renewed) => {
                let drift = renewed.drift.clone().unwrap_or_default();
                assert!(
                    drift.is_none() && renewed.blamed.is_empty(),
                    "{what} {drift:?} {:?}",
                    renewed.blamed
                );
                self.publish(&run, to, renewed);
                what
            }
        }
    }

    fn publish(&mut self, run: &Run, to: Offset, renewed: Renewed) {
        let expected = self.expected(to.0);
        assert_eq!(
            all(renewed.view.scan().unwrap()),
            listed(&expected.cells, |_, _| true),
            "{run:?} [0, {to})"
        );
        assert_eq!(renewed.view.meta().tally.late, expected.late);
        let base = Base { run: self.run, view: renewed.view, settled_to_ms: None };
        self.base = Some(self.file());
        if matches!(run, Run::Targeted(_)) && self.kind == Kind::Machine {
            self.near.restart(base, greatest(&self.arrivals, to));
        } else {
            self.near.publish(base);
        }
        let folder = self.folder();
        self.deltas(&folder).remove(Range::new(Offset::ZERO, to), None).unwrap();
    }

    /// The process ends or is killed, or the power is lost, and another goes on with what is on the disk.
    fn restart(&mut self) -> &'static str {
        match self.random.below(3) {
            0 => self.disk = self.disk.copy(),
            1 => {
                self.disk = self.disk.after_power_loss(&mut self.random);
                *self.did.entry("power loss").or_default() += 1;
            }
            _ => self.log.close().unwrap(),
        }
        let elsewhere = begin(0, 0).0;
        self.store = open(&elsewhere);
        self.log = open_log(&self.store);
        self.store = open_keeping(&self.disk, self.base.as_deref());
        self.log = open_log(&self.store);
        self.arrivals = Arrivals::new(self.log.clone());
        self.arrivals.join("one", &self.extractor);
        let base = self.base.as_ref().map(|file| {
            let view = ViewFile::open_read_only(self.store.disk(), file, CACHE).unwrap();
            Base { run: self.run, view, settled_to_ms: None }
        });
        let boundary = base.as_ref().map_or(Offset::ZERO, |base| base.view.meta().range.to);
        let folder = self.folder();
        let is_whole = self.kind == Kind::Machine;
        let files = self.deltas(&folder).chain(boundary, Offset(self.head()), is_whole).unwrap();
        if !files.is_empty() {
            *self.did.entry("recovered deltas").or_default() += 1;
        }
        let visible = files.last().map_or(boundary, |file| file.meta().range.to);
        self.near = Near::new(base, files, greatest(&self.arrivals, visible));
        "restart"
    }
}

/// The catalog of these tests names no run: what is served is put back where the sweep has removed it.
fn open_keeping(disk: &Lossy, base: Option<&str>) -> Store {
    let Some(base) = base else { return open(disk) };
    let hidden = format!("{}/delta-kept", base.rsplit_once('/').unwrap().0);
    let before: &dyn bifocal::store::Disk = disk;
    before.rename(base, &hidden).unwrap();
    let store = open(disk);
    store.disk().rename(&hidden, base).unwrap();
    store.disk().sync_folder(base.rsplit_once('/').unwrap().0).unwrap();
    store
}

#[test]
fn whatever_a_live_view_went_through_it_serves_what_a_straight_loop_says() {
    let seed = std::env::var("BIFOCAL_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let seeds = seed.map_or(0..if is_long() { 600 } else { 40 }, |seed| seed..seed + 1);
    let mut did: BTreeMap<&'static str, u64> = BTreeMap::new();
    for seed in seeds {
        println!("seed {seed}; BIFOCAL_SEED={seed} leads this life alone");
        let mut world = World::new(seed, [Kind::Sums, Kind::Machine][seed as usize % 2]);
        (0..60).for_each(|_| world.step());
        world.did.into_iter().for_each(|(what, times)| *did.entry(what).or_default() += times);
    }
    println!("{did:?}");
    if std::env::var_os("BIFOCAL_SEED").is_none() {
        assert!(did.len() >= 15, "something never happened: {did:?}");
    }
}

/// A world with a batch view of half its events, and the rest folded by speed.
fn begun(kind: Kind) -> World {
    let mut world = World::new(5, kind);
    (0..3).for_each(|_| _ = world.append());
    world.fold_to(world.head());
    let (to, renewed) = world.renew(&Run::Full, None).unwrap();
    world.publish(&Run::Full, to, renewed.unwrap());
    (0..3).for_each(|_| _ = world.append());
    world.fold_to(world.head());
    world.check();
    world
}

/// A copy of a view's file with one cell changed.
fn changed(world: &World, from: &ViewFile, to: &str) {
    let mut writer = ViewWriter::create(world.store.disk(), to).unwrap();
    let cells = all(from.scan().unwrap());
    let middle = cells.len() / 2;
    for (place, mut cell) in cells.into_iter().enumerate() {
        if place == middle {
            let last = if world.kind == Kind::Sums { 8 } else { cell.state.len() - 1 };
            cell.state[last] ^= 1;
        }
        writer.push(cell.as_ref()).unwrap();
    }
    from.spans().unwrap().iter().for_each(|span| writer.push_span(span).unwrap());
    for event in from.rejected() {
        let event = event.unwrap();
        writer.push_rejected(event.offset, &event.reason).unwrap();
    }
    let meta = from.meta();
    writer.finish(&Proof::Nothing { version: meta.version, range: meta.range }).unwrap();
}

fn blamed(world: &mut World, run: &Run, fault: Option<(Fault, Offset)>) -> (BTreeSet<Party>, bool) {
    let (_, renewed) = world.renew(run, fault).unwrap();
    let renewed = renewed.unwrap();
    assert!(!renewed.drift.as_ref().unwrap().is_none(), "the fault is seen");
    (renewed.blamed.clone(), renewed.is_right())
}

#[test]
fn a_changed_cell_of_the_old_batch_view_is_found_by_a_full_run_and_blamed_on_it() {
    for kind in [Kind::Sums, Kind::Machine] {
        let mut world = begun(kind);
        let pointer = world.near.pointer();
        let file = format!("{}/changed.redb", world.folder());
        changed(&world, pointer.base_view().unwrap(), &file);
        let view = ViewFile::open_read_only(world.store.disk(), &file, CACHE).unwrap();
        let base = Base { run: 1, view, settled_to_ms: None };
        world.near = Near::new(Some(base), Vec::new(), None);
        // Folded before it was changed: whole states grew from right ones.
        let parts = pointer.parts.clone();
        world.near.adopt(parts);
        let (_, renewed) = {
            let log = world.log.clone();
            let to = world.near.cut(|| Offset(log.head()));
            let means = world.means();
            world.run += 1;
            let (file, payloads) = (world.file(), Payloads(&log));
            let pointer = world.near.pointer();
            let job = world.job(log.as_ref());
            let target = Target { disk: world.store.disk(), file: &file };
            let renewal = Renewal { job: &job, payloads: &payloads, pointer: &pointer, to, target, means };
            (to, renewal.run(&Run::Full, &mut |_| {}).unwrap())
        };
        assert_eq!(renewed.blamed, [Party::OldBatch].into(), "{kind:?} {:?}", renewed.drift);
        assert!(renewed.is_right(), "the new one heals it");
    }
}

#[test]
fn a_changed_cell_of_a_delta_is_found_by_either_run_and_blamed_on_the_generation() {
    for kind in [Kind::Sums, Kind::Machine] {
        for run in [Run::Full, Run::Incremental] {
            let mut world = begun(kind);
            world.persist();
            world.near.evict();
            let pointer = world.near.pointer();
            let delta = pointer.parts.last().unwrap().file().unwrap();
            let right = delta.file().to_string();
            let wrong = format!("{right}-changed");
            changed(&world, delta, &wrong);
            world.store.disk().rename(&wrong, &right).unwrap();
            let files = vec![ViewFile::open_read_only(world.store.disk(), &right, CACHE).unwrap()];
            let view = ViewFile::open_read_only(world.store.disk(), world.base.as_ref().unwrap(), CACHE);
            let base = Base { run: 1, view: view.unwrap(), settled_to_ms: None };
            world.near = Near::new(Some(base), files, None);
            let log = world.log.clone();
            let to = world.near.cut(|| Offset(log.head()));
            let means = world.means();
            world.run += 1;
            let (file, payloads) = (world.file(), Payloads(&log));
            let pointer = world.near.pointer();
            let job = world.job(log.as_ref());
            let target = Target { disk: world.store.disk(), file: &file };
            let renewal = Renewal { job: &job, payloads: &payloads, pointer: &pointer, to, target, means };
            let renewed = renewal.run(&run, &mut |_| {}).unwrap();
            assert_eq!(renewed.blamed, [Party::Generation].into(), "{kind:?} {run:?}");
            assert!(renewed.is_right(), "the new one heals it");
        }
    }
}

#[test]
fn a_lost_chunk_and_a_doubled_event_of_a_new_run_are_blamed_on_it_and_never_published() {
    for kind in [Kind::Sums, Kind::Machine] {
        for run in [Run::Full, Run::Incremental] {
            for fault in [Fault::Lost, Fault::Doubled] {
                let mut world = begun(kind);
                let rejected = world.expected(world.head()).rejected;
                let at = Offset((0..world.head()).rfind(|offset| !rejected.contains(offset)).unwrap());
                let (blamed, is_right) = blamed(&mut world, &run, Some((fault, at)));
                assert_eq!(blamed, [Party::NewBatch].into(), "{kind:?} {run:?} {fault:?}");
                assert!(!is_right, "it is discarded");
                world.near.uncut();
                world.check();
            }
        }
    }
}

/// Flips bits until the file opens, and its cells cannot be read; as it is then.
fn damaged(world: &World, file: &str) -> ViewFile {
    let bytes = world.disk.bytes(file);
    let used: Vec<u64> = (0..bytes.len() as u64).filter(|at| bytes[*at as usize] != 0).collect();
    let is_read = |view: &ViewFile| {
        let Ok(mut scan) = view.scan() else { return false };
        while scan.head().is_some() {
            if scan.advance().is_err() {
                return false;
            }
        }
        true
    };
    for seed in 0..1_000 {
        let mut random = Random(seed);
        let bits: Vec<u64> =
            (0..4).map(|_| used[random.below(used.len() as u64) as usize] * 8 + random.below(8)).collect();
        bits.iter().for_each(|bit| world.disk.flip(file, *bit));
        match ViewFile::open_read_only(world.store.disk(), file, CACHE) {
            Ok(view) if !is_read(&view) => return view,
            // Flipped twice it is as it was.
            _ => bits.iter().for_each(|bit| world.disk.flip(file, *bit)),
        }
    }
    panic!("nothing damages {file}");
}

/// A world whose speed view is on disk, with a file damaged: that of the batch view, or the speed view's.
fn with_damage(kind: Kind, is_base: bool) -> World {
    let mut world = begun(kind);
    world.persist();
    world.near.evict();
    let pointer = world.near.pointer();
    let delta = pointer.parts.last().unwrap().file().unwrap().file().to_string();
    let base = world.base.clone().unwrap();
    let open = |file: &str, is_damaged: bool| match is_damaged {
        true => damaged(&world, file),
        false => ViewFile::open_read_only(world.store.disk(), file, CACHE).unwrap(),
    };
    let (view, files) = (open(&base, is_base), vec![open(&delta, !is_base)]);
    let base = Base { run: 1, view, settled_to_ms: None };
    world.near = Near::new(Some(base), files, None);
    world
}

#[test]
fn what_was_served_and_cannot_be_read_any_more_is_blamed_and_replaced_by_the_next_run() {
    for kind in [Kind::Sums, Kind::Machine] {
        for (run, is_base) in [(Run::Full, true), (Run::Full, false), (Run::Incremental, false)] {
            let mut world = with_damage(kind, is_base);
            let log = world.log.clone();
            let to = world.near.cut(|| Offset(log.head()));
            let means = world.means();
            world.run += 1;
            let (file, payloads, pointer) = (world.file(), Payloads(&log), world.near.pointer());
            let job = world.job(log.as_ref());
            let target = Target { disk: world.store.disk(), file: &file };
            let renewal = Renewal { job: &job, payloads: &payloads, pointer: &pointer, to, target, means };
            let renewed = renewal.run(&run, &mut |_| {}).unwrap();
            let party = if is_base { Party::OldBatch } else { Party::Generation };
            assert_eq!(renewed.blamed, [party].into(), "{kind:?} {run:?}");
            assert!(renewed.is_right(), "it is replaced");
            world.publish(&run, to, renewed);
            world.check();
        }
    }
}

#[test]
fn a_speed_view_that_cannot_be_read_is_folded_again_from_the_log() {
    for kind in [Kind::Sums, Kind::Machine] {
        let world = with_damage(kind, false);
        let visible = world.near.pointer().visible;
        world.near.refold(greatest(&world.arrivals, world.near.pointer().boundary()));
        assert!(world.near.pointer().visible < visible);
        world.fold_to(visible.0);
        world.check();
    }
}
