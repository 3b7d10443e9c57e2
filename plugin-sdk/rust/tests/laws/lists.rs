//! What is most frequent and what came last, against sorted lists.

use std::collections::BTreeMap;

use bifocal_sdk::state::{Codec, Datum, LastN, Present, TopK};
use bifocal_sdk::value::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::config;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_top_are_those_of_a_full_count(values in vec("[a-e]", 0..60)) {
        let mut top = TopK::<String, 3>::default();
        values.iter().for_each(|value| top.add(value));
        let mut counts = BTreeMap::<&str, u64>::new();
        values.iter().for_each(|value| *counts.entry(value).or_default() += 1);
        let mut expected: Vec<_> = counts.iter().map(|(value, count)| (*value, *count)).collect();
        expected.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        prop_assert_eq!(top.distinct(), expected.len());
        prop_assert_eq!(top.top(), &expected[..expected.len().min(3)]);
        for value in ["a", "e", "f"] {
            prop_assert_eq!(top.count(value), counts.get(value).copied().unwrap_or(0));
        }
    }

    #[test]
    fn the_last_are_those_of_a_sorted_list(times in vec(0..9_i64, 0..40)) {
        let mut last = LastN::<i64, 5>::default();
        let places = times.iter().enumerate().map(|(offset, time)| (*time, offset as i64));
        places.clone().for_each(|(time, offset)| last.push(Timestamp(time), offset, offset));
        let mut expected: Vec<_> = places.collect();
        expected.sort_by_key(|place| std::cmp::Reverse(*place));
        expected.truncate(5);
        prop_assert_eq!(last.len(), expected.len());
        prop_assert!(last.iter().eq(expected.into_iter().map(|(_, offset)| offset)));
    }
}

#[test]
fn lists_show_as_json_with_the_foremost_first() {
    let mut top = TopK::<String, 2>::default();
    assert_eq!(top.present(), Ok(Datum::Json("[]".into())));
    for value in ["b", "c", "a\"", "c", "b"] {
        top.add(value);
    }
    assert_eq!(top.present(), Ok(Datum::Json(r#"[["b",2],["c",2]]"#.into())));
    let mut last = LastN::<String, 2>::default();
    assert_eq!(last.present(), Ok(Datum::Json("[]".into())));
    for (time, value) in [(3, "late"), (1, "early"), (2, "\"then\"")] {
        last.push(Timestamp(time), 0, value);
    }
    assert_eq!(last.present(), Ok(Datum::Json(r#"["late","\"then\""]"#.into())));
}

#[test]
fn a_count_beyond_its_column_is_out_of_range_and_stays() {
    let mut top = TopK::<i64>::default();
    top.add_times(7, u64::MAX);
    top.add_times(7, 2);
    assert_eq!(top.count(7), u64::MAX);
    assert!(top.present().is_err());
    top.add_times(8, 0);
    assert_eq!(top.distinct(), 1, "nothing added is no entry");
}

#[test]
fn the_values_of_one_event_go_by_their_own_order() {
    let mut last = LastN::<String, 3>::default();
    ["b", "a", "c", "a"].iter().for_each(|value| last.push(Timestamp(0), 0, value));
    assert_eq!(last.iter().collect::<Vec<_>>(), ["c", "b", "a"]);
}

#[test]
fn lists_that_no_state_writes_are_refused() {
    let top = |bytes: &[u8]| TopK::<u8>::decode_all(bytes).is_ok();
    assert!(top(&[2, 1, 0, 2, 5]));
    assert!(!top(&[2, 2, 0, 1, 0]), "descending");
    assert!(!top(&[2, 1, 0, 1, 0]), "twice");
    assert!(!top(&[[1, 1].as_slice(), &[0xff; 9], &[1]].concat()), "a count of 2^64");
    let place = |time: u8| [[time, 0, 0, 0, 0, 0, 0, 0], [0; 8]].concat();
    let last = |count: u8, entries: &[(u8, u8)]| {
        let entries = entries.iter().flat_map(|(time, value)| [place(*time), vec![*value]].concat());
        LastN::<u8, 2>::decode_all(&[count].into_iter().chain(entries).collect::<Vec<_>>()).is_ok()
    };
    assert!(last(2, &[(1, 9), (2, 0)]) && last(2, &[(1, 0), (1, 1)]) && last(2, &[(1, 1), (1, 1)]));
    assert!(!last(2, &[(2, 0), (1, 9)]) && !last(2, &[(1, 1), (1, 0)]), "descending");
    assert!(!last(3, &[(1, 0), (2, 0), (3, 0)]), "more than are kept");
}
