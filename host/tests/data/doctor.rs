//! `doctor --data`: every stored byte that matters is looked at.

use super::process::Folder;
use bifocal::offset::{Offset, Range};
use bifocal::store::{Store, StreamRecord};

/// Events of random characters, which no block makes smaller.
fn events(count: u64) -> String {
    let mut seed = 1_u64;
    let mut letter = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'#' + 12 + (seed >> 40) as u8 % 44)
    };
    let pad = |letter: &mut dyn FnMut() -> char| (0..400).map(|_| letter()).collect::<String>();
    (0..count).map(|i| format!("{{\"n\":{i},\"pad\":\"{}\"}}\n", pad(&mut letter))).collect()
}

#[test]
fn all_is_well_until_a_block_is_changed_and_then_its_offsets_are_told() {
    let folder = Folder::new();
    folder.done("stream create noise");
    folder.write("noise.ndjson", &events(3000));
    folder.done("append noise noise.ndjson");
    let well = folder.run("doctor");
    assert!(well.out.contains("ok       stream noise: 3000 events"), "{}", well.out);

    // A text of the event in the middle, as it lies in the segment.
    let lines = std::fs::read_to_string(folder.path("noise.ndjson")).unwrap();
    let text = lines.lines().nth(1500).unwrap().as_bytes();
    let text = &text[text.len() - 60..text.len() - 45];
    let segment = folder.path("data/streams/1/log/00000000000000000000.redb");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at =
        bytes.windows(text.len()).position(|window| window == text).expect("the payload is stored plainly");
    bytes[at] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();

    let ran = folder.run("doctor");
    assert_eq!(ran.code, 1, "{}", ran.out);
    let line = ran.out.lines().find(|line| line.starts_with("no ")).unwrap();
    let range = line.split_once("offsets [").unwrap().1.split_once(')').unwrap().0;
    let (from, to) = range.split_once(", ").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    assert!(from <= 1500 && 1500 < to, "{line}");
    assert!(line.contains(&format!("{} of 3000 events cannot be read", to - from)), "{line}");

    // Exactly these: what lies around them is read.
    let store = Store::open(&folder.path("data")).unwrap();
    let stream: StreamRecord = store.stream("noise").unwrap();
    let log = store.log(&stream).unwrap();
    let read = |from, to| log.visit(Range::new(Offset(from), Offset(to)), |_| {});
    assert_eq!((read(0, from), read(to, 3000)), (Ok(()), Ok(())));
    assert!(read(from, from + 1).is_err() && read(to - 1, to).is_err());
}

#[test]
fn a_changed_component_a_changed_view_and_a_missing_directory_are_told() {
    let folder = Folder::new();
    std::fs::write(folder.path("revenue.wasm"), guests::build("revenue")).unwrap();
    folder.done("stream create orders --time ts");
    let order =
        r#"{"ts":"2026-01-01T10:00:00Z","merchant_id":"a","currency":"EUR","amount":1,"status":"completed"}"#;
    folder.write("orders.ndjson", &format!("{order}\n{order}\n"));
    folder.done("append orders orders.ndjson");
    folder.done("deploy revenue revenue.wasm --stream orders");
    folder.done("batch revenue");
    let well = folder.done("doctor");
    for line in ["view revenue run 1: 1 cells", "view revenue v1: "] {
        assert!(well.contains(&format!("ok       {line}")), "{line}: {well}");
    }
    let change = |path: std::path::PathBuf, look: &[u8]| {
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(look.len()).position(|window| window == look).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    };
    let component = std::fs::read_dir(folder.path("data/components")).unwrap().next().unwrap().unwrap();
    change(component.path(), b"merchant_id");
    change(folder.path("data/views/1/0000000001.redb"), b"EUR");
    let ran = folder.run("doctor");
    assert_eq!(ran.code, 1);
    for words in ["no       view revenue run 1: ", "no       view revenue v1: ", "batch revenue --full"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    folder.refused("doctor --data nowhere", &["nowhere is no data directory"]);
}
