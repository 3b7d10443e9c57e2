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

/// Currencies that a merchant has room for; the job has four.
const CURRENCIES: usize = 16;

#[derive(Default)]
pub struct Revenue {
    merchants: Names,
    currencies: Names,
    first_hour: Option<i64>,
    /// Cells of each hour, by merchant and currency.
    hours: Vec<Vec<Cell>>,
}

impl Revenue {
    #[inline]
    fn add(&mut self, merchant: usize, currency: usize, time_ms: i64, amount: i64) {
        let hour = self.hour(time_ms.div_euclid(HOUR_MS));
        let cells = &mut self.hours[hour];
        let place = merchant * CURRENCIES + currency;
        if place >= cells.len() {
            cells.resize((place + 1).next_multiple_of(1024), EMPTY);
        }
        let cell = &mut cells[place];
        cell.amount += amount;
        cell.orders += 1;
        cell.largest = cell.largest.max(amount);
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
        let merchants = self_ids(&mut self.merchants, merchant);
        let currencies = self_ids(&mut self.currencies, currency);
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

    /// Sorted by merchant, currency and hour: cells, and what they are of.
    pub fn rows(&self) -> Vec<Row> {
        let sorted = |names: &Names| {
            let mut ids: Vec<usize> = (0..names.texts.len()).collect();
            ids.sort_unstable_by(|a, b| names.texts[*a].cmp(&names.texts[*b]));
            ids
        };
        let (merchants, currencies) = (sorted(&self.merchants), sorted(&self.currencies));
        let mut rows = Vec::new();
        for merchant in merchants {
            for &currency in &currencies {
                for (hour, cells) in self.hours.iter().enumerate() {
                    let Some(cell) = cells.get(merchant * CURRENCIES + currency) else { continue };
                    if cell.orders > 0 {
                        rows.push(self.row(merchant, currency, hour, cell));
                    }
                }
            }
        }
        rows
    }

    fn row(&self, merchant: usize, currency: usize, hour: usize, cell: &Cell) -> Row {
        Row {
            merchant: self.merchants.texts[merchant].to_string(),
            currency: self.currencies.texts[currency].to_string(),
            window_ms: (self.first_hour.unwrap_or(0) + hour as i64) * HOUR_MS,
            amount: cell.amount,
            orders: cell.orders,
            largest: cell.largest,
        }
    }
}

fn text_of(column: &Column) -> impl Iterator<Item = &str> {
    column.heap.iter().map(|text| std::str::from_utf8(text).expect("text is UTF-8"))
}

/// The id of each text of a column's dictionary.
fn self_ids(names: &mut Names, column: &Column) -> Vec<usize> {
    let ids: Vec<usize> = text_of(column).map(|text| names.id(text)).collect();
    assert!(column.validity.is_empty(), "the job has no order without a key");
    ids
}
