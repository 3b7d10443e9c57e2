//! Bifocal: one transform, two executors, one answer.
//!
//! Modules are listed in layers; each uses only those above it. Values decide, adapters do I/O,
//! activities are plain synchronous steps, and the command line puts them together.
#![deny(unsafe_code)]

// values
pub mod column;
pub mod description;
pub mod digest;
pub mod event;
pub mod offset;
pub mod transform;

// adapters
pub mod wasm;
