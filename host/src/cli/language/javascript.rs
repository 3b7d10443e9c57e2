//! JavaScript and TypeScript: one bundled module, then componentize-js puts it, once run, into a component
//! with its engine.

use super::tools::{self, Need, Pinned, run};
use super::write_wit;
use anyhow::{Context, bail};
use std::path::Path;
use std::process::Command;

pub const NEEDS: [Need; 2] = [
    Need { program: "node", version: &["--version"], install: "install Node.js 20 or later" },
    Need { program: "npm", version: &["--version"], install: "install Node.js 20 or later with npm" },
];

pub static TOOLS: Pinned = Pinned {
    name: "javascript",
    pins: &[
        ("package.json", include_str!("../../../../plugin-sdk/javascript/tools/package.json")),
        ("package-lock.json", include_str!("../../../../plugin-sdk/javascript/tools/package-lock.json")),
        ("build.mjs", include_str!("../../../../plugin-sdk/javascript/tools/build.mjs")),
    ],
    fetch: tools::fetch_npm,
};

pub fn build(directory: &Path, sdk: &Path) -> anyhow::Result<Vec<u8>> {
    if !sdk.join("guest.js").is_file() {
        bail!("{} is not the SDK for JavaScript; `sdk` in bifocal.toml says where it is", sdk.display());
    }
    let tools = TOOLS.ready()?;
    let work = tempfile::tempdir().context("a folder for the build")?;
    let (wit, component) = (write_wit(work.path())?, work.path().join("component.wasm"));
    let script = tools.join("build.mjs");
    run(Command::new("node").arg(script).arg(directory).arg(&wit).arg(&component).arg(sdk))?;
    std::fs::read(&component).with_context(|| component.display().to_string())
}
