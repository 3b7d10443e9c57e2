//! A repair makes again what can be, gives up exactly what is lost, and all else is answered as before:
//! against a straight loop over the events that are left.

use super::append::{batch, settings};
use super::events::{Made, Random};
use super::lossy::Lossy;
use bifocal::digest::Digest;
use bifocal::event::Event;
use bifocal::log::{Log, ReadLog, Stream};
use bifocal::offset::{Offset, Range};
use bifocal::store::{Appender, Batch, Disk, Health, Key, Loss, Mark, Patient, Settings, StreamLog};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use std::sync::Arc;

const FOLDER: &str = "streams/1/log";
const NOW_MS: i64 = 1_800_000_000_000;

/// Sealed segments of one commit each, or one that is written to.
fn rolling() -> Settings {
    settings(1 << 10, 100_000)
}

fn growing() -> Settings {
    settings(1 << 30, 100_000)
}

fn has_id(n: u64) -> bool {
    !n.is_multiple_of(3)
}

/// The event that is appended as the `n`th; two of three have an id.
fn made(n: u64) -> Made {
    let mut random = Random(n + 1);
    let noise: String = (0..6).map(|_| format!("{:016x}", random.next())).collect();
    Made {
        time_ms: 1_700_000_000_000 + random.below(100_000_000) as i64,
        ingested_ms: 1_700_000_000_000 + (n / 64) as i64 * 1000,
        id: has_id(n).then(|| format!("id-{n}")),
        position: n,
        key: None,
        headers: Vec::new(),
        payload: format!("{{\"n\":{n},\"noise\":\"{noise}\"}}").into_bytes(),
    }
}

fn open(disk: &Lossy, settings: &Settings) -> Arc<StreamLog> {
    StreamLog::open(Arc::new(disk.clone()), FOLDER, settings.clone()).unwrap()
}

fn key(n: u64) -> Key {
    Key { name: format!("key-{n}"), request: Digest::of(&n.to_le_bytes()) }
}

fn keyed(events: &[Made], n: u64) -> Batch {
    let mut batch = batch(events);
    batch.key = Some(key(n));
    batch
}

fn mark(n: u64) -> Mark {
    let digest = Digest::of(b"rows");
    Mark { source: format!("file-{n}"), first: digest, rows: n, position: n, digest, next_offset: 0 }
}

/// Appends events `[from, to)`, with a key and a mark that `from` names.
fn append(appender: &Appender, from: u64, to: u64) {
    let events: Vec<Made> = (from..to).map(made).collect();
    let mut batch = batch(&events);
    (batch.key, batch.mark) = (Some(key(from)), Some(mark(from)));
    assert_eq!(appender.append(batch).unwrap().next_offset, to);
}

/// Three sealed segments and one that has blocks and three rows of tail; how many events.
fn fill(disk: &Lossy) -> u64 {
    let mut head = 0;
    for (settings, batches) in
        [(rolling(), [1500, 1400, 2000, 9].as_slice()), (growing(), &[1700, 20, 5, 12])]
    {
        let log = open(disk, &settings);
        let appender = Appender::new(log.clone()).unwrap();
        for count in batches {
            append(&appender, head, head + count);
            head += count;
        }
        drop(appender);
        log.close().unwrap();
    }
    head
}

fn patient<'a>(disk: &'a Lossy, settings: &'a Settings) -> Patient<'a> {
    Patient { disk, folder: FOLDER, settings, least_head: 0, now_ms: NOW_MS }
}

fn repair(disk: &Lossy) -> Health {
    patient(disk, &growing()).repair().unwrap()
}

fn ranges(health: &[Loss]) -> Vec<(u64, u64)> {
    health.iter().map(|loss| (loss.range.from.0, loss.range.to.0)).collect()
}

fn segments(disk: &Lossy) -> Vec<String> {
    disk.names().into_iter().filter(|name| name.starts_with(FOLDER)).collect()
}

/// The rows of a file: table, key, value.
pub fn rows(disk: &Lossy, file: &str) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let copy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(copy.path(), disk.bytes(file)).unwrap();
    let database = redb::Database::open(copy.path()).unwrap();
    let read = database.begin_read().unwrap();
    let mut rows = Vec::new();
    for name in ["meta", "blocks", "ids", "tail", "keys", "sources", "fences"] {
        let Ok(table) = read.open_table(TableDefinition::<&[u8], &[u8]>::new(name)) else { continue };
        for row in table.iter().unwrap() {
            let (key, value) = row.unwrap();
            rows.push((name, key.value().to_vec(), value.value().to_vec()));
        }
    }
    rows
}

/// Flips one bit of a value, wherever in the file it lies.
pub fn flip(disk: &Lossy, file: &str, value: &[u8], bit: u64) {
    let bytes = disk.bytes(file);
    let places: Vec<usize> = bytes
        .windows(value.len())
        .enumerate()
        .filter(|(_, found)| *found == value)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "the row is in its file");
    places.iter().for_each(|at| disk.flip(file, *at as u64 * 8 + bit % (value.len() as u64 * 8)));
}

/// All that is asked of a log of `head` events without those of `lost`; `goes_on` if the digest behind a
/// loss is that of the events before they were lost.
fn check(disk: &Lossy, head: u64, lost: &[(u64, u64)], goes_on: bool) {
    let settings = growing();
    let health = patient(disk, &settings).examine().unwrap();
    assert!(health.is_sound(), "{health:?}");
    assert_eq!((health.head, ranges(&health.known)), (head, lost.to_vec()));
    let log = open(disk, &settings);
    assert_eq!(log.head(), head);
    let is_lost = |offset: u64| lost.iter().any(|(from, to)| (*from..*to).contains(&offset));
    let all = Range::new(Offset(0), Offset(head));
    assert_eq!(ranges(&log.losses(all)), lost);
    assert_eq!(log.lost(all), lost.iter().map(|(from, to)| to - from).sum::<u64>());
    let mut seen = Vec::new();
    log.visit(all, |event| {
        let made = made(event.offset.0);
        assert_eq!(event, Event { offset: event.offset, ..made.event() });
        seen.push(event.offset.0);
    })
    .unwrap();
    assert!(seen.iter().copied().eq((0..head).filter(|offset| !is_lost(*offset))));

    let mut memory = Log::new(Stream { id: None, ..settings.stream.clone() });
    let mut append = memory.append();
    (0..head).for_each(|n| _ = append.push(&made(n).event()).unwrap());
    append.commit();
    let whole: Vec<_> = log.times(all).unwrap().with_watermark().collect();
    assert_eq!(whole.len() as u64, head);
    let mut random = Random(head + lost.len() as u64);
    for _ in 0..12 {
        let (a, b) = (random.below(head + 1), random.below(head + 1));
        let (from, to) = (a.min(b), a.max(b));
        let range = Range::new(Offset(from), Offset(to));
        // Wherever a range begins, each event that is left has the same watermark before it.
        let times: Vec<_> = log.times(range).unwrap().with_watermark().collect();
        let left = |offset: &u64| !is_lost(*offset);
        (from..to).filter(left).for_each(|offset| {
            assert_eq!(times[(offset - from) as usize], whole[offset as usize], "{offset} in {range}");
        });
        let loses = lost.iter().any(|(first, end)| *first < to && from < *end);
        let is_behind = lost.iter().any(|(first, _)| *first < to);
        for with in [false, true] {
            let digest = ReadLog::digest(log.as_ref(), range, with).unwrap();
            let expected = ReadLog::digest(&memory, range, with).unwrap();
            if loses {
                assert_ne!(digest, expected, "{range} is not told from the whole one");
            } else if goes_on || !is_behind {
                assert_eq!(digest, expected, "{range}");
            }
        }
    }

    // It goes on: what is there is a duplicate, what was lost may come again, at offsets of its own.
    let appender = Appender::new(log.clone()).unwrap();
    let with_id = |n: &u64| has_id(*n);
    let there = (0..head).rev().filter(with_id).find(|n| !is_lost(*n)).unwrap();
    assert_eq!(appender.append(batch(&[made(there)])).unwrap().duplicates, 1);
    let mut next = head;
    for gone in (0..head).filter(with_id).filter(|n| is_lost(*n)).take(2) {
        let receipt = appender.append(batch(&[made(gone)])).unwrap();
        assert_eq!((receipt.first_offset, receipt.appended), (next, 1));
        next += 1;
    }
    let receipt = appender.append(batch(&[made(head + 100)])).unwrap();
    assert_eq!((receipt.first_offset, receipt.next_offset), (next, next + 1));
    drop(appender);
    log.close().unwrap();
    let again = open(disk, &settings);
    assert_eq!(again.head(), next + 1);
}

#[test]
fn a_flipped_bit_in_any_kind_of_row_is_named_and_healed_or_fenced() {
    let disk = Lossy::default();
    let head = fill(&disk);
    let files = segments(&disk);
    assert_eq!(files.len(), 4, "{files:?}");
    let mut random = Random(8);
    let mut seen = std::collections::BTreeSet::new();
    for (place, file) in files.iter().enumerate() {
        let all = rows(&disk, file);
        // Where each row of events begins, and the end.
        let offset = |key: &[u8]| u64::from_be_bytes(key.try_into().unwrap());
        let events = all.iter().filter(|(table, ..)| ["blocks", "tail"].contains(table));
        let mut starts: Vec<u64> = events.map(|(_, key, _)| offset(key)).collect();
        let end = files.get(place + 1).map_or(head, |next| next[FOLDER.len() + 1..][..20].parse().unwrap());
        starts.push(end);
        for (number, (table, row_key, value)) in all.iter().enumerate() {
            // One of each kind is enough where there are many.
            let last = all.iter().rposition(|(other, ..)| other == table).unwrap();
            let first = all.iter().position(|(other, ..)| other == table).unwrap();
            if number != first && number != last && random.below(6) > 0 && *table != "meta" {
                continue;
            }
            seen.insert(*table);
            let damaged = disk.after_power_loss(&mut Random(1));
            flip(&damaged, file, value, random.next());
            let what = format!("{table} {} of {file}", String::from_utf8_lossy(row_key));
            let health = patient(&damaged, &growing()).examine().unwrap();
            assert!(!health.is_sound(), "{what}: nothing was found");
            let repaired = repair(&damaged);
            let kept = kept(&damaged);
            assert_eq!(kept.len(), usize::from(!["meta", "ids"].contains(table)), "{what}: {kept:?}");
            let at_ms = |loss: &Loss| Loss { at_ms: NOW_MS, ..loss.clone() };
            let lost = health.lost.iter().map(at_ms).collect();
            assert_eq!(repaired, Health { kept, lost, ..health.clone() }, "{what}");
            let counts = (health.lost.len(), health.remade.len(), health.forgotten.len());
            match *table {
                "blocks" | "tail" => {
                    let from = offset(row_key);
                    let to = *starts.iter().find(|start| **start > from).unwrap();
                    assert_eq!((counts, ranges(&health.lost)), ((1, 0, 0), vec![(from, to)]), "{what}");
                    let told = health.lost[0].reason.contains("checksum");
                    assert!(told, "{what}: {:?}", health.lost);
                    let goes_on = *table == "blocks" && !(to == head || starts_tail(&all, to));
                    check(&damaged, head, &[(from, to)], goes_on);
                }
                "meta" | "ids" => {
                    assert_eq!(counts, (0, 1, 0), "{what}");
                    check(&damaged, head, &[], true);
                }
                "keys" => {
                    assert_eq!(counts, (0, 0, 1), "{what}");
                    let name = String::from_utf8(row_key.clone()).unwrap();
                    assert!(health.forgotten[0].contains(&format!("'{name}'")), "{health:?}");
                    let log = open(&damaged, &growing());
                    let appender = Appender::new(log.clone()).unwrap();
                    let number: u64 = name[4..].parse().unwrap();
                    let asked = |n: u64| keyed(&[made(head + 5)], n);
                    let error = appender.append(asked(number)).unwrap_err().to_string();
                    assert!(error.contains(&name) && error.contains("lost by damage"), "{error}");
                    // The others have theirs.
                    let other = if number == 0 { 1500 } else { 0 };
                    assert_eq!(appender.append(asked(other)).unwrap().first_offset, other);
                    drop(appender);
                    log.close().unwrap();
                    check(&damaged, head, &[], true);
                }
                "sources" => {
                    assert_eq!(counts, (0, 0, 1), "{what}");
                    let log = open(&damaged, &growing());
                    let source = String::from_utf8(row_key[32..].to_vec()).unwrap();
                    let error = log.mark(&source, Digest::of(b"rows")).unwrap_err().to_string();
                    assert!(error.contains(&source) && error.contains("--again"), "{error}");
                    let other = if source == "file-0" { "file-1500" } else { "file-0" };
                    assert!(log.mark(other, Digest::of(b"rows")).unwrap().is_some());
                    log.close().unwrap();
                    check(&damaged, head, &[], true);
                }
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!(seen.len(), 6, "{seen:?}");
}

/// Names of the damaged files that were kept.
fn kept(disk: &Lossy) -> Vec<String> {
    disk.names().into_iter().filter(|name| name.contains("/damaged/")).collect()
}

/// Whether a row of the tail begins at `offset`: it says nothing of the log before it.
fn starts_tail(rows: &[(&str, Vec<u8>, Vec<u8>)], offset: u64) -> bool {
    rows.iter().any(|(table, key, _)| *table == "tail" && key == &offset.to_be_bytes())
}

#[test]
fn behind_a_page_that_leads_nowhere_all_other_rows_are_found() {
    let disk = Lossy::default();
    let head = fill(&disk);
    let file = segments(&disk).remove(2);
    let all: Vec<_> = rows(&disk, &file).into_iter().filter(|(table, ..)| *table == "blocks").collect();
    let from = |place: usize| u64::from_be_bytes(all[place].1.as_slice().try_into().unwrap());
    assert!(all.len() > 3, "{}", all.len());
    // A leaf of one row is its kind, 1, how many rows it has, the ends of key and value, and those.
    let bytes = disk.bytes(&file);
    let value = &all[1].2;
    let places = (0..bytes.len() - value.len()).filter(|at| bytes[*at..].starts_with(value));
    let leaves: Vec<usize> =
        places.map(|at| at - 20).filter(|at| at % 4096 == 0 && bytes[*at] == 1).collect();
    assert!(!leaves.is_empty(), "no page begins where it should: has redb another layout?");
    leaves.iter().for_each(|at| (0..8).for_each(|bit| disk.flip(&file, *at as u64 * 8 + bit)));
    let lost = [(from(1), from(2))];
    assert_eq!(ranges(&repair(&disk).lost), lost);
    check(&disk, head, &lost, true);
}

#[test]
fn a_damaged_fence_is_a_fence_again_and_losses_add_up() {
    let disk = Lossy::default();
    let head = fill(&disk);
    let file = segments(&disk).remove(2);
    let blocks =
        || rows(&disk, &file).into_iter().filter(|(table, ..)| *table == "blocks").collect::<Vec<_>>();
    let all = blocks();
    assert!(all.len() >= 3, "{}", all.len());
    let from = |row: &(&str, Vec<u8>, Vec<u8>)| u64::from_be_bytes(row.1.as_slice().try_into().unwrap());
    flip(&disk, &file, &all[0].2, 999);
    assert_eq!(ranges(&repair(&disk).lost), [(from(&all[0]), from(&all[1]))]);
    // Another block of the same segment, and the fence.
    let fence = rows(&disk, &file).into_iter().find(|(table, ..)| *table == "fences").unwrap();
    flip(&disk, &file, &fence.2, 77);
    flip(&disk, &file, &all[2].2, 12345);
    let end = all.get(3).map_or_else(|| segments(&disk)[3][FOLDER.len() + 1..][..20].parse().unwrap(), &from);
    let expected = [(from(&all[0]), from(&all[1])), (from(&all[2]), end)];
    let health = repair(&disk);
    assert_eq!(ranges(&health.lost), expected);
    check(&disk, head, &expected, true);
}

type Spoil = fn(&Lossy, &str);

#[test]
fn a_segment_that_is_gone_or_cannot_be_opened_is_lost_up_to_its_neighbours() {
    let disk = Lossy::default();
    let head = fill(&disk);
    let files = segments(&disk);
    let firsts: Vec<u64> = files.iter().map(|file| file[FOLDER.len() + 1..][..20].parse().unwrap()).collect();
    let spoil: [(&str, Spoil); 3] = [
        ("header", |disk, file| (0..320).for_each(|byte| disk.flip(file, byte * 8 + byte % 8))),
        ("nothing", |disk, file| disk.open(file).unwrap().set_len(0).unwrap()),
        ("gone", |disk, file| disk.unlink(file).unwrap()),
    ];
    for (name, spoil) in spoil {
        for (place, file) in files.iter().enumerate() {
            let damaged = disk.after_power_loss(&mut Random(1));
            spoil(&damaged, file);
            let is_last = place + 1 == files.len();
            let end = firsts.get(place + 1).copied().unwrap_or(head);
            let settings = growing();
            // Of a last segment that says nothing only others can know how far it went.
            let patient = Patient { least_head: head - 7, ..patient(&damaged, &settings) };
            let end = if is_last && name != "header" { head - 7 } else { end };
            let from = firsts[place];
            let health = patient.repair().unwrap();
            assert_eq!(ranges(&health.lost), [(from, end)], "{name} {file}");
            assert_eq!(health.kept.len(), usize::from(name != "gone"), "{name} {file}: {health:?}");
            let head = if is_last { end } else { head };
            check(&damaged, head, &[(from, end)], !is_last);
        }
    }
}

#[test]
fn a_request_whose_events_are_lost_brings_them_back_when_it_is_made_again() {
    let disk = Lossy::default();
    let head = fill(&disk);
    let file = segments(&disk).remove(3);
    let tail = rows(&disk, &file).into_iter().rfind(|(table, ..)| *table == "tail").unwrap();
    flip(&disk, &file, &tail.2, 4321);
    assert_eq!(ranges(&repair(&disk).lost), [(head - 12, head)]);
    let log = open(&disk, &growing());
    let appender = Appender::new(log.clone()).unwrap();
    let events: Vec<Made> = (head - 12..head).map(made).collect();
    let again = || keyed(&events, head - 12);
    let receipt = appender.append(again()).unwrap();
    assert_eq!((receipt.first_offset, receipt.next_offset, receipt.appended), (head, head + 12, 12));
    assert_eq!(appender.append(again()).unwrap(), receipt);
}

#[test]
fn power_lost_at_any_change_of_a_repair_leaves_one_that_can_be_made_again() {
    let whole = Lossy::default();
    let head = fill(&whole);
    let files = segments(&whole);
    let mut lost = Vec::new();
    for (file, number) in [(&files[0], 1), (&files[3], 2)] {
        let all = rows(&whole, file);
        let blocks: Vec<_> = all.iter().filter(|(table, ..)| *table == "blocks").collect();
        let from = |place: usize| u64::from_be_bytes(blocks[place].1.as_slice().try_into().unwrap());
        let ends = all.iter().filter(|(table, ..)| *table == "tail").map(|(_, key, _)| key.as_slice());
        let end = blocks.get(number + 1).map(|(_, key, _)| key.as_slice()).or(ends.min());
        let end = end.map_or_else(
            || files[1][FOLDER.len() + 1..][..20].parse().unwrap(),
            |key| u64::from_be_bytes(key.try_into().unwrap()),
        );
        flip(&whole, file, &blocks[number].2, 4000);
        lost.push((from(number), end));
    }
    let rehearsal = whole.after_power_loss(&mut Random(1));
    assert_eq!(ranges(&repair(&rehearsal).lost), lost);
    let operations = rehearsal.operations();
    assert!(operations > 20, "only {operations} changes");
    let every = std::env::var_os("BIFOCAL_LONG").map_or(3, |_| 1);
    for at in (0..operations).step_by(every) {
        let disk = whole.after_power_loss(&mut Random(1));
        disk.fail_at(at);
        assert!(patient(&disk, &growing()).repair().is_err(), "power lost at {at} is told");
        for image in 0..2 {
            let after = disk.after_power_loss(&mut Random(at * 7 + image));
            // No reader is given a log that hides what it lost. It may write to the file that it opens.
            let settings = growing();
            let copy = Arc::new(after.after_power_loss(&mut Random(1)));
            if let Ok(log) = StreamLog::open(copy, FOLDER, settings.clone()) {
                let all = Range::new(Offset(0), Offset(head));
                let mut count = 0;
                let read = log.visit(all, |_| count += 1);
                assert_eq!(log.head(), head);
                assert!(read.is_err() || count + log.lost(all) == head, "power lost at {at}");
            }
            repair(&after);
            let kept = kept(&after);
            assert!(kept.len() == 2 && kept.iter().all(|name| !name.contains("new-")), "{at}: {kept:?}");
            if (at + image) % 5 == 0 {
                check(&after, head, &lost, false);
            } else {
                let health = patient(&after, &settings).examine().unwrap();
                assert!(health.is_sound() && ranges(&health.known) == lost, "{at}: {health:?}");
            }
        }
    }
}

#[test]
fn whatever_bit_is_flipped_a_repair_leaves_a_log_that_answers_for_all_but_what_it_names() {
    let disk = Lossy::default();
    let head = fill(&disk);
    let mut random = Random(19);
    let rounds = std::env::var_os("BIFOCAL_LONG").map_or(60, |_| 5_000);
    let (mut lossless, mut lossy) = (0, 0);
    for round in 0..rounds {
        let damaged = disk.after_power_loss(&mut Random(1));
        let names = segments(&damaged);
        let name = &names[random.below(names.len() as u64) as usize];
        let bytes = damaged.bytes(name);
        let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        for _ in 0..1 + random.below(3) {
            damaged.flip(name, used[random.below(used.len() as u64) as usize] as u64 * 8 + random.below(8));
        }
        let settings = growing();
        let health = patient(&damaged, &settings).examine().unwrap();
        let repaired = repair(&damaged);
        assert_eq!(ranges(&health.lost), ranges(&repaired.lost), "round {round}");
        assert_eq!(repaired.head, head, "round {round}: {repaired:?}");
        let log = open(&damaged, &settings);
        let all = Range::new(Offset(0), Offset(head));
        let (mut count, mut is_same) = (0, true);
        log.visit(all, |event| {
            let made = made(event.offset.0);
            is_same &= event == Event { offset: event.offset, ..made.event() };
            count += 1;
        })
        .unwrap();
        assert!(is_same && count + log.lost(all) == head, "round {round}: {name}");
        assert!(patient(&damaged, &settings).examine().unwrap().is_sound());
        lossless += u64::from(log.lost(all) == 0);
        lossy += u64::from(log.lost(all) > 0);
    }
    assert!(lossless > 0 && lossy > 0, "{lossless} without loss, {lossy} with one");
}
