//! The tests: those that need cargo and a C compiler alone, then the suites that need more, which
//! are named when a tool is missing.

use crate::tools::{has, require_wasm_target, run};
use anyhow::bail;

/// A suite that needs more than cargo: a feature of the package `suites`.
struct Suite {
    feature: &'static str,
    tests: &'static [&'static str],
    proves: &'static str,
    tools: &'static [&'static str],
}

const SUITES: [Suite; 3] = [
    Suite {
        feature: "languages",
        tests: &["sdks", "conformance", "templates"],
        proves: "a transform in Python, JavaScript, Go or C is the one in Rust; templates live",
        tools: &["node", "npm", "python3", "go", "make", "cc"],
    },
    Suite {
        feature: "real-data",
        tests: &["real-data"],
        proves: "3 million real flights, both orders, every cut: both executors agree",
        tools: &["npm", "python3"],
    },
    Suite {
        feature: "duckdb",
        tests: &["duckdb"],
        proves: "DuckDB computes the same rows",
        tools: &["npm", "python3"],
    },
];

/// `is_all`: a suite that cannot run is a failure.
pub fn main(is_all: bool) -> anyhow::Result<()> {
    require_wasm_target()?;
    let missing = |suite: &Suite| suite.tools.iter().copied().filter(|tool| !has(tool)).collect::<Vec<_>>();
    let (ready, left_out): (Vec<&Suite>, Vec<&Suite>) =
        SUITES.iter().partition(|suite| missing(suite).is_empty());
    if is_all && let Some(suite) = left_out.first() {
        bail!("suite {} needs {}", suite.feature, missing(suite).join(", "));
    }
    run("cargo", &["test", "--workspace"])?;
    if !ready.is_empty() {
        // The same packages as before, or dependencies would be built again with other features.
        let features: Vec<String> = ready.iter().map(|suite| format!("suites/{}", suite.feature)).collect();
        let features = features.join(",");
        let mut arguments = vec!["test", "--workspace", "--features", &features];
        let tests = ready.iter().flat_map(|suite| suite.tests);
        arguments.extend(tests.flat_map(|test| ["--test", test]));
        run("cargo", &arguments)?;
    }
    for suite in &left_out {
        eprintln!(
            "left out: suite {} ({}): install {}",
            suite.feature,
            suite.proves,
            missing(suite).join(", ")
        );
    }
    Ok(())
}
