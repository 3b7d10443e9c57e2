//! A transform in native Rust whose states say everything: each is the list of values that its cell
//! has seen, in order, so that a value lost, doubled or out of place shows. It misbehaves on request.

use bifocal::column::{Blobs, Builder, Column, Value, i64s};
use bifocal::description::{Description, Field, Kind, Order, Window};
use bifocal::digest::Digest;
use bifocal::extract::Extracted;
use bifocal::limits::Limits;
use bifocal::offset::{Offset, Range};
use bifocal::table::{Below, Left, Table};
use bifocal::transform::{Cells, Events, Fault, Folded, Rejection, Transform};
use generator::rng::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// What a call does that meets a certain value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quirk {
    /// The row is rejected as it should be.
    Reject,
    Fail,
    Trap,
    Stack,
    Memory,
    /// No fuel is ever enough.
    Loop,
    /// The host has no instance to give.
    Host,
}

type Tamper<T> = Box<dyn Fn(&mut T) + Send + Sync>;

pub struct Lists {
    description: Description,
    pub quirks: BTreeMap<i64, Quirk>,
    pub fuel_per_row: u64,
    pub limits: Limits,
    /// A merge or present of more states meets the limit of fuel.
    pub states_max: usize,
    /// A state with this value can be merged alone, and meets the limit of fuel beside others.
    pub dear: Option<i64>,
    /// A merge whose right state holds one of these fails.
    pub unmergeable: BTreeSet<i64>,
    /// A state that holds one of these cannot be presented.
    pub unpresentable: BTreeSet<i64>,
    pub folded: Option<Tamper<Folded>>,
    pub merged: Option<Tamper<Blobs>>,
    pub presented: Option<Tamper<Vec<Column>>>,
    /// The values of each call of `fold`.
    pub calls: Mutex<Vec<Vec<i64>>>,
    /// The number of states of each call of `merge` and `present`.
    pub state_calls: Mutex<Vec<usize>>,
}

/// One event; its key may be absent.
#[derive(Clone, Debug)]
pub struct Row {
    pub offset: u64,
    pub time_ms: i64,
    pub key: Option<&'static str>,
    pub value: i64,
}

/// A cell and the values that it has seen.
pub type View = BTreeMap<(Option<&'static str>, i64), Vec<i64>>;

/// Keys of [`rows`].
pub const KEYS: [Option<&str>; 4] = [Some("a"), Some("b"), Some(""), None];
pub const WINDOW: Window = Window { size_ms: 10, slide_ms: 5 };
const FLOATING: u8 = 0;
const ANCHORED: u8 = 1;

fn field(name: &str, kind: Kind, required: bool) -> Field {
    Field { name: name.into(), path: name.into(), kind, required }
}

impl Lists {
    pub fn new() -> Lists {
        let description = Description {
            name: "lists".into(),
            summary: String::new(),
            inputs: vec![field("key", Kind::Text, false), field("value", Kind::Integer, true)],
            keys: vec![field("key", Kind::Text, false)],
            outputs: vec![field("count", Kind::Integer, false), field("last", Kind::Integer, false)],
            only: None,
            window: None,
            order: Order::Log,
            initial: None,
            annotations: Vec::new(),
        };
        Lists {
            description,
            quirks: BTreeMap::new(),
            fuel_per_row: 1,
            limits: Limits::DEFAULT,
            states_max: usize::MAX,
            dear: None,
            unmergeable: BTreeSet::new(),
            unpresentable: BTreeSet::new(),
            folded: None,
            merged: None,
            presented: None,
            calls: Mutex::default(),
            state_calls: Mutex::default(),
        }
    }

    /// With hopping windows; with an initial state, a machine that must run from the left.
    pub fn shaped(mut self, windowed: bool, whole: bool) -> Lists {
        self.description.window = windowed.then_some(WINDOW);
        self.description.initial = whole.then(|| vec![ANCHORED]);
        self
    }

    pub fn with(mut self, quirks: &[(i64, Quirk)]) -> Lists {
        self.quirks.extend(quirks.iter().copied());
        self
    }

    /// The values of a state.
    pub fn values(&self, state: &[u8]) -> Vec<i64> {
        i64s(if self.description.initial.is_some() { &state[1..] } else { state }).collect()
    }

    /// What a table merges a cell's first state onto.
    pub fn left<'a>(&'a self, below: Option<&'a Table>) -> Left<'a> {
        match &self.description.initial {
            Some(initial) => Left::Whole { below: below.map(|table| table as &dyn Below), initial },
            None => Left::Nothing,
        }
    }

    /// The cells of a table that are not broken.
    pub fn view(&self, table: &Table) -> View {
        let sound = table.iter_sorted().filter(|cell| cell.broken.is_none());
        sound.map(|cell| ((key_of(cell.key), cell.window), self.values(cell.state))).collect()
    }

    fn state(&self, tag: u8, values: &[i64]) -> Vec<u8> {
        let tag = self.description.initial.is_some().then_some(tag);
        tag.into_iter().chain(values.iter().flat_map(|value| value.to_le_bytes())).collect()
    }

    fn meets(&self, values: &[i64], fuel: u64) -> Result<(), Fault> {
        for value in values {
            match self.quirks.get(value) {
                None | Some(Quirk::Reject) => {}
                Some(Quirk::Fail) => return Err(Fault::Failed(format!("no {value} please"))),
                Some(Quirk::Trap) => return Err(Fault::Trap(format!("met {value}"))),
                Some(Quirk::Stack) => return Err(Fault::Stack { limit_bytes: 1 }),
                Some(Quirk::Memory) => return Err(Fault::Memory { limit_bytes: 2 }),
                Some(Quirk::Loop) => return Err(Fault::Fuel { limit: fuel }),
                Some(Quirk::Host) => return Err(Fault::Host("no instance".into())),
            }
        }
        if values.len() as u64 * self.fuel_per_row > fuel { Err(Fault::Fuel { limit: fuel }) } else { Ok(()) }
    }

    fn takes(&self, states: usize) -> Result<(), Fault> {
        self.state_calls.lock().unwrap().push(states);
        if states > self.states_max { Err(Fault::Fuel { limit: self.limits.fuel }) } else { Ok(()) }
    }

    fn merge_one(&self, left: &[u8], right: &[u8]) -> Result<Vec<u8>, Fault> {
        if self.description.initial.is_none() {
            return Ok([left, right].concat());
        }
        match (left.first(), right.first()) {
            (Some(_), Some(&FLOATING)) => Ok([left, &right[1..]].concat()),
            _ => Err(Fault::Failed("an anchored state at the right".into())),
        }
    }
}

impl Default for Lists {
    fn default() -> Lists {
        Lists::new()
    }
}

impl Transform for Lists {
    fn description(&self) -> &Description {
        &self.description
    }

    fn version(&self) -> Digest {
        Digest::of(b"lists")
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn fold(&self, events: &Events, fuel: u64) -> Result<Folded, Fault> {
        assert!(fuel <= self.limits.fuel);
        let values: Vec<i64> = i64s(&events.columns[1].fixed).collect();
        self.calls.lock().unwrap().push(values.clone());
        self.meets(&values, fuel)?;
        let mut view: BTreeMap<(Option<&[u8]>, i64), Vec<i64>> = BTreeMap::new();
        let mut rejected = Vec::new();
        for (row, (value, time_ms)) in values.iter().zip(i64s(&events.times)).enumerate() {
            if self.quirks.contains_key(value) {
                rejected.push(Rejection { row: row as u32, reason: format!("{value} is unwanted") });
                continue;
            }
            let key = match events.columns[0].value(&Kind::Text, row) {
                Value::Bytes(key) => Some(key),
                _ => None,
            };
            for window in windows(self.description.window, time_ms) {
                view.entry((key, window)).or_default().push(*value);
            }
        }
        let mut out = Folded { rejected, fuel: values.len() as u64 * self.fuel_per_row, ..Folded::default() };
        out.cells = self.cells(&view);
        if let Some(tamper) = &self.folded {
            tamper(&mut out);
        }
        Ok(out)
    }

    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        self.takes(left.len())?;
        if left.len() > 1
            && right.iter().any(|state| self.values(state).iter().any(|value| Some(*value) == self.dear))
        {
            return Err(Fault::Fuel { limit: self.limits.fuel });
        }
        let mut out = Blobs::default();
        for (left, right) in left.iter().zip(right.iter()) {
            if let Some(value) = self.values(right).into_iter().find(|value| self.unmergeable.contains(value))
            {
                return Err(Fault::Trap(format!("cannot merge {value}")));
            }
            out.push(&self.merge_one(left, right)?);
        }
        if let Some(tamper) = &self.merged {
            tamper(&mut out);
        }
        Ok(out)
    }

    fn present(&self, _: &[Column], _: &[u8], states: &Blobs) -> Result<Vec<Column>, Fault> {
        self.takes(states.len())?;
        let (mut counts, mut lasts) = (Builder::default(), Builder::default());
        for state in states.iter() {
            let values = self.values(state);
            if let Some(value) = values.iter().find(|value| self.unpresentable.contains(value)) {
                return Err(Fault::Failed(format!("cannot present {value}")));
            }
            counts.push(&Kind::Integer, Value::Integer(values.len() as i64));
            lasts.push(&Kind::Integer, values.last().map_or(Value::Absent, |last| Value::Integer(*last)));
        }
        let mut out = vec![counts.finish(), lasts.finish()];
        if let Some(tamper) = &self.presented {
            tamper(&mut out);
        }
        Ok(out)
    }
}

impl Lists {
    fn cells(&self, view: &BTreeMap<(Option<&[u8]>, i64), Vec<i64>>) -> Cells {
        let (mut keys, mut cells) = (Builder::default(), Cells::default());
        // Descending on purpose: cells come in any order.
        for ((key, window), values) in view.iter().rev() {
            keys.push(&Kind::Text, key.map_or(Value::Absent, Value::Bytes));
            if self.description.window.is_some() {
                cells.windows.extend(window.to_le_bytes());
            }
            cells.states.push(&self.state(FLOATING, values));
        }
        cells.keys = vec![keys.finish()];
        cells
    }
}

/// The encoding that the host's `key` documents, written again by hand.
pub fn encoded(key: Option<&str>) -> Vec<u8> {
    key.map_or(vec![0], |key| [&[1], key.as_bytes(), &[0, 0]].concat())
}

pub fn key_of(bytes: &[u8]) -> Option<&'static str> {
    KEYS.into_iter().find(|key| encoded(*key) == bytes).expect("one of the keys")
}

/// Rows with gaps between their offsets; every value occurs once, so that each can be traced.
pub fn rows(rng: &mut Rng, count: usize) -> Vec<Row> {
    let mut offset = rng.below(3);
    let row = |value| {
        offset += 1 + rng.below(2);
        Row { offset, time_ms: rng.between(-30, 30), key: *rng.pick(&KEYS), value }
    };
    (0..count as i64).map(row).collect()
}

/// Starts of the windows that hold a time.
fn windows(window: Option<Window>, time_ms: i64) -> Vec<i64> {
    let Some(window) = window else { return vec![0] };
    let first = time_ms - window.size_ms + 1;
    (first..=time_ms).filter(|start| start.rem_euclid(window.slide_ms) == 0).collect()
}

/// Rows as extraction hands them on; offsets that no row has are taken as ignored.
pub fn chunk(rows: &[Row]) -> Extracted {
    let (mut times, mut keys, mut values) = (Vec::new(), Builder::default(), Builder::default());
    for row in rows {
        times.extend(row.time_ms.to_le_bytes());
        keys.push(&Kind::Text, row.key.map_or(Value::Absent, |key| Value::Bytes(key.as_bytes())));
        values.push(&Kind::Integer, Value::Integer(row.value));
    }
    let from = rows.first().map_or(0, |row| row.offset);
    let to = rows.last().map_or(0, |row| row.offset + 1);
    Extracted {
        range: Range::new(Offset(from), Offset(to)),
        offsets: rows.iter().map(|row| row.offset).collect(),
        events: Events { times, columns: vec![keys.finish(), values.finish()] },
        rejected: Vec::new(),
        ignored: to - from - rows.len() as u64,
    }
}

/// What the rows make, one by one: the cells, and the offsets that no cell has.
pub fn straight(rows: &[Row], windowed: bool, bad: &BTreeMap<i64, Quirk>) -> (View, Vec<u64>) {
    let (mut view, mut rejected) = (View::new(), Vec::new());
    for row in rows {
        if bad.contains_key(&row.value) {
            rejected.push(row.offset);
            continue;
        }
        for window in windows(windowed.then_some(WINDOW), row.time_ms) {
            view.entry((row.key, window)).or_default().push(row.value);
        }
    }
    (view, rejected)
}
