//! The SDKs and their eight transforms by the own test runners of the languages: no component, no host. A
//! failure here is easier to read than one of conformance.

use std::path::PathBuf;
use std::process::Command;
use suites::root;

/// Runs a program in a folder of the repository.
fn passes(folder: &str, program: &str, arguments: &[&str]) {
    let at: PathBuf = root().join(folder);
    let output = Command::new(program)
        .args(arguments)
        .current_dir(&at)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{folder}: {program} {arguments:?}\n{out}{err}");
}

#[test]
fn python() {
    passes("plugin-sdk/python", "python3", &["-m", "unittest", "discover", "-t", ".", "-s", "tests"]);
    passes("tests/conformance/python", "python3", &["-m", "unittest", "test_conformance"]);
}

#[test]
fn javascript() {
    passes("plugin-sdk/javascript", "npm", &["test"]);
    passes("tests/conformance/javascript", "node", &["--test"]);
}

#[test]
fn go() {
    passes("plugin-sdk/go", "go", &["test", "./..."]);
    for name in ["revenue", "flights", "fraud", "earnings"] {
        passes(&format!("tests/conformance/go/{name}"), "go", &["test", "./..."]);
    }
}

#[test]
fn c() {
    passes("plugin-sdk/c", "make", &["test"]);
}
