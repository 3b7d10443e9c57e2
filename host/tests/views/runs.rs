//! Full, incremental and targeted runs against the run in memory.

use crate::native::{HOUR_MS, Mode, START_MS};
use crate::stage::{Dice, Place, Stage, means, read};
use bifocal::cell::Cell;
use bifocal::key::Part;
use bifocal::offset::Offset;
use bifocal::refold::{self, Choice, Error, TABLE_BYTES_MAX};
use bifocal::store::{Meta, Proof, ViewFile, ViewWriter};
use std::sync::atomic::{AtomicU64, Ordering};

const MODES: [Mode; 3] = [Mode::Sound, Mode::Difficult, Mode::Machine];
/// So little that every few chunks are a spill.
const TINY: usize = 4_000;

#[test]
fn a_full_run_on_disk_is_the_run_in_memory() {
    for mode in MODES {
        let (stage, place, mut dice) = (Stage::new(mode, 6_000, 5), Place::new(), Dice(9));
        let expected = stage.expected(Offset(6_000));
        for (file, bound) in [("spilled", TINY), ("roomy", TABLE_BYTES_MAX)] {
            let target = place.target(file);
            let meta =
                refold::full(&stage.job(), Offset(6_000), target, means(&mut dice, bound), &mut |_| {})
                    .unwrap();
            let view = place.open(file).unwrap();
            assert_eq!(*view.meta(), meta);
            expected.holds(&view);
        }
        assert_eq!(place.files(), ["roomy", "spilled"], "spills are gone");
    }
}

#[test]
fn incremental_runs_at_any_cuts_are_the_full_run() {
    for mode in MODES {
        for seed in 0..6 {
            let (stage, place, mut dice) = (Stage::new(mode, 4_000, seed), Place::new(), Dice(seed));
            let mut cuts: Vec<u64> = (0..3).map(|_| dice.below(4_001)).chain([4_000]).collect();
            cuts.sort();
            let bound = if seed % 2 == 0 { TINY } else { TABLE_BYTES_MAX };
            let mut base: Option<ViewFile> = None;
            for (i, cut) in cuts.iter().enumerate() {
                let (file, to) = (format!("run-{i}"), Offset(*cut));
                let (job, target, means) = (stage.job(), place.target(&file), means(&mut dice, bound));
                match &base {
                    None => refold::full(&job, to, target, means, &mut |_| {}),
                    Some(base) => refold::incremental(&job, base, to, target, means, &mut |_| {}),
                }
                .unwrap();
                let view = place.open(&file).unwrap();
                stage.expected(to).holds(&view);
                base = Some(view);
            }
        }
    }
}

/// A copy of a view whose cells, and rejected events, went through a tampering hand.
fn tampered(place: &Place, view: &ViewFile, file: &str, mut change: impl FnMut(Cell) -> Vec<Cell>) -> Meta {
    let mut writer = ViewWriter::create(&place.disk, file).unwrap();
    for cell in read(view.scan().unwrap()).unwrap() {
        change(cell).iter().for_each(|cell| writer.push(cell.as_ref()).unwrap());
    }
    for event in view.rejected() {
        let event = event.unwrap();
        writer.push_rejected(event.offset, &event.reason).unwrap();
    }
    view.spans().unwrap().iter().for_each(|span| writer.push_span(span).unwrap());
    writer.finish(&Proof::Certified(view.meta().certificate.unwrap())).unwrap()
}

#[test]
fn a_targeted_run_restores_what_was_tampered_with_and_nothing_else() {
    for mode in MODES {
        let (stage, place, mut dice) = (Stage::new(mode, 6_000, 5), Place::new(), Dice(4));
        let to = Offset(6_000);
        let expected = stage.expected(to);
        refold::full(&stage.job(), to, place.target("sound"), means(&mut dice, TINY), &mut |_| {}).unwrap();
        let sound = place.open("sound").unwrap();
        let (from, end) = (START_MS + 2 * HOUR_MS, START_MS + 4 * HOUR_MS);
        let in_time = Choice { windows_ms: Some((from, end)), keys: Vec::new() };
        let key = vec![(0, Part::Bytes(b"shop-3".to_vec()))];
        let by_key = Choice { windows_ms: None, keys: key.clone() };
        let both = Choice { windows_ms: Some((from, end)), keys: key };
        let all = Choice::default();
        for (i, choice) in [in_time, by_key, both, all].into_iter().enumerate() {
            let chosen = |cell: &Cell| {
                let mut key = vec![1];
                key.extend(b"shop-3\0\0");
                choice.windows_ms.is_none_or(|(from, to)| (from..to).contains(&cell.window))
                    && (choice.keys.is_empty() || cell.key == key)
            };
            let (bad, good) = (format!("bad-{i}"), format!("good-{i}"));
            let mut count = 0;
            tampered(&place, &sound, &bad, |mut cell| {
                if !chosen(&cell) {
                    return vec![cell];
                }
                count += 1;
                match count % 3 {
                    0 => return vec![],
                    1 => cell.broken = Some("tampered with".into()),
                    _ => cell.state.iter_mut().for_each(|byte| *byte ^= 1),
                }
                // One that never was.
                let twin = Cell { window: cell.window + 1, state: b"odd".to_vec(), ..cell.clone() };
                if chosen(&twin) { vec![cell, twin] } else { vec![cell] }
            });
            assert!(count > 0, "{choice:?} chooses nothing");
            let view = place.open(&bad).unwrap();
            let means = means(&mut dice, TINY);
            refold::targeted(&stage.job(), &view, &choice, place.target(&good), means, &mut |_| {}).unwrap();
            expected.holds(&place.open(&good).unwrap());
        }
    }
}

#[test]
fn a_targeted_run_leaves_other_cells_as_they_are() {
    let (stage, place, mut dice) = (Stage::new(Mode::Sound, 3_000, 5), Place::new(), Dice(4));
    let means = means(&mut dice, TABLE_BYTES_MAX);
    refold::full(&stage.job(), Offset(3_000), place.target("sound"), means, &mut |_| {}).unwrap();
    let sound = place.open("sound").unwrap();
    tampered(&place, &sound, "bad", |mut cell| {
        cell.state[0] ^= 1;
        vec![cell]
    });
    let bad = place.open("bad").unwrap();
    let choice = Choice { windows_ms: Some((START_MS, START_MS + HOUR_MS)), keys: Vec::new() };
    refold::targeted(&stage.job(), &bad, &choice, place.target("good"), means, &mut |_| {}).unwrap();
    let all = |view: &ViewFile| read(view.scan().unwrap()).unwrap();
    let (sound, bad, good) = (all(&sound), all(&bad), all(&place.open("good").unwrap()));
    for ((sound, bad), good) in sound.iter().zip(&bad).zip(&good) {
        let expected = if sound.window == START_MS { sound } else { bad };
        assert_eq!(good, expected);
    }
}

#[test]
fn a_targeted_run_reads_only_spans_that_may_have_touched_its_windows() {
    let events = 150_000;
    let (stage, place, mut dice) = (Stage::new(Mode::Sound, events, 5), Place::new(), Dice(4));
    let to = Offset(events as u64);
    let means = means(&mut dice, TABLE_BYTES_MAX);
    refold::full(&stage.job(), to, place.target("full"), means, &mut |_| {}).unwrap();
    let full = place.open("full").unwrap();
    assert_eq!(full.spans().unwrap().len(), 3);
    let (from, read) = (START_MS + 2 * HOUR_MS, AtomicU64::new(0));
    let choice = Choice { windows_ms: Some((from, from + HOUR_MS)), keys: Vec::new() };
    let mut count = |events| _ = read.fetch_add(events, Ordering::Relaxed);
    refold::targeted(&stage.job(), &full, &choice, place.target("again"), means, &mut count).unwrap();
    assert_eq!(read.into_inner(), full.spans().unwrap()[0].range.count());
    stage.expected(to).holds(&place.open("again").unwrap());
}

#[test]
fn a_run_that_fails_leaves_no_file() {
    let (stage, place, mut dice) = (Stage::new(Mode::Machine, 3_000, 5), Place::new(), Dice(4));
    let means = means(&mut dice, TINY);
    refold::full(&stage.job(), Offset(1_000), place.target("base"), means, &mut |_| {}).unwrap();
    let path = place.folder.path().join("base");
    let mut bytes = std::fs::read(&path).unwrap();
    let base = place.open("base").unwrap();
    // All blocks of cells are spoilt behind the back of the open file.
    let at = bytes.windows(6).position(|bytes| bytes == b"\x01shop-").unwrap();
    bytes[at..].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&path, &bytes).unwrap();
    let result =
        refold::incremental(&stage.job(), &base, Offset(3_000), place.target("next"), means, &mut |_| {});
    assert!(matches!(result, Err(Error::Fold(bifocal::half::Error::Store(_)))), "{result:?}");
    assert_eq!(place.files(), ["base"]);
}

#[test]
fn a_base_of_another_version_or_beyond_is_refused() {
    let (stage, place, mut dice) = (Stage::new(Mode::Sound, 300, 5), Place::new(), Dice(4));
    let means = means(&mut dice, TINY);
    refold::full(&stage.job(), Offset(200), place.target("base"), means, &mut |_| {}).unwrap();
    let base = place.open("base").unwrap();
    let other = Stage::new(Mode::Difficult, 300, 5);
    let target = place.target("next");
    let result = refold::incremental(&other.job(), &base, Offset(300), target, means, &mut |_| {});
    assert!(matches!(result, Err(Error::Version { .. })), "{result:?}");
    let result = refold::incremental(&stage.job(), &base, Offset(100), target, means, &mut |_| {});
    assert!(matches!(result, Err(Error::Range { .. })), "{result:?}");
    let choice = Choice { windows_ms: None, keys: vec![(1, Part::Absent)] };
    let result = refold::targeted(&stage.job(), &base, &choice, target, means, &mut |_| {});
    assert!(matches!(result, Err(Error::Column { .. })), "{result:?}");
    assert_eq!(place.files(), ["base"]);
}
