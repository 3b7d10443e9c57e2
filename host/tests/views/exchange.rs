//! A view that went through a file is the view that it was, broken cells and all, and goes on.

use crate::native::Mode;
use crate::stage::{Dice, Place, Stage, means, read};
use arrow_array::Array;
use bifocal::certificate::{CellsHasher, Certificate};
use bifocal::exchange::{self, Error};
use bifocal::offset::Offset;
use bifocal::refold::{self, TABLE_BYTES_MAX};
use bifocal::store::{Proof, ViewWriter};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;

#[test]
fn a_view_that_went_through_a_file_is_the_view_that_it_was() {
    for mode in [Mode::Sound, Mode::Difficult, Mode::Machine, Mode::TrapsOnARareState] {
        let (stage, place, mut dice) = (Stage::new(mode, 4_000, 5), Place::new(), Dice(9));
        let job = stage.job();
        let means = means(&mut dice, TABLE_BYTES_MAX);
        refold::full(&job, Offset(3_000), place.target("made"), means, &mut |_| {}).unwrap();
        let made = place.open("made").unwrap();
        let file = place.folder.path().join("made.parquet");
        let mut written = 0;
        let label = exchange::write(
            &stage.calls,
            &made,
            ["a view", "a stream"],
            &mut File::create(&file).unwrap(),
            &mut |cells| written = cells,
        )
        .unwrap();
        assert_eq!((written, label.cells), (made.meta().cells, made.meta().cells));
        assert_eq!(exchange::label(&file).unwrap(), label);
        let meta = exchange::read(&job, &file, place.target("read"), &mut |_| {}).unwrap();
        assert_eq!(meta.cells, label.cells);
        let there = place.open("read").unwrap();
        stage.expected(Offset(3_000)).holds(&there);
        assert_eq!(read(there.scan().unwrap()), read(made.scan().unwrap()));
        refold::incremental(&job, &there, Offset(4_000), place.target("more"), means, &mut |_| {}).unwrap();
        stage.expected(Offset(4_000)).holds(&place.open("more").unwrap());
        // Neither a shorter log nor another transform is what it was folded from.
        let refused = |stage: &Stage| {
            let refused = exchange::read(&stage.job(), &file, place.target("not"), &mut |_| {});
            assert!(
                matches!(&refused, Err(Error::Refused(why)) if why.contains("made.parquet: ")),
                "{refused:?}"
            );
        };
        refused(&Stage::new(mode, 2_999, 5));
        refused(&Stage::new(mode, 4_000, 6));
        if mode != Mode::Sound {
            refused(&Stage::new(Mode::Sound, 4_000, 5));
        }
        assert_eq!(place.files(), ["made", "made.parquet", "more", "read"]);
    }
}

#[test]
fn broken_cells_go_through_a_file_without_outputs() {
    let (stage, place, mut dice) = (Stage::new(Mode::Sound, 3_000, 5), Place::new(), Dice(9));
    let means = means(&mut dice, TABLE_BYTES_MAX);
    refold::full(&stage.job(), Offset(3_000), place.target("made"), means, &mut |_| {}).unwrap();
    let made = place.open("made").unwrap();
    // The same, but that every seventh cell was broken by some merge.
    let mut cells = read(made.scan().unwrap()).unwrap();
    let (mut writer, mut hasher) =
        (ViewWriter::create(&place.disk, "broken").unwrap(), CellsHasher::new(stage.calls.description()));
    for (i, cell) in cells.iter_mut().enumerate() {
        if i % 7 == 2 {
            (cell.state, cell.broken) = (Vec::new(), Some(format!("merge trapped: {i}")));
        }
        writer.push(cell.as_ref()).unwrap();
        hasher.push(&cell.as_ref());
    }
    made.rejected().for_each(|event| writer.push_rejected(event.as_ref().unwrap().offset, "why").unwrap());
    made.spans().unwrap().iter().for_each(|span| writer.push_span(span).unwrap());
    let certificate = Certificate { cells: hasher.finish(), ..made.meta().certificate.unwrap() };
    writer.finish(&Proof::Certified(certificate)).unwrap();
    let broken = place.open("broken").unwrap();
    assert!(broken.meta().broken > 10);
    let file = place.folder.path().join("broken.parquet");
    let mut out = File::create(&file).unwrap();
    exchange::write(&stage.calls, &broken, ["a view", "a stream"], &mut out, &mut |_| {}).unwrap();
    // Beside the others, whose outputs stay beside their states.
    let whole = place.folder.path().join("made.parquet");
    let mut out = File::create(&whole).unwrap();
    exchange::write(&stage.calls, &made, ["a view", "a stream"], &mut out, &mut |_| {}).unwrap();
    let [whole, carried] = [&whole, &file].map(|path| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        builder.with_batch_size(1 << 20).build().unwrap().next().unwrap().unwrap()
    });
    let (outputs, places) = (stage.calls.description().outputs.len(), whole.num_columns());
    for (row, cell) in cells.iter().enumerate() {
        let [whole, carried] = [&whole, &carried].map(|batch| batch.slice(row, 1));
        if cell.broken.is_none() {
            assert_eq!(whole, carried, "row {row}");
        } else {
            let nulls = (places - 2 - outputs..places - 1).all(|place| carried.column(place).is_null(0));
            assert!(nulls && carried.column(places - 1).is_valid(0), "row {row}");
        }
    }
    let meta = exchange::read(&stage.job(), &file, place.target("read"), &mut |_| {}).unwrap();
    assert_eq!((meta.broken, meta.certificate), (broken.meta().broken, Some(certificate)));
    assert_eq!(read(place.open("read").unwrap().scan().unwrap()).unwrap(), cells);
}
