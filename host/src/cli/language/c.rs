//! C: the C compiler inside of Zig, which brings a C library for WebAssembly and needs no administrator.

use super::tools::{self, Need, Pinned, run};
use crate::wasm;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

pub const NEEDS: [Need; 1] = [Need {
    program: "python3",
    version: &["--version"],
    install: "install Python 3.10 or later: it fetches the C compiler",
}];

pub static TOOLS: Pinned =
    Pinned { name: "c", pins: &[("requirements.txt", "ziglang==0.17.0\n")], fetch: tools::fetch_python };

pub fn build(directory: &Path, sdk: &Path) -> anyhow::Result<Vec<u8>> {
    let tools = TOOLS.ready()?;
    let sources = sources(directory)?;
    if sources.is_empty() {
        bail!("{} holds no C file", directory.display());
    }
    let work = tempfile::tempdir().context("a folder for the build")?;
    let core = work.path().join("core.wasm");
    run(Command::new(tools.join("bin").join("python"))
        .args([
            "-m",
            "ziglang",
            "cc",
            "--target=wasm32-wasi",
            "-mexec-model=reactor",
            "-std=c17",
            "-O3",
            "-flto",
        ])
        .arg("-I")
        .arg(sdk)
        .args(&sources)
        .args(self::sources(sdk)?)
        .arg("-o")
        .arg(&core))?;
    let bytes = std::fs::read(&core).with_context(|| core.display().to_string())?;
    Ok(wasm::componentize_wasi(&bytes)?)
}

/// The C files of a folder, sorted.
fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    files.sort();
    Ok(files)
}
