//! A view whose speed view has outgrown its memory and cannot be laid on disk.

use super::lossy::Lossy;
use super::stage::{
    STREAM, VIEW, append, ask, batch, deploy, engine, order, payloads, revenue, run, straight, stream,
};
use bifocal::app::{App, Config, Stage, State};
use bifocal::serving::Asked;
use bifocal::store::{RunKind, Store};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_view_that_can_hold_no_more_says_why_and_goes_on_once_there_is_room() {
    let config = "[views.revenue]\nbatch = 'never'\nfull = 'never'\nspeed_memory = '24KiB'\n";
    let disk = Lossy::default();
    let store = Store::with_disk(Arc::new(disk.clone())).unwrap();
    let app = App::start(store, engine(), 1, Config::parse(config).unwrap()).unwrap();
    app.create_stream(stream()).unwrap();
    assert!(matches!(deploy(&app, revenue()), Stage::Live(_)));
    disk.refuse(Some("/delta-"));
    for from in (0..3_000).step_by(500) {
        append(&app, batch(&(from..from + 500).map(order).collect::<Vec<_>>(), None));
    }
    let view = app.view(VIEW).unwrap();
    let began = Instant::now();
    let (state, cause) = loop {
        let (state, cause) = view.state();
        if state == State::Stale || began.elapsed() > Duration::from_secs(60) {
            break (state, cause.unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(state, State::Stale);
    assert!(cause.contains("its memory is full") && cause.contains("delta-"), "{cause}");
    let failed = run(&app, RunKind::Full).unwrap_err();
    assert!(
        failed.contains("has not come to offset 3000") && failed.contains("its memory is full"),
        "{failed}"
    );
    // What is served is served.
    let events = payloads(&app.stream(STREAM).unwrap().log);
    let said = ask(&app, Asked::default(), None);
    assert!(said.visible < 3_000);
    assert_eq!(said.rows, straight(&events, said.visible, None));
    disk.refuse(None);
    assert_eq!(ask(&app, Asked::default(), Some(3_000)).rows, straight(&events, 3_000, None));
    assert_eq!(run(&app, RunKind::Full).unwrap().differ, 0);
    assert_eq!(view.state(), (State::Live, None));
    app.stop().unwrap();
}
