//! A server of this very process on a port of its own, and a client that sends what it is told to.

use bifocal::app::{App, Config};
use bifocal::http::{Options, Stop, serve};
use bifocal::store::Store;
use bifocal::wasm::{self, Engine};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

pub struct Server {
    pub address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
    /// Removed behind it, unless it is somebody else's.
    folder: Option<tempfile::TempDir>,
}

impl Server {
    /// In a directory of its own.
    pub fn new() -> Server {
        Server::with(Options::default())
    }

    pub fn with(options: Options) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::at(folder.path(), options);
        server.folder = Some(folder);
        server
    }

    pub fn at(directory: &Path, options: Options) -> Server {
        let options_of_engine = wasm::Options { cache: None, instances_max: 4, log: Arc::new(|_, _, _| {}) };
        let engine = Engine::new(options_of_engine).unwrap();
        let store = Store::open(directory).unwrap();
        let app = App::start(store, engine, 1, Config::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::default();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || serve(app, listener, stopped, options).unwrap());
        Server { address, stop, thread: Some(thread), folder: None }
    }

    /// With the stream `orders`, whose events have the time `ts` and, if they are to, the id `id`.
    pub fn with_orders(options: Options, ids: bool) -> Server {
        let server = Server::with(options);
        let body = if ids { r#"{"time":"ts","id":"id"}"# } else { r#"{"time":"ts"}"# };
        assert_eq!(server.put("/v1/streams/orders", body).status, 201);
        server
    }

    pub fn is_told_to_stop(&self) {
        self.stop.stop();
    }

    /// Waits until it has stopped.
    pub fn ends(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    pub fn get(&self, path: &str) -> Reply {
        ask(self.address, "GET", path, &[], b"").unwrap()
    }

    pub fn delete(&self, path: &str) -> Reply {
        ask(self.address, "DELETE", path, &[], b"").unwrap()
    }

    pub fn put(&self, path: &str, body: &str) -> Reply {
        let headers = [("content-type", "application/json")];
        ask(self.address, "PUT", path, &headers, body.as_bytes()).unwrap()
    }

    /// Events to the stream `orders`.
    pub fn post(&self, content_type: &str, body: &[u8]) -> Reply {
        self.post_with(&[("content-type", content_type)], body)
    }

    pub fn post_with(&self, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        ask(self.address, "POST", "/v1/streams/orders/events", headers, body).unwrap()
    }

    /// Lines to the stream `orders`, without saying how many bytes they are.
    pub fn post_in_chunks(&self, body: &[u8]) -> Reply {
        let headers = [("content-type", "application/x-ndjson"), ("transfer-encoding", "chunked")];
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = head(self.address, "POST", "/v1/streams/orders/events", &headers);
        stream.write_all(head.as_bytes()).unwrap();
        // A server that has said no may have closed its end.
        _ = stream.write_all(format!("{:x}\r\n", body.len()).as_bytes());
        _ = stream.write_all(body);
        _ = stream.write_all(b"\r\n0\r\n\r\n");
        reply(stream).unwrap()
    }

    pub fn head(&self) -> u64 {
        self.get("/v1/streams/orders").json()["head"].as_u64().unwrap()
    }

    /// All events of the stream `orders`.
    pub fn events(&self) -> Vec<Value> {
        let reply = self.get("/v1/streams/orders/events?limit=1000000");
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What is measured under a name that stands at the start of a line.
    pub fn measured(&self, name: &str) -> f64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.rsplit(' ').next().unwrap().parse().unwrap_or(0.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        self.ends();
        drop(self.folder.take());
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The status, once the body is a problem with these words in its detail.
    pub fn refused(&self, words: &[&str]) -> u16 {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(problem["type"].as_str().unwrap().starts_with("urn:bifocal:problem:"), "{problem}");
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let detail = problem["detail"].as_str().unwrap();
        words.iter().for_each(|word| assert!(detail.contains(word), "'{word}' in: {detail}"));
        self.status
    }

    /// Of a body of events that was taken: appended, duplicates, conflicts.
    pub fn taken(&self) -> (u64, u64, u64) {
        assert_eq!(self.status, 200, "{self:?}");
        let answer = self.json();
        let number = |name: &str| answer[name].as_u64().unwrap();
        assert_eq!(number("next_offset") - number("first_offset"), number("appended"));
        (number("appended"), number("duplicates"), number("conflicts"))
    }
}

/// The head of a request; `Host` is the address unless a header says otherwise.
pub fn head(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head += &format!("host: {address}\r\n");
    }
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    head + "\r\n"
}

pub fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Reply> {
    let length = body.len().to_string();
    let mut headers = headers.to_vec();
    if !body.is_empty() || method == "POST" {
        headers.push(("content-length", &length));
    }
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(head(address, method, path, &headers).as_bytes())?;
    // A server that has said no may have closed its end.
    let sent = stream.write_all(body);
    let reply = reply(stream);
    if reply.is_err() {
        sent?;
    }
    reply
}

pub fn reply(stream: TcpStream) -> std::io::Result<Reply> {
    let broken = |what: &str| std::io::Error::new(std::io::ErrorKind::UnexpectedEof, what.to_owned());
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| broken("no status"))?;
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut reply = Reply { status, headers, body: String::new() };
    let mut bytes = Vec::new();
    if reply.header("transfer-encoding") == Some("chunked") {
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim_end(), 16).map_err(|_| broken("no chunk"))?;
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk)?;
            bytes.extend_from_slice(&chunk[..length]);
            if length == 0 {
                break;
            }
        }
    } else {
        reader.read_to_end(&mut bytes)?;
        let length = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if bytes.len() < length {
            return Err(broken("the body"));
        }
    }
    reply.body = String::from_utf8(bytes).unwrap();
    Ok(reply)
}

/// A line of the stream `orders`.
pub fn order(id: &str) -> String {
    format!("{{\"id\":\"{id}\",\"ts\":\"2026-01-01T10:00:00Z\"}}\n")
}

/// So many lines, with ids from `o-<from>` on.
pub fn orders(from: usize, count: usize) -> String {
    (from..from + count).map(|number| order(&format!("o-{number}"))).collect()
}
