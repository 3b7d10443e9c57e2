//! What a transform says of itself: kinds, fields, windows, order. Checked once, at load.

use std::fmt;

/// The type of a field, as `wit/transform.wit` defines it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Boolean,
    Integer,
    Float,
    Text,
    Binary,
    /// Milliseconds UTC.
    Timestamp,
    /// Value x 10^n.
    Decimal(u8),
    Json,
    /// A kind of a later contract; no description that has one passes [`Description::check`].
    Other(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Boolean => f.write_str("boolean"),
            Kind::Integer => f.write_str("integer"),
            Kind::Float => f.write_str("float"),
            Kind::Text => f.write_str("text"),
            Kind::Binary => f.write_str("binary"),
            Kind::Timestamp => f.write_str("timestamp"),
            Kind::Decimal(digits) => write!(f, "decimal({digits})"),
            Kind::Json => f.write_str("json"),
            Kind::Other(name) => write!(f, "other({name})"),
        }
    }
}

impl Kind {
    /// Bytes a row takes in `Column::fixed`; 0 for binary and json, whose rows are in the heap.
    pub fn width(&self) -> usize {
        match self {
            Kind::Boolean => 1,
            Kind::Text => 4,
            Kind::Integer | Kind::Float | Kind::Timestamp | Kind::Decimal(_) => 8,
            Kind::Binary | Kind::Json | Kind::Other(_) => 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// Empty, JSON Pointer, `@record`, or dotted; meaningless for keys and outputs.
    pub path: String,
    pub kind: Kind,
    /// Meaningless for keys and outputs.
    pub required: bool,
}

/// Only events whose text at `path` is one of these are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub path: String,
    pub one_of: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub size_ms: i64,
    pub slide_ms: i64,
}

impl Window {
    /// Windows that start before this are closed at a watermark: their end and the lateness lie at or
    /// behind it.
    pub fn closed_before(&self, watermark_ms: i64, lateness_ms: i64) -> i64 {
        watermark_ms.saturating_sub(lateness_ms).saturating_sub(self.size_ms).saturating_add(1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    None,
    Log,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub summary: String,
    pub inputs: Vec<Field>,
    pub keys: Vec<Field>,
    pub outputs: Vec<Field>,
    pub only: Option<Filter>,
    /// None: one global window.
    pub window: Option<Window>,
    pub order: Order,
    /// The anchored state before the first event of a cell; None: states are deltas.
    pub initial: Option<Vec<u8>>,
    pub annotations: Vec<(String, String)>,
}

/// Names of row marks: no key or output may have one.
const MARKS: [&str; 5] = ["window", "settled", "pending", "revised", "complete_from"];

/// The most digits after the point that a decimal kind may have.
pub const DECIMAL_DIGITS_MAX: u8 = 18;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("description of transform '{transform}': {what}")]
pub struct Error {
    transform: String,
    what: String,
}

impl Description {
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Refuses what no executor could run, naming the field and what to change.
    pub fn check(&self) -> Result<(), Error> {
        self.faults().map_or(Ok(()), |what| Err(Error { transform: self.name.clone(), what }))
    }

    fn faults(&self) -> Option<String> {
        if self.name.is_empty() {
            return Some("the name is empty".into());
        }
        self.fields_fault().or_else(|| self.names_fault()).or_else(|| self.window_fault()).or_else(|| {
            (self.initial.is_some() && self.order == Order::None)
                .then(|| "it has an initial state and so needs order = log".into())
        })
    }

    fn fields_fault(&self) -> Option<String> {
        let all = [("input", &self.inputs), ("key", &self.keys), ("output", &self.outputs)];
        for (role, fields) in all {
            for field in fields {
                let fault = match &field.kind {
                    Kind::Other(kind) => Some(format!("kind '{kind}' is unknown to this host")),
                    Kind::Decimal(digits) if *digits > DECIMAL_DIGITS_MAX => {
                        Some(format!("decimal({digits}) has more than {DECIMAL_DIGITS_MAX} digits"))
                    }
                    Kind::Float | Kind::Json if role == "key" => {
                        Some(format!("a key cannot be of kind {}", field.kind))
                    }
                    _ => None,
                };
                if let Some(fault) = fault {
                    return Some(format!("{role} '{}': {fault}", field.name));
                }
            }
        }
        None
    }

    fn names_fault(&self) -> Option<String> {
        let mut seen = std::collections::BTreeSet::new();
        for field in self.keys.iter().chain(&self.outputs) {
            if field.name.is_empty() {
                return Some("a key or output has an empty name".into());
            }
            if MARKS.contains(&field.name.as_str()) {
                return Some(format!(
                    "'{}' is the name of a row mark; rename that key or output",
                    field.name
                ));
            }
            if !seen.insert(&field.name) {
                return Some(format!("two keys or outputs are named '{}'", field.name));
            }
        }
        None
    }

    fn window_fault(&self) -> Option<String> {
        let Window { size_ms, slide_ms } = self.window?;
        if size_ms <= 0 || slide_ms <= 0 {
            return Some(format!("a window of {size_ms} ms by {slide_ms} ms: both must be above 0"));
        }
        (slide_ms > size_ms || size_ms % slide_ms != 0)
            .then(|| format!("a slide of {slide_ms} ms does not divide the window of {size_ms} ms"))
    }
}
