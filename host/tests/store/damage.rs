//! A bit that was flipped behind the store's back is found when it is read, and named; whatever is
//! answered all the same is right.

use super::append::{Model, batch, settings};
use super::events::{Made, Random};
use super::lossy::Lossy;
use bifocal::log::ReadLog;
use bifocal::offset::{Offset, Range};
use bifocal::store::{Appender, Error, StreamLog};
use std::sync::Arc;

const FOLDER: &str = "streams/1/log";

/// All that a log says: its events, their order, its digest.
fn read(disk: &Lossy) -> Result<(u64, String), String> {
    let text = |error: Error| error.to_string();
    let log = StreamLog::open(Arc::new(disk.clone()), FOLDER, settings(1 << 10, 5_000)).map_err(text)?;
    let mut hasher = bifocal::digest::Hasher::default();
    let all = Range::new(Offset(0), Offset(log.head()));
    log.visit(all, |event| hasher.part(format!("{event:?}").as_bytes())).map_err(text)?;
    let digest = ReadLog::digest(log.as_ref(), all, true).map_err(|error| error.to_string())?;
    hasher.raw(&digest.0);
    Ok((log.head(), hasher.finish().to_string()))
}

#[test]
fn a_flipped_bit_is_found_or_changes_nothing() {
    let disk = Lossy::default();
    {
        let log = StreamLog::open(Arc::new(disk.clone()), FOLDER, settings(1 << 10, 5_000)).unwrap();
        let appender = Appender::new(log.clone()).unwrap();
        let mut model = Model { dedup_events: 5_000, ..Model::default() };
        let mut random = Random(3);
        for round in 0..12 {
            let count = if round % 3 == 0 { 900 } else { 9 };
            let made: Vec<Made> = (0..count).map(|i| Made::random(&mut random, i)).collect();
            assert_eq!(appender.append(batch(&made)).unwrap(), model.append(&made));
        }
        drop(appender);
        log.close().unwrap();
    }
    let sound = read(&disk).unwrap();
    let mut random = Random(11);
    let (mut found, mut harmless) = (0, 0);
    let rounds = std::env::var_os("BIFOCAL_LONG").map_or(150, |_| 20_000);
    for _ in 0..rounds {
        let damaged = disk.copy();
        let names = damaged.names();
        let name = &names[random.below(names.len() as u64) as usize];
        let bytes = damaged.bytes(name);
        // Most of a small file is unused or was freed: look for a place that has something.
        let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        let at = used[random.below(used.len() as u64) as usize] as u64;
        damaged.flip(name, at * 8 + random.below(8));
        match read(&damaged) {
            Ok(read) => {
                assert_eq!(read, sound, "a flipped bit at byte {at} of {name} changed an answer");
                harmless += 1;
            }
            Err(error) => {
                assert!(error.contains(".redb"), "no file is named: {error}");
                found += 1;
            }
        }
    }
    assert!(found > rounds / 40, "only {found} of {rounds} were found, {harmless} changed nothing");
}
