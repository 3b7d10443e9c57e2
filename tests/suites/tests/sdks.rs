//! The SDKs and their eight transforms by the own test runners of the languages: no component, no host. A
//! failure here is easier to read than one of conformance.

use suites::{done, root};

/// Runs a program in a folder of the repository.
fn passes(folder: &str, program: &str, arguments: &[&str]) {
    done(&root().join(folder), program, arguments);
}

#[test]
fn python() {
    passes("plugin-sdk/python", "python3", &["-B", "-m", "unittest", "discover", "-t", ".", "-s", "tests"]);
    passes("tests/conformance/python", "python3", &["-B", "-m", "unittest", "test_conformance"]);
}

#[test]
fn javascript() {
    passes("plugin-sdk/javascript", "npm", &["test"]);
    passes("tests/conformance/javascript", "node", &["--test"]);
}

#[test]
fn go() {
    passes("plugin-sdk/go", "go", &["test", "./..."]);
    for name in [
        "algebras",
        "kinds",
        "sequence",
        "hopping",
        "revenue",
        "revenue-columns",
        "flights",
        "fraud",
        "earnings",
    ] {
        passes(&format!("tests/conformance/go/{name}"), "go", &["test", "./..."]);
    }
}

#[test]
fn c() {
    passes("plugin-sdk/c", "make", &["test"]);
}
