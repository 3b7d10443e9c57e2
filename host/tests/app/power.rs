//! Power is lost while a host lives: while it appends, folds, lays down deltas, makes runs of every kind,
//! publishes, removes what is old and switches to another version. Nothing that was acknowledged is lost or
//! doubled, nobody is shown less than before, and what the next run finds agrees cell by cell.

use super::lossy::{Lossy, is_long, lose_power_at, points};
use super::stage::{
    LONG, Made, STREAM, VIEW, append, ask, batch, deploy, engine, order, payloads, revenue, run, straight,
    stream,
};
use bifocal::app::{App, Config, Question, Stage, Wanted};
use bifocal::serving::Asked;
use bifocal::store::{Receipt, RunKind, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

const PRODUCERS: u64 = 2;
/// Orders of one request.
const TOGETHER: usize = 61;
/// Orders that are there before, and that are sent while power is lost.
const BEFORE: u64 = 1_200;
const MORE: u64 = 2_400;
/// So little that parts go to disk all the while, and are sealed.
const CONFIG: &str =
    "[views.revenue]\nbatch = 'never'\nfull = 'never'\nspeed_memory = '24KiB'\nkeep_runs = 2\n";

fn start_on(disk: &Lossy) -> Result<Arc<App>, String> {
    let store = Store::with_disk(Arc::new(disk.clone())).map_err(|error| error.to_string())?;
    App::start(store, engine(), 2, Config::parse(CONFIG).unwrap()).map_err(|error| error.to_string())
}

/// A host that was stopped, with a run.
fn begun() -> Lossy {
    let disk = Lossy::default();
    let app = start_on(&disk).unwrap();
    app.create_stream(stream()).unwrap();
    assert!(matches!(deploy(&app, revenue()), Stage::Live(_)));
    append(&app, batch(&(0..BEFORE).map(order).collect::<Vec<_>>(), None));
    run(&app, RunKind::Full).unwrap();
    app.stop().unwrap();
    drop(app);
    disk
}

/// The requests of one producer: each has a key, by which it may be sent again.
fn requests(producer: u64) -> Vec<(String, Vec<Made>)> {
    let mine: Vec<Made> =
        (BEFORE..BEFORE + MORE).filter(|number| number % PRODUCERS == producer).map(order).collect();
    let key = |(number, orders): (usize, &[Made])| (format!("{producer}-{number}"), orders.to_vec());
    mine.chunks(TOGETHER).enumerate().map(key).collect()
}

/// What a host said before power was lost.
#[derive(Default)]
struct Told {
    /// By key.
    acknowledged: BTreeMap<String, Receipt>,
    /// How far an answer reached.
    shown: u64,
    runs: u64,
}

fn act(disk: &Lossy) -> Told {
    let Ok(app) = start_on(disk) else { return Told::default() };
    let (is_over, shown, runs) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let acknowledged = std::thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn({
                    let app = &app;
                    move || produce(app, producer)
                })
            })
            .collect();
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                let question =
                    Question { asked: Asked { limit: Some(3), ..Asked::default() }, ..Question::default() };
                let Ok(answer) = app.view(VIEW).unwrap().ask(&question, LONG, 0) else { continue };
                shown.fetch_max(answer.pointer.visible.0, Ordering::AcqRel);
            }
        });
        let runner = scope.spawn(|| {
            let kinds = [RunKind::Incremental, RunKind::Sealed, RunKind::Full, RunKind::Sealed];
            for kind in kinds.iter().cycle() {
                match run(&app, *kind) {
                    Ok(made) => assert_eq!((made.differ, made.cause), (0, None), "{kind:?}"),
                    Err(_) => return,
                }
                if runs.fetch_add(1, Ordering::AcqRel) == 1 {
                    let component = [revenue(), b"\x00\x05\x04note"].concat();
                    let wanted = Wanted { component, ..Wanted::default() };
                    app.deploy(VIEW, wanted).unwrap().wait(LONG);
                }
                if is_over.load(Ordering::Acquire) && runs.load(Ordering::Acquire) >= 4 {
                    return;
                }
            }
        });
        let acknowledged = producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect();
        is_over.store(true, Ordering::Release);
        runner.join().unwrap();
        acknowledged
    });
    // With power gone it cannot end well, but it ends.
    _ = app.stop();
    Told { acknowledged, shown: shown.into_inner(), runs: runs.into_inner() }
}

/// Sends all its requests, until one is refused.
fn produce(app: &App, producer: u64) -> Vec<(String, Receipt)> {
    let mut acknowledged = Vec::new();
    for (key, orders) in requests(producer) {
        let (done, answer) = mpsc::channel();
        let submitted = app.stream(STREAM).unwrap().submit(batch(&orders, Some(&key)), move |receipt| {
            _ = done.send(receipt);
        });
        match submitted.map(|()| answer.recv().unwrap()) {
            Ok(Ok(receipt)) => acknowledged.push((key, receipt)),
            _ => break,
        }
    }
    acknowledged
}

fn examine(disk: &Lossy, told: &Told) {
    let app = start_on(disk).unwrap();
    let log = app.stream(STREAM).unwrap().log.clone();
    let events = payloads(&log);
    let distinct: BTreeSet<&str> = events.iter().map(|(_, payload)| payload.as_str()).collect();
    assert_eq!(distinct.len(), events.len(), "nothing is there twice");
    let all: Vec<_> = (0..PRODUCERS).flat_map(requests).collect();
    for (key, orders) in &all {
        match told.acknowledged.get(key) {
            Some(receipt) => {
                let there = &events[receipt.first_offset as usize..receipt.next_offset as usize];
                let sent = orders.iter().map(|made| made.payload.as_str());
                assert!(
                    there.iter().map(|(_, payload)| payload.as_str()).eq(sent),
                    "request {key} is where it was"
                );
            }
            None => {
                let there = orders.iter().filter(|made| distinct.contains(made.payload.as_str())).count();
                assert!(there == 0 || there == orders.len(), "request {key} is there in part: {there}");
            }
        }
    }
    let said = ask(&app, Asked::default(), None);
    assert!(said.visible >= told.shown, "{} was shown, now {}", told.shown, said.visible);
    assert_eq!(said.rows, straight(&events, said.visible, None));
    for kind in [RunKind::Incremental, RunKind::Full] {
        let made = run(&app, kind).unwrap();
        assert_eq!((made.differ, made.cause), (0, None), "{kind:?}");
    }
    // Whoever has no answer asks again; whoever has one gets the same.
    for (key, orders) in &all {
        let again = append(&app, batch(orders, Some(key)));
        assert_eq!(again.appended + again.duplicates, orders.len() as u64);
        if let Some(first) = told.acknowledged.get(key) {
            assert_eq!(again, *first);
        }
    }
    let events = payloads(&log);
    assert_eq!(events.len() as u64, BEFORE + MORE, "all is there once");
    let said = ask(&app, Asked::default(), Some(BEFORE + MORE));
    assert_eq!(said.rows, straight(&events, said.visible, None));
    assert!(app.view(VIEW).unwrap().incidents().is_empty());
    app.stop().unwrap();
}

#[test]
fn power_that_is_lost_in_any_activity_of_a_host_costs_nothing_that_was_said() {
    let start = begun();
    let rehearsal = start.copy();
    let told = act(&rehearsal);
    let sent: usize = (0..PRODUCERS).map(|producer| requests(producer).len()).sum();
    assert_eq!(told.acknowledged.len(), sent);
    assert!(told.runs >= 4, "only {} runs", told.runs);
    let operations = rehearsal.operations();
    // How many changes there are differs from life to life, with how its threads take turns.
    let at = points(operations, if is_long() { 400 } else { 12 });
    let restart = |disk: &Lossy| {
        if let Ok(app) = start_on(disk) {
            _ = app.stop();
        }
    };
    lose_power_at(&start, (&at, operations), act, restart, |after, told, _| examine(after, told));
}
