//! What a transform says of itself: what it reads, by what it is keyed, what it presents. Values
//! only; who makes them (derives, the `transform` attribute) and who reads them is elsewhere.

use crate::value::Kind;

/// A column that a transform reads, is keyed by, or presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// Where an input is found in an event; unused for keys and outputs.
    ///
    /// Empty: the whole payload. Beginning with `/`: a JSON Pointer. Beginning with `@`: the record
    /// and not its payload (`@offset`, `@time`, `@id` ...). Else dotted names.
    pub path: String,
    pub kind: Kind,
    /// The host rejects an event without this input; unused for keys and outputs.
    pub required: bool,
}

impl Field {
    /// A key or an output.
    pub fn named(name: impl Into<String>, kind: Kind) -> Field {
        Field { name: name.into(), path: String::new(), kind, required: false }
    }
}

/// Only events whose text at `path` is one of these are wanted; the host ignores all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub path: String,
    pub one_of: Vec<String>,
}

/// Windows of `size_ms` that start at every multiple of `slide_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub size_ms: i64,
    /// At most the size, and divides it; equal for tumbling windows.
    pub slide_ms: i64,
}

impl Window {
    /// Windows that follow each other.
    pub const fn tumbling(size_ms: i64) -> Window {
        Window { size_ms, slide_ms: size_ms }
    }

    /// Windows that overlap: each event lies in `size_ms / slide_ms` of them.
    pub const fn hopping(size_ms: i64, slide_ms: i64) -> Window {
        Window { size_ms, slide_ms }
    }

    /// Why the contract refuses this window, if it does.
    pub(crate) fn fault(&self) -> Option<String> {
        let Window { size_ms, slide_ms } = *self;
        let divides = size_ms > 0 && slide_ms > 0 && slide_ms <= size_ms && size_ms % slide_ms == 0;
        (!divides).then(|| {
            format!(
                "a window of {size_ms} ms every {slide_ms} ms: the slide must be above 0 and divide the size"
            )
        })
    }
}

/// Whether the order of the log matters to `merge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// States merge in any order: the host may roll up over windows and group over keys.
    None,
    Log,
}

/// All that a host knows of a transform before it runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub summary: String,
    /// Columns of [`Events`](crate::plugin::Events), in this order.
    pub inputs: Vec<Field>,
    /// Key columns of [`CellColumns`](crate::plugin::CellColumns), in this order.
    pub keys: Vec<Field>,
    /// Columns that `present` returns, in this order.
    pub outputs: Vec<Field>,
    pub only: Option<Filter>,
    /// `None`: one global window.
    pub window: Option<Window>,
    pub order: Order,
    /// The state of a cell before its first event, for states with an anchor (`Ordered`).
    pub initial: Option<Vec<u8>>,
    /// `time` (path of the event's time) and `time-unit` (`s`, `ms`, `us`, `ns` of epoch numbers).
    pub annotations: Vec<(String, String)>,
}
