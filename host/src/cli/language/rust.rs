//! Rust: cargo builds a core module that carries its own description of the world.

use super::tools::Need;
use crate::wasm;
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub const NEEDS: [Need; 2] = [
    Need { program: "rustc", version: &["--version"], install: "install Rust by rustup" },
    Need { program: "cargo", version: &["--version"], install: "install Rust by rustup" },
];

const TARGET: &str = "wasm32-unknown-unknown";

/// What a guest is compiled with, whatever workspace it stands in: speed, and no unwinding, since a
/// trap ends the call anyway. `Os` costs 28 % and `Oz` half of the speed of a fold.
const PROFILE: [&str; 5] = [
    "profile.release.opt-level=3",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.panic='abort'",
    "profile.release.strip='debuginfo'",
];

/// The component, and its name: that of the library.
pub fn build(directory: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    target()?;
    let core = cargo_build(directory)?;
    let bytes = std::fs::read(&core).with_context(|| core.display().to_string())?;
    let component = wasm::componentize(&bytes).with_context(|| core.display().to_string())?;
    let name = core.file_stem().and_then(|stem| stem.to_str()).unwrap_or("plugin").replace('_', "-");
    Ok((name, component))
}

/// The target, if it is installed: without it rustc's own message names a missing `core`, which tells a
/// beginner nothing.
pub fn target() -> anyhow::Result<&'static str> {
    let printed = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let printed = printed.context("rustc cannot be run; install Rust by rustup")?;
    let library = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
    if printed.status.success() && library.is_dir() {
        return Ok(TARGET);
    }
    bail!("Rust's target {TARGET} is not installed; run `rustup target add {TARGET}`")
}

/// Runs cargo and gives the path of the core module that it made.
fn cargo_build(directory: &Path) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--lib", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"])
        .args(PROFILE.iter().flat_map(|setting| ["--config", setting]))
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be run; install Rust by rustup")?;
    if !output.status.success() {
        bail!("cargo could not build {}; its messages are above", directory.display());
    }
    artifact(directory, &String::from_utf8_lossy(&output.stdout)).with_context(|| {
        format!(
            "{} builds no WebAssembly library; its Cargo.toml needs `[lib] crate-type = [\"cdylib\", \"rlib\"]`",
            directory.display()
        )
    })
}

/// The last `.wasm` file that cargo named for the package in `directory`.
fn artifact(directory: &Path, messages: &str) -> Option<PathBuf> {
    let manifest = directory.join("Cargo.toml").canonicalize().ok()?;
    let built = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let ours =
        built.filter(|message| message.reason == "compiler-artifact" && message.manifest_path == manifest);
    let files: Vec<PathBuf> = ours.flat_map(|message| message.filenames).collect();
    files.into_iter().rfind(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

/// What cargo says of a package that it has built; other messages lack some of this.
#[derive(serde::Deserialize)]
struct Message {
    reason: String,
    manifest_path: PathBuf,
    filenames: Vec<PathBuf>,
}
