//! `bifocal doctor`: is all in order on this machine and in a data directory, and what to do if not.

use super::data::DataArgs;
use super::{Answer, options};
use crate::store::{Examined, Store};
use crate::wasm::{self, Engine};
use clap::Args as ClapArgs;
use std::path::Path;
use std::process::Command;

/// Check that this machine has what Bifocal needs, and say what to do if not
///
/// With a data directory it also reads every event, cell and component that is stored there against its
/// checksum, and says exactly what is lost. It changes nothing. Exit code 1 if something is not in order.
#[derive(ClapArgs)]
#[command(after_help = "Examples:\n  bifocal doctor\n  bifocal doctor --data ./data")]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
}

/// One line: what was looked at, what was found, and what to do if that is not good.
struct Finding {
    what: &'static str,
    found: Result<String, String>,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let store = if args.data.is_named() { Some(args.data.open()?) } else { None };
    let findings = [
        Finding { what: "engine", found: engine() },
        Finding { what: "cache", found: cache() },
        Finding { what: "cores", found: Ok(options::threads(None).to_string()) },
        Finding { what: "rustc", found: version("rustc") },
        Finding { what: "cargo", found: version("cargo") },
        Finding { what: "target", found: target() },
    ];
    for finding in &findings {
        match &finding.found {
            Ok(found) => println!("ok       {:<8} {found}", finding.what),
            Err(fault) => println!("no       {:<8} {fault}", finding.what),
        }
    }
    let mut is_well = findings.iter().all(|finding| finding.found.is_ok());
    if let Some(store) = store {
        is_well &= examine(&store)?;
    }
    Ok(if is_well { Answer::Done } else { Answer::No })
}

/// Whether all that is stored is what was written.
fn examine(store: &Store) -> anyhow::Result<bool> {
    let mut is_well = true;
    store.examine(|Examined { what, found }| match found {
        Ok(found) => println!("ok       {what}: {found}"),
        Err(fault) => {
            is_well = false;
            println!("no       {what}: {fault}");
        }
    })?;
    Ok(is_well)
}

/// The pool reserves address space, which a limit on virtual memory can refuse.
fn engine() -> Result<String, String> {
    let options = wasm::Options { cache: None, ..wasm::Options::default() };
    Engine::new(options)
        .map(|_| format!("contract {}", wasm::CONTRACT))
        .map_err(|error| format!("{error}; if virtual memory is limited, lift it: `ulimit -v unlimited`"))
}

fn cache() -> Result<String, String> {
    let Some(directory) = options::cache_directory() else {
        return Err("neither BIFOCAL_CACHE nor HOME is set: components are compiled anew each time".into());
    };
    writable(&directory).map(|()| directory.display().to_string()).map_err(|error| {
        format!("{} cannot be written ({error}); set BIFOCAL_CACHE to a folder that can", directory.display())
    })
}

fn writable(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let probe = directory.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

fn version(program: &str) -> Result<String, String> {
    let output = Command::new(program).arg("--version").output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        }
        _ => Err(format!(
            "{program} cannot be run; `bifocal build` of Rust plugins needs it: install Rust by rustup"
        )),
    }
}

fn target() -> Result<String, String> {
    super::build::require_target()
        .map(|()| super::build::TARGET.to_string())
        .map_err(|error| error.to_string())
}
