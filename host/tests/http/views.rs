//! Views over HTTP: deployed, asked in every format, run, set, refused, removed.

use super::server::{Reply, Server, ask};
use bifocal::http::Options;
use serde_json::{Value, json};

fn deploy(server: &Server, path: &str, kind: &str, body: &[u8]) -> Reply {
    ask(server.address, "PUT", path, &[("content-type", kind)], body).unwrap()
}

fn send(server: &Server, method: &str, path: &str, body: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    ask(server.address, method, path, &headers, body.to_string().as_bytes()).unwrap()
}

fn line(number: u64) -> String {
    format!(
        "{{\"id\":\"o-{number}\",\"ts\":\"2026-01-01T{:02}:00:00Z\",\"merchant_id\":\"m-{}\",\"currency\":\"EUR\",\"amount\":{}.50,\"status\":\"completed\"}}\n",
        number % 24,
        number % 5,
        number % 100
    )
}

/// A server with 240 orders and the view `revenue`, which is live.
fn served() -> Server {
    let server = Server::with_orders(Options::default(), true);
    let body: String = (0..240).map(line).collect();
    server.post("application/x-ndjson", body.as_bytes()).taken();
    let reply =
        deploy(&server, "/v1/views/revenue?stream=orders", "application/wasm", &guests::build("revenue"));
    assert_eq!(reply.status, 202, "{reply:?}");
    let ended = server.get("/v1/views/revenue/deployment?wait=60").json();
    assert_eq!(ended["state"], "live", "{ended}");
    server
}

fn run(server: &Server, wanted: &Value) -> Value {
    let reply = send(server, "POST", "/v1/views/revenue/runs", wanted);
    assert_eq!(reply.status, 202, "{reply:?}");
    let order = reply.json()["order"].clone();
    server.get(&format!("/v1/views/revenue/orders/{order}?wait=60")).json()
}

#[test]
fn an_answer_says_all_that_is_known_of_it() {
    let server = served();
    let made = run(&server, &json!({ "kind": "full" }));
    assert_eq!((&made["state"], &made["run"]["differ"]), (&json!("published"), &json!(0)), "{made}");
    let more: String = (240..250).map(line).collect();
    server.post("application/x-ndjson", more.as_bytes()).taken();
    let answer = server.get("/v1/views/revenue?min_offset=250").json();
    assert_eq!(
        (&answer["view"], &answer["version"], &answer["lens"]),
        (&json!("revenue"), &json!("v1"), &json!("merged"))
    );
    assert_eq!((&answer["state"], &answer["marks"]), (&json!("live"), &json!([])));
    assert_eq!(answer["batch"]["offsets"], json!([0, 240]));
    assert_eq!(answer["batch"]["run"], made["run"]["number"]);
    assert_eq!(answer["batch"]["certificate"], made["run"]["certificate"]["cells"]);
    assert_eq!(answer["speed"]["offsets"], json!([240, 250]));
    assert_eq!(
        (&answer["visible"], &answer["head"], &answer["floor"]),
        (&json!(250), &json!(250), &json!(0))
    );
    assert_eq!((&answer["freshness_ms"], &answer["pending_late"]), (&json!(0), &json!(0)));
    assert_eq!(answer["watermark"], "2026-01-01T23:00:00Z");
    assert_eq!(answer["closed_through"], "2026-01-01T23:00:00Z");
    let rows = answer["rows"].as_array().unwrap();
    let orders: u64 = rows.iter().map(|row| row["orders"].as_u64().unwrap()).sum();
    assert_eq!(orders, 250);
    let revised = rows.iter().filter(|row| row["revised"] == true).count();
    assert_eq!(revised, 10, "ten cells have changed after they were settled");
    let health = server.get("/readyz").json();
    assert_eq!(health["ready"], true);
    assert_eq!(server.measured("bifocal_visible_offset{view=\"revenue\"}"), 250.0);
    assert_eq!(server.measured("bifocal_boundary_offset{view=\"revenue\"}"), 240.0);
    let ended = |result: &str| {
        server.measured(&format!("bifocal_batch_runs_total{{view=\"revenue\",result=\"{result}\"}}"))
    };
    // The schedule may have made one of its own.
    assert!(ended("published") >= 1.0);
    assert_eq!(ended("failed"), 0.0);
    assert_eq!(server.measured("bifocal_bisection_seconds_total{view=\"revenue\"}"), 0.0);
    assert_eq!(server.measured("bifocal_transform_faults_total{view=\"revenue\",kind=\"trapped\"}"), 0.0);
    assert!(server.measured("bifocal_fuel_per_settled_row{view=\"revenue\"}") > 0.0);
    for (layer, of) in [("log", "orders"), ("batch", "revenue")] {
        let stored = server.measured(&format!("bifocal_bytes_stored{{layer=\"{layer}\",of=\"{of}\"}}"));
        assert!(stored > 0.0, "{layer} of {of}");
    }
}

#[test]
fn the_served_batch_view_is_verified_from_raw_payloads() {
    let server = served();
    let none = Server::with_orders(Options::default(), true);
    let reply = send(&none, "POST", "/v1/views/nothing/runs", &json!({ "kind": "verify" }));
    assert_eq!(reply.status, 404, "{reply:?}");
    let cells = run(&server, &json!({ "kind": "full" }))["run"]["cells"].clone();
    let more: String = (240..250).map(line).collect();
    server.post("application/x-ndjson", more.as_bytes()).taken();
    let runs = || server.get("/v1/views/revenue/runs").json()["runs"].as_array().unwrap().len();
    let before = runs();
    let made = run(&server, &json!({ "kind": "verify" }));
    assert_eq!((&made["state"], &made["kind"]), (&json!("verified"), &json!("verify")), "{made}");
    let verified = &made["verified"];
    assert_eq!((&verified["to"], &verified["events"]), (&json!(240), &json!(240)), "{made}");
    assert_eq!((&verified["compared"], &verified["differ"]), (&cells, &json!(0)), "{made}");
    assert_eq!((&made["done"], &made["total"], &made["run"]), (&json!(240), &json!(240), &json!(null)));
    assert_eq!(runs(), before, "nothing is published");
    let wrong =
        send(&server, "POST", "/v1/views/revenue/runs", &json!({ "kind": "verify", "keys": ["a=b"] }));
    assert_eq!(wrong.status, 400, "{wrong:?}");
}

#[test]
fn rows_come_in_every_format_chosen_by_name_or_by_accept() {
    let server = served();
    let ndjson = server.get("/v1/views/revenue.ndjson?key.merchant_id=m-1&min_offset=240");
    assert_eq!(ndjson.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(ndjson.header("bifocal-visible"), Some("240"));
    assert_eq!(ndjson.body.lines().count(), 24);
    let csv = server.get("/v1/views/revenue.csv?key.merchant_id=m-1&limit=1");
    assert!(
        csv.body.starts_with("merchant_id,currency,window,amount,orders,largest,settled,revised"),
        "{}",
        csv.body
    );
    let table = server.get("/v1/views/revenue.table?limit=2");
    assert!(table.body.contains("merchant_id  currency"), "{}", table.body);
    let array = server.get("/v1/views/revenue.json?limit=2").json();
    assert_eq!(array.as_array().unwrap().len(), 2);
    let accepted = [("accept", "text/csv")];
    let reply = ask(server.address, "GET", "/v1/views/revenue?limit=1", &accepted, b"").unwrap();
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
    let speed = server.get("/v1/views/revenue?lens=batch").json();
    assert!(speed["lens"] == "batch");
}

#[test]
fn what_is_asked_wrong_is_named_and_changes_nothing() {
    let server = served();
    for (path, status, words) in [
        ("/v1/views/nope", 404, "no view 'nope'"),
        ("/v1/views/revenue?mercant=m-1", 400, "there are key.NAME"),
        ("/v1/views/revenue?key.merchant=m-1", 422, "the keys are merchant_id, currency"),
        ("/v1/views/revenue?where=amont%3E3", 422, "the columns are"),
        ("/v1/views/revenue?limit=x", 400, "no whole number"),
        ("/v1/views/revenue?limit=1&limit=2", 400, "said twice"),
        ("/v1/views/revenue?lens=both", 400, "use merged, batch or speed"),
        ("/v1/views/revenue?as_of=yesterday", 400, "not run:N"),
        ("/v1/views/revenue?as_of=run:99", 422, "run 99 is not kept"),
        ("/v1/views/revenue?min_offset=9999999", 503, "the stream ends at 240"),
        ("/v1/views/revenue/orders/99", 404, "no order 99"),
        ("/v1/views/revenue/rejected?limit=99999999", 400, "more than 10000"),
    ] {
        assert_eq!(server.get(path).refused(&[words]), status, "{path}");
    }
    let component = guests::build("revenue");
    let put = |path: &str, kind: &str, body: &[u8]| deploy(&server, path, kind, body);
    assert_eq!(put("/v1/views/other", "text/plain", b"x").refused(&["application/wasm"]), 415);
    assert_eq!(
        put("/v1/views/revenue?strem=orders", "application/wasm", &component).refused(&["strem"]),
        400
    );
    let failed = |view: &str, words: &str| {
        let ended = server.get(&format!("/v1/views/{view}/deployment?wait=60")).json();
        assert!(ended["state"] == "failed" && ended["error"].as_str().unwrap().contains(words), "{ended}");
    };
    assert_eq!(put("/v1/views/other", "application/wasm", &component).status, 202);
    failed("other", "say which stream");
    assert_eq!(put("/v1/views/other?stream=orders", "application/wasm", b"no").status, 202);
    failed("other", "not a WebAssembly component");
    let runs = "/v1/views/revenue/runs";
    assert_eq!(send(&server, "POST", runs, &json!({ "kind": "half" })).refused(&["no kind of run"]), 400);
    assert_eq!(send(&server, "POST", runs, &json!({ "knd": "full" })).refused(&["knd"]), 400);
    assert_eq!(
        send(&server, "POST", runs, &json!({ "kind": "targeted" })).refused(&["needs from and to"]),
        400
    );
    let set = |changes: Value| send(&server, "PATCH", "/v1/views/revenue", &changes);
    assert_eq!(set(json!({ "late": "drop" })).refused(&["merge or batch-wins"]), 422);
    assert_eq!(set(json!({ "laet": "merge" })).refused(&["there are batch, full"]), 422);
    assert_eq!(server.delete("/v1/streams/orders").refused(&["read by view 'revenue'"]), 409);
    assert_eq!(server.get("/v1/views").json()["views"].as_array().unwrap().len(), 1);
}

#[test]
fn settings_are_changed_together_and_late_events_wait_where_batch_wins() {
    let server = served();
    run(&server, &json!({ "kind": "full" }));
    let changed =
        send(&server, "PATCH", "/v1/views/revenue", &json!({ "late": "batch-wins", "keep_runs": 3 }));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["settings"]["late"], "batch-wins");
    assert_eq!(server.get("/v1/views/revenue/settings").json()["settings"]["keep_runs"], "3");
    let before = server.get("/v1/views/revenue?key.merchant_id=m-1").json();
    server.post("application/x-ndjson", line(241).replace("o-241", "o-late").as_bytes()).taken();
    let after = server.get("/v1/views/revenue?key.merchant_id=m-1&min_offset=241").json();
    assert_eq!(after["pending_late"], 1);
    let pending: Vec<&Value> =
        after["rows"].as_array().unwrap().iter().filter(|row| row["pending"] == true).collect();
    assert_eq!(pending.len(), 1);
    let same =
        before["rows"].as_array().unwrap().iter().find(|row| row["window"] == pending[0]["window"]).unwrap();
    assert_eq!(same["orders"], pending[0]["orders"], "batch's word until the next run");
    run(&server, &json!({ "kind": "incremental" }));
    let corrected = server.get("/v1/views/revenue?key.merchant_id=m-1").json();
    assert_eq!(corrected["pending_late"], 0);
    let now =
        corrected["rows"].as_array().unwrap().iter().find(|row| row["window"] == same["window"]).unwrap();
    assert_eq!(now["orders"].as_u64(), same["orders"].as_u64().map(|orders| orders + 1));
}

#[test]
fn a_kept_run_a_targeted_run_and_a_removed_view_are_what_they_should_be() {
    let server = served();
    let first = run(&server, &json!({ "kind": "full" }))["run"]["number"].clone();
    let more: String = (240..300).map(line).collect();
    server.post("application/x-ndjson", more.as_bytes()).taken();
    run(&server, &json!({ "kind": "incremental" }));
    let targeted = run(&server, &json!({ "kind": "targeted", "keys": ["merchant_id=m-2"] }));
    assert_eq!(targeted["state"], "published", "{targeted}");
    let kept = server.get(&format!("/v1/views/revenue?as_of=run:{first}")).json();
    assert_eq!((&kept["visible"], &kept["batch"]["run"]), (&json!(240), &first));
    let orders = |answer: &Value| {
        let rows = answer["rows"].as_array().unwrap();
        rows.iter().map(|row| row["orders"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(orders(&kept), 240);
    assert_eq!(orders(&server.get("/v1/views/revenue?min_offset=300").json()), 300);
    assert_eq!(server.delete("/v1/views/revenue").status, 204);
    assert_eq!(server.get("/v1/views/revenue").status, 404);
    assert_eq!(server.delete("/v1/streams/orders").status, 204);
}
