//! Whole runs of a transform whose states show every value in its place: batch, speed and both,
//! however they are cut.

use bifocal::drill::Drill;
use bifocal::offset::Offset;
use bifocal::run::{Outcome, Plan, Through};
use bifocal::transform::Transform;
use generator::rng::Rng;
use generator::wild::Arrival;
use oracle_tests::mock::{self, Lists, Quirk, Row, straight};
use oracle_tests::oracle::Clock;
use oracle_tests::{cases, stage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const CLOCK: Clock = Clock { out_of_orderness_ms: 2, max_ahead_ms: 100, lateness_ms: 3 };

/// The rows as a log; offsets between them hold events that extraction rejects.
fn arrivals(rows: &[Row]) -> Vec<Arrival> {
    let poison = Arrival { time_ms: 0, ingested_ms: 0, payload: r#"{"value":"none"}"#.into() };
    let mut out = vec![poison; rows.last().map_or(0, |row| row.offset as usize + 1)];
    for row in rows {
        let key = row.key.map_or("null".into(), |key| format!("\"{key}\""));
        let payload = format!("{{\"key\":{key},\"value\":{}}}", row.value);
        out[row.offset as usize] = Arrival { time_ms: row.time_ms, ingested_ms: row.time_ms, payload };
    }
    out
}

struct Case {
    rows: Vec<Row>,
    quirks: Vec<(i64, Quirk)>,
    windowed: bool,
    whole: bool,
}

impl Case {
    fn new(rng: &mut Rng) -> Case {
        let count = rng.between(0, 150) as usize;
        let share = *rng.pick(&[0, 0, 3, 30]);
        let kinds = [Quirk::Reject, Quirk::Fail, Quirk::Trap, Quirk::Stack, Quirk::Memory, Quirk::Loop];
        let bad: Vec<i64> = (0..count as i64).filter(|_| rng.chance(share, 100)).collect();
        Case {
            rows: mock::rows(rng, count),
            quirks: bad.into_iter().map(|value| (value, *rng.pick(&kinds))).collect(),
            windowed: rng.chance(1, 2),
            whole: rng.chance(1, 2),
        }
    }

    fn lists(&self) -> Arc<Lists> {
        Arc::new(Lists::new().with(&self.quirks).shaped(self.windowed, self.whole))
    }

    /// Cells, and all offsets that are rejected.
    fn expected(&self) -> (mock::View, BTreeSet<u64>) {
        let bad: BTreeMap<i64, Quirk> = self.quirks.iter().copied().collect();
        let (view, rejected) = straight(&self.rows, self.windowed, &bad);
        let held: BTreeSet<u64> = self.rows.iter().map(|row| row.offset).collect();
        let gaps = (0..held.last().map_or(0, |last| last + 1)).filter(|offset| !held.contains(offset));
        (view, gaps.chain(rejected).collect())
    }
}

fn run(lists: &Arc<Lists>, arrivals: &[Arrival], plan: &Plan) -> Outcome {
    let transform: Arc<dyn Transform> = lists.clone();
    stage::run(&transform, &stage::log(arrivals, CLOCK), plan)
}

#[test]
fn every_executor_and_cut_gives_the_straight_loops_states_and_one_certificate() {
    cases::each(400, |_, rng| {
        let case = Case::new(rng);
        let (lists, arrivals) = (case.lists(), arrivals(&case.rows));
        let (view, rejected) = case.expected();
        let mut certificates = BTreeSet::new();
        for through in [Through::Batch, Through::Speed, Through::Both] {
            let plan = stage::plan(rng, through, arrivals.len() as u64, CLOCK);
            let outcome = run(&lists, &arrivals, &plan);
            certificates.insert(outcome.certificate.digest());
            if let Some(full) = &outcome.full {
                assert_eq!(lists.view(&full.half.table), view, "{plan:?}");
                let seen: Vec<u64> = full.half.rejected.iter().map(|event| event.offset).collect();
                assert_eq!(seen, rejected.iter().copied().collect::<Vec<_>>(), "{plan:?}");
            }
            if let Some(comparison) = &outcome.comparison {
                assert!(comparison.is_same(), "{plan:?}");
                assert_eq!(comparison.compared, view.len() as u64);
                assert!(comparison.worst.is_none());
            }
            assert_eq!(outcome.rows.count, view.len());
        }
        assert_eq!(certificates.len(), 1, "certificates differ");
    });
}

#[test]
fn both_halves_break_the_same_cells_and_serve_the_others() {
    cases::each(200, |_, rng| {
        let mut case = Case::new(rng);
        (case.whole, case.quirks) = (true, Vec::new());
        let bad: BTreeSet<i64> = (0..150).filter(|_| rng.chance(1, 40)).collect();
        let mut lists = Lists::new().shaped(case.windowed, true);
        // Half of them fail in merge, and half in present.
        (lists.unmergeable, lists.unpresentable) = bad.iter().partition(|value| **value % 2 == 0);
        let lists = Arc::new(lists);
        let arrivals = arrivals(&case.rows);
        let view = case.expected().0;
        let broken = view.values().filter(|values| values.iter().any(|value| bad.contains(value))).count();
        let mut certificates = BTreeSet::new();
        for through in [Through::Batch, Through::Speed, Through::Both] {
            let plan = stage::plan(rng, through, arrivals.len() as u64, CLOCK);
            let outcome = run(&lists, &arrivals, &plan);
            assert_eq!((outcome.broken.len(), outcome.rows.count), (broken, view.len() - broken), "{plan:?}");
            assert!(outcome.broken.iter().all(|cell| cell.cause.contains("cannot ")));
            assert!(outcome.comparison.as_ref().is_none_or(|comparison| comparison.is_same()), "{plan:?}");
            certificates.insert(outcome.certificate.digest());
        }
        assert_eq!(certificates.len(), 1, "certificates differ");
    });
}

/// Another log, version, range or set of rejected offsets is another certificate.
#[test]
fn a_certificate_tells_runs_apart_that_differ_in_anything() {
    let rng = &mut Rng::new(21);
    let rows = mock::rows(rng, 60);
    let plan = stage::plan(rng, Through::Batch, 0, CLOCK);
    let digest =
        |lists: Lists, arrivals: &[Arrival]| run(&Arc::new(lists), arrivals, &plan).certificate.digest();
    let all = arrivals(&rows);
    let mut seen = vec![digest(Lists::new(), &all), digest(Lists::new().shaped(true, false), &all)];
    seen.push(digest(Lists::new().with(&[(5, Quirk::Reject)]), &all));
    // The same cells, but the rejected row is passed over in silence.
    let mut silent = Lists::new().with(&[(5, Quirk::Reject)]);
    silent.folded = Some(Box::new(|folded| folded.rejected.clear()));
    seen.push(digest(silent, &all));
    seen.push(digest(Lists::new(), &all[..all.len() - 1]));
    let mut other = all.clone();
    other[0].payload += " ";
    seen.push(digest(Lists::new(), &other));
    let mut other = all.clone();
    other[0].time_ms += 1;
    seen.push(digest(Lists::new(), &other));
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
    // Ingest time is part of it only where the transform reads it.
    let mut other = all.clone();
    other[0].ingested_ms += 1;
    assert_eq!(digest(Lists::new(), &other), seen[0]);
}

/// What a plan must leave for a fault to be planted in: something in both halves, merges in speed.
fn drilled(rng: &mut Rng, drill: Drill, head: u64) -> Plan {
    let mut plan = stage::plan(rng, Through::Both, head, CLOCK);
    plan.cut = Offset(rng.below(head / 2));
    plan.micro_batch_rows = *rng.pick(&[1, 2, 7]);
    plan.drill = Some(drill);
    plan
}

#[test]
fn every_planted_fault_is_seen_and_names_a_cell() {
    for (name, drill) in Drill::ALL {
        cases::each(40, |_, rng| {
            let rows: Vec<Row> = (0..80)
                .map(|value| Row {
                    offset: value as u64,
                    time_ms: rng.between(-9, 9),
                    key: *rng.pick(&mock::KEYS),
                    value,
                })
                .collect();
            for whole in [false, true] {
                let lists = Arc::new(Lists::new().shaped(rng.chance(1, 2), whole));
                let plan = drilled(rng, drill, rows.len() as u64);
                let outcome = run(&lists, &arrivals(&rows), &plan);
                let comparison = outcome.comparison.expect("a comparison");
                assert!(!comparison.is_same(), "{name} went unseen: {plan:?}");
                assert!(comparison.cells() > 0, "{name} names no cell: {plan:?}");
                let worst = comparison.worst.expect("the worst cell");
                let found = mock::key_of(&worst.key);
                assert!(rows.iter().any(|row| row.key == found), "{name} names no cell of the log");
                assert!(worst.batch.count + worst.speed.count > 0);
            }
        });
    }
}
