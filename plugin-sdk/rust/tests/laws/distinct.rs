//! Estimates of distinct values: their error, their forms, and what is no sketch.

use bifocal_sdk::state::{Codec, Datum, Distinct, Present, State};
use bifocal_sdk::value::{Decimal, Timestamp, Value};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::{bytes, config};

fn sketch<const BITS: u32>(values: impl IntoIterator<Item = u64>) -> Distinct<u64, BITS> {
    let mut distinct = Distinct::default();
    values.into_iter().for_each(|value| distinct.add(value));
    distinct
}

/// Root of the mean squared relative error over many sketches of `n` values each.
fn error<const BITS: u32>(n: u64, trials: u64) -> f64 {
    let squares = (0..trials).map(|trial| {
        let estimate = sketch::<BITS>(trial * n..(trial + 1) * n).estimate();
        (estimate as f64 / n as f64 - 1.0).powi(2)
    });
    (squares.sum::<f64>() / trials as f64).sqrt()
}

/// Also between the ranges for which other estimators need corrections (2.5 to 5 values a register).
#[test]
fn the_standard_error_is_as_stated() {
    for per_register in [1, 2, 3, 5, 8, 40] {
        let of = |bits: u32| 1.04 / f64::from(1_u32 << bits).sqrt();
        let (six, ten) = (error::<6>(64 * per_register, 400), error::<10>(1024 * per_register, 60));
        // Of so many trials the error is itself known to some 4 % and 9 %.
        assert!(six < 1.15 * of(6), "{per_register} a register: {six}, stated {}", of(6));
        assert!(ten < 1.3 * of(10), "{per_register} a register: {ten}, stated {}", of(10));
        assert!(six > 0.4 * of(6), "{per_register} a register: {six} is suspiciously exact");
    }
}

#[test]
fn few_values_are_counted_exactly() {
    for n in 0..30 {
        assert_eq!(sketch::<12>(0..n).present(), Ok(Datum::Integer(n as i64)), "{n}");
    }
    let hundred = sketch::<14>(0..100).estimate();
    assert!((99..=101).contains(&hundred), "{hundred}");
    assert!(sketch::<12>([]).is_empty() && !sketch::<12>([1]).is_empty());
}

#[test]
fn a_value_that_comes_again_changes_nothing() {
    let once = sketch::<8>(0..1000);
    assert_eq!(bytes(&once), bytes(&sketch::<8>((0..1000).chain(0..1000))));
    assert_eq!(bytes(&once), bytes(&sketch::<8>((0..1000).rev())));
}

/// The same estimate on every machine: no function in it is rounded as a library likes.
#[test]
fn estimates_are_pinned() {
    let estimates = [100, 3_000, 10_000, 100_000].map(|n| sketch::<12>(0..n).estimate());
    assert_eq!(estimates, PINNED);
}

/// As a script of another language computed them from the papers' formulas.
const PINNED: [u64; 4] = [101, 2_940, 10_073, 100_846];

#[test]
fn the_form_follows_from_the_content() {
    // A length and 3 bytes a register up to a quarter of them, then 6 bits for each.
    let mut distinct = Distinct::<u64, 8>::default();
    let mut dense = false;
    for value in 0..500 {
        distinct.add(value);
        let encoded = bytes(&distinct);
        let used =
            usize::from(encoded[0] & 0x7f) + if encoded[0] < 0x80 { 0 } else { usize::from(encoded[1]) << 7 };
        let length = if used < 0x80 { 1 } else { 2 };
        dense |= used > 64;
        assert_eq!(encoded.len(), length + if used <= 64 { 3 * used } else { 192 }, "{used} registers");
    }
    assert!(dense);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_merge_across_forms_is_the_union(few in vec(0..400_u64, 0..20), many in vec(0..400_u64, 0..400)) {
        let union = sketch::<7>(few.iter().chain(&many).copied());
        for (left, right) in [(&few, &many), (&many, &few)] {
            let mut merged = sketch::<7>(left.iter().copied());
            merged.merge(sketch(right.iter().copied()))?;
            prop_assert_eq!(bytes(&merged), bytes(&union));
        }
    }
}

#[test]
fn a_hash_is_that_of_the_bytes_whatever_the_type() {
    let of_bytes = <Vec<u8>>::hash;
    assert_eq!(String::hash("abc"), 0x44bc_2cf5_ad77_0999);
    assert_eq!(of_bytes(b"abc"), String::hash("abc"));
    assert_eq!(i64::hash(-2), of_bytes(&(-2_i64).to_le_bytes()));
    assert_eq!(Timestamp::hash(Timestamp(7)), i64::hash(7));
    assert_eq!(<Decimal<2>>::hash(Decimal(7)), i64::hash(7));
    assert_eq!(<(u8, bool)>::hash((7, true)), of_bytes(&[7, 1]));
    assert_eq!(<Option<u8>>::hash(None), of_bytes(&[0]));
}

#[test]
fn what_is_no_sketch_is_refused() {
    // 16 registers: up to 4 sparse, ranks from 1 to 61.
    let decodes = |bytes: &[u8]| Distinct::<u64, 4>::decode_all(bytes).is_ok();
    assert!(decodes(&[0]) && decodes(&[2, 0, 0, 1, 15, 0, 61]));
    assert!(!decodes(&[2, 15, 0, 61, 0, 0, 1]), "descending");
    assert!(!decodes(&[1, 16, 0, 1]), "an index of no register");
    assert!(!decodes(&[1, 0, 0, 0]) && !decodes(&[1, 0, 0, 62]), "a rank of no hash");
    assert!(!decodes(&[5, 0, 0, 1, 1, 0, 1, 2, 0, 1, 3, 0, 1, 4, 0, 1]), "sparse beyond a quarter");
    let dense = |used: u8, ranks: [u8; 12]| decodes(&[[used].as_slice(), &ranks].concat());
    let five = [0b0100_0001, 0b0001_0000, 0b0000_0100, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(dense(5, five));
    assert!(!dense(4, five) && !dense(6, five) && !dense(16, five), "another number of registers");
    assert!(!dense(5, [62, 0x10, 4, 1, 1, 0, 0, 0, 0, 0, 0, 0]), "a rank of no hash");
    assert!(!decodes(&[5, 0, 0]), "short");
    assert!(!decodes(&[0xff; 12]), "a length of nothing that there is");
}
