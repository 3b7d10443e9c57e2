//! One cell, whose state is a number that comes from outside of the events: from WASI, as settings
//! say (`{"mode": "..."}`).
//!
//! | mode | the number, or what happens |
//! |---|---|
//! | `wall` (default) | nanoseconds of the wall clock |
//! | `monotonic` | nanoseconds of the monotonic clock |
//! | `sleep` | nanoseconds that a sleep of an hour took, and two that were polled |
//! | `random` `bytes` `seed` | a random number; one made of random bytes; the seed for hash maps |
//! | `many-bytes` | asks for 2 MiB of random bytes |
//! | `surroundings` | how many variables, arguments, folders and bytes of stdin there are |
//! | `print` | writes to stdout and stderr; 0 |
//! | `exit` | exits |
//! | `complain` | writes why to stderr, then traps |
//! | `timezone` | asks for something that a frozen world lacks |
//! | `pollables` | makes pollables for ever |

#![cfg(target_family = "wasm")]

wit_bindgen::generate!({
    world: "bifocal:impure/impure",
    path: ["../../../wit", "wit"],
    generate_all,
});

use exports::bifocal::transform::transform::*;
use wasi::cli::{environment, exit, stderr, stdin, stdout};
use wasi::clocks::{monotonic_clock, timezone, wall_clock};
use wasi::filesystem::preopens;
use wasi::io::poll;
use wasi::random::{insecure_seed, random};

struct Impure;
export!(Impure);

impl Guest for Impure {
    fn describe() -> Result<Description, String> {
        let field = |name: &str, kind| Field { name: name.into(), path: String::new(), kind, required: true };
        Ok(Description {
            name: "impure".into(),
            summary: "a number from outside of the events".into(),
            inputs: Vec::new(),
            keys: vec![field("always", Kind::Boolean)],
            outputs: vec![field("number", Kind::Integer)],
            only: None,
            window: None,
            order: Order::None,
            initial: None,
            annotations: Vec::new(),
        })
    }

    fn fold(events: Events) -> Result<Folded, String> {
        let number = if events.times.is_empty() { 0 } else { look() };
        let states = Blobs { ends: 8u32.to_le_bytes().into(), bytes: number.to_le_bytes().into() };
        let cells = Cells { keys: vec![column(vec![1])], windows: Vec::new(), states };
        Ok(Folded { cells, rejected: Vec::new() })
    }

    fn merge(left: Blobs, right: Blobs) -> Result<Blobs, String> {
        let values = left.bytes.chunks_exact(8).zip(right.bytes.chunks_exact(8));
        let bytes = values.flat_map(|(left, right)| left.max(right)).copied().collect();
        Ok(Blobs { ends: left.ends, bytes })
    }

    fn present(_: Vec<Column>, _: Vec<u8>, states: Blobs) -> Result<Vec<Column>, String> {
        Ok(vec![column(states.bytes)])
    }
}

fn column(fixed: Vec<u8>) -> Column {
    Column { fixed, heap: Blobs { ends: Vec::new(), bytes: Vec::new() }, validity: Vec::new() }
}

fn look() -> i64 {
    let settings = bifocal::transform::host::settings();
    let mode = settings.split_once("\"mode\":").and_then(|(_, rest)| rest.split('"').nth(1));
    match mode.unwrap_or("wall") {
        "wall" => {
            let now = wall_clock::now();
            now.seconds as i64 * 1_000_000_000 + i64::from(now.nanoseconds)
        }
        "monotonic" => monotonic_clock::now() as i64,
        "sleep" => sleep(),
        "random" => random::get_random_u64() as i64,
        "bytes" => i64::from_le_bytes(random::get_random_bytes(8).try_into().unwrap()),
        "many-bytes" => random::get_random_bytes(2 << 20).len() as i64,
        "seed" => insecure_seed::insecure_seed().0 as i64,
        "surroundings" => surroundings(),
        "print" => {
            print("one line\nhalf a ", &stdout::get_stdout());
            print("line", &stdout::get_stdout());
            print("a complaint\n", &stderr::get_stderr());
            0
        }
        "exit" => {
            exit::exit(Err(()));
            0
        }
        "complain" => {
            print("panicked at nowhere.rs:1:1:\neverything is wrong\n", &stderr::get_stderr());
            core::arch::wasm32::unreachable()
        }
        "timezone" => i64::from(timezone::utc_offset(wall_clock::now())),
        "pollables" => loop {
            core::mem::forget(monotonic_clock::subscribe_duration(1));
        },
        mode => panic!("no mode {mode}"),
    }
}

/// One hour by `block`; two and three hours, of which the shorter ends a `poll`; and one that is
/// over already.
fn sleep() -> i64 {
    const HOUR_NS: u64 = 3_600_000_000_000;
    let start = monotonic_clock::now();
    monotonic_clock::subscribe_duration(HOUR_NS).block();
    let short = monotonic_clock::subscribe_duration(2 * HOUR_NS);
    let long = monotonic_clock::subscribe_instant(start + 9 * HOUR_NS);
    assert!(!short.ready());
    assert_eq!(poll::poll(&[&long, &short]), [1]);
    assert!(short.ready());
    monotonic_clock::subscribe_instant(start).block();
    (monotonic_clock::now() - start) as i64
}

fn surroundings() -> i64 {
    let nothing = environment::get_environment().len()
        + environment::get_arguments().len()
        + environment::initial_cwd().map_or(0, |_| 1)
        + preopens::get_directories().len();
    let read = stdin::get_stdin().blocking_read(100);
    assert!(matches!(read, Err(wasi::io::streams::StreamError::Closed)));
    nothing as i64
}

fn print(text: &str, stream: &wasi::io::streams::OutputStream) {
    assert!(stream.check_write().unwrap() > 0);
    stream.subscribe().block();
    stream.blocking_write_and_flush(text.as_bytes()).unwrap();
}
