//! A plugin linked natively, called as a component would be: the second witness. Unmetered, and its
//! panics are traps.

use bifocal::column::{Blobs, Column};
use bifocal::description::{Description, Field, Filter, Kind, Order, Window};
use bifocal::digest::Digest;
use bifocal::limits::Limits;
use bifocal::transform::{Cells, Events, Fault, Folded, Rejection, Transform};
use bifocal_sdk::{Plugin, column as sdk, description as said};
use std::panic::{AssertUnwindSafe, catch_unwind};

pub struct Native {
    plugin: &'static dyn Plugin,
    settings: &'static str,
    description: Description,
}

impl Native {
    pub fn new(plugin: &'static dyn Plugin, settings: &'static str) -> Native {
        let description = describe(plugin.describe(settings).expect("a description"));
        description.check().expect("a description that a host accepts");
        Native { plugin, settings, description }
    }
}

impl Transform for Native {
    fn description(&self) -> &Description {
        &self.description
    }

    fn version(&self) -> Digest {
        Digest::of(format!("native {}", self.description.name).as_bytes())
    }

    fn limits(&self) -> Limits {
        Limits::DEFAULT
    }

    fn fold(&self, events: &Events, _fuel: u64) -> Result<Folded, Fault> {
        let columns = events.columns.iter().map(to_column).collect();
        let events = bifocal_sdk::Events { times: events.times.clone(), columns };
        let folded = call(|| self.plugin.fold(self.settings, &events))?;
        let rejection = |one: bifocal_sdk::plugin::Rejection| Rejection { row: one.row, reason: one.reason };
        Ok(Folded {
            cells: Cells {
                keys: folded.cells.keys.into_iter().map(from_column).collect(),
                windows: folded.cells.windows,
                states: from_blobs(folded.cells.states),
            },
            rejected: folded.rejected.into_iter().map(rejection).collect(),
            fuel: 0,
        })
    }

    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        call(|| self.plugin.merge(&to_blobs(left), &to_blobs(right))).map(from_blobs)
    }

    fn present(&self, keys: &[Column], windows: &[u8], states: &Blobs) -> Result<Vec<Column>, Fault> {
        let keys: Vec<_> = keys.iter().map(to_column).collect();
        let columns = call(|| self.plugin.present(&keys, windows, &to_blobs(states)))?;
        Ok(columns.into_iter().map(from_column).collect())
    }
}

fn call<T>(function: impl FnOnce() -> Result<T, String>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(function)) {
        Ok(result) => result.map_err(Fault::Failed),
        Err(_) => Err(Fault::Trap("a panic".into())),
    }
}

fn to_blobs(blobs: &Blobs) -> sdk::Blobs {
    sdk::Blobs { ends: blobs.ends.clone(), bytes: blobs.bytes.clone() }
}

fn from_blobs(blobs: sdk::Blobs) -> Blobs {
    Blobs { ends: blobs.ends, bytes: blobs.bytes }
}

fn to_column(column: &Column) -> sdk::Column {
    sdk::Column {
        fixed: column.fixed.clone(),
        heap: to_blobs(&column.heap),
        validity: column.validity.clone(),
    }
}

fn from_column(column: sdk::Column) -> Column {
    Column { fixed: column.fixed, heap: from_blobs(column.heap), validity: column.validity }
}

fn describe(said: said::Description) -> Description {
    let fields = |fields: Vec<said::Field>| fields.into_iter().map(field).collect();
    Description {
        name: said.name,
        summary: said.summary,
        inputs: fields(said.inputs),
        keys: fields(said.keys),
        outputs: fields(said.outputs),
        only: said.only.map(|filter| Filter { path: filter.path, one_of: filter.one_of }),
        window: said.window.map(|window| Window { size_ms: window.size_ms, slide_ms: window.slide_ms }),
        order: match said.order {
            said::Order::None => Order::None,
            said::Order::Log => Order::Log,
        },
        initial: said.initial,
        annotations: said.annotations,
    }
}

fn field(field: said::Field) -> Field {
    Field { name: field.name, path: field.path, kind: kind(field.kind), required: field.required }
}

fn kind(kind: bifocal_sdk::value::Kind) -> Kind {
    use bifocal_sdk::value::Kind as Said;
    match kind {
        Said::Boolean => Kind::Boolean,
        Said::Integer => Kind::Integer,
        Said::Float => Kind::Float,
        Said::Text => Kind::Text,
        Said::Binary => Kind::Binary,
        Said::Timestamp => Kind::Timestamp,
        Said::Decimal(digits) => Kind::Decimal(digits),
        Said::Json => Kind::Json,
    }
}
