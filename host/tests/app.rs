//! The running host in this process: producers that retry, readers that scan, runs of every kind and
//! restarts, all at the same time. Every answer names its offsets, and is what a straight loop over exactly
//! these events says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "app/deploys.rs"]
mod deploys;
#[path = "app/lives.rs"]
mod lives;
#[path = "app/stage.rs"]
mod stage;
