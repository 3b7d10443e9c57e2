//! Power is lost at every change of the disk that a run, its publishing and what is removed make: a view
//! answers what it answered before or what the run says, whole, and nothing is left over.

use super::catalog::{stream, view};
use super::events::Random;
use super::lossy::{Lossy, is_long, lose_power};
use super::run::{self, Run};
use crate::native::{HOUR_MS, Mode, START_MS};
use crate::stage::{Expected, Stage};
use bifocal::batch::Shape;
use bifocal::log::ReadLog;
use bifocal::offset::{Offset, Range};
use bifocal::refold::{Choice, Means};
use bifocal::store::{Appender, Batch, RunKind, Store, StreamRecord, ViewRecord};
use std::collections::BTreeMap;
use std::sync::Arc;

const VIEW: &str = "revenue";
const STREAM: &str = "orders";
/// Where a run ends, and the log: each time a thousand events more.
const CUTS: [u64; 3] = [1_000, 2_000, 3_000];
/// Points in each activity at which power is lost, unless all are wanted.
const POINTS: u64 = 45;
/// So little that every chunk is a spill.
const SPILLING: Means = Means { shape: Shape { threads: 1, chunk_rows: 400 }, table_bytes_max: 1_000 };

/// A stream and a view on a disk, and what is right of them.
struct Ground {
    disk: Lossy,
    stage: Stage,
    component: String,
    expected: BTreeMap<u64, Expected>,
}

fn open(disk: &Lossy) -> Store {
    Store::with_disk(Arc::new(disk.clone())).unwrap()
}

impl Ground {
    /// With all events and no run.
    fn new(mode: Mode, keep_runs: usize) -> Ground {
        let (disk, stage) = (Lossy::default(), Stage::new(mode, CUTS[2] as usize, 7));
        let store = open(&disk);
        let orders =
            StreamRecord { id: None, out_of_orderness_ms: 0, max_ahead_ms: HOUR_MS, ..stream(STREAM) };
        store.create_stream(orders).unwrap();
        let component = store.put_component(b"component").unwrap().to_string();
        store.create_view(ViewRecord { keep_runs, ..view(VIEW, &component) }).unwrap();
        store.close().unwrap();
        let expected = CUTS.map(|to| (to, stage.expected(Offset(to)))).into_iter().collect();
        Ground { disk, stage, component, expected }
    }

    fn append(&self, store: &Store, range: Range) {
        let log = store.log(&store.stream(STREAM).unwrap()).unwrap();
        let mut batch = Batch::default();
        self.stage.log.read(range).for_each(|event| batch.push(&event).unwrap());
        Appender::new(log.clone()).unwrap().append(batch).unwrap();
        log.close().unwrap();
    }

    /// With as many events and runs as there are kinds: the last events are in no run.
    fn with_runs(self, kinds: &[RunKind]) -> Ground {
        let mut from = Offset::ZERO;
        for (i, to) in CUTS.into_iter().enumerate() {
            let store = open(&self.disk);
            self.append(&store, Range::new(from, Offset(to)));
            if let Some(kind) = kinds.get(i) {
                self.run(&store, *kind).unwrap();
            }
            from = Offset(to);
            store.close().unwrap();
        }
        self
    }

    fn run(&self, store: &Store, kind: RunKind) -> Result<(), bifocal::refold::Error> {
        let windows_ms = Some((START_MS + HOUR_MS, START_MS + 2 * HOUR_MS));
        let run = Run {
            calls: &self.stage.calls,
            extractor: &self.stage.extractor,
            lateness_ms: HOUR_MS,
            kind,
            choice: Choice { windows_ms, keys: Vec::new() },
            means: SPILLING,
        };
        run.on(store, VIEW).map(|_| ())
    }

    /// Starts again on a disk: all that is named is whole and right, and nothing else is there.
    fn check(&self, disk: &Lossy, random: &mut Random) -> Store {
        let store = open(disk);
        let (streams, views) = (store.streams().unwrap(), store.views().unwrap());
        let mut named = vec!["catalog.redb".to_string()];
        for stream in &streams {
            self.check_log(&store, stream, random);
            named.push(format!("{}/00000000000000000000.redb", stream.folder()));
        }
        for view in &views {
            named.push(format!("components/{}.wasm", self.component));
            assert_eq!(store.component(&self.component).unwrap(), b"component");
            for run in view.runs.iter().filter(|run| run.file.is_some()) {
                let expected = &self.expected[&run.to];
                expected.holds(&run::open(&store, view, run).unwrap());
                let cells = run.certificate.as_ref().map(|proof| proof.cells.clone());
                assert_eq!(cells, Some(expected.certificate.cells.to_string()));
                named.push(format!("{}/{}", view.folder(), run.file.as_ref().unwrap()));
            }
            let served = view.batch_run.map_or(0, |number| view.run(number).unwrap().to);
            assert_eq!(view.boundary, served);
        }
        named.sort();
        assert_eq!(disk.names(), named, "files that nobody names, or that are gone");
        store
    }

    fn check_log(&self, store: &Store, stream: &StreamRecord, random: &mut Random) {
        let log = store.log(stream).unwrap();
        let all = Range::new(Offset::ZERO, Offset(CUTS[2]));
        assert_eq!(log.head(), all.to.0);
        let mut events = self.stage.log.read(all);
        log.visit(all, |event| assert_eq!(Some(event), events.next())).unwrap();
        assert!(events.next().is_none());
        let (a, b) = (random.below(all.to.0 + 1), random.below(all.to.0 + 1));
        for range in [all, Range::new(Offset(a.min(b)), Offset(a.max(b)))] {
            let expected = ReadLog::digest(&self.stage.log, range, true).unwrap();
            assert_eq!(ReadLog::digest(log.as_ref(), range, true).unwrap(), expected, "{range}");
        }
        log.close().unwrap();
    }
}

/// What a process does first.
fn restart(disk: &Lossy) {
    if let Ok(store) = Store::with_disk(Arc::new(disk.clone())) {
        store.streams().iter().flatten().for_each(|stream| drop(store.log(stream)));
    }
}

/// Loses power at each change of a run of this kind, the third of its view.
fn lose_power_in_a_run(mode: Mode, kind: RunKind, earlier: &[RunKind], keep_runs: usize) {
    let ground = Ground::new(mode, keep_runs).with_runs(earlier);
    let before = open(&ground.disk).view(VIEW).unwrap().batch_run;
    let act = |disk: &Lossy| {
        let Ok(store) = Store::with_disk(Arc::new(disk.clone())) else { return false };
        ground.run(&store, kind).is_ok()
    };
    let operations = lose_power(&ground.disk, POINTS, act, restart, |after, is_published, random| {
        let store = ground.check(after, random);
        let view = store.view(VIEW).unwrap();
        let is_new = view.batch_run != before;
        assert!(is_new || !is_published, "a run was published and is gone");
        assert!(!is_new || view.batch_run == Some(earlier.len() as u64 + 1));
        assert!(view.runs.len() <= keep_runs);
        // And it goes on: any kind of run says what is right.
        let next = [RunKind::Full, RunKind::Incremental, RunKind::Targeted][random.below(3) as usize];
        ground.run(&store, next).unwrap();
        let view = store.view(VIEW).unwrap();
        let to = view.boundary;
        ground.expected[&to].holds(&run::served(&store, &view).unwrap().unwrap());
        drop(store);
        ground.check(after, random);
    });
    assert!(operations > 100, "only {operations} changes: does this still spill and clean up?");
}

const FULL: RunKind = RunKind::Full;
const INCREMENTAL: RunKind = RunKind::Incremental;

#[test]
fn a_first_run_is_there_or_not_at_any_change_of_the_disk() {
    lose_power_in_a_run(Mode::Sound, FULL, &[], 2);
}

#[test]
fn a_full_run_takes_the_place_of_the_former_at_any_change_of_the_disk() {
    lose_power_in_a_run(Mode::Machine, FULL, &[FULL, INCREMENTAL], 1);
}

#[test]
fn an_incremental_run_takes_the_place_of_the_former_at_any_change_of_the_disk() {
    let modes: &[Mode] = if is_long() { &[Mode::Machine, Mode::Sound] } else { &[Mode::Machine] };
    modes.iter().for_each(|mode| lose_power_in_a_run(*mode, INCREMENTAL, &[FULL, INCREMENTAL], 2));
}

#[test]
fn a_targeted_run_takes_the_place_of_the_former_at_any_change_of_the_disk() {
    let modes: &[Mode] = if is_long() { &[Mode::Sound, Mode::Machine] } else { &[Mode::Sound] };
    modes.iter().for_each(|mode| lose_power_in_a_run(*mode, RunKind::Targeted, &[INCREMENTAL, FULL], 2));
}

/// Removes the view, then its stream; how many of both were acknowledged.
fn remove(disk: &Lossy) -> usize {
    let Ok(store) = Store::with_disk(Arc::new(disk.clone())) else { return 0 };
    let removed = [store.remove_view(VIEW), store.remove_stream(STREAM)];
    removed.iter().take_while(|removed| removed.is_ok()).count()
}

/// What of the view and the stream is there: a removal begun is whole once the next start is.
fn there(store: &Store) -> (usize, usize) {
    (store.views().unwrap().len(), store.streams().unwrap().len())
}

#[test]
fn what_is_removed_is_there_or_gone_whole_at_any_change_of_the_disk() {
    let ground = Ground::new(Mode::Sound, 2).with_runs(&[FULL, INCREMENTAL]);
    let operations = lose_power(&ground.disk, u64::MAX, remove, restart, |after, removed, random| {
        let store = ground.check(after, random);
        match (there(&store), *removed) {
            ((1, 1), 0) | ((0, 1), 0 | 1) | ((0, 0), 1 | 2) => {}
            (there, removed) => panic!("{there:?} are there, {removed} were removed"),
        }
    });
    assert!(operations > 10, "only {operations} changes");
}

/// The disk as a process leaves it that was killed after so many tenths of what `act` does.
fn killed(disk: &Lossy, tenths: u64, act: impl Fn(&Lossy)) -> Lossy {
    let (rehearsal, killed) = (disk.copy(), disk.copy());
    act(&rehearsal);
    killed.fail_at(rehearsal.operations() * tenths / 10);
    act(&killed);
    killed.copy()
}

#[test]
fn a_start_cleans_up_at_any_change_of_the_disk() {
    let ground = Ground::new(Mode::Sound, 2).with_runs(&[FULL, INCREMENTAL]);
    let run = |disk: &Lossy| {
        if let Ok(store) = Store::with_disk(Arc::new(disk.clone())) {
            _ = ground.run(&store, FULL);
        }
    };
    let starts = (1..10).flat_map(|tenths| {
        [killed(&ground.disk, tenths, run), killed(&ground.disk, tenths, |disk| _ = remove(disk))]
    });
    let mut removed = 0;
    for start in starts {
        let files = start.names().len();
        lose_power(&start, POINTS / 9, restart, restart, |after, (), random| _ = ground.check(after, random));
        ground.check(&start, &mut Random(1));
        removed += files - start.names().len();
    }
    assert!(removed > 10, "only {removed} files were left over by those that were killed");
}
