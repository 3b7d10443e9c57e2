//! Bifocal: one transform, two executors, one answer.
//!
//! Modules are listed in layers; each uses only those above it. Values decide, adapters do I/O,
//! activities are plain synchronous steps, and the command line puts them together.
#![deny(unsafe_code)]

// Values.
pub mod digest;
pub mod offset;
pub mod time;
pub mod event;
pub mod description;
pub mod column;
pub mod stripe;
pub mod key;
pub mod cell;
pub mod tally;
pub mod certificate;
pub mod settings;
pub mod limits;
pub mod transform;

// Adapters.
pub mod wasm;
pub mod extract;
pub mod log;
pub mod store;
pub mod arrivals;
pub mod rows;
pub mod input;

// Activities.
pub mod calls;
pub mod table;
pub mod merge;
pub mod pool;
pub mod half;
pub mod batch;
pub mod speed;
pub mod parts;
pub mod deltas;
pub mod near;
pub mod certify;
pub mod refold;
pub mod exchange;
pub mod reconcile;
pub mod witness;
pub mod renewal;
pub mod drill;
pub mod run;
pub mod verify;
pub mod serving;
pub mod check;
pub mod change;
pub mod deploy;

// Composition.
pub mod app;

// Edge.
pub mod http;

// The command line.
pub mod cli;
