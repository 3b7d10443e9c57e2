//! The main job on real data: build host and plugin, fold real flights through both executors.

use crate::tools::{require_wasm_target, run};

/// The build that the tests use, too: a second one with all optimisations would double the wait. So
/// would another choice of packages, which gives dependencies other features.
const BIFOCAL: &str = "target/debug/bifocal";
const SAMPLE: &str = "tests/real-data/flights-sample.ndjson.zst";

pub fn main() -> anyhow::Result<()> {
    require_wasm_target()?;
    run("cargo", &["build", "--workspace", "--bin", "bifocal"])?;
    run(BIFOCAL, &["build", "plugins/flights"])?;
    let cut = "40000";
    run(
        BIFOCAL,
        &[
            "run",
            "plugins/flights/flights.wasm",
            SAMPLE,
            "--through",
            "both",
            "--cut",
            cut,
            "--format",
            "table",
        ],
    )
}
