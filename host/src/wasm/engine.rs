//! The engine: how code is compiled and where instances live. One a process is enough.

use super::profile::{self, Samples};
use super::{Error, Level, Sink, cache::Cache, slots::Slots};
use crate::limits::MEMORY_BYTES_CEILING;
use crate::transform::STACK_BYTES_MAX;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{Config, Enabled, Inlining, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Room for 32-bit addressing: with less than this reserved for a memory, every access is checked
/// against a bound at run time (30 to 55 % slower as measured).
const MEMORY_RESERVATION_BYTES: u64 = 4 << 30;
/// Memory of a freed slot that stays mapped and is cleared by the next instance instead of being
/// unmapped: the working set of a chunk of 64 k rows, in Go too. Less means page faults (half the speed at
/// 1 MiB or none), more only means a larger process.
const KEEP_RESIDENT_BYTES: usize = 8 << 20;
/// Tables of runtimes stay mapped too: SpiderMonkey's has some ten thousand elements.
const TABLE_KEEP_RESIDENT_BYTES: usize = 128 << 10;

/// Most of each that one component may have. Rust, C and Go need one memory, one table and two
/// to four core instances; a Python component, which is linked of dozens of shared libraries, needs
/// some hundred instances.
const CORE_INSTANCES_PER_COMPONENT: u32 = 256;
const MEMORIES_PER_COMPONENT: u32 = 4;
const TABLES_PER_COMPONENT: u32 = 16;
/// Elements of one table.
pub(super) const TABLE_ELEMENTS_MAX: usize = 100_000;
/// The host's bookkeeping for one (core) instance, which grows with what the module declares.
const INSTANCE_BOOKKEEPING_BYTES: usize = 8 << 20;

/// Calls are short: who waits longer waits for something that does not end.
pub const WAIT: Duration = Duration::from_secs(60);

/// Instances that have given their room away and are still being taken down.
const INSTANCES_LEAVING: u32 = 8;

/// Functions of a backtrace that are shown.
const BACKTRACE_FRAMES_MAX: usize = 24;

/// What a process chooses about its engine.
#[derive(Clone)]
pub struct Options {
    /// Where compiled code is kept between processes; none: every load compiles.
    pub cache: Option<PathBuf>,
    /// Instances alive at one time: threads that call, and long-lived instances. Who needs one more waits
    /// as long as `wait`.
    pub instances_max: u32,
    /// For an instance of somebody else to end, where there is no room for one more.
    pub wait: Duration,
    /// Where guests' log lines and the engine's own warnings go.
    pub log: Sink,
    /// For authors: where in their code a guest was when it trapped is logged, as an error.
    pub backtraces: bool,
    /// For authors: gathers where guests spend their time.
    pub samples: Option<Arc<Samples>>,
}

impl Default for Options {
    /// No cache, no log, 16 instances, a wait of a minute.
    fn default() -> Options {
        Options {
            cache: None,
            instances_max: 16,
            wait: WAIT,
            log: Arc::new(|_: Level, _: &str, _: &str| {}),
            backtraces: false,
            samples: None,
        }
    }
}

/// Compiles components and gives their instances room. Cheap to clone: clones share everything.
#[derive(Clone)]
pub struct Engine {
    pub(super) wasmtime: wasmtime::Engine,
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) log: Sink,
    pub(super) slots: Arc<Slots>,
    pub(super) samples: Option<Arc<Samples>>,
}

impl Engine {
    /// Reserves the address space of the pool (no memory yet).
    pub fn new(options: Options) -> Result<Engine, Error> {
        let room = options.instances_max.max(1).saturating_add(INSTANCES_LEAVING);
        let wasmtime = wasmtime::Engine::new(&config(room, &options))
            .map_err(|error| Error::Engine(format!("{error:#}")))?;
        if options.samples.is_some() {
            profile::tick(wasmtime.weak());
        }
        let cache = options.cache.map(|directory| Arc::new(Cache::new(directory)));
        let slots = Arc::new(Slots::new(options.instances_max.max(1), options.wait));
        Ok(Engine { wasmtime, cache, log: options.log, slots, samples: options.samples })
    }

    /// The same, whose guests log elsewhere.
    pub fn logging(&self, log: Sink) -> Engine {
        Engine { log, ..self.clone() }
    }

    /// Where guests log.
    pub fn log(&self) -> Sink {
        self.log.clone()
    }
}

fn config(instances_max: u32, options: &Options) -> Config {
    let frames = if options.samples.is_some() { profile::FRAMES_MAX } else { BACKTRACE_FRAMES_MAX };
    let frames = NonZeroUsize::new(frames).filter(|_| options.backtraces || options.samples.is_some());
    let mut config = Config::new();
    config
        // Fuel bounds every call, and the same input always takes the same fuel. Epochs would bound
        // wall time, which differs from machine to machine and so may never decide a verdict; they
        // would cost 4 to 12 % on top.
        .consume_fuel(true)
        .epoch_interruption(options.samples.is_some())
        // The same bits on every machine. (Threads are not compiled into this wasmtime.)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .concurrency_support(false)
        .max_wasm_stack(usize::try_from(STACK_BYTES_MAX).unwrap_or(usize::MAX))
        .memory_reservation(MEMORY_RESERVATION_BYTES)
        .memory_init_cow(true)
        .signals_based_traps(true)
        // Nothing was gained on a Rust guest, and an interpreter of 18 MB compiles in half the time.
        .compiler_inlining(Inlining::No)
        // A verdict names the trap and the guest's own last words. A backtrace costs time in every
        // failing call and differs with the compiler's inlining: it is for authors, and never in a verdict.
        .wasm_backtrace_max_frames(frames)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances_max)));
    config
}

fn pool(instances_max: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances_max)
        .total_core_instances(instances_max.saturating_mul(CORE_INSTANCES_PER_COMPONENT))
        .total_memories(instances_max.saturating_mul(MEMORIES_PER_COMPONENT))
        .total_tables(instances_max.saturating_mul(TABLES_PER_COMPONENT))
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_tables_per_component(TABLES_PER_COMPONENT)
        .max_memories_per_module(MEMORIES_PER_COMPONENT)
        .max_tables_per_module(TABLES_PER_COMPONENT)
        .max_component_instance_size(INSTANCE_BOOKKEEPING_BYTES)
        .max_core_instance_size(INSTANCE_BOOKKEEPING_BYTES)
        .max_memory_size(usize::try_from(MEMORY_BYTES_CEILING).unwrap_or(usize::MAX))
        .table_elements(TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(TABLE_KEEP_RESIDENT_BYTES)
        // Where the kernel can tell which pages were written, only those are cleared: 22 us a call
        // in place of 56.
        .pagemap_scan(Enabled::Auto);
    pool
}
