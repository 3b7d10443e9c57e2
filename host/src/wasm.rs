//! The adapter that turns a WebAssembly component into a [`Transform`](crate::transform::Transform).
//! The only user of wasmtime, which shows in no signature here. Owns the engine and its pool of
//! instances, the audit and compilation of components, the limits of a call and the world that a
//! guest sees. Knows nothing of retries, halving, or whether a result is well formed (see `calls`).
//!
//! Every call runs in a fresh instance with the same limits, the same clock and the same random
//! numbers, so that a result is a function of component, settings and input. Pool slots are reused,
//! instances never are; only [`Reused`], which exists to be compared with that, keeps one.
//!
//! A call runs on its caller's native stack and may take [`STACK_BYTES_MAX`] of it: threads that
//! call need twice that (the default of std's threads, 2 MiB, is enough).
//!
//! [`STACK_BYTES_MAX`]: crate::transform::STACK_BYTES_MAX

mod audit;
mod boundary;
mod cache;
mod component;
mod componentize;
mod engine;
mod error;
mod guest;
mod imports;
mod limits;
mod log;
mod profile;
mod reused;
mod segments;
mod slots;
mod wasi;

pub use audit::Import;
pub use component::Component;
pub use componentize::{WIT, componentize, componentize_wasi};
pub use engine::{Engine, Options};
pub use error::Error;
pub use log::{Level, Sink};
pub use profile::Samples;
pub use reused::Reused;

/// The contract that this host speaks.
pub const CONTRACT: &str = "1.0.0";
