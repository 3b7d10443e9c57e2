//! More than the server can take, for long: every connection sends as fast as it is answered, bodies beyond what
//! the server keeps in memory among them. What was acknowledged is there, memory stays, queries answer.
//! `cargo run --release -p benches -- overload [EVENTS [orders | hot | keys]]`.

use crate::living::{Connection, ORDERS, Server, lines, percentiles, say};
use crate::measure::resident_bytes_of;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Twice those that reach the server's capacity, with bodies five times as large.
const CONNECTIONS: usize = 16;
const BODY_LINES: usize = 25_000;
/// Before a refused body is sent again; `Retry-After` says a second, these producers do not obey.
const RETRY: Duration = Duration::from_millis(5);
const SAMPLES: u64 = 10;

/// Distinct keys of [`Load::Keys`].
const KEYS: u64 = 10_000_000;

/// What is sent, and the view that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// The orders job, `revenue`.
    Orders,
    /// One key: each event goes through one ordered machine, `sequence`.
    Hot,
    /// Ten million keys, one event each before the first comes again, `revenue`.
    Keys,
}

impl Load {
    pub fn of(name: &str) -> Option<Load> {
        Some(match name {
            "orders" => Load::Orders,
            "hot" => Load::Hot,
            "keys" => Load::Keys,
            _ => return None,
        })
    }

    fn guest(self) -> &'static str {
        if self == Load::Hot { "sequence" } else { "revenue" }
    }

    fn stream(self) -> &'static str {
        if self == Load::Hot { r#"{"time":"date"}"# } else { ORDERS }
    }

    /// Bodies that are sent over and over; none where each is another.
    fn bodies(self) -> Vec<Vec<u8>> {
        match self {
            Load::Orders => lines().chunks(BODY_LINES).map(<[Vec<u8>]>::concat).collect(),
            Load::Hot => {
                let line = |number: usize| {
                    let (second, delay) = (number * 40_000 / BODY_LINES, number % 91);
                    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
                    format!(
                        "{{\"date\":\"2026-01-01T{hour:02}:{minute:02}:{second:02}Z\",\"origin\":\"ATL\",\"delay\":{delay}}}\n"
                    )
                };
                vec![(0..BODY_LINES).map(line).collect::<String>().into_bytes()]
            }
            Load::Keys => Vec::new(),
        }
    }

    fn body(self, number: u64, bodies: &[Vec<u8>]) -> Cow<'_, [u8]> {
        if self != Load::Keys {
            return bodies[number as usize % bodies.len()].as_slice().into();
        }
        let line = |i: u64| {
            let key = (number * BODY_LINES as u64 + i) % KEYS;
            format!(
                "{{\"ts\":\"2026-11-20T00:00:00Z\",\"merchant_id\":\"m-{key}\",\"currency\":\"EUR\",\"amount\":\"1.25\",\"status\":\"completed\"}}\n"
            )
        };
        (0..BODY_LINES as u64).map(line).collect::<String>().into_bytes().into()
    }

    fn query(self, number: usize) -> String {
        let key = number % 500 + 1;
        match self {
            Load::Hot => "/v1/views/sequence?key.origin=ATL&limit=1".into(),
            _ => format!("/v1/views/revenue?key.merchant_id=m-{key}&key.currency=EUR&limit=1"),
        }
    }
}

pub fn measure(events: u64, load: Load) -> anyhow::Result<()> {
    let bodies = load.bodies();
    let folder = tempfile::tempdir_in(".")?;
    let server = Server::start(folder.path())?;
    let mut asking = server.connect()?;
    asking.set_up(load.guest(), load.stream())?;
    let (claimed, acknowledged, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let started = Instant::now();
    println!(
        "overload: {events} events ({load:?}), {CONNECTIONS} connections, bodies of {BODY_LINES} lines, a view under \"never\""
    );
    let times = std::thread::scope(|scope| -> anyhow::Result<Vec<Duration>> {
        let producers: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (bodies, claimed, acknowledged, refused) = (&bodies, &claimed, &acknowledged, &refused);
                let server = &server;
                scope.spawn(move || -> anyhow::Result<()> {
                    let mut connection = server.connect()?;
                    loop {
                        let number = claimed.fetch_add(1, Ordering::Relaxed);
                        if number * BODY_LINES as u64 >= events {
                            return Ok(());
                        }
                        let body = load.body(number, bodies);
                        while !taken(&mut connection, server, &body)? {
                            refused.fetch_add(1, Ordering::Relaxed);
                            std::thread::sleep(RETRY);
                        }
                        acknowledged.fetch_add(BODY_LINES as u64, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let (over, of) = (&is_over, &server);
        let reader = scope.spawn(move || -> anyhow::Result<Vec<Duration>> {
            let mut connection = of.connect()?;
            let mut times = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let path = load.query(times.len());
                let asked = Instant::now();
                connection.ask("GET", &path, "application/json", b"")?;
                times.push(asked.elapsed());
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(times)
        });
        let mut next = 1;
        while !producers.iter().all(|producer| producer.is_finished()) {
            std::thread::sleep(Duration::from_millis(200));
            let done = acknowledged.load(Ordering::Relaxed);
            if done * SAMPLES >= next * events {
                next = done * SAMPLES / events + 1;
                let mib = memory_mib(&server);
                println!("    {:>5.0} M acknowledged   {mib:>6.0} MiB resident", done as f64 / 1e6);
            }
        }
        is_over.store(true, Ordering::Relaxed);
        for producer in producers {
            producer.join().expect("a producer ended")?;
        }
        reader.join().expect("the reader ended")
    })?;
    let took = started.elapsed().as_secs_f64();
    let acknowledged = acknowledged.into_inner();
    println!(
        "    {:.2} M/s acknowledged, {} bodies refused with 429",
        acknowledged as f64 / took / 1e6,
        refused.into_inner()
    );
    // The first connection was idle for longer than the server keeps one.
    let mut asking = server.connect()?;
    asking.wait_visible()?;
    println!("    all visible {:.1} s after the last answer", started.elapsed().as_secs_f64() - took);
    let head = asking.view("head")?;
    say(
        "events that were acknowledged and are there",
        format!("{head} of {acknowledged}"),
        "all, and no more",
        head == acknowledged,
    );
    let (p50, p99) = percentiles(times);
    println!("{:<58} {:>24}", "    point queries meanwhile, p50 / p99", format!("{p50:.2} / {p99:.2} ms"));
    println!(
        "{:<58} {:>24}",
        "    memory of the server in the end",
        format!("{:.0} MiB", memory_mib(&server))
    );
    Ok(())
}

/// False: there was no room.
fn taken(connection: &mut Connection, server: &Server, body: &[u8]) -> anyhow::Result<bool> {
    match connection.append(body) {
        Ok(_) => Ok(true),
        // A body that is refused may be cut off: the connection is gone.
        Err(error) if format!("{error}").contains(" 429 ") || error.is::<std::io::Error>() => {
            *connection = server.connect()?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn memory_mib(server: &Server) -> f64 {
    resident_bytes_of(&server.process().to_string()) / f64::from(1 << 20)
}
