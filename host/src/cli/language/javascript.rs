//! JavaScript and TypeScript: one bundled module, then componentize-js puts it, once run, into a component
//! with its engine.

use super::tools::{self, Need, Pinned, run};
use crate::wasm;
use anyhow::Context;
use std::path::Path;
use std::process::Command;

pub const NEEDS: [Need; 2] = [
    Need { program: "node", version: &["--version"], install: "install Node.js 20 or later" },
    Need { program: "npm", version: &["--version"], install: "install Node.js 20 or later with npm" },
];

pub static TOOLS: Pinned = Pinned { name: "javascript", pins: &[], fetch: tools::fetch_npm };

pub fn build(directory: &Path, _sdk: &Path) -> anyhow::Result<Vec<u8>> {
    let tools = TOOLS.ready()?;
    let work = tempfile::tempdir().context("a folder for the build")?;
    let (wit, component) = (work.path().join("wit"), work.path().join("component.wasm"));
    std::fs::create_dir(&wit).and_then(|()| std::fs::write(wit.join("transform.wit"), wasm::WIT))?;
    run(Command::new("node").arg(tools.join("build.mjs")).arg(directory).arg(&wit).arg(&component))?;
    std::fs::read(&component).with_context(|| component.display().to_string())
}
