//! Guests of contract 1.0, built once in each language and kept as bytes, still load and still give the same
//! rows, rejected events and bytes of states, whatever became of host, SDKs and tools since.

use std::fs;
use std::path::Path;
use suites::made::{made, plan};
use suites::{assert_same, component, engine, folders, root};

const LANGUAGES: [&str; 5] = ["c", "go", "javascript", "python", "rust"];

#[test]
fn guests_of_contract_1_0_give_what_they_gave() {
    let (engine, folder) = (engine(), root().join("tests/frozen/1.0"));
    for language in LANGUAGES {
        let guest = component(&engine, &unpacked(&folder.join(format!("{language}.wasm.zst"))));
        let cases = folders(&folder.join("cases"));
        assert!(!cases.is_empty());
        for case in cases {
            let events = case.join("events.ndjson");
            let head = text(&events).lines().count() as u64;
            for (cut, chunk_rows, micro_batch_rows) in [(0, 65_536, 16_384), (head / 2, 17, 5)] {
                let found = made(&guest, &events, "at", &plan(cut, chunk_rows, micro_batch_rows));
                let place = format!("{language} {} cut {cut}", case.display());
                assert_same(&place, "rows", &text(&case.join("expected.ndjson")), &found.rows);
                assert_same(&place, "rejected", &text(&case.join("rejected.ndjson")), &found.rejected);
                assert_same(&place, "states", &text(&case.join("states.ndjson")), &found.states);
            }
        }
    }
}

fn unpacked(path: &Path) -> Vec<u8> {
    let packed = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    zstd::decode_all(packed.as_slice()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
