//! The durable log, against the one in memory and a straight loop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "store/append.rs"]
mod append;
#[path = "store/catalog.rs"]
mod catalog;
#[path = "store/columns.rs"]
mod columns;
#[path = "store/damage.rs"]
mod damage;
#[path = "store/events.rs"]
mod events;
#[path = "store/lossy.rs"]
mod lossy;
#[path = "store/power.rs"]
mod power;
#[path = "store/repair.rs"]
mod repair;
