//! Time and id of a payload, read while it is validated.

use bifocal::event::Typing;
use bifocal::extract::{Path, Probe, Probed, Scratch};
use bifocal::time::{TimeRule, Unit};

fn probe(time: &str, id: &str) -> Probe {
    let path = |path: &str| (!path.is_empty()).then(|| Path::new(path).unwrap());
    Probe::new(path(time), path(id), TimeRule::new(None, Some(Unit::Milliseconds)).unwrap()).unwrap()
}

fn probed(probe: &Probe, payload: &str) -> Result<(Option<i64>, Option<String>), String> {
    let found = probe.probe(&mut Scratch::default(), Typing::Json, payload.as_bytes());
    found.map(|Probed { time_ms, id }| (time_ms, id.map(Into::into))).map_err(|refusal| refusal.to_string())
}

#[test]
fn time_and_id_are_found_in_one_pass() {
    let both = probe("t.at", "/id");
    let id = |id: &str| Some(id.to_string());
    assert_eq!(
        probed(&both, r#"{"id":"x\n","t":{"at":"1970-01-01T00:00:01Z"}}"#),
        Ok((Some(1000), id("x\n")))
    );
    assert_eq!(probed(&both, r#"{"id":"é","t":{"at":12}}"#), Ok((Some(12), id("é"))));
    assert_eq!(probed(&both, r#"{"id":12.50,"t":{"at":null}}"#), Ok((None, id("12.50"))));
    assert_eq!(probed(&both, r#"{"id":null,"t":[]}"#), Ok((None, None)));
    assert_eq!(probed(&both, "7"), Ok((None, None)));
    assert_eq!(probed(&probe("id", "id"), r#"{"id":3}"#), Ok((Some(3), id("3"))));
    assert_eq!(probed(&probe("", ""), r#"{"id":3}"#), Ok((None, None)));
    assert_eq!(probed(&probe("", "a.b"), r#"{"a":{"b":"1"},"a":{}}"#), Ok((None, None)));
}

#[test]
fn what_is_wrong_is_named() {
    let both = probe("t", "id");
    let wrong = |payload| probed(&both, payload).expect_err("refused");
    assert_eq!(wrong(r#"{"t":"noon"}"#), r#"t: expected a time, found text "noon" (not a time of RFC 3339)"#);
    assert_eq!(wrong(r#"{"t":true}"#), "t: expected a time, found true");
    assert_eq!(
        wrong(r#"{"t":1e3}"#),
        "t: expected a time, found number 1e3 (not a number of digits with an optional fraction)"
    );
    assert_eq!(wrong(r#"{"id":{}}"#), "id: expected a text or a number, found an object");
    assert_eq!(wrong(r#"{"id":false}"#), "id: expected a text or a number, found false");
    assert_eq!(wrong(r#"{"t":"noon",}"#), "column 13: expected a name in quotes, found '}'");
}

#[test]
fn text_typed_times_may_be_numbers() {
    let probe = probe("t", "");
    let found = probe.probe(&mut Scratch::default(), Typing::Text, br#"{"t":"12"}"#);
    assert_eq!(found.unwrap().time_ms, Some(12));
}

#[test]
fn paths_without_a_field_are_refused() {
    for path in ["", "@time"] {
        let refused = Probe::new(Some(Path::new(path).unwrap()), None, TimeRule::default());
        assert!(refused.is_err(), "{path}");
    }
}
