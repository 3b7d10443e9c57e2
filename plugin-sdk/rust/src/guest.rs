//! The component's side of the boundary, on WebAssembly only: bindings generated from the WIT, and
//! every [`Plugin`](crate::Plugin) as the world that they name. Values are moved, never copied.

use crate::log::Level;
use crate::plugin::{CellColumns, Events, Plugin};
use crate::{column, description, value};
use bindings::bifocal::transform::host;
use bindings::exports::bifocal::transform::transform as wire;

/// Generated from `wit/transform.wit`.
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "plugin",
        pub_export_macro: true,
        default_bindings_module: "bifocal_sdk::guest::bindings",
        runtime_path: "bifocal_sdk::guest::wit_bindgen::rt",
    });
}

pub use wit_bindgen;

pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Trace => host::Level::Trace,
        Level::Debug => host::Level::Debug,
        Level::Info => host::Level::Info,
        Level::Warn => host::Level::Warn,
        Level::Error => host::Level::Error,
    };
    host::log(level, message);
}

/// A trap carries no text: the message and the place of a panic go to the log before it.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
}

/// A [`Plugin`] that can be named by its type alone.
pub trait Exported {
    const PLUGIN: &'static dyn Plugin;
}

impl<T: Exported> wire::Guest for T {
    fn describe() -> Result<wire::Description, String> {
        report_panics();
        T::PLUGIN.describe(&host::settings()).map(to_description)
    }

    fn fold(events: wire::Events) -> Result<wire::Folded, String> {
        report_panics();
        let settings = if T::PLUGIN.has_settings() { host::settings() } else { String::new() };
        let events =
            Events { times: events.times, columns: events.columns.into_iter().map(from_column).collect() };
        let folded = T::PLUGIN.fold(&settings, &events)?;
        let rejection = |rejection: crate::plugin::Rejection| wire::Rejection {
            row: rejection.row,
            reason: rejection.reason,
        };
        Ok(wire::Folded {
            cells: to_cells(folded.cells),
            rejected: folded.rejected.into_iter().map(rejection).collect(),
        })
    }

    fn merge(left: wire::Blobs, right: wire::Blobs) -> Result<wire::Blobs, String> {
        report_panics();
        T::PLUGIN.merge(&from_blobs(left), &from_blobs(right)).map(to_blobs)
    }

    fn present(
        keys: Vec<wire::Column>,
        windows: Vec<u8>,
        states: wire::Blobs,
    ) -> Result<Vec<wire::Column>, String> {
        report_panics();
        let keys: Vec<column::Column> = keys.into_iter().map(from_column).collect();
        let columns = T::PLUGIN.present(&keys, &windows, &from_blobs(states))?;
        Ok(columns.into_iter().map(to_column).collect())
    }
}

fn from_blobs(blobs: wire::Blobs) -> column::Blobs {
    column::Blobs { ends: blobs.ends, bytes: blobs.bytes }
}

fn to_blobs(blobs: column::Blobs) -> wire::Blobs {
    wire::Blobs { ends: blobs.ends, bytes: blobs.bytes }
}

fn from_column(column: wire::Column) -> column::Column {
    column::Column { fixed: column.fixed, heap: from_blobs(column.heap), validity: column.validity }
}

fn to_column(column: column::Column) -> wire::Column {
    wire::Column { fixed: column.fixed, heap: to_blobs(column.heap), validity: column.validity }
}

fn to_cells(cells: CellColumns) -> wire::Cells {
    wire::Cells {
        keys: cells.keys.into_iter().map(to_column).collect(),
        windows: cells.windows,
        states: to_blobs(cells.states),
    }
}

fn to_kind(kind: value::Kind) -> wire::Kind {
    match kind {
        value::Kind::Boolean => wire::Kind::Boolean,
        value::Kind::Integer => wire::Kind::Integer,
        value::Kind::Float => wire::Kind::Float,
        value::Kind::Text => wire::Kind::Text,
        value::Kind::Binary => wire::Kind::Binary,
        value::Kind::Timestamp => wire::Kind::Timestamp,
        value::Kind::Decimal(digits) => wire::Kind::Decimal(digits),
        value::Kind::Json => wire::Kind::Json,
    }
}

fn to_fields(fields: Vec<description::Field>) -> Vec<wire::Field> {
    let field = |field: description::Field| wire::Field {
        name: field.name,
        path: field.path,
        kind: to_kind(field.kind),
        required: field.required,
    };
    fields.into_iter().map(field).collect()
}

fn to_description(description: description::Description) -> wire::Description {
    let window = |window: description::Window| wire::Window {
        size_ms: window.size_ms as u64,
        slide_ms: window.slide_ms as u64,
    };
    wire::Description {
        name: description.name,
        summary: description.summary,
        inputs: to_fields(description.inputs),
        keys: to_fields(description.keys),
        outputs: to_fields(description.outputs),
        only: description.only.map(|only| wire::Filter { path: only.path, one_of: only.one_of }),
        window: description.window.map(window),
        order: match description.order {
            description::Order::None => wire::Order::None,
            description::Order::Log => wire::Order::Log,
        },
        initial: description.initial,
        annotations: description.annotations,
    }
}
