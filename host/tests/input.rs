//! Sources to events: every format, as it is and compressed, whole and broken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use arrow_array::builder::*;
use arrow_array::types::*;
use arrow_array::*;
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use bifocal::event::Typing;
use bifocal::input::{self, Appended, Error, Options, Progress, Source, TimeSource};
use bifocal::log::{Log, Stream};
use bifocal::offset::Offset;
use bifocal::time::TimeRule;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

const NOW_MS: i64 = 1_700_000_000_000;

fn options() -> Options {
    Options {
        time: TimeSource::Path("ts".into()),
        id: None,
        rule: TimeRule::default(),
        now_ms: NOW_MS,
        any_time: false,
        skip: false,
    }
}

fn timeless() -> Options {
    Options { time: TimeSource::Zero, ..options() }
}

fn log() -> Log {
    Log::new(Stream { id: Some("id".into()), ..Stream::default() })
}

fn source(name: &str, bytes: &[u8]) -> Source {
    Source::Reader { name: name.into(), bytes: Box::new(std::io::Cursor::new(bytes.to_vec())) }
}

fn append(bytes: &[u8], options: &Options) -> (Log, Result<Appended, Error>) {
    let mut log = log();
    let appended = input::append(&mut log, vec![source("in", bytes)], options, &mut |_| {});
    (log, appended)
}

fn payloads(log: &Log) -> Vec<String> {
    log.read(log.range()).map(|event| String::from_utf8(event.payload.to_vec()).unwrap()).collect()
}

fn positions(log: &Log) -> Vec<u64> {
    log.read(log.range()).map(|event| event.lineage.position).collect()
}

/// The payloads of a source without times, and where they were.
fn read(bytes: &[u8]) -> (Vec<String>, Vec<u64>) {
    let (log, appended) = append(bytes, &timeless());
    assert_eq!(appended.unwrap().range, log.range());
    (payloads(&log), positions(&log))
}

fn refused(bytes: &[u8], options: &Options) -> String {
    let (log, appended) = append(bytes, options);
    let error = appended.unwrap_err();
    assert_eq!(log.head(), Offset::ZERO, "nothing of a refused append is kept");
    assert_eq!(log.times_ms(), None);
    error.to_string()
}

fn check_refused(bytes: &str, expected: &str) {
    let found = refused(bytes.as_bytes(), &timeless());
    let whole = format!("in: {expected} (nothing was appended; --on-error skip leaves such lines out)");
    assert_eq!(found, whole, "{bytes}");
}

/// Refused also where lines may be skipped.
fn check_broken(bytes: &str, expected: &str) {
    for skip in [false, true] {
        let found = refused(bytes.as_bytes(), &Options { skip, ..timeless() });
        assert_eq!(found, format!("in: {expected} (nothing was appended)"), "{bytes}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Gives one byte at a time, so that everything is cut everywhere.
struct Drops(Vec<u8>, usize);

impl Read for Drops {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let Some(byte) = self.0.get(self.1) else { return Ok(0) };
        into[0] = *byte;
        self.1 += 1;
        Ok(1)
    }
}

// NDJSON

#[test]
fn lines_become_events_whatever_ends_them() {
    let lines = "\u{feff}{\"a\":1}\r\n\r\n  \t\n{\"a\":2}\n{\"a\":3}";
    let expected = (vec!["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"], vec![1, 4, 5]);
    let (payloads, positions) = read(lines.as_bytes());
    assert_eq!((payloads.iter().map(String::as_str).collect(), positions), expected);
    assert_eq!(read(b"\n\n \n"), (vec![], vec![]));
    assert_eq!(read(b""), (vec![], vec![]));
}

#[test]
fn an_event_has_its_time_id_source_and_ingest_time() {
    let mut log = log();
    let options = Options { id: Some("id".into()), ..options() };
    let lines = b"{\"ts\":\"2001-01-01T00:01:00.5Z\",\"id\":\"a\"}\n{\"ts\":\"2001-01-01\",\"id\":7}\n{\"ts\":\"2002-01-01\"}";
    let appended =
        input::append(&mut log, vec![source("some/where/in.ndjson", lines)], &options, &mut |_| {}).unwrap();
    let events: Vec<_> = log.read(log.range()).collect();
    assert_eq!(events[0].time_ms, 978_307_260_500);
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [Some("a"), Some("7"), None]);
    assert!(events.iter().all(|event| event.ingested_ms == NOW_MS && event.typing == Typing::Json));
    assert!(events.iter().all(|event| event.lineage.source == Some("in.ndjson")));
    assert_eq!(appended.times_ms, Some((978_307_200_000, 1_009_843_200_000)));
}

#[test]
fn without_a_time_path_an_event_is_at_its_ingest_time_or_at_0() {
    for (time, expected) in [(TimeSource::Ingested, NOW_MS), (TimeSource::Zero, 0)] {
        let (log, _) = append(b"{}", &Options { time, ..options() });
        assert_eq!(log.read(log.range()).next().unwrap().time_ms, expected);
    }
}

#[test]
fn a_malformed_line_is_named_with_column_and_what_was_found() {
    check_refused("{\"a\":1}\n\n{\"a\" 1}\n", "line 3, column 6: expected ':', found '1'");
    check_refused(
        "{\"a\":1}\n{\"a\":\"\u{1}\"}\n",
        "line 2, column 7: expected an escape instead of a control character, found byte 0x01",
    );
    check_refused("{\"a\":1}\r\n{\"a\":", "line 2, column 6: expected a value, found the end");
    check_refused("\u{feff}{\"a\":01}", "line 1, column 7: expected no digit after a leading 0, found '1'");
}

#[test]
fn a_first_line_that_is_damaged_is_no_csv_header() {
    let found = refused(b"not json\n{\"a\":1}\n", &timeless());
    assert!(found.starts_with("in: line 1, column 1: expected "), "{found}");
    let found = refused(b"garbage", &timeless());
    assert!(found.starts_with("in: line 1, column 1: expected "), "{found}");
}

#[test]
fn a_line_without_a_plausible_time_is_refused_with_the_value() {
    let check = |line: &str, expected: &str| {
        let found = refused(line.as_bytes(), &options());
        assert_eq!(
            found,
            format!("in: {expected} (nothing was appended; --on-error skip leaves such lines out)")
        );
    };
    check("{\"ts\":null}", "line 1: no time at 'ts'; name the field that has it with --time");
    let range = "not within 1990-2100; state its unit with --time-unit, or let it in with --any-time";
    check(
        "{\"ts\":\"1989-12-31T23:59:59.999Z\"}",
        &format!("line 1: the time at 'ts' is 1989-12-31T23:59:59.999Z, {range}"),
    );
    check("{\"ts\":\"2100-01-01\"}", &format!("line 1: the time at 'ts' is 2100-01-01T00:00:00Z, {range}"));
    let found = refused(b"{\"ts\":\"yesterday\"}", &options());
    assert!(
        found.starts_with("in: line 1: expected a time at 'ts', found ") && found.contains("yesterday"),
        "{found}"
    );
    let (log, appended) = append(b"{\"ts\":\"1989-12-31\"}", &Options { any_time: true, ..options() });
    assert_eq!(appended.unwrap().range, log.range());
    assert_eq!(log.head(), Offset(1));
}

#[test]
fn nothing_of_several_files_is_kept_if_one_is_refused() {
    let mut log = log();
    let sources = vec![source("a", b"{}\n{}"), source("b", b"{}\n{")];
    let error = input::append(&mut log, sources, &timeless(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().starts_with("b: line 2, column 2: "), "{error}");
    assert_eq!(log.head(), Offset::ZERO);
    let sources = vec![source("a", b"{}\n{}"), source("b", b"n,m\n1,2\n"), source("c", b"[{}]")];
    let appended = input::append(&mut log, sources, &timeless(), &mut |_| {}).unwrap();
    assert_eq!(appended.range, log.range());
    let lineage = |event: bifocal::event::Event<'_>| {
        (event.lineage.source.unwrap().to_string(), event.lineage.position)
    };
    let expected =
        [("a", 1), ("a", 2), ("b", 2), ("c", 1)].map(|(name, position)| (name.to_string(), position));
    assert_eq!(log.read(log.range()).map(lineage).collect::<Vec<_>>(), expected);
}

#[test]
fn skipped_lines_have_no_offset_and_are_counted_with_reasons() {
    let lines =
        "{\"ts\":\"2001-01-01\"}\n{\n{\"ts\":1}\nx\n{}\n{\"ts\":\"1900-01-01\"}\n[\n{\"ts\":\"2001-01-01\"}";
    let (log, appended) = append(lines.as_bytes(), &Options { skip: true, ..options() });
    let appended = appended.unwrap();
    assert_eq!((log.head(), appended.skipped, appended.reasons.len()), (Offset(2), 6, input::REASONS_MAX));
    assert_eq!(positions(&log), [1, 8]);
    assert_eq!(appended.reasons[3], "in: line 5: no time at 'ts'; name the field that has it with --time");
}

#[test]
fn duplicates_and_conflicts_are_counted_apart() {
    let options = Options { id: Some("id".into()), ..timeless() };
    let lines = b"{\"id\":1}\n{\"id\":2}\n{\"id\":1}\n{\"id\": 2}\n{\"id\":1}\n{}\n{}\n";
    let (log, appended) = append(lines, &options);
    let appended = appended.unwrap();
    assert_eq!((appended.duplicates, appended.conflicts, appended.skipped), (2, 1, 0));
    assert_eq!(log.head(), Offset(4));
}

#[test]
fn a_line_too_long_is_refused_or_skipped_and_never_held() {
    let mut lines = b"{}\n{\"a\":\"".to_vec();
    lines.resize(lines.len() + 3 * input::EVENT_BYTES_MAX, b'x');
    lines.extend_from_slice(b"\"}\n{}\n");
    assert!(
        refused(&lines, &timeless()).starts_with("in: line 2: more than 16777216 bytes without an end; ")
    );
    let (log, appended) = append(&lines, &Options { skip: true, ..timeless() });
    assert_eq!((appended.unwrap().skipped, positions(&log)), (1, vec![1, 3]));
}

#[test]
fn paths_that_name_no_field_are_refused() {
    let error = |options: Options| append(b"{}", &options).1.unwrap_err().to_string();
    assert!(error(Options { time: TimeSource::Path("@time".into()), ..options() }).contains("@time"));
    assert!(error(Options { id: Some(String::new()), ..options() }).contains("names no field"));
}

// JSON arrays

#[test]
fn elements_of_an_array_become_events() {
    let array = " \n[ {\"a\": [1, \"]\\\"\"]} ,\n {\n  \"b\":\r\n2}, 3,\"x,y\" ]\n ";
    let expected = ["{\"a\": [1, \"]\\\"\"]}", "{   \"b\":  2}", "3", "\"x,y\""];
    assert_eq!(read(array.as_bytes()), (expected.map(String::from).to_vec(), vec![1, 2, 3, 4]));
    assert_eq!(read(b"[ ]"), (vec![], vec![]));
}

#[test]
fn a_fault_in_an_array_is_named_by_line_and_column() {
    check_refused("[{\"a\":1},\n {\"a\":\n  x}]", "line 3, column 3: expected a value, found 'x'");
    check_broken("[1,\n,2]", "line 2, column 1: expected a value, found ','");
    check_broken("[1,2,]", "line 1, column 6: expected a value, found ']'");
    check_broken("[1,\n\"x", "line 2, column 3: expected a comma or the end of the array, found the end");
    check_broken("[1] {", "line 1, column 5: expected the end behind the array, found '{'");
    check_refused(
        "[\"a\nb\"]",
        "line 1, column 4: expected an escape instead of a control character, found byte 0x0a",
    );
    check_broken("[", "line 1, column 2: expected a comma or the end of the array, found the end");
}

#[test]
fn an_element_may_be_skipped_a_broken_array_may_not() {
    let skip = Options { skip: true, ..timeless() };
    let (log, appended) = append(b"[1, x, {\"a\":}, 2]", &skip);
    assert_eq!((appended.unwrap().skipped, payloads(&log)), (2, vec!["1".to_string(), "2".into()]));
    assert!(refused(b"[1, 2", &skip).contains("expected a comma or the end of the array"));
}

// CSV

#[test]
fn records_become_objects_of_texts() {
    let csv = "id,na\"me,empty\r\n1,\"a \"\"b\"\", c\",\n\n2,\"x\r\ny\",\"\"\r\n,,\n3,\u{fc}\t,\\";
    let expected = [
        "{\"id\":\"1\",\"na\\\"me\":\"a \\\"b\\\", c\"}",
        "{\"id\":\"2\",\"na\\\"me\":\"x\\r\\ny\",\"empty\":\"\"}",
        "{}",
        "{\"id\":\"3\",\"na\\\"me\":\"\u{fc}\\t\",\"empty\":\"\\\\\"}",
    ];
    assert_eq!(read(csv.as_bytes()), (expected.map(String::from).to_vec(), vec![2, 4, 6, 7]));
    let (log, _) = append(csv.as_bytes(), &timeless());
    assert!(log.read(log.range()).all(|event| event.typing == Typing::Text));
}

#[test]
fn a_time_in_csv_is_text_or_an_epoch_number() {
    let (log, appended) = append(b"n,ts\n1,2001-01-01T00:00:00Z\n", &options());
    assert_eq!(appended.unwrap().times_ms, Some((978_307_200_000, 978_307_200_000)));
    assert_eq!(log.head(), Offset(1));
    let rule = TimeRule::new(None, Some("s".parse().unwrap())).unwrap();
    let (_, appended) = append(b"n,ts\n1,978307200\n", &Options { rule, ..options() });
    assert_eq!(appended.unwrap().times_ms, Some((978_307_200_000, 978_307_200_000)));
}

#[test]
fn a_header_alone_has_no_events() {
    assert_eq!(read(b"a,b\n"), (vec![], vec![]));
    assert_eq!(read(b"a,b"), (vec![], vec![]));
}

#[test]
fn a_fault_in_csv_is_named_by_line_and_column() {
    check_refused("a,b\n1,2\n1,2,3\n", "line 3: 3 fields, but the header has 2");
    check_refused("a,b\n\"x\ny\",1\n1\n", "line 4: 1 fields, but the header has 2");
    let behind = "a comma or the end of the line behind a closing quote";
    check_refused("a,b\n1,\"x\"y\n", &format!("line 2, column 6: expected {behind}, found 'y'"));
    check_refused("a,b\n1,\"x\n2,\"y", &format!("line 3, column 4: expected {behind}, found 'y'"));
    check_refused("a,b\n1,\"x\n2", "line 3, column 2: expected a closing quote, found the end");
    check_refused(
        "a,b\r1,2\r",
        "line 1, column 4: expected a line feed behind a carriage return, found byte 0x0d",
    );
    let bytes = b"a,b\n1,2\n3,x\xffy\n";
    assert!(refused(bytes, &timeless()).starts_with("in: line 3, column 4: expected UTF-8, found byte 0xff"));
    assert_eq!(
        refused(b"a,b,a\n1,2,3\n", &timeless()),
        "in: two columns are named \"a\"; rename one of them"
    );
}

#[test]
fn a_record_that_is_skipped_takes_no_other_with_it() {
    let csv = "a,b\n1,2\n3\n4,\"x\"y\n5,\"6\n7,8\n9,\"10\"\n";
    let (log, appended) = append(csv.as_bytes(), &Options { skip: true, ..timeless() });
    let expected = ["{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"7\",\"b\":\"8\"}", "{\"a\":\"9\",\"b\":\"10\"}"];
    assert_eq!((appended.unwrap().skipped, payloads(&log)), (3, expected.map(String::from).to_vec()));
    assert_eq!(positions(&log), [2, 6, 7]);
    let header = refused(b"a,\"b\"x\n1,2\n", &Options { skip: true, ..timeless() });
    assert_eq!(header, "in: its header, which names the fields of CSV, is malformed");
}

fn csv_field() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        3 => "[a\",\r\n \u{fc}]{0,4}".prop_map(Some),
        2 => "[a-z]{1,3}".prop_map(Some),
    ]
}

proptest! {
    /// What the crate csv reads, but for null, which it does not know.
    #[test]
    fn csv_reads_as_the_crate_csv_does(
        records in prop::collection::vec(prop::collection::vec(csv_field(), 3), 0..12),
        crlf in any::<bool>(),
        last in any::<bool>(),
        drops in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let field = |field: &Option<String>| match field {
            None => String::new(),
            Some(text) if text.is_empty() || text.contains([',', '"', '\r', '\n']) => format!("\"{}\"", text.replace('"', "\"\"")),
            Some(text) => text.clone(),
        };
        let record = |record: &Vec<Option<String>>| record.iter().map(field).collect::<Vec<_>>().join(",");
        let mut text = format!("x,y,z{end}{}", records.iter().map(record).collect::<Vec<_>>().join(end));
        if last || records.last() == Some(&vec![None, None, None]) {
            text.push_str(end);
        }
        let bytes: Box<dyn Read> = match drops {
            true => Box::new(Drops(text.clone().into_bytes(), 0)),
            false => Box::new(std::io::Cursor::new(text.clone().into_bytes())),
        };
        let mut log = log();
        input::append(&mut log, vec![Source::Reader { name: "in".into(), bytes }], &timeless(), &mut |_| {}).unwrap();
        let found: Vec<serde_json::Map<String, serde_json::Value>> =
            payloads(&log).iter().map(|payload| serde_json::from_str(payload).unwrap()).collect();
        let expected: Vec<_> = records.iter().map(|record| {
            let present = ["x", "y", "z"].into_iter().zip(record);
            present.filter_map(|(name, value)| Some((name.to_string(), value.clone()?.into()))).collect::<serde_json::Map<_, _>>()
        }).collect();
        prop_assert_eq!(found, expected);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let theirs: Vec<Vec<String>> = reader.records().map(|record| record.unwrap().iter().map(String::from).collect()).collect();
        let ours: Vec<Vec<String>> = records.iter().map(|record| record.iter().map(|field| field.clone().unwrap_or_default()).collect()).collect();
        prop_assert_eq!(theirs, ours);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(prop_oneof![
        4 => prop::sample::select(b"{}[]\",:\\\n\r 1a".to_vec()),
        1 => any::<u8>(),
    ], 0..40), skip in any::<bool>()) {
        let options = Options { skip, ..timeless() };
        let (log, whole) = append(&bytes, &options);
        if whole.is_err() {
            prop_assert_eq!(log.head(), Offset::ZERO);
        }
        let mut dropped = Log::new(Stream::default());
        let source = Source::Reader { name: "in".into(), bytes: Box::new(Drops(bytes, 0)) };
        let cut = input::append(&mut dropped, vec![source], &options, &mut |_| {});
        let text = |result: Result<Appended, Error>| result.map_err(|error| error.to_string());
        prop_assert_eq!(text(cut), text(whole));
        prop_assert_eq!(payloads(&dropped), payloads(&log));
    }

    #[test]
    fn lines_and_arrays_give_back_what_was_written(texts in prop::collection::vec(any::<String>(), 1..20), wide in any::<bool>()) {
        let values: Vec<serde_json::Value> = texts.iter().map(|text| serde_json::json!({ "t": [text, { "n": 1.5 }] })).collect();
        let lines: Vec<String> = values.iter().map(|value| value.to_string()).collect();
        prop_assert_eq!(read(lines.join("\n").as_bytes()).0, lines.clone());
        let array = serde_json::Value::Array(values.clone());
        let array = if wide { serde_json::to_string_pretty(&array).unwrap() } else { array.to_string() };
        let found: Vec<serde_json::Value> =
            read(array.as_bytes()).0.iter().map(|payload| serde_json::from_str(payload).unwrap()).collect();
        prop_assert_eq!(found, values);
    }
}

// Compression and what is no input

#[test]
fn gzip_and_zstd_are_told_by_content() {
    let lines = b"{\"a\":1}\n{\"a\":2}\n";
    let csv = b"a,b\n1,2\n";
    for compress in [gzip as fn(&[u8]) -> Vec<u8>, zstd] {
        assert_eq!(read(&compress(lines)), read(lines));
        assert_eq!(read(&compress(csv)), read(csv));
        assert_eq!(read(&compress(b"")), read(b""));
        let twice = [compress(lines), compress(b"{\"a\":3}\n")].concat();
        assert_eq!(read(&twice), read(b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"));
    }
    assert!(refused(&gzip(&zstd(lines)), &timeless()).contains("what gzip holds is no text"));
}

#[test]
fn compressed_data_that_is_cut_off_or_damaged_is_refused_whole() {
    let lines: Vec<u8> =
        (0..200_000).flat_map(|i| format!("{{\"a\":{}}}\n", i * 7919 % 100_003).into_bytes()).collect();
    for (compress, name) in [(gzip as fn(&[u8]) -> Vec<u8>, "gzip"), (zstd, "zstd")] {
        let whole = compress(&lines);
        for cut in [whole.len() - 1, whole.len() / 2, 5] {
            let found = refused(&whole[..cut], &Options { skip: true, ..timeless() });
            assert!(found.starts_with(&format!("in: the {name} data is cut off after ")), "{cut}: {found}");
            assert!(found.ends_with(" bytes; get the file again"), "{found}");
        }
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 8].fill(0xff);
        let found = refused(&damaged, &Options { skip: true, ..timeless() });
        assert!(found.starts_with(&format!("in: the {name} data is damaged after ")), "{found}");
    }
}

#[test]
fn what_is_no_input_is_refused_in_a_sentence() {
    let check =
        |bytes: &[u8], expected: &str| assert_eq!(refused(bytes, &timeless()), format!("in: {expected}"));
    check(b"\0asm\x0d\0\x01\0", "it is no NDJSON, JSON array, CSV or Parquet, not even in gzip or zstd");
    check(b"\xff\xfe{\0}\0", "it is UTF-16, and only UTF-8 is read; convert it, for example with iconv");
    check(
        b"PAR1 and more",
        "Parquet cannot be read from a pipe, since it begins at its end; give the file's path",
    );
    let mut log = log();
    let mut open = |path: &str| {
        input::append_files(&mut log, &[PathBuf::from(path)], &timeless(), &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    let missing = open("/nowhere/at all");
    assert!(missing.starts_with("/nowhere/at all: ") && missing.ends_with("; check the path"), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    assert!(open(folder.path().to_str().unwrap()).contains("is a directory"));
}

#[test]
fn progress_reaches_the_bytes_of_all_files() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<u8> = (0..300_000).flat_map(|i| format!("{{\"a\":{i}}}\n").into_bytes()).collect();
    let files = [("a", lines.clone()), ("b.gz", gzip(&lines))].map(|(name, bytes)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    });
    let total: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
    let mut reports: Vec<Progress> = Vec::new();
    let mut log = log();
    input::append_files(&mut log, &files, &timeless(), &mut |progress| reports.push(progress)).unwrap();
    assert!(reports.len() > 5 && reports.iter().all(|report| report.bytes_total == Some(total)));
    assert!(reports.is_sorted_by_key(|report| (report.bytes, report.events)));
    let last = Progress { bytes: total, bytes_total: Some(total), events: 600_000 };
    assert_eq!((reports[0].bytes, reports.last()), (0, Some(&last)));
}

// Parquet

fn parquet_bytes(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batches[0].schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn append_parquet(bytes: &[u8], options: &Options) -> (Log, Result<Appended, Error>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut log = log();
    let appended = input::append_files(&mut log, &[file.path().to_path_buf()], options, &mut |_| {});
    (log, appended)
}

/// One column; the payload of each row.
fn column(array: impl Array + 'static) -> Vec<String> {
    let batch = RecordBatch::try_from_iter_with_nullable([("v", Arc::new(array) as ArrayRef, true)]).unwrap();
    let (log, appended) = append_parquet(&parquet_bytes(&[batch]), &timeless());
    appended.unwrap();
    payloads(&log)
}

fn check_column(array: impl Array + 'static, expected: &[&str]) {
    let expected: Vec<String> = expected
        .iter()
        .map(|value| if value.is_empty() { "{}".into() } else { format!("{{\"v\":{value}}}") })
        .collect();
    assert_eq!(column(array), expected);
}

#[test]
fn booleans_and_integers_keep_all_their_digits() {
    check_column(BooleanArray::from(vec![Some(true), None, Some(false)]), &["true", "", "false"]);
    check_column(Int8Array::from(vec![Some(-128), None]), &["-128", ""]);
    check_column(Int16Array::from(vec![-32768]), &["-32768"]);
    check_column(Int32Array::from(vec![i32::MIN]), &["-2147483648"]);
    check_column(
        Int64Array::from(vec![i64::MIN, i64::MAX]),
        &["-9223372036854775808", "9223372036854775807"],
    );
    check_column(UInt8Array::from(vec![255]), &["255"]);
    check_column(UInt16Array::from(vec![65535]), &["65535"]);
    check_column(UInt32Array::from(vec![u32::MAX]), &["4294967295"]);
    check_column(UInt64Array::from(vec![u64::MAX, 0]), &["18446744073709551615", "0"]);
}

#[test]
fn floats_are_short_and_those_that_are_no_number_absent() {
    let numbers =
        vec![Some(0.1), None, Some(f64::NAN), Some(f64::INFINITY), Some(14.0), Some(-0.0), Some(1e300)];
    check_column(Float64Array::from(numbers), &["0.1", "", "", "", "14", "-0.0", "1e300"]);
    check_column(Float32Array::from(vec![0.1, f32::NEG_INFINITY, -2.0]), &["0.1", "", "-2"]);
    let halves = [0.5, 65504.0].map(half);
    check_column(Float16Array::from_iter_values(halves), &["0.5", "65504"]);
}

/// A number of half precision, without naming the crate that has them.
fn half(number: f32) -> <Float16Type as ArrowPrimitiveType>::Native {
    <Float16Type as ArrowPrimitiveType>::Native::from_f32(number)
}

#[test]
fn decimals_keep_all_their_digits() {
    let decimals = |values: Vec<i128>, precision, scale| {
        Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap()
    };
    check_column(decimals(vec![118_250, -5, 0], 9, 2), &["1182.50", "-0.05", "0.00"]);
    check_column(decimals(vec![7], 18, 0), &["7"]);
    let large = 12_345_678_901_234_567_890_123_456_789_012_345_678i128;
    check_column(
        decimals(vec![large, -large], 38, 2),
        &["123456789012345678901234567890123456.78", "-123456789012345678901234567890123456.78"],
    );
    check_column(
        decimals(vec![large, -1], 38, 30),
        &["12345678.901234567890123456789012345678", "-0.000000000000000000000000000001"],
    );
    let wide = Decimal256Array::from_iter_values([Decimal256Type::MAX_FOR_EACH_PRECISION[60]])
        .with_precision_and_scale(60, 1)
        .unwrap();
    check_column(wide, &[&format!("{}.9", "9".repeat(59))]);
    let small = Decimal64Array::from(vec![-118_250]).with_precision_and_scale(10, 2).unwrap();
    check_column(small, &["-1182.50"]);
    let small = Decimal32Array::from(vec![118_250]).with_precision_and_scale(7, 3).unwrap();
    check_column(small, &["118.250"]);
}

#[test]
fn texts_are_texts_and_binary_is_base64() {
    check_column(
        StringArray::from(vec![Some("a\"\n\u{fc}"), None, Some("")]),
        &["\"a\\\"\\n\u{fc}\"", "", "\"\""],
    );
    check_column(LargeStringArray::from(vec!["x"]), &["\"x\""]);
    let dictionary: DictionaryArray<Int32Type> = ["x", "y", "x"].into_iter().collect();
    check_column(dictionary, &["\"x\"", "\"y\"", "\"x\""]);
    check_column(BinaryArray::from(vec![&b"\xff\x00"[..], b""]), &["\"/wA=\"", "\"\""]);
    check_column(FixedSizeBinaryArray::try_from_iter([b"abc"].into_iter()).unwrap(), &["\"YWJj\""]);
}

#[test]
fn times_are_rfc_3339_floored_to_milliseconds() {
    check_column(
        Date32Array::from(vec![Some(11_323), None, Some(-1)]),
        &["\"2001-01-01T00:00:00Z\"", "", "\"1969-12-31T00:00:00Z\""],
    );
    let expected = ["\"2001-01-01T00:01:00Z\"", "\"1969-12-31T23:59:59.999Z\""];
    check_column(TimestampMillisecondArray::from(vec![978_307_260_000, -1]), &expected);
    check_column(TimestampMicrosecondArray::from(vec![978_307_260_000_999, -1]), &expected);
    check_column(TimestampNanosecondArray::from(vec![978_307_260_000_999_999, -1]), &expected);
    let zoned = TimestampMillisecondArray::from(vec![978_307_260_000, -1]).with_timezone("+02:00");
    check_column(zoned, &expected);
    check_column(Time32MillisecondArray::from(vec![86_399_000, 1]), &["\"23:59:59\"", "\"00:00:00.001\""]);
    check_column(
        Time64MicrosecondArray::from(vec![1_500_000, 10]),
        &["\"00:00:01.500\"", "\"00:00:00.000010\""],
    );
    check_column(Time64NanosecondArray::from(vec![3_600_000_000_001]), &["\"01:00:00.000000001\""]);
}

#[test]
fn lists_structs_and_maps_nest() {
    let mut lists = ListBuilder::new(Float64Builder::new());
    lists.append_value([Some(1.0), None, Some(f64::NAN)]);
    lists.append_null();
    lists.append_value([]);
    check_column(lists.finish(), &["[1,null,null]", "", "[]"]);

    let fields =
        Fields::from(vec![Field::new("a b", DataType::Int64, true), Field::new("c", DataType::Utf8, true)]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), None, Some(9)])),
        Arc::new(StringArray::from(vec![None, Some("x"), Some("y")])),
    ];
    let structs = StructArray::new(fields, columns, Some(vec![true, true, false].into()));
    check_column(structs, &["{\"a b\":1}", "{\"c\":\"x\"}", ""]);

    let mut maps = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
    maps.keys().append_value(7);
    maps.values().append_value("x");
    maps.keys().append_value(8);
    maps.values().append_null();
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    check_column(maps.finish(), &["{\"7\":\"x\",\"8\":null}", ""]);
}

#[test]
fn what_has_no_form_is_refused_with_its_column() {
    let intervals = IntervalDayTimeArray::from(vec![IntervalDayTimeType::make_value(1, 2)]);
    let batch = RecordBatch::try_from_iter([("gap", Arc::new(intervals) as ArrayRef)]).unwrap();
    let (_, appended) = append_parquet(&parquet_bytes(&[batch]), &timeless());
    let error = appended.unwrap_err().to_string();
    assert!(error.contains("column 'gap' is of type Interval"), "{error}");
}

fn flights(rows: i64) -> Vec<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("ts", DataType::Timestamp(TimeUnit::Millisecond, None), true),
        Field::new("delay", DataType::Int16, true),
        Field::new("origin", DataType::Utf8, true),
    ]));
    let batch = |from: i64| {
        let numbers = from..rows.min(from + 10_000);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(
                numbers.clone().map(|n| Some(978_307_200_000 + n)).collect::<TimestampMillisecondArray>(),
            ),
            Arc::new(
                numbers
                    .clone()
                    .map(|n| (n % 5 != 0).then_some((n % 500) as i16 - 250))
                    .collect::<Int16Array>(),
            ),
            Arc::new(numbers.map(|n| Some(if n % 2 == 0 { "ATL" } else { "SFO" })).collect::<StringArray>()),
        ];
        RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()
    };
    (0..rows).step_by(10_000).map(batch).collect()
}

#[test]
fn rows_of_many_batches_are_events_in_order() {
    let (log, appended) = append_parquet(&parquet_bytes(&flights(50_001)), &options());
    assert_eq!(appended.unwrap().times_ms, Some((978_307_200_000, 978_307_250_000)));
    assert_eq!(log.head(), Offset(50_001));
    for (i, event) in log.read(log.range()).enumerate() {
        let delay = if i % 5 == 0 { String::new() } else { format!("\"delay\":{},", (i % 500) as i64 - 250) };
        let origin = if i % 2 == 0 { "ATL" } else { "SFO" };
        let time = bifocal::time::Rfc3339(978_307_200_000 + i as i64);
        let expected = format!("{{\"ts\":\"{time}\",{delay}\"origin\":\"{origin}\"}}");
        assert_eq!(std::str::from_utf8(event.payload).unwrap(), expected);
        assert_eq!(event.lineage.position, i as u64 + 1);
    }
}

#[test]
fn a_row_without_a_time_is_named() {
    let times = TimestampMillisecondArray::from(vec![Some(978_307_200_000), None]);
    let batch =
        RecordBatch::try_from_iter_with_nullable([("ts", Arc::new(times) as ArrayRef, true)]).unwrap();
    let (log, appended) = append_parquet(&parquet_bytes(&[batch]), &options());
    let error = appended.unwrap_err().to_string();
    assert!(error.contains(": row 2: no time at 'ts'; "), "{error}");
    assert_eq!(log.head(), Offset::ZERO);
}

#[test]
fn damaged_parquet_is_refused_or_read_and_never_a_crash() {
    let whole = parquet_bytes(&flights(20_000));
    let (log, appended) = append_parquet(&whole[..whole.len() - 3], &timeless());
    assert!(appended.unwrap_err().to_string().contains(": Parquet cannot be read: "));
    assert_eq!(log.head(), Offset::ZERO);
    let mut refusals = 0;
    for i in 0..200 {
        let mut damaged = whole.clone();
        let at = 4 + (i * 7919) % (whole.len() - 4);
        damaged[at] ^= 1 << (i % 8);
        let (log, appended) = append_parquet(&damaged, &timeless());
        if appended.is_err() {
            refusals += 1;
            assert_eq!(log.head(), Offset::ZERO);
        }
    }
    assert!(refusals > 0, "no damage was seen");
}
