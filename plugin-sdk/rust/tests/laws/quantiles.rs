//! Quantiles against sorted values, and buckets against the formula of the docstring.

use bifocal_sdk::state::{Codec, Datum, Present, Quantiles};
use bifocal_sdk::value::Decimal;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::{bytes, config};
use crate::values::doubles;

/// As a script would write it.
fn formula(x: f64, bits: u32) -> i32 {
    let x = if x.is_nan() { f64::from_bits(0x7ff8_0000_0000_0000) } else { x };
    let cut = ((x.to_bits() & !(1 << 63)) >> (52 - bits)) as i32;
    if x == 0.0 {
        0
    } else if x.to_bits() >> 63 == 1 {
        -(cut + 1)
    } else {
        cut + 1
    }
}

/// q as hundredths.
fn exact<T: Copy>(sorted: &[T], hundredths: usize) -> T {
    sorted[(hundredths * sorted.len()).div_ceil(100).max(1) - 1]
}

fn integers<const BITS: u32>(values: &[i64]) -> Quantiles<i64, BITS> {
    let mut quantiles = Quantiles::default();
    values.iter().for_each(|value| quantiles.add(*value));
    quantiles
}

fn check_integers<const BITS: u32>(values: &[i64], hundredths: usize) -> Result<(), TestCaseError> {
    let quantiles = integers::<BITS>(values);
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let expected = exact(&sorted, hundredths);
    let q = hundredths as f64 / 100.0;
    let (got, (least, greatest)) = (quantiles.quantile(q).unwrap(), quantiles.bounds(q).unwrap());
    prop_assert!((least..=greatest).contains(&expected) && (least..=greatest).contains(&got));
    // |got - expected| <= |expected| / 2^(BITS + 1), in integers.
    let error = u128::from(got.abs_diff(expected)) << (BITS + 1);
    prop_assert!(error <= expected.unsigned_abs().into(), "{got} for {expected}");
    if expected.unsigned_abs() < 1 << (BITS + 1) {
        prop_assert_eq!(got, expected, "small integers are exact");
    }
    Ok(())
}

fn check_doubles<const BITS: u32>(values: &[f64], hundredths: usize) -> Result<(), TestCaseError> {
    let mut quantiles = Quantiles::<f64, BITS>::default();
    values.iter().for_each(|value| quantiles.add(*value));
    // -0 is 0 and every NaN the greatest.
    let mut sorted: Vec<f64> = values.iter().map(|x| if x.is_nan() { x.abs() } else { x + 0.0 }).collect();
    sorted.sort_by(f64::total_cmp);
    let expected = exact(&sorted, hundredths);
    let got = quantiles.quantile(hundredths as f64 / 100.0).unwrap();
    let (least, greatest) = quantiles.bounds(hundredths as f64 / 100.0).unwrap();
    if expected.is_nan() {
        prop_assert!(got.is_nan() && least.is_nan() && greatest.is_nan());
        return Ok(());
    }
    prop_assert!(least <= expected && expected <= greatest && least <= got && got <= greatest);
    if expected.is_infinite() || expected == 0.0 {
        prop_assert_eq!(got, expected);
    } else if expected.abs() < f64::MIN_POSITIVE {
        prop_assert!((got - expected).abs() <= 2.0_f64.powi(-1022) / 2.0_f64.powi(BITS as i32 + 1));
    } else {
        let bound = Quantiles::<f64, BITS>::RELATIVE_ERROR;
        prop_assert!(((got - expected) / expected).abs() <= bound, "{got} for {expected}");
        prop_assert_eq!(bound, 2.0_f64.powi(-1 - BITS as i32));
    }
    Ok(())
}

fn wide() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0..64_u32).prop_map(|(value, narrow)| value >> narrow)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn integer_quantiles_are_within_their_error(values in vec(wide(), 1..60), hundredths in 0..=100_usize) {
        check_integers::<7>(&values, hundredths)?;
        check_integers::<1>(&values, hundredths)?;
        check_integers::<16>(&values, hundredths)?;
    }

    #[test]
    fn double_quantiles_are_within_their_error(values in vec(doubles(), 1..60), hundredths in 0..=100_usize) {
        check_doubles::<7>(&values, hundredths)?;
        check_doubles::<1>(&values, hundredths)?;
        check_doubles::<16>(&values, hundredths)?;
    }

    #[test]
    fn buckets_follow_the_formula(x in doubles(), n in wide()) {
        let mut quantiles = Quantiles::<f64>::default();
        quantiles.add(x);
        prop_assert_eq!(quantiles.buckets().collect::<Vec<_>>(), [(formula(x, 7), 1)]);
        // Cut off to what a double holds, toward zero, then as that double.
        let magnitude = n.unsigned_abs();
        let cut_off = magnitude & u64::MAX << (64 - magnitude.leading_zeros()).saturating_sub(53);
        let as_double = if n < 0 { -(cut_off as f64) } else { cut_off as f64 };
        let got = integers::<7>(&[n]).buckets().collect::<Vec<_>>();
        prop_assert_eq!(got, [(formula(as_double, 7), 1)]);
    }
}

#[test]
fn the_rank_is_exact_where_doubles_are_not() {
    // 0.07 x 100 is 7.000000000000001 in doubles: rank 7, not 8.
    let hundred: Vec<i64> = (1..=100).collect();
    for hundredths in 1..=100 {
        let q = hundredths as f64 / 100.0;
        assert_eq!(integers::<7>(&hundred).quantile(q), Some(hundredths), "q = {q}");
    }
    assert_eq!(integers::<7>(&hundred).quantile(0.0), Some(1));
    assert_eq!(integers::<7>(&hundred).quantile(-3.0), Some(1));
    assert_eq!(integers::<7>(&hundred).quantile(f64::NAN), Some(1));
    assert_eq!(integers::<7>(&hundred).quantile(7.0), Some(100));
    assert_eq!(integers::<7>(&[5, 6, 7]).quantile(0.5), Some(6));
}

#[test]
fn the_ends_of_the_range_are_within_their_bounds() {
    for value in [i64::MIN, i64::MIN + 1, i64::MAX, -1, 0, 1] {
        let quantiles = integers::<7>(&[value]);
        let (least, greatest) = quantiles.bounds(0.5).unwrap();
        assert!(least <= value && value <= greatest, "{value} in {least} ..= {greatest}");
        let got = quantiles.quantile(0.5).unwrap();
        assert!(least <= got && got <= greatest);
    }
}

#[test]
fn buckets_that_no_integer_is_in_are_refused() {
    let mut halves = Quantiles::<f64>::default();
    halves.add(0.5);
    assert!(Quantiles::<i64>::decode_all(&bytes(&halves)).is_err());
    let mut large = Quantiles::<f64>::default();
    large.add(2.0_f64.powi(63));
    assert!(Quantiles::<i64>::decode_all(&bytes(&large)).is_err());
    let mut least = Quantiles::<f64>::default();
    least.add(-(2.0_f64.powi(63)));
    assert_eq!(bytes(&least), bytes(&integers::<7>(&[i64::MIN])));
}

#[test]
fn decimals_are_measured_in_their_units() {
    let mut amounts = Quantiles::<Decimal<2>>::default();
    [100, 250, 199].iter().for_each(|units| amounts.add(Decimal(*units)));
    assert_eq!(amounts.quantile(0.5), Some(Decimal(199)));
}

#[test]
fn an_overview_is_shown_and_null_for_nothing() {
    assert_eq!(Quantiles::<i64>::default().present(), Ok(Datum::Absent));
    assert_eq!(Quantiles::<i64>::default().quantile(0.5), None);
    let hundred: Vec<i64> = (1..=100).collect();
    let expected = r#"{"count":100,"p50":50,"p90":90,"p95":95,"p99":99}"#;
    assert_eq!(integers::<7>(&hundred).present(), Ok(Datum::Json(expected.to_owned())));
}
