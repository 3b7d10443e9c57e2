//! Full, incremental and targeted runs against the run in memory.

use crate::native::{HOUR_MS, Mode, START_MS};
use crate::stage::{Dice, Place, Stage, means, read};
use bifocal::cell::Cell;
use bifocal::extract::Rejected;
use bifocal::key::Part;
use bifocal::offset::{Offset, Range};
use bifocal::refold::{self, Choice, Error, TABLE_BYTES_MAX, Target};
use bifocal::store::{Directory, Disk, File, Meta, Proof, Span, ViewFile, ViewWriter};
use bifocal::tally::Tally;
use std::io;
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

/// A view as it is but for what it says of spans and of rejected events.
fn rewritten(place: &Place, view: &ViewFile, file: &str, spans: &[Span], rejected: &[Rejected]) {
    let mut writer = ViewWriter::create(&place.disk, file).unwrap();
    for cell in read(view.scan().unwrap()).unwrap() {
        writer.push(cell.as_ref()).unwrap();
    }
    rejected.iter().for_each(|event| writer.push_rejected(event.offset, &event.reason).unwrap());
    spans.iter().for_each(|span| writer.push_span(span).unwrap());
    writer.finish(&Proof::Certified(view.meta().certificate.unwrap())).unwrap();
}

#[test]
fn a_targeted_run_replaces_the_rejected_events_of_what_it_reads_and_keeps_all_others() {
    let (stage, place, mut dice) = (Stage::new(Mode::Sound, 3_000, 5), Place::new(), Dice(4));
    let means = means(&mut dice, TABLE_BYTES_MAX);
    refold::full(&stage.job(), Offset(3_000), place.target("sound"), means, &mut |_| {}).unwrap();
    let sound = place.open("sound").unwrap();
    let truth: Vec<Rejected> = sound.rejected().collect::<Result<_, _>>().unwrap();
    // Each later span begins with a rejected event: it belongs to none but that one.
    let cuts = [0, 983, 1_953, 3_000];
    assert!(cuts[1..3].iter().all(|cut| truth.iter().any(|event| event.offset == *cut)));
    let spans: Vec<Span> = cuts
        .windows(2)
        .enumerate()
        .map(|(i, cut)| {
            let at = if i == 1 { START_MS } else { 0 };
            let range = Range::new(Offset(cut[0]), Offset(cut[1]));
            Span { range, windows: Some((at, at)), tally: Tally::default() }
        })
        .collect();
    let is_read = |event: &Rejected| (cuts[1]..cuts[2]).contains(&event.offset);
    let recorded = |offset| Rejected { offset, reason: "as it was recorded".into() };
    // Of the span that is read, one is missing and one should not be there.
    let mut base: Vec<Rejected> = truth.iter().map(|event| recorded(event.offset)).collect();
    base.retain(|event| event.offset != 1_080);
    base.push(recorded(1_500));
    base.sort_by_key(|event| event.offset);
    rewritten(&place, &sound, "base", &spans, &base);

    let choice = Choice { windows_ms: Some((START_MS, START_MS + HOUR_MS)), keys: Vec::new() };
    let view = place.open("base").unwrap();
    let meta =
        refold::targeted(&stage.job(), &view, &choice, place.target("next"), means, &mut |_| {}).unwrap();
    let expected: Vec<Rejected> = truth
        .iter()
        .map(|event| if is_read(event) { event.clone() } else { recorded(event.offset) })
        .collect();
    let next = place.open("next").unwrap();
    assert_eq!(next.rejected().collect::<Result<Vec<_>, _>>().unwrap(), expected);
    assert_eq!(meta.rejected, truth.len() as u64);
    assert_eq!(meta.certificate.unwrap().rejected, sound.meta().certificate.unwrap().rejected);
    let tally = next.spans().unwrap().iter().fold(Tally::default(), |sum, span| sum.plus(span.tally));
    let read = truth.iter().filter(|event| is_read(event)).count() as u64;
    assert_eq!(
        (tally.rejected, tally.folded),
        (read, cuts[2] - cuts[1] - read),
        "other spans are as they were"
    );
}

#[test]
fn a_targeted_run_reads_all_of_a_base_that_does_not_say_where_its_cells_come_from() {
    let (stage, place, mut dice) = (Stage::new(Mode::Sound, 3_000, 5), Place::new(), Dice(4));
    let means = means(&mut dice, TABLE_BYTES_MAX);
    refold::full(&stage.job(), Offset(3_000), place.target("sound"), means, &mut |_| {}).unwrap();
    rewritten(&place, &place.open("sound").unwrap(), "base", &[], &[]);
    let choice = Choice { windows_ms: Some((START_MS, START_MS + HOUR_MS)), keys: Vec::new() };
    let base = place.open("base").unwrap();
    refold::targeted(&stage.job(), &base, &choice, place.target("next"), means, &mut |_| {}).unwrap();
    stage.expected(Offset(3_000)).holds(&place.open("next").unwrap());
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

/// A directory whose spills come back with a flipped bit in the midst of their cells.
#[derive(Debug)]
struct Spoiling(Directory);

#[derive(Debug)]
struct Spoilt(Box<dyn File>);

impl Disk for Spoiling {
    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.0.create(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let file = self.0.open(name)?;
        Ok(if name.starts_with("spill-") { Box::new(Spoilt(file)) } else { file })
    }

    fn unlink(&self, name: &str) -> io::Result<()> {
        self.0.unlink(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        self.0.create_folder(name)
    }

    fn remove_folder(&self, name: &str) -> io::Result<()> {
        self.0.remove_folder(name)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.0.list(folder)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.0.sync_folder(name)
    }
}

impl File for Spoilt {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn read(&self, position: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(position, out)?;
        // A leaf that has cells, not one in which the file says of itself which is the first.
        let has = |bytes: &[u8]| out.windows(bytes.len()).any(|window| window == bytes);
        if out.first() == Some(&1) && has(b"\x01shop-") && !has(b"view") {
            out[1_000] ^= 4;
        }
        Ok(())
    }

    fn write(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write(position, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
}

#[test]
fn a_run_whose_spill_is_damaged_fails_names_it_and_leaves_no_file() {
    for mode in MODES {
        let (stage, place, mut dice) = (Stage::new(mode, 3_000, 5), Place::new(), Dice(4));
        let disk = Spoiling(Directory::new(place.folder.path().to_path_buf()));
        let (target, means) = (Target { disk: &disk, file: "view" }, means(&mut dice, TINY));
        let result = refold::full(&stage.job(), Offset(3_000), target, means, &mut |_| {});
        let error = result.unwrap_err().to_string();
        let words = ["spill-view-", "of table 'cells' does not match its checksum"];
        words.iter().for_each(|word| assert!(error.contains(word), "{mode:?}: {error}"));
        assert!(place.files().is_empty(), "{:?}", place.files());
    }
}
