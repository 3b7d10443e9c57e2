//! Write Bifocal transforms in Rust.
//!
//! A *transform* is business logic that a Bifocal host runs twice over one log of events: on each event
//! moments after it is durable, and again over the whole log, to the same bytes. An author says what
//! an event looks like, what cells are keyed by, what a cell holds, and what one event does:
//!
//! ```
//! use bifocal_sdk::*;
//!
//! #[derive(Event)] struct Order<'a> { merchant_id: Text<'a>, currency: Text<'a>, amount: Decimal<2>, status: &'a str }
//! #[derive(Key)]   struct Merchant<'a> { merchant_id: Text<'a>, currency: Text<'a> }
//! #[derive(State)] struct Revenue { amount: Sum<Decimal<2>>, orders: Count, largest: Max<Decimal<2>> }
//!
//! #[transform(window = "1h")]
//! fn revenue(order: Order, out: &mut Cells<Merchant, Revenue>) -> Result<(), Reject> {
//!     if order.status == "completed" {
//!         let cell = out.cell(Merchant { merchant_id: order.merchant_id, currency: order.currency });
//!         cell.amount.add(order.amount);
//!         cell.orders.add(1);
//!         cell.largest.see(order.amount);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! That is all. `#[transform]` documents windows, settings and outputs; [`Event`], [`Key`],
//! [`state`] and [`Output`] say what fields may be.
//!
//! # To a component
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"]   # the component; and a library for tests
//! ```
//!
//! Compiled for `wasm32-unknown-unknown` the crate is a core module that holds its own description of
//! the world `bifocal:transform/plugin`, and imports nothing but `bifocal:transform/host`; `bifocal
//! build` makes it a component. Natively the same code is a [`Plugin`], for tests and a debugger:
//!
//! ```
//! # use bifocal_sdk::*;
//! # #[derive(Event)] struct Order<'a> { merchant_id: Text<'a>, currency: Text<'a>, amount: Decimal<2>, status: &'a str }
//! # #[derive(Key)]   struct Merchant<'a> { merchant_id: Text<'a>, currency: Text<'a> }
//! # #[derive(State)] struct Revenue { amount: Sum<Decimal<2>>, orders: Count, largest: Max<Decimal<2>> }
//! # #[transform(window = "1h")]
//! # fn revenue(order: Order, out: &mut Cells<Merchant, Revenue>) -> Result<(), Reject> {
//! #     if order.status == "completed" {
//! #         let cell = out.cell(Merchant { merchant_id: order.merchant_id, currency: order.currency });
//! #         cell.amount.add(order.amount);
//! #         cell.orders.add(1);
//! #         cell.largest.see(order.amount);
//! #     }
//! #     Ok(())
//! # }
//! let mut bench = testing::Bench::new(revenue()).unwrap().time("ts").unwrap();
//! bench.append(r#"{"ts":"2026-11-20T21:04:00Z","merchant_id":"m-17","currency":"EUR","amount":12.50,"status":"completed"}"#);
//! bench.append(r#"{"ts":"2026-11-20T21:41:07Z","merchant_id":"m-17","currency":"EUR","amount":"3.10","status":"completed"}"#);
//! assert_eq!(
//!     bench.rows().unwrap(),
//!     [r#"{"merchant_id":"m-17","currency":"EUR","window":"2026-11-20T21:00:00Z","amount":15.60,"orders":2,"largest":12.50}"#]
//! );
//! ```
//!
//! # What a transform must not do
//!
//! A function of the event and the settings alone: no clock, randomness, environment or memory of an
//! earlier event. What it adds to a state must not depend on what the state holds; logic that needs
//! its events one after the other is a machine in `Ordered`. A host checks this (`bifocal check`).

extern crate self as bifocal_sdk;

pub mod value;

mod table;

pub mod column;
pub mod description;
pub mod event;
pub mod key;
pub mod log;
pub mod output;
pub mod plugin;
pub mod reject;
pub mod settings;
pub mod state;

pub mod cells;
pub mod run;

#[cfg(target_family = "wasm")]
pub mod guest;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[doc(hidden)]
pub use serde;

pub use bifocal_sdk_derive::{Codec, Event, Key, Output, Settings, State, transform};
pub use cells::Cells;
pub use column::Text;
pub use description::Window;
pub use event::Event;
pub use key::Key;
pub use output::Output;
pub use plugin::{Events, Plugin};
pub use reject::Reject;
pub use state::*;
pub use value::*;

/// Exports a plugin from a component; natively nothing, since the glue links on WebAssembly only.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ident) => {};
}

/// Exports a plugin from a component.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ident) => {
        impl $crate::guest::Exported for $plugin {
            const PLUGIN: &'static dyn $crate::Plugin = &$plugin;
        }
        $crate::guest::bindings::export!($plugin with_types_in $crate::guest::bindings);
    };
}
