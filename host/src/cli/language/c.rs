//! C: the C compiler inside of Zig, which brings a C library for WebAssembly and needs no administrator.

use super::files_of;
use super::tools::{self, Need, Pinned, run};
use crate::wasm;
use anyhow::{Context, bail};
use std::path::Path;
use std::process::Command;

pub const NEEDS: [Need; 1] = [Need {
    program: "python3",
    version: &["--version"],
    install: "install Python 3.10 or later, with venv: it fetches the C compiler",
}];

pub static TOOLS: Pinned =
    Pinned { name: "c", pins: &[("requirements.txt", "ziglang==0.17.1\n")], fetch: tools::fetch_python };

/// Contraction to fused multiply-adds would give other bits natively than in WebAssembly, which has none.
const FLAGS: [&str; 8] = [
    "--target=wasm32-wasi",
    "-mexec-model=reactor",
    "-std=c17",
    "-O3",
    "-flto",
    "-ffp-contract=off",
    "-Wl,--strip-debug",
    "-Wl,-z,stack-size=1048576",
];

/// Where the SDK has its C files.
const SDK_SOURCES: [&str; 2] = ["src", "bindings"];

pub fn build(directory: &Path, sdk: &Path) -> anyhow::Result<Vec<u8>> {
    let mut sources = files_of(directory, "c")?;
    if sources.is_empty() {
        bail!("{} holds no C file", directory.display());
    }
    if !sdk.join("bifocal.h").is_file() {
        bail!("{} is not the SDK for C; `sdk` in bifocal.toml says where it is", sdk.display());
    }
    for folder in SDK_SOURCES {
        sources.extend(files_of(&sdk.join(folder), "c")?);
    }
    let tools = TOOLS.ready()?;
    let work = tempfile::tempdir().context("a folder for the build")?;
    let core = work.path().join("core.wasm");
    run(Command::new(tools.join("bin").join("python"))
        .args(["-m", "ziglang", "cc"])
        .args(FLAGS)
        .arg("-I")
        .arg(sdk)
        .args(&sources)
        .arg("-o")
        .arg(&core))?;
    let bytes = std::fs::read(&core).with_context(|| core.display().to_string())?;
    Ok(wasm::componentize_wasi(&bytes)?)
}
