//! Three million real flights, as filed and in order of arrival, with and without duplicates, through
//! both executors. `BIFOCAL_LONG=1` folds all of them in micro-batches of 1 and 7, too.

use bifocal::batch::Shape;
use bifocal::offset::Offset;
use bifocal::run::{Plan, Through};
use std::collections::BTreeSet;
use std::sync::Arc;
use suites::{component, engine, log_of, root, run, script};

/// Cut, threads, chunk, micro-batch. Small micro-batches fold the last part of the file alone, unless
/// the long form is asked for.
fn plans(head: u64) -> Vec<Plan> {
    let is_long = std::env::var_os("BIFOCAL_LONG").is_some();
    let small = |micro_batch: u64| if is_long { 0 } else { head - 20_000 * micro_batch };
    let plans = [
        (0, 2, 65_536, 16_384),
        (head / 3, 1, 65_536, 1000),
        (head / 2, 2, 10_000, 16_384),
        (head / 2 + 1, 2, 65_536, 16_384),
        (head, 1, 131_072, 16_384),
        (small(7), 2, 65_536, 7),
        (small(1), 2, 65_536, 1),
    ];
    let plan = |(cut, threads, chunk_rows, micro_batch_rows)| Plan {
        through: Through::Both,
        cut: Offset(cut),
        shape: Shape { threads, chunk_rows },
        micro_batch_rows,
        lateness_ms: 0,
        drill: None,
    };
    plans.into_iter().map(plan).collect()
}

#[test]
fn both_executors_agree_on_all_flights_in_both_orders_whatever_the_cut() {
    script("tests/real-data/fetch", &[]);
    script("tests/duckdb/python", &["tests/real-data/arrange.py"]);
    let flights = component(&engine(), &guests::build("flights"));
    let mut cells_of_rows = Vec::new();
    for (file, events, cells) in [
        ("flights-3m", 3_000_000, 424_259),
        ("flights-known", 3_000_000, 424_259),
        ("flights-filed-duplicates", 3_030_000, 424_259),
        ("flights-known-duplicates", 3_030_000, 424_259),
    ] {
        let path = root().join(format!("target/real-data/{file}.parquet"));
        let (log, extractor) = log_of(flights.as_ref(), &path, "date");
        assert_eq!(log.head(), Offset(events));
        let mut certificates = BTreeSet::new();
        for plan in plans(events) {
            let outcome = run(flights.clone() as Arc<_>, &log, &extractor, &plan);
            let comparison = outcome.comparison.expect("both were run");
            assert!(comparison.is_same(), "{file} {plan:?}: {:?}", comparison.worst);
            assert_eq!(comparison.compared, cells, "{file}");
            certificates.insert((outcome.certificate.digest(), outcome.certificate.cells));
        }
        assert_eq!(certificates.len(), 1, "{file} has one certificate whatever the cut");
        let certificate = certificates.into_iter().next().expect("one");
        println!("{file}: certificate {} cells {}", certificate.0, certificate.1);
        cells_of_rows.push(certificate);
    }
    let [filed, known, filed_twice, known_twice] = cells_of_rows.as_slice() else { unreachable!() };
    assert_eq!(filed.1, known.1, "one cells digest for both orders");
    assert_eq!(filed_twice.1, known_twice.1, "and for both orders with duplicates");
    assert_ne!(filed.0, known.0, "but the certificate names the order of the log");
    assert_ne!(filed.1, filed_twice.1);
}
