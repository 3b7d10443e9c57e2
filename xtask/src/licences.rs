//! Every dependency has a licence that we may ship and comes from the public registry.

use crate::tools::output;
use anyhow::{Context, bail};
use serde_json::Value;

/// Licences that ask for no more than to be named.
const ALLOWED: [&str; 12] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

pub fn main() -> anyhow::Result<()> {
    let metadata = output("cargo", &["metadata", "--format-version", "1", "--locked"])
        .context("`cargo metadata --locked` failed; is Cargo.lock up to date?")?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let faults: Vec<String> = packages.iter().filter_map(fault).collect();
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    eprintln!("licences of {} packages are allowed", packages.len());
    Ok(())
}

/// Why a package may not be used.
fn fault(package: &Value) -> Option<String> {
    let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
    if let Some(source) = package["source"].as_str().filter(|source| !source.starts_with("registry+")) {
        return Some(format!("{name} comes from {source}, not from the registry"));
    }
    let Some(licence) = package["license"].as_str() else {
        return Some(format!("{name} names no licence"));
    };
    let Ok(expression) = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) else {
        return Some(format!("{name}: '{licence}' is no licence expression"));
    };
    let is_allowed = |requirement: &spdx::LicenseReq| {
        requirement.license.id().is_some_and(|id| ALLOWED.contains(&id.name))
    };
    (!expression.evaluate(is_allowed)).then(|| format!("{name}: licence '{licence}' is not allowed"))
}
