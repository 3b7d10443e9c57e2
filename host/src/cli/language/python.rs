//! Python: componentize-py puts the interpreter, the SDK and the plugin, once imported, into a component.

use super::tools::{self, Need, Pinned, run};
use super::write_wit;
use anyhow::{Context, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

pub const NEEDS: [Need; 1] = [Need {
    program: "python3",
    version: &["--version"],
    install: "install Python 3.10 or later, with venv",
}];

pub static TOOLS: Pinned = Pinned {
    name: "python",
    pins: &[("requirements.txt", "componentize-py==0.25.0\n")],
    fetch: tools::fetch_python,
};

/// The module that a plugin is in, and the one of the SDK that makes a component of it.
const MODULE: &str = "transform.py";
const ENTRY: &str = "bifocal_component";

pub fn build(directory: &Path, sdk: &Path) -> anyhow::Result<Vec<u8>> {
    if !directory.join(MODULE).is_file() {
        bail!("{} holds no {MODULE}, where a plugin in Python has its transform", directory.display());
    }
    if !sdk.join(format!("{ENTRY}.py")).is_file() {
        bail!("{} is not the SDK for Python; `sdk` in bifocal.toml says where it is", sdk.display());
    }
    let tools = TOOLS.ready()?;
    let work = tempfile::tempdir().context("a folder for the build")?;
    let wit = write_wit(work.path())?;
    // All that stands in the folders of modules goes into the component, so only modules may stand there.
    let (app, component) = (work.path().join("app"), work.path().join("component.wasm"));
    copy_modules(directory, &app)?;
    copy_modules(sdk, &app)?;
    run(Command::new(tools.join("bin").join("componentize-py"))
        .arg("-d")
        .arg(&wit)
        .args(["-w", "plugin", "componentize", "--stub-wasi", "-p"])
        .arg(&app)
        .arg(ENTRY)
        .arg("-o")
        .arg(&component))?;
    fs::read(&component).with_context(|| component.display().to_string())
}

/// Copies modules and packages; tests, environments and the SDK of a plugin are no part of it.
fn copy_modules(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry.with_context(|| from.display().to_string())?;
        let (path, name) = (entry.path(), entry.file_name());
        let text = name.to_string_lossy();
        if path.is_dir() {
            if path.join("__init__.py").is_file() && !text.starts_with("test") {
                copy_modules(&path, &to.join(&name))?;
            }
        } else if text.ends_with(".py") && !text.starts_with("test_") {
            fs::copy(&path, to.join(&name)).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}
