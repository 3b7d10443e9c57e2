//! One instance of a component and the calls into it: starting it, bounding it, and naming what
//! went wrong.

use super::boundary::Weight;
use super::limits::{Memory, NoMemory};
use super::log::{CallLog, bounded};
use super::profile::{self, Samples};
use super::slots::Slot;
use super::wasi;
use crate::transform::{Fault, STACK_BYTES_MAX};
use std::sync::Arc;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

/// What the host keeps for one instance.
pub struct State {
    /// Given back with the instance.
    pub _slot: Slot,
    pub settings: Arc<str>,
    pub log: CallLog,
    pub world: wasi::World,
    pub memory: Memory,
    pub samples: Option<Arc<Samples>>,
}

/// A live instance.
pub struct Guest {
    store: Store<State>,
    instance: Instance,
    /// What the call in progress was given.
    fuel: u64,
}

impl Guest {
    /// A fresh instance with the fuel of its first call, of which starting it is a part.
    pub fn start(pre: &InstancePre<State>, state: State, fuel: u64) -> Result<Guest, Fault> {
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(store.data().memory.lift_bytes_max());
        store.set_fuel(fuel).map_err(host)?;
        if let Some(samples) = store.data_mut().samples.take() {
            profile::watch(&mut store, samples);
        }
        match pre.instantiate(&mut store) {
            Ok(instance) => Ok(Guest { store, instance, fuel }),
            Err(error) => Err(fault(&mut store, fuel, &error).unwrap_or_else(|| host(error))),
        }
    }

    /// Makes a used instance ready for another call: the same fuel, clock and random numbers as a
    /// fresh one. Its memory is all that it keeps.
    pub fn restart(&mut self, fuel: u64) -> Result<(), Fault> {
        self.fuel = fuel;
        self.store.set_fuel(fuel).map_err(host)?;
        let state = self.store.data_mut();
        state.log.restart();
        state.world.restart();
        state.memory.restart();
        Ok(())
    }

    /// Whether the function is there with this type.
    pub fn check<P, R>(&mut self, function: &ComponentExportIndex) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lower,
        R: Lift,
    {
        self.instance.get_typed_func::<P, (Result<R, String>,)>(&mut self.store, function).map(|_| ())
    }

    pub fn call<P, R>(&mut self, function: &ComponentExportIndex, parameters: P) -> Result<R, Fault>
    where
        P: ComponentNamedList + Lower,
        R: Lift + Weight,
    {
        let function = self
            .instance
            .get_typed_func::<P, (Result<R, String>,)>(&mut self.store, function)
            .map_err(host)?;
        let returned = function.call(&mut self.store, parameters);
        match returned {
            Ok((Ok(result),)) => {
                self.store.data_mut().log.finish();
                let bytes = result.weight() as u64;
                let limit_bytes = self.store.data().memory.limits().result_bytes;
                if bytes <= limit_bytes { Ok(result) } else { Err(Fault::ResultSize { bytes, limit_bytes }) }
            }
            Ok((Err(text),)) => {
                self.store.data_mut().log.finish();
                Err(Fault::Failed(bounded(&text).to_owned()))
            }
            // What is neither a trap nor the host's was found while lifting what the guest gave.
            Err(error) => Err(fault(&mut self.store, self.fuel, &error)
                .unwrap_or_else(|| Fault::Malformed(bounded(&error.root_cause().to_string()).to_owned()))),
        }
    }

    /// Of its linear memories.
    pub fn memory_bytes(&self) -> u64 {
        self.store.data().memory.bytes()
    }

    /// Fuel that the call took.
    pub fn fuel_used(&self) -> u64 {
        self.fuel.saturating_sub(self.store.get_fuel().unwrap_or(self.fuel))
    }
}

fn host(error: wasmtime::Error) -> Fault {
    Fault::Host(format!("{error:#}"))
}

/// The fault that an error means wherever it happened; none if that depends on where.
fn fault(store: &mut Store<State>, fuel: u64, error: &wasmtime::Error) -> Option<Fault> {
    let state = store.data_mut();
    state.log.finish();
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        state.log.backtrace(backtrace.frames().iter().filter_map(|frame| frame.func_name()));
    }
    if error.is::<NoMemory>() || error.is::<PoolConcurrencyLimitError>() {
        return Some(Fault::Host(format!("{error:#}")));
    }
    if let Some(exit) = error.downcast_ref::<wasi::Exit>() {
        return Some(trapped(&exit.to_string(), &state.log));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Some(Fault::Fuel { limit: fuel }),
        Some(Trap::StackOverflow) => Some(Fault::Stack { limit_bytes: STACK_BYTES_MAX }),
        // A guest that is refused memory and cannot go on aborts, which shows as any trap.
        _ if state.memory.denied() => Some(Fault::Memory { limit_bytes: state.memory.limits().memory_bytes }),
        Some(trap) => {
            let cause = trap.to_string();
            Some(trapped(cause.strip_prefix("wasm trap: ").unwrap_or(&cause), &state.log))
        }
        // wasmtime does not export this error's type.
        None if error.root_cause().to_string().contains("fuel allocated for hostcalls") => {
            let limit_bytes = state.memory.limits().result_bytes;
            Some(Fault::ResultSize { bytes: state.memory.lift_bytes_max() as u64, limit_bytes })
        }
        None => None,
    }
}

fn trapped(cause: &str, log: &CallLog) -> Fault {
    Fault::Trap(match log.last_words() {
        Some(words) => bounded(&format!("{cause}: {words}")).to_owned(),
        None => cause.to_owned(),
    })
}
