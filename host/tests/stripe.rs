//! The bytes of cached columns: they come back as they went in, and no other bytes do harm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bifocal::column::{Builder, Value};
use bifocal::description::Kind;
use bifocal::stripe::{Error, Projected, Wrong, decode, decode_times, encode, encode_times};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const KINDS: [Kind; 8] = [
    Kind::Boolean,
    Kind::Integer,
    Kind::Float,
    Kind::Text,
    Kind::Binary,
    Kind::Timestamp,
    Kind::Decimal(2),
    Kind::Json,
];

/// What one row has.
#[derive(Clone, Debug)]
enum Row {
    Value(i64),
    Nothing,
    Null,
    Wrong(bool, String),
}

fn row(weight: u32, numbers: impl Strategy<Value = i64> + 'static) -> impl Strategy<Value = Row> {
    prop_oneof![
        weight => numbers.prop_map(Row::Value),
        1 => Just(Row::Nothing),
        1 => Just(Row::Null),
        1 => (any::<bool>(), "\\PC{0,20}").prop_map(|(malformed, reason)| Row::Wrong(malformed, reason)),
    ]
}

/// Rows whose numbers take 0, 1, 2, 4 or 8 bytes above their least one.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let spans = select(&[0i64, 200, 60_000, 4_000_000_000, i64::MAX][..]);
    (spans, select(&[0i64, -7, i64::MIN, 1_700_000_000_000][..]), select(&[3u32, 500][..])).prop_flat_map(
        |(span, from, weight)| {
            let numbers = (0..=span).prop_map(move |above| from.wrapping_add(above));
            vec(row(weight, numbers), 0..400)
        },
    )
}

fn projected(kind: &Kind, rows: &[Row]) -> Projected {
    let (mut builder, mut wrong) = (Builder::default(), Vec::new());
    let mut nulls = vec![0; rows.len().div_ceil(8)];
    for (at, row) in rows.iter().enumerate() {
        match row {
            Row::Value(number) => builder.push(kind, value(kind, *number, &number.to_string())),
            Row::Nothing => builder.push(kind, Value::Absent),
            Row::Null => {
                builder.push(kind, Value::Absent);
                nulls[at / 8] |= 1 << (at % 8);
            }
            Row::Wrong(malformed, reason) => {
                builder.push(kind, Value::Absent);
                wrong.push(Wrong { row: at as u32, malformed: *malformed, reason: reason.clone() });
            }
        }
    }
    if nulls.iter().all(|byte| *byte == 0) {
        nulls.clear();
    }
    let mut column = builder.finish();
    if *kind == Kind::Text {
        blank_codes(&mut column);
    }
    Projected { column, nulls, wrong }
}

/// The code of absent rows is 0, whatever the builder gave them.
fn blank_codes(column: &mut bifocal::column::Column) {
    for row in 0..column.fixed.len() / 4 {
        if !column.is_present(row) {
            column.fixed[row * 4..row * 4 + 4].fill(0);
        }
    }
}

fn value<'a>(kind: &Kind, number: i64, text: &'a str) -> Value<'a> {
    match kind {
        Kind::Boolean => Value::Boolean(number % 2 == 0),
        Kind::Integer | Kind::Timestamp | Kind::Decimal(_) => Value::Integer(number),
        Kind::Float => Value::Float(f64::from_bits(number as u64)),
        _ => Value::Bytes(text.as_bytes()),
    }
}

/// Whatever comes of bytes is well formed.
fn decoded(bytes: &[u8], kind: &Kind, rows: usize) {
    if let Ok(Projected { column, nulls, wrong }) = decode(bytes, kind, rows) {
        if *kind != Kind::Json {
            column.check(kind, rows, "column").expect("a well-formed column");
        }
        assert!(nulls.is_empty() || nulls.len() == rows.div_ceil(8));
        assert!(wrong.iter().all(|wrong| !column.is_present(wrong.row as usize)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_come_back_as_they_went_in(kind in select(&KINDS[..]), rows in rows()) {
        let projected = projected(&kind, &rows);
        let back = decode(&encode(&projected, &kind, rows.len()), &kind, rows.len()).expect("decoded");
        prop_assert_eq!(back, projected);
    }

    #[test]
    fn times_come_back_as_they_went_in(rows in rows()) {
        let times: Vec<i64> = rows.iter().filter_map(|row| if let Row::Value(ms) = row { Some(*ms) } else { None }).collect();
        prop_assert_eq!(decode_times(&encode_times(&times), times.len()), Ok(times));
    }

    #[test]
    fn bytes_that_were_cut_or_changed_do_no_harm(
        kind in select(&KINDS[..]),
        other in select(&KINDS[..]),
        rows in rows(),
        changes in vec((any::<Index>(), prop_oneof![any::<u8>(), select(&[0u8, 1, 2, 4, 8, 255][..])]), 0..4),
        head in vec((0usize..40, any::<u8>()), 0..2),
        cut in any::<Index>(),
    ) {
        let mut bytes = encode(&projected(&kind, &rows), &kind, rows.len());
        let whole = bytes.len();
        for length in [cut.index(whole), whole.saturating_sub(1)] {
            decoded(&bytes[..length], &kind, rows.len());
            prop_assert!(decode(&bytes[..length], &kind, rows.len()).is_err(), "cut bytes say so");
        }
        changes.into_iter().for_each(|(at, byte)| bytes[at.index(whole)] = byte);
        head.into_iter().filter(|(at, _)| *at < whole).for_each(|(at, byte)| bytes[at] = byte);
        for kind in [&kind, &other] {
            decoded(&bytes, kind, rows.len());
            decoded(&bytes, kind, rows.len() + 1);
        }
        let mut times = encode_times(&[1, 2, i64::MAX]);
        let place = cut.index(times.len());
        times[place] = times[place].wrapping_add(1);
        let _ = decode_times(&times, 3);
        prop_assert!(decode_times(&times[..place], 3).is_err());
    }

    #[test]
    fn any_bytes_do_no_harm(kind in select(&KINDS[..]), bytes in vec(prop_oneof![select(&[0u8, 1, 2, 3, 4, 8][..]), any::<u8>()], 0..200), rows in 0usize..20) {
        decoded(&bytes, &kind, rows);
        let _ = decode_times(&bytes, rows);
        let mut headed = vec![1, KINDS.iter().position(|other| *other == kind).unwrap_or(0) as u8, 0, 0];
        if kind == Kind::Decimal(2) {
            headed[2] = 2;
        }
        headed.extend_from_slice(&(rows as u32).to_le_bytes());
        headed.extend_from_slice(&bytes);
        decoded(&headed, &kind, rows);
    }
}

fn integers(numbers: &[i64]) -> Vec<u8> {
    let rows: Vec<Row> = numbers.iter().map(|number| Row::Value(*number)).collect();
    encode(&projected(&Kind::Integer, &rows), &Kind::Integer, rows.len())
}

#[test]
fn the_layout_is_the_documented_one() {
    assert_eq!(
        integers(&[1000, 1002, 1001]),
        [1, 1, 0, 1, 3, 0, 0, 0, 0, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0]
    );
    let rows = [Row::Value(7), Row::Null, Row::Wrong(true, "é".into()), Row::Value(7), Row::Value(8)];
    assert_eq!(
        encode(&projected(&Kind::Text, &rows), &Kind::Text, 5),
        [
            &[1, 3, 0, 1, 5, 0, 0, 0, 1, 0b10, 1, 0b10, 0, 0, 0, 0, 2][..],
            &[3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, b'7', b'8'],
            &[1, 0, 0, 0, 2, 0, 0, 0, 1, 2, 0, 0, 0, 0xc3, 0xa9],
        ]
        .concat()
    );
    assert_eq!(encode_times(&[5, 5]), [1, 0, 2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn marks_of_a_few_rows_are_a_list() {
    let rows: Vec<Row> = (0..800).map(|row| if row == 700 { Row::Nothing } else { Row::Value(1) }).collect();
    let bytes = encode(&projected(&Kind::Integer, &rows), &Kind::Integer, rows.len());
    assert_eq!(bytes[8..17], [2, 1, 0, 0, 0, 0xbc, 2, 0, 0]);
    assert_eq!(bytes.len(), 8 + 9 + 1 + 8 + 4);
}

#[test]
fn errors_name_what_is_wrong() {
    let good = integers(&[1, 2, 3]);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        decode(&bytes, &Kind::Integer, 3).unwrap_err()
    };
    let said = |error: Error| error.to_string();
    assert_eq!(said(with(0, 9)), "layout 9 of a column is unknown to this host, which knows 1");
    assert_eq!(said(with(1, 2)), "a column of kind code 2 with 0 digits where integer was expected");
    assert_eq!(said(with(3, 3)), "values: 3 bytes a row are not of this layout");
    assert_eq!(said(with(3, 8)), "values: 24 bytes are needed and 7 are left");
    assert_eq!(said(with(4, 4)), "a column of 4 rows where 3 were expected");
    assert_eq!(said(with(8, 3)), "absents: mark 3 is not of this layout");
    assert_eq!(said(with(21, 1)), "wrong: 4 bytes are needed and 0 are left");
    assert_eq!(said(decode(&[], &Kind::Text, 0).unwrap_err()), "header: 4 bytes are needed and 0 are left");
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(said(decode(&longer, &Kind::Integer, 3).unwrap_err()), "1 bytes are left behind the end");
}

#[test]
fn numbers_at_the_edge_of_a_width_come_back() {
    for greatest in [0, 1, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, i64::MAX] {
        for least in [0, -3, i64::MIN] {
            let times = [least, least.wrapping_add(greatest)];
            assert_eq!(decode_times(&encode_times(&times), 2), Ok(times.to_vec()));
        }
    }
    for values in [1, 2, 255, 256, 257, 65_536, 65_537] {
        let rows: Vec<Row> = (0..values).map(Row::Value).collect();
        let projected = projected(&Kind::Text, &rows);
        let back = decode(&encode(&projected, &Kind::Text, rows.len()), &Kind::Text, rows.len());
        assert!(back == Ok(projected), "{values} distinct texts");
    }
}

#[test]
fn a_code_must_have_a_text() {
    let rows = [Row::Value(7), Row::Value(8)];
    let mut bytes = encode(&projected(&Kind::Text, &rows), &Kind::Text, 2);
    assert_eq!(bytes[10..12], [0, 1]);
    bytes[11] = 2;
    assert_eq!(decode(&bytes, &Kind::Text, 2), Err(Error::Heap("code 2 of 2 values".into())));
}
