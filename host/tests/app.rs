//! The running host in this process: producers that retry, readers that scan, runs of every kind and
//! restarts, all at the same time. Every answer names its offsets, and is what a straight loop over exactly
//! these events says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "app/deploys.rs"]
mod deploys;
#[path = "store/events.rs"]
#[allow(dead_code, reason = "the tests of the store use more of it")]
mod events;
#[path = "app/lives.rs"]
mod lives;
#[path = "store/lossy.rs"]
#[allow(dead_code, reason = "the tests of the store use more of it")]
mod lossy;
#[path = "app/no_room.rs"]
mod no_room;
#[path = "app/power.rs"]
mod power;
#[path = "app/stage.rs"]
mod stage;
