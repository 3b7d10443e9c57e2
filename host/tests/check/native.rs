//! Transforms in plain Rust: hourly states of `amount` by `key`, one lawful and ten that break one
//! law each, and the events to see it on.

use bifocal::column::{Blobs, Builder, Column, Value, i64s};
use bifocal::description::{Description, Field, Kind, Order, Window};
use bifocal::digest::Digest;
use bifocal::extract::Extracted;
use bifocal::limits::Limits;
use bifocal::offset::{Offset, Range};
use bifocal::transform::{Cells, Events, Fault, Folded, Rejection, Transform};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

pub const HOUR_MS: i64 = 3_600_000;
/// 2026-01-01T00:00:00Z.
pub const START_MS: i64 = 1_767_225_600_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Sound,
    FloatSum,
    HashMapBytes,
    MeanOfMeans,
    GlobalCounter,
    RejectsDuplicatesWithinTheCall,
    DependsOnChunkSize,
    FailsOnlyWhenAlone,
    GrowsOnMerge,
    TrapsOnARareState,
    ClaimsOrderFree,
    /// Lawful: rejects amounts below 0, fails on chunks with more than 1,000 rows, traps alone on
    /// an amount of 13,000, has sums that are out of range.
    Difficult,
    /// Folds at most two rows a call, and merges means.
    FoldsPairsOnly,
    RefusesOnlyAlone,
    PresentsATrap,
    PresentsNeighbours,
    LosesACell,
    /// A machine: states are whole, with an initial one.
    Machine,
    /// A machine that counts its merges.
    MachineThatCountsMerges,
}

/// The lawful one's state: how many, their sum, the greatest.
#[derive(Clone, Copy, Default)]
struct Sum {
    count: u64,
    sum: i128,
    max: i64,
}

impl Sum {
    fn read(state: &[u8]) -> Sum {
        Sum {
            count: u64::from_le_bytes(state[..8].try_into().unwrap()),
            sum: i128::from_le_bytes(state[8..24].try_into().unwrap()),
            max: i64::from_le_bytes(state[24..32].try_into().unwrap()),
        }
    }

    fn write(self) -> Vec<u8> {
        [&self.count.to_le_bytes()[..], &self.sum.to_le_bytes(), &self.max.to_le_bytes()].concat()
    }
}

#[derive(Clone, Debug)]
pub struct Row {
    pub key: String,
    pub amount: f64,
    pub time_ms: i64,
}

pub struct Native {
    mode: Mode,
    description: Description,
    /// What earlier calls leave behind; a fresh instance has none.
    memory: Option<AtomicU64>,
}

impl Native {
    pub fn new(mode: Mode) -> Native {
        Native { mode, description: description(mode), memory: None }
    }

    pub fn reused(mode: Mode) -> Native {
        Native { memory: Some(AtomicU64::new(0)), ..Native::new(mode) }
    }

    fn state(&self, rows: &[&Row], of_call: usize) -> Vec<u8> {
        let cents = |row: &&Row| (row.amount * 100.0) as i64;
        let mut sum = Sum {
            count: rows.len() as u64,
            sum: rows.iter().map(cents).map(i128::from).sum(),
            max: rows.iter().map(cents).max().unwrap_or(0),
        };
        match self.mode {
            Mode::FloatSum => rows.iter().map(|row| row.amount).sum::<f64>().to_le_bytes().into(),
            Mode::MeanOfMeans | Mode::FoldsPairsOnly => {
                (rows.iter().map(cents).sum::<i64>() as f64 / rows.len() as f64).to_le_bytes().into()
            }
            Mode::HashMapBytes => hashed(rows.iter().map(cents)),
            Mode::GlobalCounter => {
                sum.count += self.memory.as_ref().map_or(0, |calls| calls.fetch_add(1, Ordering::Relaxed));
                sum.write()
            }
            Mode::DependsOnChunkSize => {
                sum.sum += of_call as i128;
                sum.write()
            }
            Mode::ClaimsOrderFree => rows.last().map_or(0, cents).to_le_bytes().into(),
            Mode::Machine | Mode::MachineThatCountsMerges => {
                let amounts = rows.iter().flat_map(|row| cents(row).to_le_bytes());
                [b'f', 0].into_iter().chain(amounts).collect()
            }
            _ => sum.write(),
        }
    }

    fn merged(&self, left: &[u8], right: &[u8]) -> Result<Vec<u8>, Fault> {
        let f64_of = |state: &[u8]| f64::from_le_bytes(state[..8].try_into().unwrap());
        match self.mode {
            Mode::FloatSum => return Ok((f64_of(left) + f64_of(right)).to_le_bytes().into()),
            Mode::MeanOfMeans | Mode::FoldsPairsOnly => {
                return Ok(((f64_of(left) + f64_of(right)) / 2.0).to_le_bytes().into());
            }
            Mode::HashMapBytes => return Ok(hashed(i64s(left).chain(i64s(right)))),
            Mode::ClaimsOrderFree => return Ok(right.into()),
            Mode::Machine | Mode::MachineThatCountsMerges => return Ok(self.step(left, right)),
            _ => {}
        }
        let (a, b) = (Sum::read(left), Sum::read(right));
        let sum = Sum { count: a.count + b.count, sum: a.sum + b.sum, max: a.max.max(b.max) };
        if self.mode == Mode::TrapsOnARareState && sum.sum == 66_600 {
            return Err(Fault::Trap("unreachable".into()));
        }
        let mut state = sum.write();
        if self.mode == Mode::GrowsOnMerge {
            state.push(0);
        }
        Ok(state)
    }

    /// The machine sums, and starts again from 0 whenever it passes 1,000.00. State: `a` or `f`, merges, then
    /// the sum (anchored) or the amounts that wait (floating).
    fn step(&self, left: &[u8], right: &[u8]) -> Vec<u8> {
        let mut merges = left[1].max(right[1]);
        if left[0] == b'f' {
            return [b'f', merges].into_iter().chain(left[2..].iter().chain(&right[2..]).copied()).collect();
        }
        merges = left[1] + u8::from(self.mode == Mode::MachineThatCountsMerges);
        let start = i64::from_le_bytes(left[2..10].try_into().unwrap());
        let run = |sum: i64, amount: i64| if sum + amount > 100_000 { 0 } else { sum + amount };
        let sum = i64s(&right[2..]).fold(start, run);
        [b'a', merges].into_iter().chain(sum.to_le_bytes()).collect()
    }

    fn shown(&self, state: &[u8]) -> Result<f64, Fault> {
        let f64_of = |state: &[u8]| f64::from_le_bytes(state[..8].try_into().unwrap());
        match self.mode {
            Mode::FloatSum | Mode::MeanOfMeans | Mode::FoldsPairsOnly => Ok(f64_of(state)),
            Mode::HashMapBytes => Ok(i64s(state).sum::<i64>() as f64),
            Mode::ClaimsOrderFree => Ok(i64s(state).next().unwrap_or(0) as f64),
            Mode::Machine | Mode::MachineThatCountsMerges => {
                assert_eq!(state[0], b'a', "a floating state is presented");
                Ok(i64::from_le_bytes(state[2..10].try_into().unwrap()) as f64)
            }
            Mode::PresentsATrap if Sum::read(state).sum == 33_300 => Err(Fault::Trap("unreachable".into())),
            Mode::Difficult if Sum::read(state).sum > 400_000 => {
                Err(Fault::Failed("out of range: a sum above 4,000".into()))
            }
            _ => Ok(Sum::read(state).sum as f64 / 100.0),
        }
    }
}

/// Distinct numbers as a hash map of few buckets writes them: where two collide, the first comes first.
fn hashed(numbers: impl Iterator<Item = i64>) -> Vec<u8> {
    let mut buckets: Vec<Vec<i64>> = vec![Vec::new(); 4];
    for number in numbers {
        let bucket = &mut buckets[number.rem_euclid(4) as usize];
        if !bucket.contains(&number) {
            bucket.insert(0, number);
        }
    }
    buckets.into_iter().flatten().flat_map(i64::to_le_bytes).collect()
}

fn description(mode: Mode) -> Description {
    let field = |name: &str, kind: Kind| Field { name: name.into(), path: name.into(), kind, required: true };
    let machine = matches!(mode, Mode::Machine | Mode::MachineThatCountsMerges);
    Description {
        name: format!("{mode:?}"),
        summary: String::new(),
        inputs: vec![field("key", Kind::Text), field("amount", Kind::Float)],
        keys: vec![field("key", Kind::Text)],
        outputs: vec![field("total", Kind::Float)],
        only: None,
        window: Some(Window { size_ms: HOUR_MS, slide_ms: HOUR_MS }),
        order: if machine { Order::Log } else { Order::None },
        initial: machine.then(|| [b'a', 0].into_iter().chain(0i64.to_le_bytes()).collect()),
        annotations: Vec::new(),
    }
}

fn rows_of(description: &Description, events: &Events) -> Vec<Row> {
    let read = |i: usize, row| events.columns[i].value(&description.inputs[i].kind, row);
    i64s(&events.times)
        .enumerate()
        .map(|(row, time_ms)| Row {
            key: match read(0, row) {
                Value::Bytes(text) => String::from_utf8(text.to_vec()).unwrap(),
                other => panic!("{other:?}"),
            },
            amount: match read(1, row) {
                Value::Float(amount) => amount,
                other => panic!("{other:?}"),
            },
            time_ms,
        })
        .collect()
}

impl Transform for Native {
    fn description(&self) -> &Description {
        &self.description
    }

    fn version(&self) -> Digest {
        Digest::of(self.description.name.as_bytes())
    }

    fn limits(&self) -> Limits {
        Limits::DEFAULT
    }

    fn fold(&self, events: &Events, _: u64) -> Result<Folded, Fault> {
        let rows = rows_of(&self.description, events);
        match self.mode {
            Mode::FailsOnlyWhenAlone if rows.len() == 1 && rows[0].amount > 100.0 => {
                return Err(Fault::Failed("variance of one".into()));
            }
            Mode::FoldsPairsOnly if rows.len() > 2 => return Err(Fault::Failed("too many".into())),
            Mode::Difficult if rows.len() > 1000 => return Err(Fault::Fuel { limit: 1 }),
            Mode::Difficult if rows.iter().any(|row| row.amount == 131.0005) => {
                return Err(Fault::Fuel { limit: 2 });
            }
            Mode::Difficult if rows.iter().any(|row| row.amount == 130.0) => {
                return Err(Fault::Trap("unreachable".into()));
            }
            _ => {}
        }
        let mut rejected = Vec::new();
        let mut cells: BTreeMap<(&str, i64), Vec<&Row>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (i, row) in rows.iter().enumerate() {
            let of_this = (&row.key, row.amount.to_bits(), row.time_ms);
            if self.mode == Mode::RejectsDuplicatesWithinTheCall && !seen.insert(of_this) {
                rejected.push(Rejection { row: i as u32, reason: "seen before".into() });
            } else if self.mode == Mode::RefusesOnlyAlone && rows.len() == 1 && row.amount > 100.0 {
                rejected.push(Rejection { row: i as u32, reason: "alone".into() });
            } else if self.mode == Mode::Difficult && row.amount < 0.0 {
                rejected.push(Rejection { row: i as u32, reason: "below 0".into() });
            } else {
                let window = row.time_ms.div_euclid(HOUR_MS) * HOUR_MS;
                cells.entry((&row.key, window)).or_default().push(row);
            }
        }
        if self.mode == Mode::LosesACell && cells.len() > 2 {
            cells.pop_first();
        }
        let (mut keys, mut windows, mut states) = (Builder::default(), Vec::new(), Blobs::default());
        for ((key, window), of_cell) in cells {
            keys.push(&Kind::Text, Value::Bytes(key.as_bytes()));
            windows.extend(window.to_le_bytes());
            states.push(&self.state(&of_cell, rows.len()));
        }
        Ok(Folded { cells: Cells { keys: vec![keys.finish()], windows, states }, rejected, fuel: 0 })
    }

    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        let mut out = Blobs::default();
        for (left, right) in left.iter().zip(right.iter()) {
            out.push(&self.merged(left, right)?);
        }
        Ok(out)
    }

    fn present(&self, _: &[Column], _: &[u8], states: &Blobs) -> Result<Vec<Column>, Fault> {
        let mut builder = Builder::default();
        for state in states.iter() {
            let beside = if self.mode == Mode::PresentsNeighbours { states.len() as f64 } else { 0.0 };
            builder.push(&Kind::Float, Value::Float(self.shown(state)? + beside));
        }
        Ok(vec![builder.finish()])
    }
}

/// Events as extraction hands them over.
pub fn extracted(rows: &[Row]) -> Extracted {
    let (mut keys, mut amounts) = (Column::default(), Builder::default());
    let distinct: Vec<&str> = rows.iter().map(|row| &*row.key).collect::<BTreeSet<_>>().into_iter().collect();
    distinct.iter().for_each(|key| keys.heap.push(key.as_bytes()));
    for row in rows {
        let code = distinct.binary_search(&&*row.key).unwrap() as u32;
        keys.fixed.extend(code.to_le_bytes());
        amounts.push(&Kind::Float, Value::Float(row.amount));
    }
    Extracted {
        range: Range::new(Offset::ZERO, Offset(rows.len() as u64)),
        offsets: (0..rows.len() as u64).collect(),
        events: Events {
            times: rows.iter().flat_map(|row| row.time_ms.to_le_bytes()).collect(),
            columns: vec![keys, amounts.finish()],
        },
        rejected: Vec::new(),
        ignored: 0,
    }
}

/// Payments of some shops, a little out of order, some of them delivered twice.
pub fn realistic(count: usize, mut seed: u64) -> Vec<Row> {
    let mut next = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let mut rows: Vec<Row> = Vec::new();
    for i in 0..count {
        if i > 10 && next(50) == 0 {
            let earlier = rows[rows.len() - 1 - next(10) as usize].clone();
            rows.push(earlier);
            continue;
        }
        let late = if next(20) == 0 { next(2 * HOUR_MS as u64) as i64 } else { 0 };
        rows.push(Row {
            key: format!("shop-{}", next(30) * next(30) / 30),
            amount: (next(40_000) as f64 - 50.0) / 100.0,
            time_ms: START_MS + i as i64 * 5_000 - late,
        });
    }
    rows
}
