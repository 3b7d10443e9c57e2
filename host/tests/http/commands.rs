//! Commands through a server print what they print on a directory.

use super::kills::Served;
use super::process::Folder;
use super::proxy::{Fate, Proxy};
use super::server::ask;
use std::fmt::Write;

fn events(from: u64, to: u64, filler: usize) -> String {
    let mut text = String::new();
    let pad = "x".repeat(filler);
    for i in from..to {
        writeln!(text, r#"{{"id":"o-{i}","ts":"2026-01-01T10:00:{:02}Z","pad":"{pad}"}}"#, i % 60).unwrap();
    }
    text
}

/// What differs from one time to the next, left out: when it came in or was made, and how long it took.
fn steady(text: &str) -> String {
    let mut words: Vec<String> = text.split_inclusive([' ', ',', '\n']).map(str::to_owned).collect();
    for word in &mut words {
        if word.starts_with("\"ingested\"") || word.contains("\"created\"") || word.contains("\"bytes\"") {
            word.clear();
        }
    }
    let lines = words.concat();
    lines.lines().map(|line| line.split("   0.").next().unwrap_or(line).to_owned() + "\n").collect()
}

/// Runs the commands once on a directory and once through a server, and compares all that is said.
#[test]
fn what_is_said_is_the_same_as_on_a_directory() {
    let commands = [
        "stream create orders --time ts --id id --out-of-orderness 30s --schema order.json",
        "stream create orders",
        "stream create Orders",
        "stream create a --out-of-orderness soon",
        "append orders a.ndjson b.csv c.json --any-time",
        "append orders a.ndjson",
        "append orders a.ndjson --again",
        "append orders bad.ndjson",
        "append orders schema.ndjson",
        "append orders missing.ndjson",
        "append nowhere a.ndjson",
        "stream show orders",
        "stream show nowhere",
        "stream list",
        "stream tail orders -n 7",
        "stream tail orders -n 100000",
        "stream rm orders",
        "stream rm orders --yes",
        "stream list",
    ];
    let folders = [Folder::new(), Folder::new()];
    for folder in &folders {
        folder.write("order.json", r#"{"required":["id"]}"#);
        folder.write("a.ndjson", &events(0, 300, 0).replace("\n{\"id\":\"o-7\"", "\n\n\n{\"id\":\"o-7\""));
        folder.write("b.csv", "id,ts,n\nb-1,2026-01-01T10:00:00Z,\"1\n2\"\nb-2,2026-01-01T10:00:00Z,7\n");
        folder.write("c.json", "[{\"id\":\"c-1\",\n\"ts\":\"2026-01-01T10:00:00Z\"}]");
        folder.write("bad.ndjson", &(events(400, 405, 0) + "{\"id\":o-405}\n"));
        folder.write("schema.ndjson", &(events(500, 505, 0) + "{\"ts\":\"2026-01-01T10:00:00Z\"}\n"));
    }
    let [here, there] = &folders;
    let served = Served::new(there, "127.0.0.1:0");
    let server = format!(" --server http://{}", served.address);
    for command in commands {
        let (local, remote) = (here.run(command), there.run(&format!("{command}{server}")));
        assert_eq!(remote.code, local.code, "{command}: {}", remote.err);
        assert_eq!(steady(&remote.out), steady(&local.out), "{command}");
        assert_eq!(steady(&remote.err).replace(&server, ""), steady(&local.err), "{command}");
    }
    served.kill();
}

#[test]
fn compressed_files_and_standard_input_reach_a_server() {
    let folder = Folder::new();
    let served = Served::new(&folder, "127.0.0.1:0");
    let server = format!("--server http://{}", served.address);
    folder.done(&format!("stream create orders --time ts {server}"));
    std::fs::write(folder.path("a.zst"), zstd::encode_all(events(0, 100, 0).as_bytes(), 1).unwrap()).unwrap();
    folder.done(&format!("append orders a.zst {server}"));
    for _ in 0..2 {
        let ran = folder.run_with(&format!("append orders - {server}"), events(0, 5, 0).as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let shown = folder.json(&format!("stream show orders {server}"));
    assert_eq!(shown["head"], 110, "what comes through a pipe is never found again");
    served.kill();
}

fn positions(folder: &Folder, server: &str) -> Vec<u64> {
    let lines = folder.done(&format!("stream tail orders -n 1000000 {server}"));
    let position = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["position"].as_u64().unwrap()
    };
    lines.lines().map(position).collect()
}

/// An address that can be bound again: none of a port that the system gives to whoever asks for any.
fn lasting_address() -> String {
    let tries = (0..12_000).map(|number| 20_000 + (std::process::id() + number) % 12_000);
    let mut addresses = tries.map(|port| format!("127.0.0.1:{port}"));
    addresses.find(|address| std::net::TcpListener::bind(address).is_ok()).unwrap()
}

#[test]
fn an_append_goes_on_after_its_server_was_killed_and_after_it_was_itself() {
    let folder = Folder::new();
    let total = 60_000;
    folder.write("orders.ndjson", &events(0, total, 1000));
    let address = lasting_address();
    let mut served = Served::new(&folder, &address);
    let server = format!("--server http://{address}");
    folder.done(&format!("stream create orders --time ts {server}"));
    let to = served.address;
    // Asked without a process of its own, which would take longer than some appends.
    let head = || ask(to, "GET", "/v1/streams/orders", &[], b"").unwrap().json()["head"].as_u64().unwrap();
    let mut went_on = 0;
    for is_server in [false, true] {
        let before = head();
        let mut child = folder.start(&format!("append orders orders.ndjson --quiet {server}"));
        while head() == before && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        if is_server {
            served.kill();
            went_on += u64::from(child.try_wait().unwrap().is_none());
            served = Served::new(&folder, &address);
            assert!(child.wait().unwrap().success(), "it waits for its server");
        } else {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    println!("{went_on} of 1 had not ended when its server was killed");
    assert_eq!(positions(&folder, &server), (1..=total).collect::<Vec<u64>>());
    served.kill();
}

#[test]
fn what_was_done_and_not_answered_is_sent_again_and_done_once() {
    use Fate::{Answered, Lost, Unheard};
    let folder = Folder::new();
    let served = Served::new(&folder, "127.0.0.1:0");
    let total = 20_000;
    folder.write("orders.ndjson", &events(0, total, 1000));
    for (stream, file) in [("orders", "orders.ndjson"), ("piped", "-")] {
        let proxy = Proxy::new(served.address, vec![Unheard, Answered, Unheard, Lost, Unheard]);
        let server = format!("--server http://{}", proxy.address);
        folder.done(&format!("stream create {stream} --time ts {server}"));
        let ran =
            folder.run_with(&format!("append {stream} {file} {server}"), events(0, total, 1000).as_bytes());
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.err.contains("waiting") && ran.err.contains("trying again"), "{}", ran.err);
        let tail = folder.done(&format!("stream tail {stream} -n 100000 --server http://{}", served.address));
        assert_eq!(tail.lines().count() as u64, total, "{stream}");
    }
    served.kill();
}

#[test]
fn a_command_given_again_sends_what_was_on_its_way_under_the_same_key() {
    let folder = Folder::new();
    let served = Served::new(&folder, "127.0.0.1:0");
    folder.write("orders.ndjson", &events(0, 20_000, 1000));
    folder.done(&format!("stream create orders --time ts --server http://{}", served.address));
    for again in ["", " --again"] {
        let proxy = Proxy::new(served.address, [vec![Fate::Answered], vec![Fate::Lost; 1000]].concat());
        let append = format!("append orders orders.ndjson --quiet{again} --server");
        let mut child = folder.start(&format!("{append} http://{}", proxy.address));
        while proxy.keys.lock().unwrap().len() < 2 {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let first = proxy.keys.lock().unwrap().clone();
        assert!(first[0] != first[1] && first[1].starts_with("append-"), "{first:?}");
        let proxy = Proxy::new(served.address, Vec::new());
        folder.done(&format!("append orders orders.ndjson --quiet --server http://{}", proxy.address));
        assert_eq!(proxy.keys.lock().unwrap()[0], first[1]);
    }
    let shown = folder.json(&format!("stream show orders --server http://{}", served.address));
    assert_eq!(shown["head"], 40_000);
    served.kill();
}

/// A command is killed while its request is on its way; the file grows, and the command is given again: it
/// asks how far the file was appended before that request gets there, and sends another one.
#[test]
fn a_request_that_was_overtaken_doubles_nothing() {
    let folder = Folder::new();
    let served = Served::new(&folder, "127.0.0.1:0");
    folder.write("orders.ndjson", &events(0, 10, 1000));
    folder.done(&format!("stream create orders --time ts --server http://{}", served.address));
    let proxy = Proxy::new(served.address, [vec![Fate::Held], vec![Fate::Lost; 1000]].concat());
    let mut child =
        folder.start(&format!("append orders orders.ndjson --quiet --server http://{}", proxy.address));
    while proxy.held.lock().unwrap().is_empty() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    folder.write("orders.ndjson", &events(0, 15, 1000));
    let proxy = Proxy::after(served.address, vec![Fate::Overtaken], proxy.held.clone());
    let append = format!("append orders orders.ndjson --quiet --server http://{}", proxy.address);
    let ran = folder.run(&append);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(
        ran.err.contains("'orders.ndjson' was appended further by somebody else meanwhile"),
        "{}",
        ran.err
    );
    folder.done(&append);
    let server = format!("--server http://{}", served.address);
    assert_eq!(positions(&folder, &server), (1..=15).collect::<Vec<u64>>());
    served.kill();
}

#[test]
fn a_server_that_cannot_start_says_what_to_do() {
    let folder = Folder::new();
    let served = Served::new(&folder, "127.0.0.1:0");
    let address = served.address;
    folder.refused(&format!("serve --data other --listen {address}"), &["is taken", "--listen"]);
    folder.refused("serve --listen 127.0.0.1:0", &["in use by process", &served.child.id().to_string()]);
    folder.refused("serve --listen 0.0.0.0:0", &["other machines", "127.0.0.1"]);
    folder.refused("serve --listen nowhere", &["'nowhere'", "127.0.0.1:4600"]);
    assert!(!folder.path("other").exists());
    served.kill();
}

#[test]
fn an_interrupt_and_a_sigterm_stop_it_in_order() {
    for signal in ["INT", "TERM"] {
        let folder = Folder::new();
        let mut served = Served::new(&folder, "127.0.0.1:0");
        let server = format!("--server http://{}", served.address);
        folder.done(&format!("stream create orders {server}"));
        let process = served.child.id().to_string();
        let kill = std::process::Command::new("kill").args(["-s", signal, &process]).status();
        assert!(kill.unwrap().success());
        assert_eq!(served.child.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(folder.done("stream list").lines().count(), 1, "the directory is free");
    }
}
