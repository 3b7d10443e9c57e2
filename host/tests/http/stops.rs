//! A server that is told to stop finishes what is in flight, and loses nothing that it acknowledged.

use super::server::{Server, ask, head, order, orders, reply};
use bifocal::http::Options;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn a_request_in_flight_is_finished_and_the_next_one_finds_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut server =
        Server::at(folder.path(), Options { grace: Duration::from_secs(600), ..Options::default() });
    server.put("/v1/streams/orders", "{}");
    let body = orders(0, 100);
    let length = body.len().to_string();
    let headers = [("content-type", "application/x-ndjson"), ("content-length", length.as_str())];
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(head(server.address, "POST", "/v1/streams/orders/events", &headers).as_bytes()).unwrap();
    let (one, other) = body.split_at(1000);
    stream.write_all(one.as_bytes()).unwrap();
    while server.measured("bifocal_bodies_bytes") == 0.0 {
        std::thread::yield_now();
    }
    server.is_told_to_stop();
    while TcpStream::connect(server.address).is_ok() {
        std::thread::yield_now();
    }
    stream.write_all(other.as_bytes()).unwrap();
    assert_eq!(reply(stream).unwrap().taken(), (100, 0, 0));
    server.ends();
    let server = Server::at(folder.path(), Options::default());
    assert_eq!(server.head(), 100);
}

#[test]
fn who_does_not_finish_is_not_waited_for_beyond_the_grace() {
    let folder = tempfile::tempdir().unwrap();
    let mut server =
        Server::at(folder.path(), Options { grace: Duration::from_millis(1), ..Options::default() });
    server.put("/v1/streams/orders", "{}");
    let headers = [("content-type", "application/x-ndjson"), ("content-length", "1000")];
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(head(server.address, "POST", "/v1/streams/orders/events", &headers).as_bytes()).unwrap();
    stream.write_all(order("a").as_bytes()).unwrap();
    while server.measured("bifocal_bodies_bytes") == 0.0 {
        std::thread::yield_now();
    }
    server.is_told_to_stop();
    server.ends();
    drop(stream);
}

#[test]
fn all_that_was_acknowledged_before_a_stop_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::at(folder.path(), Options::default());
    server.put("/v1/streams/orders", "{}");
    let answered = AtomicUsize::new(0);
    let acknowledged: BTreeSet<String> = std::thread::scope(|scope| {
        let (address, answered) = (server.address, &answered);
        let produce = move |producer: usize| {
            let mut taken = Vec::new();
            for number in 0.. {
                let id = format!("{producer}-{number}");
                let headers = [("content-type", "application/json")];
                let path = "/v1/streams/orders/events";
                match ask(address, "POST", path, &headers, order(&id).as_bytes()) {
                    Ok(reply) if reply.status == 200 => taken.push(id),
                    Ok(reply) => {
                        assert_eq!(reply.status, 503);
                        break;
                    }
                    Err(_) => break,
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
            taken
        };
        let started: Vec<_> = (0..6).map(|producer| scope.spawn(move || produce(producer))).collect();
        while answered.load(Ordering::Relaxed) < 200 {
            std::thread::yield_now();
        }
        server.is_told_to_stop();
        started.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    server.ends();
    let server = Server::at(folder.path(), Options::default());
    let events = server.events();
    let there: BTreeSet<String> =
        events.iter().map(|event| event["payload"]["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(there.len(), events.len(), "once each");
    assert!(acknowledged.len() >= 200 && acknowledged.is_subset(&there));
}
