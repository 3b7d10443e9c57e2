//! Components as transforms: lawful calls, ill-behaved guests, and what the host keeps of each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bifocal::calls::{Calls, FAULT_KINDS};
use bifocal::column::{Blobs, Builder, Column, Value};
use bifocal::description::Kind;
use bifocal::extract::Extracted;
use bifocal::limits::Limits;
use bifocal::offset::{Offset, Range};
use bifocal::transform::{Events, Fault, Folded, STACK_BYTES_MAX, Transform};
use bifocal::wasm::{Component, Engine, Error, Level, Options};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

/// One engine for all tests of this file, as a process has one. What it compiles is kept for the
/// next run, as the guests themselves are.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(options()).unwrap());

fn options() -> Options {
    Options { cache: Some(env!("CARGO_TARGET_TMPDIR").into()), ..Options::default() }
}

fn misbehaving(mode: &str) -> Component {
    Component::load(&ENGINE, guests::misbehaving(), &settings(mode)).unwrap()
}

fn settings(mode: &str) -> String {
    format!(r#"{{"mode":"{mode}"}}"#)
}

/// Events of the misbehaving guest: a key and an amount each, an hour apart.
fn events(rows: &[(&str, i64)]) -> Events {
    const HOUR_MS: i64 = 3_600_000;
    let (mut keys, mut amounts) = (Builder::default(), Builder::default());
    for (key, amount) in rows {
        keys.push(&Kind::Text, Value::Bytes(key.as_bytes()));
        amounts.push(&Kind::Integer, Value::Integer(*amount));
    }
    Events {
        times: (0..rows.len() as i64).flat_map(|row| (row * HOUR_MS).to_le_bytes()).collect(),
        columns: vec![keys.finish(), amounts.finish()],
    }
}

/// Rows with distinct amounts over three keys, but for the one at `bad`, whose key is `bad`.
fn mostly_good(rows: usize, bad: usize) -> Events {
    let keys = ["a", "b", "c"];
    let mut rows: Vec<(&str, i64)> = (0..rows).map(|row| (keys[row % 3], row as i64)).collect();
    if let Some(row) = rows.get_mut(bad) {
        row.0 = "bad";
    }
    events(&rows)
}

/// What the misbehaving guest's states hold: count and sum by key.
fn cells(folded: &Folded) -> BTreeMap<String, (i64, i64)> {
    let numbers = |state: &[u8]| {
        let (count, sum) = state.split_at(8);
        (i64::from_le_bytes(count.try_into().unwrap()), i64::from_le_bytes(sum.try_into().unwrap()))
    };
    let key = |row| match folded.cells.keys[0].value(&Kind::Text, row) {
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("a key is {other:?}"),
    };
    folded.cells.states.iter().enumerate().map(|(row, state)| (key(row), numbers(state))).collect()
}

fn state(count: i64, sum: i64) -> Blobs {
    Blobs::from_iter([[count.to_le_bytes(), sum.to_le_bytes()].concat().as_slice()])
}

fn fold(transform: &dyn Transform, events: &Events) -> Result<Folded, Fault> {
    transform.fold(events, Limits::DEFAULT.fuel)
}

#[test]
fn a_lawful_component_folds_merges_and_presents() {
    let component = misbehaving("count");
    assert_eq!(component.description().name, "misbehaving");
    assert_eq!(component.description().inputs[1].kind, Kind::Integer);
    let folded = fold(&component, &events(&[("a", 1), ("b", 10), ("a", 2)])).unwrap();
    assert_eq!(cells(&folded), BTreeMap::from([("a".into(), (2, 3)), ("b".into(), (1, 10))]));
    assert!(folded.rejected.is_empty());
    assert!(folded.fuel > 0 && folded.fuel < 1_000_000, "{}", folded.fuel);

    assert_eq!(component.merge(&state(2, 3), &state(1, 10)), Ok(state(3, 13)));

    let keys = [Column { fixed: vec![0; 4], heap: Blobs::from_iter([b"a".as_slice()]), validity: vec![] }];
    let presented = component.present(&keys, &[], &state(2, 3)).unwrap();
    assert_eq!(presented[0].value(&Kind::Integer, 0), Value::Integer(2));
    assert_eq!(presented[1].value(&Kind::Integer, 0), Value::Integer(3));
}

#[test]
fn rejections_come_with_their_rows_and_reasons() {
    let folded = fold(&misbehaving("rejects"), &mostly_good(9, 4)).unwrap();
    assert_eq!(folded.rejected.len(), 1);
    assert_eq!((folded.rejected[0].row, folded.rejected[0].reason.as_str()), (4, "its key is bad"));
    assert!(!cells(&folded).contains_key("bad"));
}

#[test]
fn no_rows_are_a_chunk_too() {
    assert!(fold(&misbehaving("count"), &events(&[])).unwrap().cells.states.is_empty());
}

#[test]
fn the_same_call_takes_the_same_fuel_on_every_thread() {
    let component = misbehaving("count");
    let chunk = mostly_good(1000, usize::MAX);
    let first = fold(&component, &chunk).unwrap();
    let others: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| fold(&component, &chunk).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(others.iter().all(|other| *other == first));
}

#[test]
fn the_version_is_of_component_and_settings() {
    let version =
        |settings: &str| Component::load(&ENGINE, guests::misbehaving(), settings).unwrap().version();
    assert_eq!(version("{}"), version("{}"));
    assert_ne!(version("{}"), version(r#"{"mode":"count"}"#));
    let impure = Component::load(&ENGINE, guests::impure(), "{}").unwrap();
    assert_ne!(version("{}"), impure.version());
}

/// The fault of a chunk of 100,000 events one of which is bad, after seeing that the others fold.
fn fault_of_one_bad_event(mode: &str) -> Fault {
    let component = misbehaving(mode);
    const ROWS: usize = 100_000;
    fold(&component, &mostly_good(ROWS, usize::MAX)).unwrap();
    let fault = fold(&component, &mostly_good(ROWS, 77_777)).unwrap_err();
    assert!(fault.is_the_transforms());
    let alone = fold(&component, &events(&[("bad", 1)])).unwrap_err();
    assert_eq!(fault, alone, "the verdict depends on the chunk");
    fault
}

#[test]
fn a_panic_is_a_trap_with_its_text_and_place() {
    let Fault::Trap(text) = fault_of_one_bad_event("trap") else { panic!() };
    assert!(text.starts_with("wasm `unreachable` instruction executed: panicked at "), "{text}");
    assert!(text.contains("misbehaving/src/lib.rs:"), "{text}");
    assert!(text.ends_with("an event with a bad key"), "{text}");
}

#[test]
fn a_trap_without_words_names_its_cause() {
    let fault = fault_of_one_bad_event("abort");
    assert_eq!(fault, Fault::Trap("wasm `unreachable` instruction executed".into()));
}

#[test]
fn a_loop_runs_out_of_fuel() {
    assert_eq!(fault_of_one_bad_event("loop"), Fault::Fuel { limit: Limits::DEFAULT.fuel });
    let scarce = misbehaving("loop").fold(&events(&[("bad", 1)]), 100_000).unwrap_err();
    assert_eq!(scarce, Fault::Fuel { limit: 100_000 });
}

/// One bad row among eight: the calls of eight, four, two and one rows that had it have failed.
#[test]
fn calls_that_fail_are_counted_by_what_was_wrong() {
    let count = |mode: &str| {
        let calls = Calls::new(Arc::new(misbehaving(mode)), Arc::default());
        let chunk = Extracted {
            range: Range::new(Offset::ZERO, Offset(8)),
            offsets: (0..8).collect(),
            events: mostly_good(8, 5),
            rejected: Vec::new(),
            ignored: 0,
        };
        let outcome = calls.fold(&chunk).unwrap();
        assert_eq!((outcome.splits, outcome.rejected.len()), (3, 1), "{mode}");
        let counted = FAULT_KINDS.into_iter().zip(calls.faults()).filter(|(_, count)| *count > 0);
        counted.collect::<Vec<_>>()
    };
    assert_eq!(count("trap"), [("trapped", 4)]);
    assert_eq!(count("loop"), [("fuel", 4)]);
    // Calls of several rows have less fuel than it takes to eat so much memory.
    assert_eq!(count("memory"), [("fuel", 2), ("memory", 2)]);
}

#[test]
fn eating_memory_is_a_fault_of_memory() {
    let memory = Fault::Memory { limit_bytes: Limits::DEFAULT.memory_bytes };
    assert_eq!(fault_of_one_bad_event("memory"), memory);
    assert_eq!(fault_of_one_bad_event("memory-grow"), memory);
}

#[test]
fn a_guest_that_copes_with_refused_memory_is_lawful() {
    let folded = fold(&misbehaving("memory-copes"), &events(&[("bad", 5)])).unwrap();
    assert_eq!(cells(&folded), BTreeMap::from([("bad".into(), (1, 5))]));
}

#[test]
fn endless_recursion_is_a_fault_of_the_stack() {
    assert_eq!(fault_of_one_bad_event("stack"), Fault::Stack { limit_bytes: STACK_BYTES_MAX });
}

#[test]
fn a_returned_error_is_kept_up_to_a_bound() {
    let Fault::Failed(text) = fault_of_one_bad_event("fail") else { panic!() };
    assert_eq!(text, "é".repeat(2048));
}

#[test]
fn a_result_above_the_limit_is_refused() {
    let fault = fold(&misbehaving("huge-result"), &events(&[("bad", 1)])).unwrap_err();
    let Fault::ResultSize { bytes, limit_bytes } = fault else { panic!() };
    assert_eq!(limit_bytes, Limits::DEFAULT.result_bytes);
    assert!(bytes > 65 << 20 && bytes < 66 << 20, "{bytes}");
    // 300 times the same MiB: the host stops gathering.
    let fault = fold(&misbehaving("huge-lift"), &events(&[("bad", 1)])).unwrap_err();
    assert!(
        matches!(fault, Fault::ResultSize { bytes, .. } if bytes > Limits::DEFAULT.result_bytes),
        "{fault:?}"
    );
}

/// A mode of the misbehaving guest under other limits.
fn limited(mode: &str, limits: &str) -> Component {
    let settings = format!(r#"{{"@limits":{limits},"mode":"{mode}"}}"#);
    Component::load(&ENGINE, guests::misbehaving(), &settings).unwrap()
}

#[test]
fn settings_lower_and_raise_the_limits_of_a_call() {
    let one = events(&[("bad", 1)]);
    let fault = |component: &Component| component.fold(&one, component.limits().fuel).unwrap_err();
    let scarce = limited("loop", r#"{"fuel":1000000}"#);
    assert_eq!(fault(&scarce), Fault::Fuel { limit: 1_000_000 });
    let merge = limited("merge-loop", r#"{"fuel":1000000}"#).merge(&state(1, 666), &state(1, 1));
    assert_eq!(merge, Err(Fault::Fuel { limit: 1_000_000 }));

    let small = limited("memory", r#"{"memory":"8MiB"}"#);
    assert_eq!(fault(&small), Fault::Memory { limit_bytes: 8 << 20 });
    let result = limited("huge-result", r#"{"result":"1MiB"}"#);
    assert!(matches!(fault(&result), Fault::ResultSize { limit_bytes: 1_048_576, .. }));

    // With more memory there is no need to cope, which that mode takes for a fault of its own.
    let large = limited("memory-copes", r#"{"memory":"2GiB"}"#);
    assert!(matches!(fault(&large), Fault::Trap(text) if text.contains("1 GiB was not refused")));
    let result = limited("huge-result", r#"{"result":"128MiB"}"#);
    assert!(result.fold(&one, result.limits().fuel).is_ok(), "65 MiB are within 128");
}

#[test]
fn limits_are_part_of_the_version_and_hidden_from_the_transform() {
    let plain = misbehaving("count");
    let other = limited("count", r#"{"cells":7}"#);
    assert_ne!(plain.version(), other.version());
    assert_eq!(other.limits(), Limits { cells_per_event: 7, ..Limits::DEFAULT });
    let told = fold(&limited("tells", r#"{"cells":7}"#), &events(&[("bad", 1)])).unwrap_err();
    assert_eq!(told, Fault::Failed(r#"{"mode":"tells"}"#.into()));
    let unknown = Component::load(&ENGINE, guests::misbehaving(), r#"{"@limits":{"fule":1}}"#);
    assert!(unknown.err().unwrap().to_string().contains("'@limits.fule': there is no such limit"));
}

#[test]
fn a_component_whose_memory_is_larger_than_its_limit_from_the_start_is_refused() {
    let error = Component::load(&ENGINE, guests::misbehaving(), r#"{"@limits":{"memory":"1MiB"}}"#);
    let error = error.err().unwrap().to_string();
    assert_eq!(error, "cannot be started: it asked for more memory than 1048576 bytes");
}

#[test]
fn what_the_boundary_itself_excludes_is_malformed() {
    let fault = fold(&misbehaving("reason-utf8"), &events(&[("bad", 1)])).unwrap_err();
    assert!(matches!(&fault, Fault::Malformed(text) if text.contains("utf-8")), "{fault}");
    let fault = fold(&misbehaving("wild-pointer"), &events(&[("bad", 1)])).unwrap_err();
    assert!(matches!(&fault, Fault::Malformed(text) if text.contains("out of bounds")), "{fault}");
}

/// Such results pass unchecked, for `calls` to check; here each is seen to be another than the
/// lawful one.
#[test]
fn nonsense_in_columns_is_returned_as_it_is() {
    let chunk = events(&[("bad", 1), ("a", 2)]);
    let columns = [
        "ends-descend",
        "ends-short",
        "wrong-length",
        "code-range",
        "key-utf8",
        "few-columns",
        "many-columns",
        "duplicate-cell",
        "states-fewer",
        "windows-global",
        "unaligned-window",
        "windows-fewer",
    ];
    for mode in columns {
        let lawful = fold(&misbehaving("count"), &chunk).unwrap();
        let folded = fold(&misbehaving(mode), &chunk).unwrap();
        assert_ne!(folded.cells, lawful.cells, "{mode}");
        assert_eq!(folded, fold(&misbehaving(mode), &chunk).unwrap(), "{mode}");
    }
    for (mode, rows) in [("row-range", vec![2]), ("row-order", vec![1, 0]), ("row-twice", vec![0, 0])] {
        let folded = fold(&misbehaving(mode), &chunk).unwrap();
        assert_eq!(folded.rejected.iter().map(|rejection| rejection.row).collect::<Vec<_>>(), rows, "{mode}");
    }
}

#[test]
fn a_slow_guest_fails_by_chunk_size_and_not_by_event() {
    let component = misbehaving("slow");
    let fault = fold(&component, &mostly_good(4000, 0)).unwrap_err();
    assert_eq!(fault, Fault::Fuel { limit: Limits::DEFAULT.fuel });
    let folded = fold(&component, &mostly_good(100, 0)).unwrap();
    assert!(folded.fuel > Limits::DEFAULT.fuel / 4000 * 100, "{}", folded.fuel);
}

#[test]
fn merge_and_present_fail_like_fold() {
    let bad = state(1, 666);
    let good = state(1, 1);
    let trap = misbehaving("merge-trap").merge(&good, &bad).unwrap_err();
    assert!(matches!(&trap, Fault::Trap(text) if text.ends_with("a sum of 666")), "{trap}");
    assert_eq!(
        misbehaving("merge-loop").merge(&bad, &good),
        Err(Fault::Fuel { limit: Limits::DEFAULT.fuel })
    );
    let overflow = misbehaving("count").merge(&state(1, 1 << 62), &state(1, 1 << 62));
    assert_eq!(overflow, Err(Fault::Failed("the sum is out of range".into())));
    let failed = misbehaving("present-fail").present(&[], &[], &bad);
    assert_eq!(failed, Err(Fault::Failed("a sum of 666".into())));
    let trap = misbehaving("present-trap").present(&[], &[], &bad).unwrap_err();
    assert!(matches!(trap, Fault::Trap(_)), "{trap}");
    assert_eq!(misbehaving("present-few-columns").present(&[], &[], &bad), Ok(vec![]));
}

#[test]
fn nothing_of_a_call_is_seen_by_the_next() {
    let component = misbehaving("remembers");
    let chunk = events(&[("a", 1)]);
    let expected = BTreeMap::from([("a".to_owned(), (1, 1))]);
    for _ in 0..3 {
        assert_eq!(cells(&fold(&component, &chunk).unwrap()), expected);
    }
}

#[test]
fn a_reused_instance_shows_what_a_call_leaves_behind() {
    let reused = misbehaving("remembers").reused();
    let chunk = events(&[("a", 1)]);
    let counts: Vec<i64> = (0..3).map(|_| cells(&fold(&reused, &chunk).unwrap())["a"].0).collect();
    assert_eq!(counts, [1, 2, 3]);
}

#[test]
fn a_reused_instance_is_made_again_after_a_trap_and_not_after_an_error() {
    let chunk = events(&[("a", 1)]);
    let bad = events(&[("bad", 1)]);
    let first = fold(&misbehaving("count"), &chunk).unwrap();
    for mode in ["fail", "trap", "loop", "memory", "stack", "wild-pointer"] {
        let reused = misbehaving(mode).reused();
        for _ in 0..2 {
            assert_eq!(fold(&reused, &chunk).unwrap().cells, first.cells, "{mode}");
            assert_eq!(fold(&reused, &bad), fold(&misbehaving(mode), &bad), "{mode}");
        }
    }
    // Its memory tells: of the instance that returned an error it is kept, of another it is not.
    let count = |mode: &str, failing: &Events| {
        let reused = misbehaving(mode).reused();
        fold(&reused, &chunk).unwrap();
        fold(&reused, failing).unwrap_err();
        cells(&fold(&reused, &chunk).unwrap())["a"].0
    };
    let overflowing = events(&[("a", i64::MAX), ("a", 1)]);
    assert_eq!(count("remembers", &overflowing), 3);
    let endless = Events { times: vec![0; 8 << 20], columns: overflowing.columns.clone() };
    assert_eq!(count("remembers", &endless), 1);
}

type Lines = Arc<Mutex<Vec<(Level, String, String)>>>;

/// A component of its own engine, and what it logs.
fn logged(mode: &str) -> (Component, Lines) {
    let lines = Lines::default();
    let sink = lines.clone();
    let log = Arc::new(move |level: Level, transform: &str, message: &str| {
        sink.lock().unwrap().push((level, transform.to_owned(), message.to_owned()));
    });
    let engine = Engine::new(Options { log, ..options() }).unwrap();
    (Component::load(&engine, guests::misbehaving(), &settings(mode)).unwrap(), lines)
}

#[test]
fn log_lines_name_the_transform_and_are_bounded_in_number_and_length() {
    let (component, lines) = logged("chatty");
    for calls in 1..=2 {
        fold(&component, &events(&[("a", 1)])).unwrap();
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), calls * 101, "100 lines a call and one that says so");
        assert!(lines.iter().all(|(_, transform, text)| transform == "misbehaving" && text.len() <= 4096));
        assert_eq!(lines[0], (Level::Info, "misbehaving".into(), format!("0 {}", "é".repeat(2047))));
        assert_eq!(lines[100].0, Level::Warn);
    }
}

#[test]
fn a_panic_reaches_the_log() {
    let (component, lines) = logged("trap");
    fold(&component, &events(&[("bad", 1)])).unwrap_err();
    let lines = lines.lock().unwrap();
    assert!(matches!(&lines[..], [(Level::Error, _, text)] if text.ends_with("an event with a bad key")));
}

#[test]
fn a_guest_that_keeps_the_host_busy_pays_for_it_in_fuel() {
    // Lines that the guest makes once and the host reads 1,000 times, 10 kB each.
    let fuel = |mode| fold(&misbehaving(mode), &events(&[("a", 1)])).unwrap().fuel;
    let (quiet, chatty) = (fuel("count"), fuel("chatty"));
    assert!(chatty > quiet + 10_000_000, "{chatty} against {quiet}");
}

#[test]
fn more_calls_at_once_than_the_pool_holds_are_the_hosts_fault() {
    let wait = std::time::Duration::ZERO;
    let engine = Engine::new(Options { instances_max: 1, wait, ..options() }).unwrap();
    let component = Component::load(&engine, guests::misbehaving(), "{}").unwrap();
    let chunk = events(&[("a", 1)]);
    let reused = component.reused();
    fold(&reused, &chunk).unwrap();
    let fault = fold(&component, &chunk).unwrap_err();
    assert!(!fault.is_the_transforms(), "{fault}");
    drop(reused);
    fold(&component, &chunk).unwrap();
}

#[test]
fn a_call_that_there_is_no_room_for_waits_until_another_is_done() {
    let engine = Engine::new(Options { instances_max: 1, ..options() }).unwrap();
    let component = Component::load(&engine, guests::misbehaving(), "{}").unwrap();
    let chunk = events(&[("a", 1)]);
    let reused = component.reused();
    fold(&reused, &chunk).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fold(&component, &chunk));
        drop(reused);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn pool_slots_are_given_back() {
    let engine = Engine::new(Options { instances_max: 1, ..options() }).unwrap();
    for mode in ["count", "trap", "loop", "memory", "stack", "fail", "huge-result", "wild-pointer"] {
        let component = Component::load(&engine, guests::misbehaving(), &settings(mode)).unwrap();
        for key in ["a", "bad", "a"] {
            let outcome = fold(&component, &events(&[(key, 1)]));
            assert!(outcome.as_ref().err().is_none_or(Fault::is_the_transforms), "{mode}: {outcome:?}");
        }
    }
}

#[test]
fn a_description_that_cannot_be_had_or_used_is_refused_in_words() {
    let refused = |mode: &str| {
        let loaded = Component::load(&ENGINE, guests::misbehaving(), &settings(mode));
        loaded.err().expect("it loads").to_string()
    };
    assert_eq!(refused("describe-fail"), "its describe failed: these settings mean nothing to me");
    assert_eq!(refused("describe-trap"), "its describe trapped: wasm `unreachable` instruction executed");
    assert_eq!(refused("describe-loop"), "its describe ran out of fuel (2000000000 for one call)");
    assert_eq!(refused("describe-nameless"), "description of transform '': the name is empty");
    let window = refused("describe-window");
    assert!(window.contains("a window's slide of 18446744073709551615 ms is above"), "{window}");
    let list = Component::load(&ENGINE, guests::misbehaving(), "[]");
    assert!(matches!(list, Err(Error::Settings(_))));
}

#[test]
fn constants_of_a_component_are_found() {
    let segments = misbehaving("count").data_segments();
    let holds = |text: &[u8]| segments.iter().any(|segment| segment.windows(text.len()).any(|at| at == text));
    assert!(holds(b"the sum is out of range"));
    assert!(!holds(b"no such text in that guest"));
}

#[test]
fn a_core_module_becomes_a_component_reproducibly() {
    let core = guests::core_module("misbehaving");
    let component = bifocal::wasm::componentize(&core).unwrap();
    Component::load(&ENGINE, &component, "{}").unwrap();
    assert_eq!(component, bifocal::wasm::componentize(&core).unwrap());
    let needy = wat::parse_str(r#"(module (import "env" "gone" (func)))"#).unwrap();
    let refused = bifocal::wasm::componentize(&needy).unwrap_err().to_string();
    assert!(refused.starts_with("cannot be made a component: "), "{refused}");
    assert!(refused.contains("env"), "{refused}");
}
