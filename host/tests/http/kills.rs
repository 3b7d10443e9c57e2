//! The server is killed with -9 while producers append; each sends a request until it is answered.
//! In the end every event is there, once, and each request's events side by side.

use super::process::Folder;
use super::server::{Server, ask, order};
use bifocal::http::Options;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// `bifocal serve`, as a process.
pub struct Served {
    pub child: Child,
    pub address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Served {
    pub fn new(folder: &Folder, listen: &str) -> Served {
        Served::stopping(folder, listen, None).expect("it says where it serves")
    }

    /// A server that stops at a chosen change of the disk (see `store::testing`); None: it did so before it
    /// served, and was killed.
    pub fn stopping(folder: &Folder, listen: &str, stop: Option<&str>) -> Option<Served> {
        let settings: Vec<_> = stop.map(|stop| ("BIFOCAL_STOP", stop)).into_iter().collect();
        let mut child = folder.start_with(&format!("serve --listen {listen}"), &settings);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let is_stop = |line: &str| line.starts_with("stopped before");
        let said = lines.find(|line| line.contains("http://") || is_stop(line));
        let said = said.expect("it says where it serves");
        let Some((_, said)) = said.split_once("http://") else {
            _ = child.kill();
            _ = child.wait();
            return None;
        };
        let address = said.split(' ').next().unwrap().parse().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let told = stopped.clone();
        // What it says later must not fill its pipe.
        std::thread::spawn(move || {
            lines.filter(|line| is_stop(line)).for_each(|_| told.store(true, Ordering::Release));
        });
        Some(Served { child, address, stopped })
    }

    /// Whether it has come to where it was to stop.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    pub fn kill(self) {}
}

/// Also where a test fails: no server outlives it.
impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn killed_while_producers_append_it_loses_and_doubles_nothing() {
    const PRODUCERS: usize = 4;
    const REQUESTS: usize = 60;
    const LINES: usize = 25;
    let folder = Folder::new();
    folder.done("stream create orders");
    let served = Served::new(&folder, "127.0.0.1:0");
    let (address, answered) = (Mutex::new(served.address), AtomicUsize::new(0));
    let (address, answered) = (&address, &answered);
    std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            scope.spawn(move || {
                for request in 0..REQUESTS {
                    let line = |line| order(&format!("{producer}-{request}-{line}"));
                    let body: String = (0..LINES).map(line).collect();
                    let key = format!("{producer}-{request}");
                    let headers =
                        [("content-type", "application/x-ndjson"), ("idempotency-key", key.as_str())];
                    loop {
                        let to = *address.lock().unwrap();
                        let path = "/v1/streams/orders/events";
                        if ask(to, "POST", path, &headers, body.as_bytes())
                            .is_ok_and(|reply| reply.status == 200)
                        {
                            break;
                        }
                        std::thread::yield_now();
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut served = served;
        for kill in 1..=5 {
            while answered.load(Ordering::Relaxed) < kill * PRODUCERS * REQUESTS / 7 {
                std::thread::yield_now();
            }
            served.kill();
            served = Served::new(&folder, "127.0.0.1:0");
            *address.lock().unwrap() = served.address;
        }
        while answered.load(Ordering::Relaxed) < PRODUCERS * REQUESTS {
            std::thread::yield_now();
        }
        served.kill();
    });
    let server = Server::at(&folder.path("data"), Options::default());
    let events = server.events();
    let ids: Vec<&str> = events.iter().map(|event| event["payload"]["id"].as_str().unwrap()).collect();
    let mut expected = std::collections::BTreeSet::new();
    for request in ids.chunks(LINES) {
        let (name, _) = request[0].rsplit_once('-').unwrap();
        let whole: Vec<String> = (0..LINES).map(|line| format!("{name}-{line}")).collect();
        assert_eq!(request, whole, "side by side and in order");
        assert!(expected.insert(name.to_owned()), "{name} is there once");
    }
    assert_eq!(expected.len(), PRODUCERS * REQUESTS);
}
