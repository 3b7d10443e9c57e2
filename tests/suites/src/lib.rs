//! What the suites share: scripts of the repository, components, files as logs.

pub mod made;

use bifocal::extract::Extractor;
use bifocal::input::{self, TimeSource};
use bifocal::log::{Log, Stream};
use bifocal::run::{Outcome, Plan, Progress, Stage};
use bifocal::time::TimeRule;
use bifocal::transform::Transform;
use bifocal::wasm::{Component, Engine, Options};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// The program, as `cargo test --workspace` left it beside the tests.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.ancestors().nth(2).expect("tests lie in a folder of the profile's");
    let binary = folder.join(format!("bifocal{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.exists(),
        "{} is not there: run `cargo test --workspace --no-run` first",
        binary.display()
    );
    binary
}

/// Runs a script of the repository, and gives what it printed.
pub fn script(path: &str, arguments: &[&str]) -> String {
    done(&root(), root().join(path), arguments)
}

/// Runs a program in a folder, which must succeed, and gives what it printed.
pub fn done(folder: &Path, program: impl AsRef<OsStr>, arguments: &[&str]) -> String {
    let program = program.as_ref();
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let at = folder.display();
    assert!(output.status.success(), "{} {arguments:?} in {at} failed:\n{out}{err}", program.display());
    out.into_owned()
}

/// An engine that keeps compiled components in the target folder: those of Python and JavaScript take
/// seconds to compile.
pub fn engine() -> Engine {
    Engine::new(Options { cache: Some(root().join("target/compiled")), ..Options::default() })
        .expect("an engine")
}

pub fn component(engine: &Engine, bytes: &[u8]) -> Arc<Component> {
    Arc::new(Component::load(engine, bytes, "{}").expect("a transform"))
}

/// 2026-01-01T00:00:00Z, when all events of a test are appended.
const NOW_MS: i64 = 1_767_225_600_000;

/// A log of one file, for a transform whose time is at `time`.
pub fn log_of(transform: &dyn Transform, file: &Path, time: &str) -> (Log, Extractor) {
    let extractor = Extractor::new(transform.description(), TimeRule::default()).expect("paths");
    let mut log = Log::new(Stream { time: Some(time.into()), ..Stream::default() });
    let options = input::Options {
        time: TimeSource::Path(time.into()),
        id: None,
        rule: TimeRule::default(),
        now_ms: NOW_MS,
        any_time: true,
        skip: false,
    };
    input::append_files(&mut log, &[file.to_path_buf()], &options, &mut |_| {})
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    (log, extractor)
}

pub fn run(transform: Arc<dyn Transform>, log: &Log, extractor: &Extractor, plan: &Plan) -> Outcome {
    bifocal::run::run(transform, log, extractor, plan, &mut Silent).expect("a host that works")
}

/// What lies in a folder, by name.
pub fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    folders
}

/// The first line that differs says more than two long texts.
pub fn assert_same(place: &str, what: &str, expected: &str, found: &str) {
    if expected == found {
        return;
    }
    let (mut left, mut right) = (expected.lines(), found.lines());
    for line in 1.. {
        match (left.next(), right.next()) {
            (None, None) => panic!("{place}: {what} differ in their ends of lines"),
            (a, b) if a == b => {}
            (a, b) => panic!("{place}: {what} differ in line {line}\nexpected {a:?}\nfound    {b:?}"),
        }
    }
}

/// No progress.
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _: Stage, _: u64) {}
    fn advance(&mut self, _: u64) {}
}
