//! The server is killed with -9 again and again while producers append, readers ask and runs are made. Every
//! answer that came through is what a straight loop over exactly its offsets says, and no answer reaches
//! less far than one before it, whichever process gave it.

use super::kills::Served;
use super::process::Folder;
use super::server::{Server, ask};
use bifocal::http::Options;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Where every other server stops and is killed: each file that a live view's parts, runs and publishing
/// write, made, synced and removed.
const POINTS: [&str; 10] = [
    "create /delta- 1",
    "write /delta- 1",
    "sync /delta- 1",
    "sync-folder views/1 1",
    "unlink /delta- 1",
    "create views/1/0 1",
    "sync views/1/0 1",
    "unlink views/1/0 1",
    "sync catalog.redb 3",
    "sync 1/log/0 7",
];
/// Whoever has not come to its point by then is killed where it is.
const POINT_WAIT: Duration = Duration::from_secs(8);

const PRODUCERS: usize = 3;
const LINES: usize = 20;
/// Between two requests of a producer.
const PACE: Duration = Duration::from_millis(20);
/// Requests between two kills.
const REQUESTS: usize = 12;

fn rounds() -> usize {
    if std::env::var_os("BIFOCAL_LONG").is_some() { 200 } else { 30 }
}

/// The point at which the server of a round stops; every other one is killed as it comes.
fn point_of(round: usize) -> Option<&'static str> {
    (round % 2 == 1).then(|| POINTS[round / 2 % POINTS.len()])
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

/// The straight loop, which goes on from answer to answer.
#[derive(Default)]
struct Oracle {
    to: usize,
    /// By merchant and window: cents, orders, the largest.
    cells: BTreeMap<(String, String), (u64, u64, u64)>,
}

impl Oracle {
    fn advance(&mut self, payloads: &[Value], to: u64) {
        for payload in &payloads[self.to..to as usize] {
            let text = |name: &str| payload[name].as_str().unwrap().to_owned();
            let amount = payload["amount"].to_string();
            let (whole, cents) = amount.split_once('.').unwrap();
            let cents = whole.parse::<u64>().unwrap() * 100 + cents.parse::<u64>().unwrap();
            let window = format!("{}:00:00Z", &text("ts")[..13]);
            let cell = self.cells.entry((text("merchant_id"), window)).or_default();
            *cell = (cell.0 + cents, cell.1 + 1, cell.2.max(cents));
        }
        self.to = to as usize;
    }

    fn rows(&self, of: Option<&str>) -> Vec<Value> {
        let money = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
        let cells = self.cells.iter().filter(|((merchant, _), _)| of.is_none_or(|of| of == merchant));
        let row = cells.map(|((merchant, window), (sum, orders, largest))| {
            let (sum, largest) = (money(*sum), money(*largest));
            format!(
                r#"{{"merchant_id":"{merchant}","currency":"EUR","window":"{window}","amount":{sum},"orders":{orders},"largest":{largest}}}"#
            )
        });
        row.map(|row| serde_json::from_str(&row).unwrap()).collect()
    }
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
    let (address, answered, is_over) = (&address, &answered, &is_over);
    let mut reached = BTreeSet::new();
    let answers = std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            scope.spawn(move || {
                let mut request = 0;
                while !is_over.load(Ordering::Acquire) {
                    produce(address, producer, request);
                    answered.fetch_add(1, Ordering::Relaxed);
                    request += 1;
                    // A server that is on its way to a point lives for seconds.
                    std::thread::sleep(PACE);
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
                        std::thread::sleep(PACE / 4);
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
            let started = Instant::now();
            let before = answered.load(Ordering::Relaxed);
            let waits = |served: &Served| match point_of(kill - 1) {
                Some(_) => !served.is_stopped() && started.elapsed() < POINT_WAIT,
                None => answered.load(Ordering::Relaxed) < before + REQUESTS,
            };
            while waits(&served) {
                std::thread::yield_now();
            }
            reached.extend(point_of(kill - 1).filter(|_| served.is_stopped()));
            served.kill();
            served = Served::stopping(&folder, "127.0.0.1:0", point_of(kill)).unwrap_or_else(|| {
                reached.extend(point_of(kill));
                Served::new(&folder, "127.0.0.1:0")
            });
            *address.lock().unwrap() = served.address;
        }
        is_over.store(true, Ordering::Release);
        let answers: Vec<Said> = readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect();
        (answers, served)
    });
    let (mut answers, served) = answers;
    served.kill();
    let server = Server::at(&folder.path("data"), Options::default());
    let payloads: Vec<Value> = server.events().into_iter().map(|event| event["payload"].clone()).collect();
    let sent = answered.load(Ordering::Relaxed) * LINES;
    assert_eq!(payloads.len(), sent, "every event is there once");
    assert!(answers.len() > rounds(), "only {} answers", answers.len());
    let missed: Vec<&str> = POINTS.into_iter().filter(|point| !reached.contains(point)).collect();
    assert!(missed.is_empty(), "no server came to {missed:?}");
    answers.sort_by_key(|said| said.visible);
    let mut oracle = Oracle::default();
    for said in &answers {
        oracle.advance(&payloads, said.visible);
        let expected = oracle.rows(said.merchant.as_deref());
        assert_eq!(said.rows, expected, "{:?} over [0, {})", said.merchant, said.visible);
    }
    let incidents = server.get("/v1/views/revenue/incidents").json();
    assert_eq!(incidents["incidents"], json!([]));
    let runs = server.get("/v1/views/revenue/runs").json();
    assert!(!runs["runs"].as_array().unwrap().is_empty());
}
