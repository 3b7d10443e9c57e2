//! The binary from outside: what goes to stdout, what to stderr, and the exit code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn bifocal(arguments: &[&str]) -> Ran {
    bifocal_in(Path::new("."), arguments, b"")
}

fn bifocal_in(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bifocal"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let stdin = stdin.to_vec();
    let feeder = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Ran {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// A folder with the components of the example plugins, built once.
fn plugins() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for name in ["revenue", "flights", "sequence"] {
            std::fs::write(folder.path().join(format!("{name}.wasm")), guests::build(name)).unwrap();
        }
        folder
    });
    folder.path()
}

fn plugin(name: &str) -> String {
    plugins().join(format!("{name}.wasm")).display().to_string()
}

fn sample() -> String {
    repository().join("tests/real-data/flights-sample.ndjson.zst").display().to_string()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

const ORDERS: &str = r#"{"merchant_id":"m-1","currency":"EUR","amount":"10.50","status":"completed","ts":"2026-01-01T10:00:00Z"}
{"merchant_id":"m-1","currency":"EUR","amount":2,"status":"completed","ts":"2026-01-01T10:59:59Z"}
{"merchant_id":"m-1","currency":"EUR","amount":99,"status":"declined","ts":"2026-01-01T10:30:00Z"}
{"merchant_id":"m-2","currency":"USD","amount":7.25,"status":"completed","ts":"2026-01-01T11:00:00Z"}
{"merchant_id":"m-2","currency":"USD","amount":"seven","status":"completed","ts":"2026-01-01T11:00:00Z"}
"#;

#[test]
fn rows_go_to_stdout_and_the_report_to_stderr() {
    let ran = bifocal_in(Path::new("."), &["run", &plugin("revenue"), "-"], ORDERS.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        ran.out,
        concat!(
            r#"{"merchant_id":"m-1","currency":"EUR","window":"2026-01-01T10:00:00Z","amount":12.50,"orders":2,"largest":10.50}"#,
            "\n",
            r#"{"merchant_id":"m-2","currency":"USD","window":"2026-01-01T11:00:00Z","amount":7.25,"orders":1,"largest":7.25}"#,
            "\n"
        )
    );
    assert!(ran.err.contains("rejected 1   ignored 0   late 0"), "{}", ran.err);
    assert!(ran.err.contains("amount: ") && ran.err.contains("seven"), "{}", ran.err);
    assert!(ran.err.contains("certificate "), "{}", ran.err);
}

#[test]
fn quiet_says_nothing_and_the_report_file_says_all() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json").display().to_string();
    let arguments =
        ["run", &plugin("revenue"), "-", "--quiet", "--report", &report, "--through", "both", "--cut", "2"];
    let ran = bifocal_in(Path::new("."), &arguments, ORDERS.as_bytes());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["events"], 5);
    assert_eq!(report["comparison"]["same"], true);
    assert_eq!(report["comparison"]["compared"], 2);
    assert_eq!(report["batch"]["offsets"], serde_json::json!([0, 2]));
    assert_eq!(report["certificate"]["cells"].as_str().unwrap().len(), 64);
}

#[test]
fn real_flights_are_the_same_through_both_whatever_the_cut() {
    let mut certificates = std::collections::BTreeSet::new();
    for cut in ["0", "1", "40000", "80536"] {
        let arguments = ["run", &plugin("flights"), &sample(), "--through", "both", "--cut", cut];
        let ran = bifocal(&arguments);
        assert_eq!(ran.code, 0, "cut {cut}: {}", ran.err);
        assert!(ran.err.contains("11,802 cells compared: 0 differ, 0 missing, 0 extra"), "{}", ran.err);
        let line = ran.err.lines().find(|line| line.starts_with("same")).unwrap();
        certificates.insert(line.to_string());
        assert_eq!(ran.out.lines().count(), 11_802);
    }
    assert_eq!(certificates.len(), 1, "{certificates:?}");
}

#[test]
fn each_planted_fault_is_found_with_exit_code_1_and_a_cell() {
    for (drill, plugin_name) in [
        ("lost-chunk", "flights"),
        ("doubled-micro-batch", "flights"),
        ("cut-off-by-one", "flights"),
        ("flipped-byte", "flights"),
        // Order matters to this one: to `flights` a swapped merge is no fault at all.
        ("swapped-merge", "sequence"),
    ] {
        let component = plugin(plugin_name);
        let arguments = [
            "run",
            &component,
            &sample(),
            "--through",
            "both",
            "--cut",
            "40000",
            "--drill",
            drill,
            "--micro-batch",
            "1000",
        ];
        let ran = bifocal(&arguments);
        assert_eq!(ran.code, 1, "{drill}: {}", ran.err);
        assert!(ran.err.contains("\ndiffer "), "{drill}: {}", ran.err);
        let worst = ran.err.lines().find(|line| line.starts_with("worst")).unwrap_or_default();
        assert!(worst.contains("2001-02-"), "{drill} names no cell: {}", ran.err);
    }
}

#[test]
fn a_malformed_line_is_named_and_nothing_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let orders = ORDERS.replacen(r#""amount":2,"#, r#""amount":02,"#, 1);
    std::fs::write(folder.path().join("orders.ndjson"), &orders).unwrap();
    let ran = bifocal_in(folder.path(), &["run", &plugin("revenue"), "orders.ndjson"], b"");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("orders.ndjson") && ran.err.contains('2'), "{}", ran.err);

    let skip = ["run", &plugin("revenue"), "orders.ndjson", "--on-error", "skip"];
    let ran = bifocal_in(folder.path(), &skip, b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("skipped 1") && ran.err.contains("4 events"), "{}", ran.err);
}

#[test]
fn what_is_not_a_transform_is_refused_in_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("text.wasm", b"not wasm at all");
    write("core.wasm", &guests::core_module("revenue"));
    write("other.wasm", &guests::hollow("package a:b@1.0.0;\nworld w { export run: func(); }"));
    let cases = [
        ("text.wasm", "not a"),
        ("core.wasm", "bifocal build"),
        ("other.wasm", "bifocal:transform"),
        ("missing.wasm", "No such file"),
    ];
    for (file, words) in cases {
        let ran = bifocal_in(folder.path(), &["run", file, "-"], b"{}");
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{file}: {}", ran.err);
        assert!(ran.err.contains(file) && ran.err.contains(words), "{file}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{file}: {}", ran.err);
    }
}

#[test]
fn wrong_options_are_refused_with_what_to_do() {
    let revenue = plugin("revenue");
    let cases: [(&[&str], &str); 6] = [
        (&["run", &revenue, "-", "--through", "both", "--cut", "6"], "the files hold 5 events"),
        (&["run", &revenue, "-", "--drill", "lost-chunk"], "--through both"),
        (&["run", &revenue, "-", "--drill", "earthquake", "--through", "both"], "flipped-byte"),
        (&["run", &revenue, "-", "--set", "nothing"], "KEY=VALUE"),
        (&["run", &revenue, "-", "--lateness", "soon"], "--lateness 'soon'"),
        (&["run", &revenue, "-", "--format", "xml"], "parquet"),
    ];
    for (arguments, words) in cases {
        let ran = bifocal_in(Path::new("."), arguments, ORDERS.as_bytes());
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    }
}

#[test]
fn against_another_build_shows_the_rows_that_differ() {
    let revenue = plugin("revenue");
    let same = ["run", &revenue, "-", "--against", &revenue];
    let ran = bifocal_in(Path::new("."), &same, ORDERS.as_bytes());
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert!(ran.err.contains("0 rows of 2"), "{}", ran.err);

    // Another build: keyed alike, and every order counts, whatever its status.
    let changed = ["run", &plugin("flights"), "-", "--against", &revenue, "--time", "ts"];
    let ran = bifocal_in(Path::new("."), &changed, ORDERS.as_bytes());
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("cannot be matched"), "{}", ran.err);
}

#[test]
fn a_new_plugin_builds_and_passes_its_tests_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let made = bifocal_in(folder.path(), &["new", "my-clicks", "--lang", "rust"], b"");
    assert_eq!(made.code, 0, "{}", made.err);
    let tested = bifocal_in(folder.path(), &["test", "my-clicks", "--junit", "report.xml"], b"");
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    assert!(tested.out.ends_with("1 passed, 0 failed\n"), "{}", tested.out);
    assert!(std::fs::read_to_string(folder.path().join("report.xml")).unwrap().contains("failures=\"0\""));
    let built = bifocal_in(folder.path(), &["build", "my-clicks"], b"");
    assert_eq!(built.out.lines().last(), Some("my-clicks/my-clicks.wasm"), "{}", built.err);

    // A fixture that is wrong fails, and says how.
    let expected = folder.path().join("my-clicks/fixtures/basic/expected.ndjson");
    let text = std::fs::read_to_string(&expected).unwrap().replace("\"visits\": 2", "\"visits\": 3");
    std::fs::write(&expected, text).unwrap();
    let tested = bifocal_in(folder.path(), &["test", "my-clicks"], b"");
    assert_eq!(tested.code, 1, "{}", tested.out);
    assert!(tested.out.contains("expected row") && tested.out.contains("found    row"), "{}", tested.out);

    let again = bifocal_in(folder.path(), &["new", "my-clicks", "--lang", "rust"], b"");
    assert_eq!(again.code, 2);
    assert!(again.err.contains("exists already"), "{}", again.err);
    let named = bifocal_in(folder.path(), &["new", "../elsewhere", "--lang", "rust"], b"");
    assert_eq!(named.code, 2);
}

#[test]
fn the_example_plugins_pass_their_fixtures() {
    for name in ["revenue", "flights", "orders-cdc", "earnings", "trending", "fraud", "recommend"] {
        let ran = bifocal_in(&repository(), &["test", &format!("plugins/{name}")], b"");
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(ran.out.ends_with(" passed, 0 failed\n"), "{}", ran.out);
    }
}

#[test]
fn the_doctor_finds_this_machine_well() {
    let ran = bifocal(&["doctor"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.starts_with("ok ")), "{}", ran.out);
}

#[test]
fn every_command_has_an_example_in_its_help() {
    for command in ["run", "check", "test", "build", "new", "doctor", "completions", "man"] {
        let ran = bifocal(&[command, "--help"]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("Example") && ran.out.contains("bifocal "), "{command}: {}", ran.out);
    }
}
