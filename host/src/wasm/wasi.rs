//! A frozen world for guests whose language runtime wants WASI 0.2: a clock that moves only when the
//! guest sleeps, random numbers from a constant seed, no environment, no arguments, no files, an
//! empty stdin, and output that goes to the log. Every call starts in the same world, so nothing
//! here can make a result depend on the machine or the moment.
//!
//! Written by hand because it is small and the usual implementation is an asynchronous runtime that
//! really sleeps. Nothing here waits. What is not answered traps when it is called, naming itself.

mod cli;
mod clocks;
mod io;
mod random;

use super::guest::State;
use clocks::Clock;
use random::Random;
use wasmtime::component::{LinkerInstance, ResourceTable, ResourceType};

pub use cli::Exit;

/// Which world a guest sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wasi {
    Frozen,
    /// The machine's clocks and true randomness: shows that a guest depends on them.
    Live,
}

/// The world of one call.
pub struct World {
    wasi: Wasi,
    clock: Clock,
    random: Random,
    /// The guest's pollables, the only resources with a state.
    table: ResourceTable,
}

/// Pollables that a guest may hold at one time.
const POLLABLES_MAX: usize = 10_000;

impl World {
    pub fn new(wasi: Wasi) -> World {
        let mut table = ResourceTable::new();
        table.set_max_capacity(POLLABLES_MAX);
        World { wasi, clock: Clock::new(wasi), random: Random::new(wasi), table }
    }

    /// The clock and the random numbers of a new call, in an instance that keeps its resources.
    pub fn restart(&mut self) {
        self.clock = Clock::new(self.wasi);
        self.random = Random::new(self.wasi);
    }
}

// Resource types. A stream's number says which it is, see `cli`; no value of the others but
// pollables ever exists.
struct InputStream;
struct OutputStream;
struct IoError;
struct TerminalInput;
struct TerminalOutput;
struct Descriptor;
struct Unanswered;

/// Answers `function` of `interface` (`package:name/interface`, no version).
pub fn function(
    answers: &mut LinkerInstance<'_, State>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<()> {
    let answered = match interface.split_once('/') {
        Some(("wasi:cli", interface)) => cli::function(answers, interface, function)?,
        Some(("wasi:clocks", interface)) => clocks::function(answers, interface, function)?,
        Some(("wasi:io", interface)) => io::function(answers, interface, function)?,
        Some(("wasi:random", interface)) => random::function(answers, interface, function)?,
        Some(("wasi:filesystem", "preopens")) if function == "get-directories" => {
            answers.func_wrap(function, |_, (): ()| {
                Ok((Vec::<(wasmtime::component::Resource<Descriptor>, String)>::new(),))
            })?;
            true
        }
        _ => false,
    };
    if answered {
        return Ok(());
    }
    let name = format!("{interface} {function}");
    answers.func_new(function, move |_, _, _, _| Err(Exit::unanswered(&name).into()))
}

/// Gives a resource its type, by its name: an interface that uses another's resource has it under
/// the same name.
pub fn resource(answers: &mut LinkerInstance<'_, State>, name: &str) -> wasmtime::Result<()> {
    let ty = match name {
        "pollable" => ResourceType::host::<io::Pollable>(),
        "input-stream" => ResourceType::host::<InputStream>(),
        "output-stream" => ResourceType::host::<OutputStream>(),
        "error" => ResourceType::host::<IoError>(),
        "terminal-input" => ResourceType::host::<TerminalInput>(),
        "terminal-output" => ResourceType::host::<TerminalOutput>(),
        "descriptor" => ResourceType::host::<Descriptor>(),
        _ => ResourceType::host::<Unanswered>(),
    };
    let pollable = name == "pollable";
    answers.resource(
        name,
        ty,
        move |mut store, number| {
            if pollable { io::drop_pollable(&mut store, number) } else { Ok(()) }
        },
    )
}
