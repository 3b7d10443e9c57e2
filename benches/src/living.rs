//! The living system from outside: a server in a process of its own, producers and readers over HTTP, all on
//! this machine. Durable when answered, with fsync. Figures go with the goals that they are held against.

use crate::job;
use bifocal::app::{App, Config};
use bifocal::http::{Options, Stop, serve};
use bifocal::store::Store;
use bifocal::wasm::{self, Engine};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const STREAM: &str = "orders";
/// How a stream of orders is made.
pub const ORDERS: &str = r#"{"time":"ts"}"#;
const BULK_EVENTS: u64 = 3_000_000;
const BULK_LINES: usize = 5_000;
const BULK_CONNECTIONS: usize = 4;
const SINGLE_CONNECTIONS: usize = 64;
const SINGLE_TIME: Duration = Duration::from_secs(6);
const PACED_TIME: Duration = Duration::from_secs(10);
/// Events of one request of the paced producer, and between two of them.
const PACED_EVENTS: usize = 10;
const PACED_EVERY: Duration = Duration::from_millis(1);

/// The other process: serves a directory and says where, until it is killed.
pub fn server(directory: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let options = wasm::Options { instances_max: 16, ..wasm::Options::default() };
    let app = App::start(Store::open(directory)?, Engine::new(options)?, 2, Config::default())?;
    println!("{}", listener.local_addr()?);
    serve(app, listener, Stop::default(), Options::default())?;
    Ok(())
}

/// A server that is killed in the end.
pub struct Server {
    child: Child,
    address: String,
}

impl Server {
    pub fn start(directory: &Path) -> anyhow::Result<Server> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("server")
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or_else(|| anyhow::anyhow!("no stdout"))?;
        let mut address = String::new();
        BufReader::new(out).read_line(&mut address)?;
        Ok(Server { child, address: address.trim().into() })
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    pub fn connect(&self) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        Ok(Connection { reader: BufReader::new(stream.try_clone()?), stream, address: self.address.clone() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A connection that is kept.
pub struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    address: String,
}

impl Connection {
    pub fn ask(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> anyhow::Result<String> {
        let address = &self.address;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        self.stream.write_all(&request)?;
        let (mut length, mut chunked, mut status) = (0, false, String::new());
        self.reader.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse()?;
            }
            chunked |= line == "transfer-encoding: chunked";
        }
        let mut body = Vec::new();
        while chunked {
            let mut size = String::new();
            self.reader.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16)?;
            let from = body.len();
            body.resize(from + size + 2, 0);
            self.reader.read_exact(&mut body[from..])?;
            body.truncate(from + size);
            chunked = size > 0;
        }
        if length > 0 {
            body = vec![0; length];
            self.reader.read_exact(&mut body)?;
        }
        let text = String::from_utf8(body)?;
        anyhow::ensure!(status.contains(" 2"), "{method} {path}: {status}{text}");
        Ok(text)
    }

    pub fn append(&mut self, lines: &[u8]) -> anyhow::Result<u64> {
        let text =
            self.ask("POST", &format!("/v1/streams/{STREAM}/events"), "application/x-ndjson", lines)?;
        number(&text, "next_offset")
    }

    pub fn view(&mut self, field: &str) -> anyhow::Result<u64> {
        number(&self.ask("GET", "/v1/views", "application/json", b"")?, field)
    }

    pub fn wait_visible(&mut self) -> anyhow::Result<()> {
        while self.view("visible")? < self.view("head")? {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// A stream and a view of a guest without runs, so that speed alone is measured. The view has the guest's
    /// name.
    pub fn set_up(&mut self, guest: &str, stream: &str) -> anyhow::Result<()> {
        self.ask("PUT", &format!("/v1/streams/{STREAM}"), "application/json", stream.as_bytes())?;
        let view = format!("/v1/views/{guest}");
        self.ask("PUT", &format!("{view}?stream={STREAM}"), "application/wasm", &guests::build(guest))?;
        self.ask("GET", &format!("{view}/deployment?wait=30"), "application/json", b"")?;
        let never = br#"{"batch":"never","full":"never","cells_max":"20000000"}"#;
        self.ask("PATCH", &view, "application/json", never)?;
        Ok(())
    }
}

fn number(text: &str, field: &str) -> anyhow::Result<u64> {
    let name = format!("\"{field}\":");
    let rest = text.split_once(&name).ok_or_else(|| anyhow::anyhow!("no {field} in {text}"))?.1;
    Ok(rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse()?)
}

/// Percentiles in milliseconds.
pub fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |part: f64| {
        let place = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    (at(0.5), at(0.99))
}

pub fn say(what: &str, figure: String, goal: &str, is_met: bool) {
    println!("{what:<58} {figure:>24}   {goal:<24} {}", if is_met { "met" } else { "MISSED" });
}

/// Lines to send, over and over.
pub fn lines() -> Vec<Vec<u8>> {
    let all = job::lines(200_000);
    all.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

pub fn measure() -> anyhow::Result<()> {
    let lines = lines();
    let folder = tempfile::tempdir_in(".")?;
    let server = Server::start(folder.path())?;
    let mut asking = server.connect()?;
    asking.set_up("revenue", ORDERS)?;
    bulk(&server, &lines, &mut asking)?;
    single(&server, &lines)?;
    paced(&server, &lines)?;
    drop(server);
    recovery(&lines)
}

fn bulk(server: &Server, lines: &[Vec<u8>], asking: &mut Connection) -> anyhow::Result<()> {
    let bodies: Vec<Vec<u8>> = lines.chunks(BULK_LINES).map(|chunk| chunk.concat()).collect();
    let sent = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let producers: Vec<_> = (0..BULK_CONNECTIONS)
            .map(|_| {
                scope.spawn(|| -> anyhow::Result<()> {
                    let mut connection = server.connect()?;
                    loop {
                        let number = sent.fetch_add(1, Ordering::Relaxed);
                        if number * BULK_LINES as u64 >= BULK_EVENTS {
                            return Ok(());
                        }
                        connection.append(&bodies[number as usize % bodies.len()])?;
                    }
                })
            })
            .collect();
        producers.into_iter().try_for_each(|producer| producer.join().expect("a producer ended"))
    })?;
    let appended = started.elapsed();
    asking.wait_visible()?;
    let visible = started.elapsed();
    let rate = |took: Duration| BULK_EVENTS as f64 / took.as_secs_f64();
    let goal = "at least 800 k events/s";
    say(
        "durable bulk append over HTTP, with one view following",
        format!("{:.0} k/s", rate(appended) / 1e3),
        goal,
        rate(appended) >= 8e5,
    );
    let goal = "at least 1 M events/s";
    say(
        "the same until all of it is visible",
        format!("{:.0} k/s", rate(visible) / 1e3),
        goal,
        rate(visible) >= 1e6,
    );
    Ok(())
}

fn single(server: &Server, lines: &[Vec<u8>]) -> anyhow::Result<()> {
    let is_over = AtomicBool::new(false);
    let started = Instant::now();
    let times = std::thread::scope(|scope| {
        let producers: Vec<_> = (0..SINGLE_CONNECTIONS)
            .map(|producer| {
                let is_over = &is_over;
                scope.spawn(move || -> anyhow::Result<Vec<Duration>> {
                    let mut connection = server.connect()?;
                    let mut times = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        let line = &lines[(producer * 3_001 + times.len()) % lines.len()];
                        let asked = Instant::now();
                        connection.append(line)?;
                        times.push(asked.elapsed());
                    }
                    Ok(times)
                })
            })
            .collect();
        std::thread::sleep(SINGLE_TIME);
        is_over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for producer in producers {
            all.extend(producer.join().expect("a producer ended")?);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    let rate = times.len() as f64 / started.elapsed().as_secs_f64();
    let (p50, p99) = percentiles(times);
    let what = "single events from 64 connections";
    say(what, format!("{:.1} k/s", rate / 1e3), "at least 30 k/s", rate >= 3e4);
    println!("{:<58} {:>24}", "    their answers, p50 / p99", format!("{p50:.2} / {p99:.2} ms"));
    Ok(())
}

/// 10 k events/s: how long until an event is visible, and what a point query takes meanwhile.
fn paced(server: &Server, lines: &[Vec<u8>]) -> anyhow::Result<()> {
    let is_over = Arc::new(AtomicBool::new(false));
    let (visible, point, sent) = std::thread::scope(|scope| {
        let over = is_over.clone();
        let reader = scope.spawn(move || -> anyhow::Result<Vec<Duration>> {
            let mut connection = server.connect()?;
            let mut times = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let merchant = times.len() % 500 + 1;
                let path = format!("/v1/views/revenue?key.merchant_id=m-{merchant}&key.currency=EUR&limit=1");
                let asked = Instant::now();
                connection.ask("GET", &path, "application/json", b"")?;
                times.push(asked.elapsed());
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(times)
        });
        let mut producer = server.connect()?;
        let mut follower = server.connect()?;
        let (mut times, mut number) = (Vec::new(), 0);
        let started = Instant::now();
        while started.elapsed() < PACED_TIME {
            let due = started + PACED_EVERY * number;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let from = (number as usize * PACED_EVENTS) % (lines.len() - PACED_EVENTS);
            let asked = Instant::now();
            let next = producer.append(&lines[from..from + PACED_EVENTS].concat())?;
            let path = format!("/v1/views/revenue?key.merchant_id=none&min_offset={next}");
            follower.ask("GET", &path, "application/json", b"")?;
            times.push(asked.elapsed());
            number += 1;
        }
        is_over.store(true, Ordering::Relaxed);
        let sent = f64::from(number) * PACED_EVENTS as f64 / started.elapsed().as_secs_f64();
        Ok::<_, anyhow::Error>((times, reader.join().expect("the reader ended")?, sent))
    })?;
    let (p50, p99) = percentiles(visible);
    let what = format!("append, answer and a query that sees it, at {:.1} k/s", sent / 1e3);
    say(&what, format!("{p50:.2} / {p99:.2} ms"), "p50 < 1 ms, p99 < 4 ms", p50 < 1.0 && p99 < 4.0);
    let (p50, p99) = percentiles(point);
    say("point query meanwhile", format!("{p50:.2} / {p99:.2} ms"), "p99 < 1 ms", p99 < 1.0);
    Ok(())
}

/// A server is killed with 10 M events behind the last batch view; how long until it answers with all.
fn recovery(lines: &[Vec<u8>]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(".")?;
    let server = Server::start(folder.path())?;
    let mut asking = server.connect()?;
    asking.set_up("revenue", ORDERS)?;
    let bodies: Vec<Vec<u8>> = lines.chunks(20_000).map(|chunk| chunk.concat()).collect();
    let mut producer = server.connect()?;
    for number in 0..10_000_000 / 20_000 {
        producer.append(&bodies[number % bodies.len()])?;
    }
    asking.wait_visible()?;
    drop(server);
    let started = Instant::now();
    let server = Server::start(folder.path())?;
    server.connect()?.ask("GET", "/v1/views/revenue?limit=1", "application/json", b"")?;
    let took = started.elapsed().as_secs_f64();
    say(
        "from a kill to an answer over 10 M events behind batch",
        format!("{took:.2} s"),
        "under 3 s",
        took < 3.0,
    );
    Ok(())
}
