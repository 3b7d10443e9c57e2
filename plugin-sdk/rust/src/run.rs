//! What a `#[transform]` function is run by: the four functions of a [`Plugin`](crate::Plugin),
//! generic over the author's event, key and state. Owns verdicts on rows and their undoing.

use crate::cells::Cells;
use crate::column::{Blobs, Column, i64s};
use crate::description::{Description, Field, Order, Window};
use crate::event::Event;
use crate::key::Key;
use crate::output::{IntoOutput, Output, Rows};
use crate::plugin::{Events, Folded, Rejection};
use crate::reject::Reject;
use crate::state::State;
use crate::value::Codec;

/// What the attribute says of a transform; the types say the rest.
pub struct Said<'a> {
    pub name: &'a str,
    pub summary: &'a str,
    pub window: Option<Window>,
    pub outputs: Vec<Field>,
    pub annotations: &'a [(&'a str, &'a str)],
}

/// The types behind a `Cells<K, S>`, for code that is given only its name.
pub trait CellsOf {
    type Key: Key;
    type State: State;
}

impl<K: Key, S: State> CellsOf for Cells<K, S> {
    type Key = K;
    type State = S;
}

/// The description of a transform of events `E` into cells `C`.
pub fn describe<'a, E: Event<'a>, C: CellsOf>(said: Said<'_>) -> Result<Description, String> {
    if let Some(fault) = said.window.as_ref().and_then(Window::fault) {
        return Err(fault);
    }
    let initial = C::State::ANCHORED.then(|| {
        let mut bytes = Vec::new();
        C::State::initial().encode(&mut bytes);
        bytes
    });
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Ok(Description {
        name: said.name.to_owned(),
        summary: said.summary.to_owned(),
        inputs: E::inputs(),
        keys: C::Key::fields(),
        outputs: said.outputs,
        only: E::only(),
        window: said.window,
        order: if C::State::ORDER_FREE { Order::None } else { Order::Log },
        initial,
        annotations: said.annotations.iter().map(own).collect(),
    })
}

/// The outputs of a state by itself.
pub fn outputs<C: CellsOf>() -> Vec<Field>
where
    C::State: Output,
{
    C::State::fields()
}

/// The outputs of a `present` function.
pub fn outputs_of<S, R: IntoOutput>(_present: impl Fn(&S) -> R) -> Vec<Field> {
    R::Output::fields()
}

/// Folds a chunk.
///
/// The function runs on each row, straight into the cells. Nothing is kept for undoing: if a row is
/// rejected *after* it has asked for a cell, the chunk is folded again without the rows rejected
/// so far, which leaves no trace of them by construction and costs nothing where none is.
pub fn fold<'a, E, K, S, F>(
    events: &'a Events,
    window: Option<Window>,
    transform: F,
) -> Result<Folded, String>
where
    E: Event<'a>,
    K: Key,
    S: State,
    F: Fn(E, &mut Cells<K, S>) -> Result<(), Reject>,
{
    if let Some(fault) = window.as_ref().and_then(Window::fault) {
        return Err(fault);
    }
    let times = i64s(&events.times);
    let reader = E::open(&events.columns, times.len())?;
    let hops = window.map_or(1, |window| window.size_ms / window.slide_ms);
    let panes = S::ORDER_FREE && hops > 1;
    let mut rejected = Vec::new();
    loop {
        let mut cells = Cells::new(window, times.len());
        let pass = Pass { times, reader: &reader, transform: &transform, hops: if panes { 1 } else { hops } };
        if pass.run(&mut cells, &mut rejected)? {
            let cells = if panes { cells.finish_panes(hops)? } else { cells.finish() };
            return Ok(Folded { cells, rejected });
        }
    }
}

/// One walk over the rows of a chunk.
struct Pass<'p, 'a, E: Event<'a>, F> {
    times: &'a [[u8; 8]],
    reader: &'p E::Reader,
    transform: &'p F,
    /// Times that each row runs.
    hops: i64,
}

impl<'a, E: Event<'a>, F> Pass<'_, 'a, E, F> {
    /// Runs all rows but those in `rejected`, to which it adds. False: a row was rejected that had
    /// asked for a cell, so `cells` are not clean.
    fn run<K: Key, S: State>(
        &self,
        cells: &mut Cells<K, S>,
        rejected: &mut Vec<Rejection>,
    ) -> Result<bool, String>
    where
        F: Fn(E, &mut Cells<K, S>) -> Result<(), Reject>,
    {
        let rows = self.times.len();
        if !E::fits(self.reader, rows) {
            return Err("the columns of the events differ in length".to_owned());
        }
        let known: Vec<usize> = rejected.iter().map(|rejection| rejection.row as usize).collect();
        let mut clean = true;
        let mut from = 0;
        for to in known.into_iter().chain([rows]) {
            for row in from..to.min(rows) {
                if let Err((reason, touched)) = self.row(row, cells) {
                    clean &= !touched;
                    rejected.push(Rejection { row: row as u32, reason: reason.into_reason() });
                }
            }
            from = to + 1;
        }
        rejected.sort_by_key(|rejection| rejection.row);
        Ok(clean)
    }

    /// Runs one row in each of its windows. The second of an error: whether it has asked for a cell.
    #[inline]
    fn row<K: Key, S: State>(&self, row: usize, cells: &mut Cells<K, S>) -> Result<(), (Reject, bool)>
    where
        F: Fn(E, &mut Cells<K, S>) -> Result<(), Reject>,
    {
        cells.begin(i64::from_le_bytes(self.times[row]));
        let mut hop = 0;
        loop {
            let verdict = E::read(self.reader, row).and_then(|event| (self.transform)(event, cells));
            hop += 1;
            if verdict.is_ok() && hop < self.hops {
                cells.hop(hop);
                continue;
            }
            if hop > 1 {
                cells.hop(0);
            }
            return verdict.map_err(|reject| (reject, cells.is_touched()));
        }
    }
}

/// Merges states pair by pair.
pub fn merge<C: CellsOf>(left: &Blobs, right: &Blobs) -> Result<Blobs, String> {
    if left.len() != right.len() {
        return Err(format!("{} states at the left, {} at the right", left.len(), right.len()));
    }
    let mut out = Blobs::default();
    out.ends.reserve(left.ends.len());
    out.bytes.reserve(left.bytes.len().max(right.bytes.len()));
    for (i, (left, right)) in left.iter().zip(right.iter()).enumerate() {
        let mut state = C::State::decode_all(left).map_err(|error| at(i, &error))?;
        let right = C::State::decode_all(right).map_err(|error| at(i, &error))?;
        state.merge(right).map_err(|error| at(i, &error))?;
        out.push_with(|bytes| state.encode(bytes));
    }
    Ok(out)
}

#[inline]
fn decode<C: CellsOf>(i: usize, bytes: &[u8]) -> Result<C::State, String> {
    Codec::decode_all(bytes).map_err(|error| at(i, &error))
}

/// Apart from the loops over states, which then have nothing in them that allocates.
#[cold]
#[inline(never)]
fn at(i: usize, error: &dyn std::fmt::Display) -> String {
    format!("state {i}: {error}")
}

/// Presents states by themselves.
pub fn present<C: CellsOf>(states: &Blobs) -> Result<Vec<Column>, String>
where
    C::State: Output,
{
    let mut rows = Rows::new::<C::State>();
    for (i, bytes) in states.iter().enumerate() {
        rows.push(&decode::<C>(i, bytes)?)?;
    }
    Ok(rows.finish())
}

/// Presents states by a function of the author's.
pub fn present_with<C: CellsOf, R: IntoOutput>(
    states: &Blobs,
    present: impl Fn(&C::State) -> R,
) -> Result<Vec<Column>, String> {
    let mut rows = Rows::new::<R::Output>();
    for (i, bytes) in states.iter().enumerate() {
        rows.push(&present(&decode::<C>(i, bytes)?).into_output()?)?;
    }
    Ok(rows.finish())
}
