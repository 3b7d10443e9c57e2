//! Power is lost at every change of the disk in turn: what was acknowledged is there, whole and once.

use super::append::{Model, batch, check, settings};
use super::events::{Made, Random};
use super::lossy::{Lossy, lose_power};
use bifocal::store::{Appender, Disk, StreamLog};
use std::sync::Arc;

const FOLDER: &str = "streams/1/log";

/// Appends until power is lost; what was acknowledged, and the batch that was not.
fn run(disk: &Lossy, seed: u64, rounds: u64, model: &mut Model) -> Option<Vec<Made>> {
    let settings = settings(1 << 10, 5_000);
    let Ok(log) = StreamLog::open(Arc::new(disk.clone()), FOLDER, settings) else { return Some(Vec::new()) };
    let Ok(appender) = Appender::new(log.clone()) else { return Some(Vec::new()) };
    let mut random = Random(seed);
    for round in 0..rounds {
        let count = [1, 3, 60, 400][random.below(4) as usize];
        let made: Vec<Made> = (0..count).map(|i| Made::random(&mut random, round * 1000 + i)).collect();
        match appender.append(batch(&made)) {
            Ok(receipt) => assert_eq!(receipt, model.append(&made)),
            Err(_) => {
                drop(appender);
                // A process whose power is gone closes nothing: the disk refuses all that it tries.
                return Some(made);
            }
        }
    }
    None
}

#[test]
fn nothing_acknowledged_is_lost_at_any_change_of_the_disk() {
    // A store makes the folder above, and syncs it.
    let start = Lossy::with_folders(&["streams", "streams/1"]);
    let act = |disk: &Lossy| {
        let mut model = Model { dedup_events: 5_000, ..Model::default() };
        let unacknowledged = run(disk, 20, 24, &mut model);
        (model, unacknowledged)
    };
    let restart = |disk: &Lossy| {
        let settings = settings(1 << 10, 5_000);
        drop(StreamLog::open(Arc::new(disk.clone()), FOLDER, settings).map(Appender::new));
    };
    let operations = lose_power(&start, 100, act, restart, |after, (model, unacknowledged), random| {
        examine(after, model, unacknowledged.as_deref(), random);
    });
    assert!(operations > 200, "only {operations} changes: does this still roll segments?");
}

/// What is there is what was acknowledged, with the batch in flight wholly or not at all; and it goes on.
fn examine(disk: &Lossy, model: &Model, in_flight: Option<&[Made]>, random: &mut Random) {
    let settings = settings(1 << 10, 5_000);
    let log = StreamLog::open(Arc::new(disk.clone()), FOLDER, settings.clone()).unwrap();
    let mut there = Model { events: model.events.clone(), ..*model };
    if log.head() != there.events.len() as u64
        && let Some(made) = in_flight
    {
        there.append(made);
    }
    check(&log, &there, &settings, random);
    let left = disk.list(FOLDER).unwrap();
    assert!(left.iter().all(|name| !name.starts_with("new-")), "{left:?}");
    let appender = Appender::new(log.clone()).unwrap();
    let more = [Made::random(random, 1)];
    assert_eq!(appender.append(batch(&more)).unwrap(), there.append(&more));
    check(&log, &there, &settings, random);
}
