//! wasi:clocks: time that stands still but for sleeping. `wall-clock` and `monotonic-clock` move
//! together.

// For the derive of `Datetime`, see `boundary`.
#![allow(unsafe_code)]

use super::super::guest::State;
use super::super::limits::charge;
use super::Wasi;
use super::io::Pollable;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource};

/// Where the frozen wall clock starts: 2000-01-01T00:00Z.
const WALL_START_S: u64 = 946_684_800;
/// Where the frozen monotonic clock starts. Not at 0, which some runtimes take for "no clock".
const MONOTONIC_START_NS: u64 = NS_PER_S;
const NS_PER_S: u64 = 1_000_000_000;
/// What both clocks say of themselves.
const RESOLUTION_NS: u64 = 1;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

pub struct Clock {
    /// Sum of all sleeps.
    slept_ns: u64,
    /// The machine's clocks, if the world is live.
    live: Option<Instant>,
}

impl Clock {
    pub fn new(wasi: Wasi) -> Clock {
        Clock { slept_ns: 0, live: (wasi == Wasi::Live).then(Instant::now) }
    }

    pub fn monotonic_ns(&self) -> u64 {
        let passed = self.live.map_or(0, |start| start.elapsed().as_nanos() as u64);
        MONOTONIC_START_NS.saturating_add(passed).saturating_add(self.slept_ns)
    }

    fn wall(&self) -> Datetime {
        let start_ns = match self.live {
            None => u128::from(WALL_START_S) * u128::from(NS_PER_S),
            Some(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos()),
        };
        let now_ns = start_ns + u128::from(self.slept_ns);
        Datetime {
            seconds: (now_ns / u128::from(NS_PER_S)) as u64,
            nanoseconds: (now_ns % u128::from(NS_PER_S)) as u32,
        }
    }

    /// Time passes at once.
    pub fn sleep_until(&mut self, monotonic_ns: u64) {
        let remaining = monotonic_ns.saturating_sub(self.monotonic_ns());
        self.slept_ns = self.slept_ns.saturating_add(remaining);
    }
}

pub fn function(
    answers: &mut LinkerInstance<'_, State>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("wall-clock", "now") => answers.func_wrap(function, |mut store, (): ()| {
            charge(&mut store, 0)?;
            Ok((store.data().world.clock.wall(),))
        })?,
        ("wall-clock", "resolution") => answers.func_wrap(function, |_, (): ()| {
            Ok((Datetime { seconds: 0, nanoseconds: RESOLUTION_NS as u32 },))
        })?,
        ("monotonic-clock", "now") => answers.func_wrap(function, |mut store, (): ()| {
            charge(&mut store, 0)?;
            Ok((store.data().world.clock.monotonic_ns(),))
        })?,
        ("monotonic-clock", "resolution") => {
            answers.func_wrap(function, |_, (): ()| Ok((RESOLUTION_NS,)))?;
        }
        ("monotonic-clock", "subscribe-instant") => {
            answers.func_wrap(function, |store, (at_ns,): (u64,)| subscribe(store, at_ns))?;
        }
        ("monotonic-clock", "subscribe-duration") => {
            answers.func_wrap(function, |store: StoreContextMut<'_, State>, (for_ns,): (u64,)| {
                let at_ns = store.data().world.clock.monotonic_ns().saturating_add(for_ns);
                subscribe(store, at_ns)
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn subscribe(mut store: StoreContextMut<'_, State>, at_ns: u64) -> wasmtime::Result<(Resource<Pollable>,)> {
    charge(&mut store, 0)?;
    Ok((Pollable::at(&mut store, at_ns)?,))
}
