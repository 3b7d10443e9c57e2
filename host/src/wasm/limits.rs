//! What one call may take of the host: memory over all its linear memories, table elements, bytes
//! of its result, and host calls, which are paid for in fuel.

use super::engine::TABLE_ELEMENTS_MAX;
use crate::limits::Limits;
use wasmtime::{ResourceLimiter, StoreContextMut, Trap};

/// Fuel of one call of the host, beside one a byte that it handles: about what such a call takes in
/// guest instructions. Without a price a guest could keep the host busy for next to nothing.
const FUEL_PER_HOST_CALL: u64 = 500;

/// Takes the price of a host call that handles `bytes` bytes.
pub fn charge<T: 'static>(store: &mut StoreContextMut<'_, T>, bytes: usize) -> wasmtime::Result<()> {
    let left = store.get_fuel()?.checked_sub(FUEL_PER_HOST_CALL.saturating_add(bytes as u64));
    store.set_fuel(left.unwrap_or(0))?;
    if left.is_none() { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
}

/// The machine, not the limit, refused memory.
#[derive(Debug, thiserror::Error)]
#[error("memory could not be had from the system: {0}")]
pub struct NoMemory(String);

/// Counts and bounds the memory of one instance.
pub struct Memory {
    limits: Limits,
    bytes: u64,
    /// Growth was refused. A guest may cope; if it traps later, this is why.
    denied: bool,
}

impl Memory {
    pub fn of(limits: Limits) -> Memory {
        Memory { limits, bytes: 0, denied: false }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Bytes that the host may gather while it reads one result, or one argument of a host call. A
    /// result is at most three times as large here as in the canonical ABI (records of vectors), so
    /// whatever the limit on results allows fits.
    pub fn lift_bytes_max(&self) -> usize {
        usize::try_from(self.limits.result_bytes.saturating_mul(3)).unwrap_or(usize::MAX)
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn denied(&self) -> bool {
        self.denied
    }

    pub fn restart(&mut self) {
        self.denied = false;
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current) as u64);
        if bytes > self.limits.memory_bytes {
            self.denied = true;
            return Ok(false);
        }
        // Beyond what the module itself declared: no limit of ours.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.bytes = bytes;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // What the limits allow the machine refused. That must not turn into a verdict on an event,
        // so the call ends here.
        Err(NoMemory(error.to_string()).into())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX && maximum.is_none_or(|maximum| desired <= maximum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = Limits::DEFAULT.memory_bytes as usize;

    #[test]
    fn memory_is_bounded_over_all_memories_of_an_instance() {
        let mut memory = Memory::of(Limits::DEFAULT);
        assert!(memory.memory_growing(0, LIMIT / 2, None).unwrap());
        assert!(memory.memory_growing(0, LIMIT / 4, None).unwrap());
        assert!(memory.memory_growing(LIMIT / 4, LIMIT / 2, None).unwrap());
        assert!(!memory.denied());
        assert!(!memory.memory_growing(LIMIT / 2, LIMIT / 2 + 1, None).unwrap());
        assert!(memory.denied());
    }

    #[test]
    fn what_a_module_forbids_itself_is_no_denial_of_ours() {
        let mut memory = Memory::of(Limits::DEFAULT);
        assert!(!memory.memory_growing(0, 2 << 16, Some(1 << 16)).unwrap());
        assert!(!memory.denied());
        assert!(memory.memory_growing(0, LIMIT, None).unwrap(), "what was refused is not counted");
    }

    #[test]
    fn a_refusal_by_the_machine_is_no_denial_of_ours() {
        let mut memory = Memory::of(Limits::DEFAULT);
        let error = memory.memory_grow_failed(wasmtime::Error::msg("no room")).unwrap_err();
        assert!(error.is::<NoMemory>());
        assert!(!memory.denied());
    }

    #[test]
    fn tables_are_bounded() {
        let mut memory = Memory::of(Limits::DEFAULT);
        assert!(memory.table_growing(0, TABLE_ELEMENTS_MAX, None).unwrap());
        assert!(!memory.table_growing(0, TABLE_ELEMENTS_MAX + 1, None).unwrap());
        assert!(!memory.table_growing(0, 2, Some(1)).unwrap());
    }
}
