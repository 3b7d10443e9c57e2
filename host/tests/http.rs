//! The server, asked over TCP; and the commands that work through it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "http/appends.rs"]
mod appends;
#[path = "http/cloud_events.rs"]
mod cloud_events;
#[path = "http/commands.rs"]
mod commands;
#[path = "http/full_disk.rs"]
mod full_disk;
#[path = "http/guards.rs"]
mod guards;
#[path = "http/keys.rs"]
mod keys;
#[path = "http/kills.rs"]
mod kills;
#[path = "http/lives.rs"]
mod lives;
#[path = "http/overload.rs"]
mod overload;
#[path = "data/process.rs"]
#[allow(dead_code, reason = "another suite uses the rest")]
mod process;
#[path = "http/proxy.rs"]
mod proxy;
#[path = "http/server.rs"]
mod server;
#[path = "http/stops.rs"]
mod stops;
#[path = "http/streams.rs"]
mod streams;
#[path = "http/views.rs"]
mod views;
