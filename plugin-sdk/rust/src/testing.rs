//! A bench for testing plugins natively: JSON events in, rows and rejections out, and the laws of the
//! contract tried on every cut. No host, no WebAssembly. Slow on purpose, so that it is plain.

mod extract;
mod fixtures;
mod rows;

use std::collections::BTreeMap;

use crate::column::Blobs;
use crate::description::{Description, Order};
use crate::plugin::{Events, Folded, Plugin};
use crate::value::{Kind, Timestamp};
use extract::Record;
use rows::Place;

pub use fixtures::check_fixtures;

/// A plugin with its settings and the events that it is tried on.
///
/// ```
/// # use bifocal_sdk::*;
/// # #[derive(Event)] struct Order { amount: Decimal<2> }
/// # #[derive(State)] struct Revenue { amount: Sum<Decimal<2>> }
/// # #[transform(window = "1h", time = "ts")]
/// # fn revenue(order: Order, out: &mut Cells<(), Revenue>) -> Result<(), Reject> {
/// #     out.cell(()).amount.add(order.amount);
/// #     Ok(())
/// # }
/// let mut bench = testing::Bench::new(revenue()).unwrap();
/// bench.append(r#"{"ts":"2026-11-20T21:04:00Z","amount":12.5}"#);
/// bench.append(r#"{"ts":"2026-11-20T21:05:00Z","amount":"twelve"}"#);
/// assert_eq!(bench.rows().unwrap(), [r#"{"window":"2026-11-20T21:00:00Z","amount":12.50}"#]);
/// assert_eq!(bench.rejected().unwrap(), [(1, r#"amount: "twelve" is not of kind Decimal(2)"#.into())]);
/// bench.check_laws().unwrap();
/// ```
pub struct Bench {
    plugin: &'static dyn Plugin,
    settings: String,
    description: Description,
    time: Option<(String, String)>,
    /// In the order of the log.
    records: Vec<Record>,
    /// Events that the filter does not want.
    ignored: u64,
    /// Events that lack an input or have one of the wrong type.
    unfit: Vec<(i64, String)>,
    next_offset: i64,
}

/// Cells of some events, and the rejections among them.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    cells: BTreeMap<Place, Vec<u8>>,
    rejected: Vec<(i64, String)>,
}

impl Bench {
    /// A bench without settings and events. The time of events is where the annotation `time` says.
    pub fn new(plugin: &'static dyn Plugin) -> Result<Bench, String> {
        Bench::with_settings(plugin, "{}")
    }

    /// The same with settings, a JSON object.
    pub fn with_settings(plugin: &'static dyn Plugin, settings: &str) -> Result<Bench, String> {
        let description = plugin.describe(settings)?;
        let annotation = |name: &str| {
            description.annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        };
        let unit = annotation("time-unit").unwrap_or_else(|| "ms".to_owned());
        Ok(Bench {
            plugin,
            settings: settings.to_owned(),
            time: annotation("time").map(|path| (path, unit)),
            description,
            records: Vec::new(),
            ignored: 0,
            unfit: Vec::new(),
            next_offset: 0,
        })
    }

    /// Says where events have their time; only before the first event.
    pub fn time(mut self, path: &str) -> Result<Bench, String> {
        if self.next_offset > 0 {
            return Err(format!("{} events have their times already", self.next_offset));
        }
        self.time = Some((path.to_owned(), "ms".to_owned()));
        Ok(self)
    }

    /// Appends an event, a JSON object, and returns its offset.
    ///
    /// # Panics
    ///
    /// If the event has no time: a host refuses such a line, it is no event at all.
    pub fn append(&mut self, payload: &str) -> i64 {
        let time = match &self.time {
            Some((path, unit)) => extract::time(payload, path, unit),
            None => Ok(Timestamp(0)),
        };
        let time = time.unwrap_or_else(|why| panic!("event {}: {why}", self.next_offset));
        self.append_at(time, payload)
    }

    /// Appends an event with a time of its own.
    pub fn append_at(&mut self, time: Timestamp, payload: &str) -> i64 {
        let offset = self.next_offset;
        self.next_offset += 1;
        if !extract::is_wanted(self.description.only.as_ref(), payload) {
            self.ignored += 1;
            return offset;
        }
        let inputs = self.description.inputs.iter();
        match inputs.map(|field| extract::input(field, offset, time, payload)).collect() {
            Ok(inputs) => self.records.push(Record { offset, time, inputs }),
            Err(why) => self.unfit.push((offset, why)),
        }
        offset
    }

    /// What the plugin says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// How many events the filter did not want.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The view: one JSON object a cell, keys, window, outputs, in the order in which a host has them.
    pub fn rows(&self) -> Result<Vec<String>, String> {
        let part = self.fold(0, self.records.len())?;
        let kinds: Vec<Kind> = self.description.keys.iter().map(|field| field.kind).collect();
        let places: Vec<&Place> = part.cells.keys().collect();
        let (keys, windows) = rows::key_columns(&kinds, &places);
        let mut states = rows::states(part.cells.values());
        if let Some(initial) = &self.description.initial {
            let before = std::iter::repeat_n(initial.as_slice(), states.len()).collect();
            states = self.plugin.merge(&before, &states)?;
        }
        let outputs = self.plugin.present(&keys, &windows, &states)?;
        let row = |(row, place): (usize, &&Place)| {
            let keys = self.description.keys.iter().zip(place.key.iter().cloned());
            let mut members: Vec<_> =
                keys.map(|(field, datum)| (field.name.as_str(), field.kind, datum)).collect();
            members.extend(self.description.outputs.iter().zip(&outputs).map(|(field, column)| {
                (field.name.as_str(), field.kind, rows::datum(column, field.kind, row))
            }));
            rows::json(&members, place.window, kinds.len())
        };
        Ok(places.iter().enumerate().map(row).collect())
    }

    /// Offsets of rejected events with the reasons, ascending.
    pub fn rejected(&self) -> Result<Vec<(i64, String)>, String> {
        let mut rejected = self.fold(0, self.records.len())?.rejected;
        rejected.extend(self.unfit.iter().cloned());
        rejected.sort();
        Ok(rejected)
    }

    /// Tries the laws on the events so far: *split* at every cut, *associative* at cuts into three,
    /// *monotone* on every event, *order-free* if it is claimed. Names the first that is broken.
    pub fn check_laws(&self) -> Result<(), String> {
        let all = self.records.len();
        let whole = self.fold(0, all)?;
        for cut in 0..=all {
            let (left, right) = (self.fold(0, cut)?, self.fold(cut, all)?);
            let merged = self.merge(&left, &right)?;
            self.same("split", &format!("cut at {cut} of {all}"), &whole, &merged)?;
            if self.description.order == Order::None {
                let mut swapped = self.merge(&right, &left)?;
                swapped.rejected.sort();
                self.same("order-free", &format!("cut at {cut} of {all}"), &merged, &swapped)?;
            }
            let middle = cut / 2;
            let (first, second) = (self.fold(0, middle)?, self.fold(middle, cut)?);
            let tail = self.merge(&second, &right)?;
            let other = self.merge(&first, &tail)?;
            self.same("associative", &format!("cuts at {middle} and {cut} of {all}"), &whole, &other)?;
        }
        for row in 0..all {
            let offset = self.records[row].offset;
            let verdict = |part: &Part| part.rejected.iter().find(|(at, _)| *at == offset).cloned();
            let alone = self.fold(row, row + 1)?;
            if verdict(&alone) != verdict(&whole) {
                return Err(format!(
                    "law monotone: event {offset} alone is {:?}, among others {:?}",
                    verdict(&alone),
                    verdict(&whole)
                ));
            }
        }
        Ok(())
    }

    /// The records `[from, to)` as one chunk.
    pub fn events(&self, from: usize, to: usize) -> Events {
        let records = &self.records[from..to];
        Events {
            times: records.iter().flat_map(|record| record.time.0.to_le_bytes()).collect(),
            columns: extract::columns(&self.description.inputs, records),
        }
    }

    fn fold(&self, from: usize, to: usize) -> Result<Part, String> {
        let folded = self.plugin.fold(&self.settings, &self.events(from, to))?;
        let rejected = folded.rejected.iter();
        let rejected = rejected.map(|one| (self.records[from + one.row as usize].offset, one.reason.clone()));
        Ok(Part { rejected: rejected.collect(), cells: self.cells(&folded)? })
    }

    fn cells(&self, folded: &Folded) -> Result<BTreeMap<Place, Vec<u8>>, String> {
        let windows = rows::windows(&folded.cells.windows);
        let mut cells = BTreeMap::new();
        for (row, state) in folded.cells.states.iter().enumerate() {
            let keys = folded.cells.keys.iter().zip(&self.description.keys);
            let key = keys.map(|(column, field)| rows::datum(column, field.kind, row)).collect();
            let place = Place { key, window: windows.get(row).copied().flatten() };
            if cells.contains_key(&place) {
                return Err(format!("two cells have {}", rows::shown(&place)));
            }
            cells.insert(place, state.to_vec());
        }
        Ok(cells)
    }

    fn merge(&self, left: &Part, right: &Part) -> Result<Part, String> {
        let mut cells = left.cells.clone();
        for (place, state) in &right.cells {
            let merged = match cells.get(place) {
                Some(before) => {
                    let one = |state: &[u8]| [state].into_iter().collect::<Blobs>();
                    self.plugin.merge(&one(before), &one(state))?.get(0).to_vec()
                }
                None => state.clone(),
            };
            cells.insert(place.clone(), merged);
        }
        let rejected = left.rejected.iter().chain(&right.rejected).cloned().collect();
        Ok(Part { cells, rejected })
    }

    fn same(&self, law: &str, at: &str, expected: &Part, got: &Part) -> Result<(), String> {
        if expected.rejected != got.rejected {
            return Err(format!("law {law}, {at}: rejected {:?} and {:?}", expected.rejected, got.rejected));
        }
        for place in expected.cells.keys().chain(got.cells.keys()) {
            let (one, other) = (expected.cells.get(place), got.cells.get(place));
            if one != other {
                return Err(format!("law {law}, {at}: {} is {one:?} and {other:?}", rows::shown(place)));
            }
        }
        Ok(())
    }
}
