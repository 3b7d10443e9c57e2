//! `revenue` in JavaScript and Python, written from the WIT alone, gives the rows of the Rust plugin.

use bifocal::batch;
use bifocal::offset::Offset;
use bifocal::rows::{Format, Rows};
use bifocal::run::{Plan, Through};
use generator::orders::{Orders, Shape};
use std::sync::Arc;
use suites::{component, engine, log_of, root, run, script};

const EVENTS: u64 = 100_000;

fn ndjson(rows: &Rows) -> String {
    let mut out = Vec::new();
    rows.write(Format::Ndjson, usize::MAX, &mut out).expect("memory takes all");
    String::from_utf8(out).expect("NDJSON is text")
}

#[test]
fn guests_in_other_languages_give_the_rows_of_the_rust_one() {
    script("tests/languages/build", &[]);
    // Their functions by themselves first: a failure there is easier to read.
    script("tests/languages/test", &[]);
    let read =
        |name: &str| std::fs::read(root().join(format!("target/languages/{name}.wasm"))).expect("built");
    let engine = engine();
    let guests =
        [("rust", guests::build("revenue")), ("javascript", read("javascript")), ("python", read("python"))];
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("orders.ndjson");
    let (mut orders, mut lines) =
        (Orders::new(Shape { seed: 7, events: EVENTS, ..Shape::default() }), Vec::new());
    while orders.fill(&mut lines, 8192) > 0 {}
    std::fs::write(&file, lines).expect("a file");
    let mut first: Option<(String, u64)> = None;
    for (name, bytes) in guests {
        let transform = component(&engine, &bytes);
        let (log, extractor) = log_of(transform.as_ref(), &file, "ts");
        for (cut, micro_batch_rows) in [(0, 16_384), (EVENTS / 2, 5000), (EVENTS, 16_384)] {
            let plan = Plan {
                through: Through::Both,
                cut: Offset(cut),
                shape: batch::Shape { threads: 2, chunk_rows: 16_384 },
                micro_batch_rows,
                lateness_ms: 0,
                drill: None,
            };
            let outcome = run(transform.clone() as Arc<_>, &log, &extractor, &plan);
            let comparison = outcome.comparison.expect("both were run");
            assert!(comparison.is_same(), "{name}, cut {cut}: {:?}", comparison.worst);
            let rejected = outcome.full.expect("batch was run").half.tally.rejected;
            let found = (ndjson(&outcome.rows), rejected);
            assert!(found.0.lines().count() > 1000 && rejected > 0, "{name}: the orders are real work");
            match &first {
                None => first = Some(found),
                Some(first) => assert!(*first == found, "{name}, cut {cut}: rows differ from Rust's"),
            }
        }
    }
}
