//! What a json field is read as, and how what does not fit is refused.

use bifocal_sdk::testing::Bench;
use bifocal_sdk::*;
use std::borrow::Cow;

fn refused<T: std::fmt::Debug>(read: Result<T, JsonError>) -> String {
    read.unwrap_err().to_string()
}

#[test]
fn lists_are_read_element_by_element() {
    let list =
        |text: &'static str| Json(text).list(3).map(|list| list.iter().map(|one| one.0).collect::<Vec<_>>());
    assert_eq!(list("[]").unwrap(), [""; 0]);
    assert_eq!(list(" [ 1 , \"a, ]\" ,{\"b\":[2]} ]\n").unwrap(), ["1", "\"a, ]\"", "{\"b\":[2]}"]);
    assert_eq!(refused(list("[1,2,3,4]")), "expected a list of at most 3, found [1,2,3,4]");
    assert_eq!(refused(list("[1,2,3,[4],5]")), "expected a list of at most 3, found [1,2,3,[4],5]");
    assert_eq!(refused(list("{\"a\":1}")), "expected a list, found {\"a\":1}");
    for no_list in ["", "7", "null", "\"[]\"", "[1", "[1,]", "[] []", "[1,2,3,4", "\u{0}"] {
        assert!(list(no_list).is_err(), "{no_list}");
    }
}

#[test]
fn members_are_found_by_name_and_of_two_the_last_counts() {
    let item = Json(r#"{"sku":"a","é\n":1,"price":{"sku":"no"},"sku":"b","none":null}"#);
    assert_eq!(item.member("sku"), Ok(Some(Json("\"b\""))));
    assert_eq!(item.member("é\n"), Ok(Some(Json("1"))));
    assert_eq!((item.member("none"), item.member("amount")), (Ok(None), Ok(None)));
    assert_eq!(item.required("price").unwrap().required("sku").unwrap().text().unwrap(), "no");
    assert!(refused(item.required("none")).starts_with("expected a member 'none', found {\"sku\":"));
    assert_eq!(refused(Json("[]").member("sku")), "expected an object, found []");
    for no_object in ["", "{", "{\"sku\":}", "{\"sku\":1,}", "{\"sku\":1}{}"] {
        assert!(Json(no_object).member("sku").is_err(), "{no_object}");
    }
}

#[test]
fn values_are_read_by_the_rules_of_their_kinds() {
    assert!(matches!(Json("\"é\"").text(), Ok(Cow::Borrowed("é"))));
    assert_eq!(Json(r#" "a\"\u00e9\\" "#).text().unwrap(), "a\"é\\");
    assert_eq!(Json("-7").integer(), Ok(-7));
    assert_eq!(Json("9223372036854775807").integer(), Ok(i64::MAX));
    assert_eq!(Json("1e3").float(), Ok(1000.0));
    assert_eq!(Json("12.5").decimal::<2>(), Ok(Decimal(1250)));
    assert_eq!(Json("\"-0.05\"").decimal::<2>(), Ok(Decimal(-5)));
    assert_eq!((Json("true").boolean(), Json("false").boolean()), (Ok(true), Ok(false)));
    assert!(Json(" null ").is_null() && !Json("\"null\"").is_null());
    for text in ["7", "null", "\"", "\"a", "a\"", "\"a\"b\"", "\"\\\"", "\"\\x\"", "\"a\nb\"", ""] {
        assert!(Json(text).text().is_err(), "{text}");
    }
    for integer in ["1.0", "1e2", "\"1\"", "9223372036854775808", "+1", "", "-", "null"] {
        assert!(Json(integer).integer().is_err(), "{integer}");
    }
    for float in ["\"1\"", "-inf", "-nan", "1e999", "NaN", "", "true"] {
        assert!(Json(float).float().is_err(), "{float}");
    }
    for decimal in ["12.505", "1e2", "true", "\"\"", "[]", "92233720368547758.08"] {
        assert!(Json(decimal).decimal::<2>().is_err(), "{decimal}");
    }
    for boolean in ["True", "1", "\"true\"", ""] {
        assert!(Json(boolean).boolean().is_err(), "{boolean}");
    }
}

#[test]
fn an_error_names_what_was_found_and_where_but_not_all_of_it() {
    let long = format!("\"{}\"", "é".repeat(1000));
    let error = Json(&long).integer().unwrap_err().within("quantity").to_string();
    assert!(error.starts_with("quantity: expected an integer of 64 bits, found \"éé"), "{error}");
    assert!(error.ends_with("é…") && error.chars().count() < 100, "{error}");
}

#[test]
fn depth_is_no_danger() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(Json(&deep).list(1).unwrap().len(), 1);
    let member = format!("{{\"a\":{deep},\"b\":1}}");
    assert_eq!(Json(&member).required("b").unwrap().integer(), Ok(1));
    assert!(Json(&deep[..100_000]).list(1).is_err());
}

#[derive(Event)]
struct Basket<'a> {
    items: Json<'a>,
}

#[derive(State)]
struct Units {
    units: Sum<i64>,
}

#[transform]
fn units(basket: Basket, out: &mut Cells<(), Units>) -> Result<(), Reject> {
    for item in basket.items.list(2).map_err(|error| error.within("items"))? {
        out.cell(()).units.add(item.required("quantity")?.integer()?);
    }
    Ok(())
}

#[test]
fn what_does_not_fit_rejects_the_event_without_a_trace() {
    let mut bench = Bench::new(units()).unwrap();
    bench.append(r#"{"items":[{"quantity":2},{"quantity":5}]}"#);
    bench.append(r#"{"items":[{"quantity":3},{"quantity":"5"}]}"#);
    bench.append(r#"{"items":[1,2,3]}"#);
    assert_eq!(bench.rows().unwrap(), [r#"{"units":7}"#]);
    assert_eq!(
        bench.rejected().unwrap(),
        [
            (1, "expected an integer of 64 bits, found \"5\"".into()),
            (2, "items: expected a list of at most 2, found [1,2,3]".into())
        ]
    );
    bench.check_laws().unwrap();
}
