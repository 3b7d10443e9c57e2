//! Exact sums against integers of any size.

use bifocal_sdk::state::{Codec, Datum, ExactSum, Present, State};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::{bytes, config};
use crate::naive::nearest_sum;

fn sum(values: &[f64]) -> ExactSum {
    let mut sum = ExactSum::default();
    values.iter().for_each(|value| sum.add(*value));
    sum
}

/// What IEEE 754 rounding makes of a sum beyond the greatest double is out of range here.
fn agrees(values: &[f64]) -> bool {
    let expected = nearest_sum(values);
    let got = sum(values).get();
    if expected.is_infinite() {
        got.is_none()
    } else {
        got.map(f64::to_bits) == Some((expected + 0.0).to_bits())
    }
}

fn finite() -> impl Strategy<Value = f64> {
    let wide = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite());
    // Near each other, so that sums carry, cancel and tie.
    let near = (any::<u64>(), 1000..1100_u64)
        .prop_map(|(bits, exponent)| f64::from_bits(bits & ((1 << 63) | ((1 << 52) - 1)) | exponent << 52));
    let powers = (0..2047_u64, any::<bool>())
        .prop_map(|(exponent, negative)| f64::from_bits(exponent << 52 | u64::from(negative) << 63));
    let subnormal = any::<u64>().prop_map(|bits| f64::from_bits(bits & ((1 << 63) | ((1 << 53) - 1))));
    let huge = any::<u64>().prop_map(|bits| f64::from_bits(bits & !(1 << 62 | 1 << 52) | 0x7fc << 52));
    prop_oneof![wide, near, powers, subnormal, huge.prop_filter("finite", |value| value.is_finite())]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_sum_is_rounded_once(values in vec(finite(), 0..40)) {
        prop_assert!(agrees(&values), "{:?} instead of {:?}", sum(&values).get(), nearest_sum(&values));
    }

    #[test]
    fn a_sum_of_one_is_itself(value in finite()) {
        prop_assert_eq!(sum(&[value]).get(), Some(value));
        let decoded = ExactSum::decode_all(&bytes(&sum(&[value])))?;
        prop_assert_eq!(decoded.get(), Some(value));
    }

    #[test]
    fn what_is_added_and_taken_back_leaves_nothing(values in vec(finite(), 0..40)) {
        let back: Vec<f64> = values.iter().map(|value| -value).collect();
        prop_assert_eq!(bytes(&sum(&[values, back].concat())), bytes(&ExactSum::default()));
    }
}

#[test]
fn ties_go_to_even_and_the_least_bit_breaks_them() {
    let tiny = f64::from_bits(1);
    let half_ulp = f64::EPSILON / 2.0;
    for values in [
        vec![1.0, half_ulp],
        vec![1.0, half_ulp, tiny],
        vec![1.0, half_ulp, -tiny],
        vec![1.0 + f64::EPSILON, half_ulp],
        vec![-1.0, -half_ulp, -tiny],
        vec![f64::MAX, f64::MAX, -f64::MAX, tiny],
        vec![f64::MIN_POSITIVE, -tiny],
        vec![2.0 * f64::MIN_POSITIVE, -tiny],
        vec![1e16, 1.0, -1e16],
    ] {
        assert!(agrees(&values), "{values:?}: {:?}", sum(&values).get());
    }
}

#[test]
fn carries_survive_millions_of_additions() {
    let mut many = ExactSum::default();
    (0..3_000_000).for_each(|_| many.add(0.1));
    // 0.1 is 3602879701896397 x 2^-55.
    let expected = (3_000_000_i128 * 3_602_879_701_896_397) as f64 * 2.0_f64.powi(-55);
    assert_eq!(many.get(), Some(expected));
    (0..3_000_000).for_each(|_| many.add(-0.1));
    assert_eq!(bytes(&many), bytes(&ExactSum::default()));
}

#[test]
fn carries_survive_merges_of_states_full_of_them() {
    // Each of 2,000 states has as much waiting in its digits as it may, wherever a number is cut.
    for shift in 0..32 {
        let mantissa = (1_i64 << 53) - 1;
        let mut part = ExactSum::default();
        (0..899).for_each(|_| part.add(-(mantissa as f64) * 2.0_f64.powi(shift)));
        let mut whole = ExactSum::default();
        (0..2000).for_each(|_| whole.merge(part.clone()).unwrap());
        let expected = (-i128::from(mantissa) * 899 * 2000) as f64 * 2.0_f64.powi(shift);
        assert_eq!(whole.get(), Some(expected));
        assert_eq!(ExactSum::decode_all(&bytes(&whole)).unwrap().get(), Some(expected));
    }
}

#[test]
fn bytes_that_a_sum_does_not_encode_to_are_refused() {
    let digits = |flags: u8, lowest: u8, digits: &[u32]| {
        let head = [flags, lowest, digits.len() as u8];
        let bytes: Vec<u8> =
            head.into_iter().chain(digits.iter().flat_map(|digit| digit.to_le_bytes())).collect();
        ExactSum::decode_all(&bytes).is_ok()
    };
    assert!(digits(7, 3, &[1, 0, 2]), "a state");
    assert!(digits(0, 3, &[u32::MAX]), "a negative state");
    assert!(digits(0, 68, &[1, 1]), "the highest digit");
    assert!(!digits(8, 3, &[1]), "an unknown flag");
    assert!(!digits(0, 3, &[]), "a place without a digit");
    assert!(!digits(0, 3, &[0, 1]), "a lowest digit of 0");
    assert!(!digits(0, 3, &[0]), "no digit but 0");
    assert!(!digits(0, 3, &[1, 0]), "a highest digit that repeats the sign");
    assert!(!digits(0, 3, &[1 << 31, u32::MAX]), "a highest digit that repeats the sign, negative");
    assert!(!digits(0, 69, &[1, 1]), "too high a digit");
}

#[test]
fn beyond_the_greatest_double_is_out_of_range_until_it_is_taken_back() {
    let mut sum = sum(&[f64::MAX, f64::MAX]);
    assert!(sum.present().unwrap_err().to_string().starts_with("out of range: "));
    sum.add(-f64::MAX);
    assert_eq!(sum.present(), Ok(Datum::Float(f64::MAX)));
}

#[test]
fn nan_infinities_and_zeros_are_defined() {
    assert_eq!(sum(&[1.0, f64::INFINITY]).get(), Some(f64::INFINITY));
    assert_eq!(sum(&[f64::NEG_INFINITY, f64::MAX]).get(), Some(f64::NEG_INFINITY));
    assert!(sum(&[f64::NEG_INFINITY, f64::INFINITY]).get().unwrap().is_nan());
    let nan = sum(&[f64::NAN, f64::INFINITY, 1.0]).get().unwrap();
    assert_eq!(nan.to_bits(), 0x7ff8_0000_0000_0000);
    assert_eq!(sum(&[-0.0, -0.0]).get().map(f64::to_bits), Some(0));
    assert_eq!(bytes(&sum(&[-0.0])), bytes(&ExactSum::default()));
}

#[test]
fn a_sum_of_readings_is_a_few_bytes() {
    assert_eq!(bytes(&ExactSum::default()).len(), 3);
    assert!(bytes(&sum(&[0.1, 21.5, 1e6])).len() <= 19);
}
