//! The server is killed with -9 again and again while producers append, readers ask and runs are made. Every
//! answer that came through is what a straight loop over exactly its offsets says, and no answer reaches
//! less far than one before it, whichever process gave it.

use super::kills::Served;
use super::process::Folder;
use super::server::{Server, ask};
use bifocal::http::Options;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const PRODUCERS: usize = 3;
const LINES: usize = 20;
/// Requests between two kills.
const REQUESTS: usize = 12;

fn rounds() -> usize {
    if std::env::var_os("BIFOCAL_LONG").is_some() { 200 } else { 30 }
}

fn line(producer: usize, request: usize, line: usize) -> String {
    let number = (producer * 7_919 + request * 104_729 + line * 1_299_709) as u64;
    let (merchant, hour, cents) = (number % 17, number / 17 % 30, number % 9_973);
    let minute = number % 60;
    format!(
        "{{\"id\":\"{producer}-{request}-{line}\",\"ts\":\"2026-01-0{}T{:02}:{minute:02}:00Z\",\"merchant_id\":\"m-{merchant}\",\"currency\":\"EUR\",\"amount\":{}.{:02},\"status\":\"completed\"}}\n",
        1 + hour / 24,
        hour % 24,
        cents / 100,
        cents % 100
    )
}

/// Sends until it is answered.
fn produce(address: &Mutex<SocketAddr>, producer: usize, request: usize) {
    let body: String = (0..LINES).map(|number| line(producer, request, number)).collect();
    let key = format!("{producer}-{request}");
    let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", key.as_str())];
    loop {
        let to = *address.lock().unwrap();
        let path = "/v1/streams/orders/events";
        if ask(to, "POST", path, &headers, body.as_bytes()).is_ok_and(|reply| reply.status == 200) {
            return;
        }
        std::thread::yield_now();
    }
}

/// An answer: how far it reaches, what was asked, its rows.
struct Said {
    visible: u64,
    merchant: Option<String>,
    rows: Vec<Value>,
}

fn ask_view(address: SocketAddr, round: usize) -> Option<Said> {
    let merchant = (!round.is_multiple_of(4)).then(|| format!("m-{}", round % 17));
    let path = match &merchant {
        Some(merchant) => format!("/v1/views/revenue?key.merchant_id={merchant}"),
        None => "/v1/views/revenue".to_owned(),
    };
    let reply = ask(address, "GET", &path, &[], b"").ok().filter(|reply| reply.status == 200)?;
    let answer: Value = serde_json::from_str(&reply.body).ok()?;
    let mut rows = answer["rows"].as_array().unwrap().clone();
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        assert!(row.remove("settled").is_some() && row.remove("revised").is_some());
    }
    Some(Said { visible: answer["visible"].as_u64().unwrap(), merchant, rows })
}

fn order_run(address: SocketAddr, number: usize) {
    let kind = ["full", "incremental", "incremental"][number % 3];
    let headers = [("content-type", "application/json")];
    let body = json!({ "kind": kind }).to_string();
    let Ok(reply) = ask(address, "POST", "/v1/views/revenue/runs", &headers, body.as_bytes()) else { return };
    let Ok(ordered) = serde_json::from_str::<Value>(&reply.body) else { return };
    let path = format!("/v1/views/revenue/orders/{}?wait=20", ordered["order"]);
    if let Ok(reply) = ask(address, "GET", &path, &[], b"")
        && let Ok(told) = serde_json::from_str::<Value>(&reply.body)
        && told["state"] == "published"
    {
        assert_eq!(told["run"]["differ"], 0, "{told}");
    }
}

fn straight(payloads: &[Value], to: u64, merchant: Option<&str>) -> Vec<Value> {
    let mut cells: BTreeMap<(String, String), (u64, u64, u64)> = BTreeMap::new();
    for payload in &payloads[..to as usize] {
        let text = |name: &str| payload[name].as_str().unwrap().to_owned();
        if merchant.is_some_and(|merchant| merchant != text("merchant_id")) {
            continue;
        }
        let amount = payload["amount"].to_string();
        let (whole, cents) = amount.split_once('.').unwrap();
        let cents = whole.parse::<u64>().unwrap() * 100 + cents.parse::<u64>().unwrap();
        let window = format!("{}:00:00Z", &text("ts")[..13]);
        let cell = cells.entry((text("merchant_id"), window)).or_default();
        *cell = (cell.0 + cents, cell.1 + 1, cell.2.max(cents));
    }
    let money = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    let row = |((merchant, window), (sum, orders, largest)): ((String, String), (u64, u64, u64))| {
        let (sum, largest) = (money(sum), money(largest));
        let row = format!(
            r#"{{"merchant_id":"{merchant}","currency":"EUR","window":"{window}","amount":{sum},"orders":{orders},"largest":{largest}}}"#
        );
        serde_json::from_str(&row).unwrap()
    };
    cells.into_iter().map(row).collect()
}

#[test]
fn killed_while_everything_goes_on_every_answer_is_exact_and_none_goes_back() {
    let folder = Folder::new();
    folder.done("stream create orders --time ts --id id");
    std::fs::write(folder.path("revenue.wasm"), guests::build("revenue")).unwrap();
    folder.done("deploy revenue revenue.wasm --stream orders");
    let served = Served::new(&folder, "127.0.0.1:0");
    let (address, answered) = (Mutex::new(served.address), AtomicUsize::new(0));
    let is_over = AtomicBool::new(false);
    let requests = (rounds() + 1) * REQUESTS / PRODUCERS;
    let (address, answered, is_over) = (&address, &answered, &is_over);
    let answers = std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            scope.spawn(move || {
                for request in 0..requests {
                    produce(address, producer, request);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let readers: Vec<_> = (0..2)
            .map(|reader| {
                scope.spawn(move || {
                    let (mut answers, mut last, mut round) = (Vec::new(), 0, reader);
                    while !is_over.load(Ordering::Acquire) {
                        let to = *address.lock().unwrap();
                        if let Some(said) = ask_view(to, round) {
                            assert!(said.visible >= last, "{} after {last}", said.visible);
                            last = said.visible;
                            answers.push(said);
                        }
                        round += 1;
                    }
                    answers
                })
            })
            .collect();
        scope.spawn(move || {
            let mut number = 0;
            while !is_over.load(Ordering::Acquire) {
                let to = *address.lock().unwrap();
                order_run(to, number);
                number += 1;
            }
        });
        let mut served = served;
        for kill in 1..=rounds() {
            while answered.load(Ordering::Relaxed) < kill * REQUESTS {
                std::thread::yield_now();
            }
            served.kill();
            served = Served::new(&folder, "127.0.0.1:0");
            *address.lock().unwrap() = served.address;
        }
        while answered.load(Ordering::Relaxed) < PRODUCERS * requests {
            std::thread::yield_now();
        }
        is_over.store(true, Ordering::Release);
        let answers: Vec<Said> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        served.kill();
        answers
    });
    let server = Server::at(&folder.path("data"), Options::default());
    let payloads: Vec<Value> = server.events().into_iter().map(|event| event["payload"].clone()).collect();
    assert_eq!(payloads.len(), PRODUCERS * requests * LINES, "every event is there once");
    assert!(answers.len() > rounds(), "only {} answers", answers.len());
    for said in &answers {
        let expected = straight(&payloads, said.visible, said.merchant.as_deref());
        assert_eq!(said.rows, expected, "{:?} over [0, {})", said.merchant, said.visible);
    }
    let incidents = server.get("/v1/views/revenue/incidents").json();
    assert_eq!(incidents["incidents"], json!([]));
    let runs = server.get("/v1/views/revenue/runs").json();
    assert!(!runs["runs"].as_array().unwrap().is_empty());
}
