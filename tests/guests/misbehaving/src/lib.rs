//! Count and sum of `amount` by `key`, written against the WIT alone, and every way not to do it.
//!
//! Settings: `{"mode": "..."}`. A mode of `fold` shows on calls that hold an event whose key is
//! `bad`; all other calls are lawful. A mode of `merge` or `present` shows on states whose sum is
//! 666.
//!
//! | mode | what happens |
//! |---|---|
//! | `count` (default) | the lawful transform; two sums that overflow fail |
//! | `trap` | panics, text and place go to the log |
//! | `abort` | traps without a word |
//! | `loop` | never ends |
//! | `memory` | allocates until it is refused, then aborts |
//! | `memory-grow` | grows its memory by 4 GiB, then traps |
//! | `memory-copes` | asks for too much, goes on without |
//! | `stack` | calls itself for ever |
//! | `idle` | looks at no event and returns no cell: what a call costs |
//! | `fail` | returns an error, far too long |
//! | `tells` | returns its settings as an error |
//! | `slow` | lawful; takes about 2 million units of fuel an event, of any key |
//! | `chatty` | lawful; logs 1,000 long lines a call |
//! | `remembers` | counts its earlier calls, too |
//! | `rejects` | lawful; rejects events with key `bad` |
//! | `ends-descend` `ends-short` `wrong-length` `code-range` `key-utf8` `few-columns` `many-columns` `duplicate-cell` `states-fewer` `windows-global` `unaligned-window` `windows-fewer` `row-range` `row-order` `row-twice` | nonsense in the result, which the host has to find |
//! | `reason-utf8` `wild-pointer` | nonsense that the boundary itself finds |
//! | `huge-result` `huge-lift` | 65 MiB; far more, by naming the same bytes often |
//! | `merge-trap` `merge-loop` `merge-fewer` | |
//! | `present-trap` `present-fail` `present-few-columns` `present-wrong-length` | |
//! | `describe-fail` `describe-trap` `describe-loop` `describe-nameless` `describe-window` | |

#![cfg(target_family = "wasm")]

wit_bindgen::generate!({ world: "plugin", path: "../../../wit" });

use bifocal::transform::host;
use exports::bifocal::transform::transform::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

struct Misbehaving;
export!(Misbehaving);

const HOUR_MS: i64 = 3_600_000;
const BAD_KEY: &[u8] = b"bad";
const BAD_SUM: i64 = 666;

impl Guest for Misbehaving {
    fn describe() -> Result<Description, String> {
        match mode().as_str() {
            "describe-fail" => return Err("these settings mean nothing to me".into()),
            "describe-trap" => panic!("no description"),
            "describe-loop" => spin(),
            _ => {}
        }
        Ok(description(&mode()))
    }

    fn fold(events: Events) -> Result<Folded, String> {
        log_panics();
        let mode = mode();
        if mode == "idle" {
            return count(&Events { times: Vec::new(), columns: Vec::new() }, &mode);
        }
        let keys = &events.columns[0];
        let bad = (0..rows(&events)).any(|row| text(keys, row) == Some(BAD_KEY));
        if bad {
            misbehave(&mode)?;
        }
        let mut folded = count(&events, &mode)?;
        if bad {
            garble(&mut folded, &mode, rows(&events) as u32);
        }
        Ok(folded)
    }

    fn merge(left: Blobs, right: Blobs) -> Result<Blobs, String> {
        log_panics();
        let mode = mode();
        let mut merged = Blobs { ends: Vec::new(), bytes: Vec::new() };
        for (left, right) in states(&left).zip(states(&right)) {
            if left.1 == BAD_SUM || right.1 == BAD_SUM {
                match mode.as_str() {
                    "merge-trap" => panic!("a sum of {BAD_SUM}"),
                    "merge-loop" => spin(),
                    "merge-fewer" => continue,
                    _ => {}
                }
            }
            let sum = left.1.checked_add(right.1).ok_or("the sum is out of range")?;
            push(&mut merged, &state(left.0 + right.0, sum));
        }
        Ok(merged)
    }

    fn present(_: Vec<Column>, _: Vec<u8>, cells: Blobs) -> Result<Vec<Column>, String> {
        log_panics();
        let mode = mode();
        let mut columns = [integers(&[]), integers(&[])];
        for (count, sum) in states(&cells) {
            if sum == BAD_SUM {
                match mode.as_str() {
                    "present-trap" => panic!("a sum of {BAD_SUM}"),
                    "present-fail" => return Err(format!("a sum of {BAD_SUM}")),
                    "present-few-columns" => return Ok(Vec::new()),
                    "present-wrong-length" => columns[0].fixed.push(0),
                    _ => {}
                }
            }
            columns[0].fixed.extend_from_slice(&count.to_le_bytes());
            columns[1].fixed.extend_from_slice(&sum.to_le_bytes());
        }
        Ok(columns.into())
    }
}

fn description(mode: &str) -> Description {
    let field = |name: &str, kind| Field { name: name.into(), path: name.into(), kind, required: true };
    let windowed = matches!(mode, "unaligned-window" | "windows-fewer" | "describe-window");
    let slide_ms = if mode == "describe-window" { u64::MAX } else { HOUR_MS as u64 };
    Description {
        name: if mode == "describe-nameless" { String::new() } else { "misbehaving".into() },
        summary: "count and sum by key".into(),
        inputs: vec![field("key", Kind::Text), field("amount", Kind::Integer)],
        keys: vec![field("key", Kind::Text)],
        outputs: vec![field("count", Kind::Integer), field("total", Kind::Integer)],
        only: None,
        window: windowed.then_some(Window { size_ms: HOUR_MS as u64, slide_ms }),
        order: Order::None,
        initial: None,
        annotations: Vec::new(),
    }
}

/// The value of `mode` in settings.
fn mode() -> String {
    let settings = host::settings();
    let value = settings.split_once("\"mode\":").and_then(|(_, rest)| rest.split('"').nth(1));
    value.unwrap_or("count").to_owned()
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| host::log(host::Level::Error, &panic.to_string())));
}

fn rows(events: &Events) -> usize {
    events.times.len() / 8
}

fn present(column: &Column, row: usize) -> bool {
    column.validity.is_empty() || column.validity[row / 8] >> (row % 8) & 1 == 1
}

fn read_u32(bytes: &[u8], i: usize) -> u32 {
    u32::from_le_bytes(bytes[i * 4..i * 4 + 4].try_into().unwrap())
}

fn read_i64(bytes: &[u8], i: usize) -> i64 {
    i64::from_le_bytes(bytes[i * 8..i * 8 + 8].try_into().unwrap())
}

fn text(column: &Column, row: usize) -> Option<&[u8]> {
    present(column, row).then(|| blob(&column.heap, read_u32(&column.fixed, row) as usize))
}

fn blob(blobs: &Blobs, i: usize) -> &[u8] {
    let from = if i == 0 { 0 } else { read_u32(&blobs.ends, i - 1) };
    &blobs.bytes[from as usize..read_u32(&blobs.ends, i) as usize]
}

fn push(blobs: &mut Blobs, value: &[u8]) {
    blobs.bytes.extend_from_slice(value);
    blobs.ends.extend_from_slice(&(blobs.bytes.len() as u32).to_le_bytes());
}

fn state(count: i64, sum: i64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&count.to_le_bytes());
    bytes[8..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn states(blobs: &Blobs) -> impl Iterator<Item = (i64, i64)> {
    (0..blobs.ends.len() / 4).map(|i| (read_i64(blob(blobs, i), 0), read_i64(blob(blobs, i), 1)))
}

fn integers(values: &[i64]) -> Column {
    Column {
        fixed: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        heap: Blobs { ends: Vec::new(), bytes: Vec::new() },
        validity: Vec::new(),
    }
}

/// The lawful fold, but for what `mode` adds to every call.
fn count(events: &Events, mode: &str) -> Result<Folded, String> {
    static CALLS: AtomicI64 = AtomicI64::new(0);
    let earlier_calls = CALLS.fetch_add(1, Ordering::Relaxed);
    let windowed = description(mode).window.is_some();
    let mut cells: BTreeMap<(&[u8], i64), (i64, i64)> = BTreeMap::new();
    let mut rejected = Vec::new();
    for row in 0..rows(events) {
        if mode == "slow" {
            burn();
        }
        let key = text(&events.columns[0], row).unwrap_or(b"(absent)");
        if mode == "rejects" && key == BAD_KEY {
            rejected.push(Rejection { row: row as u32, reason: "its key is bad".into() });
            continue;
        }
        let window = if windowed { read_i64(&events.times, row).div_euclid(HOUR_MS) * HOUR_MS } else { 0 };
        let cell = cells.entry((key, window)).or_default();
        cell.0 += 1;
        let amount = read_i64(&events.columns[1].fixed, row);
        cell.1 = cell.1.checked_add(amount).ok_or("the sum is out of range")?;
        if mode == "remembers" {
            cell.0 += earlier_calls;
        }
    }
    if mode == "chatty" {
        (0..1000).for_each(|i| host::log(host::Level::Info, &format!("{i} {}", "é".repeat(5000))));
    }
    let mut keys = Column {
        fixed: Vec::new(),
        heap: Blobs { ends: Vec::new(), bytes: Vec::new() },
        validity: Vec::new(),
    };
    let mut windows = Vec::new();
    let mut states = Blobs { ends: Vec::new(), bytes: Vec::new() };
    for (code, ((key, window), (count, sum))) in cells.into_iter().enumerate() {
        keys.fixed.extend_from_slice(&(code as u32).to_le_bytes());
        push(&mut keys.heap, key);
        if windowed {
            windows.extend_from_slice(&window.to_le_bytes());
        }
        push(&mut states, &state(count, sum));
    }
    Ok(Folded { cells: Cells { keys: vec![keys], windows, states }, rejected })
}

/// Modes that never come to a result.
fn misbehave(mode: &str) -> Result<(), String> {
    match mode {
        "trap" => panic!("an event with a bad key"),
        "abort" => core::arch::wasm32::unreachable(),
        "loop" => spin(),
        "memory" => eat(),
        "memory-grow" => {
            let refused = core::arch::wasm32::memory_grow(0, 65_536) == usize::MAX;
            assert!(!refused, "4 GiB were refused");
        }
        "memory-copes" => {
            let refused = Vec::<u8>::new().try_reserve_exact(1 << 30).is_err();
            assert!(refused, "1 GiB was not refused");
        }
        "stack" => _ = overflow(1),
        "fail" => return Err("é".repeat(100_000)),
        "tells" => return Err(host::settings()),
        "huge-result" | "huge-lift" | "wild-pointer" => {}
        _ => {}
    }
    Ok(())
}

/// Modes that spoil a result.
fn garble(folded: &mut Folded, mode: &str, rows: u32) {
    let cells = &mut folded.cells;
    let reject = |row: u32| Rejection { row, reason: "because".into() };
    match mode {
        "ends-descend" => cells.states.ends.extend_from_slice(&0u32.to_le_bytes()),
        "ends-short" => cells.states.bytes.push(0),
        "wrong-length" => cells.keys[0].fixed.push(0),
        "code-range" => cells.keys[0].fixed[..4].copy_from_slice(&u32::MAX.to_le_bytes()),
        "key-utf8" => cells.keys[0].heap.bytes[0] = 0xff,
        "few-columns" => cells.keys.clear(),
        "many-columns" => cells.keys.push(integers(&[1])),
        "duplicate-cell" => {
            let first = cells.keys[0].fixed[..4].to_vec();
            cells.keys[0].fixed.extend_from_slice(&first);
            push(&mut cells.states, &state(1, 1));
        }
        "states-fewer" => {
            cells.states.ends.clear();
            cells.states.bytes.clear();
        }
        "windows-global" => cells.windows.extend_from_slice(&0i64.to_le_bytes()),
        "unaligned-window" => cells.windows[0] ^= 1,
        "windows-fewer" => cells.windows.truncate(cells.windows.len() - 8),
        "row-range" => folded.rejected.push(reject(rows)),
        "row-order" => folded.rejected.extend([reject(1), reject(0)]),
        "row-twice" => folded.rejected.extend([reject(0), reject(0)]),
        "reason-utf8" => {
            let mut rejection = reject(0);
            // The point is a string that no lawful program makes.
            unsafe { rejection.reason.as_bytes_mut()[0] = 0xff };
            folded.rejected.push(rejection);
        }
        "huge-result" => push(&mut cells.states, &vec![0; 65 << 20]),
        "huge-lift" => {
            // 300 values that are all the same 1 MiB: nothing a safe program could return.
            let shared = vec![0u8; 1 << 20].leak();
            cells.keys = (0..300)
                .map(|_| {
                    let mut column = integers(&[]);
                    column.fixed =
                        unsafe { Vec::from_raw_parts(shared.as_mut_ptr(), shared.len(), shared.len()) };
                    column
                })
                .collect();
        }
        "wild-pointer" => {
            cells.windows = unsafe { Vec::from_raw_parts(0xffff_0000 as *mut u8, 0x1_0000, 0x1_0000) };
        }
        _ => {}
    }
}

fn spin() -> ! {
    loop {
        core::hint::black_box(0);
    }
}

fn eat() {
    let mut eaten = Vec::new();
    loop {
        eaten.push(core::hint::black_box(vec![1u8; 1 << 20]));
    }
}

#[inline(never)]
#[allow(unconditional_recursion, reason = "that is the point")]
fn overflow(depth: u64) -> u64 {
    let frame = core::hint::black_box([depth; 8]);
    overflow(depth + 1) + frame[3]
}

fn burn() {
    for i in 0..250_000u64 {
        core::hint::black_box(i);
    }
}
