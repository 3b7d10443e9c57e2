//! Where guests spend their time: a clock looks, a thousand times a second, at the functions that a guest
//! is in. For authors; an engine that is looked at runs other code than one that answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wasmtime::{EngineWeak, Store, UpdateDeadline, WasmBacktrace};

/// Between two looks.
const TICK: Duration = Duration::from_millis(1);
/// Of a deep stack the innermost are kept.
pub(super) const FRAMES_MAX: usize = 256;

/// Stacks of functions, outermost first, and how often each was seen.
#[derive(Debug, Default)]
pub struct Samples(Mutex<BTreeMap<String, u64>>);

impl Samples {
    /// A line for each stack: functions apart by `;`, then a space and the number of looks.
    pub fn folded(&self) -> String {
        let mut out = String::new();
        for (stack, looks) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(out, "{stack} {looks}");
        }
        out
    }

    pub fn looks(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn see(&self, backtrace: &WasmBacktrace) {
        let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
            Some(name) => name.replace([';', '\n'], ","),
            None => format!("function {}", frame.func_index()),
        };
        let names: Vec<String> = backtrace.frames().iter().rev().map(name).collect();
        if !names.is_empty() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(names.join(";")).or_default() += 1;
        }
    }
}

/// Makes the engine's epoch the clock, for as long as the engine lives.
pub(super) fn tick(engine: EngineWeak) {
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
}

/// Has what runs in `store` looked at.
pub(super) fn watch<T>(store: &mut Store<T>, samples: std::sync::Arc<Samples>) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |store| {
        samples.see(&WasmBacktrace::force_capture(store));
        Ok(UpdateDeadline::Continue(1))
    });
}
