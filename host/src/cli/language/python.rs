//! Python: componentize-py puts the interpreter, the SDK and the plugin, once imported, into a component.

use super::tools::{self, Need, Pinned, run};
use crate::wasm;
use anyhow::Context;
use std::path::Path;
use std::process::Command;

pub const NEEDS: [Need; 1] =
    [Need { program: "python3", version: &["--version"], install: "install Python 3.10 or later" }];

pub static TOOLS: Pinned = Pinned {
    name: "python",
    pins: &[("requirements.txt", "componentize-py==0.25.0\n")],
    fetch: tools::fetch_python,
};

pub fn build(directory: &Path, sdk: &Path) -> anyhow::Result<Vec<u8>> {
    let tools = TOOLS.ready()?;
    let work = tempfile::tempdir().context("a folder for the build")?;
    let (wit, component) = (work.path().join("wit"), work.path().join("component.wasm"));
    std::fs::create_dir(&wit).and_then(|()| std::fs::write(wit.join("transform.wit"), wasm::WIT))?;
    run(Command::new(tools.join("bin").join("componentize-py"))
        .arg("-d")
        .arg(&wit)
        .args(["-w", "plugin", "componentize", "--stub-wasi", "-p"])
        .arg(directory)
        .arg("-p")
        .arg(sdk)
        .arg("app")
        .arg("-o")
        .arg(&component))?;
    std::fs::read(&component).with_context(|| component.display().to_string())
}
