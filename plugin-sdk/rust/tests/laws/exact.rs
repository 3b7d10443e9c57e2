//! Parts whose answer is a plain computation over the inputs.

use std::collections::{BTreeMap, BTreeSet};

use bifocal_sdk::state::{
    Codec, Count, Datum, First, FirstSeen, Last, LastSeen, Map, Max, Min, Present, Set, State, Sum,
};
use bifocal_sdk::value::{Decimal, Kind, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::{bytes, config};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn parts_equal_plain_computations(inputs in vec((0..5_i64, any::<i32>(), "[a-c]{0,2}"), 0..60)) {
        let (mut count, mut sum) = (Count::default(), Sum::<Decimal<2>>::default());
        let (mut least, mut greatest) = (Min::<String>::default(), Max::<i32>::default());
        let (mut first, mut last) = (First::<String>::default(), Last::<i32>::default());
        let (mut first_seen, mut last_seen) = (FirstSeen::<String>::default(), LastSeen::<String>::default());
        let (mut set, mut map) = (Set::<String>::default(), Map::<String, Count>::default());
        for (offset, (time, number, text)) in inputs.iter().enumerate() {
            let (time, offset) = (Timestamp(*time), offset as i64);
            count.add(1);
            sum.add(Decimal((*number).into()));
            least.see(text);
            greatest.see(*number);
            first.see(time, offset, text);
            last.see(time, offset, *number);
            first_seen.see(text);
            last_seen.see(text);
            set.add(text);
            map.entry(text).add(1);
        }
        let texts = || inputs.iter().map(|(_, _, text)| text.as_str());
        prop_assert_eq!(count.get(), inputs.len() as u64);
        prop_assert_eq!(sum.units(), inputs.iter().map(|(_, number, _)| i128::from(*number)).sum::<i128>());
        prop_assert_eq!(least.get(), texts().min());
        prop_assert_eq!(greatest.get(), inputs.iter().map(|(_, number, _)| *number).max());
        // A stable sort by time leaves equal times in the order of the log.
        let mut by_time: Vec<_> = inputs.iter().collect();
        by_time.sort_by_key(|(time, ..)| *time);
        prop_assert_eq!(first.get(), by_time.first().map(|(_, _, text)| text.as_str()));
        prop_assert_eq!(last.get(), by_time.last().map(|(_, number, _)| *number));
        prop_assert_eq!(last.time(), by_time.last().map(|(time, ..)| Timestamp(*time)));
        prop_assert_eq!(first_seen.get(), texts().next());
        prop_assert_eq!(last_seen.get(), texts().next_back());
        let distinct: BTreeSet<_> = texts().collect();
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), distinct.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(set.present().unwrap(), Datum::Integer(distinct.len() as i64));
        let mut counts = BTreeMap::<_, u64>::new();
        texts().for_each(|text| *counts.entry(text).or_default() += 1);
        let held: BTreeMap<_, _> = map.iter().map(|(text, count)| (text, count.get())).collect();
        prop_assert_eq!(held, counts);
    }

    #[test]
    fn large_sets_and_maps_stay_sorted_and_whole(keys in vec(any::<i16>(), 0..2000)) {
        let (mut set, mut map) = (Set::<i64>::default(), Map::<i64, Sum<i64>>::default());
        let mut expected = BTreeMap::<i64, i64>::new();
        for (i, key) in keys.iter().enumerate() {
            set.add((*key).into());
            map.entry((*key).into()).add(i as i64);
            *expected.entry((*key).into()).or_default() += i as i64;
        }
        prop_assert!(set.iter().eq(expected.keys().copied()));
        prop_assert!(map.iter().map(|(key, sum)| (key, sum.get().unwrap())).eq(expected.clone()));
        for key in -300..300 {
            prop_assert_eq!(set.contains(key), expected.contains_key(&key));
            prop_assert_eq!(map.get(key).and_then(Sum::get), expected.get(&key).copied());
        }
    }
}

#[test]
fn nothing_seen_presents_as_null() {
    assert_eq!(Min::<i64>::default().present(), Ok(Datum::Absent));
    assert_eq!(Max::<String>::default().present(), Ok(Datum::Absent));
    assert_eq!(First::<f64>::default().present(), Ok(Datum::Absent));
    assert_eq!(Last::<f64>::default().present(), Ok(Datum::Absent));
    assert_eq!(FirstSeen::<bool>::default().present(), Ok(Datum::Absent));
    assert_eq!(LastSeen::<bool>::default().present(), Ok(Datum::Absent));
    assert_eq!(Count::default().present(), Ok(Datum::Integer(0)));
    assert_eq!(Sum::<i64>::default().present(), Ok(Datum::Integer(0)));
}

#[test]
fn two_amounts_of_2_to_the_62_are_out_of_range_until_one_is_taken_back() {
    let mut sum = Sum::<Decimal<2>>::default();
    sum.add(Decimal(1 << 62));
    sum.add(Decimal(1 << 62));
    let error = sum.present().unwrap_err();
    assert_eq!(error.to_string(), "out of range: 92233720368547758.08 does not fit a decimal(2)");
    assert_eq!(error.kind, Kind::Decimal(2));
    assert_eq!(sum.get(), None);
    sum.subtract(Decimal(1));
    assert_eq!(sum.present(), Ok(Datum::Integer(i64::MAX)));
    sum.subtract(Decimal(i64::MIN));
    assert_eq!(sum.units(), (1 << 64) - 1);
}

#[test]
fn a_count_never_wraps() {
    let mut count = Count::default();
    count.add(u64::MAX);
    count.add(2);
    assert_eq!(count.get(), u64::MAX);
    assert!(count.present().is_err());
}

#[test]
fn maps_and_sets_show_as_json() {
    let mut map = Map::<String, (Count, Max<i64>)>::default();
    map.entry("b").0.add(2);
    map.entry("a\"").1.see(7);
    let expected = r#"{"a\"":[0,7],"b":[2,null]}"#;
    assert_eq!(map.present(), Ok(Datum::Json(expected.to_owned())));
    let mut by_number = Map::<i64, Count>::default();
    by_number.entry(-3).add(1);
    assert_eq!(by_number.present(), Ok(Datum::Json("[[-3,1]]".to_owned())));
    let mut set = Set::<String>::default();
    set.add("b");
    set.add("a");
    assert_eq!(set.list(), Ok(Datum::Json(r#"["a","b"]"#.to_owned())));
}

#[test]
fn sets_and_maps_that_do_not_ascend_are_refused() {
    let set = |bytes: &[u8]| Set::<String>::decode_all(bytes).is_ok();
    assert!(set(&[2, 1, b'a', 1, b'b']));
    assert!(!set(&[2, 1, b'b', 1, b'a']));
    assert!(!set(&[2, 1, b'a', 1, b'a']));
    let map = |bytes: &[u8]| Map::<u8, Max<bool>>::decode_all(bytes).is_ok();
    assert!(map(&[2, 1, 0, 2, 1, 1]));
    assert!(!map(&[2, 2, 0, 1, 0]));
    assert!(!map(&[2, 1, 0, 1, 0]));
}

#[test]
fn small_states_are_small() {
    let size = |state: Vec<u8>| state.len();
    assert_eq!(size(bytes(&Count::default())), 8);
    assert_eq!(size(bytes(&Sum::<i64>::default())), 16);
    let mut largest = Max::<Decimal<2>>::default();
    assert_eq!(size(bytes(&largest)), 1);
    largest.see(Decimal(5));
    assert_eq!(size(bytes(&largest)), 9);
    assert_eq!(size(bytes(&Max::<i64>::initial())), 1);
    assert!(Max::<i64>::decode_all(&[2]).is_err());
}
