//! The contract that the SDK carries along is the repository's.

use std::fs;
use std::path::Path;

#[test]
fn the_carried_contract_is_the_repositorys_byte_for_byte() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let carried = fs::read(here.join("wit/transform.wit")).unwrap();
    // Absent where the SDK was copied out of the repository.
    if let Ok(original) = fs::read(here.join("../../wit/transform.wit")) {
        assert!(carried == original, "copy wit/transform.wit to plugin-sdk/rust/wit/transform.wit");
    }
}
