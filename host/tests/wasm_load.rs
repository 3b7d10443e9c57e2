//! What is loaded and what is refused, in which words; the cache of compiled code; the frozen world
//! of guests that want WASI.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bifocal::column::{Column, Value};
use bifocal::description::Kind;
use bifocal::limits::Limits;
use bifocal::transform::{Events, Fault, Transform};
use bifocal::wasm::{Component, Engine, Import, Level, Options};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use wit_parser::{Resolve, WorldId};

const CONTRACT: &str = include_str!("../../wit/transform.wit");

/// What compiles is kept for the next run, as the guests themselves are.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(options()).unwrap());

fn options() -> Options {
    Options { cache: Some(env!("CARGO_TARGET_TMPDIR").into()), ..Options::default() }
}

fn refusal(bytes: &[u8]) -> String {
    Component::load(&ENGINE, bytes, "{}").err().expect("it loads").to_string()
}

fn refusal_of_wat(wat: &str) -> String {
    refusal(&wat::parse_str(wat).unwrap())
}

/// A component of the contract as `edit` makes it, with a world that has `imports` too.
fn hollow(edit: impl Fn(String) -> String, imports: &str) -> String {
    let wit = edit(CONTRACT.to_owned());
    refusal(&guests::hollow(&format!("{wit}\nworld test {{ include plugin; {imports} }}")))
}

#[test]
fn what_is_no_component_is_refused_by_what_it_is() {
    assert_eq!(
        refusal(b"hello, world, this is a text"),
        "not a WebAssembly component: it begins with 'hello, world, th'; build one with `bifocal build`"
    );
    assert!(refusal(b"").contains("nothing at all (0 bytes)"));
    assert_eq!(
        refusal(&guests::core_module("misbehaving")),
        "is a core module, not a component; componentise it: `bifocal build`"
    );
    let whole = guests::misbehaving();
    let cut = refusal(&whole[..whole.len() / 2]);
    assert!(cut.starts_with("is not a valid component: "), "{cut}");
    // A text that wasmtime would take for WebAssembly's own.
    assert!(refusal(b"(component)").contains("begins with '(component)'"));
}

#[test]
fn another_world_is_refused_naming_what_it_exports() {
    let nothing = refusal_of_wat("(component)");
    assert!(
        nothing.contains("does not export bifocal:transform/transform (it exports nothing)"),
        "{nothing}"
    );
    let other = refusal_of_wat(
        r#"(component
            (instance $i)
            (export "wasi:http/incoming-handler@0.2.0" (instance $i))
            (export "b" (instance $i)) (export "c" (instance $i)) (export "d" (instance $i)))"#,
    );
    assert!(other.contains("(it exports wasi:http/incoming-handler@0.2.0, b, c and 1 more)"), "{other}");
}

#[test]
fn another_major_of_the_contract_is_refused_by_number() {
    let renumbered = |version: &'static str| {
        hollow(move |wit| wit.replace("bifocal:transform@1.0.0", &format!("bifocal:transform{version}")), "")
    };
    let words = |version: &str| {
        format!("was built for contract {version}, this host speaks 1.0.0; rebuild it with a matching SDK")
    };
    assert_eq!(renumbered("@2.1.0"), words("2.1.0"));
    assert_eq!(renumbered("@0.9.0"), words("0.9.0"));
    assert_eq!(renumbered("@1.0.0-draft"), words("1.0.0-draft"));
    assert_eq!(renumbered(""), words("without a version"));
    // A later minor is the same contract: it fails only because it is hollow.
    assert!(renumbered("@1.1.0").starts_with("its describe trapped"), "{}", renumbered("@1.1.0"));
}

#[test]
fn a_function_of_another_type_is_refused_by_name() {
    let retyped = |from: &'static str, to: &'static str| hollow(move |wit| wit.replace(from, to), "");
    let fold = retyped("fold: func(events: events)", "fold: func(events: list<events>)");
    assert!(fold.starts_with("exports a function `fold` that is not contract 1.0.0's ("), "{fold}");
    let described = retyped("    summary: string,", "    summary: string, colour: string,");
    assert!(described.contains("`describe`"), "{described}");
    let kinds = retyped("    json,\n", "");
    assert!(kinds.contains("`describe`"), "{kinds}");
    let merge = retyped("merge: func(left: blobs,", "melt: func(left: blobs,");
    assert_eq!(
        merge,
        "exports a function `merge` that is not contract 1.0.0's (it is missing); rebuild it with a matching SDK"
    );
}

#[test]
fn forbidden_imports_are_refused_by_name() {
    let importing = |interface: &str| {
        let (package, rest) = interface.split_once('/').unwrap();
        let (interface, version) = rest.split_once('@').unwrap();
        let wit = format!(
            "package test:test;
             world test {{ include bifocal:transform/plugin@1.0.0; import {package}/{interface}@{version}; }}
             package {package}@{version} {{ interface {interface} {{ f: func(); }} }}
             {}",
            nested(CONTRACT)
        );
        refusal(&guests::hollow(&wit))
    };
    let forbidden = [
        "wasi:sockets/tcp@0.2.3",
        "wasi:http/outgoing-handler@0.2.3",
        "wasi:keyvalue/store@0.2.0",
        "wasi:cli/stdout@0.3.0",
        "wasi:clocks/wall-clock@0.1.0",
        "acme:database/query@1.0.0",
        "bifocal:transformer/host@1.0.0",
    ];
    for interface in forbidden {
        let refused = importing(interface);
        assert!(
            refused.starts_with(&format!("imports {interface}, which no transform may use")),
            "{refused}"
        );
    }
    assert!(importing("bifocal:transform/host@2.0.0").starts_with("was built for contract 2.0.0"));
    let bare = hollow(|wit| wit, "import launch: func();");
    assert!(bare.starts_with("imports 'launch', which no transform may use"), "{bare}");
    let later = hollow(|wit| wit.replace("settings: func()", "now: func() -> u64; settings: func()"), "");
    assert!(later.starts_with("imports now of bifocal:transform/host@1.0.0, which"), "{later}");
}

/// A WIT file's package in the form in which one file can hold several.
fn nested(wit: &str) -> String {
    let (head, body) = wit.split_once("package bifocal:transform@1.0.0;").unwrap();
    format!("{head}\npackage bifocal:transform@1.0.0 {{ {body} }}")
}

#[test]
fn an_import_of_another_type_than_wasis_is_refused() {
    let wit = format!(
        "package test:test;
         world test {{ include bifocal:transform/plugin@1.0.0; import wasi:random/random@0.2.0; }}
         package wasi:random@0.2.0 {{ interface random {{ get-random-u64: func() -> string; }} }}
         {}",
        nested(CONTRACT)
    );
    let refused = refusal(&guests::hollow(&wit));
    assert!(refused.starts_with("imports something that this host has with another type: "), "{refused}");
    assert!(refused.contains("wasi:random/random@0.2.0"), "{refused}");
}

#[test]
fn an_interface_of_types_alone_asks_for_nothing() {
    let wit = format!(
        "package test:test;
         interface shapes {{ record point {{ x: u32 }} }}
         world test {{ include bifocal:transform/plugin@1.0.0; import shapes; }}
         {}",
        nested(CONTRACT)
    );
    let refused = refusal(&guests::hollow(&wit));
    assert!(refused.starts_with("its describe trapped"), "{refused}");
}

#[test]
fn more_memory_than_a_call_may_have_is_refused_at_load() {
    let refused =
        refusal_of_wat("(component (core module $m (memory 40000)) (core instance (instantiate $m)))");
    assert!(refused.starts_with("is not a valid component: "), "{refused}");
    assert!(refused.contains("memory"), "{refused}");
}

#[test]
fn the_contract_stays_compatible_with_its_frozen_copy() {
    let world = |resolve: &mut Resolve, wit: &str| -> WorldId {
        let package = resolve.push_str("transform.wit", wit).unwrap();
        resolve.packages[package].worlds["plugin"]
    };
    let check = |new: &str| {
        let (mut resolve, mut later) = (Resolve::default(), Resolve::default());
        let frozen = world(&mut resolve, include_str!("transform-1.0.0.wit"));
        // Two packages of one name need two versions to stand side by side.
        let new = world(&mut later, &new.replace("transform@1.0.0", "transform@1.0.999"));
        let remap = resolve.merge(later).unwrap();
        wit_component::semver_check(resolve, frozen, remap.worlds[new.index()].unwrap())
    };
    check(CONTRACT).unwrap();
    // Each change that the contract's own text speaks of: where, what it becomes, whether it is compatible.
    let changes = [
        ("settings: func()", "now: func() -> u64; settings: func()", true),
        ("  export transform;", "  export transform; import extra: func();", true),
        ("  export transform;", "  export transform; export extra: func();", false),
        ("    summary: string,", "    summary: string, colour: string,", false),
        ("    other(string),", "    other(string), uuid,", false),
        ("    log,\n", "    log, time,\n", false),
        ("merge: func(left: blobs,", "merge: func(earlier: blobs,", false),
        ("describe: func()", "describe: func(host: string)", false),
        ("level: level, message: string", "level: level, line: string", false),
    ];
    for (from, to, is_compatible) in changes {
        assert!(CONTRACT.contains(from), "{from}");
        assert_eq!(check(&CONTRACT.replacen(from, to, 1)).is_ok(), is_compatible, "{to}");
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

type Lines = Arc<Mutex<Vec<(Level, String, String)>>>;

/// Loads with a new engine, as a new process does; gives what was logged.
fn load_with_cache(directory: &Path) -> Vec<String> {
    let lines = Lines::default();
    let sink = lines.clone();
    let log = Arc::new(move |level: Level, transform: &str, message: &str| {
        sink.lock().unwrap().push((level, transform.to_owned(), message.to_owned()));
    });
    let engine = Engine::new(Options { cache: Some(directory.into()), log, ..options() }).unwrap();
    Component::load(&engine, guests::impure(), "{}").unwrap();
    lines.lock().unwrap().iter().map(|(_, _, message)| message.clone()).collect()
}

#[test]
fn compiled_code_is_kept_and_found() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("not/yet/there");
    assert!(load_with_cache(&cache).is_empty());
    let [entry] = &entries(&cache)[..] else { panic!("{:?}", entries(&cache)) };
    let written = fs::read(entry).unwrap();
    let modified = fs::metadata(entry).unwrap().modified().unwrap();
    fs::File::options().append(true).open(entry).unwrap().set_modified(modified - HOUR).unwrap();
    assert!(load_with_cache(&cache).is_empty());
    assert_eq!(fs::read(entry).unwrap(), written);
    // Finding it marks it as used; compiling again would have put another file in its place.
    assert!(fs::metadata(entry).unwrap().modified().unwrap() > modified - HOUR);
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

#[test]
fn a_damaged_entry_is_noticed_made_again_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    load_with_cache(directory.path());
    let entry = entries(directory.path()).remove(0);
    let written = fs::read(&entry).unwrap();
    let mut flipped = written.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut forged = written.clone();
    forged[0] ^= 1;
    let damages =
        [&written[..written.len() - 1], &written[..written.len() / 2], &written[..7], b"", &flipped, &forged];
    for damaged in damages {
        fs::write(&entry, damaged).unwrap();
        let logged = load_with_cache(directory.path());
        assert!(
            matches!(&logged[..], [line] if line.contains("is not usable and is made again")),
            "{logged:?}"
        );
        assert_eq!(fs::read(&entry).unwrap().len(), written.len());
        assert!(load_with_cache(directory.path()).is_empty(), "it was not replaced");
    }
}

#[test]
fn a_cache_that_cannot_be_written_costs_only_time() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a file");
    fs::write(&file, "").unwrap();
    let logged = load_with_cache(&file);
    assert!(logged.iter().any(|line| line.contains("is not kept for the next time")), "{logged:?}");
}

#[test]
fn loads_at_the_same_time_share_one_cache() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert!(load_with_cache(directory.path()).is_empty()));
        }
    });
    assert_eq!(entries(directory.path()).len(), 1, "{:?}", entries(directory.path()));
}

fn impure(mode: &str) -> Component {
    Component::load(&ENGINE, guests::impure(), &format!(r#"{{"mode":"{mode}"}}"#)).unwrap()
}

fn one_event() -> Events {
    Events { times: vec![0; 8], columns: vec![] }
}

/// The number that a guest brought from outside of its events.
fn number(transform: &dyn Transform) -> i64 {
    let folded = transform.fold(&one_event(), Limits::DEFAULT.fuel).unwrap();
    let column = Column { fixed: folded.cells.states.bytes, ..Column::default() };
    let Value::Integer(number) = column.value(&Kind::Integer, 0) else { panic!() };
    number
}

fn fault(mode: &str) -> Fault {
    impure(mode).fold(&one_event(), Limits::DEFAULT.fuel).unwrap_err()
}

#[test]
fn imports_are_listed_and_those_of_wasi_are_frozen() {
    let component = impure("wall");
    let imports = component.imports();
    let frozen = |name: &str| {
        let import = imports.iter().find(|import| import.name == name);
        import.unwrap_or_else(|| panic!("no {name} in {imports:?}")).frozen
    };
    assert!(!frozen("bifocal:transform/host@1.0.0"));
    assert!(frozen("wasi:clocks/wall-clock@0.2.3"));
    assert!(frozen("wasi:random/random@0.2.3"));
    let pure = Component::load(&ENGINE, guests::misbehaving(), "{}").unwrap();
    let host = Import { name: "bifocal:transform/host@1.0.0".into(), frozen: false };
    assert_eq!(pure.imports(), [host]);
}

#[test]
fn the_frozen_world_is_the_same_in_every_call() {
    let expected = [
        ("wall", 946_684_800_000_000_000),
        ("monotonic", 1_000_000_000),
        ("sleep", 3 * 3_600_000_000_000),
        ("random", 4_724_155_245_613_548_247),
        ("bytes", 4_724_155_245_613_548_247),
        ("seed", 7_091_311_716_866_288_640),
        ("surroundings", 0),
        ("print", 0),
    ];
    for (mode, value) in expected {
        let component = impure(mode);
        let reused = component.reused();
        for _ in 0..2 {
            assert_eq!(number(&component), value, "{mode}");
            assert_eq!(number(&reused), value, "{mode}, reused");
        }
    }
}

#[test]
fn a_live_world_shows_who_depends_on_it() {
    for mode in ["wall", "monotonic", "random", "bytes", "seed"] {
        let live = impure(mode).live();
        assert_ne!(number(&live), number(&live), "{mode}");
        assert_ne!(number(&live), number(&impure(mode)), "{mode}");
        assert_eq!(live.version(), impure(mode).version());
    }
    assert_eq!(number(&impure("surroundings").live()), 0);
}

#[test]
fn a_guest_that_ends_itself_traps_with_its_last_words() {
    assert_eq!(fault("exit"), Fault::Trap("it exited with failure".into()));
    let complaint = "wasm `unreachable` instruction executed: \
                     panicked at nowhere.rs:1:1: | everything is wrong";
    assert_eq!(fault("complain"), Fault::Trap(complaint.into()));
}

#[test]
fn what_the_frozen_world_lacks_traps_when_called_and_names_itself() {
    let lacking = "it called wasi:clocks/timezone utc-offset, which a transform's frozen world does not have";
    assert_eq!(fault("timezone"), Fault::Trap(lacking.into()));
}

#[test]
fn the_frozen_worlds_own_resources_are_bounded() {
    assert_eq!(
        fault("many-bytes"),
        Fault::Trap("it asked for more than 1 MiB of random bytes at once".into())
    );
    assert_eq!(fault("pollables"), Fault::Trap("it holds more than 10000 pollables".into()));
}

#[test]
fn output_streams_go_to_the_log_by_line() {
    let lines = Lines::default();
    let sink = lines.clone();
    let log = Arc::new(move |level: Level, transform: &str, message: &str| {
        sink.lock().unwrap().push((level, transform.to_owned(), message.to_owned()));
    });
    let engine = Engine::new(Options { log, ..options() }).unwrap();
    let component = Component::load(&engine, guests::impure(), r#"{"mode":"print"}"#).unwrap();
    number(&component);
    let line = |level, text: &str| (level, "impure".to_owned(), text.to_owned());
    let expected =
        [line(Level::Info, "one line"), line(Level::Warn, "a complaint"), line(Level::Info, "half a line")];
    assert_eq!(*lines.lock().unwrap(), expected);
}
