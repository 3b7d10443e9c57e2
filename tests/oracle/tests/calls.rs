//! Calls of a transform that misbehaves: what is rejected, what is broken, and what is not.

use bifocal::calls::{Calls, Verdicts};
use bifocal::column::Blobs;
use bifocal::limits::Limits;
use bifocal::table::Table;
use generator::rng::Rng;
use oracle_tests::cases;
use oracle_tests::mock::{Lists, Quirk, Row, chunk, encoded, rows, straight};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Some values that make trouble.
fn quirks(rng: &mut Rng, count: usize) -> Vec<(i64, Quirk)> {
    let kinds = [Quirk::Reject, Quirk::Fail, Quirk::Trap, Quirk::Stack, Quirk::Memory, Quirk::Loop];
    let share = *rng.pick(&[0, 2, 20, 100]);
    let values = (0..count as i64).filter(|_| rng.chance(share, 100)).collect::<Vec<_>>();
    values.into_iter().map(|value| (value, *rng.pick(&kinds))).collect()
}

#[test]
fn halves_give_what_single_rows_give() {
    cases::each(400, |_, rng| {
        let count = rng.between(0, 120) as usize;
        let (rows, quirks) = (rows(rng, count), quirks(rng, count));
        let (windowed, whole) = (rng.chance(1, 2), rng.chance(1, 2));
        let lists = Arc::new(Lists::new().with(&quirks).shaped(windowed, whole));
        let calls = Calls::new(lists.clone(), Arc::default());
        let (mut table, mut rejected, mut folded) = (Table::default(), Vec::new(), 0);
        for piece in rows.chunks(*rng.pick(&[1, 2, 7, 64, 1000])) {
            let outcome = calls.fold(&chunk(piece)).unwrap();
            for part in &outcome.parts {
                table.absorb(&calls, part, &lists.left(None)).unwrap();
            }
            rejected.extend(outcome.rejected.into_iter().map(|event| event.offset));
            folded += outcome.folded;
        }
        let bad: BTreeMap<i64, Quirk> = quirks.iter().copied().collect();
        let expected = straight(&rows, windowed, &bad);
        assert_eq!((lists.view(&table), rejected.clone()), expected);
        assert_eq!(folded as usize + rejected.len(), rows.len());
        assert_eq!(table.broken_count(), 0);
    });
}

#[test]
fn a_poisoned_row_is_rejected_alone_and_its_reason_names_the_cause() {
    let rows = rows(&mut Rng::new(3), 500);
    for (quirk, reason) in [
        (Quirk::Reject, "77 is unwanted"),
        (Quirk::Fail, "the transform failed: no 77 please"),
        (Quirk::Trap, "the transform trapped: met 77"),
        (Quirk::Stack, "the transform overflowed its stack of 1 bytes"),
        (Quirk::Memory, "the transform asked for more memory than 2 bytes"),
        (Quirk::Loop, "the transform ran out of fuel (2000000000 for one call)"),
    ] {
        for size in [1, 3, 500] {
            let calls = Calls::new(Arc::new(Lists::new().with(&[(77, quirk)])), Arc::default());
            let outcomes = rows.chunks(size).map(|piece| calls.fold(&chunk(piece)).unwrap());
            let rejected: Vec<_> = outcomes.flat_map(|outcome| outcome.rejected).collect();
            let seen: Vec<_> = rejected.iter().map(|event| (event.offset, event.reason.as_str())).collect();
            assert_eq!(seen, [(rows[77].offset, reason)], "{quirk:?}, {size} rows a chunk");
        }
    }
}

#[test]
fn a_failure_of_the_host_is_an_error_and_never_a_verdict() {
    let rows = rows(&mut Rng::new(4), 9);
    let calls = Calls::new(Arc::new(Lists::new().with(&[(5, Quirk::Host)])), Arc::default());
    let error = calls.fold(&chunk(&rows)).unwrap_err();
    assert_eq!(error.to_string(), "transform 'lists' could not be called: the host failed: no instance");
}

#[test]
fn a_stack_overflow_is_obeyed_by_a_machine_that_would_not_overflow() {
    cases::each(100, |_, rng| {
        let rows = rows(rng, 40);
        let quirks: Vec<_> = quirks(rng, 40).into_iter().map(|(value, _)| (value, Quirk::Stack)).collect();
        let verdicts = Arc::new(Verdicts::default());
        let small = Calls::new(Arc::new(Lists::new().with(&quirks)), verdicts.clone());
        let first: Vec<_> = small.fold(&chunk(&rows)).unwrap().rejected;
        let roomy = Arc::new(Lists::new());
        let calls = Calls::new(roomy.clone(), verdicts);
        let outcomes =
            rows.chunks(rng.between(1, 41) as usize).map(|piece| calls.fold(&chunk(piece)).unwrap());
        let second: Vec<_> = outcomes.flat_map(|outcome| outcome.rejected).collect();
        assert_eq!(first, second);
        assert_eq!(first.len(), quirks.len());
        let called: Vec<i64> = roomy.calls.lock().unwrap().concat();
        assert!(quirks.iter().all(|(value, _)| !called.contains(value)), "a recorded row was called again");
        assert_eq!(called.len() + quirks.len(), rows.len());
    });
}

#[test]
fn verdicts_other_than_stack_are_each_machines_own() {
    let rows = rows(&mut Rng::new(5), 8);
    let verdicts = Arc::new(Verdicts::default());
    let bad = Calls::new(Arc::new(Lists::new().with(&[(3, Quirk::Trap)])), verdicts.clone());
    assert_eq!(bad.fold(&chunk(&rows)).unwrap().rejected.len(), 1);
    let good = Calls::new(Arc::new(Lists::new()), verdicts);
    assert_eq!(good.fold(&chunk(&rows)).unwrap().rejected, []);
}

#[test]
fn a_lawful_but_slow_transform_gets_smaller_chunks_and_rejects_nothing() {
    let rows = rows(&mut Rng::new(6), 4096);
    let mut lists = Lists::new();
    lists.fuel_per_row = Limits::DEFAULT.fuel / 300;
    let lists = Arc::new(lists);
    let calls = Calls::new(lists.clone(), Arc::default());
    let first = calls.fold(&chunk(&rows[..2048])).unwrap();
    assert!(first.splits > 0);
    let bisecting = calls.bisecting();
    let second = calls.fold(&chunk(&rows[2048..])).unwrap();
    assert_eq!(second.splits, 0, "the chunk size was not lowered");
    assert!(bisecting > Duration::ZERO);
    assert_eq!(calls.bisecting(), bisecting, "no time went to finding what fails");
    assert_eq!((first.folded, second.folded), (2048, 2048));
    assert!(first.rejected.is_empty() && second.rejected.is_empty());
    let calls = lists.calls.lock().unwrap();
    assert!(calls.iter().rev().take(4).all(|values| values.len() == 256), "{:?}", calls.len());
}

#[test]
fn a_lower_limit_of_fuel_is_what_calls_are_given_and_sized_by() {
    let rows = rows(&mut Rng::new(8), 4096);
    let mut lists = Lists::new();
    lists.limits.fuel = 3_000_000;
    lists.fuel_per_row = 1_000;
    let lists = Arc::new(lists);
    let calls = Calls::new(lists.clone(), Arc::default());
    let outcome = calls.fold(&chunk(&rows)).unwrap();
    assert_eq!((outcome.folded, outcome.splits), (4096, 0));
    let sizes: Vec<usize> = lists.calls.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1024; 4], "a quarter of the fuel is 750 rows, but as many as tell are tried");
}

fn blobs(values: impl Iterator<Item = Vec<u8>>) -> Blobs {
    let mut blobs = Blobs::default();
    values.for_each(|value| blobs.push(&value));
    blobs
}

#[test]
fn merges_and_presents_that_met_a_limit_become_smaller_ones() {
    const CELLS: usize = 1000;
    let mut lists = Lists::new();
    lists.states_max = 300;
    let lists = Arc::new(lists);
    let calls = Calls::new(lists.clone(), Arc::default());
    let state = |value: usize| (value as i64).to_le_bytes();
    let states = blobs((0..CELLS).map(|value| state(value).to_vec()));
    let sizes = || std::mem::take(&mut *lists.state_calls.lock().unwrap());
    let sizes_of = [vec![1000, 500, 250, 250, 500, 250, 250], vec![500, 250, 250, 250, 250], vec![250; 4]];
    for expected in sizes_of.clone() {
        let merged = calls.merge(&states, &states).unwrap();
        assert!(merged.broken.is_empty() && merged.states.len() == CELLS);
        assert!((0..CELLS).all(|i| merged.states.get(i) == [state(i), state(i)].concat()));
        assert_eq!(sizes(), expected);
    }
    let keys = blobs((0..CELLS).map(|_| encoded(None)));
    for expected in sizes_of {
        let presented = calls.present(&keys, &[0; CELLS], &states).unwrap();
        assert!(presented.broken.is_empty());
        assert_eq!(presented.columns[1].fixed, states.bytes);
        assert_eq!(sizes(), expected);
    }
}

/// One state that takes nearly all of a call's fuel alone fails every call of several: that says little of others.
#[test]
fn a_few_dear_states_do_not_make_merges_small_for_good() {
    let mut lists = Lists::new();
    lists.dear = Some(7);
    let lists = Arc::new(lists);
    let calls = Calls::new(lists.clone(), Arc::default());
    let states = |from: i64| blobs((from..from + 1024).map(|value| value.to_le_bytes().to_vec()));
    let merge = |from: i64| {
        let merged = calls.merge(&states(from), &states(from)).unwrap();
        assert!(merged.broken.is_empty());
        std::mem::take(&mut *lists.state_calls.lock().unwrap())
    };
    assert!(merge(0).contains(&1), "it is found alone");
    assert_eq!(merge(1024), [512, 512]);
    // After as many as are passed before more are tried, at last in one call again.
    (0..64).for_each(|_| _ = merge(1024));
    assert_eq!(merge(1024), [1024]);
}

#[test]
fn a_broken_pair_does_not_make_merges_smaller() {
    let mut lists = Lists::new();
    lists.unmergeable = [7].into();
    let lists = Arc::new(lists);
    let calls = Calls::new(lists.clone(), Arc::default());
    let states = blobs((0..64_i64).map(|value| value.to_le_bytes().to_vec()));
    assert_eq!(calls.merge(&states, &states).unwrap().broken.len(), 1);
    lists.state_calls.lock().unwrap().clear();
    calls.merge(&states, &states).unwrap();
    assert_eq!(lists.state_calls.lock().unwrap().first(), Some(&64));
}

#[test]
fn an_endless_loop_in_one_row_does_not_lower_the_chunk_size() {
    let rows = rows(&mut Rng::new(7), 2048);
    let lists = Arc::new(Lists::new().with(&[(1000, Quirk::Loop)]));
    let calls = Calls::new(lists.clone(), Arc::default());
    assert_eq!(calls.fold(&chunk(&rows)).unwrap().rejected.len(), 1);
    let before = lists.calls.lock().unwrap().len();
    calls.fold(&chunk(&rows[1001..])).unwrap();
    assert_eq!(lists.calls.lock().unwrap().len(), before + 1);
}

/// Tampers with what one function returns and expects the single row's, pair's or cell's cause.
#[test]
fn a_malformed_fold_is_named() {
    use bifocal::transform::{Folded, Rejection};
    type Case = (fn(&mut Folded), &'static str);
    let cases: [Case; 13] = [
        (|folded| folded.cells.states.ends[0] = 7, "states: the last end is 7 but there are 8 bytes"),
        (|folded| folded.cells.states.ends.push(0), "states: ends has 5 bytes, not a multiple of 4"),
        (|folded| folded.cells.states.bytes.push(0), "states: the last end is 8 but there are 9 bytes"),
        (
            |folded| folded.cells.states = Blobs { ends: vec![8, 0, 0, 0, 4, 0, 0, 0], bytes: vec![0; 8] },
            "states: ends do not ascend at value 1: 4 after 8",
        ),
        (|folded| folded.cells.keys.clear(), "1 keys are described, 0 returned"),
        (|folded| folded.cells.keys[0].fixed.push(0), "key 'key': 1 rows of kind text need 4 bytes, got 5"),
        (|folded| folded.cells.keys[0].fixed[0] = 9, "key 'key': row 0 has code 9 of 1 values"),
        (|folded| folded.cells.keys[0].heap.bytes[0] = 0xff, "key 'key': value 0 is not UTF-8"),
        (
            |folded| folded.cells.keys[0].validity = vec![1, 1],
            "key 'key': validity has 2 bytes, 1 rows need 1",
        ),
        (|folded| folded.cells.windows.clear(), "1 cells need 8 bytes of windows, got 0"),
        (|folded| folded.cells.windows[0] += 1, "is not a multiple of the slide of 5 ms"),
        (
            |folded| folded.rejected = vec![Rejection { row: 1, reason: String::new() }],
            "row 1 of 1 is rejected",
        ),
        (
            |folded| {
                folded.rejected = vec![Rejection { row: 0, reason: String::new() }; 2];
            },
            "rejected row 0 does not ascend",
        ),
    ];
    for (tamper, expected) in cases {
        let mut lists = Lists::new().shaped(true, false);
        lists.folded = Some(Box::new(move |folded| {
            // One cell an event keeps the cases short.
            folded.cells.states = folded.cells.states.slice(0, 1);
            folded.cells.windows.truncate(8);
            folded.cells.keys[0].fixed.truncate(4);
            folded.cells.keys[0].heap = folded.cells.keys[0].heap.slice(0, 1);
            tamper(folded);
        }));
        let calls = Calls::new(Arc::new(lists), Arc::default());
        let row = Row { offset: 4, time_ms: 12, key: Some("k"), value: 1 };
        let outcome = calls.fold(&chunk(&[row])).unwrap();
        let reason = outcome.rejected.first().map(|event| event.reason.clone()).unwrap_or_default();
        assert!(reason.starts_with("the transform returned a malformed result: "), "{reason}");
        assert!(reason.contains(expected), "{reason}\nlacks {expected}");
        assert!(outcome.parts.is_empty());
    }
}

#[test]
fn twin_cells_and_too_many_cells_are_malformed() {
    let row = Row { offset: 0, time_ms: 12, key: Some("k"), value: 1 };
    for (copies, most, expected) in [
        (2, 1024, "cell 1 has the key and window of an earlier one"),
        (1025, 1024, "1025 cells of 1 events, more than 1024 an event"),
        (3, 2, "3 cells of 1 events, more than 2 an event"),
    ] {
        let mut lists = Lists::new();
        lists.limits.cells_per_event = most;
        lists.folded = Some(Box::new(move |folded| {
            let state = folded.cells.states.get(0).to_vec();
            (1..copies).for_each(|_| folded.cells.states.push(&state));
            folded.cells.keys[0].fixed = vec![0; copies * 4];
        }));
        let outcome =
            Calls::new(Arc::new(lists), Arc::default()).fold(&chunk(std::slice::from_ref(&row))).unwrap();
        assert!(outcome.rejected[0].reason.ends_with(expected), "{}", outcome.rejected[0].reason);
    }
}

fn states(lists: &[&[i64]]) -> Blobs {
    let mut out = Blobs::default();
    lists
        .iter()
        .for_each(|values| out.push(&values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()));
    out
}

#[test]
fn a_pair_that_cannot_be_merged_is_broken_alone() {
    cases::each(100, |_, rng| {
        let count = rng.between(1, 70);
        let bad: Vec<i64> = (0..count).filter(|_| rng.chance(1, 9)).collect();
        let mut lists = Lists::new();
        lists.unmergeable = bad.iter().copied().collect();
        let calls = Calls::new(Arc::new(lists), Arc::default());
        let values: Vec<[i64; 1]> = (0..count).map(|value| [value]).collect();
        let right = states(&values.iter().map(|value| &value[..]).collect::<Vec<_>>());
        let left = states(&vec![&[-1][..]; count as usize]);
        let merged = calls.merge(&left, &right).unwrap();
        let broken: Vec<_> =
            merged.broken.iter().map(|(pair, cause)| (*pair as i64, cause.clone())).collect();
        let expected = bad.iter().map(|value| (*value, format!("merge trapped: cannot merge {value}")));
        assert_eq!(broken, expected.collect::<Vec<_>>());
        for (pair, state) in merged.states.iter().enumerate() {
            let expected = [-1, pair as i64].map(i64::to_le_bytes).concat();
            assert_eq!(state, if bad.contains(&(pair as i64)) { &[][..] } else { &expected });
        }
    });
}

#[test]
fn a_cell_that_cannot_be_presented_is_broken_alone() {
    let mut lists = Lists::new();
    lists.unpresentable = [3, 4, 90].into();
    let calls = Calls::new(Arc::new(lists), Arc::default());
    let values: Vec<[i64; 1]> = (0..100).map(|value| [value]).collect();
    let cells = states(&values.iter().map(|value| &value[..]).collect::<Vec<_>>());
    let key = encoded(Some("k"));
    let keys = std::iter::repeat_n(&key[..], 100).collect();
    let presented = calls.present(&keys, &[0; 100], &cells).unwrap();
    let broken: Vec<usize> = presented.broken.iter().map(|(row, _)| *row).collect();
    assert_eq!(broken, [3, 4, 90]);
    assert_eq!(presented.broken[2].1, "present failed: cannot present 90");
    for row in 0..100 {
        assert_eq!(presented.columns[0].is_present(row), !broken.contains(&row));
        let last = presented.columns[1].value(&bifocal::description::Kind::Integer, row);
        let expected = bifocal::column::Value::Integer(row as i64);
        assert!(broken.contains(&row) || last == expected, "row {row}: {last:?}");
    }
}

#[test]
fn malformed_merges_and_presentations_are_named() {
    let cell = states(&[&[1]]);
    let key: Blobs = [&encoded(Some("k"))[..]].into_iter().collect();
    type Merged = (fn(&mut Blobs), &'static str);
    let merges: [Merged; 3] = [
        (|states| states.clear(), "merge returned a malformed result: 1 pairs merged to 0 states"),
        (|states| states.push(b"more"), "merge returned a malformed result: 1 pairs merged to 2 states"),
        (
            |states| states.bytes.clear(),
            "merge returned a malformed result: merged states: the last end is 16 but there are 0 bytes",
        ),
    ];
    for (tamper, expected) in merges {
        let mut lists = Lists::new();
        lists.merged = Some(Box::new(tamper));
        let merged = Calls::new(Arc::new(lists), Arc::default()).merge(&cell, &cell).unwrap();
        assert_eq!(merged.broken, [(0, expected.to_string())]);
        assert_eq!(merged.states.len(), 1);
    }
    type Presented = (fn(&mut Vec<bifocal::column::Column>), &'static str);
    let presentations: [Presented; 3] = [
        (|columns| columns.truncate(1), "2 outputs are described, 1 presented"),
        (|columns| columns[0].fixed.clear(), "output 'count': 1 rows of kind integer need 8 bytes, got 0"),
        (|columns| columns[1].heap.push(b""), "output 'last': kind integer has no heap, got 1 values"),
    ];
    for (tamper, expected) in presentations {
        let mut lists = Lists::new();
        lists.presented = Some(Box::new(tamper));
        let presented = Calls::new(Arc::new(lists), Arc::default()).present(&key, &[0], &cell).unwrap();
        assert_eq!(presented.broken, [(0, format!("present returned a malformed result: {expected}"))]);
    }
}
