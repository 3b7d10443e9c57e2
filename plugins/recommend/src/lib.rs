//! What to offer next, from baskets: two views of one component, chosen by its settings. `recent` has
//! the last items of each user, `together` the items that are bought in one basket with each item.

use bifocal_sdk::*;
use std::collections::BTreeSet;

/// A basket of n items makes n x (n - 1) pairs.
const ITEMS_MAX: usize = 32;

/// `items` is a list of objects, each with its `sku`.
#[derive(Event)]
struct Basket<'a> {
    user_id: &'a str,
    items: Json<'a>,
    #[event(path = "@time")]
    time: Timestamp,
    #[event(path = "@offset")]
    offset: i64,
}

#[derive(Settings)]
struct Chosen {
    view: View,
}

#[derive(Settings)]
enum View {
    Recent,
    Together,
}

/// A user in one view, an item in the other.
#[derive(Key)]
struct Subject {
    id: String,
}

#[derive(State)]
struct Items {
    recent: LastN<String, 20>,
    together: TopK<String, 10>,
}

/// The last 20 items of each user, or the 10 items bought together with each item most often.
#[transform(time = "ts")]
pub fn recommend(basket: Basket, chosen: &Chosen, out: &mut Cells<Subject, Items>) -> Result<(), Reject> {
    let items = skus(basket.items).map_err(|error| error.within("items"))?;
    for item in &items {
        match chosen.view {
            View::Recent => {
                let cell = out.cell(Subject { id: basket.user_id.to_owned() });
                cell.recent.push(basket.time, basket.offset, item);
            }
            View::Together => {
                for other in items.iter().filter(|other| *other != item) {
                    out.cell(Subject { id: item.clone() }).together.add(other);
                }
            }
        }
    }
    Ok(())
}

/// Each item of a basket once, however many are bought.
fn skus(items: Json) -> Result<BTreeSet<String>, JsonError> {
    let sku = |item: Json| Ok(item.required("sku")?.text()?.into_owned());
    items.list(ITEMS_MAX)?.into_iter().map(sku).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_sdk::testing::{Bench, check_fixtures};

    fn rows(view: &str, baskets: &[&[&str]]) -> Vec<String> {
        let mut bench = Bench::with_settings(recommend(), &format!(r#"{{"view":"{view}"}}"#)).unwrap();
        for (second, items) in baskets.iter().enumerate() {
            let items: Vec<String> = items.iter().map(|sku| format!(r#"{{"sku":"{sku}"}}"#)).collect();
            let items = items.join(",");
            bench.append(&format!(
                r#"{{"ts":"2026-11-20T21:00:{second:02}Z","user_id":"u-1","items":[{items}]}}"#
            ));
        }
        bench.check_laws().unwrap();
        bench.rows().unwrap()
    }

    #[test]
    fn each_basket_counts_each_pair_once() {
        assert_eq!(
            rows("together", &[&["tea", "cup", "tea"], &["cup", "pot"], &["cup", "pot"], &["tea"]]),
            [
                r#"{"id":"cup","recent":[],"together":[["pot",2],["tea",1]]}"#,
                r#"{"id":"pot","recent":[],"together":[["cup",2]]}"#,
                r#"{"id":"tea","recent":[],"together":[["cup",1]]}"#
            ]
        );
    }

    #[test]
    fn a_user_has_the_last_items_and_no_more_than_twenty() {
        let skus: Vec<String> = (0..25).map(|i| format!("s-{i:02}")).collect();
        let baskets: Vec<[&str; 1]> = skus.iter().map(|sku| [sku.as_str()]).collect();
        let baskets: Vec<&[&str]> = baskets.iter().map(|basket| basket.as_slice()).collect();
        let row = &rows("recent", &baskets)[0];
        assert!(row.starts_with(r#"{"id":"u-1","recent":["s-24","s-23","#), "{row}");
        assert!(row.ends_with(r#","s-05"],"together":[]}"#), "{row}");
    }

    #[test]
    fn a_view_must_be_chosen_and_be_one_that_there_is() {
        for (settings, part) in [
            ("{}", "missing field `view`"),
            (r#"{"view":"popular"}"#, "unknown variant `popular`, expected `recent` or `together`"),
        ] {
            let error = recommend().describe(settings).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn fixtures_hold() {
        check_fixtures(recommend(), concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    }
}
