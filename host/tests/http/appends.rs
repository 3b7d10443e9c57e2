//! Bodies of events: each content type and encoding, all of it or nothing.

use super::server::{Server, ask, order, orders};
use bifocal::http::Options;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::io::{Read, Write};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn ids(server: &Server) -> Vec<Value> {
    server.events().iter().map(|event| event["id"].clone()).collect()
}

#[test]
fn lines_arrays_and_single_values_are_events() {
    let server = Server::with_orders(Options::default(), true);
    let lines = format!("{}\r\n\n  \n{}", order("a").trim_end(), order("b").trim_end());
    assert_eq!(server.post("application/x-ndjson", lines.as_bytes()).taken(), (2, 0, 0));
    assert_eq!(server.post("application/ndjson; charset=utf-8", order("c").as_bytes()).taken(), (1, 0, 0));
    let array = format!("[\n{},\n {}]", order("d").replace(',', ",\n"), order("e"));
    assert_eq!(server.post("application/json", array.as_bytes()).taken(), (2, 0, 0));
    assert_eq!(server.post("application/json", order("f").as_bytes()).taken(), (1, 0, 0));
    assert_eq!(server.post("application/json", b" [ ] ").taken(), (0, 0, 0));
    assert_eq!(server.post("application/x-ndjson", b"").taken(), (0, 0, 0));
    assert_eq!(ids(&server), ["a", "b", "c", "d", "e", "f"]);
    let positions: Vec<u64> =
        server.events().iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, [1, 4, 1, 1, 2, 1]);
    assert_eq!(server.events()[0]["source"], Value::Null);
}

#[test]
fn an_id_that_is_there_is_told_and_another_payload_under_it_too() {
    let server = Server::with_orders(Options::default(), true);
    server.post("application/x-ndjson", orders(0, 5).as_bytes()).taken();
    let again = orders(3, 4) + &order("o-0").replace("}", ",\"n\":1}");
    let reply = server.post("application/x-ndjson", again.as_bytes());
    assert_eq!(reply.taken(), (2, 2, 1));
    assert_eq!((&reply.json()["first_offset"], &reply.json()["next_offset"]), (&5.into(), &7.into()));
}

#[test]
fn compressed_bodies_are_read_small_and_large() {
    let server = Server::with_orders(Options::default(), true);
    let mut from = 0;
    for count in [1, 40_000] {
        for encoding in ["gzip", "zstd", "identity"] {
            let plain = orders(from, count);
            let body = match encoding {
                "gzip" => gzip(plain.as_bytes()),
                "zstd" => zstd::encode_all(plain.as_bytes(), 1).unwrap(),
                _ => plain.into_bytes(),
            };
            let headers = [("content-type", "application/x-ndjson"), ("content-encoding", encoding)];
            assert_eq!(server.post_with(&headers, &body).taken(), (count as u64, 0, 0), "{encoding}");
            from += count;
        }
    }
    assert_eq!(server.head(), from as u64);
    let compressed = gzip(orders(from, 1000).as_bytes());
    let headers = [("content-type", "application/x-ndjson"), ("content-encoding", "gzip")];
    let cut = server.post_with(&headers, &compressed[..compressed.len() / 2]);
    assert_eq!(cut.refused(&["gzip", "cut off"]), 400);
    assert_eq!(server.post_with(&headers, b"no gzip at all").refused(&["gzip", "damaged"]), 400);
    let headers = [("content-type", "application/x-ndjson"), ("content-encoding", "br")];
    assert_eq!(server.post_with(&headers, b"x").refused(&["'br'", "gzip", "zstd"]), 415);
    assert_eq!(server.head(), from as u64, "nothing of what was refused");
}

#[test]
fn one_bad_event_refuses_all_by_its_place_and_reason() {
    let server = Server::with_orders(Options::default(), true);
    let large = orders(0, 5000);
    let cases = [
        (format!("{}{{\"id\":x}}\n", orders(0, 2)), 3, Some(7), "expected a value, found 'x'"),
        (format!("{}{{\"id\":\"a\"}}\n", orders(0, 2)), 3, None, "no time at 'ts'"),
        (format!("{large}{{\"id\":\"a\",\"ts\":5}}\n"), 5001, None, "unit"),
        ("{\"id\":\"a\",\"ts\":\"1926-01-01T00:00:00Z\"}".into(), 1, None, "not within 1990-2100"),
    ];
    for (body, line, column, reason) in cases {
        let reply = server.post("application/x-ndjson", body.as_bytes());
        assert_eq!(reply.refused(&[&format!("line {line}"), reason, "nothing was appended"]), 422);
        let problem = reply.json();
        assert_eq!((&problem["line"], problem["column"].as_u64()), (&line.into(), column));
        assert!(problem["reason"].as_str().unwrap().contains(reason));
    }
    let array = format!("[{},\n{{\"id\":}}]", order("a"));
    let reply = server.post("application/json", array.as_bytes());
    assert_eq!(reply.refused(&["line 3, column 7", "expected a value"]), 422);
    assert_eq!(server.post("application/json", b"[{} {}]").refused(&["line 1"]), 422);
    assert_eq!(server.post("application/json", b"").refused(&["expected a value, found the end"]), 422);
    assert_eq!(server.head(), 0);
    let old = "/v1/streams/orders/events?any_time=true";
    let body = b"{\"id\":\"a\",\"ts\":\"1926-01-01T00:00:00Z\"}";
    let reply = ask(server.address, "POST", old, &[("content-type", "application/json")], body);
    assert_eq!(reply.unwrap().taken(), (1, 0, 0));
}

#[test]
fn what_is_too_large_is_refused_as_it_is_sent_and_as_it_is_decompressed() {
    let options = Options { body_bytes_max: 100_000, ..Options::default() };
    let server = Server::with_orders(options, true);
    let large = orders(0, 2000);
    assert!(large.len() > 50_000 && large.len() < 100_000);
    assert_eq!(server.post("application/x-ndjson", large.as_bytes()).taken(), (2000, 0, 0));
    let larger = orders(2000, 2500);
    assert!(larger.len() > 100_000);
    let too_large = |reply: super::server::Reply| assert_eq!(reply.refused(&["100000 bytes"]), 413);
    too_large(server.post("application/x-ndjson", larger.as_bytes()));
    too_large(server.post_in_chunks(larger.as_bytes()));
    let compressed = gzip(larger.as_bytes());
    assert!(compressed.len() < 100_000);
    too_large(
        server.post_with(
            &[("content-type", "application/x-ndjson"), ("content-encoding", "gzip")],
            &compressed,
        ),
    );
    // A small body that would be a gigabyte.
    let bomb = zstd::encode_all(std::io::repeat(b'\n').take(1 << 30), 1).unwrap();
    assert!(bomb.len() < 100_000);
    too_large(
        server.post_with(&[("content-type", "application/x-ndjson"), ("content-encoding", "zstd")], &bomb),
    );
    assert_eq!(server.head(), 2000);
}

#[test]
fn where_events_come_from_and_how_they_were_typed_is_kept() {
    let server = Server::with_orders(Options::default(), true);
    let path = "/v1/streams/orders/events?source=a%20b.csv&position=101";
    let headers = [("content-type", "application/x-ndjson; typing=text")];
    let body = order("a") + "\n\n" + &order("b");
    ask(server.address, "POST", path, &headers, body.as_bytes()).unwrap().taken();
    let events = server.events();
    assert_eq!((&events[0]["source"], &events[0]["position"]), (&"a b.csv".into(), &101.into()));
    assert_eq!((&events[1]["position"], &events[1]["typing"]), (&104.into(), &"text".into()));

    let known = "/v1/streams/orders/source?source=a.csv&first=";
    let digest = "1".repeat(64);
    let none = server.get(&format!("{known}{digest}")).json();
    assert_eq!((&none["rows"], &none["next_offset"]), (&0.into(), &Value::Null));
    let path =
        format!("/v1/streams/orders/events?source=a.csv&first={digest}&rows=7&digest={}", "2".repeat(64));
    ask(server.address, "POST", &path, &headers, order("c").as_bytes()).unwrap().taken();
    let mark = server.get(&format!("{known}{digest}")).json();
    assert_eq!((&mark["rows"], &mark["position"], &mark["next_offset"]), (&7.into(), &1.into(), &3.into()));
    assert_eq!(mark["digest"], "2".repeat(64));
    let other = server.get(&format!("{known}{}", "3".repeat(64))).json();
    assert_eq!(other["rows"], 0, "another first row is another source");
    // Nobody else may have appended more of it meanwhile.
    let follows = |after: u64| {
        let path = format!("{path}&position=2&after={after}");
        ask(server.address, "POST", &path, &headers, order("e").as_bytes()).unwrap()
    };
    for after in [0, 2] {
        let refused = follows(after);
        assert_eq!(
            (refused.status, refused.json()["type"].as_str().unwrap()),
            (409, "urn:bifocal:problem:moved")
        );
    }
    assert_eq!(server.head(), 3);
    follows(3).taken();
    assert_eq!(follows(3).status, 409, "it was appended once");
    // Done again under its key, late, it takes the mark of a later one not back.
    let keyed = [("content-type", "application/x-ndjson; typing=text"), ("idempotency-key", "one")];
    let rows = |rows: u64, position: u64, digit: &str| {
        let digest_of = digit.repeat(64);
        format!(
            "/v1/streams/orders/events?source=b.csv&first={digest}&rows={rows}&position={position}&digest={digest_of}"
        )
    };
    let first = || ask(server.address, "POST", &rows(1, 1, "5"), &keyed, order("f").as_bytes()).unwrap();
    assert_eq!(first().taken(), (1, 0, 0));
    ask(server.address, "POST", &rows(2, 2, "6"), &headers, order("g").as_bytes()).unwrap().taken();
    assert_eq!(first().taken(), (1, 0, 0), "the answer that it had");
    let mark = server.get(&format!("/v1/streams/orders/source?source=b.csv&first={digest}")).json();
    assert_eq!((&mark["rows"], &mark["next_offset"], &mark["head"]), (&2.into(), &6.into(), &6.into()));
    for wrong in ["first=12", &format!("first={digest}"), "rows=1", "position=0", "source=", "after=3"] {
        let path = format!("/v1/streams/orders/events?{wrong}");
        let reply = ask(server.address, "POST", &path, &headers, order("d").as_bytes()).unwrap();
        assert_eq!(reply.status, 400, "{wrong}");
    }
    assert_eq!(server.head(), 6);
}
