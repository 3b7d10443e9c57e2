//! Components for tests. A guest is a package of this workspace that is built for
//! `wasm32-unknown-unknown` and made a component when a test first asks for it: plain `cargo test`
//! is the whole story.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use wit_component::ComponentEncoder;
use wit_parser::{ManglingAndAbi, Resolve};

/// Counts events and sums amounts by key, unless settings name a `mode` of misbehaviour; what modes
/// there are stands in its source.
pub fn misbehaving() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build("misbehaving"))
}

/// Looks at a clock, at randomness or at the rest of WASI 0.2, as settings say.
pub fn impure() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build("impure"))
}

/// Keeps all laws, or breaks the one that the `mode` of its settings is about.
pub fn lawbreakers() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build("lawbreakers"))
}

/// Builds a package of this workspace as a component.
///
/// Processes that build at the same time wait for each other at cargo's own lock; the target folder
/// is not the one of the `cargo` that may have started the test, so it does not wait for us.
pub fn build(package: &str) -> Vec<u8> {
    let core = core_module(package);
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(true)
        .module(&core)
        .and_then(|encoder| encoder.encode())
        .unwrap_or_else(|error| panic!("guest {package} is no component: {error:#}"))
}

/// Builds a package of this workspace as a core module, which is not yet a component.
pub fn core_module(package: &str) -> Vec<u8> {
    const TARGET: &str = "wasm32-unknown-unknown";
    const PROFILE: &str = "guest";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let target = target.join("guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(&root)
        .args(["build", "--quiet", "--profile", PROFILE, "--package", package])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target)
        // Flags meant for the machine's own code (a CPU, coverage) do not fit WebAssembly.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("LLVM_PROFILE_FILE")
        .output()
        .unwrap_or_else(|error| panic!("cargo could not be started: {error}"));
    assert!(
        built.status.success(),
        "guest {package} does not build (is the target there? `rustup target add {TARGET}`):\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let module = target.join(TARGET).join(PROFILE).join(format!("{}.wasm", package.replace('-', "_")));
    std::fs::read(&module).unwrap_or_else(|error| panic!("{}: {error}", module.display()))
}

/// A component of the last world in a WIT text, whose functions all trap: for what is judged before
/// a component runs.
pub fn hollow(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap_or_else(|error| panic!("{error:?}"));
    let (_, world) = resolve.packages[package].worlds.last().expect("the text has a world");
    let world = *world;
    let mut core = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    wit_component::embed_component_metadata(
        &mut core,
        &resolve,
        world,
        wit_component::StringEncoding::UTF8,
        false,
    )
    .expect("metadata of a world");
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&core).and_then(|encoder| encoder.encode()).expect("a component of a world")
}
