//! Running other programs from the root of the repository.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Runs a program, its output shown; an error if it fails.
pub fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let shown = format!("{program} {}", arguments.join(" "));
    eprintln!("+ {shown}");
    let status = Command::new(program).args(arguments).current_dir(root()).stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("{program} cannot be run"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// What a program printed, if it could be run and succeeded.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).current_dir(root()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program tells its version: `go version` is the one that takes a word for it.
pub fn has(program: &str) -> bool {
    ["--version", "version"].iter().any(|asked| output(program, &[asked]).is_some())
}

/// Installs the target that plugins are compiled for, where rustup is there to do it.
pub fn require_wasm_target() -> anyhow::Result<()> {
    let folder = output("rustc", &["--print", "target-libdir", "--target", WASM_TARGET]);
    if folder.is_some_and(|folder| Path::new(folder.trim()).is_dir()) {
        return Ok(());
    }
    run("rustup", &["target", "add", WASM_TARGET])
}
