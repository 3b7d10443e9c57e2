//! The fixtures beside a plugin, tried natively.

use std::fs;
use std::path::Path;

use super::Bench;
use crate::plugin::Plugin;

/// Tries every `CASE/{events,expected,rejected}.ndjson` in `directory`, with the settings in
/// `CASE/settings.json` if it is there, and the laws on the events of each.
///
/// `expected` holds the rows of the view, members in the order of the columns. A line of `rejected` is
/// `{"offset":N,"reason":"..."}`: the reason given must contain this one.
///
/// # Panics
///
/// If a case cannot be read or does not hold: the message names the case and the first difference.
pub fn check_fixtures(plugin: &'static dyn Plugin, directory: impl AsRef<Path>) {
    let directory = directory.as_ref();
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut cases: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    cases.sort();
    assert!(!cases.is_empty(), "{}: no case is there", directory.display());
    for case in cases {
        check(plugin, &case).unwrap_or_else(|why| panic!("{}: {why}", case.display()));
    }
}

fn check(plugin: &'static dyn Plugin, case: &Path) -> Result<(), String> {
    let settings = fs::read_to_string(case.join("settings.json")).unwrap_or_else(|_| "{}".to_owned());
    let mut bench = Bench::with_settings(plugin, &settings)?;
    lines(case, "events")?.iter().for_each(|event| {
        bench.append(event);
    });
    let (expected, rows) = (lines(case, "expected")?, bench.rows()?);
    for i in 0..expected.len().max(rows.len()) {
        let (expected, row) = (expected.get(i), rows.get(i));
        if expected != row {
            return Err(format!("row {i}: expected {expected:?}, got {row:?}"));
        }
    }
    let (expected, rejected) = (lines(case, "rejected")?, bench.rejected()?);
    for i in 0..expected.len().max(rejected.len()) {
        let (expected, rejection) = (expected.get(i), rejected.get(i));
        let same = match (expected, rejection) {
            (Some(expected), Some((offset, reason))) => {
                let expected = expectation(expected)?;
                expected.offset == *offset && reason.contains(&expected.reason)
            }
            _ => false,
        };
        if !same {
            return Err(format!("rejection {i}: expected {expected:?}, got {rejection:?}"));
        }
    }
    bench.check_laws()
}

struct Expectation {
    offset: i64,
    reason: String,
}

fn expectation(line: &str) -> Result<Expectation, String> {
    let value: serde_json::Value = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
    let offset = value["offset"].as_i64().ok_or_else(|| format!("{line}: no offset"))?;
    Ok(Expectation { offset, reason: value["reason"].as_str().unwrap_or_default().to_owned() })
}

fn lines(case: &Path, name: &str) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(case.join(name).with_extension("ndjson"))
        .map_err(|error| format!("{name}.ndjson: {error}"))?;
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}
