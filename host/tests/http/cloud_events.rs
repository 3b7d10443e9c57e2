//! CloudEvents: single, in batches, and with their attributes in headers.

use super::server::{Server, ask};
use bifocal::http::Options;
use serde_json::{Value, json};

const SINGLE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

fn event(id: &str, data: Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "https://shop.example.com/7", "type": "order.paid",
        "time": "2026-02-01T00:00:00Z", "subject": null, "priority": 3, "data": data,
    })
}

#[test]
fn data_is_the_payload_and_what_it_does_not_say_its_envelope_does() {
    let server = Server::with_orders(Options::default(), true);
    let own = json!({"id": "o-1", "ts": "2026-01-01T10:00:00Z"});
    assert_eq!(server.post(SINGLE, event("1", own.clone()).to_string().as_bytes()).taken(), (1, 0, 0));
    let none = event("2", json!({"n": 1}));
    let mut base64 = event("3", json!(null));
    base64.as_object_mut().unwrap().remove("data");
    base64["data_base64"] = json!("eyJuIjoyfQ==");
    let mut undated = event("4", json!({"n": 3}));
    undated.as_object_mut().unwrap().remove("time");
    let batch = json!([none, base64, undated]).to_string();
    assert_eq!(server.post(BATCH, batch.as_bytes()).taken(), (3, 0, 0));
    assert_eq!(server.post(BATCH, batch.as_bytes()).taken(), (0, 3, 0), "the same ids of the same source");

    let events = server.events();
    let own_event = &events[0];
    assert_eq!((&own_event["id"], &own_event["time"]), (&"o-1".into(), &"2026-01-01T10:00:00Z".into()));
    assert_eq!((&own_event["payload"], &own_event["source"]), (&own, &"https://shop.example.com/7".into()));
    let headers = json!([
        ["ce-id", "1"],
        ["ce-priority", "3"],
        ["ce-time", "2026-02-01T00:00:00Z"],
        ["ce-type", "order.paid"]
    ]);
    assert_eq!(own_event["headers"], headers);
    assert_eq!(events[1]["id"], "https://shop.example.com/7 2");
    assert_eq!(events[1]["time"], "2026-02-01T00:00:00Z");
    assert_eq!((&events[2]["payload"], &events[2]["position"]), (&json!({"n": 2}), &2.into()));
    assert_eq!(events[3]["time"], events[3]["ingested"]);
}

#[test]
fn attributes_in_headers_are_the_same() {
    let server = Server::with_orders(Options::default(), true);
    let headers = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "a%20%C3%9F"),
        ("ce-source", "/here"),
        ("ce-type", "order.paid"),
        ("ce-time", "2026-02-01T00:00:00Z"),
    ];
    assert_eq!(server.post_with(&headers, b"{\"n\":\n1}").taken(), (1, 0, 0));
    let event = &server.events()[0];
    assert_eq!((&event["id"], &event["source"]), (&"/here a ß".into(), &"/here".into()));
    assert_eq!((&event["time"], &event["payload"]["n"]), (&"2026-02-01T00:00:00Z".into(), &1.into()));
    let reply = server.post_with(&headers[..2], b"{}");
    assert_eq!(reply.refused(&["element 1", "attribute 'id'"]), 422);
}

#[test]
fn what_is_no_cloud_event_refuses_all_by_its_element() {
    let server = Server::with_orders(Options::default(), false);
    let well = event("1", json!({"ts": "2026-01-01T10:00:00Z"}));
    let with = |name: &str, value: Value| {
        let mut event = well.clone();
        event[name] = value;
        event
    };
    let cases = [
        (with("specversion", json!("0.3")), "'1.0' at attribute 'specversion'"),
        (with("id", json!("")), "attribute 'id'"),
        (with("type", json!(null)), "attribute 'type'"),
        (with("source", json!("a b")), "'a b'"),
        (with("time", json!("noon")), "'noon'"),
        (with("time", json!("1926-01-01T00:00:00Z")), ""),
        (with("Subject", json!("x")), "'Subject'"),
        (with("extra", json!({"a": 1})), "'extra'"),
        (with("data_base64", json!("e30=")), "both"),
        (with("datacontenttype", json!("text/plain")), "'text/plain'"),
        (with("data", json!({"ts": 5})), "unit"),
    ];
    for (wrong, words) in cases {
        if words.is_empty() {
            // The payload's own time counts.
            continue;
        }
        let reply = server.post(BATCH, json!([well, wrong]).to_string().as_bytes());
        assert_eq!(reply.refused(&["element 2", words]), 422, "{wrong}");
        assert_eq!(reply.json()["element"], 2);
    }
    assert_eq!(server.post(SINGLE, b"{\"specversion\":").refused(&["line 1"]), 422);
    assert_eq!(server.post(SINGLE, b"[]").refused(&["line 1"]), 422);
    let path = "/v1/streams/orders/events";
    let reply = ask(server.address, "POST", path, &[("content-type", SINGLE)], b"").unwrap();
    assert_eq!(reply.status, 422);
    assert_eq!(server.head(), 0);
}
