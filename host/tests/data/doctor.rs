//! `doctor --data`: every stored byte that matters is looked at.

use super::process::Folder;
use bifocal::offset::{Offset, Range};
use bifocal::store::{Store, StreamRecord};
use serde_json::Value;

/// 400 random characters, which no block makes smaller.
fn noise(n: u64) -> String {
    let mut seed = n + 1;
    let mut letter = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'#' + 12 + (seed >> 40) as u8 % 44)
    };
    (0..400).map(|_| letter()).collect()
}

fn events(count: u64) -> String {
    (0..count).map(|i| format!("{{\"n\":{i},\"pad\":\"{}\"}}\n", noise(i))).collect()
}

/// An order whose amount tells whether it is counted.
fn order(i: u64, pad: &str) -> String {
    let ts = format!("2026-11-{:02}T{:02}:{:02}:00Z", 1 + i / 800 % 28, (i / 33 + i % 3) % 24, i % 60);
    let merchant = i % 7;
    format!(
        r#"{{"order_id":"o-{i}","ts":"{ts}","merchant_id":"m-{merchant}","currency":"EUR","amount":{i},"status":"completed","pad":"{pad}"}}"#
    )
}

fn orders(from: u64, to: u64) -> Vec<String> {
    (from..to).map(|i| order(i, &noise(i))).collect()
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A folder with a stream of orders and the view `revenue` over it.
fn deployed(orders: &[String], options: &str) -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.path("revenue.wasm"), guests::build("revenue")).unwrap();
    folder.write("orders.ndjson", &lines(orders));
    folder.done(&format!("stream create orders --time ts{options}"));
    folder.done("append orders orders.ndjson");
    folder.done("deploy revenue revenue.wasm --stream orders");
    folder
}

/// Flips a bit of the first place of a file that has these bytes.
fn change(folder: &Folder, file: &str, look: &[u8]) {
    let path = folder.path(file);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(look.len()).position(|window| window == look).expect("it is stored plainly");
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

/// Rows without their marks.
fn rows(out: &str) -> Vec<Value> {
    let row = |line: &str| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row.as_object_mut().unwrap().remove("settled");
        row.as_object_mut().unwrap().remove("revised");
        row
    };
    out.lines().map(row).collect()
}

/// The offsets that a line names.
fn offsets(line: &str) -> (u64, u64) {
    let range = line.split_once("offsets [").unwrap().1.split_once(')').unwrap().0;
    let (from, to) = range.split_once(", ").unwrap();
    (from.parse().unwrap(), to.parse().unwrap())
}

const SEGMENT: &str = "data/streams/1/log/00000000000000000000.redb";

#[test]
fn a_damaged_block_is_given_up_and_all_else_is_answered_around_it() {
    let all = orders(0, 3000);
    let folder = deployed(&all, " --id order_id");
    folder.done("batch revenue --quiet");
    let before = rows(&folder.done("query revenue"));
    change(&folder, SEGMENT, &noise(1500).as_bytes()[100..116]);

    let ran = folder.run("doctor");
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("restore the directory from a copy, or let --repair"), "{}", ran.out);
    folder.refused("export orders -o orders.parquet", &["does not match its checksum", "doctor"]);
    let ran = folder.run("doctor --repair");
    assert_eq!(ran.code, 1, "something was given up: {}", ran.out);
    let line = ran.out.lines().find(|line| line.starts_with("lost ")).unwrap();
    let (from, to) = offsets(line);
    assert!(from <= 1500 && 1500 < to && to < 3000 && from > 0, "{line}");
    assert!(line.contains(&format!("stream orders: {} of 3000 events are lost", to - from)), "{line}");
    assert!(ran.out.contains("kept as streams/1/damaged/"), "{}", ran.out);

    // From now on that is how it is, and it is said.
    let ran = folder.run("doctor");
    assert_eq!(ran.code, 0, "{}", ran.out);
    let left = 3000 - (to - from);
    for words in [format!("ok       stream orders: {left} events"), format!("offsets [{from}, {to})")] {
        assert!(ran.out.contains(&words), "{words}: {}", ran.out);
    }
    assert_eq!(folder.done("doctor --repair"), ran.out, "there is nothing left to repair");
    let shown = folder.json("stream show orders");
    assert_eq!((&shown["head"], &shown["lost"]), (&3000.into(), &(to - from).into()));
    assert_eq!(shown["lost_offsets"], serde_json::json!([[from, to]]));
    assert_eq!(folder.json_lines("stream list")[0]["events"], left);
    let positions: Vec<u64> = (1..=from).chain(to + 1..=3000).collect();
    assert_eq!(folder.positions("orders"), positions);

    // The view was folded before: it still counts them, and says so. An incremental run builds on it.
    let told = format!("lost     {} at offsets [", to - from);
    let ran = folder.run("query revenue");
    assert_eq!((ran.code, rows(&ran.out)), (0, before.clone()));
    assert!(ran.err.contains(&told) && ran.err.contains("was folded before"), "{}", ran.err);
    let certificates = |folder: &Folder| folder.json_lines("runs revenue");
    folder.write("more.ndjson", &lines(&orders(3000, 3100)));
    assert_eq!(folder.json("append orders more.ndjson")["first_offset"], 3000);
    folder.done("batch revenue --incremental --quiet");
    let runs = certificates(&folder);
    assert_eq!((&runs[1]["certificate"], &runs[1]["lost"]), (&Value::Null, &0.into()));
    folder.write("all.ndjson", &lines(&orders(0, 3100)));
    assert_eq!(
        rows(&folder.done("query revenue")),
        rows(&folder.done("run revenue.wasm all.ndjson --quiet"))
    );
    let verified = folder.run("batch revenue --verify");
    assert_eq!(verified.code, 1);
    assert!(verified.err.contains("events are lost since this view was folded"), "{}", verified.err);

    // A full run is over what is left, whoever folds it.
    let mut kept = orders(0, 3100);
    kept.drain(from as usize..to as usize);
    folder.write("kept.ndjson", &lines(&kept));
    let expected = rows(&folder.done("run revenue.wasm kept.ndjson --quiet"));
    let ran = folder.run("batch revenue");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains(&told) && ran.err.contains("query revenue --as-of run:2"), "{}", ran.err);
    assert_eq!(
        rows(&folder.done("query revenue --as-of run:2")),
        rows(&folder.done("run revenue.wasm all.ndjson --quiet"))
    );
    let ran = folder.run("query revenue");
    assert_eq!(rows(&ran.out), expected);
    assert!(ran.err.contains(&told) && !ran.err.contains("was folded before"), "{}", ran.err);
    let ran = folder.run("replay orders --through revenue.wasm");
    assert!(rows(&ran.out) == expected && ran.err.contains(&told), "{}", ran.err);
    let verified = folder.run("batch revenue --verify");
    assert_eq!(verified.code, 0, "{}", verified.err);
    folder.done("batch revenue --incremental --quiet");
    folder.done("batch revenue --key merchant_id=m-3 --quiet");
    let runs = certificates(&folder);
    assert_eq!(runs[2]["lost"], to - from);
    assert!(runs[2]["certificate"] != Value::Null && runs[3]["certificate"] == runs[2]["certificate"]);
    assert_eq!(runs[4]["certificate"], runs[2]["certificate"]);
    assert_ne!(runs[2]["certificate"]["log"], runs[0]["certificate"]["log"]);

    // What has an id can be brought back: all that is there is a duplicate.
    let answer = folder.json("append orders all.ndjson --again");
    assert_eq!(
        (&answer["appended"], &answer["duplicates"]),
        (&(to - from).into(), &(3100 - (to - from)).into())
    );
    assert_eq!(
        rows(&folder.done("query revenue")),
        rows(&folder.done("run revenue.wasm all.ndjson --quiet"))
    );
    let told = folder.run("export orders -o left.parquet");
    assert!(told.code == 0 && told.err.contains("lost     "), "{}", told.err);
    folder.done("stream create copy --time ts --id order_id");
    assert_eq!(folder.json("import copy left.parquet")["appended"], 3100);
}

#[test]
fn a_damaged_view_is_dropped_and_says_what_makes_another() {
    for (name, look) in [("cell", b"EUR".as_slice()), ("meta", b"view")] {
        let folder = deployed(&orders(0, 400), "");
        let expected = rows(&folder.done("query revenue"));
        folder.done("batch revenue --quiet");
        folder.done("batch revenue --quiet");
        for run in [1, 2] {
            change(&folder, &format!("data/views/1/{run:010}.redb"), look);
        }
        let ran = folder.run("doctor");
        assert!(ran.code == 1 && ran.out.contains("no       view revenue run 2: "), "{name}: {}", ran.out);
        let ran = folder.run("doctor --repair");
        assert_eq!(ran.code, 0, "{name}: {}", ran.out);
        assert!(
            ran.out.contains("mended   view revenue run 2: ") && ran.out.contains("batch revenue --full")
        );
        assert!(ran.out.contains("mended   view revenue run 1: "), "{}", ran.out);
        assert_eq!(std::fs::read_dir(folder.path("data/views/1")).unwrap().count(), 0);
        assert_eq!(folder.run("doctor").code, 0);
        for command in ["query revenue", "query revenue --as-of run:1", "batch revenue --verify"] {
            folder.refused(command, &["is lost, its file was damaged", "`bifocal batch revenue --full`"]);
        }
        folder.refused("batch revenue --key merchant_id=m-3 --quiet", &["full run first"]);
        folder.done("batch revenue --incremental --quiet");
        assert_eq!(rows(&folder.done("query revenue --lens batch")), expected, "{name}");
    }
}

#[test]
fn a_full_run_needs_no_sound_view() {
    let folder = deployed(&orders(0, 400), "");
    let expected = rows(&folder.done("query revenue"));
    folder.done("batch revenue --quiet");
    std::fs::write(folder.path("data/views/1/0000000001.redb"), "nothing of the kind").unwrap();
    folder.refused("query revenue", &["0000000001.redb"]);
    folder.done("batch revenue --full --quiet");
    assert_eq!(rows(&folder.done("query revenue --lens batch")), expected);
}

#[test]
fn damaged_columns_are_dropped_and_a_damaged_component_is_mended_by_its_file() {
    let folder = deployed(&(0..66_000).map(|i| order(i, "")).collect::<Vec<_>>(), "");
    folder.done("batch revenue --quiet");
    let certificate = folder.json_lines("runs revenue")[0]["certificate"].clone();
    change(&folder, "data/streams/1/columns/00000000000000000000.redb", b"m-1");
    let component = std::fs::read_dir(folder.path("data/components")).unwrap().next().unwrap().unwrap();
    change(&folder, &format!("data/components/{}", component.file_name().to_str().unwrap()), b"merchant_id");
    std::fs::write(folder.path("data/views/1/spill-7"), "left").unwrap();
    let ran = folder.run("doctor");
    assert_eq!(ran.code, 1);
    for words in [
        "no       columns of stream orders: ",
        "no       view revenue v1: ",
        "mended   views/1/spill-7: was left",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let ran = folder.run("doctor --repair");
    assert_eq!(ran.code, 1, "the component is not mended");
    for words in ["mended   columns of stream orders: ", "bifocal deploy revenue FILE.wasm"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(!ran.out.contains("spill"), "{}", ran.out);
    folder.done("deploy revenue revenue.wasm");
    assert_eq!(folder.run("doctor").code, 0);
    folder.done("batch revenue --quiet");
    assert_eq!(folder.json_lines("runs revenue")[1]["certificate"], certificate);
}

#[test]
fn a_damaged_catalog_is_named_and_nothing_else_is_touched() {
    let folder = deployed(&orders(0, 50), "");
    folder.done("batch revenue --quiet");
    for look in [b"order_id".as_slice(), b"keep_runs", b"counters", b"out_of_orderness_ms"] {
        let catalog = folder.path("data/catalog.redb");
        let sound = std::fs::read(&catalog).unwrap();
        let mut bytes = sound.clone();
        let mut places = 0;
        for at in 0..bytes.len() - look.len() {
            if bytes[at..].starts_with(look) {
                bytes[at] ^= 1;
                places += 1;
            }
        }
        if places == 0 {
            continue;
        }
        std::fs::write(&catalog, &bytes).unwrap();
        for command in ["doctor", "doctor --repair"] {
            let ran = folder.run(command);
            assert_eq!(ran.code, 1, "{}", ran.out);
            assert!(ran.out.contains("no       catalog: catalog.redb is damaged: "), "{}", ran.out);
            assert!(ran.out.contains("restore it from a copy"), "{}", ran.out);
        }
        assert!(folder.path("data/views/1/0000000001.redb").exists());
        std::fs::write(&catalog, sound).unwrap();
    }
    assert_eq!(folder.run("doctor").code, 0);
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_bifocal"))
        .args(["doctor", "--repair"])
        .env_remove("BIFOCAL_DATA")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("--data DIR"));
}

#[test]
fn all_is_well_until_a_block_is_changed_and_then_its_offsets_are_told() {
    let folder = Folder::new();
    folder.done("stream create noise");
    folder.write("noise.ndjson", &events(3000));
    folder.done("append noise noise.ndjson");
    let well = folder.run("doctor");
    assert!(well.out.contains("ok       stream noise: 3000 events"), "{}", well.out);

    // A text of the event in the middle, as it lies in the segment.
    change(&folder, SEGMENT, &noise(1500).as_bytes()[340..355]);

    let ran = folder.run("doctor");
    assert_eq!(ran.code, 1, "{}", ran.out);
    let line = ran.out.lines().find(|line| line.starts_with("no ")).unwrap();
    let (from, to) = offsets(line);
    assert!(from <= 1500 && 1500 < to, "{line}");
    assert!(line.contains(&format!("{} of 3000 events cannot be read", to - from)), "{line}");

    // Exactly these: what lies around them is read.
    let store = Store::open(&folder.path("data")).unwrap();
    let stream: StreamRecord = store.stream("noise").unwrap();
    let log = store.log(&stream).unwrap();
    let read = |from, to| log.visit(Range::new(Offset(from), Offset(to)), |_| {});
    assert_eq!((read(0, from), read(to, 3000)), (Ok(()), Ok(())));
    assert!(read(from, from + 1).is_err() && read(to - 1, to).is_err());
}

#[test]
fn a_changed_component_a_changed_view_and_a_missing_directory_are_told() {
    let folder = Folder::new();
    std::fs::write(folder.path("revenue.wasm"), guests::build("revenue")).unwrap();
    folder.done("stream create orders --time ts");
    let order =
        r#"{"ts":"2026-01-01T10:00:00Z","merchant_id":"a","currency":"EUR","amount":1,"status":"completed"}"#;
    folder.write("orders.ndjson", &format!("{order}\n{order}\n"));
    folder.done("append orders orders.ndjson");
    folder.done("deploy revenue revenue.wasm --stream orders");
    folder.done("batch revenue");
    let well = folder.done("doctor");
    for line in ["view revenue run 1: 1 cells", "view revenue v1: "] {
        assert!(well.contains(&format!("ok       {line}")), "{line}: {well}");
    }
    let component = std::fs::read_dir(folder.path("data/components")).unwrap().next().unwrap().unwrap();
    change(&folder, &format!("data/components/{}", component.file_name().to_str().unwrap()), b"merchant_id");
    change(&folder, "data/views/1/0000000001.redb", b"EUR");
    let ran = folder.run("doctor");
    assert_eq!(ran.code, 1);
    for words in ["no       view revenue run 1: ", "no       view revenue v1: ", "batch revenue --full"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    folder.refused("doctor --data nowhere", &["nowhere is no data directory"]);
}

#[test]
fn a_repair_that_is_killed_is_simply_made_again() {
    let folder = deployed(&orders(0, 3000), "");
    folder.done("batch revenue --quiet");
    change(&folder, SEGMENT, &noise(1500).as_bytes()[100..116]);
    change(&folder, "data/views/1/0000000001.redb", b"EUR");
    let (from, to) = offsets(folder.run("doctor").out.lines().find(|line| line.starts_with("no ")).unwrap());
    for wait_ms in [150, 250, 350, 500, 700] {
        let mut repair = folder.start("doctor --repair");
        std::thread::sleep(std::time::Duration::from_millis(wait_ms));
        repair.kill().unwrap();
        repair.wait().unwrap();
        let shown = folder.run("stream show orders");
        if shown.code == 0 {
            let shown: Value = serde_json::from_str(&shown.out).unwrap();
            assert!([0, to - from].map(Value::from).contains(&shown["lost"]), "{shown}");
        }
    }
    folder.run("doctor --repair");
    let ran = folder.run("doctor");
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains(&format!("offsets [{from}, {to})")), "{}", ran.out);
    let kept: Vec<String> = std::fs::read_dir(folder.path("data/streams/1/damaged"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!kept.is_empty() && kept.iter().all(|name| !name.starts_with("new-")), "{kept:?}");
    folder.done("batch revenue --quiet");
    let mut left = orders(0, 3000);
    left.drain(from as usize..to as usize);
    folder.write("left.ndjson", &lines(&left));
    assert_eq!(
        rows(&folder.done("query revenue")),
        rows(&folder.done("run revenue.wasm left.ndjson --quiet"))
    );
}

#[test]
fn a_log_that_is_gone_is_lost_as_far_as_anyone_has_read_it() {
    let folder = deployed(&orders(0, 300), "");
    folder.done("batch revenue --quiet");
    let expected = rows(&folder.done("query revenue"));
    std::fs::remove_file(folder.path(SEGMENT)).unwrap();
    let ran = folder.run("doctor");
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("300 of 300 events cannot be read, offsets [0, 300): its file is gone"),
        "{}",
        ran.out
    );
    folder.refused("query revenue", &["the log of stream 'orders' is gone"]);
    assert_eq!(folder.run("doctor --repair").code, 1);
    let ran = folder.run("query revenue");
    assert_eq!(rows(&ran.out), expected, "the view still has what it was folded from");
    assert!(ran.err.contains("lost     300 at offsets [0, 300)"), "{}", ran.err);
    folder.write("more.ndjson", &lines(&orders(300, 310)));
    assert_eq!(folder.json("append orders more.ndjson")["first_offset"], 300);
    assert_eq!(folder.run("doctor").code, 0);
}
