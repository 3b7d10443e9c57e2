//! Every part keeps every law.

use bifocal_sdk::state::{
    Count, ExactSum, First, FirstSeen, Last, LastSeen, Map, Max, Mean, Min, Quantiles, Set, Sum,
};
use bifocal_sdk::value::{Decimal, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::{laws, laws_of_sequences};
use crate::values::doubles;

#[test]
fn count() {
    laws(prop_oneof![0..3_u64, any::<u64>()], |state: &mut Count, n| state.add(*n));
}

#[test]
fn sum() {
    laws(any::<i64>(), |state: &mut Sum<i64>, n| state.add(*n));
    laws(any::<u64>(), |state: &mut Sum<u64>, n| state.add(*n));
    laws(any::<i64>(), |state: &mut Sum<Decimal<2>>, n| state.add(Decimal(*n)));
}

#[test]
fn exact_sum() {
    laws(doubles(), |state: &mut ExactSum, x| state.add(*x));
    let opposite = any::<u64>().prop_map(|bits| f64::from_bits(bits & !(1 << 62)));
    laws_of_sequences(
        vec(opposite, 0..20).prop_map(|values| values.iter().flat_map(|x| [*x, -x]).collect()),
        |state: &mut ExactSum, x: &f64| state.add(*x),
    );
}

#[test]
fn mean() {
    laws(any::<i32>(), |state: &mut Mean<i32>, n| state.add(*n));
    laws(any::<i64>(), |state: &mut Mean<Decimal<4>>, n| state.add(Decimal(*n)));
}

#[test]
fn least_and_greatest() {
    laws(any::<i64>(), |state: &mut Min<i64>, n| state.see(*n));
    laws(doubles(), |state: &mut Max<f64>, x| state.see(*x));
    laws(doubles(), |state: &mut Min<f64>, x| state.see(*x));
    laws("[ab]{0,3}", |state: &mut Max<String>, text| state.see(text));
    laws("[ab]{0,3}", |state: &mut Min<Option<String>>, text| state.see(Some(text)));
}

#[test]
fn first_and_last_by_time() {
    // Few times, so that offsets decide; now and then the same place twice.
    let seen = || (0..4_i64, 0..20_i64, "[ab]{0,2}");
    laws(seen(), |state: &mut First<String>, (time, offset, text)| {
        state.see(Timestamp(*time), *offset, text)
    });
    laws(seen(), |state: &mut Last<String>, (time, offset, text)| state.see(Timestamp(*time), *offset, text));
    laws(seen(), |state: &mut Last<(i64, String)>, (time, offset, text)| {
        state.see(Timestamp(*time), *offset, (*time, text));
    });
}

#[test]
fn first_and_last_seen() {
    laws("[ab]{0,2}", |state: &mut FirstSeen<String>, text| state.see(text));
    laws(any::<i64>(), |state: &mut LastSeen<i64>, n| state.see(*n));
}

#[test]
fn quantiles() {
    laws(-600..600_i64, |state: &mut Quantiles<i64>, n| state.add(*n));
    laws(any::<i64>(), |state: &mut Quantiles<i64>, n| state.add(*n));
    laws(doubles(), |state: &mut Quantiles, x| state.add(*x));
    laws(doubles(), |state: &mut Quantiles<f64, 1>, x| state.add(*x));
    laws(any::<i64>(), |state: &mut Quantiles<Decimal<2>, 16>, n| state.add(Decimal(*n)));
    laws((-3..3_i64, any::<u64>()), |state: &mut Quantiles<i64>, (n, times)| state.add_times(*n, *times));
}

#[test]
fn set() {
    laws("[abc]{0,2}", |state: &mut Set<String>, text| state.add(text));
    // More than a leaf of entries.
    let many = vec(any::<i16>().prop_map(i64::from), 0..600);
    laws_of_sequences(many, |state: &mut Set<i64>, n| state.add(*n));
}

#[test]
fn map() {
    laws(("[ab]{0,2}", any::<i64>()), |state: &mut Map<String, Sum<i64>>, (key, n)| state.entry(key).add(*n));
    laws((0..5_i64, any::<i64>()), |state: &mut Map<i64, LastSeen<i64>>, (key, n)| state.entry(*key).see(*n));
    laws((0..5_i64, doubles()), |state: &mut Map<i64, (Count, ExactSum)>, (key, x)| {
        let (count, sum) = state.entry(*key);
        count.add(1);
        sum.add(*x);
    });
    let many = vec((0..400_i64, 0..4_u64), 0..600);
    laws_of_sequences(many, |state: &mut Map<i64, Map<u64, Count>>, (key, n)| {
        state.entry(*key).entry(*n).add(1);
    });
}
