//! Views on disk: what is written is read or found to be damaged, and a run that ends on the disk says
//! what a run in memory says, however it is cut, spilled or patched.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[allow(dead_code)]
#[path = "check/native.rs"]
mod native;
#[path = "views/damage.rs"]
mod damage;
#[path = "views/exchange.rs"]
mod exchange;
#[path = "views/files.rs"]
mod files;
#[path = "views/merges.rs"]
mod merges;
#[path = "views/runs.rs"]
mod runs;
#[path = "views/stage.rs"]
mod stage;
