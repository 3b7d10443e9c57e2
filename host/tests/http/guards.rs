//! Who may ask, and what is not asked right.

use super::server::{Server, ask, head, order, reply};
use bifocal::http::{Error, Options, Stop, serve};
use std::io::Write;
use std::net::TcpStream;

fn with(server: &Server, headers: &[(&str, &str)]) -> super::server::Reply {
    ask(server.address, "GET", "/v1/streams", headers, b"").unwrap()
}

#[test]
fn only_its_own_names_reach_the_server() {
    let server = Server::with(Options { names: vec!["bifocal.local".into()], ..Options::default() });
    let port = server.address.port();
    for host in [
        format!("127.0.0.1:{port}"),
        "127.0.0.1".into(),
        format!("localhost:{port}"),
        "LocalHost".into(),
        format!("bifocal.local:{port}"),
    ] {
        assert_eq!(with(&server, &[("host", &host)]).status, 200, "{host}");
    }
    for host in ["evil.example.com", &format!("127.0.0.1.evil.example.com:{port}"), "127.0.0.2", "[::1]", ""]
    {
        assert_eq!(with(&server, &[("host", host)]).refused(&[host, "--name"]), 403, "{host}");
    }
    let headers = [("host", "evil.example.com"), ("content-type", "application/json")];
    let reply = ask(server.address, "PUT", "/v1/streams/orders", &headers, b"{}").unwrap();
    assert_eq!(reply.status, 403);
    assert!(server.get("/v1/streams").json()["streams"].as_array().unwrap().is_empty());
}

#[test]
fn pages_of_other_sites_may_not_ask() {
    let server = Server::new();
    let host = server.address.to_string();
    assert_eq!(with(&server, &[("origin", &format!("http://{host}"))]).status, 200);
    let port = server.address.port();
    for origin in [
        "http://evil.example.com",
        "null",
        &format!("http://localhost:{}", port.wrapping_add(1)),
        &format!("http://{host}.evil.example.com"),
        "",
    ] {
        assert_eq!(with(&server, &[("origin", origin)]).refused(&["page"]), 403, "{origin}");
    }
}

#[test]
fn what_is_unknown_is_named_with_what_is_known() {
    let server = Server::with_orders(Options::default(), true);
    let cases = [
        ("/v1/streams?x=1", 400, "unknown parameter `x`"),
        ("/v1/streams/orders?x=1", 400, "`x`"),
        ("/healthz?x=1", 400, "`x`"),
        ("/metrics?x=1", 400, "`x`"),
        ("/v1/streams/orders/events?form_offset=1", 400, "`form_offset`, expected `from_offset` or `limit`"),
        ("/v1/streams/orders/events?limit=many", 400, "limit"),
        ("/v1/streams/orders/events?limit=1&limit=2", 400, "limit"),
        ("/v1/streams/orders/source?source=a", 400, "missing parameter `first`"),
        ("/v1/stream", 404, "/v1/stream;"),
        ("/v1/streams/%6frders/", 404, "there is no"),
    ];
    for (path, status, words) in cases {
        assert_eq!(server.get(path).refused(&[words]), status, "{path}");
    }
    let path = "/v1/streams/orders/events?souce=a";
    let reply =
        ask(server.address, "POST", path, &[("content-type", "application/json")], order("a").as_bytes());
    assert_eq!(reply.unwrap().refused(&["`souce`", "`source`"]), 400);
    let reply = ask(server.address, "DELETE", "/v1/streams/orders?really=1", &[], b"").unwrap();
    assert_eq!(reply.status, 400);
    assert_eq!(ask(server.address, "PATCH", "/v1/streams", &[], b"").unwrap().refused(&["PATCH"]), 405);
    assert_eq!(server.get("/v1/streams/orders").status, 200, "it is still there");
    assert_eq!(server.head(), 0);
}

#[test]
fn a_body_has_a_content_type_that_is_read() {
    let server = Server::with_orders(Options::default(), true);
    for content_type in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"]
    {
        let reply = server.post(content_type, order("a").as_bytes());
        assert_eq!(reply.refused(&[content_type, "application/x-ndjson"]), 415);
        let headers = [("content-type", content_type)];
        let reply = ask(server.address, "PUT", "/v1/streams/other", &headers, b"{}").unwrap();
        assert_eq!(reply.refused(&[content_type, "application/json"]), 415);
    }
    assert_eq!(server.post_with(&[], order("a").as_bytes()).refused(&["no Content-Type"]), 415);
    assert_eq!(server.head(), 0);
}

#[test]
fn it_listens_on_this_machine_only() {
    let folder = tempfile::tempdir().unwrap();
    let engine = bifocal::wasm::Options { instances_max: 2, ..bifocal::wasm::Options::default() };
    let engine = bifocal::wasm::Engine::new(engine).unwrap();
    let store = bifocal::store::Store::open(folder.path()).unwrap();
    let app = bifocal::app::App::start(store, engine, 1, Default::default()).unwrap();
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let refused = serve(app, listener, Stop::default(), Options::default());
    assert!(matches!(refused, Err(Error::Beyond(_))), "{refused:?}");
}

#[test]
fn a_body_that_breaks_off_leaves_nothing() {
    let server = Server::with_orders(Options::default(), true);
    let headers = [("content-type", "application/x-ndjson"), ("content-length", "1000")];
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = head(server.address, "POST", "/v1/streams/orders/events", &headers);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(order("a").as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    // It is told so, or just closed.
    _ = reply(stream);
    assert_eq!(server.head(), 0);
}
