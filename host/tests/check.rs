//! `check` on transforms in plain Rust: lawful ones hold, each law breaker is named by its law and
//! shown on at most three events.

// Helpers of tests may fail as tests do; clippy knows only functions marked as tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "check/native.rs"]
mod native;

use bifocal::check::{Breach, Law, Options, Outcome, Report, Sample, Subject, Verdict, check_sample, text};
use native::{Mode, Native, Row, START_MS, extracted, realistic};
use std::sync::Arc;

fn subject(mode: Mode) -> Subject {
    Subject {
        fresh: Arc::new(Native::new(mode)),
        reused: Some(Arc::new(move || Arc::new(Native::reused(mode)))),
        described_again: None,
        frozen_imports: Vec::new(),
    }
}

fn report_on(mode: Mode, rows: &[Row], seed: u64) -> Report {
    let subject = subject(mode);
    let started = std::time::Instant::now();
    let sample = Sample::of(subject.fresh.description(), &[extracted(rows)]);
    let report = check_sample(&subject, sample, &Options { seed, ..Options::default() }).unwrap();
    println!("{mode:?}, seed {seed}, {:?}\n{}", started.elapsed(), text(&report));
    report
}

/// The one breach of a law breaker, for several seeds.
fn breach_of(mode: Mode) -> Breach {
    let rows = realistic(3000, 7);
    let found = (1..4).map(|seed| match report_on(mode, &rows, seed).verdict {
        Verdict::Broken(mut breaches) if breaches.len() == 1 => breaches.remove(0),
        other => panic!("{mode:?}, seed {seed}: {other:?}"),
    });
    let found: Vec<Breach> = found.collect();
    assert!(found.iter().all(|breach| breach.law == found[0].law), "{found:?}");
    assert!(found.iter().all(|breach| breach.events.len() == found[0].events.len()), "{found:?}");
    found.into_iter().next().unwrap()
}

fn assert_breach(mode: Mode, law: Law, events: usize, cause: &str) -> Breach {
    let breach = breach_of(mode);
    assert_eq!((breach.law, breach.events.len()), (law, events), "{breach:?}");
    assert!(breach.usual_cause.contains(cause), "{}", breach.usual_cause);
    assert_ne!(breach.left.side.outcome, breach.right.side.outcome);
    breach
}

#[test]
fn a_lawful_transform_holds_and_its_coverage_is_told() {
    let report = report_on(Mode::Sound, &realistic(3000, 7), 1);
    assert_eq!(report.verdict, Verdict::Holds);
    assert_eq!(report.laws, Law::ALL);
    let coverage = &report.coverage;
    assert_eq!((coverage.events, coverage.folded, coverage.rejected), (3000, 3000, 0));
    assert!(coverage.cuts > 3000 && coverage.merges > 3000, "{coverage:?}");
    assert!(coverage.keys > 20 && coverage.windows_cut > 3 && coverage.cells > 100, "{coverage:?}");
}

#[test]
fn a_float_sum_breaks_split() {
    let breach = assert_breach(Mode::FloatSum, Law::Split, 3, "sum of f64");
    assert_eq!(breach.also, [Law::Associative]);
}

#[test]
fn bytes_in_hash_order_break_split() {
    assert_breach(Mode::HashMapBytes, Law::Split, 3, "hash map");
}

#[test]
fn a_mean_of_means_breaks_split_and_merge_alone_is_enough() {
    let breach = assert_breach(Mode::MeanOfMeans, Law::Split, 3, "average of averages");
    assert_eq!(breach.also, [Law::Associative]);
}

#[test]
fn a_global_counter_breaks_pure() {
    assert_breach(Mode::GlobalCounter, Law::Pure, 1, "global counter");
}

#[test]
fn rejecting_duplicates_within_the_call_breaks_split() {
    let breach = assert_breach(Mode::RejectsDuplicatesWithinTheCall, Law::Split, 2, "duplicates");
    assert_eq!(breach.left.side.outcome, Outcome::Rejected(vec![(1, "seen before".into())]));
    assert_eq!(breach.right.side.outcome, Outcome::Rejected(Vec::new()));
}

#[test]
fn depending_on_the_size_of_the_chunk_breaks_split() {
    assert_breach(Mode::DependsOnChunkSize, Law::Split, 2, "size of its call");
}

#[test]
fn failing_only_when_alone_breaks_monotone() {
    assert_breach(Mode::FailsOnlyWhenAlone, Law::Monotone, 2, "second row");
}

#[test]
fn refusing_an_event_only_when_alone_breaks_monotone() {
    let breach = assert_breach(Mode::RefusesOnlyAlone, Law::Monotone, 2, "second row");
    assert!(matches!(&breach.right.side.outcome, Outcome::Rejected(rejected) if rejected[0].1 == "alone"));
}

#[test]
fn growing_on_merge_breaks_split() {
    assert_breach(Mode::GrowsOnMerge, Law::Split, 2, "grows");
}

#[test]
fn a_trap_on_a_rare_state_breaks_total() {
    let mut rows = realistic(3000, 7);
    // 666.00 in one cell, in two events among thousands.
    for (row, amount) in [(1500, 333.0), (1600, 333.0)] {
        rows[row] = Row { key: "shop-rare".into(), amount, time_ms: START_MS };
    }
    for seed in 1..4 {
        let Verdict::Broken(breaches) = report_on(Mode::TrapsOnARareState, &rows, seed).verdict else {
            panic!("seed {seed}");
        };
        let [breach] = &*breaches else { panic!("{breaches:?}") };
        assert_eq!((breach.law, breach.events.len()), (Law::Total, 2), "{breach:?}");
        assert!(breach.usual_cause.contains("impossible"));
    }
}

#[test]
fn a_trap_in_present_breaks_total() {
    let mut rows = realistic(3000, 7);
    rows[1500] = Row { key: "shop-rare".into(), amount: 333.0, time_ms: START_MS };
    let Verdict::Broken(breaches) = report_on(Mode::PresentsATrap, &rows, 1).verdict else { panic!() };
    let [breach] = &*breaches else { panic!("{breaches:?}") };
    assert_eq!((breach.law, breach.events.len()), (Law::Total, 1));
    assert_eq!(breach.events[0].offset, 1500);
}

#[test]
fn last_wins_breaks_order_free_and_nothing_else() {
    let breach = assert_breach(Mode::ClaimsOrderFree, Law::OrderFree, 2, "order = log");
    assert!(breach.also.is_empty());
}

#[test]
fn a_merge_that_does_not_associate_is_named_where_chunks_cannot_be_folded_whole() {
    assert_breach(Mode::FoldsPairsOnly, Law::Associative, 3, "average of averages");
}

#[test]
fn a_present_that_looks_at_other_cells_breaks_pure() {
    let breach = assert_breach(Mode::PresentsNeighbours, Law::Pure, 2, "beside");
    assert!(breach.right.side.how.contains("one at a time"));
}

#[test]
fn a_fold_that_loses_a_cell_breaks_split() {
    let breach = assert_breach(Mode::LosesACell, Law::Split, 3, "");
    assert_eq!(breach.left.side.outcome, Outcome::NoCell);
}

#[test]
fn a_machine_with_an_initial_state_holds_without_order_free() {
    let report = report_on(Mode::Machine, &realistic(3000, 7), 1);
    assert_eq!(report.verdict, Verdict::Holds);
    assert!(!report.laws.contains(&Law::OrderFree));
}

#[test]
fn a_machine_that_counts_its_merges_breaks_associative() {
    assert_breach(Mode::MachineThatCountsMerges, Law::Associative, 2, "");
}

#[test]
fn limits_rejections_and_values_out_of_range_are_no_breach() {
    let mut rows = realistic(3000, 7);
    rows[700].amount = 130.0;
    rows[800].amount = 131.0005;
    let report = report_on(Mode::Difficult, &rows, 1);
    assert_eq!(report.verdict, Verdict::Holds);
    let coverage = &report.coverage;
    assert!(coverage.rejected > 1 && coverage.folded + coverage.rejected == 3000, "{coverage:?}");
    assert!(coverage.out_of_range > 0 && coverage.chunks_failed > 0, "{coverage:?}");
    assert_eq!(coverage.limited, 1);
    assert_eq!(report.warnings.len(), 3, "{:?}", report.warnings);
}

#[test]
fn without_a_merge_of_two_states_nothing_is_proven() {
    let distinct = |i: usize| Row { key: format!("k{i}"), amount: 1.0, time_ms: START_MS };
    let cases = [
        (vec![], "there are no events"),
        (vec![distinct(0)], "only 1 of 1"),
        ((0..100).map(distinct).collect(), "no two of 100 events touch one cell"),
        (vec![Row { amount: -1.0, ..distinct(0) }; 5], "all 5 events were rejected"),
    ];
    for (rows, why) in cases {
        let report = report_on(Mode::Difficult, &rows, 1);
        match &report.verdict {
            Verdict::NotProven(reason) => assert!(reason.contains(why), "{reason}"),
            other => panic!("{why}: {other:?}"),
        }
        assert!(!report.holds());
    }
}

#[test]
fn the_same_seed_finds_the_same_events() {
    let rows = realistic(3000, 11);
    for mode in [Mode::FloatSum, Mode::MeanOfMeans, Mode::ClaimsOrderFree] {
        assert_eq!(report_on(mode, &rows, 5), report_on(mode, &rows, 5));
    }
}

#[test]
fn a_description_that_changes_breaks_pure() {
    let mut subject = subject(Mode::Sound);
    let mut again = subject.fresh.description().clone();
    again.summary = "it is now five past ten".into();
    subject.described_again = Some(again);
    let sample = Sample::of(subject.fresh.description(), &[extracted(&realistic(50, 1))]);
    let report = check_sample(&subject, sample, &Options::default()).unwrap();
    let Verdict::Broken(breaches) = &report.verdict else { panic!("{report:?}") };
    assert_eq!((breaches[0].law, breaches[0].events.len()), (Law::Pure, 0));
    println!("{}", text(&report));
}
