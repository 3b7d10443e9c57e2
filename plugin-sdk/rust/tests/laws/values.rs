//! Values: canonical bytes, one order, how they read and show.

use std::cmp::Ordering;
use std::fmt::Debug;

use bifocal_sdk::value::{
    Codec, Datum, Decimal, DecimalError, DecodeError, JsonText, Kind, Timestamp, Value,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::check::{bytes, config};

fn ordered_and_canonical<V: Value + Debug>(values: impl Strategy<Value = V>) {
    let noise = proptest::collection::vec(any::<u8>(), 0..24);
    let mut runner = TestRunner::new(config());
    let ran = runner.run(&(&values, &values, &values, noise), |(a, b, c, noise)| {
        let compare = |a: &V, b: &V| V::compare(a.lend(), b.lend());
        prop_assert_eq!(compare(&a, &a), Ordering::Equal);
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        prop_assert_eq!(compare(&a, &b) == Ordering::Equal, bytes(&a) == bytes(&b));
        if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
            prop_assert!(compare(&a, &c).is_le(), "transitive");
        }
        for value in [V::own(a.lend()), V::decode_all(&bytes(&a))?] {
            prop_assert_eq!(bytes(&value), bytes(&a));
        }
        let mut assigned = b.clone();
        assigned.assign(a.lend());
        prop_assert_eq!(bytes(&assigned), bytes(&a));
        for length in 0..bytes(&a).len() {
            prop_assert!(V::decode_all(&bytes(&a)[..length]).is_err());
        }
        let mut rest = noise.as_slice();
        if let Ok(value) = V::decode(&mut rest) {
            prop_assert_eq!(bytes(&value), &noise[..noise.len() - rest.len()]);
        }
        let mut json = String::new();
        if V::json(a.lend(), &mut json).is_ok() && V::KIND != Kind::Json {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
        }
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{error}\n{runner}");
    }
}

/// Doubles of all sorts: any bits, so NaNs, infinities and subnormals too, and small numbers.
pub fn doubles() -> impl Strategy<Value = f64> {
    let special =
        [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN, f64::MAX, f64::MIN_POSITIVE];
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1000_i32..1000).prop_map(|value| f64::from(value) / 8.0),
        proptest::sample::select(special.to_vec()),
    ]
}

#[test]
fn values_have_one_order_and_canonical_bytes() {
    ordered_and_canonical(any::<bool>());
    ordered_and_canonical(-2..3_i32);
    ordered_and_canonical(any::<i64>());
    ordered_and_canonical(any::<u32>());
    ordered_and_canonical(any::<u64>());
    ordered_and_canonical(doubles());
    ordered_and_canonical("\\PC{0,3}");
    ordered_and_canonical(proptest::collection::vec(any::<u8>(), 0..3));
    ordered_and_canonical(any::<i64>().prop_map(Timestamp));
    ordered_and_canonical(any::<i64>().prop_map(Decimal::<2>));
    ordered_and_canonical("[0-9]{1,2}".prop_map(JsonText));
    ordered_and_canonical(proptest::option::of(-2..3_i64));
    ordered_and_canonical((any::<bool>(), "[ab]{0,2}"));
    ordered_and_canonical((any::<bool>(), proptest::option::of(0..2_i64), doubles()));
}

#[test]
fn every_nan_is_one_and_the_greatest() {
    let odd = f64::from_bits(0xfff8_0000_0000_0001);
    assert_eq!(bytes(&odd), bytes(&f64::NAN));
    assert_eq!(f64::compare(odd, f64::INFINITY), Ordering::Greater);
    assert_eq!(f64::compare(-0.0, 0.0), Ordering::Less);
    let raw = 0xfff8_0000_0000_0001_u64.to_le_bytes();
    assert_eq!(f64::decode_all(&raw), Err(DecodeError::Malformed("a NaN other than the canonical one")));
}

#[test]
fn decimals_print_all_digits_and_read_back() {
    let cases = [(118_250, "1182.50"), (-5, "-0.05"), (0, "0.00"), (i64::MIN, "-92233720368547758.08")];
    for (units, text) in cases {
        assert_eq!(Decimal::<2>(units).to_string(), text);
        assert_eq!(text.parse(), Ok(Decimal::<2>(units)));
    }
    assert_eq!(Decimal::<0>(-7).to_string(), "-7");
    assert_eq!(Decimal::<18>(1).to_string(), "0.000000000000000001");
    assert_eq!("9.223372036854775807".parse(), Ok(Decimal::<18>(i64::MAX)));
    assert_eq!("3".parse(), Ok(Decimal::<2>(300)));
    assert_eq!("3.5000".parse(), Ok(Decimal::<2>(350)));
}

#[test]
fn decimals_refuse_what_is_not_exact() {
    let read = |text: &str| text.parse::<Decimal<2>>();
    assert_eq!(read("1.005"), Err(DecimalError::Inexact));
    assert_eq!(read("92233720368547758.08"), Err(DecimalError::TooLarge));
    assert_eq!(read("99999999999999999999"), Err(DecimalError::TooLarge));
    for text in ["", "-", "1e3", "1.", ".5", "+1", " 1", "1.2.3", "--1", "NaN"] {
        assert_eq!(read(text), Err(DecimalError::Malformed), "{text:?}");
    }
}

#[test]
fn decimal_arithmetic_is_exact_or_refused() {
    let cent = Decimal::<2>(1);
    assert_eq!(Decimal::from_parts(true, 3, 50), Some(Decimal::<2>(-350)));
    assert_eq!(Decimal::<2>::from_parts(false, 3, 100), None);
    assert_eq!(Decimal::<2>::from_parts(false, u64::MAX, 0), None);
    assert_eq!(Decimal::<2>(150) + Decimal(50) - cent, Decimal(199));
    assert_eq!(-cent, Decimal(-1));
    assert_eq!(Decimal::MAX.checked_add(cent), None);
    assert_eq!(Decimal::MIN.checked_sub(cent), None);
    assert_eq!(Decimal::<2>::MAX.checked_mul(2), None);
    assert_eq!(Decimal::<2>(250).checked_mul(3), Some(Decimal(750)));
    assert_eq!(Decimal::<2>(10).to_f64(), 0.1);
    assert!(std::panic::catch_unwind(|| Decimal::MAX + cent).is_err());
}

#[test]
fn json_follows_the_hosts_rules() {
    fn json<V: Value>(value: V) -> String {
        let mut out = String::new();
        V::json(value.lend(), &mut out).unwrap();
        out
    }
    assert_eq!(json(1_i64 << 53), "9007199254740992");
    assert_eq!(json((1_i64 << 53) + 1), "\"9007199254740993\"");
    assert_eq!(json(f64::NAN), "null");
    assert_eq!(json(1e300), "1e300");
    assert_eq!(json("a\"\\\n\u{1}é".to_owned()), "\"a\\\"\\\\\\n\\u0001é\"");
    let base64 = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
    for (plain, coded) in base64 {
        assert_eq!(json(plain.as_bytes().to_vec()), format!("\"{coded}\""));
    }
    assert_eq!(json(Decimal::<2>(118_250)), "1182.50");
    assert_eq!(json((true, Option::<i64>::None)), "[true,null]");
    assert_eq!(json(Timestamp(978_527_100_000)), "\"2001-01-03T13:05:00Z\"");
    assert_eq!(json(Timestamp(-1)), "\"1969-12-31T23:59:59.999Z\"");
    assert_eq!(json(Timestamp(951_782_400_000)), "\"2000-02-29T00:00:00Z\"");
}

#[test]
fn an_unsigned_number_beyond_its_column_is_out_of_range() {
    assert_eq!(u64::datum(7), Ok(Datum::Integer(7)));
    let error = u64::datum(u64::MAX).unwrap_err();
    assert_eq!(error.to_string(), "out of range: 18446744073709551615 does not fit a 64-bit integer");
}

#[test]
fn lengths_beyond_the_input_allocate_nothing() {
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(String::decode_all(&huge), Err(DecodeError::Short));
    assert_eq!(Vec::<i64>::decode_all(&huge), Err(DecodeError::Short));
    let too_long = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
    assert!(String::decode_all(&too_long).is_err());
    assert_eq!(String::decode_all(&[0x80, 0x00]), Err(DecodeError::Malformed("a padded number")));
}
