//! Versions that come and go, and what is refused.

use super::stage::{
    STREAM, VIEW, append, ask, batch, by_hand, deploy, order, payloads, revenue, run, start_with, straight,
    stream,
};
use bifocal::app::{Error, Question, Stage, Wanted};
use bifocal::serving::Asked;
use bifocal::store::RunKind;
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn a_new_version_is_built_beside_the_old_one_and_switched_to_whole() {
    let folder = tempfile::tempdir().unwrap();
    let app = start_with(folder.path(), by_hand());
    app.create_stream(stream()).unwrap();
    let orders: Vec<_> = (0..3_000).map(order).collect();
    append(&app, batch(&orders, None));
    assert!(matches!(deploy(&app, revenue()), Stage::Live(_)));
    let events = payloads(&app.stream(STREAM).unwrap().log);
    let expected = straight(&events, 3_000, None);
    assert_eq!(ask(&app, Asked::default(), Some(3_000)).rows, expected);
    run(&app, RunKind::Full).unwrap();
    // The same again changes nothing.
    let Stage::Live(same) = deploy(&app, revenue()) else { panic!("it is live") };
    assert!(same.is_unchanged && same.version.number == 1);
    // Other bytes are another version: here a custom section that nobody reads.
    let component = [revenue(), b"\x00\x05\x04note"].concat();
    let wanted = Wanted { component, ..Wanted::default() };
    let deployment = app.deploy(VIEW, wanted).unwrap();
    let Stage::Live(next) = deployment.wait(super::stage::LONG) else { panic!("{:?}", deployment.stage()) };
    assert_eq!((next.version.number, next.is_unchanged), (2, false));
    let said = ask(&app, Asked::default(), Some(3_000));
    assert_eq!(said.rows, expected);
    assert_eq!(said.answer.live.version.number, 2);
    assert!(said.answer.pointer.base.is_some(), "it came with a batch view of its own");
    append(&app, batch(&(3_000..3_500).map(order).collect::<Vec<_>>(), None));
    let events = payloads(&app.stream(STREAM).unwrap().log);
    assert_eq!(ask(&app, Asked::default(), Some(3_500)).rows, straight(&events, 3_500, None));
    assert_eq!(run(&app, RunKind::Incremental).unwrap().differ, 0);
    app.stop().unwrap();
}

#[test]
fn what_is_asked_wrong_is_told_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let app = start_with(folder.path(), by_hand());
    app.create_stream(stream()).unwrap();
    let orders: Vec<_> = (0..100).map(order).collect();
    append(&app, batch(&orders, None));
    for (wanted, said) in [
        (Wanted { component: revenue().to_vec(), ..Wanted::default() }, "say which stream it reads"),
        (
            Wanted { component: b"no".to_vec(), stream: Some(STREAM.into()), ..Wanted::default() },
            "not a WebAssembly",
        ),
        (
            Wanted { component: revenue().to_vec(), stream: Some("nowhere".into()), ..Wanted::default() },
            "nowhere",
        ),
    ] {
        let Stage::Failed(why) = app.deploy(VIEW, wanted).unwrap().wait(super::stage::LONG) else {
            panic!("{said}")
        };
        assert!(why.contains(said), "{why}");
    }
    assert!(app.views().is_empty());
    assert!(matches!(deploy(&app, revenue()), Stage::Live(_)));
    let view = app.view(VIEW).unwrap();
    for (asked, said) in [
        (Asked { keys: vec!["merchant=x".into()], ..Asked::default() }, "the keys are merchant_id, currency"),
        (Asked { conditions: vec!["amont>1".into()], ..Asked::default() }, "the columns are"),
        (Asked { grain: Some("7m".into()), ..Asked::default() }, "no grain"),
        (Asked { grain: Some("30m".into()), ..Asked::default() }, "do not make up"),
        (Asked { grain: Some("1d".into()), tz: Some("Nowhere".into()), ..Asked::default() }, "no time zone"),
        (Asked { order: Some("-amont".into()), ..Asked::default() }, "no column 'amont'"),
        (Asked { from: Some("yesterday".into()), ..Asked::default() }, "from 'yesterday'"),
    ] {
        let question = Question { asked, ..Question::default() };
        let Err(Error::Refused(why)) = view.ask(&question, Duration::ZERO, 0) else { panic!("{said}") };
        assert!(why.contains(said), "{why}");
    }
    let question = Question { min_offset: Some(101), ..Question::default() };
    let Err(Error::Unavailable(why)) = view.ask(&question, Duration::from_millis(1), 0) else { panic!() };
    assert!(why.contains("the stream ends at 100"), "{why}");
    let question = Question { as_of: Some(9), ..Question::default() };
    assert!(matches!(view.ask(&question, Duration::ZERO, 0), Err(Error::Refused(_))));
    let changes: BTreeMap<String, String> = [("late".to_string(), "drop".to_string())].into();
    assert!(matches!(app.set_view(VIEW, &changes), Err(Error::Refused(_))));
    let changes: BTreeMap<String, String> = [("batch".to_string(), "1h".to_string())].into();
    assert!(matches!(app.set_view(VIEW, &changes), Err(Error::Conflict(_))), "the file has it");
    let Err(Error::Conflict(why)) = app.remove_stream(STREAM) else { panic!() };
    assert!(why.contains("read by view 'revenue'"), "{why}");
    app.stop().unwrap();
    assert!(matches!(app.set_view(VIEW, &BTreeMap::new()), Err(Error::Stopping)));
}

#[test]
fn rows_are_rolled_up_filtered_and_put_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let app = start_with(folder.path(), by_hand());
    app.create_stream(stream()).unwrap();
    let orders: Vec<_> = (0..4_000).map(order).collect();
    append(&app, batch(&orders, None));
    assert!(matches!(deploy(&app, revenue()), Stage::Live(_)));
    run(&app, RunKind::Full).unwrap();
    let hours: Vec<serde_json::Value> = ask(&app, Asked::default(), Some(4_000))
        .rows
        .iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    // By the day in Berlin, an hour ahead: the same sums by hand.
    let mut days: BTreeMap<(String, String, i64), (f64, u64)> = BTreeMap::new();
    for row in &hours {
        let time = bifocal::time::parse_rfc3339(row["window"].as_str().unwrap().as_bytes()).unwrap();
        let day = (time + super::stage::HOUR_MS).div_euclid(86_400_000) * 86_400_000 - super::stage::HOUR_MS;
        let key =
            (row["merchant_id"].as_str().unwrap().into(), row["currency"].as_str().unwrap().into(), day);
        let sum = days.entry(key).or_insert((0.0, 0));
        *sum = (sum.0 + row["amount"].as_f64().unwrap(), sum.1 + row["orders"].as_u64().unwrap());
    }
    let asked = Asked { grain: Some("1d".into()), tz: Some("Europe/Berlin".into()), ..Asked::default() };
    let rolled: Vec<serde_json::Value> =
        ask(&app, asked.clone(), None).rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rolled.len(), days.len());
    for (row, ((merchant, currency, day), (amount, orders))) in rolled.iter().zip(&days) {
        assert_eq!(
            (row["merchant_id"].as_str(), row["currency"].as_str()),
            (Some(&merchant[..]), Some(&currency[..]))
        );
        assert_eq!(row["window"], bifocal::time::Rfc3339(*day).to_string());
        assert_eq!(row["orders"].as_u64(), Some(*orders));
        assert!((row["amount"].as_f64().unwrap() - amount).abs() < 0.005);
    }
    let asked = Asked {
        conditions: vec!["orders>=3".into(), "currency=EUR".into()],
        order: Some("-amount,merchant_id".into()),
        limit: Some(5),
        ..Asked::default()
    };
    let top: Vec<f64> = ask(&app, asked, None)
        .rows
        .iter()
        .map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap()["amount"].as_f64().unwrap())
        .collect();
    let wanted = |row: &&serde_json::Value| row["orders"].as_u64() >= Some(3) && row["currency"] == "EUR";
    let mut expected: Vec<f64> =
        hours.iter().filter(wanted).map(|row| row["amount"].as_f64().unwrap()).collect();
    expected.sort_by(|a, b| b.total_cmp(a));
    expected.truncate(5);
    assert_eq!(top, expected);
    app.stop().unwrap();
}
