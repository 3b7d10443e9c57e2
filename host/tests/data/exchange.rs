//! `export --view`, `import --view`: a view as a file that any tool reads, and that is believed nothing.

use super::process::Folder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, TimeUnit};
use bifocal::time::Rfc3339;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::fmt::Write;
use std::fs::File;
use std::sync::Arc;

fn orders(from: u64, to: u64) -> String {
    let mut text = String::new();
    for i in from..to {
        let (merchant, hour, minute) = (i * 7 % 23, i / 60 % 24, i % 60);
        let amount = if i % 97 == 0 { "\"x\"".into() } else { format!("{}.{:02}", i % 50, i % 100) };
        writeln!(
            text,
            r#"{{"ts":"2026-11-01T{hour:02}:{minute:02}:00Z","merchant_id":"m-{merchant:02}","currency":"EUR","amount":{amount},"status":"completed"}}"#
        )
        .unwrap();
    }
    text
}

/// A folder with a stream of orders and the view `revenue` over it, with a run.
fn deployed(events: u64) -> Folder {
    let folder = Folder::with_revenue(&orders(0, events));
    folder.done("batch revenue --quiet");
    folder
}

/// Another folder with the same log and component, and the files of the first.
fn moved(from: &Folder) -> Folder {
    from.done("export orders -o orders.parquet");
    from.done("export --view revenue -o revenue.parquet");
    let folder = Folder::new();
    for name in ["orders.parquet", "revenue.parquet", "revenue.wasm"] {
        std::fs::copy(from.path(name), folder.path(name)).unwrap();
    }
    folder.done("stream create orders --time ts");
    folder.done("import orders orders.parquet");
    folder.done("deploy revenue revenue.wasm --stream orders");
    folder
}

/// The rows of a file and its metadata.
fn read(folder: &Folder, name: &str) -> (RecordBatch, Vec<KeyValue>) {
    let file = File::open(folder.path(name)).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(1 << 20);
    let notes = builder.metadata().file_metadata().key_value_metadata().unwrap().clone();
    let mut batches = builder.build().unwrap();
    (batches.next().unwrap().unwrap(), notes)
}

/// Writes a file as another tool would that knows nothing of it.
fn write(folder: &Folder, name: &str, batches: &[RecordBatch], notes: Vec<KeyValue>) {
    let notes = notes.into_iter().filter(|note| note.key.starts_with("bifocal.")).collect();
    let properties = WriterProperties::builder().set_key_value_metadata(Some(notes)).build();
    let file = File::create(folder.path(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, batches[0].schema(), Some(properties)).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
}

#[test]
fn a_view_is_exported_in_columns_that_any_tool_reads() {
    let folder = deployed(3000);
    folder.done("export --view revenue -o revenue.parquet");
    assert!(!folder.path("new-revenue.parquet").exists());
    let (batch, notes) = read(&folder, "revenue.parquet");
    let schema = batch.schema();
    let types: Vec<(&str, &DataType)> =
        schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect();
    let utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let expected = [
        ("merchant_id", &DataType::Utf8),
        ("currency", &DataType::Utf8),
        ("window", &utc),
        ("amount", &DataType::Decimal128(19, 2)),
        ("orders", &DataType::Int64),
        ("largest", &DataType::Decimal128(19, 2)),
        ("_state", &DataType::Binary),
        ("_broken", &DataType::Utf8),
    ];
    assert_eq!(types, expected);
    let queried = folder.rows("query revenue --lens batch");
    assert_eq!(batch.num_rows(), queried.len());
    let (merchants, windows) =
        (batch.column(0).as_string::<i32>(), batch.column(2).as_primitive::<TimestampMillisecondType>());
    let amounts = batch.column(3).as_primitive::<Decimal128Type>();
    for (row, queried) in queried.iter().enumerate() {
        assert_eq!(queried["merchant_id"], merchants.value(row));
        assert_eq!(queried["window"], Rfc3339(windows.value(row)).to_string());
        let amount = format!("{}.{:02}", amounts.value(row) / 100, amounts.value(row) % 100);
        let shown: f64 = queried["amount"].to_string().parse().unwrap();
        assert!((amount.parse::<f64>().unwrap() - shown).abs() < 1e-9);
        assert!(batch.column(6).is_valid(row) && batch.column(7).is_null(row));
    }
    let note = |name: &str| notes.iter().find(|note| note.key == name).unwrap().value.clone().unwrap();
    let run = &folder.json_lines("runs revenue")[0];
    assert_eq!((note("bifocal.from"), note("bifocal.to")), ("0".into(), "3000".into()));
    assert_eq!(run["certificate"]["version"], note("bifocal.version"));
    for part in ["log", "rejected", "cells"] {
        assert_eq!(run["certificate"][part], note(&format!("bifocal.certificate.{part}")));
    }
    let rejected: Vec<(u64, String)> = serde_json::from_str(&note("bifocal.rejected")).unwrap();
    assert_eq!(rejected.len() as u64, run["rejected"].as_u64().unwrap());
    assert!(rejected.iter().all(|(offset, reason)| offset % 97 == 0 && !reason.is_empty()));
    // A kept run, not only the published one.
    folder.write("b.ndjson", &orders(3000, 3100));
    folder.done("append orders b.ndjson");
    folder.done("batch revenue --quiet");
    folder.done("export --view revenue --as-of run:1 -o one.parquet");
    assert!(read(&folder, "one.parquet").0 == batch);
}

#[test]
fn an_exported_view_is_the_published_run_elsewhere_and_goes_on() {
    let folder = deployed(3000);
    let copy = moved(&folder);
    copy.done("import --view revenue revenue.parquet");
    let (here, there) = (copy.json_lines("runs revenue"), folder.json_lines("runs revenue"));
    assert_eq!((&here[0]["kind"], &here[0]["served"]), (&"imported".into(), &true.into()));
    assert_eq!(here[0]["certificate"], there[0]["certificate"]);
    assert_eq!(copy.rows("query revenue --lens batch"), folder.rows("query revenue --lens batch"));
    assert!(copy.rows("query revenue --lens speed").is_empty());
    assert_eq!(copy.run("batch revenue --verify").code, 0);
    assert_eq!(copy.run("doctor").code, 0);
    for folder in [&folder, &copy] {
        folder.write("b.ndjson", &orders(3000, 3500));
        folder.done("append orders b.ndjson");
    }
    copy.done("batch revenue --incremental --quiet");
    copy.done("batch revenue --key merchant_id=m-07 --quiet");
    copy.done("batch revenue --full --quiet");
    let runs = copy.json_lines("runs revenue");
    assert!(runs[1..].iter().all(|run| run["certificate"] == runs[3]["certificate"]));
    assert_eq!(copy.rows("query revenue"), folder.rows("query revenue"));
    // It would only take the view back.
    copy.refused("import --view revenue revenue.parquet", &["[0, 3000)", "run 4", "[0, 3500) already"]);
}

#[test]
fn a_view_of_another_version_or_log_is_refused_with_what_to_do() {
    let folder = deployed(1000);
    let copy = moved(&folder);
    let refused = |folder: &Folder, file: &str, words: &[&str]| {
        folder.refused(&format!("import --view revenue {file}"), words);
        assert!(folder.json_lines("runs revenue").iter().all(|run| run["kind"] != "imported"));
        let files = std::fs::read_dir(folder.path("data/views/1")).unwrap().count();
        assert_eq!(files, folder.json_lines("runs revenue").len(), "a file is left");
    };
    refused(&copy, "orders.parquet", &["orders.parquet: it is no export of a view"]);
    refused(&copy, "revenue.wasm", &["revenue.wasm: Parquet cannot be read"]);
    refused(&copy, "missing.parquet", &["missing.parquet", "No such file"]);
    let ran = copy.run("import orders revenue.parquet");
    assert!(ran.code == 2 && ran.err.contains("revenue.parquet: it is no export of a log"), "{}", ran.err);

    // Another log, of as many events; a shorter one.
    for (events, words) in [
        (orders(1, 1001), ["folded from another log", "digest of offsets [0, 1000)"]),
        (orders(0, 999), ["the log here has [0, 999)", "import the log first"]),
    ] {
        let other = Folder::new();
        for name in ["revenue.parquet", "revenue.wasm"] {
            std::fs::copy(copy.path(name), other.path(name)).unwrap();
        }
        other.write("a.ndjson", &events);
        other.done("stream create orders --time ts");
        other.done("append orders a.ndjson");
        other.done("deploy revenue revenue.wasm --stream orders");
        refused(&other, "revenue.parquet", &words);
    }

    // Another version.
    std::fs::write(copy.path("flights.wasm"), guests::build("flights")).unwrap();
    copy.done("deploy flights flights.wasm --stream orders");
    copy.refused(
        "import --view flights revenue.parquet",
        &["made by version", "'revenue'", "deploy the same component"],
    );
    copy.refused("export --view flights -o x.parquet", &["no run to export", "bifocal batch flights"]);
    copy.refused("export --view nothing -o x.parquet", &["nothing"]);
    copy.refused("export --view revenue --as-of run:7 -o x.parquet", &["run 7 is not kept"]);
    copy.refused("export orders --as-of run:7 -o x.parquet", &["--view"]);
    assert!(!copy.path("x.parquet").exists() && !copy.path("new-x.parquet").exists());
}

#[test]
fn a_file_that_was_changed_is_refused_and_the_row_is_named() {
    let folder = deployed(1000);
    let copy = moved(&folder);
    let (batch, notes) = read(&copy, "revenue.parquet");
    let with = |place: usize, column: ArrayRef| {
        let mut columns = batch.columns().to_vec();
        columns[place] = column;
        RecordBatch::try_new(batch.schema(), columns).unwrap()
    };
    let note = |name: &str, value: Option<&str>| -> Vec<KeyValue> {
        let mut notes: Vec<KeyValue> = notes.iter().filter(|note| note.key != name).cloned().collect();
        notes.extend(value.map(|value| KeyValue::new(name.into(), value.to_owned())));
        notes
    };
    let count = batch.num_rows();
    let decimals_of = |place: usize| {
        batch.column(place).as_primitive::<Decimal128Type>().iter().collect::<Vec<Option<i128>>>()
    };
    let decimals = |values: Vec<Option<i128>>| -> ArrayRef {
        Arc::new(arrow_array::Decimal128Array::from(values).with_precision_and_scale(19, 2).unwrap())
    };
    let mut more = decimals_of(3);
    *more[5].as_mut().unwrap() += 1;
    // States of one another, with the outputs that they show.
    let (mut swapped, mut largest, mut orders, mut states) = (
        decimals_of(3),
        decimals_of(5),
        batch.column(4).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(),
        batch.column(6).as_binary::<i32>().iter().collect::<Vec<_>>(),
    );
    [&mut swapped, &mut largest].into_iter().for_each(|decimals| decimals.swap(0, 1));
    orders.swap(0, 1);
    states.swap(0, 1);
    let mut columns = batch.columns().to_vec();
    columns[3] = decimals(swapped);
    columns[4] = Arc::new(Int64Array::from(orders));
    columns[5] = decimals(largest);
    columns[6] = Arc::new(BinaryArray::from(states));
    let states = RecordBatch::try_new(batch.schema(), columns).unwrap();
    let parts = |places: &[(usize, usize)]| -> Vec<RecordBatch> {
        places.iter().map(|(from, count)| batch.slice(*from, *count)).collect()
    };
    let nameless: StringArray = (0..count).map(|row| (row != 3).then_some("why")).collect();
    let cases = [
        (
            "an output",
            vec![with(3, decimals(more))],
            notes.clone(),
            "row 6: column 'amount' is not what the state",
        ),
        ("states", vec![states], notes.clone(), "are not those of its certificate"),
        ("the order", parts(&[(1, 1), (0, 1), (2, count - 2)]), notes.clone(), "its rows were moved"),
        ("a row", parts(&[(0, count - 1)]), notes.clone(), "are not those of its certificate"),
        ("both", vec![with(7, Arc::new(nameless))], notes.clone(), "row 1 is no cell"),
        (
            "a column",
            vec![batch.project(&[0, 1, 2, 3, 4, 5, 7]).unwrap()],
            notes.clone(),
            "column 7 is '_broken'",
        ),
        ("the range", vec![batch.clone()], note("bifocal.to", Some("999")), "its metadata was changed"),
        (
            "the rejected",
            vec![batch.clone()],
            note("bifocal.rejected", Some("[]")),
            "its rejected events are not",
        ),
        (
            "no rejected",
            vec![batch.clone()],
            note("bifocal.rejected", None),
            "does not carry its rejected events",
        ),
        ("no certificate", vec![batch.clone()], note("bifocal.certificate", None), "it has no certificate"),
        (
            "the tally",
            vec![batch.clone()],
            note("bifocal.tally", Some("[1,0,0,0,0,0,0,0]")),
            "do not add up to",
        ),
    ];
    for (what, batches, notes, words) in cases {
        write(&copy, "changed.parquet", &batches, notes);
        copy.refused("import --view revenue changed.parquet", &["changed.parquet: ", words]);
        assert!(copy.done("runs revenue").is_empty(), "{what}");
        assert_eq!(std::fs::read_dir(copy.path("data/views/1")).unwrap().count(), 0, "{what}");
    }
    // Written by another tool, and not changed, it is as good.
    write(&copy, "same.parquet", &[batch], notes);
    copy.done("import --view revenue same.parquet");
    assert_eq!(copy.rows("query revenue --lens batch"), folder.rows("query revenue --lens batch"));
}
