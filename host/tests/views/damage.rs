//! A changed byte is found, or changes nothing that is read. Never a panic, never a wrong answer.

use crate::stage::{Dice, Place, cells, read, write};
use bifocal::cell::Cell;
use bifocal::certificate::Certificate;
use bifocal::digest::Digest;
use bifocal::offset::{Offset, Range};
use bifocal::store::{Error, Proof, Span, ViewFile, ViewWriter};
use bifocal::tally::Tally;
use std::os::unix::fs::FileExt;

/// All that a view says, in an order that also asks for single cells.
#[derive(Debug, PartialEq)]
struct Said {
    meta: bifocal::store::Meta,
    cells: Vec<Cell>,
    rejected: Vec<bifocal::extract::Rejected>,
    spans: Vec<Span>,
}

fn said(view: &ViewFile) -> Result<Said, Error> {
    Ok(Said {
        meta: view.meta().clone(),
        cells: read(view.scan()?)?,
        rejected: view.rejected().collect::<Result<_, _>>()?,
        spans: view.spans()?,
    })
}

fn stored(place: &Place) -> Vec<Cell> {
    let mut dice = Dice(11);
    let cells = cells(1_200, &mut dice);
    let mut writer = ViewWriter::create(&place.disk, "view").unwrap();
    for offset in 0..700 {
        writer.push_rejected(offset * 3, "amount is no number").unwrap();
    }
    for i in 0..200 {
        let range = Range::new(Offset(i * 100), Offset((i + 1) * 100));
        let tally = Tally { folded: 100, ..Tally::default() };
        writer.push_span(&Span { range, windows: Some((i as i64, 9)), tally }).unwrap();
    }
    cells.iter().for_each(|cell| writer.push(cell.as_ref()).unwrap());
    let range = Range::new(Offset::ZERO, Offset(20_000));
    writer.finish(&Proof::Nothing { version: Digest::of(b"v"), range }).unwrap();
    cells
}

#[test]
fn a_flipped_byte_is_found_or_changes_nothing() {
    let place = Place::new();
    let cells = stored(&place);
    let expected = said(&place.open("view").unwrap()).unwrap();
    let path = place.folder.path().join("view");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (mut found, mut harmless, mut dice) = (0, 0, Dice(3));
    // Every page near its beginning, where redb keeps what leads on, and at random.
    let pages = (0..bytes.len()).step_by(4096).flat_map(|page| (0..24).map(move |i| page + i * 2));
    let places: Vec<usize> =
        pages.chain((0..2_000).map(|_| dice.below(bytes.len() as u64) as usize)).collect();
    for at in places {
        let flip = 1 << dice.below(8);
        file.write_all_at(&[bytes[at] ^ flip], at as u64).unwrap();
        match place.open("view").and_then(|view| said(&view)) {
            Ok(read) => {
                assert_eq!(read, expected, "byte {at}");
                harmless += 1;
            }
            Err(Error::Damaged { file, .. }) => {
                assert_eq!(file, "view");
                found += 1;
            }
            Err(error) => panic!("byte {at}: {error:?}"),
        }
        // Single cells: what is answered is right.
        if let Ok(view) = place.open("view") {
            for _ in 0..12 {
                let cell = &cells[dice.below(cells.len() as u64) as usize];
                match view.find(&cell.key, cell.window) {
                    Ok(answer) => assert_eq!(answer.as_ref(), Some(cell), "byte {at}"),
                    Err(Error::Damaged { .. }) => {}
                    Err(error) => panic!("byte {at}: {error:?}"),
                }
            }
        }
        // Opened for reading, a file is not changed; redb may mark it all the same.
        std::fs::write(&path, &bytes).unwrap();
    }
    println!("{found} found, {harmless} harmless");
    assert!(found > 1_000 && harmless > 10, "{found} found, {harmless} harmless");
}

#[test]
fn a_file_that_is_cut_short_or_empty_or_other_is_damaged() {
    let place = Place::new();
    write(&place, "view", &cells(2_000, &mut Dice(1)));
    let path = place.folder.path().join("view");
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 1, 100, 4096, bytes.len() / 2] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let result = place.open("view").and_then(|view| said(&view));
        assert!(matches!(result, Err(Error::Damaged { .. })), "{length}: {result:?}");
    }
    assert!(matches!(place.open("none"), Err(Error::Disk { .. })));
}

#[test]
fn a_file_that_was_never_finished_is_no_view() {
    let place = Place::new();
    let mut writer = ViewWriter::create(&place.disk, "view").unwrap();
    cells(500, &mut Dice(1)).iter().for_each(|cell| writer.push(cell.as_ref()).unwrap());
    std::mem::forget(writer);
    assert!(matches!(place.open("view"), Err(Error::Damaged { .. })));
}

/// Looks for bytes in a file, and flips a bit in the last of them wherever they are.
fn flip_all(path: &std::path::Path, sound: &[u8], look: &[u8]) -> usize {
    let mut bytes = sound.to_vec();
    let found: Vec<usize> =
        (0..sound.len() - look.len()).filter(|at| sound[*at..].starts_with(look)).collect();
    found.iter().for_each(|at| bytes[at + look.len() - 1] ^= 0x10);
    std::fs::write(path, &bytes).unwrap();
    found.len()
}

#[test]
fn a_changed_byte_in_any_kind_of_row_is_found_and_its_row_named() {
    let place = Place::new();
    let range = Range::new(Offset::ZERO, Offset(20_000));
    let digests = ["version", "log", "rejected", "cells"].map(|text| Digest::of(text.as_bytes()));
    let [version, log, rejected, cells_digest] = digests;
    let certificate = Certificate { version, range, log, rejected, cells: cells_digest };
    let (least, greatest) = (0x1122_3344_5566_7788_i64, 0x1234_5678_1234_5678_i64);
    let mut cells = cells(600, &mut Dice(11));
    cells[300] = Cell { state: b"a state to be seen".to_vec(), broken: None, ..cells[300].clone() };
    cells[400] = Cell { state: Vec::new(), broken: Some("a cause to be seen".into()), ..cells[400].clone() };
    let write = |writer: &mut ViewWriter<'_>| {
        for offset in 0..900 {
            let reason = if offset == 500 { "a reason to be seen" } else { "amount is no number" };
            writer.push_rejected(offset, reason).unwrap();
        }
        writer.push_span(&Span { range, windows: Some((least, greatest)), tally: Tally::default() }).unwrap();
        cells.iter().for_each(|cell| writer.push(cell.as_ref()).unwrap());
    };
    let proof = Proof::Certified(certificate);
    let mut writer = ViewWriter::create(&place.disk, "view").unwrap();
    write(&mut writer);
    writer.finish(&proof).unwrap();
    let mut writer = ViewWriter::spill(&place.disk, "other", 0).unwrap();
    write(&mut writer);
    let spill = writer.finish_spill(&proof).unwrap();

    let row_key = |cell: &Cell| [&cell.key[..], &(cell.window as u64 ^ 1 << 63).to_be_bytes()].concat();
    // A block has the whole key of another cell only where it names the block that follows.
    let fence = |cell: &Cell| [&[row_key(cell).len() as u8], &row_key(cell)[..]].concat();
    let path = |file: &str| place.folder.path().join(file);
    let sound = std::fs::read(path("view")).unwrap();
    let has = |look: &[u8]| sound.windows(look.len()).any(|bytes| bytes == look);
    let fences: Vec<Vec<u8>> = cells.iter().map(fence).filter(|fence| has(fence)).collect();
    assert!(fences.len() > 3, "{} blocks", fences.len());
    let first = [&cells_digest.0[..], &row_key(&cells[0])].concat();
    let looks: [(&str, &str, &[u8]); 12] = [
        ("a state", "cells", b"a state to be seen"),
        ("a cause", "cells", b"a cause to be seen"),
        ("a fence", "cells", &fences[0]),
        ("another fence", "cells", &fences[fences.len() - 1]),
        ("a reason", "rejected", b"a reason to be seen"),
        ("the least window of a span", "spans", &least.to_le_bytes()),
        ("the greatest window of a span", "spans", &greatest.to_le_bytes()),
        ("the version", "meta", &version.0),
        ("the proof's log", "meta", &log.0),
        ("the proof's rejected events", "meta", &rejected.0),
        ("the proof's cells", "meta", &cells_digest.0),
        ("the first block", "meta", &first),
    ];
    for (what, table, look) in looks {
        assert!(flip_all(&path("view"), &sound, look) > 0, "{what} is not there");
        let error = place.open("view").and_then(|view| said(&view)).unwrap_err();
        let text = error.to_string();
        assert!(matches!(&error, Error::Damaged { file, .. } if file == "view"), "{what}: {text}");
        assert!(text.contains(&format!("of table '{table}' does not match its checksum")), "{what}: {text}");
    }
    std::fs::write(path("view"), &sound).unwrap();
    said(&place.open("view").unwrap()).unwrap();

    // A spill is open while it is damaged: nothing of it was read before.
    let sound = std::fs::read(path("spill-other-0")).unwrap();
    assert!(flip_all(&path("spill-other-0"), &sound, b"a state to be seen") > 0);
    let error = spill.view().scan().and_then(read).unwrap_err().to_string();
    assert!(error.contains("spill-other-0") && error.contains("of table 'cells'"), "{error}");
}
