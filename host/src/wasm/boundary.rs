//! The contract's types as they cross the boundary, and their conversion to and from the host's
//! values. Owns nothing but shapes; `wit/transform.wit` says what they mean.
//!
//! Buffers of the host are lent: the one copy is the one into the guest's memory. Buffers of the
//! guest arrive as vectors of their own and are moved, not copied again.

// The derives below write the `unsafe impl`s through which wasmtime trusts a type's layout in
// linear memory. They derive that layout from the very fields that they check against the
// component's types, so there is nothing for a reader to uphold here.
#![allow(unsafe_code)]

use crate::{column, description, transform};
use wasmtime::component::{ComponentType, Lift, Lower};

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
pub struct BlobsRef<'a> {
    ends: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> BlobsRef<'a> {
    pub fn of(blobs: &'a column::Blobs) -> BlobsRef<'a> {
        BlobsRef { ends: &blobs.ends, bytes: &blobs.bytes }
    }
}

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
pub struct ColumnRef<'a> {
    fixed: &'a [u8],
    heap: BlobsRef<'a>,
    validity: &'a [u8],
}

impl<'a> ColumnRef<'a> {
    pub fn of(columns: &'a [column::Column]) -> Vec<ColumnRef<'a>> {
        let lent = |column: &'a column::Column| ColumnRef {
            fixed: &column.fixed,
            heap: BlobsRef::of(&column.heap),
            validity: &column.validity,
        };
        columns.iter().map(lent).collect()
    }
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub struct EventsRef<'a> {
    times: &'a [u8],
    columns: Vec<ColumnRef<'a>>,
}

impl<'a> EventsRef<'a> {
    pub fn of(events: &'a transform::Events) -> EventsRef<'a> {
        EventsRef { times: &events.times, columns: ColumnRef::of(&events.columns) }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Blobs {
    ends: Vec<u8>,
    bytes: Vec<u8>,
}

impl From<Blobs> for column::Blobs {
    fn from(Blobs { ends, bytes }: Blobs) -> column::Blobs {
        column::Blobs { ends, bytes }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Column {
    fixed: Vec<u8>,
    heap: Blobs,
    validity: Vec<u8>,
}

impl From<Column> for column::Column {
    fn from(Column { fixed, heap, validity }: Column) -> column::Column {
        column::Column { fixed, heap: heap.into(), validity }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Cells {
    keys: Vec<Column>,
    windows: Vec<u8>,
    states: Blobs,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Rejection {
    row: u32,
    reason: String,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Folded {
    cells: Cells,
    rejected: Vec<Rejection>,
}

impl Folded {
    pub fn into_host(self, fuel: u64) -> transform::Folded {
        let Cells { keys, windows, states } = self.cells;
        let keys = keys.into_iter().map(Into::into).collect();
        let reject = |Rejection { row, reason }| transform::Rejection { row, reason };
        transform::Folded {
            cells: transform::Cells { keys, windows, states: states.into() },
            rejected: self.rejected.into_iter().map(reject).collect(),
            fuel,
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub enum Kind {
    #[component(name = "boolean")]
    Boolean,
    #[component(name = "integer")]
    Integer,
    #[component(name = "float")]
    Float,
    #[component(name = "text")]
    Text,
    #[component(name = "binary")]
    Binary,
    #[component(name = "timestamp")]
    Timestamp,
    #[component(name = "decimal")]
    Decimal(u8),
    #[component(name = "json")]
    Json,
    #[component(name = "other")]
    Other(String),
}

impl From<Kind> for description::Kind {
    fn from(kind: Kind) -> description::Kind {
        match kind {
            Kind::Boolean => description::Kind::Boolean,
            Kind::Integer => description::Kind::Integer,
            Kind::Float => description::Kind::Float,
            Kind::Text => description::Kind::Text,
            Kind::Binary => description::Kind::Binary,
            Kind::Timestamp => description::Kind::Timestamp,
            Kind::Decimal(digits) => description::Kind::Decimal(digits),
            Kind::Json => description::Kind::Json,
            Kind::Other(name) => description::Kind::Other(name),
        }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Field {
    name: String,
    path: String,
    kind: Kind,
    required: bool,
}

impl From<Field> for description::Field {
    fn from(Field { name, path, kind, required }: Field) -> description::Field {
        description::Field { name, path, kind: kind.into(), required }
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Filter {
    path: String,
    #[component(name = "one-of")]
    one_of: Vec<String>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Window {
    #[component(name = "size-ms")]
    size_ms: u64,
    #[component(name = "slide-ms")]
    slide_ms: u64,
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "only lifting makes one")]
pub enum Order {
    #[component(name = "none")]
    None,
    #[component(name = "log")]
    Log,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub struct Description {
    name: String,
    summary: String,
    inputs: Vec<Field>,
    keys: Vec<Field>,
    outputs: Vec<Field>,
    only: Option<Filter>,
    window: Option<Window>,
    order: Order,
    initial: Option<Vec<u8>>,
    annotations: Vec<(String, String)>,
}

impl Description {
    /// The same for the host, unchecked but for what its types cannot hold: a window above
    /// `i64::MAX` milliseconds.
    pub fn into_host(self) -> Result<description::Description, String> {
        let fields = |fields: Vec<Field>| fields.into_iter().map(Into::into).collect();
        let width = |name: &str, ms: u64| {
            i64::try_from(ms).map_err(|_| format!("a window's {name} of {ms} ms is above {}", i64::MAX))
        };
        let window = match self.window {
            None => None,
            Some(Window { size_ms, slide_ms }) => Some(description::Window {
                size_ms: width("size", size_ms)?,
                slide_ms: width("slide", slide_ms)?,
            }),
        };
        Ok(description::Description {
            name: self.name,
            summary: self.summary,
            inputs: fields(self.inputs),
            keys: fields(self.keys),
            outputs: fields(self.outputs),
            only: self.only.map(|Filter { path, one_of }| description::Filter { path, one_of }),
            window,
            order: match self.order {
                Order::None => description::Order::None,
                Order::Log => description::Order::Log,
            },
            initial: self.initial,
            annotations: self.annotations,
        })
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

impl From<Level> for super::Level {
    fn from(level: Level) -> super::Level {
        match level {
            Level::Trace => super::Level::Trace,
            Level::Debug => super::Level::Debug,
            Level::Info => super::Level::Info,
            Level::Warn => super::Level::Warn,
            Level::Error => super::Level::Error,
        }
    }
}

/// What a result weighs: its bytes in the canonical ABI, without the fixed outer record. The limit
/// on results is part of every version's meaning, so it counts what the contract defines and not
/// what this host happens to allocate.
pub trait Weight {
    fn weight(&self) -> usize;
}

impl Weight for Blobs {
    fn weight(&self) -> usize {
        self.ends.len() + self.bytes.len()
    }
}

impl Weight for Column {
    fn weight(&self) -> usize {
        const RECORD: usize = 32;
        RECORD + self.fixed.len() + self.heap.weight() + self.validity.len()
    }
}

impl Weight for Vec<Column> {
    fn weight(&self) -> usize {
        self.iter().map(Weight::weight).sum()
    }
}

impl Weight for Folded {
    fn weight(&self) -> usize {
        const RECORD: usize = 12;
        let rejected: usize = self.rejected.iter().map(|rejection| RECORD + rejection.reason.len()).sum();
        self.cells.keys.weight() + self.cells.windows.len() + self.cells.states.weight() + rejected
    }
}

impl Weight for Description {
    /// A description has no limit of its own: what the lift allows is enough.
    fn weight(&self) -> usize {
        0
    }
}
