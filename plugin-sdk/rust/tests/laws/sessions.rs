//! Sessions against sorted times.

use bifocal_sdk::state::{Codec, Datum, Max, Present, Sessions, State};
use bifocal_sdk::value::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::{config, merge};

/// Sorted, cut where the next time is more than `gap` later.
fn runs(times: &[i64], gap: u64) -> Vec<(i64, i64, u64)> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let is_near = |a: &i64, b: &i64| a.abs_diff(*b) <= gap;
    sorted.chunk_by(is_near).map(|run| (run[0], run[run.len() - 1], run.len() as u64)).collect()
}

fn sessions<const GAP_MS: u64>(times: &[i64]) -> Sessions<GAP_MS> {
    let mut sessions = Sessions::<GAP_MS>::default();
    times.iter().for_each(|time| sessions.entry(Timestamp(*time)).add(1));
    sessions
}

fn listed<const GAP_MS: u64>(sessions: &Sessions<GAP_MS>) -> Vec<(i64, i64, u64)> {
    sessions.iter().map(|(start, end, count)| (start.0, end.0, count.get())).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn sessions_are_the_runs_of_the_sorted_times(times in vec(-50..50_i64, 0..40), cut in any::<usize>()) {
        prop_assert_eq!(listed(&sessions::<0>(&times)), runs(&times, 0));
        prop_assert_eq!(listed(&sessions::<3>(&times)), runs(&times, 3));
        prop_assert_eq!(listed(&sessions::<9>(&times)), runs(&times, 9));
        let (left, right) = times.split_at(cut % (times.len() + 1));
        prop_assert_eq!(listed(&merge(&sessions::<3>(left), &sessions(right))?), runs(&times, 3));
    }

    #[test]
    fn gaps_are_exact_at_the_ends_of_time(times in vec(any::<i64>(), 0..20)) {
        const HALF: u64 = u64::MAX / 2;
        prop_assert_eq!(listed(&sessions::<HALF>(&times)), runs(&times, HALF));
        prop_assert_eq!(listed(&sessions::<{ u64::MAX }>(&times)), runs(&times, u64::MAX));
        prop_assert_eq!(listed(&sessions::<{ u64::MAX / 64 }>(&times)), runs(&times, u64::MAX / 64));
    }
}

#[test]
fn an_event_between_two_sessions_makes_them_one() {
    assert_eq!(listed(&sessions::<10>(&[0, 20])), [(0, 0, 1), (20, 20, 1)]);
    assert_eq!(listed(&sessions::<10>(&[0, 20, 10])), [(0, 20, 3)]);
    assert_eq!(listed(&sessions::<10>(&[0, 20, 11])), [(0, 0, 1), (11, 20, 2)]);
    // One of the right part bridges several of the left.
    let wide = merge(&sessions::<10>(&[0, 20, 40]), &sessions(&[10, 30])).unwrap();
    assert_eq!(listed(&wide), [(0, 40, 5)]);
}

#[test]
fn sessions_show_their_times_and_states() {
    let mut sessions = Sessions::<60_000, Max<i64>>::default();
    for (second, value) in [(0, 3), (59, 7), (180, 1)] {
        sessions.entry(Timestamp(second * 1000)).see(value);
    }
    let expected = concat!(
        r#"[{"start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:00:59Z","state":7},"#,
        r#"{"start":"1970-01-01T00:03:00Z","end":"1970-01-01T00:03:00Z","state":1}]"#
    );
    assert_eq!(sessions.present(), Ok(Datum::Json(expected.into())));
    assert_eq!(Sessions::<1>::default().present(), Ok(Datum::Json("[]".into())));
    const { assert!(<Sessions<1>>::ORDER_FREE) }
}

#[test]
fn sessions_that_are_not_apart_are_refused() {
    let decodes = |sessions: &[(u8, u8)]| {
        let mut bytes = vec![sessions.len() as u8];
        for (start, end) in sessions {
            bytes.extend([*start, 0, 0, 0, 0, 0, 0, 0, *end, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend(1_u64.to_le_bytes());
        }
        Sessions::<5>::decode_all(&bytes).is_ok()
    };
    assert!(decodes(&[(1, 1), (7, 9)]));
    assert!(!decodes(&[(1, 1), (6, 9)]), "within the gap");
    assert!(!decodes(&[(7, 9), (1, 1)]), "descending");
    assert!(!decodes(&[(2, 1)]), "ends before it starts");
}
