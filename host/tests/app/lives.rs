//! Everything at once.

use super::stage::{
    STREAM, VIEW, append, ask, batch, by_hand, deploy, order, payloads, revenue, run, straight,
};
use super::stage::{start_with, stream};
use bifocal::app::{App, Stage};
use bifocal::serving::Asked;
use bifocal::store::RunKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const PRODUCERS: u64 = 3;
const READERS: u64 = 2;

/// Producers send their orders in batches, many of them twice; readers scan and look up keys; runs of all
/// kinds are made meanwhile. What they were told is checked afterwards.
fn live(app: &Arc<App>, from: u64, to: u64, seed: u64) {
    let is_over = AtomicBool::new(false);
    let runs = AtomicU64::new(0);
    let answers = std::thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn(move || {
                    let mine: Vec<_> =
                        (from..to).filter(|number| number % PRODUCERS == producer).map(order).collect();
                    for (number, orders) in mine.chunks(37).enumerate() {
                        let key = format!("{from}-{producer}-{number}");
                        let first = append(app, batch(orders, Some(&key)));
                        assert_eq!(first.appended + first.duplicates, orders.len() as u64);
                        if (number as u64 + seed).is_multiple_of(3) {
                            assert_eq!(
                                append(app, batch(orders, Some(&key))),
                                first,
                                "a retry gets the first answer"
                            );
                        }
                        if (number as u64 + seed).is_multiple_of(4) {
                            let again = append(app, batch(orders, None));
                            assert_eq!((again.appended, again.duplicates), (0, orders.len() as u64));
                        }
                    }
                })
            })
            .collect();
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let is_over = &is_over;
                scope.spawn(move || {
                    let (mut answers, mut last, mut round) = (Vec::new(), 0, 0u64);
                    while !is_over.load(Ordering::Acquire) || round == 0 {
                        let merchant = (round % 3 != 0).then(|| format!("m-{}", (round * 7 + reader) % 40));
                        let keys =
                            merchant.iter().map(|merchant| format!("merchant_id={merchant}")).collect();
                        let said = ask(app, Asked { keys, ..Asked::default() }, None);
                        assert!(
                            said.visible >= last,
                            "what was visible is visible: {} < {last}",
                            said.visible
                        );
                        (last, round) = (said.visible, round + 1);
                        answers.push((said.visible, merchant, said.rows));
                    }
                    answers
                })
            })
            .collect();
        let runner = scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                let kinds = [RunKind::Full, RunKind::Incremental, RunKind::Sealed, RunKind::Incremental];
                let kind = kinds[(runs.load(Ordering::Relaxed) + seed) as usize % kinds.len()];
                let made = run(app, kind).unwrap();
                assert_eq!((made.differ, made.cause), (0, None), "{kind:?}");
                runs.fetch_add(1, Ordering::Relaxed);
            }
        });
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        is_over.store(true, Ordering::Release);
        runner.join().unwrap();
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
    });
    let events = payloads(&app.stream(STREAM).unwrap().log);
    assert_eq!(events.len() as u64, to, "every order is there once");
    for (visible, merchant, rows) in &answers {
        assert_eq!(
            *rows,
            straight(&events, *visible, merchant.as_deref()),
            "{merchant:?} over [0, {visible})"
        );
    }
    assert!(
        runs.load(Ordering::Relaxed) >= 2 && answers.len() > 10,
        "{runs:?} runs, {} answers",
        answers.len()
    );
    let whole = ask(app, Asked::default(), Some(to));
    assert_eq!(whole.rows, straight(&events, to, None));
}

#[test]
fn every_answer_is_exact_over_its_offsets_whatever_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = start_with(folder.path(), by_hand());
    app.create_stream(stream()).unwrap();
    assert!(matches!(deploy(&app, revenue()), Stage::Live(_)));
    let rounds = if std::env::var_os("BIFOCAL_LONG").is_some() { 20 } else { 3 };
    for round in 0..rounds {
        live(&app, round * 6_000, (round + 1) * 6_000, round);
        app.stop().unwrap();
        drop(app);
        app = start_with(folder.path(), by_hand());
        let said = ask(&app, Asked::default(), None);
        assert_eq!(said.visible, (round + 1) * 6_000, "what was visible is visible after a restart");
        let events = payloads(&app.stream(STREAM).unwrap().log);
        assert_eq!(said.rows, straight(&events, said.visible, None));
    }
    assert!(app.view(VIEW).unwrap().incidents().is_empty());
    app.stop().unwrap();
}
