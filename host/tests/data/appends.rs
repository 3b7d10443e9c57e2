//! `append`: what is durable, what goes on from where, what is refused.

use super::process::Folder;
use std::fmt::Write;

fn events(from: u64, to: u64, filler: usize) -> String {
    let mut text = String::new();
    let pad = "x".repeat(filler);
    for i in from..to {
        writeln!(text, r#"{{"id":"o-{i}","ts":"2026-01-01T10:00:{:02}Z","pad":"{pad}"}}"#, i % 60).unwrap();
    }
    text
}

fn answer(folder: &Folder, arguments: &str) -> (u64, u64, u64) {
    let answer = folder.json(arguments);
    let number = |name: &str| answer[name].as_u64().unwrap();
    (number("appended"), number("duplicates"), number("conflicts"))
}

#[test]
fn the_same_file_again_appends_nothing_and_a_grown_one_what_is_new() {
    let folder = Folder::new();
    folder.done("stream create orders --time ts");
    folder.write("orders.ndjson", &events(0, 1000, 0));
    assert_eq!(answer(&folder, "append orders orders.ndjson"), (1000, 0, 0));
    let ran = folder.run("append orders orders.ndjson");
    assert!(ran.err.contains("1,000 events of orders.ndjson were there, before offset 1,000"), "{}", ran.err);
    assert_eq!(folder.head("orders"), 1000);
    folder.write("orders.ndjson", &events(0, 1500, 0));
    assert_eq!(answer(&folder, "append orders orders.ndjson"), (500, 0, 0));
    assert_eq!(folder.positions("orders"), (1..=1500).collect::<Vec<u64>>());
    assert_eq!(answer(&folder, "append orders orders.ndjson --again"), (1500, 0, 0));
    assert_eq!(folder.head("orders"), 3000);
}

#[test]
fn another_file_of_the_same_name_is_appended_from_its_start() {
    let folder = Folder::new();
    folder.done("stream create orders --time ts");
    folder.write("orders.ndjson", &events(0, 100, 0));
    folder.done("append orders orders.ndjson");
    // The first row is the same, a later one is not; then one that ends early; then another first row.
    for (text, appended) in
        [(events(0, 100, 0).replace("o-50", "o-5o"), 100), (events(0, 20, 0), 20), (events(7, 90, 0), 83)]
    {
        folder.write("orders.ndjson", &text);
        assert_eq!(answer(&folder, "append orders orders.ndjson"), (appended, 0, 0));
        assert_eq!(answer(&folder, "append orders orders.ndjson"), (0, 0, 0));
    }
    assert_eq!(folder.head("orders"), 303);
}

#[test]
fn every_kind_of_file_is_found_again() {
    let folder = Folder::new();
    folder.done("stream create orders --time ts");
    folder.write("a.csv", "ts,n\n2026-01-01T10:00:00Z,1\n2026-01-01T10:00:01Z,\n");
    folder.write("b.json", "[{\"ts\":\"2026-01-01T10:00:00Z\"},\n{\"ts\":\n\"2026-01-01T10:00:00Z\"}]");
    assert_eq!(answer(&folder, "append orders a.csv b.json"), (4, 0, 0));
    assert_eq!(answer(&folder, "append orders a.csv b.json"), (0, 0, 0));
    let piped = folder.run_with("append orders -", events(0, 2, 0).as_bytes());
    assert_eq!(piped.code, 0, "{}", piped.err);
    folder.run_with("append orders -", events(0, 2, 0).as_bytes());
    assert_eq!(folder.head("orders"), 8, "what comes through a pipe is never found again");
}

#[test]
fn a_malformed_line_stops_it_and_once_mended_it_goes_on_from_there() {
    let folder = Folder::new();
    folder.done("stream create orders --time ts");
    let well = events(0, 1000, 0);
    folder.write("orders.ndjson", &well.replacen("\"id\":\"o-600\"", "\"id\":o-600", 1));
    let ran = folder.run("append orders orders.ndjson");
    assert_eq!(ran.code, 2);
    for words in ["orders.ndjson: line 601, column 7", "durable, at offsets [0, 600)", "same command again"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(folder.head("orders"), 600);
    folder.write("orders.ndjson", &well);
    assert_eq!(answer(&folder, "append orders orders.ndjson"), (400, 0, 0));
    assert_eq!(folder.positions("orders"), (1..=1000).collect::<Vec<u64>>());
}

#[test]
fn ids_are_there_once_and_another_payload_is_a_conflict() {
    let folder = Folder::new();
    folder.done("stream create orders --time ts --id id");
    folder.write("a.ndjson", &events(0, 100, 0));
    folder.write("b.ndjson", &(events(90, 110, 0) + &events(0, 5, 9)));
    assert_eq!(answer(&folder, "append orders a.ndjson"), (100, 0, 0));
    assert_eq!(answer(&folder, "append orders b.ndjson"), (10, 10, 5));
}

#[test]
fn an_event_that_breaks_the_schema_is_refused_by_line_and_path() {
    let folder = Folder::new();
    let schema =
        r#"{"type":"object","required":["id"],"properties":{"amount":{"type":"number","minimum":0}}}"#;
    folder.write("order.json", schema);
    folder.done("stream create orders --time ts --schema order.json");
    let ts = r#""ts":"2026-01-01T10:00:00Z""#;
    let refused = |event: &str, words: &[&str]| {
        folder.write("bad.ndjson", &format!("{{\"id\":\"a\",{ts},\"amount\":1.5}}\n{event}\n"));
        let ran = folder.run("append orders bad.ndjson --again");
        assert_eq!(ran.code, 2, "{event}");
        words.iter().for_each(|word| assert!(ran.err.contains(word), "{word}: {}", ran.err));
    };
    refused(
        &format!("{{\"id\":\"b\",{ts},\"amount\":\"9\"}}"),
        &["line 2", "at '/amount'", "\"number\"", "schema 1"],
    );
    refused(&format!("{{\"id\":\"b\",{ts},\"amount\":-1}}"), &["line 2", "at '/amount'", "minimum"]);
    refused(&format!("{{{ts}}}"), &["line 2", "\"id\" is a required property"]);
    assert_eq!(folder.head("orders"), 3, "the events before the refused ones");
    assert_eq!(folder.json("stream tail orders -n 1")["schema"], 1);
}

#[test]
fn an_append_that_is_killed_goes_on_and_neither_loses_nor_doubles() {
    let folder = Folder::new();
    folder.done("stream create orders --time ts");
    let total = 60_000;
    folder.write("orders.ndjson", &events(0, total, 1000));
    let segment = folder.path("data/streams/1/log/00000000000000000000.redb");
    let bytes = || segment.metadata().map_or(0, |metadata| metadata.len());
    let mut halfway = 0;
    for _ in 0..4 {
        let before = bytes();
        let mut child = folder.start("append orders orders.ndjson");
        // Killed once it has written something, or at its end, whichever it is.
        while bytes() <= before && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let head = folder.head("orders");
        halfway += u64::from(0 < head && head < total);
    }
    folder.done("append orders orders.ndjson");
    assert_eq!(folder.positions("orders"), (1..=total).collect::<Vec<u64>>());
    println!("killed half way {halfway} times of 4");
}
