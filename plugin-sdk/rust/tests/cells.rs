//! Cells: keys of every kind, windows, rejections that leave no trace; against straight loops.

use std::collections::BTreeMap;

use bifocal_sdk::column::Column;
use bifocal_sdk::testing::Bench;
use bifocal_sdk::*;
use proptest::prelude::*;

#[derive(Event)]
struct Swipe<'a> {
    card: &'a str,
    door: Option<&'a str>,
    n: i64,
    #[event(path = "at")]
    at: Option<Timestamp>,
}

#[derive(Key)]
struct Pair<'a> {
    a: &'a str,
    b: Option<&'a str>,
}

/// The same with texts that are numbered.
#[derive(Event)]
struct Numbered<'a> {
    card: Text<'a>,
    door: Option<Text<'a>>,
    n: i64,
    #[event(path = "at")]
    at: Option<Timestamp>,
}

#[derive(Key)]
struct NumberedPair<'a> {
    a: Text<'a>,
    b: Option<Text<'a>>,
}

#[derive(State)]
struct Free {
    sum: Sum<i64>,
    count: Count,
}

/// A state whose bytes tell the order in which it saw its events.
#[derive(State)]
struct InOrder {
    first: FirstSeen<i64>,
    last: LastSeen<i64>,
    sum: Sum<i64>,
}

macro_rules! swipes {
    ($name:ident, $state:ident, [$($argument:tt)*], |$cell:ident, $n:ident| $add:expr) => {
        swipes!($name, Swipe, Pair, $state, [$($argument)*], |$cell, $n| $add);

        mod $name {
            use super::*;
            swipes!(numbered, Numbered, NumberedPair, $state, [$($argument)*], |$cell, $n| $add);
        }
    };
    (
        $name:ident, $event:ident, $key:ident, $state:ident, [$($argument:tt)*],
        |$cell:ident, $n:ident| $add:expr
    ) => {
        #[transform($($argument)*)]
        pub fn $name(swipe: $event, out: &mut Cells<$key, $state>) -> Result<(), Reject> {
            let key = $key { a: swipe.card, b: swipe.door };
            let time = swipe.at.unwrap_or(out.time());
            let $n = swipe.n;
            if $n == 13 {
                reject!("13 before a cell");
            }
            let $cell = out.cell_at(time, key);
            $add;
            if $n == 14 {
                out.cell($key { a: swipe.card, b: None });
                reject!("14 after two cells");
            }
            Ok(())
        }
    };
}

swipes!(global, Free, [], |cell, n| {
    cell.sum.add(n);
    cell.count.add(1)
});
swipes!(tumbling, Free, [window = "10ms"], |cell, n| {
    cell.sum.add(n);
    cell.count.add(1)
});
swipes!(hopping, Free, [window = "20ms", slide = "5ms"], |cell, n| {
    cell.sum.add(n);
    cell.count.add(1)
});
swipes!(tumbling_in_order, InOrder, [window = "10ms"], |cell, n| {
    cell.first.see(n);
    cell.last.see(n);
    cell.sum.add(n)
});
swipes!(hopping_in_order, InOrder, [window = "20ms", slide = "5ms"], |cell, n| {
    cell.first.see(n);
    cell.last.see(n);
    cell.sum.add(n)
});

#[derive(Clone, Debug)]
struct Row {
    time: i64,
    card: String,
    door: Option<String>,
    n: i64,
    at: Option<i64>,
}

fn row() -> impl Strategy<Value = Row> {
    let door = proptest::option::of("[ab]");
    (-40..40_i64, "[a-c]{0,2}", door, 10..20_i64, proptest::option::weighted(0.2, -40..40_i64))
        .prop_map(|(time, card, door, n, at)| Row { time, card, door, n, at })
}

fn bench(plugin: &'static dyn Plugin, rows: &[Row]) -> Bench {
    let mut bench = Bench::new(plugin).unwrap();
    for row in rows {
        let door = row.door.as_ref().map_or("null".into(), |door| format!("\"{door}\""));
        let at = row.at.map_or("null".into(), |at| at.to_string());
        let payload = format!(r#"{{"card":"{}","door":{door},"n":{},"at":{at}}}"#, row.card, row.n);
        bench.append_at(Timestamp(row.time), &payload);
    }
    bench
}

type Cell = (String, Option<String>, Option<i64>);

/// The numbers of each cell in the order of the log, by plain loops.
fn straight(rows: &[Row], window: Option<(i64, i64)>) -> BTreeMap<Cell, Vec<i64>> {
    let mut cells: BTreeMap<Cell, Vec<i64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.n != 13 && row.n != 14) {
        let time = row.at.unwrap_or(row.time);
        let starts: Vec<Option<i64>> = match window {
            None => vec![None],
            Some((size, slide)) => (-100..100)
                .filter(|start| start % slide == 0 && (*start..start + size).contains(&time))
                .map(Some)
                .collect(),
        };
        for start in starts {
            cells.entry((row.card.clone(), row.door.clone(), start)).or_default().push(row.n);
        }
    }
    cells
}

/// Rows as the bench prints them, `outputs` from the numbers of a cell.
fn printed(cells: &BTreeMap<Cell, Vec<i64>>, outputs: fn(&[i64]) -> String) -> Vec<String> {
    let row = |((a, b, start), numbers): (&Cell, &Vec<i64>)| {
        let b = b.as_ref().map_or("null".into(), |b| format!("\"{b}\""));
        let window = start.map_or(String::new(), |start| format!("\"window\":\"{}\",", Timestamp(start)));
        format!("{{\"a\":\"{a}\",\"b\":{b},{window}{}}}", outputs(numbers))
    };
    cells.iter().map(row).collect()
}

fn free(numbers: &[i64]) -> String {
    format!("\"sum\":{},\"count\":{}", numbers.iter().sum::<i64>(), numbers.len())
}

fn in_order(numbers: &[i64]) -> String {
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    format!("\"first\":{first},\"last\":{last},\"sum\":{}", numbers.iter().sum::<i64>())
}

fn check(
    plugin: &'static dyn Plugin,
    rows: &[Row],
    window: Option<(i64, i64)>,
    outputs: fn(&[i64]) -> String,
) {
    let bench = bench(plugin, rows);
    assert_eq!(bench.rows().unwrap(), printed(&straight(rows, window), outputs));
    let rejected: Vec<(i64, String)> = (0..)
        .zip(rows)
        .filter_map(|(offset, row)| match row.n {
            13 => Some((offset, "13 before a cell".into())),
            14 => Some((offset, "14 after two cells".into())),
            _ => None,
        })
        .collect();
    assert_eq!(bench.rejected().unwrap(), rejected);
    bench.check_laws().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn cells_are_those_of_a_straight_loop(rows in proptest::collection::vec(row(), 0..24)) {
        check(global(), &rows, None, free);
        check(tumbling(), &rows, Some((10, 10)), free);
        check(hopping(), &rows, Some((20, 5)), free);
        check(tumbling_in_order(), &rows, Some((10, 10)), in_order);
        check(hopping_in_order(), &rows, Some((20, 5)), in_order);
    }

    #[test]
    fn so_are_those_of_numbered_keys(rows in proptest::collection::vec(row(), 0..40)) {
        check(global::numbered(), &rows, None, free);
        check(tumbling::numbered(), &rows, Some((10, 10)), free);
        check(hopping::numbered(), &rows, Some((20, 5)), free);
        check(tumbling_in_order::numbered(), &rows, Some((10, 10)), in_order);
        check(hopping_in_order::numbered(), &rows, Some((20, 5)), in_order);
    }
}

fn swipe(time: i64, card: &str, n: i64) -> Row {
    Row { time, card: card.into(), door: None, n, at: None }
}

#[test]
fn a_rejected_row_leaves_no_trace_not_even_a_cell() {
    let rows = [swipe(1, "a", 1), swipe(2, "a", 14), swipe(3, "b", 14), swipe(4, "a", 2)];
    for plugin in [tumbling(), hopping(), tumbling_in_order(), hopping_in_order()] {
        let all = bench(plugin, &rows);
        let accepted = bench(plugin, &[swipe(1, "a", 1), swipe(4, "a", 2)]);
        assert_eq!(all.rows().unwrap(), accepted.rows().unwrap());
        assert_eq!(all.rejected().unwrap().len(), 2);
        all.check_laws().unwrap();
    }
}

#[test]
fn a_chunk_of_nothing_but_rejected_rows_has_no_cell() {
    let bench = bench(tumbling(), &[swipe(1, "a", 14), swipe(2, "b", 13)]);
    let folded = tumbling().fold("{}", &bench.events(0, 2)).unwrap();
    assert_eq!(folded.cells.states.len(), 0);
    assert_eq!(folded.rejected.iter().map(|one| one.row).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn windows_of_negative_times_begin_before_them() {
    let bench =
        bench(tumbling(), &[swipe(-1, "a", 1), swipe(-10, "a", 2), swipe(-11, "a", 4), swipe(0, "a", 8)]);
    assert_eq!(
        bench.rows().unwrap(),
        [
            r#"{"a":"a","b":null,"window":"1969-12-31T23:59:59.980Z","sum":4,"count":1}"#,
            r#"{"a":"a","b":null,"window":"1969-12-31T23:59:59.990Z","sum":3,"count":2}"#,
            r#"{"a":"a","b":null,"window":"1970-01-01T00:00:00Z","sum":8,"count":1}"#,
        ]
    );
}

#[derive(Event)]
struct Transfer<'a> {
    from: &'a str,
    to: &'a str,
}

#[derive(Key)]
struct Account<'a> {
    account: &'a str,
}

#[derive(State)]
struct Moves {
    moves: LastSeen<String>,
    count: Count,
}

/// Two columns, so two dictionaries, and a text that is in neither: one account lies in three places.
#[transform(window = "1h")]
fn transfers(transfer: Transfer, out: &mut Cells<Account, Moves>) -> Result<(), Reject> {
    for (account, label) in [(transfer.from, "out"), (transfer.to, "in"), ("bank", "fee")] {
        let cell = out.cell(Account { account });
        cell.moves.see(label);
        cell.count.add(1);
    }
    Ok(())
}

#[derive(Event)]
struct NumberedTransfer<'a> {
    from: Text<'a>,
    to: Text<'a>,
}

#[derive(Key)]
struct NumberedAccount<'a> {
    account: Text<'a>,
}

/// The same of numbered keys: one number means two texts, and a text has two numbers.
#[transform(window = "1h")]
fn numbered_transfers(
    transfer: NumberedTransfer,
    out: &mut Cells<NumberedAccount, Moves>,
) -> Result<(), Reject> {
    for (account, label) in [(transfer.from, "out"), (transfer.to, "in")] {
        let cell = out.cell(NumberedAccount { account });
        cell.moves.see(label);
        cell.count.add(1);
    }
    Ok(())
}

#[test]
fn a_number_is_of_its_dictionary_alone() {
    let mut bench = Bench::new(numbered_transfers()).unwrap();
    for (from, to) in [("a", "b"), ("b", "a"), ("b", "c"), ("a", "b"), ("c", "c")] {
        bench.append(&format!(r#"{{"from":"{from}","to":"{to}"}}"#));
    }
    assert_eq!(
        bench.rows().unwrap(),
        [
            r#"{"account":"a","window":"1970-01-01T00:00:00Z","moves":"out","count":3}"#,
            r#"{"account":"b","window":"1970-01-01T00:00:00Z","moves":"in","count":4}"#,
            r#"{"account":"c","window":"1970-01-01T00:00:00Z","moves":"in","count":3}"#,
        ]
    );
    bench.check_laws().unwrap();
}

#[test]
fn equal_keys_from_different_places_are_one_cell_in_log_order() {
    let mut bench = Bench::new(transfers()).unwrap();
    for (from, to) in [("a", "b"), ("b", "a"), ("bank", "a"), ("c", "bank"), ("", "c")] {
        bench.append(&format!(r#"{{"from":"{from}","to":"{to}"}}"#));
    }
    assert_eq!(
        bench.rows().unwrap(),
        [
            r#"{"account":"","window":"1970-01-01T00:00:00Z","moves":"out","count":1}"#,
            r#"{"account":"a","window":"1970-01-01T00:00:00Z","moves":"in","count":3}"#,
            r#"{"account":"b","window":"1970-01-01T00:00:00Z","moves":"out","count":2}"#,
            r#"{"account":"bank","window":"1970-01-01T00:00:00Z","moves":"fee","count":7}"#,
            r#"{"account":"c","window":"1970-01-01T00:00:00Z","moves":"in","count":2}"#,
        ]
    );
    bench.check_laws().unwrap();
}

#[test]
fn key_columns_hold_each_text_once_and_no_needless_validity() {
    let mut bench = Bench::new(transfers()).unwrap();
    for i in 0..500 {
        bench.append_at(Timestamp(i * 7_200_000), &format!(r#"{{"from":"a{}","to":"a{}"}}"#, i % 7, i % 11));
    }
    let folded = transfers().fold("{}", &bench.events(0, 500)).unwrap();
    let Column { fixed, heap, validity } = &folded.cells.keys[0];
    assert_eq!(fixed.len(), 4 * folded.cells.states.len());
    let mut texts: Vec<&[u8]> = heap.iter().collect();
    texts.sort();
    texts.dedup();
    assert_eq!((texts.len(), heap.len()), (12, 12));
    assert!(validity.is_empty());
    assert_eq!(folded.cells.windows.len(), 8 * folded.cells.states.len());
}

#[derive(Event)]
struct Reading {
    device: i64,
    ok: bool,
    price: Decimal<2>,
    at: Option<Timestamp>,
    level: Option<i32>,
}

#[derive(Key)]
struct Wide {
    device: i64,
    ok: bool,
    price: Decimal<2>,
    at: Option<Timestamp>,
    level: Option<i32>,
    computed: String,
    bytes: Vec<u8>,
}

#[derive(State)]
struct Readings {
    count: Count,
}

#[transform]
fn readings(reading: Reading, out: &mut Cells<Wide, Readings>) -> Result<(), Reject> {
    let Reading { device, ok, price, at, level } = reading;
    let computed = format!("device {}", device % 2);
    let bytes = vec![u8::from(ok)];
    out.cell(Wide { device, ok, price, at, level, computed, bytes }).count.add(1);
    Ok(())
}

#[test]
fn every_kind_of_key_part_makes_its_column() {
    let mut bench = Bench::new(readings()).unwrap();
    for _ in 0..2 {
        bench.append(r#"{"device":-3,"ok":true,"price":1.5,"at":"2026-11-20T21:00:00Z","level":-1}"#);
        bench.append(r#"{"device":-3,"ok":true,"price":1.5,"level":-1}"#);
        bench.append(r#"{"device":4,"ok":false,"price":-1.5}"#);
    }
    assert_eq!(
        bench.rows().unwrap(),
        [
            r#"{"device":-3,"ok":true,"price":1.50,"at":null,"level":-1,"computed":"device -1","bytes":"AQ==","count":2}"#,
            r#"{"device":-3,"ok":true,"price":1.50,"at":"2026-11-20T21:00:00Z","level":-1,"computed":"device -1","bytes":"AQ==","count":2}"#,
            r#"{"device":4,"ok":false,"price":-1.50,"at":null,"level":null,"computed":"device 0","bytes":"AA==","count":2}"#,
        ]
    );
    bench.check_laws().unwrap();
}

/// Lifetimes may be named too.
#[transform(window = "1h")]
fn named<'a>(transfer: Transfer<'a>, out: &mut Cells<Account<'a>, Moves>) -> Result<(), Reject> {
    out.cell(Account { account: transfer.from }).moves.see(transfer.to);
    Ok(())
}

#[test]
fn a_transform_may_name_its_lifetimes() {
    let mut bench = Bench::new(named()).unwrap();
    bench.append(r#"{"from":"a","to":"b"}"#);
    assert_eq!(
        bench.rows().unwrap(),
        [r#"{"account":"a","window":"1970-01-01T00:00:00Z","moves":"b","count":0}"#]
    );
}
