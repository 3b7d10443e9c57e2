//! The property that the product is about: for random events, cuts, chunks, micro-batches and
//! threads, batch, speed and both say what a straight loop says; the component and the same plugin
//! linked natively agree to the byte.

use bifocal::run::Through;
use bifocal::transform::Transform;
use bifocal::wasm::{Component, Engine, Options};
use bifocal_sdk::Plugin;
use generator::rng::Rng;
use generator::wild::{Arrival, Job, events};
use oracle_tests::native::Native;
use oracle_tests::oracle::{self, Answer, Clock, Plain, Seen};
use oracle_tests::{cases, load, stage};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Random cases of each transform; together a run makes more than a thousand.
const CASES: u64 = 270;
/// Events of a job in use.
const LOAD_EVENTS: u64 = 5_000;

/// One transform in three forms.
struct Trial {
    job: Job,
    component: Arc<dyn Transform>,
    native: Arc<dyn Transform>,
    oracle: fn(&[Seen<'_>], Clock) -> Answer,
}

impl Trial {
    fn new(
        (package, settings): (&str, &'static str),
        plugin: &'static dyn Plugin,
        job: Job,
        oracle: fn(&[Seen<'_>], Clock) -> Answer,
    ) -> Trial {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| Engine::new(Options::default()).expect("an engine"));
        let component = Component::load(engine, &guests::build(package), settings).expect("a component");
        Trial { job, component: Arc::new(component), native: Arc::new(Native::new(plugin, settings)), oracle }
    }

    fn holds(&self, rng: &mut Rng) {
        let (arrivals, clock) = case(rng, self.job);
        self.agrees(rng, &arrivals, clock);
    }

    /// The same on what the generator's job of a plugin looks like in use.
    fn holds_on_load(&self, job: &str) {
        let clock = Clock { out_of_orderness_ms: 60_000, max_ahead_ms: 3_600_000, lateness_ms: 0 };
        cases::each(1, |seed, rng| self.agrees(rng, &load::arrivals(job, LOAD_EVENTS, seed), clock));
    }

    fn agrees(&self, rng: &mut Rng, arrivals: &[Arrival], clock: Clock) {
        let expected = (self.oracle)(&stage::seen(arrivals), clock);
        let log = stage::log(arrivals, clock);
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

fn case(rng: &mut Rng, job: Job) -> (Vec<Arrival>, Clock) {
    let clock = Clock {
        out_of_orderness_ms: *rng.pick(&[0, 1, 60_000, 7_200_000]),
        max_ahead_ms: *rng.pick(&[0, 3_600_000, 86_400_000]),
        lateness_ms: *rng.pick(&[0, 1, 3_600_000]),
    };
    let most = *rng.pick(&[3, 20, 120]);
    let count = rng.between(0, most) as usize;
    (events(rng, job, count), clock)
}

/// Agreement on cases in which nothing happens would prove nothing.
#[test]
fn cases_reach_every_verdict() {
    type Judge = fn(&[Seen<'_>], Clock) -> Answer;
    let judges: [(Job, Judge, bool, bool, bool); 11] = [
        (Job::Orders, oracle::revenue, false, true, true),
        (Job::Flights, oracle::flights, false, true, false),
        (Job::Orders, oracle::hopping, true, true, true),
        (Job::Flights, oracle::sequence, false, true, false),
        (Job::Orders, oracle::overall, false, false, false),
        (Job::Changes, oracle::orders_cdc, false, true, true),
        (Job::Trips, oracle::earnings, true, true, false),
        (Job::Engagements, oracle::trending, false, true, false),
        (Job::Payments, oracle::fraud, true, false, false),
        (Job::Baskets, oracle::recent, false, false, false),
        (Job::Baskets, oracle::together, false, false, false),
    ];
    for (i, (job, judge, ignores, is_late, breaks)) in judges.into_iter().enumerate() {
        let (mut ignored, mut late, mut broken, mut rejected, mut rows) = (0, 0, 0, 0, 0);
        for seed in 0..CASES {
            let (arrivals, clock) = case(&mut Rng::new(seed), job);
            let answer = judge(&stage::seen(&arrivals), clock);
            ignored += answer.ignored;
            late += answer.late;
            rejected += answer.rejected.len();
            rows += answer.rows.len();
            broken += answer.rows.values().filter(|outputs| outputs.is_none()).count();
        }
        assert_eq!((ignored > 0, late > 0, broken > 0), (ignores, is_late, breaks), "judge {i}");
        assert!(rejected > 100 && rows > 200, "judge {i}: {rejected} rejected, {rows} rows");
    }
}

/// The same of the jobs in use: late, odd and repeated events are there, and what each plugin looks for.
#[test]
fn jobs_reach_what_the_plugins_are_about() {
    let clock = Clock { out_of_orderness_ms: 0, max_ahead_ms: 3_600_000, lateness_ms: 0 };
    let of = |job: &str, judge: fn(&[Seen<'_>], Clock) -> Answer| {
        let arrivals = load::arrivals(job, LOAD_EVENTS, 0);
        let distinct: BTreeSet<&str> = arrivals.iter().map(|arrival| arrival.payload.as_str()).collect();
        assert!(distinct.len() < arrivals.len(), "{job}: none comes twice");
        let answer = judge(&stage::seen(&arrivals), clock);
        assert!(!answer.rejected.is_empty() && answer.rows.len() > 20, "{job}");
        answer
    };
    let greatest = |answer: &Answer, output: usize| {
        let value = |outputs: &Vec<Plain>| match outputs[output] {
            Plain::Integer(value) => value,
            _ => 0,
        };
        answer.rows.values().flatten().map(value).max().unwrap_or(0)
    };
    let orders = of("changes", oracle::orders_cdc);
    assert!(orders.late > 0 && greatest(&orders, 0) > 10, "{} {}", orders.late, greatest(&orders, 0));
    let drivers = of("trips", oracle::earnings);
    assert!(drivers.ignored > 100 && greatest(&drivers, 0) > 5);
    let items = of("engagements", oracle::trending);
    assert!(items.late > 10 && greatest(&items, 0) > 100 && greatest(&items, 1) > 80);
    let cards = of("payments", oracle::fraud);
    assert!(cards.ignored > 100 && greatest(&cards, 0) > 0);
    of("baskets", oracle::recent);
    of("baskets", oracle::together);
}

#[test]
fn revenue_agrees() {
    let trial = Trial::new(("revenue", "{}"), revenue::revenue(), Job::Orders, oracle::revenue);
    cases::each(CASES, |_, rng| trial.holds(rng));
}

#[test]
fn flights_agree() {
    let trial = Trial::new(("flights", "{}"), flights::flights(), Job::Flights, oracle::flights);
    cases::each(CASES, |_, rng| trial.holds(rng));
}

#[test]
fn orders_cdc_agrees() {
    let trial = Trial::new(("orders-cdc", "{}"), orders_cdc::orders_cdc(), Job::Changes, oracle::orders_cdc);
    cases::each(CASES, |_, rng| trial.holds(rng));
    trial.holds_on_load("changes");
}

#[test]
fn earnings_agree() {
    let trial = Trial::new(("earnings", "{}"), earnings::earnings(), Job::Trips, oracle::earnings);
    cases::each(CASES, |_, rng| trial.holds(rng));
    trial.holds_on_load("trips");
}

#[test]
fn trending_agrees() {
    let trial = Trial::new(("trending", "{}"), trending::trending(), Job::Engagements, oracle::trending);
    cases::each(CASES, |_, rng| trial.holds(rng));
    trial.holds_on_load("engagements");
}

#[test]
fn fraud_agrees() {
    let trial = Trial::new(("fraud", "{}"), fraud::fraud(), Job::Payments, oracle::fraud);
    cases::each(CASES, |_, rng| trial.holds(rng));
    trial.holds_on_load("payments");
}

#[test]
fn both_views_of_recommend_agree() {
    for (settings, oracle) in [
        (r#"{"view":"recent"}"#, oracle::recent as fn(&[Seen<'_>], Clock) -> Answer),
        (r#"{"view":"together"}"#, oracle::together),
    ] {
        let trial = Trial::new(("recommend", settings), recommend::recommend(), Job::Baskets, oracle);
        cases::each(CASES, |_, rng| trial.holds(rng));
        trial.holds_on_load("baskets");
    }
}

#[test]
fn hopping_windows_agree() {
    let trial = Trial::new(("hopping", "{}"), hopping::hopping(), Job::Orders, oracle::hopping);
    cases::each(CASES, |_, rng| trial.holds(rng));
}

#[test]
fn an_ordered_machine_agrees() {
    let trial = Trial::new(("sequence", "{}"), sequence::sequence(), Job::Flights, oracle::sequence);
    cases::each(CASES, |_, rng| trial.holds(rng));
}

#[test]
fn one_global_cell_agrees() {
    let settings = r#"{"least":-100}"#;
    let trial = Trial::new(("overall", settings), overall::overall(), Job::Orders, oracle::overall);
    cases::each(CASES, |_, rng| trial.holds(rng));
}
