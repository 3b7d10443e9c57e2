//! Streams over HTTP, and what is said of the server itself.

use super::server::{Server, ask, orders};

#[test]
fn a_stream_is_made_shown_listed_read_and_removed() {
    let server = Server::new();
    let made = server.put(
        "/v1/streams/orders",
        r#"{"time":"ts","time_unit":"ms","id":"id","out_of_orderness":"30s","max_ahead":"2h","dedup_events":500}"#,
    );
    assert_eq!(made.status, 201);
    server.put("/v1/streams/clicks", "{}");
    let shown = server.get("/v1/streams/orders").json();
    assert_eq!(shown, made.json());
    for (field, value) in [("time", "ts"), ("time_unit", "ms"), ("id", "id"), ("max_ahead", "2h")] {
        assert_eq!(shown[field], value);
    }
    assert_eq!(
        (&shown["head"], &shown["floor"], &shown["dedup_events"]),
        (&0.into(), &0.into(), &500.into())
    );
    let listed = server.get("/v1/streams").json();
    assert_eq!(listed["streams"][0]["name"], "clicks");
    assert_eq!(listed["streams"][1], shown);

    let body = "{\"id\":1,\"ts\":1767261600000}\n\n{\"id\":\"b\",\"ts\":1767261610000}\n";
    assert_eq!(server.post("application/x-ndjson", body.as_bytes()).taken(), (2, 0, 0));
    let shown = server.get("/v1/streams/orders").json();
    assert_eq!((&shown["head"], &shown["watermark"]), (&2.into(), &"2026-01-01T09:59:40Z".into()));
    let events = server.events();
    assert_eq!((&events[0]["offset"], &events[0]["id"]), (&0.into(), &"1".into()));
    assert_eq!((&events[1]["position"], &events[1]["time"]), (&3.into(), &"2026-01-01T10:00:10Z".into()));
    assert_eq!(events[1]["payload"]["ts"], 1767261610000_u64);

    assert_eq!(server.delete("/v1/streams/orders").status, 204);
    assert_eq!(server.get("/v1/streams/orders").refused(&["no stream 'orders'"]), 404);
    assert_eq!(server.delete("/v1/streams/orders").refused(&["no stream 'orders'"]), 404);
    assert_eq!(server.get("/v1/streams/orders/events").status, 404);
    assert_eq!(server.post("application/json", b"{}").status, 404);
}

#[test]
fn a_stream_that_is_there_is_the_same_or_refused() {
    let server = Server::with_orders(Default::default(), true);
    assert_eq!(server.put("/v1/streams/orders", r#"{"time":"ts","id":"id"}"#).status, 200);
    let other = server.put("/v1/streams/orders", r#"{"time":"at","id":"id"}"#);
    assert_eq!(other.refused(&["'orders'", "another 'time'"]), 409);
    let headers = [("content-type", "application/json"), ("if-none-match", "*")];
    let only_new = ask(server.address, "PUT", "/v1/streams/orders", &headers, b"{}").unwrap();
    assert_eq!(only_new.refused(&["'orders' already"]), 412);
    let wrong = [
        (r#"{"tme":"ts"}"#, 400, "unknown field `tme`, expected one of `time`"),
        (r#"{"time":"ts""#, 400, "EOF"),
        (r#"{"time":"@ingested"}"#, 422, "time '@ingested'"),
        (r#"{"time":"ts","out_of_orderness":"soon"}"#, 422, "out_of_orderness 'soon'"),
        (r#"{"time":"ts","time_unit":"h"}"#, 422, "time_unit 'h'"),
        (r#"{"time_unit":"ms"}"#, 422, "time_unit 'ms'"),
        (r#"{"schema":{"type":"nonsense"}}"#, 422, "no JSON Schema"),
    ];
    for (body, status, words) in wrong {
        assert_eq!(server.put("/v1/streams/other", body).refused(&[words]), status, "{body}");
    }
    assert_eq!(server.put("/v1/streams/Orders", "{}").refused(&["'Orders'", "a-z"]), 422);
    let streams = server.get("/v1/streams").json()["streams"].as_array().unwrap().len();
    assert_eq!(streams, 1, "nothing refused has been created");
}

#[test]
fn a_schema_is_succeeded_by_another_for_what_is_appended_from_then_on() {
    let server = Server::new();
    let first = r#"{"type":"object","required":["a"]}"#;
    server.put("/v1/streams/orders", &format!(r#"{{"schema":{first}}}"#));
    let append = |body: &str| server.post("application/x-ndjson", body.as_bytes());
    assert_eq!(append("{\"a\":1}").taken(), (1, 0, 0));
    assert_eq!(append("{\"b\":1}").refused(&["schema 1"]), 422);

    let path = "/v1/streams/orders/schema";
    assert_eq!(server.put(path, r#"{"type":"object","required":["b"]}"#).json()["schema"], 2);
    assert_eq!(append("{\"a\":1}").refused(&["schema 2"]), 422);
    assert_eq!(append("{\"b\":1}").taken(), (1, 0, 0));
    // The same again changes nothing; `true` is a schema too.
    assert_eq!(server.put(path, r#"{"required":["b"],"type":"object"}"#).status, 200);
    assert_eq!(server.put(path, "true").json()["schema"], 3);
    assert_eq!(append("[]").taken(), (1, 0, 0));
    let schemas: Vec<u64> = server.events().iter().map(|event| event["schema"].as_u64().unwrap()).collect();
    assert_eq!(schemas, [1, 2, 3]);
    assert_eq!(server.get(path).json(), true);
    assert_eq!(server.get(&format!("{path}?number=1")).json()["required"][0], "a");
    assert_eq!(server.get(&format!("{path}?number=9")).refused(&["schemas 1 to 3"]), 404);

    assert_eq!(server.put(path, r#"{"type":"nonsense"}"#).refused(&["no JSON Schema"]), 422);
    assert_eq!(server.put("/v1/streams/others/schema", "true").refused(&["no stream 'others'"]), 404);
    server.put("/v1/streams/plain", "{}");
    assert_eq!(server.get("/v1/streams/plain/schema").refused(&["has no schema"]), 404);
    let same = server.put("/v1/streams/plain", r#"{"schema":true}"#);
    assert_eq!(same.refused(&["another schema", "PUT", "/v1/streams/plain/schema"]), 409);
}

#[test]
fn a_log_is_read_page_by_page() {
    let server = Server::with_orders(Default::default(), true);
    // Some 2 MB: more than one piece.
    let padded = orders(0, 20_000).replace("}", ",\"pad\":\"0123456789012345678901234567890123456789\"}");
    server.post("application/x-ndjson", padded.as_bytes()).taken();
    let mut read = Vec::new();
    let mut from = 0;
    loop {
        let page = server.get(&format!("/v1/streams/orders/events?from_offset={from}&limit=7001"));
        assert_eq!(page.header("bifocal-head"), Some("20000"));
        let next: u64 = page.header("bifocal-next-offset").unwrap().parse().unwrap();
        let offset = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["offset"].as_u64().unwrap()
        };
        read.extend(page.body.lines().map(offset));
        if next == from {
            break;
        }
        from = next;
    }
    assert_eq!(read, (0..20_000).collect::<Vec<u64>>());
    assert_eq!(server.get("/v1/streams/orders/events").body.lines().count(), 1000, "by default");
    let too_many = server.get("/v1/streams/orders/events?limit=1000001");
    assert_eq!(too_many.refused(&["1000001"]), 400);
}

#[test]
fn an_event_that_breaks_the_schema_is_refused_and_the_schema_is_told() {
    let server = Server::new();
    let schema = r#"{"required":["id"]}"#;
    server.put("/v1/streams/orders", &format!(r#"{{"time":"ts","schema":{schema}}}"#));
    assert_eq!(
        server.get("/v1/streams/orders/schema").json(),
        serde_json::from_str::<serde_json::Value>(schema).unwrap()
    );
    let body = super::server::order("a") + "{\"ts\":\"2026-01-01T10:00:00Z\"}\n";
    let refused = server.post("application/x-ndjson", body.as_bytes());
    assert_eq!(refused.refused(&["line 2", "\"id\" is a required property", "schema 1"]), 422);
    assert_eq!(refused.json()["line"], 2);
    assert_eq!(server.head(), 0);
    assert_eq!(server.post("application/json", super::server::order("a").as_bytes()).taken(), (1, 0, 0));
    assert_eq!(server.events()[0]["schema"], 1);
    server.put("/v1/streams/free", "{}");
    assert_eq!(server.get("/v1/streams/free/schema").refused(&["no schema"]), 404);
}

#[test]
fn the_server_says_that_it_lives_is_ready_and_what_it_measures() {
    let server = Server::with_orders(Default::default(), true);
    assert_eq!(server.get("/healthz").status, 200);
    assert_eq!(server.get("/readyz").json()["ready"], true);
    server.post("application/x-ndjson", orders(0, 7).as_bytes()).taken();
    server.post("application/x-ndjson", b"{").refused(&["line 1"]);
    assert_eq!(server.measured("bifocal_head_offset{stream=\"orders\"}"), 7.0);
    assert_eq!(server.measured("bifocal_append_seconds_count{stream=\"orders\"}"), 1.0);
    assert_eq!(server.measured("bifocal_appended_events_total{stream=\"orders\"}"), 7.0);
    let of = |status| {
        let route = "/v1/streams/{stream}/events";
        format!("bifocal_requests_total{{method=\"POST\",route=\"{route}\",status=\"{status}\"}}")
    };
    assert_eq!((server.measured(&of(200)), server.measured(&of(422))), (1.0, 1.0));
}
