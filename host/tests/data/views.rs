//! `deploy`, `batch`, `runs`, `query`: what they say is what `run` says of the same events.

use super::process::Folder;
use serde_json::Value;
use std::fmt::Write;

fn orders(from: u64, to: u64) -> String {
    let mut text = String::new();
    for i in from..to {
        let (merchant, currency) = (i * 7 % 23, ["EUR", "USD"][(i % 2) as usize]);
        // Each is up to three hours late, and some are no orders at all.
        let ts = format!("2026-11-{:02}T{:02}:{:02}:00Z", 1 + i / 800, (i / 33 + i % 3) % 24, i % 60);
        let amount = if i % 97 == 0 { "\"x\"".into() } else { format!("{}.{:02}", i % 50, i % 100) };
        let status = if i % 5 == 0 { "cancelled" } else { "completed" };
        writeln!(
            text,
            r#"{{"order_id":"o-{i}","ts":"{ts}","merchant_id":"m-{merchant:02}","currency":"{currency}","amount":{amount},"status":"{status}"}}"#
        )
        .unwrap();
    }
    text
}

/// A folder with a stream of orders and the view `revenue` over it.
fn deployed(events: u64) -> Folder {
    Folder::with_revenue(&orders(0, events))
}

#[test]
fn a_view_is_what_run_says_before_between_and_after_batch_runs() {
    let folder = deployed(3000);
    let expected = |files: &str| folder.rows(&format!("run revenue.wasm {files} --quiet"));
    assert_eq!(folder.rows("query revenue"), expected("a.ndjson"));
    folder.done("batch revenue --quiet");
    assert_eq!(folder.rows("query revenue --lens batch"), expected("a.ndjson"));
    assert!(folder.rows("query revenue --lens speed").is_empty());
    folder.write("b.ndjson", &orders(3000, 4500));
    folder.done("append orders b.ndjson");
    assert_eq!(folder.rows("query revenue"), expected("a.ndjson b.ndjson"));
    assert_eq!(folder.rows("query revenue --lens batch"), expected("a.ndjson"));
    folder.done("batch revenue --incremental --memory 1KiB --quiet");
    assert_eq!(folder.rows("query revenue --lens batch"), expected("a.ndjson b.ndjson"));
    assert_eq!(folder.rows("query revenue --as-of run:1"), expected("a.ndjson"));
    folder.done("batch revenue --from 2026-11-01T05:00:00Z --to 2026-11-01T09:00:00Z --quiet");
    folder.done("batch revenue --key merchant_id=m-07 --quiet");
    assert_eq!(folder.rows("query revenue"), expected("a.ndjson b.ndjson"));
    let verified = folder.run("batch revenue --verify");
    assert_eq!(verified.code, 0, "{}", verified.err);
    assert!(verified.err.contains("same") && verified.err.contains(": 0 differ"), "{}", verified.err);
    folder.done("batch revenue --full --quiet");
    let runs: Vec<Value> =
        folder.done("runs revenue").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = runs.iter().map(|run| run["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["full", "incremental", "targeted", "targeted", "full"]);
    assert_eq!(runs[4]["served"], true);
    for run in &runs[1..] {
        assert_eq!(run["certificate"], runs[4]["certificate"], "every kind of run proves the same");
    }
}

#[test]
fn a_view_is_listed_shown_and_removed_before_its_stream() {
    let folder = deployed(300);
    assert!(folder.done("view list").starts_with(
        r#"{"name":"revenue","stream":"orders","version":1,"boundary":0,"run":null,"cells":null,"#
    ));
    folder.done("batch revenue --quiet");
    let shown = folder.json("view show revenue");
    assert_eq!(
        (shown["boundary"].as_u64(), shown["run"].as_u64(), shown["live"].as_u64()),
        (Some(300), Some(1), Some(1))
    );
    assert_eq!(shown["versions"][0]["settings"], serde_json::json!({}));
    folder.refused("view show other", &["no view 'other'", "bifocal view list"]);
    folder.refused("stream rm orders --yes", &["'orders'", "view 'revenue'", "bifocal view rm revenue"]);
    folder.refused("view rm revenue", &["'revenue'", "1 kept runs", "--yes"]);
    folder.done("view rm revenue --yes");
    assert_eq!(folder.done("view list"), "");
    folder.done("stream rm orders --yes");
}

#[test]
fn a_query_chooses_by_key_prefix_and_time_and_says_what_is_settled() {
    let folder = deployed(3000);
    folder.done("batch revenue --quiet");
    let all = folder.rows("query revenue");
    let chosen = |arguments: &str, is: &dyn Fn(&Value) -> bool| {
        let expected: Vec<Value> = all.iter().filter(|row| is(row)).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len(), "{arguments} chooses nothing or all");
        assert_eq!(folder.rows(&format!("query revenue {arguments}")), expected, "{arguments}");
    };
    chosen("merchant_id=m-07", &|row| row["merchant_id"] == "m-07");
    chosen("currency=USD", &|row| row["currency"] == "USD");
    chosen("merchant_id=m-07 currency=USD", &|row| row["merchant_id"] == "m-07" && row["currency"] == "USD");
    chosen("--prefix merchant_id=m-1", &|row| row["merchant_id"].as_str().unwrap().starts_with("m-1"));
    chosen("--from 2026-11-01T05:00:00Z --to 2026-11-02T00:00:00Z", &|row| {
        ("2026-11-01T05".."2026-11-02").contains(&row["window"].as_str().unwrap())
    });
    assert_eq!(folder.rows("query revenue --limit 5"), all[..5]);
    let settled = folder.done("query revenue");
    assert!(settled.contains(r#""settled":true"#) && settled.contains(r#""settled":false"#));
}

#[test]
fn what_is_typed_wrong_about_views_is_refused_with_what_to_do() {
    let folder = deployed(200);
    folder.refused("query nothing", &["nothing", "view"]);
    folder.refused("query revenue merchant=m-07", &["no key 'merchant'", "merchant_id, currency"]);
    folder.refused("query revenue merchant_id", &["is not KEY=VALUE"]);
    folder.refused("query revenue --as-of run:9", &["run 9 is not kept", "bifocal runs revenue"]);
    folder.refused("query revenue --from soon", &["from 'soon'"]);
    folder.refused("deploy other revenue.wasm", &["no view 'other'", "--stream"]);
    folder.refused("deploy revenue revenue.wasm --stream payments", &["reads stream 'orders'"]);
    folder.refused("deploy revenue a.ndjson", &["a.ndjson"]);
    folder.refused("batch revenue --verify", &["no run to verify"]);
    folder.refused("batch revenue --key merchant_id=m-07 --quiet", &["full run first"]);
    folder.refused("stream rm orders --yes", &["revenue"]);
    for command in ["deploy", "batch", "runs", "query"] {
        let help = folder.done(&format!("{command} --help"));
        assert!(help.contains("Example") && help.contains(&format!("bifocal {command} ")), "{help}");
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_trace() {
    let folder = deployed(3000);
    folder.done("batch revenue --quiet");
    folder.write("b.ndjson", &orders(3000, 9000));
    folder.done("append orders b.ndjson");
    let before = folder.rows("query revenue --lens batch");
    for wait_ms in [20, 60, 120, 200] {
        let mut run = folder.start("batch revenue --memory 1KiB --quiet");
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        run.kill().unwrap();
        run.wait().unwrap();
        let served = folder.json_lines("runs revenue").iter().filter(|run| run["served"] == true).count();
        assert_eq!(served, 1);
    }
    let after = folder.rows("query revenue --lens batch");
    let whole = folder.rows("run revenue.wasm a.ndjson b.ndjson --quiet");
    assert!(after == before || after == whole, "half a run is served");
    assert_eq!(folder.rows("query revenue"), whole);
    let named: Vec<String> = folder
        .json_lines("runs revenue")
        .iter()
        .filter_map(|run| run["file"].as_str().map(str::to_owned))
        .collect();
    let mut files: Vec<String> = std::fs::read_dir(folder.path("data/views/1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, named, "a file of a killed run is still there");
}
