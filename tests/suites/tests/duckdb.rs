//! DuckDB, which shares no code with us, computes the same rows from the same files.

use bifocal::batch::Shape;
use bifocal::offset::Offset;
use bifocal::rows::Format;
use bifocal::run::{Plan, Through};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use suites::{binary, component, engine, log_of, root, run, script};

/// Writes the view of `plugin` over `flights` to `rows`, through both executors.
fn write_view(plugin: &str, flights: &Path, rows: &Path) {
    let transform = component(&engine(), &guests::build(plugin));
    let (log, extractor) = log_of(transform.as_ref(), flights, "date");
    let plan = Plan {
        through: Through::Both,
        cut: Offset(log.head().0 / 2),
        shape: Shape { threads: 2, chunk_rows: 65_536 },
        micro_batch_rows: 16_384,
        lateness_ms: 0,
        drill: None,
    };
    let outcome = run(transform as Arc<_>, &log, &extractor, &plan);
    assert!(outcome.comparison.expect("both were run").is_same());
    let mut file = File::create(rows).expect("a file");
    outcome.rows.write(Format::Parquet, usize::MAX, &mut file).expect("a disk with room");
}

fn compare(plugin: &str, script_path: &str) {
    script("tests/real-data/fetch", &[]);
    script("tests/duckdb/python", &["tests/real-data/arrange.py"]);
    let folder = tempfile::tempdir().expect("a folder");
    let rows = folder.path().join("rows.parquet");
    for name in ["flights-3m", "flights-known", "flights-known-duplicates"] {
        let flights = root().join(format!("target/real-data/{name}.parquet"));
        write_view(plugin, &flights, &rows);
        let arguments = [script_path, &flights.display().to_string(), &rows.display().to_string()];
        println!("{name}: {}", script("tests/duckdb/python", &arguments));
    }
}

#[test]
fn counts_means_and_quantiles_of_all_flights_are_those_of_sql() {
    compare("flights", "tests/duckdb/flights.py");
}

#[test]
fn first_last_and_an_ordered_machine_are_those_of_sql_window_functions() {
    compare("sequence", "tests/duckdb/windows.py");
}

/// Bounded here; `BIFOCAL_LONG=1` makes ten million cells under the default bound.
#[test]
fn many_cells_within_little_memory_are_those_of_sql() {
    let long = std::env::var_os("BIFOCAL_LONG").is_some();
    let (cells, memory_mib) = if long { ("10000000", "1024") } else { ("200000", "16") };
    let folder = tempfile::tempdir().expect("a folder");
    let component = folder.path().join("revenue.wasm");
    std::fs::write(&component, guests::build("revenue")).expect("a disk with room");
    let [bifocal, component] = [binary(), component].map(|path| path.display().to_string());
    println!(
        "{}",
        script("tests/duckdb/python", &["tests/duckdb/cells.py", &bifocal, &component, cells, memory_mib])
    );
}

#[test]
fn the_scripts_find_each_planted_error() {
    script("tests/duckdb/python", &["-m", "unittest", "discover", "tests/duckdb"]);
}
