//! More than there is room for: told so, and nothing that was acknowledged is lost.

use super::server::{Server, ask, head, order, orders, reply};
use bifocal::http::Options;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;

#[test]
fn a_body_without_room_is_refused_until_there_is() {
    let server = Server::with_orders(Options { bodies_bytes_max: 64 << 10, ..Options::default() }, true);
    let slow = orders(0, 1200);
    let length = slow.len().to_string();
    assert!(slow.len() < 64 << 10);
    let headers = [("content-type", "application/x-ndjson"), ("content-length", length.as_str())];
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(head(server.address, "POST", "/v1/streams/orders/events", &headers).as_bytes()).unwrap();
    let (most, rest) = slow.split_at(50_000);
    stream.write_all(most.as_bytes()).unwrap();
    while server.measured("bifocal_bodies_bytes") < 50_000.0 {
        std::thread::yield_now();
    }
    let other = orders(5000, 500);
    let refused = server.post("application/x-ndjson", other.as_bytes());
    assert_eq!(refused.refused(&["try again"]), 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(server.post_in_chunks(other.as_bytes()).refused(&["try again"]), 429);
    assert_eq!(server.post("application/x-ndjson", order("small").as_bytes()).taken(), (1, 0, 0));
    stream.write_all(rest.as_bytes()).unwrap();
    assert_eq!(reply(stream).unwrap().taken(), (1200, 0, 0));
    assert_eq!(server.post("application/x-ndjson", other.as_bytes()).taken(), (500, 0, 0));
    assert_eq!(server.measured("bifocal_bodies_bytes"), 0.0);
    assert_eq!(server.head(), 1701);
}

#[test]
fn of_many_at_once_exactly_those_that_were_acknowledged_are_there() {
    let options = Options { bodies_bytes_max: 100 << 10, connections_max: 12, ..Options::default() };
    let server = Server::with_orders(options, false);
    let (producers, bodies, lines) = (8, 15, 1000);
    let acknowledged: BTreeSet<String> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..producers)
            .map(|producer| {
                let address = server.address;
                scope.spawn(move || {
                    let mut taken = Vec::new();
                    let (mut refused, mut body) = (0, 0);
                    while body < bodies {
                        let ids = (0..lines).map(|line| format!("{producer}-{body}-{line}"));
                        let text: String = ids.clone().map(|id| order(&id)).collect();
                        let headers = [("content-type", "application/x-ndjson")];
                        let path = "/v1/streams/orders/events";
                        match ask(address, "POST", path, &headers, text.as_bytes()).map(|reply| reply.status)
                        {
                            Ok(200) => taken.extend(ids),
                            Ok(429) => refused += 1,
                            // Refused and closed before all of it was sent.
                            Err(_) => refused += 1,
                            Ok(other) => panic!("{other}"),
                        }
                        body += 1;
                    }
                    (taken, refused)
                })
            })
            .collect();
        let ended: Vec<(Vec<String>, u32)> = started.into_iter().map(|one| one.join().unwrap()).collect();
        println!("refused {:?}", ended.iter().map(|(_, refused)| refused).collect::<Vec<_>>());
        ended.into_iter().flat_map(|(taken, _)| taken).collect()
    });
    let events = server.events();
    let there: BTreeSet<String> =
        events.iter().map(|event| event["payload"]["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(there.len(), events.len(), "once each");
    assert_eq!(there, acknowledged);
}
