//! `stream` and what is typed wrong at it.

use super::process::Folder;

#[test]
fn a_stream_is_created_listed_shown_and_removed() {
    let folder = Folder::new();
    folder
        .done("stream create orders --time ts --time-unit ms --id id --out-of-orderness 30s --max-ahead 2h");
    folder.done("stream create clicks");
    folder
        .write("orders.ndjson", "{\"id\":\"a\",\"ts\":1767261600000}\n{\"id\":\"b\",\"ts\":1767261610000}\n");
    folder.done("append orders orders.ndjson");
    let names: Vec<String> = folder.done("stream list").lines().map(str::to_string).collect();
    assert!(names[0].starts_with(r#"{"name":"clicks","events":0,"#), "{names:?}");
    assert!(names[1].starts_with(r#"{"name":"orders","events":2,"#), "{names:?}");
    let shown = folder.json("stream show orders");
    assert_eq!((shown["head"].as_u64(), shown["floor"].as_u64()), (Some(2), Some(0)));
    assert_eq!(shown["watermark"], "2026-01-01T09:59:40Z");
    assert_eq!(shown["times"][1], "2026-01-01T10:00:10Z");
    assert_eq!((shown["out_of_orderness"].as_str(), shown["max_ahead"].as_str()), (Some("30s"), Some("2h")));
    let last = folder.json("stream tail orders -n 1");
    assert_eq!((last["offset"].as_u64(), last["position"].as_u64()), (Some(1), Some(2)));
    assert_eq!((last["id"].as_str(), last["source"].as_str()), (Some("b"), Some("orders.ndjson")));
    assert_eq!(last["payload"]["ts"], 1767261610000_u64);

    folder.refused("stream rm orders", &["'orders'", "2 events", "--yes"]);
    folder.done("stream rm orders --yes");
    folder.refused("stream show orders", &["no stream 'orders'", "bifocal stream list"]);
    assert_eq!(folder.done("stream list").lines().count(), 1);
}

#[test]
fn a_schema_is_shown_and_succeeded_by_another() {
    let folder = Folder::new();
    folder.done("stream create orders");
    folder.refused("stream schema orders", &["'orders' has no schema"]);
    folder.write("one.json", r#"{"required":["a"]}"#);
    folder.write("two.json", r#"{"required":["b"]}"#);
    folder.done("stream schema orders one.json");
    folder.write("a.ndjson", "{\"a\":1}\n");
    folder.done("append orders a.ndjson");
    folder.done("stream schema orders two.json");
    assert_eq!(folder.json("stream show orders")["schema"], 2);
    assert_eq!(folder.json("stream schema orders")["required"][0], "b");
    assert_eq!(folder.json("stream schema orders --number 1")["required"][0], "a");
    folder.refused("stream schema orders --number 3", &["schemas 1 to 2"]);
    folder.write("again.ndjson", "{\"a\":2}\n");
    let ran = folder.run("append orders again.ndjson");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("schema 2"), "{}", ran.err);
    assert_eq!(folder.json("stream tail orders -n 1")["schema"], 1, "an event keeps its schema");
    folder.write("bad.json", r#"{"type":"nonsense"}"#);
    folder.refused("stream schema orders bad.json", &["no JSON Schema"]);
    folder.refused("stream schema orders missing.json", &["missing.json", "No such file"]);
    folder.refused("stream schema other one.json", &["no stream 'other'"]);
}

#[test]
fn what_is_typed_wrong_is_refused_with_what_to_do() {
    let folder = Folder::new();
    folder.refused("stream list", &["data is no data directory", "stream create"]);
    folder.done("stream create orders --time ts");
    folder.refused("stream create orders", &["'orders' already", "another name"]);
    folder.refused("stream create Orders", &["'Orders'", "a-z"]);
    folder.refused("stream create ../orders", &["'../orders'"]);
    folder.refused("stream create a --out-of-orderness soon", &["--out-of-orderness 'soon'", "30s"]);
    folder.refused("stream create a --time-unit ms", &["--time PATH"]);
    folder.refused("stream create a --time @ingested", &["@ingested"]);
    folder.refused("stream create a --schema missing.json", &["--schema missing.json", "No such file"]);
    folder.write("bad.json", r#"{"type":"nonsense"}"#);
    folder.refused("stream create a --schema bad.json", &["bad.json", "no JSON Schema"]);
    folder.refused("append other x.ndjson", &["no stream 'other'"]);
    folder.refused("stream list --data streams.rs", &["streams.rs is no data directory"]);
    assert_eq!(folder.done("stream list").lines().count(), 1, "nothing refused has been created");
}

#[test]
fn without_a_directory_and_a_server_it_says_how_to_have_one() {
    // Nobody listens there: the port is given back at once.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for command in ["stream list", "stream show orders", "append orders Cargo.toml"] {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_bifocal"))
            .args(command.split(' '))
            .env_remove("BIFOCAL_DATA")
            .env("BIFOCAL_SERVER", format!("http://127.0.0.1:{port}"))
            .output()
            .unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2));
        assert!(err.contains("no server answers") && err.contains("bifocal serve --data DIR"), "{err}");
        assert!(err.contains("say --data DIR"), "{err}");
    }
}

#[test]
fn a_directory_that_another_process_uses_is_refused_by_name() {
    let folder = Folder::new();
    folder.done("stream create orders");
    let store = bifocal::store::Store::open(&folder.path("data")).unwrap();
    let process = format!("process {}", std::process::id());
    folder.refused("stream list", &["data is in use", &process]);
    drop(store);
    folder.done("stream list");
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let folder = Folder::new();
    for command in [
        "view",
        "view list",
        "view show",
        "view rm",
        "stream",
        "stream create",
        "stream list",
        "stream show",
        "stream tail",
        "stream rm",
        "append",
        "serve",
    ] {
        let help = folder.done(&format!("{command} --help"));
        assert!(
            help.contains("Example") && help.contains(&format!("bifocal {command} ")),
            "{command}: {help}"
        );
    }
}
