//! The durable log, against the one in memory and a straight loop; the catalog and the runs of views,
//! when bits flip and power is lost.
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
#[path = "store/living.rs"]
mod living;
#[path = "store/lossy.rs"]
mod lossy;
#[path = "store/model.rs"]
mod model;
#[allow(dead_code)]
#[path = "check/native.rs"]
mod native;
#[path = "store/power.rs"]
mod power;
#[path = "store/repair.rs"]
mod repair;
#[path = "store/run.rs"]
mod run;
#[path = "store/runs.rs"]
mod runs;
#[allow(dead_code)]
#[path = "views/stage.rs"]
mod stage;
#[path = "store/straight.rs"]
mod straight;
