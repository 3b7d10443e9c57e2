//! A disk that is full: a small file system in memory. What was acknowledged is kept and served, what to do
//! is said, and once there is room the same command goes on from where it stopped.

use super::kills::Served;
use super::process::Folder;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

const EVENTS: u64 = 40_000;

/// A file system of its own at a folder, while it lives.
struct Small(PathBuf);

impl Small {
    /// None where this process may not mount.
    fn new(folder: PathBuf) -> Option<Small> {
        std::fs::create_dir(&folder).unwrap();
        mount(&["-t", "tmpfs", "-o", "size=12m", "tmpfs"], &folder).then_some(Small(folder))
    }

    fn grow(&self) {
        assert!(mount(&["-o", "remount,size=256m"], &self.0));
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], at: &PathBuf) -> bool {
    Command::new("mount").args(arguments).arg(at).output().is_ok_and(|output| output.status.success())
}

/// Ids that nothing compresses.
fn lines() -> String {
    let (mut text, mut random) = (String::new(), 1_u64);
    for number in 0..EVENTS {
        let mut id = String::new();
        for _ in 0..24 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            write!(id, "{:08x}", random >> 32).unwrap();
        }
        let (hour, merchant) = (number % 24, number % 11);
        writeln!(
            text,
            r#"{{"id":"{id}","ts":"2026-01-01T{hour:02}:00:00Z","merchant_id":"m-{merchant}","currency":"EUR","amount":1.25,"status":"completed"}}"#
        )
        .unwrap();
    }
    text
}

fn orders_of(rows: &str) -> u64 {
    let row =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["orders"].as_u64().unwrap();
    rows.lines().map(row).sum()
}

#[test]
fn a_full_disk_keeps_what_it_has_says_what_to_do_and_goes_on_when_there_is_room() {
    let folder = Folder::new();
    let Some(small) = Small::new(folder.path("data")) else {
        eprintln!("left out: this process may not mount a file system");
        return;
    };
    std::fs::write(folder.path("revenue.wasm"), guests::build("revenue")).unwrap();
    folder.write("orders.ndjson", &lines());
    folder.done("stream create orders --time ts");
    folder.done("deploy revenue revenue.wasm --stream orders");
    let served = Served::new(&folder, "127.0.0.1:0");
    let at = |served: &Served, command: &str| format!("{command} --server http://{}", served.address);
    let append = "append orders orders.ndjson --quiet";

    let ran = folder.run(&at(&served, append));
    assert_eq!(ran.code, 2, "{}", ran.err);
    for words in ["No space left", "free the disk", "give the same command again"] {
        assert!(ran.err.contains(words), "{}", ran.err);
    }
    let head = folder.json(&at(&served, "stream show orders"))["head"].as_u64().unwrap();
    assert!(head > 0 && head < EVENTS, "{head}");
    let rows = folder.done(&at(&served, &format!("query revenue --min-offset {head}")));
    assert_eq!(orders_of(&rows), head, "what was acknowledged is served");
    let refused = folder.run(&at(&served, "batch revenue"));
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("No space left") && refused.err.contains("make room"), "{}", refused.err);
    served.kill();

    small.grow();
    let served = Served::new(&folder, "127.0.0.1:0");
    folder.done(&at(&served, append));
    assert_eq!(folder.json(&at(&served, "stream show orders"))["head"], EVENTS);
    folder.done(&at(&served, "batch revenue"));
    let rows = folder.done(&at(&served, &format!("query revenue --min-offset {EVENTS}")));
    assert_eq!(orders_of(&rows), EVENTS);
}
