//! A host in a folder of its own, orders for it, and what a straight loop makes of them.

use bifocal::app::{Answer, App, Config, Order, Question, Stage, Wanted};
use bifocal::event::{Event, Lineage, Typing};
use bifocal::offset::{Offset, Range};
use bifocal::rows::{Format, Rows, Writer};
use bifocal::serving::{self, Asked};
use bifocal::store::{Batch, Key, Receipt, RunKind, RunRecord, Store, StreamLog, StreamRecord};
use bifocal::wasm::{Engine, Options};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

pub const STREAM: &str = "orders";
pub const VIEW: &str = "revenue";
pub const HOUR_MS: i64 = 3_600_000;
/// 2026-01-01T00:00:00Z
pub const START_MS: i64 = 1_767_225_600_000;
pub const LONG: Duration = Duration::from_secs(120);

pub fn revenue() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| guests::build("revenue"))
}

/// One for all tests of this process: it reserves much address space.
pub fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let options = || Options { instances_max: 24, ..Options::default() };
    ENGINE.get_or_init(|| Engine::new(options()).unwrap()).clone()
}

pub fn start_with(folder: &Path, config: Config) -> Arc<App> {
    App::start(Store::open(folder).unwrap(), engine(), 2, config).unwrap()
}

pub fn stream() -> StreamRecord {
    StreamRecord {
        number: 0,
        name: STREAM.into(),
        time: Some("ts".into()),
        time_format: None,
        time_unit: None,
        id: Some("id".into()),
        out_of_orderness_ms: 0,
        max_ahead_ms: HOUR_MS,
        dedup_events: 1_000_000,
        seed: 7,
        schemas: Vec::new(),
        created_ms: START_MS,
    }
}

/// Runs and restarts are made by hand alone.
pub fn by_hand() -> Config {
    Config::parse("[views.revenue]\nbatch = 'never'\nfull = 'never'\n").unwrap()
}

pub fn deploy(app: &Arc<App>, component: &[u8]) -> Stage {
    let wanted = Wanted { component: component.to_vec(), stream: Some(STREAM.into()), ..Wanted::default() };
    app.deploy(VIEW, wanted).unwrap().wait(LONG)
}

/// An order, by its number: the same number is the same order.
#[derive(Clone, Debug)]
pub struct Made {
    pub id: String,
    pub time_ms: i64,
    pub payload: String,
}

pub fn order(number: u64) -> Made {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = |bound: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (z >> 27);
        z % bound
    };
    let time_ms = START_MS + number as i64 * 50 - next(4 * HOUR_MS as u64) as i64 * i64::from(next(20) == 0);
    let (merchant, currency) = (next(40), ["EUR", "USD"][next(2) as usize]);
    let status = if next(10) == 0 { "pending" } else { "completed" };
    let amount = match next(200) {
        0 => "\"x\"".to_string(),
        _ => format!("{}.{:02}", next(500), next(100)),
    };
    let time = bifocal::time::Rfc3339(time_ms);
    let payload = format!(
        r#"{{"ts":"{time}","id":"o-{number}","merchant_id":"m-{merchant}","currency":"{currency}","amount":{amount},"status":"{status}"}}"#
    );
    Made { id: format!("o-{number}"), time_ms, payload }
}

pub fn batch(orders: &[Made], key: Option<&str>) -> Batch {
    let mut batch = Batch::default();
    for (position, made) in orders.iter().enumerate() {
        let event = Event {
            offset: Offset::ZERO,
            time_ms: made.time_ms,
            ingested_ms: made.time_ms,
            id: Some(&made.id),
            schema: None,
            lineage: Lineage { position: position as u64 + 1, ..Lineage::default() },
            typing: Typing::Json,
            payload: made.payload.as_bytes(),
        };
        batch.push(&event).unwrap();
    }
    let digest = |text: &str| bifocal::digest::Digest::of(text.as_bytes());
    batch.key = key.map(|name| Key { name: name.into(), request: digest(name) });
    batch
}

/// Hands a batch over and waits until it is durable.
pub fn append(app: &App, batch: Batch) -> Receipt {
    let (done, answer) = mpsc::channel();
    app.stream(STREAM).unwrap().submit(batch, move |receipt| done.send(receipt).unwrap()).unwrap();
    answer.recv().unwrap().unwrap()
}

pub fn run(app: &App, kind: RunKind) -> Result<RunRecord, String> {
    let order: Arc<Order> = app.view(VIEW).unwrap().runs.order(kind, None).unwrap();
    order.wait(LONG).expect("a run ends").map(|ended| ended.run().expect("a run was ordered"))
}

/// An answer: the offset that it reaches, and its rows by key and window.
pub struct Said {
    pub visible: u64,
    pub rows: Vec<String>,
    pub answer: Answer,
}

pub fn ask(app: &App, asked: Asked, min_offset: Option<u64>) -> Said {
    let question = Question { asked, min_offset, as_of: None };
    let now_ms = START_MS;
    let answer = app.view(VIEW).unwrap().ask(&question, LONG, now_ms).unwrap();
    let mut out = Vec::new();
    let fields = serving::fields(answer.live.calls.description(), &answer.query);
    let mut writer = Writer::new(Format::Ndjson, &fields, 0, &mut out).unwrap();
    let mut take = |rows: &Rows| -> Result<(), serving::Error> {
        writer.write(&rows.columns, rows.count).unwrap();
        Ok(())
    };
    let summary = serving::answer(&answer.live.calls, &answer.pointer, &answer.query, &mut take).unwrap();
    assert!(summary.broken.is_empty(), "{:?}", summary.broken);
    writer.finish().unwrap();
    let text = String::from_utf8(out).unwrap();
    let mut rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        ["settled", "revised", "pending"].iter().for_each(|mark| _ = row.remove(*mark));
    }
    let rows = rows.iter().map(|row| row.to_string()).collect();
    Said { visible: answer.pointer.visible.0, rows, answer }
}

/// What is in the log, by offset.
pub fn payloads(log: &StreamLog) -> Vec<(i64, String)> {
    let mut out = Vec::new();
    let range = Range::new(Offset::ZERO, Offset(log.head()));
    log.visit(range, |event| out.push((event.time_ms, String::from_utf8(event.payload.to_vec()).unwrap())))
        .unwrap();
    out
}

/// The rows over `[0, to)`, by a straight loop; those of one merchant only, if it is named.
pub fn straight(events: &[(i64, String)], to: u64, merchant: Option<&str>) -> Vec<String> {
    let mut cells: BTreeMap<(String, String, i64), (i64, u64, i64)> = BTreeMap::new();
    for (time_ms, payload) in &events[..to as usize] {
        let order: serde_json::Value = serde_json::from_str(payload).unwrap();
        let text = |name: &str| order[name].as_str().unwrap().to_string();
        if order["amount"].is_string() || text("status") != "completed" {
            continue;
        }
        if merchant.is_some_and(|merchant| merchant != text("merchant_id")) {
            continue;
        }
        let amount = order["amount"].to_string();
        let (whole, cents) = amount.split_once('.').unwrap();
        let cents: i64 = whole.parse::<i64>().unwrap() * 100 + cents.parse::<i64>().unwrap();
        let window = time_ms.div_euclid(HOUR_MS) * HOUR_MS;
        let cell = cells.entry((text("merchant_id"), text("currency"), window)).or_insert((0, 0, i64::MIN));
        *cell = (cell.0 + cents, cell.1 + 1, cell.2.max(cents));
    }
    let money = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    let row = |((merchant, currency, window), (sum, orders, largest)): (
        (String, String, i64),
        (i64, u64, i64),
    )| {
        let window = bifocal::time::Rfc3339(window);
        let (sum, largest) = (money(sum), money(largest));
        let row = format!(
            r#"{{"merchant_id":"{merchant}","currency":"{currency}","window":"{window}","amount":{sum},"orders":{orders},"largest":{largest}}}"#
        );
        serde_json::from_str::<serde_json::Value>(&row).unwrap().to_string()
    };
    cells.into_iter().map(row).collect()
}
