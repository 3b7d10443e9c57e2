//! The binary is killed with -9, at random moments and at chosen points; the next command finds all that
//! was acknowledged, once, and answers what a straight loop answers.
//!
//! A chosen point is a change of the disk, before which a build with debug assertions stops if
//! `BIFOCAL_STOP` asks for it (see `store::testing`): it says so, and waits to be killed from outside.
//! Watching the directory for what a point leaves behind would need no such thing, but it comes too late
//! or never on another machine, and between two writes of one file there is nothing to be seen. A
//! release build has nothing of it; against one, only random moments are tried.

use super::process::Folder;
use bifocal::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

const EVENTS_A_FILE: usize = 700;
const KEEP_RUNS: usize = 3;
const RUN: &str = "--memory 1KiB --threads 1 --quiet";

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

/// A command that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Append,
    Full,
    Incremental,
    Targeted,
    /// Of another stream, which nobody reads.
    RemoveStream,
    /// The next command after one that was killed in a run.
    Start,
}

/// Before the change of the disk of this kind that is one of the first so many.
struct Point {
    what: &'static str,
    act: Act,
    stop: &'static str,
    among: u64,
}

const fn point(what: &'static str, act: Act, stop: &'static str, among: u64) -> Point {
    Point { what, act, stop, among }
}

const POINTS: [Point; 20] = [
    point("append: an event is written", Act::Append, "write 1/log/", 8),
    point("append: events are synced", Act::Append, "sync 1/log/", 2),
    point("seal: the segment is synced for the last time", Act::Append, "sync 1/log/0", 4),
    point("seal: the segment is closed", Act::Append, "create 1/log/new-", 1),
    point("roll: the next segment is written", Act::Append, "write 1/log/new-", 3),
    point("roll: the next segment gets its name", Act::Append, "rename 1/log/new-", 1),
    point("roll: the name is synced", Act::Append, "sync-folder 1/log", 1),
    point("run: the view's file is made", Act::Incremental, "create views/1/0", 1),
    point("run: the view is written", Act::Full, "write views/1/0", 4),
    point("run: the view is synced", Act::Targeted, "sync views/1/0", 2),
    point("spill: it is made", Act::Full, "create views/1/spill-", 1),
    point("spill: it is written", Act::Incremental, "write views/1/spill-", 3),
    point("spill: it is removed", Act::Full, "unlink views/1/spill-", 1),
    point("publish: the view's name is synced", Act::Incremental, "sync-folder views/1", 1),
    point("publish: the catalog is written", Act::Full, "write catalog.redb", 4),
    point("publish: the catalog is synced", Act::Targeted, "sync catalog.redb", 2),
    point("clean-up: an old run is removed", Act::Full, "unlink views/1/0", 1),
    point("clean-up: a stream's file is removed", Act::RemoveStream, "unlink streams/", 1),
    point("clean-up: a stream's folder is removed", Act::RemoveStream, "remove-folder streams/", 2),
    point("clean-up: a start removes what was left", Act::Start, "unlink views/1/", 1),
];

/// How a command that was to be killed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Killed,
    /// Before it could be killed: what it did is acknowledged.
    Done,
}

fn order(random: &mut Random, number: usize) -> String {
    let minutes = number as u64 / 4 + 600 - random.below(if number.is_multiple_of(19) { 300 } else { 20 });
    let (day, hour, minute) = (1 + minutes / 1440, minutes / 60 % 24, minutes % 60);
    let (merchant, currency) = (random.below(23), ["EUR", "USD"][random.below(2) as usize]);
    let amount = match random.below(97) {
        0 => "\"x\"".into(),
        _ => format!("{}.{:02}", random.below(500), random.below(100)),
    };
    let status = if random.below(5) == 0 { "cancelled" } else { "completed" };
    format!(
        r#"{{"order_id":"o-{number}","ts":"2026-11-{day:02}T{hour:02}:{minute:02}:00Z","merchant_id":"m-{merchant:02}","currency":"{currency}","amount":{amount},"status":"{status}"}}"#
    )
}

/// (merchant, currency, hour): cents, orders, cents of the largest.
type Rows = BTreeMap<(String, String, String), (i64, i64, i64)>;

fn cents(value: &Value) -> Option<i64> {
    value.as_f64().map(|amount| (amount * 100.0).round() as i64)
}

fn straight(lines: &[String]) -> Rows {
    let mut rows = Rows::new();
    for line in lines {
        let order: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| order[name].as_str().unwrap().to_string();
        let Some(amount) = cents(&order["amount"]) else { continue };
        if text("status") == "completed" {
            let hour = format!("{}:00:00Z", &text("ts")[..13]);
            let row = rows.entry((text("merchant_id"), text("currency"), hour)).or_insert((0, 0, 0));
            *row = (row.0 + amount, row.1 + 1, row.2.max(amount));
        }
    }
    rows
}

/// A data directory, and what was told to it.
struct Ground {
    folder: Folder,
    random: Random,
    /// All events that any file has, in order.
    lines: Vec<String>,
    files: usize,
    /// What runs over `[0, to)` proved.
    proofs: BTreeMap<u64, Value>,
    others: usize,
}

impl Ground {
    fn new(seed: u64) -> Ground {
        println!("seed {seed}");
        let mut ground = Ground {
            folder: Folder::new(),
            random: Random(seed),
            lines: Vec::new(),
            files: 0,
            proofs: BTreeMap::new(),
            others: 0,
        };
        let folder = &ground.folder;
        std::fs::write(folder.path("revenue.wasm"), guests::build("revenue")).unwrap();
        folder.done("stream create orders --time ts --id order_id");
        let file = ground.write_file(EVENTS_A_FILE);
        ground.folder.done(&format!("append orders {file}"));
        ground.folder.done("deploy revenue revenue.wasm --stream orders");
        ground.store(|store| {
            let keep = |view: &mut bifocal::store::ViewRecord| {
                view.keep_runs = KEEP_RUNS;
                Ok(())
            };
            store.update_view("revenue", keep).unwrap();
        });
        ground
    }

    fn store<T>(&self, with: impl FnOnce(&Store) -> T) -> T {
        let store = Store::open(&self.folder.path("data")).unwrap();
        let result = with(&store);
        store.close().unwrap();
        result
    }

    /// Writes the next file; its name.
    fn write_file(&mut self, events: usize) -> String {
        let from = self.lines.len();
        let mut text = String::new();
        for number in from..from + events {
            let line = order(&mut self.random, number);
            writeln!(text, "{line}").unwrap();
            self.lines.push(line);
        }
        let name = format!("orders-{}.ndjson", self.files);
        self.files += 1;
        self.folder.write(&name, &text);
        name
    }

    /// Starts a command and kills it, at a point or after a while.
    fn kill(&self, arguments: &str, stop: Option<&str>, after: Duration) -> End {
        let mut settings = vec![("BIFOCAL_SEGMENT_BYTES", "1")];
        settings.extend(stop.map(|stop| ("BIFOCAL_STOP", stop)));
        let mut child = self.folder.start_with(arguments, &settings);
        drop(child.stdin.take());
        let mut said = String::new();
        if stop.is_some() {
            let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
            let stopped = lines.find_map(|line| {
                let line = line.unwrap();
                writeln!(said, "{line}").unwrap();
                line.starts_with("stopped before").then_some(())
            });
            if stopped.is_some() {
                child.kill().unwrap();
            }
        } else {
            std::thread::sleep(after);
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        match status.code() {
            None => End::Killed,
            Some(code) => {
                assert_eq!(code, 0, "{arguments}: {said}");
                End::Done
            }
        }
    }

    fn runs(&self) -> Vec<Value> {
        self.folder.json_lines("runs revenue")
    }

    /// The number of the run that is served, and where it ends.
    fn served(&self) -> Option<(u64, u64)> {
        let runs = self.runs();
        let run = runs.iter().find(|run| run["served"] == true)?;
        Some((run["number"].as_u64().unwrap(), run["to"].as_u64().unwrap()))
    }

    /// One command that is killed, and what is right after it.
    fn round(&mut self, act: Act, stop: Option<&str>, share: f64) -> End {
        let acknowledged = self.lines.len() as u64;
        match act {
            Act::Append => {
                let files: Vec<String> = (0..6).map(|_| self.write_file(EVENTS_A_FILE)).collect();
                let command = format!("append orders {} --quiet", files.join(" "));
                let end = self.kill(&command, stop, Duration::from_secs_f64(share * 0.3));
                let head = self.check();
                let least = if end == End::Done { self.lines.len() as u64 } else { acknowledged };
                assert!((least..=self.lines.len() as u64).contains(&head), "{head} of {least}");
                // The producer does it again: the file is found, or its events are by their ids.
                let again = ["", " --again"][self.random.below(2) as usize];
                self.folder.done(&format!("{command}{again}"));
                assert_eq!(self.check(), self.lines.len() as u64);
                end
            }
            Act::Full | Act::Incremental | Act::Targeted => self.kill_run(act, stop, share),
            Act::RemoveStream => {
                self.others += 1;
                let name = format!("other-{}", self.others);
                self.folder.done(&format!("stream create {name} --time ts"));
                self.folder.done(&format!("append {name} orders-0.ndjson"));
                let end = self.kill(
                    &format!("stream rm {name} --yes"),
                    stop,
                    Duration::from_secs_f64(share * 0.05),
                );
                self.check();
                let left = self.folder.json_lines("stream list");
                let is_there = left.iter().any(|stream| stream["name"] == name.as_str());
                assert!(end == End::Killed || !is_there);
                if is_there {
                    self.folder.done(&format!("stream rm {name} --yes"));
                }
                end
            }
            Act::Start => {
                if cfg!(debug_assertions) {
                    self.kill(
                        &format!("batch revenue {RUN}"),
                        Some("unlink views/1/spill- 1"),
                        Duration::ZERO,
                    );
                } else {
                    self.kill(&format!("batch revenue {RUN}"), None, Duration::from_millis(200));
                }
                let end = self.kill("stream list", stop, Duration::from_secs_f64(share * 0.05));
                self.check();
                end
            }
        }
    }

    fn kill_run(&mut self, act: Act, stop: Option<&str>, share: f64) -> End {
        let before = self.served();
        // Something new to fold.
        let file = self.write_file(EVENTS_A_FILE);
        self.folder.done(&format!("append orders {file} --quiet"));
        let kind = match act {
            Act::Incremental => "--incremental",
            Act::Targeted if before.is_some() => "--key merchant_id=m-07",
            _ => "--full",
        };
        let next = 1 + self.runs().iter().filter_map(|run| run["number"].as_u64()).max().unwrap_or(0);
        let command = format!("batch revenue {kind} {RUN}");
        let end = self.kill(&command, stop, Duration::from_secs_f64(share * 0.5));
        assert_eq!(self.check(), self.lines.len() as u64);
        let after = self.served();
        let is_new = after.is_some_and(|(number, _)| number == next);
        assert!(is_new || after == before, "{before:?} was served, then {after:?}");
        assert!(is_new || end == End::Killed, "a run was acknowledged and is gone");
        self.folder.done(&format!("batch revenue --incremental {RUN}"));
        self.check();
        end
    }

    /// The log is what was appended, views are what a straight loop says, all is whole and nothing is
    /// left over. The head.
    fn check(&mut self) -> u64 {
        let tail = self.folder.done("stream tail orders -n 100000000");
        let mut head = 0;
        for event in tail.lines() {
            assert!(event.starts_with(&format!("{{\"offset\":{head},")), "{event}");
            let payload = event.split_once("\"payload\":").unwrap().1;
            assert_eq!(payload.strip_suffix('}'), Some(&*self.lines[head]), "offset {head}");
            head += 1;
        }
        assert_eq!(self.folder.head("orders"), head as u64);
        for run in self.runs() {
            let (to, proof) = (run["to"].as_u64().unwrap(), run["certificate"].clone());
            assert_eq!(run["result"], "published");
            assert_eq!(*self.proofs.entry(to).or_insert(proof.clone()), proof, "run {}", run["number"]);
        }
        let served = self.served();
        let boundary = served.map_or(0, |(_, to)| to as usize);
        let (before, all) = (straight(&self.lines[..boundary]), straight(&self.lines[..head]));
        let choice = self.random.below(5);
        let same = |arguments: &str, expected: &Rows| {
            assert!(self.query(arguments) == *expected, "query revenue {arguments} is wrong at {head}");
        };
        same("", &all);
        same(" --lens batch", &before);
        if let Some((number, _)) = served {
            same(&format!(" --as-of run:{number}"), &before);
        }
        let some = |is_chosen: &dyn Fn(&(String, String, String)) -> bool| -> Rows {
            all.iter().filter(|(name, _)| is_chosen(name)).map(|(name, row)| (name.clone(), *row)).collect()
        };
        match choice {
            0 => same(" merchant_id=m-07", &some(&|(merchant, ..)| merchant == "m-07")),
            1 => same(" --prefix merchant_id=m-1", &some(&|(merchant, ..)| merchant.starts_with("m-1"))),
            2 => same(" currency=USD", &some(&|(_, currency, _)| currency == "USD")),
            3 => same(" --limit 9", &all.iter().take(9).map(|(name, row)| (name.clone(), *row)).collect()),
            _ => same(
                " --from 2026-11-01T12:00:00Z --to 2026-11-01T20:00:00Z",
                &some(&|(.., hour)| ("2026-11-01T12".."2026-11-01T20").contains(&hour.as_str())),
            ),
        }
        let doctor = self.folder.run("doctor");
        assert_eq!(doctor.code, 0, "{}", doctor.out);
        self.check_files();
        head as u64
    }

    fn query(&self, arguments: &str) -> Rows {
        let row = |row: Value| {
            let text = |name: &str| row[name].as_str().unwrap().to_string();
            let numbers = (
                cents(&row["amount"]).unwrap(),
                row["orders"].as_i64().unwrap(),
                cents(&row["largest"]).unwrap(),
            );
            ((text("merchant_id"), text("currency"), text("window")), numbers)
        };
        self.folder.json_lines(&format!("query revenue{arguments}")).into_iter().map(row).collect()
    }

    /// Nothing is there but what the catalog names.
    fn check_files(&self) {
        let mut found = Vec::new();
        files_in(&self.folder.path("data"), "", &mut found);
        let is_right = self.store(|store| {
            let (streams, view) = (store.streams().unwrap(), store.view("revenue").unwrap());
            let is_named = |name: &str| {
                let of_stream = streams.iter().any(|stream| {
                    let log = format!("streams/{}/log/0", stream.number);
                    name.starts_with(&log)
                        || name.starts_with(&format!("streams/{}/columns/0", stream.number))
                });
                let of_view = view.runs.iter().filter_map(|run| run.file.as_ref());
                let component = format!("components/{}.wasm", view.versions[0].component);
                of_stream
                    || of_view.into_iter().any(|file| name == format!("{}/{file}", view.folder()))
                    || [component.as_str(), "catalog.redb", "lock"].contains(&name)
            };
            found.iter().filter(|name| !is_named(name)).cloned().collect::<Vec<String>>()
        });
        assert_eq!(is_right, Vec::<String>::new(), "left over");
    }
}

fn files_in(path: &Path, name: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let inner = entry.file_name().into_string().unwrap();
        let name = if name.is_empty() { inner } else { format!("{name}/{inner}") };
        if entry.file_type().unwrap().is_dir() {
            files_in(&entry.path(), &name, found);
        } else {
            found.push(name);
        }
    }
}

fn rounds() -> usize {
    if std::env::var_os("BIFOCAL_LONG").is_some() { 200 } else { 30 }
}

fn seed() -> u64 {
    std::env::var("BIFOCAL_SEED").map_or(1, |seed| seed.parse().unwrap())
}

#[test]
fn what_is_killed_anywhere_loses_and_doubles_nothing() {
    let mut ground = Ground::new(seed());
    let started = Instant::now();
    for round in 0..rounds() {
        // A directory of some size is started anew: each check reads all of it.
        if ground.lines.len() > 40_000 {
            ground.compare_with_one_that_was_never_killed();
            ground = Ground::new(seed() + round as u64);
        }
        let is_random = !cfg!(debug_assertions) || round % 3 == 2;
        if is_random {
            let acts =
                [Act::Append, Act::Full, Act::Incremental, Act::Targeted, Act::RemoveStream, Act::Start];
            let act = acts[ground.random.below(6) as usize];
            let share = ground.random.below(1000) as f64 / 1000.0;
            let end = ground.round(act, None, share);
            println!("{:>6.1?} round {round}: {act:?} at a random moment: {end:?}", started.elapsed());
            continue;
        }
        let point = &POINTS[(round - round / 3) % POINTS.len()];
        // Batches that the writer takes together are one commit: then nothing is rolled.
        let mut tries = 0..6;
        let is_reached = tries.any(|try_number| {
            let among = if try_number == 0 { point.among } else { 1 };
            let stop = format!("{} {}", point.stop, 1 + ground.random.below(among));
            let end = ground.round(point.act, Some(&stop), 0.0);
            println!("{:>6.1?} round {round}: {} ({stop}): {end:?}", started.elapsed(), point.what);
            end == End::Killed
        });
        assert!(is_reached, "{} was never reached", point.what);
    }
    ground.compare_with_one_that_was_never_killed();
}

impl Ground {
    /// The same files, appended in one go and folded once, are proved to be the same.
    fn compare_with_one_that_was_never_killed(&mut self) {
        self.folder.done(&format!("batch revenue --full {RUN}"));
        let (killed, other) = (self.runs().pop().unwrap(), Folder::new());
        std::fs::copy(self.folder.path("revenue.wasm"), other.path("revenue.wasm")).unwrap();
        other.write("orders.ndjson", &(self.lines.join("\n") + "\n"));
        other.done("stream create orders --time ts --id order_id");
        other.write("first.ndjson", &format!("{}\n", self.lines[0]));
        other.done("append orders first.ndjson");
        other.done("deploy revenue revenue.wasm --stream orders");
        other.done("append orders orders.ndjson --quiet");
        other.done("batch revenue --quiet");
        let well = other.json_lines("runs revenue").pop().unwrap();
        assert_eq!(killed["to"], self.lines.len() as u64);
        assert_eq!((&killed["certificate"], &killed["cells"]), (&well["certificate"], &well["cells"]));
    }
}

/// Columns are cached of whole stripes, of 65,536 events.
#[test]
fn what_is_killed_while_it_fills_columns_reads_them_right_after() {
    if !cfg!(debug_assertions) {
        return;
    }
    let mut ground = Ground::new(seed());
    let file = ground.write_file(66_000);
    ground.folder.done(&format!("append orders {file} --quiet"));
    let expected = straight(&ground.lines);
    let rounds = if rounds() > 30 { 20 } else { 3 };
    for round in 0..rounds {
        let columns = ground.folder.path("data/streams/1/columns");
        if columns.exists() {
            std::fs::remove_dir_all(&columns).unwrap();
        }
        let stop = match round % 3 {
            0 => format!("write /columns/ {}", 1 + ground.random.below(8)),
            1 => format!("set-len /columns/ {}", 1 + ground.random.below(2)),
            _ => format!("sync /columns/ {}", 1 + ground.random.below(2)),
        };
        let end = ground.kill(&format!("batch revenue --full {RUN}"), Some(&stop), Duration::ZERO);
        assert_eq!(end, End::Killed, "{stop}");
        assert!(ground.query("") == expected, "{stop}");
        ground.folder.done(&format!("batch revenue --full {RUN}"));
        assert!(ground.query(" --lens batch") == expected, "{stop}");
        let verified = ground.folder.run("batch revenue --verify");
        assert_eq!(verified.code, 0, "{}", verified.err);
        ground.check_files();
    }
    ground.check();
}
