//! `bifocal demo` from outside, and what it carries inside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bifocal"));
    command.args(arguments.split(' ')).current_dir(folder).env("TMPDIR", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command printed that must have been done.
fn done(folder: &Path, arguments: &str) -> (String, String) {
    let Output { status, stdout, stderr } = command(folder, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(stdout), text(stderr));
    assert!(status.success(), "{arguments}: {status}\n{out}\n{err}");
    (out, err)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The number behind a word.
fn number(line: &str, word: &str) -> u64 {
    let rest = line.split_once(&format!(" {word} ")).unwrap_or_else(|| panic!("no {word} in {line}")).1;
    rest.split(' ').next().unwrap().replace(',', "").parse().unwrap()
}

/// Checks what is printed; the last line of numbers.
fn check(out: &str) -> String {
    let lines: Vec<&str> = out.lines().filter(|line| line.contains(" = merged ")).collect();
    assert!(!out.contains("is not merged") && !out.contains("incident"), "{out}");
    for line in &lines {
        let [far, near, merged] = ["far", "near", "merged"].map(|word| number(line, word));
        assert_eq!(far + near, merged, "{line}");
    }
    let runs: Vec<&str> = out.lines().filter(|line| line.starts_with("run ")).collect();
    assert!(runs.len() >= 2, "{out}");
    runs.iter().for_each(|run| assert!(run.contains(" 0 differ "), "{run}"));
    lines.last().unwrap().to_string()
}

#[test]
fn halves_add_up_runs_agree_and_late_rows_are_revised() {
    let folder = tempfile::tempdir().unwrap();
    let (out, err) = done(folder.path(), "demo --plain --for 6s --rate 2000 --batch-every 1s");
    let last = check(&out);
    assert!(number(&last, "head") > 2_000 && number(&last, "boundary") > 0, "{last}");
    assert!(out.lines().any(|line| line.starts_with("revised ")), "{out}");
    assert!(err.contains("next ") && err.contains("bifocal new"), "{err}");
    assert_eq!(entries(folder.path()), Vec::<PathBuf>::new(), "nothing is left behind");
}

#[test]
fn orders_end_by_themselves_and_can_be_asked_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let told = "demo --on orders --rate 20000 --batch-every 500ms --keep kept";
    let (out, err) = done(folder.path(), told);
    let last = check(&out);
    assert_eq!((number(&last, "head"), number(&last, "boundary")), (36_000, 36_000), "{last}");
    // What it says to type next does work, but for what would not end or writes elsewhere.
    let next = err.lines().filter_map(|line| line.split_once("bifocal ")?.1.split_once(" #"));
    let next: Vec<&str> = next.map(|(command, _)| command.trim_end()).collect();
    assert_eq!(next.len(), 4, "{err}");
    for command in next.iter().filter(|command| !command.starts_with("serve") && !command.starts_with("new"))
    {
        done(folder.path(), command);
    }
    let again = command(folder.path(), "demo --plain --for 1s --keep kept").output().unwrap();
    assert_eq!(again.status.code(), Some(2), "a directory that is there is left alone");
}

#[test]
fn an_interrupt_ends_it_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    for signal in ["-INT", "-TERM"] {
        let mut child: Child = command(folder.path(), "demo --plain --batch-every 300ms").spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("run ") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "it ended by itself");
        }
        assert_eq!(entries(folder.path()).len(), 1);
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        // The pipe is read to its end, or it would be stopped by that.
        std::io::copy(&mut out, &mut std::io::sink()).unwrap();
        assert!(child.wait().unwrap().success(), "{signal}");
        assert_eq!(entries(folder.path()), Vec::<PathBuf>::new(), "{signal}");
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The payloads of a feed, as NDJSON.
fn payloads(name: &str) -> String {
    let bytes = std::fs::read(repository().join("host/assets/demo").join(name)).unwrap();
    let text = String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap();
    text.split_inclusive('\n').map(|line| line.split_once(' ').unwrap().1).collect()
}

#[test]
fn the_components_inside_say_what_the_plugins_say() {
    let folder = tempfile::tempdir().unwrap();
    for (name, feed, time) in [("flights", "flights.feed.zst", "date"), ("revenue", "orders.feed.zst", "ts")]
    {
        std::fs::write(folder.path().join("events.ndjson"), payloads(feed)).unwrap();
        let inside = std::fs::read(repository().join(format!("host/assets/demo/{name}.wasm"))).unwrap();
        let rows = [inside, guests::build(name)].map(|component| {
            std::fs::write(folder.path().join("t.wasm"), component).unwrap();
            done(folder.path(), &format!("run t.wasm events.ndjson --time {time} --quiet")).0
        });
        assert!(rows[0].lines().count() > 500 && rows[0] == rows[1], "{name}: run `cargo xtask demo`");
    }
}

#[test]
fn the_flights_inside_are_those_of_the_sample() {
    let sample = std::fs::read(repository().join("tests/real-data/flights-sample.ndjson.zst")).unwrap();
    let sample = String::from_utf8(zstd::decode_all(sample.as_slice()).unwrap()).unwrap();
    assert!(sample == payloads("flights.feed.zst"), "run `cargo xtask demo`");
}
