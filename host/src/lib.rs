//! Bifocal: one transform, two executors, one answer.
//!
//! Modules are listed in layers; each uses only those above it. Values decide, adapters do I/O,
//! activities are plain synchronous steps, and the command line puts them together.
#![deny(unsafe_code)]

// Values.
pub mod digest;
pub mod offset;
pub mod event;
pub mod description;
pub mod column;
pub mod key;
pub mod transform;

// Activities.
pub mod calls;
pub mod pool;
pub mod table;
pub mod half;
pub mod batch;
pub mod speed;
pub mod certificate;
pub mod reconcile;
pub mod drill;
pub mod run;
