//! Tables of cells against plain maps: merged in any portions, overlaid at any offset, compacted.

use bifocal::calls::Calls;
use bifocal::table::Table;
use generator::rng::Rng;
use oracle_tests::cases;
use oracle_tests::mock::{KEYS, Lists, Row, chunk, encoded, key_of, rows, straight};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A table of the rows, folded in portions of up to `most` rows.
fn table(lists: &Arc<Lists>, rows: &[Row], below: Option<&Table>, rng: &mut Rng, most: u64) -> Table {
    let calls = Calls::new(lists.clone(), Arc::default());
    let (mut table, mut rest) = (Table::default(), rows);
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(rest.len().min(1 + rng.below(most) as usize));
        for part in calls.fold(&chunk(piece)).unwrap().parts {
            table.absorb(&calls, &part, &lists.left(below)).unwrap();
        }
        rest = tail;
    }
    table
}

fn overlaid(lists: &Arc<Lists>, rows: &[Row], cut: usize, whole: bool, rng: &mut Rng) -> Table {
    let most = *rng.pick(&[1, 3, 50]);
    let base = table(lists, &rows[..cut], None, rng, most);
    let above = table(lists, &rows[cut..], Some(&base), rng, most);
    let calls = Calls::new(lists.clone(), Arc::default());
    base.overlaid(&calls, &above, whole).unwrap()
}

#[test]
fn an_overlay_at_any_offset_is_the_whole() {
    cases::each(400, |_, rng| {
        let count = rng.between(0, 90) as usize;
        let rows = rows(rng, count);
        let (windowed, whole) = (rng.chance(1, 2), rng.chance(1, 2));
        let lists = Arc::new(Lists::new().shaped(windowed, whole));
        let cut = rng.below(count as u64 + 1) as usize;
        let overlaid = overlaid(&lists, &rows, cut, whole, rng);
        assert_eq!(lists.view(&overlaid), straight(&rows, windowed, &BTreeMap::new()).0);
        assert_eq!(overlaid.broken_count(), 0);
    });
}

#[test]
fn a_cell_that_broke_once_stays_broken_and_harms_no_other() {
    cases::each(300, |_, rng| {
        let rows = rows(rng, 60);
        let windowed = rng.chance(1, 2);
        let bad: BTreeSet<i64> = (0..60).filter(|_| rng.chance(1, 20)).collect();
        let mut lists = Lists::new().shaped(windowed, true);
        lists.unmergeable = bad.clone();
        let lists = Arc::new(lists);
        let cut = rng.below(61) as usize;
        let overlaid = overlaid(&lists, &rows, cut, true, rng);
        let mut expected = straight(&rows, windowed, &BTreeMap::new()).0;
        let cells = expected.len();
        expected.retain(|_, values| values.iter().all(|value| !bad.contains(value)));
        assert_eq!(lists.view(&overlaid), expected);
        assert_eq!((overlaid.len(), overlaid.broken_count()), (cells, cells - expected.len()));
        let broken = overlaid.iter_sorted().filter_map(|cell| cell.broken);
        assert!(broken.into_iter().all(|cause| cause.starts_with("merge trapped: cannot merge ")));
    });
}

#[test]
fn cells_come_sorted_by_key_then_window_and_are_found() {
    let lists = Arc::new(Lists::new().shaped(true, false));
    let rng = &mut Rng::new(11);
    let rows = rows(rng, 300);
    let table = table(&lists, &rows, None, rng, 40);
    let cells: Vec<_> = table.iter_sorted().map(|cell| (key_of(cell.key), cell.window)).collect();
    let expected: Vec<_> = straight(&rows, true, &BTreeMap::new()).0.into_keys().collect();
    // Null first, text by bytes: as Option<&str> sorts.
    assert_eq!(cells, expected);
    for (key, window) in cells {
        assert_eq!(table.find(&encoded(key), window).map(|cell| cell.window), Some(window));
    }
    assert_eq!(table.find(&encoded(KEYS[0]), 1), None);
    assert_eq!(table.find(b"", 0), None);
}

/// States that grow leave their old places behind: these must be given back, and nothing else lost. What is
/// left behind is at most as much as there is, or a mebibyte, and as much again is room to grow.
#[test]
fn what_growing_states_leave_behind_is_given_back() {
    let lists = Arc::new(Lists::new());
    let calls = Calls::new(lists.clone(), Arc::default());
    let rng = &mut Rng::new(12);
    let rows = rows(rng, 6_000);
    let mut table = Table::default();
    for row in rows.chunks(3) {
        for part in calls.fold(&chunk(row)).unwrap().parts {
            table.absorb(&calls, &part, &lists.left(None)).unwrap();
        }
        let live: usize = table.iter_sorted().map(|cell| cell.state.len()).sum();
        let most = 2 * (2 * live + (1 << 20)) + 8192;
        assert!(table.bytes() < most, "{} bytes for {live}", table.bytes());
    }
    assert_eq!(lists.view(&table), straight(&rows, false, &BTreeMap::new()).0);
}
