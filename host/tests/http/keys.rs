//! Idempotency-Keys: a request that is sent again gets the first answer, also from the next server.

use super::server::{Server, orders};
use bifocal::http::Options;

#[test]
fn a_request_sent_again_gets_the_first_answer_and_another_body_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "application/x-ndjson";
    let headers = [("content-type", lines), ("idempotency-key", "k-1")];
    let first = {
        let server = Server::at(folder.path(), Options::default());
        server.put("/v1/streams/orders", "{\"time\":\"ts\"}");
        let first = server.post_with(&headers, orders(0, 3).as_bytes());
        assert_eq!(first.taken(), (3, 0, 0));
        server.post(lines, orders(0, 3).as_bytes()).taken();
        assert_eq!(server.post_with(&headers, orders(0, 3).as_bytes()).body, first.body);
        first.body
    };
    let server = Server::at(folder.path(), Options::default());
    assert_eq!(server.post_with(&headers, orders(0, 3).as_bytes()).body, first, "after a restart");
    let other = server.post_with(&headers, orders(0, 4).as_bytes());
    assert_eq!(other.refused(&["'k-1'", "another body"]), 422);
    let typed = [("content-type", "application/x-ndjson; typing=text"), ("idempotency-key", "k-1")];
    assert_eq!(
        server.post_with(&typed, orders(0, 3).as_bytes()).status,
        422,
        "the same bytes, read otherwise"
    );
    let another = [("content-type", lines), ("idempotency-key", "k-2")];
    assert_eq!(server.post_with(&another, orders(0, 3).as_bytes()).taken(), (3, 0, 0));
    assert_eq!(server.head(), 9);
    let long = "k".repeat(257);
    let reply = server.post_with(&[("content-type", lines), ("idempotency-key", &long)], b"");
    assert_eq!(reply.refused(&["1 to 256 bytes"]), 422);
}

#[test]
fn a_key_of_a_refused_body_may_be_used_again() {
    let server = Server::with_orders(Options::default(), false);
    let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", "k")];
    assert_eq!(server.post_with(&headers, b"{").status, 422);
    assert_eq!(server.post_with(&headers, orders(0, 2).as_bytes()).taken(), (2, 0, 0));
}
