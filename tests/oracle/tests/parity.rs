//! The property that the product is about: for random events, cuts, chunks, micro-batches and
//! threads, batch, speed and both say what a straight loop says; the component and the same plugin
//! linked natively agree to the byte.

use bifocal::run::Through;
use bifocal::transform::Transform;
use bifocal::wasm::{Component, Engine, Options};
use bifocal_sdk::Plugin;
use generator::rng::Rng;
use generator::wild::{Job, events};
use oracle_tests::native::Native;
use oracle_tests::oracle::{self, Answer, Clock, Seen};
use oracle_tests::{cases, stage};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Random cases of each transform; together a run makes more than a thousand.
const CASES: u64 = 270;

/// One transform in three forms.
struct Trial {
    job: Job,
    component: Arc<dyn Transform>,
    native: Arc<dyn Transform>,
    oracle: fn(&[Seen<'_>], Clock) -> Answer,
}

impl Trial {
    fn new(
        package: &str,
        plugin: &'static dyn Plugin,
        job: Job,
        oracle: fn(&[Seen<'_>], Clock) -> Answer,
    ) -> Trial {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| Engine::new(Options::default()).expect("an engine"));
        let component = Component::load(engine, &guests::build(package), "{}").expect("a component");
        Trial { job, component: Arc::new(component), native: Arc::new(Native::new(plugin)), oracle }
    }

    fn holds(&self, rng: &mut Rng) {
        let clock = Clock {
            out_of_orderness_ms: *rng.pick(&[0, 1, 60_000, 7_200_000]),
            max_ahead_ms: *rng.pick(&[0, 3_600_000, 86_400_000]),
            lateness_ms: *rng.pick(&[0, 1, 3_600_000]),
        };
        let most = *rng.pick(&[3, 20, 120]);
        let count = rng.between(0, most) as usize;
        let arrivals = events(rng, self.job, count);
        let expected = (self.oracle)(&stage::seen(&arrivals), clock);
        let log = stage::log(&arrivals, clock);
        let (mut certificates, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for through in [Through::Batch, Through::Speed, Through::Both] {
            for transform in [&self.component, &self.native] {
                let plan = stage::plan(rng, through, log.head().0, clock);
                let outcome = stage::run(transform, &log, &plan);
                assert_eq!(stage::answer(transform, &outcome), expected, "{plan:?}");
                if let Some(comparison) = &outcome.comparison {
                    assert!(comparison.is_same(), "{plan:?}");
                    assert_eq!(comparison.compared, expected.rows.len() as u64);
                }
                cells.insert(outcome.certificate.cells);
                certificates.insert((outcome.certificate.version, outcome.certificate.digest()));
            }
        }
        assert_eq!(cells.len(), 1, "states differ: {certificates:?}");
        assert_eq!(certificates.len(), 2, "a version has two certificates: {certificates:?}");
    }
}

#[test]
fn revenue_agrees() {
    let trial = Trial::new("revenue", revenue::revenue(), Job::Orders, oracle::revenue);
    cases::each(CASES, |_, rng| trial.holds(rng));
}

#[test]
fn flights_agree() {
    let trial = Trial::new("flights", flights::flights(), Job::Flights, oracle::flights);
    cases::each(CASES, |_, rng| trial.holds(rng));
}

#[test]
fn hopping_windows_agree() {
    let trial = Trial::new("hopping", hopping::hopping(), Job::Orders, oracle::hopping);
    cases::each(CASES, |_, rng| trial.holds(rng));
}

#[test]
fn an_ordered_machine_agrees() {
    let trial = Trial::new("sequence", sequence::sequence(), Job::Flights, oracle::sequence);
    cases::each(CASES, |_, rng| trial.holds(rng));
}
