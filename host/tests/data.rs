//! The commands that work on a data directory, from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "data/appends.rs"]
mod appends;
#[path = "data/doctor.rs"]
mod doctor;
#[path = "data/exchange.rs"]
mod exchange;
#[path = "data/kills.rs"]
mod kills;
#[path = "data/logs.rs"]
mod logs;
#[path = "data/process.rs"]
mod process;
#[path = "data/streams.rs"]
mod streams;
#[path = "data/views.rs"]
mod views;
