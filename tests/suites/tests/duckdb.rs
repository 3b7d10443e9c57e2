//! DuckDB, which shares no code with us, computes the same rows from the same files.

use bifocal::batch::Shape;
use bifocal::offset::Offset;
use bifocal::rows::Format;
use bifocal::run::{Plan, Through};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use suites::{component, engine, log_of, root, run, script};

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
