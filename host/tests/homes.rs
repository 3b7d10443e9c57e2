//! Boundaries that last: each module uses only those listed above it in `lib.rs`, and wasmtime, redb,
//! axum, hyper, tokio and ratatui have one home each. Reads the source as text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Modules in the order of `lib.rs`.
fn modules() -> Vec<String> {
    let lib = std::fs::read_to_string(source().join("lib.rs")).unwrap();
    let names = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_string).collect()
}

/// All files of a module: `name.rs` and what is below `name/`.
fn files(module: &str) -> Vec<PathBuf> {
    let mut files = vec![source().join(format!("{module}.rs"))];
    let mut folders = vec![source().join(module)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// Names that stand behind `crate::`, comments left out.
fn used(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut names = Vec::new();
    for line in code {
        for rest in line.split("crate::").skip(1) {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            names.push(rest.chars().take_while(|c| is_name(*c)).collect());
        }
    }
    names
}

#[test]
fn a_module_uses_only_those_above_it() {
    let modules = modules();
    assert!(modules.len() > 20, "lib.rs lists modules");
    let mut edges = 0;
    for (place, module) in modules.iter().enumerate() {
        for file in files(module) {
            let text = std::fs::read_to_string(&file).unwrap();
            for name in used(&text) {
                let Some(other) = modules.iter().position(|other| *other == name) else { continue };
                assert!(other <= place, "{} uses {name}, which stands below {module}", file.display());
                edges += 1;
            }
        }
    }
    assert!(edges > 100, "only {edges} uses were found: does this test still read what it should?");
}

#[test]
fn libraries_that_would_spread_have_one_home_each() {
    for (library, home) in [
        ("wasmtime::", "wasm"),
        ("redb::", "store"),
        ("axum::", "http"),
        ("hyper::", "http"),
        ("hyper_util::", "http"),
        ("tokio::", "http"),
        ("ratatui::", "cli"),
        ("signal_hook::", "cli"),
    ] {
        let mut uses = 0;
        for module in modules() {
            for file in files(&module) {
                let text = std::fs::read_to_string(&file).unwrap();
                let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
                let found = code.contains(library);
                uses += usize::from(found);
                assert!(!found || module == home, "{} names {library}", file.display());
            }
        }
        assert!(uses > 0, "{library} is nowhere: does this test still read what it should?");
    }
}
