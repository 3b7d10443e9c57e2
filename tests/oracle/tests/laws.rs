//! The six laws, as `bifocal check` tries them, on what the plugins see in use: their components, and the
//! events of the generator's jobs.

use bifocal::check::{Options, Origin, Subject, check, text};
use bifocal::extract::Extractor;
use bifocal::time::TimeRule;
use bifocal::transform::Transform;
use bifocal::wasm::{self, Component, Engine};
use oracle_tests::oracle::Clock;
use oracle_tests::{load, stage};

const EVENTS: u64 = 3_000;
const CLOCK: Clock = Clock { out_of_orderness_ms: 60_000, max_ahead_ms: 3_600_000, lateness_ms: 0 };

/// A package, its settings and the job that its events are of.
const PLUGINS: [(&str, &str, &str); 7] = [
    ("revenue", "{}", "orders"),
    ("orders-cdc", "{}", "changes"),
    ("earnings", "{}", "trips"),
    ("trending", "{}", "engagements"),
    ("fraud", "{}", "payments"),
    ("recommend", r#"{"view":"recent"}"#, "baskets"),
    ("recommend", r#"{"view":"together"}"#, "baskets"),
];

#[test]
fn the_plugins_keep_the_laws_on_generated_load() {
    let engine = Engine::new(wasm::Options::default()).expect("an engine");
    for (package, settings, job) in PLUGINS {
        let bytes = guests::build(package);
        let component = Component::load(&engine, &bytes, settings).expect("a component");
        let again = Component::load(&engine, &bytes, settings).expect("a component");
        let subject = Subject::component(&component, &bytes, Some(again.description().clone()));
        let extractor = Extractor::new(component.description(), TimeRule::default()).expect("paths");
        let log = stage::log(&load::arrivals(job, EVENTS, 1), CLOCK);
        let options = Options { seed: 1, threads: 2, origin: Origin::Sample, ..Options::default() };
        let report = check(&subject, &log, &extractor, &options).expect("a host that works");
        println!("{package} {settings}\n{}", text(&report));
        assert!(report.holds() && report.warnings.is_empty(), "{package} {settings}: {}", text(&report));
        assert!(
            report.coverage.merges > 100 && report.coverage.rejected > 0,
            "{package}: {:?}",
            report.coverage
        );
    }
}
