//! Transforms in every language are the transforms in Rust: one description, the same rows, rejected
//! events and bytes of states, whatever the cut, on common vectors and on random logs.
//!
//! `BIFOCAL_BLESS=1` writes what the vectors expect from the guests in Rust; read the difference.

use bifocal::transform::Transform;
use bifocal::wasm::Engine;
use generator::orders::{Orders, Shape};
use std::fs;
use std::path::{Path, PathBuf};
use suites::made::{Made, made, plan};
use suites::{assert_same, binary, component, done, engine, folders, root};

const LANGUAGES: [&str; 4] = ["python", "javascript", "go", "c"];

/// A transform that every language has: its name, where its events tell their time, and whose folder
/// holds its cases.
struct Subject {
    name: &'static str,
    time: &'static str,
    cases: &'static str,
}

const SUBJECTS: [Subject; 8] = [
    Subject { name: "algebras", time: "at", cases: "tests/conformance/vectors/algebras" },
    Subject { name: "kinds", time: "at", cases: "tests/conformance/vectors/kinds" },
    Subject { name: "sequence", time: "date", cases: "tests/conformance/vectors/sequence" },
    Subject { name: "hopping", time: "ts", cases: "tests/conformance/vectors/hopping" },
    Subject { name: "revenue", time: "ts", cases: "plugins/revenue/fixtures" },
    Subject { name: "flights", time: "date", cases: "plugins/flights/fixtures" },
    Subject { name: "fraud", time: "ts", cases: "plugins/fraud/fixtures" },
    Subject { name: "earnings", time: "ts", cases: "plugins/earnings/fixtures" },
];

/// The component of a transform in a language, built by the program itself.
fn built(language: &str, name: &str) -> Vec<u8> {
    if language == "rust" {
        return guests::build(name);
    }
    build(&root().join("tests/conformance").join(language).join(name))
}

fn build(folder: &Path) -> Vec<u8> {
    let out = done(folder, binary(), &["build", &folder.display().to_string()]);
    let path = out.lines().last().expect("build prints a path");
    fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows, rejected events and states that stand in a case's files are those of Rust.
fn hold_to_files(case: &Path, found: &Made) {
    let blesses = std::env::var_os("BIFOCAL_BLESS").is_some();
    for (name, text) in [("expected", &found.rows), ("rejected", &found.rejected), ("states", &found.states)]
    {
        let path = case.join(format!("{name}.ndjson"));
        if blesses {
            fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let expected =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(expected == *text, "{}: expected\n{expected}\nfound\n{text}", path.display());
    }
}

/// Runs the cases of a subject through the guest of a language, against what Rust's makes of them.
fn judge(engine: &Engine, subject: &Subject, language: &str) {
    let bytes = built("rust", subject.name);
    let rust = component(engine, &bytes);
    let guest = component(engine, &built(language, subject.name));
    assert_eq!(
        rust.description(),
        guest.description(),
        "{}: described otherwise in {language}",
        subject.name
    );
    let folder = root().join(subject.cases);
    let mut cases = 0;
    for case in folders(&folder) {
        let events = case.join("events.ndjson");
        let head = fs::read_to_string(&events).expect("events").lines().count() as u64;
        let expected = made(&rust, &events, subject.time, &plan(0, 65_536, 16_384));
        if subject.cases.starts_with("tests/conformance") {
            hold_to_files(&case, &expected);
        }
        // An interpreted guest takes half a millisecond to start: few calls over many events.
        let few = [(0, 65_536, 16_384), (head / 2, 1_700, 900), (head / 3, 65_536, 650)];
        let many = [(0, 65_536, 16_384), (head / 2, 17, 5), (head / 3, 3, 64)];
        for (cut, chunk_rows, micro_batch_rows) in if head > 1_000 { few } else { many } {
            let found =
                made(&guest, &events, subject.time, &plan(cut.min(head), chunk_rows, micro_batch_rows));
            let place = format!("{language} {} cut {cut}", case.display());
            assert_same(&place, "rows", &expected.rows, &found.rows);
            assert_same(&place, "rejected", &expected.rejected, &found.rejected);
            assert_same(&place, "states", &expected.states, &found.states);
        }
        cases += 1;
    }
    assert!(cases > 0, "{} holds no case", folder.display());
}

macro_rules! languages {
    ($($language:ident),*) => {$(
        #[test]
        fn $language() {
            let engine = engine();
            for subject in &SUBJECTS {
                judge(&engine, subject, stringify!($language));
            }
        }
    )*};
}

languages!(rust, python, javascript, go, c);

/// A folder for the tools and the output of a language that has no SDK.
fn work(language: &str) -> PathBuf {
    let folder = root().join("target/languages").join(language);
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// `revenue` in Zig, from the WIT alone.
fn zig() -> Vec<u8> {
    let (work, source) = (work("zig"), root().join("tests/conformance/zig/revenue/revenue.zig"));
    let python = work.join("venv/bin/python").display().to_string();
    if !Path::new(&python).exists() {
        done(&work, "python3", &["-m", "venv", "venv"]);
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "ziglang==0.17.1"];
        done(&work, &python, &install);
    }
    let compile = ["-m", "ziglang", "build-exe", &source.display().to_string()];
    let flags = ["-target", "wasm32-freestanding", "-fno-entry", "-rdynamic", "-O", "ReleaseFast", "-fstrip"];
    let out = ["--stack", "1048576", "-femit-bin=core.wasm"];
    done(&work, &python, &[compile.as_slice(), &flags, &out].concat());
    finished(&work)
}

/// `revenue` in AssemblyScript, from the WIT alone.
fn assemblyscript() -> Vec<u8> {
    let (work, source) = (work("assemblyscript"), root().join("tests/conformance/assemblyscript/revenue"));
    for name in ["build.mjs", "package.json", "revenue.ts"] {
        fs::copy(source.join(name), work.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    done(&work, "npm", &["install", "--loglevel=error", "--no-audit", "--no-fund"]);
    done(&work, "node", &["build.mjs", "core.wasm"]);
    finished(&work)
}

fn finished(work: &Path) -> Vec<u8> {
    let core = fs::read(work.join("core.wasm")).expect("it was compiled");
    bifocal::wasm::componentize_wasi(&core).expect("a component")
}

/// `revenue` on a log of real work: unreadable and late events, thousands of cells.
#[test]
fn random_orders_give_the_rows_of_rust() {
    const EVENTS: u64 = 60_000;
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("SEED={seed}");
    let engine = engine();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("orders.ndjson");
    let (mut orders, mut lines) =
        (Orders::new(Shape { seed, events: EVENTS, ..Shape::default() }), Vec::new());
    while orders.fill(&mut lines, 8192) > 0 {}
    fs::write(&file, lines).expect("a file");
    let rust = component(&engine, &built("rust", "revenue"));
    let expected = made(&rust, &file, "ts", &plan(0, 16_384, 16_384));
    assert!(
        expected.rows.lines().count() > 1000 && !expected.rejected.is_empty(),
        "the orders are real work"
    );
    let folders = LANGUAGES.iter().flat_map(|language| {
        ["revenue", "revenue-columns"].map(|name| root().join("tests/conformance").join(language).join(name))
    });
    let mut guests: Vec<(String, Vec<u8>)> =
        folders.map(|folder| (folder.display().to_string(), build(&folder))).collect();
    guests.push(("zig".into(), zig()));
    guests.push(("assemblyscript".into(), assemblyscript()));
    for (name, bytes) in &guests {
        let guest = component(&engine, bytes);
        for (cut, micro_batch_rows) in [(EVENTS / 2, 5000), (EVENTS, 16_384)] {
            let found = made(&guest, &file, "ts", &plan(cut, 16_384, micro_batch_rows));
            assert_same(name, "rows", &expected.rows, &found.rows);
            assert_same(name, "states", &expected.states, &found.states);
        }
    }
}
