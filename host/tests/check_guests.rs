//! `check` on components: the lawful guest holds, each law breaker is named by its law on at most
//! three events, with a sample and with random events alone.

// Helpers of tests may fail as tests do; clippy knows only functions marked as tests.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bifocal::check::{
    Breach, Constants, Law, Options, Origin, Report, Subject, Verdict, check, explain, generate, probed, text,
};
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::Extractor;
use bifocal::log::{Log, Stream};
use bifocal::offset::Offset;
use bifocal::time::TimeRule;
use bifocal::transform::Transform;
use bifocal::wasm::{Component, Engine, Options as EngineOptions};
use std::sync::LazyLock;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(EngineOptions::default()).unwrap());

const EVENTS: usize = 4000;

fn load(bytes: &[u8], mode: &str) -> Component {
    Component::load(&ENGINE, bytes, &format!("{{\"mode\":\"{mode}\"}}")).unwrap()
}

fn log_of(events: impl IntoIterator<Item = (String, i64)>) -> Log {
    let mut log = Log::new(Stream::default());
    let mut append = log.append();
    for (line, (payload, time_ms)) in events.into_iter().enumerate() {
        let event = Event {
            offset: Offset::ZERO,
            time_ms,
            ingested_ms: time_ms,
            id: None,
            schema: None,
            lineage: Lineage {
                source: Some("orders.ndjson"),
                position: line as u64 + 1,
                ..Lineage::default()
            },
            typing: Typing::Json,
            payload: payload.as_bytes(),
        };
        append.push(&event).unwrap();
    }
    append.commit();
    log
}

/// Orders of some shops: mostly paid, a few refunded or charged back, one in a hundred sent twice.
fn orders(seed: u64) -> Log {
    let mut state = seed;
    let mut next = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let mut events: Vec<(String, i64)> = Vec::new();
    for i in 0..EVENTS {
        if i > 10 && next(100) == 0 {
            let twin = events[i - 1 - next(10) as usize].clone();
            events.push(twin);
            continue;
        }
        let status = match next(200) {
            0 => "refunded-in-part",
            1 => "charged-back",
            2..20 => "open",
            _ => "paid",
        };
        let time_ms = 1_767_225_600_000 + i as i64 * 9_000 - next(600_000) as i64;
        let (key, amount) = (next(12) * next(12) / 12, next(50_000) as f64 / 100.0);
        let at = time_ms;
        events.push((
            format!("{{\"key\":\"shop-{key}\",\"amount\":{amount},\"status\":\"{status}\",\"at\":{at}}}"),
            time_ms,
        ));
    }
    log_of(events)
}

fn extractor(component: &Component) -> Extractor {
    let rule = TimeRule::new(None, Some(bifocal::time::Unit::Milliseconds)).unwrap();
    Extractor::new(component.description(), rule).unwrap()
}

fn options(seed: u64, origin: Origin) -> Options {
    Options { seed, origin, threads: 2, ..Options::default() }
}

fn on_orders(mode: &str, seed: u64) -> Report {
    let bytes = guests::lawbreakers();
    let component = load(bytes, mode);
    let again = load(bytes, mode).description().clone();
    let started = std::time::Instant::now();
    let subject = Subject::component(&component, bytes, Some(again));
    let report =
        check(&subject, &orders(seed), &extractor(&component), &options(seed, Origin::Sample)).unwrap();
    println!("{mode}, seed {seed}, {:?}\n{}", started.elapsed(), text(&report));
    report
}

/// As `check` does without a sample.
fn on_random(bytes: &[u8], settings: &str, seed: u64) -> Report {
    let component = Component::load(&ENGINE, bytes, settings).unwrap();
    let subject = Subject::component(&component, bytes, None);
    let started = std::time::Instant::now();
    let description = component.description();
    let names: Vec<&str> = description.inputs.iter().map(|field| field.name.as_str()).collect();
    // What the generator writes is RFC 3339 unless the description says otherwise.
    let extractor = Extractor::new(description, TimeRule::default()).unwrap();
    let constants = probed(&subject, &extractor, Constants::of(bytes, &names), seed).unwrap();
    let events = generate(description, &constants, seed, EVENTS);
    let log =
        log_of(events.into_iter().map(|event| (String::from_utf8(event.payload).unwrap(), event.time_ms)));
    let report = check(&subject, &log, &extractor, &options(seed, Origin::Random)).unwrap();
    println!("{settings}, seed {seed}, {:?}\n{}", started.elapsed(), text(&report));
    report
}

fn only_breach(report: Report) -> Breach {
    match report.verdict {
        Verdict::Broken(mut breaches) if breaches.len() == 1 => breaches.remove(0),
        other => panic!("{other:?}"),
    }
}

const LAW_BREAKERS: [(&str, Law); 10] = [
    ("float-sum", Law::Split),
    ("hash-map-bytes", Law::Split),
    ("mean-of-means", Law::Split),
    ("global-counter", Law::Pure),
    ("rejects-duplicates-within-the-call", Law::Split),
    ("depends-on-chunk-size", Law::Split),
    ("fails-only-when-alone", Law::Monotone),
    ("grows-on-merge", Law::Split),
    ("traps-on-a-rare-state", Law::Total),
    ("claims-order-free", Law::OrderFree),
];

#[test]
fn each_law_breaker_is_named_by_its_law_on_at_most_three_lines_of_a_sample() {
    for (mode, law) in LAW_BREAKERS {
        let breach = only_breach(on_orders(mode, 1));
        assert_eq!(breach.law, law, "{mode}");
        assert!((1..=3).contains(&breach.events.len()), "{mode}: {:?}", breach.events);
        for event in &breach.events {
            assert_eq!(event.source.as_deref(), Some("orders.ndjson"));
            assert_eq!(event.position, event.offset + 1);
            assert!(event.payload.contains("shop-"), "{event:?}");
        }
    }
}

#[test]
fn each_law_breaker_is_named_by_its_law_on_random_events() {
    for (mode, law) in LAW_BREAKERS {
        let breach = only_breach(on_random(guests::lawbreakers(), &format!("{{\"mode\":\"{mode}\"}}"), 3));
        assert_eq!(breach.law, law, "{mode}");
        assert!((1..=3).contains(&breach.events.len()), "{mode}: {:?}", breach.events);
    }
}

#[test]
fn a_lawful_guest_holds_on_a_sample_and_on_random_events() {
    let sample = on_orders("sound", 1);
    assert!(sample.holds() && sample.warnings.is_empty(), "{sample:?}");
    assert!(sample.coverage.merges > 1000 && sample.coverage.windows_cut > 5, "{:?}", sample.coverage);
    let random = on_random(guests::lawbreakers(), "{}", 1);
    assert!(random.holds(), "{random:?}");
    assert!(random.coverage.rejected > 10 && random.coverage.merges > 1000, "{:?}", random.coverage);
}

#[test]
fn a_clock_that_runs_breaks_pure_and_a_frozen_one_is_warned_of() {
    for (mode, import) in [("wall", "wasi:clocks/wall-clock"), ("random", "wasi:random/random")] {
        let bytes = guests::impure();
        let frozen = load(bytes, mode);
        let log = orders(1);
        let subject = Subject::component(&frozen, bytes, None);
        let report = check(&subject, &log, &extractor(&frozen), &options(1, Origin::Sample)).unwrap();
        println!("{mode}\n{}", text(&report));
        assert!(report.holds());
        assert!(report.warnings.iter().any(|warning| warning.contains(import)), "{:?}", report.warnings);

        let subject = Subject::component(&frozen.live(), bytes, None);
        let report = check(&subject, &log, &extractor(&frozen), &options(1, Origin::Sample)).unwrap();
        println!("{mode}, live\n{}", text(&report));
        let breach = only_breach(report);
        assert_eq!((breach.law, breach.events.len()), (Law::Pure, 1));
        assert!(breach.usual_cause.contains("clock"));
    }
}

#[test]
fn a_cell_that_differs_is_explained_by_the_law_and_few_events() {
    let log = orders(5);
    for (mode, law) in [("float-sum", Some(Law::Split)), ("mean-of-means", Some(Law::Split)), ("sound", None)]
    {
        let bytes = guests::lawbreakers();
        let component = load(bytes, mode);
        let subject = Subject::component(&component, bytes, None);
        // Text `shop-3`, as keys are encoded.
        let key = b"\x01shop-3\0\0";
        let cell = (&key[..], 1_767_225_600_000 + 3_600_000);
        let breach =
            explain(&subject, &log, &extractor(&component), cell, &options(1, Origin::Sample)).unwrap();
        println!("{mode}: {:?}", breach.as_ref().map(Breach::in_one_line));
        assert_eq!(breach.as_ref().map(|breach| breach.law), law, "{mode}");
        let Some(breach) = breach else { continue };
        assert!((2..=3).contains(&breach.events.len()), "{mode}");
        assert!(
            breach.events.iter().all(|event| event.payload.contains("\"shop-3\"")),
            "{:?}",
            breach.events
        );
        assert!(breach.in_one_line().starts_with("law \"split\" is broken: events "));
    }
}
