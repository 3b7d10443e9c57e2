//! The orders job by DuckDB, in the same run: the field's own measure of what one machine can do. Needs
//! python3, and is left out without it.

use crate::job;
use std::path::Path;
use std::process::Command;

pub fn print(events: u64) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir_in(".")?;
    let orders = folder.path().canonicalize()?.join("orders.ndjson");
    std::fs::write(&orders, job::lines(events))?;
    let script = root.join("tests/duckdb/speed.py");
    let output = Command::new(root.join("tests/duckdb/python"))
        .arg(script)
        .arg(&orders)
        .arg(events.to_string())
        .output()?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    if !output.status.success() {
        println!("DuckDB was left out: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
