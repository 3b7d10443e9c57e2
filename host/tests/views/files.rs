//! One file: written once, in order; read by cell, by place, by prefix.

use crate::stage::{Dice, Place, cells, nothing, read, write};
use bifocal::cell::{Cell, CellRef};
use bifocal::extract::Rejected;
use bifocal::offset::{Offset, Range};
use bifocal::store::{Error, Proof, Span, ViewWriter, remove_spills};
use bifocal::tally::Tally;

#[test]
fn cells_are_read_as_they_were_written() {
    for (seed, count) in [(1, 0), (2, 1), (3, 30), (4, 3_000)] {
        let (place, mut dice) = (Place::new(), Dice(seed));
        let cells = cells(count, &mut dice);
        write(&place, "view", &cells);
        let view = place.open("view").unwrap();
        assert_eq!(read(view.scan().unwrap()).unwrap(), cells);
        assert_eq!(view.meta().cells, cells.len() as u64);
        assert_eq!(view.meta().broken, cells.iter().filter(|cell| cell.broken.is_some()).count() as u64);
        for (i, cell) in cells.iter().enumerate().step_by(7) {
            assert_eq!(view.find(&cell.key, cell.window).unwrap().as_ref(), Some(cell));
            assert_eq!(view.find(&cell.key, cell.window + 1).unwrap(), None);
            assert_eq!(read(view.scan_from(&cell.key, cell.window).unwrap()).unwrap(), cells[i..]);
            assert_eq!(read(view.scan_from(&cell.key, cell.window + 1).unwrap()).unwrap(), cells[i + 1..]);
        }
        for prefix in [&b""[..], b"\x01shop-1", b"\x01shop-1\x00", b"\x01sho", b"\x01t", b"\x01a", b"\x00"] {
            let expected: Vec<Cell> =
                cells.iter().filter(|cell| cell.key.starts_with(prefix)).cloned().collect();
            assert_eq!(read(view.scan_prefix(prefix).unwrap()).unwrap(), expected, "{prefix:?}");
        }
    }
}

#[test]
fn several_transactions_make_one_view() {
    let (place, state) = (Place::new(), [7; 3]);
    let mut writer = ViewWriter::create(&place.disk, "view").unwrap();
    let count = 450_000u64;
    for i in 0..count {
        let key = [&[1][..], &i.to_be_bytes()].concat();
        writer.push(CellRef { key: &key, window: 0, state: &state, broken: None }).unwrap();
    }
    writer.finish(&nothing()).unwrap();
    let view = place.open("view").unwrap();
    assert_eq!(read(view.scan().unwrap()).unwrap().len() as u64, count);
    let key = [&[1][..], &400_001u64.to_be_bytes()].concat();
    assert!(view.find(&key, 0).unwrap().is_some());
    let bytes = std::fs::metadata(place.folder.path().join("view")).unwrap().len();
    assert!(bytes < count * 20, "{bytes} bytes for {count} cells");
}

#[test]
fn what_does_not_ascend_is_refused_and_leaves_no_file() {
    let place = Place::new();
    let cell = |key: &'static [u8], window| CellRef { key, window, state: b"", broken: None };
    let refused =
        [cell(b"b\0\0", 0), cell(b"b\0\0", -1), cell(b"a\0\0", 9), cell(b"b\0\0\0", 9), cell(b"", 0)];
    for bad in refused {
        let mut writer = ViewWriter::create(&place.disk, "view").unwrap();
        writer.push(cell(b"b\0\0", 0)).unwrap();
        assert!(matches!(writer.push(bad), Err(Error::Refused(_))), "{bad:?}");
        drop(writer);
        assert!(place.files().is_empty());
    }
    let mut writer = ViewWriter::create(&place.disk, "view").unwrap();
    writer.push_rejected(3, "no").unwrap();
    assert!(matches!(writer.push_rejected(3, "no"), Err(Error::Refused(_))));
}

#[test]
fn a_view_is_never_written_over() {
    let place = Place::new();
    write(&place, "view", &cells(5, &mut Dice(1)));
    assert!(matches!(ViewWriter::create(&place.disk, "view"), Err(Error::Refused(_))));
    assert_eq!(read(place.open("view").unwrap().scan().unwrap()).unwrap().len(), 5);
}

#[test]
fn rejected_events_and_spans_are_read_as_they_were_written() {
    let (place, mut dice) = (Place::new(), Dice(5));
    let mut writer = ViewWriter::create(&place.disk, "view").unwrap();
    let (mut rejected, mut offset) = (Vec::new(), 0);
    for i in 0..9_000 {
        offset += 1 + dice.below(300);
        let reason = "because ".repeat(if i == 70 { 2_000 } else { dice.below(9) as usize });
        rejected.push(Rejected { offset, reason });
    }
    let mut spans: Vec<Span> = Vec::new();
    for i in 0..3_000 {
        let from = spans.last().map_or(Offset::ZERO, |span| span.range.to);
        let windows = (i % 3 != 0).then(|| (dice.below(100) as i64 - 50, i64::MAX - i));
        let tally = Tally { folded: dice.below(1 << 30), late: i as u64, ..Tally::default() };
        spans.push(Span { range: Range::new(from, from.plus(1 + dice.below(70_000))), windows, tally });
    }
    rejected.iter().for_each(|event| writer.push_rejected(event.offset, &event.reason).unwrap());
    spans.iter().for_each(|span| writer.push_span(span).unwrap());
    let range = Range::new(Offset::ZERO, spans[2_999].range.to);
    let proof = Proof::Nothing { version: bifocal::digest::Digest::of(b"v"), range };
    writer.finish(&proof).unwrap();
    let view = place.open("view").unwrap();
    assert_eq!(view.rejected().collect::<Result<Vec<_>, _>>().unwrap(), rejected);
    assert_eq!(view.spans().unwrap(), spans);
    assert_eq!(view.meta().tally.folded, spans.iter().map(|span| span.tally.folded).sum::<u64>());
}

#[test]
fn a_start_removes_the_spills_of_killed_runs_and_nothing_else() {
    let place = Place::new();
    write(&place, "view", &[]);
    let spill = ViewWriter::spill(&place.disk, "other", 0).unwrap().finish_spill(&nothing()).unwrap();
    // A killed process removes nothing.
    std::mem::forget(spill);
    assert_eq!(place.files(), ["spill-other-0", "view"]);
    let again = ViewWriter::spill(&place.disk, "other", 0).unwrap().finish_spill(&nothing()).unwrap();
    assert_eq!(again.view().meta().cells, 0);
    std::mem::forget(again);
    assert_eq!(remove_spills(&place.disk, "").unwrap(), 1);
    assert_eq!(place.files(), ["view"]);
}
