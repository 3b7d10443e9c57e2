//! Means against long division.

use bifocal_sdk::state::{Codec, Datum, Mean, Present};
use bifocal_sdk::value::Decimal;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::config;
use crate::naive::nearest_quotient;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_mean_of_integers_is_the_quotient_of_doubles(delays in vec(-2000..2000_i64, 1..200)) {
        let mut mean = Mean::<i64>::default();
        delays.iter().for_each(|delay| mean.add(*delay));
        let sum: i64 = delays.iter().sum();
        prop_assert_eq!(mean.get(), Some(sum as f64 / delays.len() as f64));
    }

    #[test]
    fn a_mean_is_the_nearest_double(values in vec(any::<i64>(), 1..60), narrow in 0..63_u32) {
        let sum = values.iter().map(|value| i128::from(value >> narrow)).sum::<i128>();
        let count = values.len() as u128;
        let mut whole = Mean::<i64>::default();
        let mut exact = Mean::<Decimal<18>>::default();
        for value in &values {
            whole.add(value >> narrow);
            exact.add(Decimal(value >> narrow));
        }
        prop_assert_eq!(whole.get(), Some(nearest_quotient(sum, count)));
        prop_assert_eq!(exact.get(), Some(nearest_quotient(sum, count * 10_u128.pow(18))));
    }

    #[test]
    fn a_decimal_is_the_nearest_double(units in any::<i64>(), narrow in 0..63_u32) {
        let units = units >> narrow;
        prop_assert_eq!(Decimal::<18>(units).to_f64(), format!("{units}e-18").parse::<f64>().unwrap());
        prop_assert_eq!(Decimal::<2>(units).to_f64(), format!("{units}e-2").parse::<f64>().unwrap());
    }
}

#[test]
fn ties_between_doubles_go_to_even() {
    // (2^53 + 1) / 1 and (2^54 + 2) / 2 lie between two doubles; one more unit in 2^70 breaks the tie.
    let mut mean = Mean::<i64>::default();
    mean.add((1 << 53) + 1);
    assert_eq!(mean.get(), Some((1_i64 << 53) as f64));
    mean.add((1 << 53) + 2);
    assert_eq!(mean.get(), Some(((1_i64 << 53) + 2) as f64));
}

#[test]
fn what_is_left_beyond_64_bits_breaks_a_tie() {
    let mut mean = Mean::<i64>::default();
    (0..4095).for_each(|_| mean.add((1 << 53) + 1));
    mean.add((1 << 53) + 2);
    // 2^53 + 1 and 1/4096: just above the middle of two doubles.
    assert_eq!(mean.get(), Some(((1_i64 << 53) + 2) as f64));
}

#[test]
fn a_sum_of_nothing_is_refused() {
    let bytes = [[1].as_slice(), &[0; 23]].concat();
    assert!(Mean::<i64>::decode_all(&bytes).is_err());
    assert!(Mean::<i64>::decode_all(&[0; 24]).is_ok());
}

#[test]
fn the_mean_of_nothing_is_null() {
    assert_eq!(Mean::<i64>::default().present(), Ok(Datum::Absent));
    let mut mean = Mean::<Decimal<2>>::default();
    mean.add(Decimal(100));
    mean.add(Decimal(25));
    assert_eq!(mean.present(), Ok(Datum::Float(0.625)));
    assert_eq!((mean.sum().units(), mean.count()), (125, 2));
}
