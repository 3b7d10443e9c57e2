//! A log elsewhere: `replay` through a local build, `export` and `import`.

use super::process::Folder;
use std::fmt::Write;

fn orders(count: u64) -> String {
    let mut text = String::new();
    for i in 0..count {
        let (minute, merchant) = (i % 60, i % 7);
        writeln!(
            text,
            r#"{{"ts":"2026-01-01T{:02}:{minute:02}:00Z","merchant_id":"m-{merchant}","currency":"EUR","amount":{i},"status":"completed"}}"#,
            i / 60 % 24
        )
        .unwrap();
    }
    text
}

/// A folder with a stream of orders, their file, and a component.
fn stage(count: u64) -> Folder {
    let folder = Folder::new();
    folder.write("orders.ndjson", &orders(count));
    std::fs::write(folder.path("revenue.wasm"), guests::build("revenue")).unwrap();
    folder.done("stream create orders --time ts");
    folder.done("append orders orders.ndjson");
    folder
}

#[test]
fn a_replay_is_the_run_over_the_same_events() {
    let folder = stage(3000);
    assert_eq!(
        folder.done("replay orders --through revenue.wasm"),
        folder.done("run revenue.wasm orders.ndjson")
    );
    let part: String = orders(3000).lines().skip(700).take(1100).map(|line| format!("{line}\n")).collect();
    folder.write("part.ndjson", &part);
    assert_eq!(
        folder.done("replay orders --from-offset 700 --to-offset 1800 --through revenue.wasm --threads 2"),
        folder.done("run revenue.wasm part.ndjson")
    );
    let nothing = folder.run("replay orders --from-offset 5 --to-offset 5 --through revenue.wasm");
    assert_eq!((nothing.code, nothing.out.as_str()), (0, ""), "{}", nothing.err);
    for (range, words) in [
        ("--from-offset 9 --to-offset 8", "[9, 8)"),
        ("--to-offset 3001", "[0, 3001) are not a range of stream 'orders', which has [0, 3000)"),
    ] {
        folder.refused(&format!("replay orders {range} --through revenue.wasm"), &[words]);
    }
    folder.refused("replay orders --through missing.wasm", &["missing.wasm", "No such file"]);
}

/// What `tail` prints of all events.
fn log(folder: &Folder, stream: &str) -> String {
    folder.done(&format!("stream tail {stream} -n 100000000"))
}

#[test]
fn an_exported_log_is_imported_as_it_was() {
    let folder = stage(5000);
    folder.write("more.csv", "ts,n,note\n2026-01-01T10:00:00Z,1,\"ü,\"\n2026-01-01T10:00:01Z,,\n");
    folder.done("append orders more.csv");
    folder.done("export orders -o orders.parquet");
    assert!(!folder.path("new-orders.parquet").exists());
    folder.done("stream create copy --time ts");
    let answer = folder.json("import copy orders.parquet");
    assert_eq!(answer["appended"], 5002);
    assert_eq!(log(&folder, "copy"), log(&folder, "orders"));
    assert_eq!(
        folder.json("import copy orders.parquet")["appended"],
        0,
        "what is there of the same file is left out"
    );
    // All that the log knows is in the file, also what `tail` does not print.
    folder.done("export copy -o again.parquet");
    let bytes = |name: &str| std::fs::read(folder.path(name)).unwrap();
    assert!(bytes("again.parquet") == bytes("orders.parquet"));
}

#[test]
fn ids_schema_numbers_and_empty_logs_survive() {
    let folder = Folder::new();
    folder.write("any.json", r#"{"type":"object"}"#);
    folder.done("stream create a --time ts --id id --schema any.json");
    folder.write("a.ndjson", "{\"ts\":\"2026-01-01\",\"id\":\"x\"}\n{\"ts\":\"2026-01-01\",\"id\":7}\n");
    folder.done("append a a.ndjson");
    folder.done("export a -o a.parquet");
    folder.done("stream create b --time ts --id id");
    folder.done("import b a.parquet");
    assert_eq!(log(&folder, "b"), log(&folder, "a"));
    assert_eq!(folder.json("import b a.parquet --again")["duplicates"], 2);

    folder.done("stream create empty");
    folder.done("export empty -o empty.parquet");
    assert_eq!(folder.json("import b empty.parquet")["appended"], 0);
}

#[test]
fn what_is_no_export_is_refused() {
    let folder = stage(10);
    folder.done("run revenue.wasm orders.ndjson --format csv");
    folder.write("text.parquet", "not at all");
    let refused = |arguments: &str, words: &[&str]| {
        let ran = folder.run(arguments);
        assert_eq!(ran.code, 2, "{arguments}: {}", ran.out);
        words.iter().for_each(|word| assert!(ran.err.contains(word), "{word}: {}", ran.err));
    };
    refused("import orders text.parquet", &["text.parquet", "cannot be read"]);
    refused("import orders missing.parquet", &["missing.parquet", "No such file"]);
    refused("export other -o x.parquet", &["no stream 'other'"]);
    refused("export orders -o nowhere/x.parquet", &["nowhere/new-x.parquet", "No such file"]);
    assert_eq!(folder.head("orders"), 10);
    for command in ["replay", "export", "import"] {
        let help = folder.done(&format!("{command} --help"));
        assert!(
            help.contains("Example") && help.contains(&format!("bifocal {command} ")),
            "{command}: {help}"
        );
    }
}
