//! Go: the compiler of Go itself makes a core module for WASI, whose imports the frozen adapter answers.

use super::tools::{Need, run};
use crate::wasm;
use anyhow::Context;
use std::path::Path;
use std::process::Command;

pub const NEEDS: [Need; 1] =
    [Need { program: "go", version: &["version"], install: "install Go 1.24 or later" }];

pub fn build(directory: &Path) -> anyhow::Result<Vec<u8>> {
    let work = tempfile::tempdir().context("a folder for the build")?;
    let core = work.path().join("core.wasm");
    run(Command::new("go")
        .args(["build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-o"])
        .arg(&core)
        .arg(".")
        .current_dir(directory)
        .envs([("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOFLAGS", ""), ("GOWORK", "off")]))?;
    let bytes = std::fs::read(&core).with_context(|| core.display().to_string())?;
    Ok(wasm::componentize_wasi(&bytes)?)
}
