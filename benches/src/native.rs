//! The same job as a person would write it in Rust for this job alone: text keys interned to dense
//! ids, an array of cells for each hour, one sort at the end.

use bifocal::column::{Column, i64s, u32s};
use bifocal::digest::{Digest, Hasher};
use bifocal::transform::Events;
use hashbrown::HashMap;

const HOUR_MS: i64 = 3_600_000;

/// One row of the result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub merchant: String,
    pub currency: String,
    pub window_ms: i64,
    pub amount: i64,
    pub orders: i64,
    pub largest: i64,
}

/// What both sides' rows come to.
pub fn digest<'a>(rows: impl Iterator<Item = &'a Row>) -> Digest {
    let mut hasher = Hasher::new("rows of the orders job");
    for row in rows {
        hasher.part(row.merchant.as_bytes());
        hasher.part(row.currency.as_bytes());
        [row.window_ms, row.amount, row.orders, row.largest]
            .into_iter()
            .for_each(|number| hasher.i64(number));
    }
    hasher.finish()
}

#[derive(Clone, Copy)]
struct Cell {
    amount: i64,
    orders: i64,
    largest: i64,
}

const EMPTY: Cell = Cell { amount: 0, orders: 0, largest: i64::MIN };

/// Distinct texts and their ids.
#[derive(Default)]
struct Names {
    ids: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Names {
    fn id(&mut self, text: &str) -> usize {
        if let Some(id) = self.ids.get(text) {
            return *id as usize;
        }
        let id = self.texts.len();
        self.ids.insert(text.into(), id as u32);
        self.texts.push(text.into());
        id
    }
}

/// Currencies that there is room for; the job has four.
const CURRENCIES: usize = 16;
const UNMET: u32 = u32::MAX;

#[derive(Default)]
pub struct Revenue {
    merchants: Names,
    currencies: Names,
    /// Pairs of merchant and currency that were met, and where each is found by both ids.
    pairs: Vec<(u32, u32)>,
    pair_of: Vec<u32>,
    first_hour: Option<i64>,
    /// Cells of each hour, by pair.
    hours: Vec<Vec<Cell>>,
}

/// A cell in its place among all others; its names are looked up when it is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sorted {
    pair: u32,
    hour: u32,
}

impl Revenue {
    #[inline]
    fn add(&mut self, merchant: usize, currency: usize, time_ms: i64, amount: i64) {
        let hour = self.hour(time_ms.div_euclid(HOUR_MS));
        let pair = self.pair(merchant, currency);
        let cells = &mut self.hours[hour];
        if pair >= cells.len() {
            cells.resize((pair + 1).next_multiple_of(1024), EMPTY);
        }
        let cell = &mut cells[pair];
        cell.amount += amount;
        cell.orders += 1;
        cell.largest = cell.largest.max(amount);
    }

    #[inline]
    fn pair(&mut self, merchant: usize, currency: usize) -> usize {
        assert!(currency < CURRENCIES, "the job has few currencies");
        let place = merchant * CURRENCIES + currency;
        match self.pair_of.get(place) {
            Some(pair) if *pair != UNMET => *pair as usize,
            _ => self.meet(place),
        }
    }

    #[cold]
    fn meet(&mut self, place: usize) -> usize {
        if place >= self.pair_of.len() {
            self.pair_of.resize((place + 1).next_multiple_of(1024), UNMET);
        }
        self.pair_of[place] = self.pairs.len() as u32;
        self.pairs.push(((place / CURRENCIES) as u32, (place % CURRENCIES) as u32));
        self.pairs.len() - 1
    }

    #[inline]
    fn hour(&mut self, hour: i64) -> usize {
        let first = *self.first_hour.get_or_insert(hour);
        if hour < first {
            let missing = (first - hour) as usize;
            self.hours.splice(0..0, std::iter::repeat_n(Vec::new(), missing));
            self.first_hour = Some(hour);
            return 0;
        }
        let place = (hour - first) as usize;
        if place >= self.hours.len() {
            self.hours.resize(place + 1, Vec::new());
        }
        place
    }

    /// Adds a chunk of dictionary columns: merchant, currency, amount, status, as the plugin asks
    /// for them.
    pub fn add_columns(&mut self, events: &Events) {
        let [merchant, currency, amount, status] = &events.columns[..] else { panic!("four columns") };
        let merchants = ids_of(&mut self.merchants, merchant);
        let currencies = ids_of(&mut self.currencies, currency);
        let completed = text_of(status).position(|text| text == "completed").unwrap_or(usize::MAX) as u32;
        let rows = u32s(&merchant.fixed).zip(u32s(&currency.fixed));
        let rows = rows.zip(i64s(&amount.fixed)).zip(u32s(&status.fixed)).zip(i64s(&events.times));
        for ((((merchant, currency), amount), status), time_ms) in rows {
            if status == completed {
                self.add(merchants[merchant as usize], currencies[currency as usize], time_ms, amount);
            }
        }
    }

    pub fn add_order(&mut self, merchant: &str, currency: &str, time_ms: i64, amount: i64) {
        let (merchant, currency) = (self.merchants.id(merchant), self.currencies.id(currency));
        self.add(merchant, currency, time_ms, amount);
    }

    /// All cells, sorted by merchant, currency and hour.
    pub fn sorted(&self) -> Vec<Sorted> {
        let names = |pair: &u32| {
            let (merchant, currency) = self.pairs[*pair as usize];
            (&self.merchants.texts[merchant as usize], &self.currencies.texts[currency as usize])
        };
        let mut pairs: Vec<u32> = (0..self.pairs.len() as u32).collect();
        pairs.sort_unstable_by(|a, b| names(a).cmp(&names(b)));
        let mut sorted = Vec::with_capacity(pairs.len() * self.hours.len());
        for pair in pairs {
            for (hour, cells) in self.hours.iter().enumerate() {
                if cells.get(pair as usize).is_some_and(|cell| cell.orders > 0) {
                    sorted.push(Sorted { pair, hour: hour as u32 });
                }
            }
        }
        sorted
    }

    pub fn row(&self, at: Sorted) -> Row {
        let (merchant, currency) = self.pairs[at.pair as usize];
        let cell = self.hours[at.hour as usize][at.pair as usize];
        Row {
            merchant: self.merchants.texts[merchant as usize].to_string(),
            currency: self.currencies.texts[currency as usize].to_string(),
            window_ms: (self.first_hour.unwrap_or(0) + i64::from(at.hour)) * HOUR_MS,
            amount: cell.amount,
            orders: cell.orders,
            largest: cell.largest,
        }
    }
}

/// A finished job: its cells, in order.
pub struct Done {
    revenue: Revenue,
    sorted: Vec<Sorted>,
}

impl Done {
    pub fn new(revenue: Revenue) -> Done {
        Done { sorted: revenue.sorted(), revenue }
    }

    pub fn digest(&self) -> Digest {
        let rows: Vec<Row> = self.sorted.iter().map(|at| self.revenue.row(*at)).collect();
        digest(rows.iter())
    }
}

impl PartialEq for Done {
    fn eq(&self, other: &Done) -> bool {
        self.sorted == other.sorted
    }
}

fn text_of(column: &Column) -> impl Iterator<Item = &str> {
    column.heap.iter().map(|text| std::str::from_utf8(text).expect("text is UTF-8"))
}

/// The id of each text of a column's dictionary.
fn ids_of(names: &mut Names, column: &Column) -> Vec<usize> {
    let ids: Vec<usize> = text_of(column).map(|text| names.id(text)).collect();
    assert!(column.validity.is_empty(), "the job has no order without a key");
    ids
}
