//! Rows written in each format and read back by someone else's reader.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use base64::Engine;
use bifocal::column::{Builder, Column, Value};
use bifocal::description::{Field, Kind};
use bifocal::rows::{Format, Rows, Writer};
use proptest::prelude::*;
use serde_json::json;

const KINDS: [Kind; 9] = [
    Kind::Boolean,
    Kind::Integer,
    Kind::Float,
    Kind::Text,
    Kind::Binary,
    Kind::Timestamp,
    Kind::Decimal(2),
    Kind::Decimal(18),
    Kind::Json,
];

#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Bytes(Vec<u8>),
}

impl Cell {
    fn value(&self) -> Value<'_> {
        match self {
            Cell::Null => Value::Absent,
            Cell::Boolean(is) => Value::Boolean(*is),
            Cell::Integer(number) => Value::Integer(*number),
            Cell::Float(number) => Value::Float(*number),
            Cell::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

fn text(text: &str) -> Cell {
    Cell::Bytes(text.as_bytes().to_vec())
}

fn field(name: &str, kind: Kind) -> Field {
    Field { name: name.into(), path: String::new(), kind, required: false }
}

fn rows(fields: Vec<Field>, cells: &[Vec<Cell>]) -> Rows {
    let column = |(i, field): (usize, &Field)| {
        let mut builder = Builder::default();
        cells.iter().for_each(|row| builder.push(&field.kind, row[i].value()));
        builder.finish()
    };
    let columns: Vec<Column> = fields.iter().enumerate().map(column).collect();
    for (field, column) in fields.iter().zip(&columns) {
        column.check(&field.kind, cells.len(), &field.name).unwrap();
    }
    Rows::new(fields, columns, cells.len())
}

fn written(rows: &Rows, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    rows.write(format, usize::MAX, &mut out).unwrap();
    out
}

fn printed(rows: &Rows, format: Format) -> String {
    String::from_utf8(written(rows, format)).unwrap()
}

/// One column of values, as each line of a text format shows them.
fn one(kind: Kind, cells: &[Cell], format: Format) -> String {
    let cells: Vec<Vec<Cell>> = cells.iter().map(|cell| vec![cell.clone()]).collect();
    printed(&rows(vec![field("v", kind)], &cells), format)
}

fn sample() -> Rows {
    let fields = vec![
        field("merchant", Kind::Text),
        field("window", Kind::Timestamp),
        field("amount", Kind::Decimal(2)),
        field("mean", Kind::Float),
    ];
    let row = |merchant: Cell, ms, cents, mean| {
        vec![merchant, Cell::Integer(ms), Cell::Integer(cents), Cell::Float(mean)]
    };
    rows(
        fields,
        &[
            row(Cell::Null, 0, -5, f64::NAN),
            row(text(""), 1_500, 118_250, 0.1),
            row(text("m-\"7\", Köln"), 978_307_200_000, 0, 1e21),
        ],
    )
}

#[test]
fn json_is_one_array_with_a_row_a_line() {
    let expected = r#"[
{"merchant":null,"window":"1970-01-01T00:00:00Z","amount":-0.05,"mean":null},
{"merchant":"","window":"1970-01-01T00:00:01.500Z","amount":1182.50,"mean":0.1},
{"merchant":"m-\"7\", Köln","window":"2001-01-01T00:00:00Z","amount":0.00,"mean":1e21}
]
"#;
    assert_eq!(printed(&sample(), Format::Json), expected);
    assert_eq!(printed(&rows(vec![field("v", Kind::Text)], &[]), Format::Json), "[]\n");
}

#[test]
fn ndjson_is_a_row_a_line() {
    let array = printed(&sample(), Format::Json);
    let lines: String = array
        .lines()
        .filter(|line| line.len() > 1)
        .map(|line| format!("{}\n", line.trim_end_matches(',')))
        .collect();
    assert_eq!(printed(&sample(), Format::Ndjson), lines);
    assert_eq!(printed(&rows(vec![field("v", Kind::Text)], &[]), Format::Ndjson), "");
}

#[test]
fn csv_tells_null_from_the_empty_text() {
    let expected = "merchant,window,amount,mean\n\
        ,1970-01-01T00:00:00Z,-0.05,\n\
        \"\",1970-01-01T00:00:01.500Z,1182.50,0.1\n\
        \"m-\"\"7\"\", Köln\",2001-01-01T00:00:00Z,0.00,1e21\n";
    assert_eq!(printed(&sample(), Format::Csv), expected);
}

#[test]
fn a_table_is_aligned_with_numbers_at_the_right() {
    let fields =
        vec![field("city", Kind::Text), field("flights", Kind::Integer), field("on time", Kind::Boolean)];
    let row = |city, flights, is| vec![text(city), Cell::Integer(flights), Cell::Boolean(is)];
    let rows =
        rows(fields, &[row("Köln", 7, true), row("東京", 12345678, false), row("a\u{301}b", -1, true)]);
    let expected = "\
city   flights  on time
Köln         7  true
東京  12345678  false
áb          -1  true
";
    let expected = expected.replace('á', "a\u{301}");
    assert_eq!(printed(&rows, Format::Table), expected);
}

#[test]
fn a_table_says_how_many_rows_it_leaves_out() {
    let cells: Vec<Vec<Cell>> = (0..12_345).map(|i| vec![Cell::Integer(i)]).collect();
    let rows = rows(vec![field("n", Kind::Integer)], &cells);
    let shown = |max| {
        let mut out = Vec::new();
        rows.write(Format::Table, max, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(shown(2), "n\n0\n1\n… 12,343 more rows\n");
    assert!(shown(12_344).ends_with("12343\n… 1 more row\n"));
    assert!(shown(12_345).ends_with("\n12344\n"));
    let none = Rows::new(rows.fields.clone(), rows.columns.clone(), 0);
    assert_eq!(printed(&none, Format::Table), "n\nno rows\n");
}

#[test]
fn a_value_cannot_act_on_the_terminal_or_pose_as_another() {
    let evil = "\x1b[2J\r\n\u{9b}31m\u{202e}gnp\u{200b}\u{feff}\x07\0";
    let table = one(Kind::Text, &[text(evil)], Format::Table);
    assert_eq!(table, "v\n\\u{1b}[2J\\r\\n\\u{9b}31m\\u{202e}gnp\\u{200b}\\u{feff}\\u{7}\\u{0}\n");
    let named = rows(vec![field("a\nb", Kind::Text)], &[]);
    assert_eq!(printed(&named, Format::Table), "a\\nb\nno rows\n");
    assert_eq!(
        rows(vec![field("k", Kind::Text)], &[vec![text(evil)]]).text_of("k", 0),
        table.lines().nth(1).unwrap()
    );
}

#[test]
fn a_long_value_is_cut_in_a_table_only() {
    let long = "x".repeat(100);
    assert_eq!(one(Kind::Text, &[text(&long)], Format::Table), format!("v\n{}…\n", "x".repeat(64)));
    assert_eq!(one(Kind::Text, &[text(&long[..64])], Format::Table), format!("v\n{}\n", "x".repeat(64)));
    assert_eq!(one(Kind::Text, &[text(&long)], Format::Csv), format!("v\n{long}\n"));
}

#[test]
fn text_of_a_value_is_that_of_a_table() {
    assert_eq!(sample().text_of("window", 1), "1970-01-01T00:00:01.500Z");
    assert_eq!(sample().text_of("amount", 1), "1182.50");
    assert_eq!(sample().text_of("merchant", 0), "null");
    assert_eq!(sample().text_of("none", 0), "null");
}

#[test]
fn integers_that_a_double_cannot_hold_are_strings_in_json() {
    let limit = 1i64 << 53;
    let numbers = [limit, -limit, limit + 1, -limit - 1, i64::MAX, i64::MIN].map(Cell::Integer);
    let expected = "{\"v\":9007199254740992}\n{\"v\":-9007199254740992}\n{\"v\":\"9007199254740993\"}\n\
        {\"v\":\"-9007199254740993\"}\n{\"v\":\"9223372036854775807\"}\n{\"v\":\"-9223372036854775808\"}\n";
    assert_eq!(one(Kind::Integer, &numbers, Format::Ndjson), expected);
    assert!(one(Kind::Integer, &numbers, Format::Csv).ends_with("\n-9223372036854775808\n"));
}

#[test]
fn decimals_have_all_their_digits() {
    let cases = [
        (0, 0, "0"),
        (-7, 0, "-7"),
        (5, 2, "0.05"),
        (-5, 2, "-0.05"),
        (118_250, 2, "1182.50"),
        (1, 18, "0.000000000000000001"),
        (i64::MIN, 18, "-9.223372036854775808"),
        (i64::MAX, 1, "922337203685477580.7"),
    ];
    for (number, digits, expected) in cases {
        let found = one(Kind::Decimal(digits), &[Cell::Integer(number)], Format::Csv);
        assert_eq!(found, format!("v\n{expected}\n"));
    }
}

#[test]
fn nested_json_stays_json_on_one_line_and_is_text_elsewhere() {
    let cells = [text("{\"a\": [1.0,\n2]}"), Cell::Null, text("null")];
    assert_eq!(
        one(Kind::Json, &cells, Format::Ndjson),
        "{\"v\":{\"a\": [1.0, 2]}}\n{\"v\":null}\n{\"v\":null}\n"
    );
    assert_eq!(one(Kind::Json, &cells, Format::Csv), "v\n\"{\"\"a\"\": [1.0,\n2]}\"\n\nnull\n");
    assert_eq!(one(Kind::Json, &cells[..1], Format::Table), "v\n{\"a\": [1.0,\\n2]}\n");
}

#[test]
fn the_ends_of_time_are_written() {
    let times = [i64::MIN, i64::MAX, -1, 253_402_300_800_000].map(Cell::Integer);
    let csv = one(Kind::Timestamp, &times, Format::Csv);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[1..3], ["-292275055-05-16T16:47:04.192Z", "+292278994-08-17T07:12:55.807Z"]);
    assert_eq!(lines[3..], ["1969-12-31T23:59:59.999Z", "+010000-01-01T00:00:00Z"]);
}

#[test]
fn formats_are_found_by_their_names() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
    }
    let error = "xml".parse::<Format>().unwrap_err();
    assert_eq!(error.to_string(), "'xml' is no format: use table, json, ndjson, csv, arrow or parquet");
}

struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_has_gone_is_told_from_a_fault_in_every_format() {
    for format in Format::ALL {
        let error = sample().write(format, 20, &mut Closed).unwrap_err();
        assert!(error.is_broken_pipe(), "{format}: {error}");
    }
}

fn read_arrow(bytes: &[u8]) -> Vec<RecordBatch> {
    arrow_ipc::reader::StreamReader::try_new(bytes, None).unwrap().map(Result::unwrap).collect()
}

fn read_parquet(bytes: Vec<u8>) -> Vec<RecordBatch> {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

fn cell(array: &dyn Array, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Boolean => Cell::Boolean(array.as_boolean().value(row)),
        DataType::Int64 => Cell::Integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => text(array.as_string::<i32>().value(row)),
        DataType::Binary => Cell::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Timestamp(TimeUnit::Millisecond, Some(zone)) if &**zone == "UTC" => {
            Cell::Integer(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        DataType::Decimal128(19, _) => {
            Cell::Integer(array.as_primitive::<Decimal128Type>().value(row).try_into().unwrap())
        }
        other => panic!("unexpected type {other}"),
    }
}

fn check_batches(rows: &Rows, cells: &[Vec<Cell>], batches: &[RecordBatch]) {
    let mut expected = cells.iter();
    for batch in batches {
        for (field, column) in rows.fields.iter().zip(batch.schema().fields()) {
            assert_eq!(&field.name, column.name());
            if let (Kind::Decimal(digits), DataType::Decimal128(_, scale)) = (&field.kind, column.data_type())
            {
                assert_eq!(*digits as i8, *scale);
            }
        }
        for row in 0..batch.num_rows() {
            let found: Vec<Cell> = batch.columns().iter().map(|array| cell(array, row)).collect();
            assert_eq!(&found, expected.next().unwrap());
        }
    }
    assert_eq!(expected.next(), None);
}

/// Larger than one batch and one row group's share of a write.
#[test]
fn many_rows_survive_arrow_and_parquet() {
    let fields = vec![field("k", Kind::Text), field("n", Kind::Decimal(3))];
    let cells: Vec<Vec<Cell>> =
        (0..150_000).map(|i| vec![text(&format!("key {}", i % 1000)), Cell::Integer(i)]).collect();
    let rows = rows(fields, &cells);
    let batches = read_arrow(&written(&rows, Format::Arrow));
    assert_eq!(batches.len(), 3);
    check_batches(&rows, &cells, &batches);
    check_batches(&rows, &cells, &read_parquet(written(&rows, Format::Parquet)));
}

fn any_cell(kind: &Kind) -> BoxedStrategy<Cell> {
    let present = match kind {
        Kind::Boolean => any::<bool>().prop_map(Cell::Boolean).boxed(),
        Kind::Float => {
            let number = prop_oneof![any::<f64>(), (-1000..1000i32).prop_map(|n| f64::from(n) / 8.0)];
            number.prop_map(Cell::Float).boxed()
        }
        Kind::Text => prop_oneof![any::<String>(), "[a\"',\r\n ]{0,4}"].prop_map(|t| text(&t)).boxed(),
        Kind::Binary => prop::collection::vec(any::<u8>(), 0..8).prop_map(Cell::Bytes).boxed(),
        Kind::Json => {
            any::<(i64, String)>().prop_map(|(n, t)| text(&json!({ "n": n, "t": [t] }).to_string())).boxed()
        }
        Kind::Timestamp => {
            let moment =
                prop_oneof![-62_167_219_200_000..253_402_300_800_000i64, (0..9999i64).prop_map(|s| s * 1000)];
            moment.prop_map(Cell::Integer).boxed()
        }
        _ => prop_oneof![any::<i64>(), -1000..1000i64].prop_map(Cell::Integer).boxed(),
    };
    prop_oneof![4 => present, 1 => Just(Cell::Null)].boxed()
}

fn any_rows() -> impl Strategy<Value = Vec<Vec<Cell>>> {
    let row: Vec<BoxedStrategy<Cell>> = KINDS.iter().map(any_cell).collect();
    prop::collection::vec(row, 0..20)
}

fn all_fields() -> Vec<Field> {
    KINDS.iter().enumerate().map(|(i, kind)| field(&format!("{kind} \"{i}\""), kind.clone())).collect()
}

/// The decimal that a text of digits stands for, x 10^digits.
fn scaled(text: &str, digits: u8) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert_eq!(fraction.len(), digits as usize, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

fn moment(text: &str) -> i64 {
    assert!(text.ends_with('Z'), "{text}");
    assert!(!text.contains(".000"), "{text}");
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

/// What a JSON value says, by a reader that shares nothing with the writer.
fn from_json(kind: &Kind, value: &serde_json::Value) -> Cell {
    match (kind, value) {
        (_, serde_json::Value::Null) => Cell::Null,
        (Kind::Boolean, value) => Cell::Boolean(value.as_bool().unwrap()),
        (Kind::Integer, serde_json::Value::String(digits)) => {
            let number: i64 = digits.parse().unwrap();
            assert!(number.unsigned_abs() > 1 << 53);
            Cell::Integer(number)
        }
        (Kind::Integer, value) => Cell::Integer(value.as_i64().unwrap()),
        (Kind::Float, value) => Cell::Float(value.to_string().parse().unwrap()),
        (Kind::Text, value) => text(value.as_str().unwrap()),
        (Kind::Binary, value) => {
            Cell::Bytes(base64::prelude::BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap())
        }
        (Kind::Timestamp, value) => Cell::Integer(moment(value.as_str().unwrap())),
        (Kind::Decimal(digits), value) => Cell::Integer(scaled(&value.to_string(), *digits)),
        (_, value) => text(&value.to_string()),
    }
}

fn from_csv(kind: &Kind, value: &str) -> Cell {
    match kind {
        Kind::Boolean => Cell::Boolean(value.parse().unwrap()),
        Kind::Integer => Cell::Integer(value.parse().unwrap()),
        Kind::Float => Cell::Float(value.parse().unwrap()),
        Kind::Binary => Cell::Bytes(base64::prelude::BASE64_STANDARD.decode(value).unwrap()),
        Kind::Timestamp => Cell::Integer(moment(value)),
        Kind::Decimal(digits) => Cell::Integer(scaled(value, *digits)),
        _ => text(value),
    }
}

/// NaN and infinities read back as null.
fn as_written(cells: &[Vec<Cell>]) -> Vec<Vec<Cell>> {
    let one = |cell: &Cell| match cell {
        Cell::Float(number) if !number.is_finite() => Cell::Null,
        cell => cell.clone(),
    };
    cells.iter().map(|row| row.iter().map(one).collect()).collect()
}

proptest! {
    #[test]
    fn rows_in_json_and_ndjson_read_back_as_they_were(cells in any_rows()) {
        let rows = rows(all_fields(), &cells);
        let expected = as_written(&cells);
        let row = |object: &serde_json::Map<String, serde_json::Value>| -> Vec<Cell> {
            assert_eq!(object.len(), rows.fields.len());
            rows.fields.iter().map(|field| from_json(&field.kind, &object[&field.name])).collect()
        };
        let lines: Vec<Vec<Cell>> = printed(&rows, Format::Ndjson)
            .lines()
            .map(|line| row(&serde_json::from_str(line).unwrap()))
            .collect();
        prop_assert_eq!(&lines, &expected);
        let array: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(&printed(&rows, Format::Json)).unwrap();
        prop_assert_eq!(array.iter().map(row).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn rows_in_csv_read_back_as_they_were(cells in any_rows()) {
        let rows = rows(all_fields(), &cells);
        let printed = printed(&rows, Format::Csv);
        let mut reader = csv::Reader::from_reader(printed.as_bytes());
        let names: Vec<String> = rows.fields.iter().map(|field| field.name.clone()).collect();
        prop_assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), names);
        // This reader takes null and the empty text for the same.
        let empty_is_null = |cell: Cell| if cell == text("") { Cell::Null } else { cell };
        for (record, expected) in reader.records().zip(as_written(&cells)) {
            let record = record.unwrap();
            let found = record.iter().zip(&rows.fields);
            let found: Vec<Cell> =
                found.map(|(value, field)| if value.is_empty() { Cell::Null } else { from_csv(&field.kind, value) }).collect();
            prop_assert_eq!(found, expected.into_iter().map(empty_is_null).collect::<Vec<_>>());
        }
        let count = csv::Reader::from_reader(printed.as_bytes()).records().count();
        prop_assert_eq!(count, cells.len());
    }

    #[test]
    fn rows_in_arrow_and_parquet_read_back_as_they_were(cells in any_rows()) {
        let rows = rows(all_fields(), &cells);
        let expected = as_written(&cells);
        check_batches(&rows, &expected, &read_arrow(&written(&rows, Format::Arrow)));
        check_batches(&rows, &expected, &read_parquet(written(&rows, Format::Parquet)));
    }

    #[test]
    fn rows_written_in_pieces_are_the_same_rows(cells in any_rows(), cut in 0..20usize) {
        let cut = cut.min(cells.len());
        let whole = rows(all_fields(), &cells);
        for format in [Format::Table, Format::Json, Format::Ndjson, Format::Csv] {
            let mut out = Vec::new();
            let mut writer = Writer::new(format, &whole.fields, usize::MAX, &mut out).unwrap();
            for part in [&cells[..cut], &cells[cut..]] {
                let part = rows(all_fields(), part);
                writer.write(&part.columns, part.count).unwrap();
            }
            writer.finish().unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), printed(&whole, format));
        }
    }

    /// A text heap shared by rows, with values that no row uses.
    #[test]
    fn a_dictionary_prints_as_its_values(codes in prop::collection::vec(0..3u32, 0..9), unused in 0..30usize) {
        let heap = ["a", "\"", "ü"];
        let mut column = Column::default();
        codes.iter().for_each(|code| column.fixed.extend_from_slice(&code.to_le_bytes()));
        heap.iter().copied().chain((0..unused).map(|_| "unused")).for_each(|value| column.heap.push(value.as_bytes()));
        let coded = Rows::new(vec![field("v", Kind::Text)], vec![column], codes.len());
        let plain: Vec<Vec<Cell>> = codes.iter().map(|code| vec![text(heap[*code as usize])]).collect();
        let plain = rows(vec![field("v", Kind::Text)], &plain);
        for format in Format::ALL {
            prop_assert_eq!(written(&coded, format), written(&plain, format), "{}", format);
        }
    }
}
