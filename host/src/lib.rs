//! Bifocal: one transform, two executors, one answer.
//!
//! Modules are listed in layers; each uses only those above it. Values decide, adapters do I/O,
//! activities are plain synchronous steps, and the command line puts them together.
#![deny(unsafe_code)]

// Values.
pub mod column;
pub mod description;
pub mod digest;
pub mod event;
pub mod extract;
pub mod key;
pub mod log;
pub mod offset;
pub mod rows;
pub mod transform;

// Activities.
pub mod batch;
pub mod calls;
pub mod certificate;
pub mod drill;
pub mod half;
pub mod pool;
pub mod reconcile;
pub mod run;
pub mod check;
pub mod speed;
pub mod table;
