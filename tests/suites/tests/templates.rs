//! What `bifocal new` makes, in every language, is used as an author uses it: started, tested natively and
//! through both executors, tried once by `dev`, deployed to a running server, asked for its rows.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use suites::{binary, done};

/// `bifocal serve`, which does not outlive its test.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn new(folder: &Path) -> Served {
        let mut child = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--data", "data"])
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("http://")).expect("it says where it serves");
        let at = line.find("http://").expect("it is there");
        let url = line[at..].split(' ').next().expect("a word").to_owned();
        // What it says later must not fill its pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Served { child, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The tests of the template by the language's own runner: program and arguments.
fn live(language: &str, own_tests: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let bifocal = |arguments: &[&str]| done(folder, binary(), arguments);
    bifocal(&["new", "visits", "--lang", language]);
    let tested = bifocal(&["test", "visits"]);
    assert!(tested.contains("1 passed, 0 failed"), "{tested}");
    let tried = bifocal(&["dev", "visits", "--once"]);
    assert!(tried.contains("longest"), "{tried}");
    if let Some((program, arguments)) = own_tests.split_first() {
        done(&folder.join("visits"), program, arguments);
    }

    let served = Served::new(folder);
    let asked = |arguments: &[&str]| bifocal(&[arguments, &["--server", &served.url]].concat());
    asked(&["stream", "create", "visits", "--time", "at"]);
    asked(&["append", "visits", "visits/fixtures/basic/events.ndjson"]);
    asked(&["deploy", "visits", "visits/visits.wasm", "--stream", "visits"]);
    asked(&["batch", "visits"]);
    let rows = asked(&["query", "visits", "--format", "ndjson"]);
    let expected =
        std::fs::read_to_string(folder.join("visits/fixtures/basic/expected.ndjson")).expect("rows");
    assert_eq!(rows.lines().count(), expected.lines().count(), "{rows}");
    for (row, expected) in rows.lines().zip(expected.lines()) {
        let mut row: serde_json::Value = serde_json::from_str(row).expect("a row");
        let marks = row.as_object_mut().expect("an object");
        for mark in ["settled", "revised", "pending"] {
            marks.remove(mark);
        }
        let expected: serde_json::Value = serde_json::from_str(expected).expect("a row");
        assert_eq!(row, expected);
    }
}

#[test]
fn rust() {
    live("rust", &[]);
}

#[test]
fn python() {
    live("python", &["python3", "-m", "unittest", "discover", "-s", "."]);
}

#[test]
fn javascript() {
    live("javascript", &["sh", "-c", "npm install --loglevel=error --no-audit --no-fund && npm test"]);
}

#[test]
fn go() {
    live("go", &["go", "test", "./..."]);
}

#[test]
fn c() {
    live("c", &["make", "test"]);
}
