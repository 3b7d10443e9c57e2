//! Every part keeps every law.

use bifocal_sdk::state::{
    Count, Distinct, ExactSum, First, FirstSeen, Last, LastN, LastSeen, Map, Max, Mean, Min, Quantiles,
    Sessions, Set, Sum, TopK,
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
    laws(any::<i64>(), |state: &mut Sum<Decimal<2>>, n| state.subtract(Decimal(*n)));
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

#[test]
fn top_k() {
    laws("[abc]{0,2}", |state: &mut TopK<String, 2>, text| state.add(text));
    laws((0..5_i64, prop_oneof![0..3_u64, any::<u64>()]), |state: &mut TopK<i64>, (n, times)| {
        state.add_times(*n, *times);
    });
}

#[test]
fn last_n() {
    // Few times, so that offsets decide; now and then the same place twice.
    let seen = || (0..4_i64, 0..20_i64, "[ab]{0,2}");
    laws(seen(), |state: &mut LastN<String, 1>, (time, offset, text)| {
        state.push(Timestamp(*time), *offset, text);
    });
    laws(seen(), |state: &mut LastN<String, 7>, (time, offset, text)| {
        state.push(Timestamp(*time), *offset, text);
    });
    laws((any::<i64>(), any::<i64>()), |state: &mut LastN<i64, 20>, (time, offset)| {
        state.push(Timestamp(*time), *offset, *offset);
    });
}

#[test]
fn distinct() {
    laws("[abc]{0,2}", |state: &mut Distinct<String>, text| state.add(text));
    // Of 16 registers 4 are sparse; of 64, 16: both forms, and the way from one to the other.
    laws(any::<i64>(), |state: &mut Distinct<i64, 4>, n| state.add(*n));
    laws((0..30_u8).prop_map(i64::from), |state: &mut Distinct<i64, 6>, n| state.add(*n));
    let many = vec(any::<u64>(), 0..1500);
    laws_of_sequences(many, |state: &mut Distinct<u64, 11>, n| state.add(*n));
}

#[test]
fn sessions() {
    laws(-60..60_i64, |state: &mut Sessions<3>, time| state.entry(Timestamp(*time)).add(1));
    laws(-60..60_i64, |state: &mut Sessions<0>, time| state.entry(Timestamp(*time)).add(1));
    laws(any::<i64>(), |state: &mut Sessions<{ u64::MAX / 8 }>, time| state.entry(Timestamp(*time)).add(1));
    let near_the_ends = prop_oneof![0..9_i64, Just(0)]
        .prop_flat_map(|near| prop_oneof![Just(i64::MIN + near), Just(i64::MAX - near)]);
    laws(near_the_ends, |state: &mut Sessions<2>, time| state.entry(Timestamp(*time)).add(1));
    laws((0..90_i64, "[ab]"), |state: &mut Sessions<4, (Count, Set<String>)>, (time, page)| {
        let (views, pages) = state.entry(Timestamp(*time));
        views.add(1);
        pages.add(page);
    });
}
