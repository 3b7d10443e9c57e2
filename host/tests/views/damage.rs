//! A changed byte is found, or changes nothing that is read. Never a panic, never a wrong answer.

use crate::stage::{Dice, Place, cells, read, write};
use bifocal::cell::Cell;
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
