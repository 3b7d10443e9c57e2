//! The main job on real data: build host and plugin, fold real flights through both executors.

use crate::tools::{require_wasm_target, run};

const BIFOCAL: &str = "target/release/bifocal";
const SAMPLE: &str = "tests/real-data/flights-sample.ndjson.zst";

pub fn main() -> anyhow::Result<()> {
    require_wasm_target()?;
    run("cargo", &["build", "--release", "--package", "bifocal"])?;
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
