//! Random events of the kinds that a transform declares: few keys, few windows, values that
//! collide, repeat and sit on boundaries, some of them missing or of the wrong type. Owns what is
//! likely to break a law; knows nothing of what is done with the events.

use super::constants::Constants;
use super::random::Random;
use crate::description::{Description, Field, Kind};
use serde_json::{Map, Value};

/// An event to append: its payload and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub payload: Vec<u8>,
    pub time_ms: i64,
}

/// 2026-01-01T00:00:00Z, a multiple of all usual windows.
const START_MS: i64 = 1_767_225_600_000;
const HOUR_MS: i64 = 3_600_000;
/// Windows that events fall into.
const WINDOWS: usize = 4;
/// How far back a repeated event stands, at most.
const REPEAT_BACK: usize = 24;

const TEXTS: [&str; 8] = ["a", "b", "c", "", "é", "a\u{0}b", "A longer text, with a comma", "0"];
const INTEGERS: [i64; 16] = [
    0,
    1,
    -1,
    2,
    3,
    7,
    10,
    60,
    100,
    999,
    1_000_000,
    -40,
    i32::MAX as i64,
    i64::MAX,
    i64::MIN,
    9_007_199_254_740_993,
];
const FLOATS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "0.1",
    "0.2",
    "0.3",
    "2.5",
    "1e16",
    "-1e16",
    "1e-9",
    "3.3333333333333335",
    "5e-324",
    "1e308",
    "-0.0",
];
const BINARIES: [&str; 4] = ["", "AA==", "AAE=", "//79"];
const JSONS: [&str; 7] = ["[]", "{}", "[1,2,2]", r#"{"a":1,"b":[null,true]}"#, "1", r#""text""#, "[[0.1]]"];
const WRONG: [&str; 7] = ["null", "true", "{}", "[1]", "1.5", r#""not this""#, "1e3"];

/// `count` events; the same for the same seed.
pub fn generate(description: &Description, constants: &Constants, seed: u64, count: usize) -> Vec<Generated> {
    let mut source = Source { description, constants, random: Random::new(seed) };
    let mut events: Vec<Generated> = Vec::with_capacity(count);
    while events.len() < count {
        let back = 1 + source.random.below(REPEAT_BACK);
        let again = events.len().checked_sub(back).and_then(|place| events.get(place)).cloned();
        match again {
            Some(event) if source.random.chance(8) => events.push(event),
            _ => events.push(source.event(None)),
        }
    }
    events
}

pub(super) struct Source<'a> {
    pub description: &'a Description,
    pub constants: &'a Constants,
    pub random: Random,
}

impl Source<'_> {
    /// An event with, if one is given, this value as JSON at a path, and no faults.
    pub fn event(&mut self, set: Option<(&str, &str)>) -> Generated {
        let time_ms = self.time_ms();
        let mut payload = Map::new();
        if let Some(filter) = &self.description.only {
            let wanted = set.is_some() || self.random.chance(90);
            let text = if wanted { self.random.pick(&filter.one_of).cloned() } else { None };
            put(&mut payload, &filter.path, Value::String(text.unwrap_or_else(|| self.text())));
        }
        if let Some(path) = self.description.annotation("time") {
            put(&mut payload, path, self.timestamp(time_ms));
        }
        let inputs = &self.description.inputs;
        for field in inputs.iter().filter(|field| !field.path.starts_with('@')) {
            if field.path.is_empty() {
                return Generated { payload: self.whole_payload(), time_ms };
            }
            let fixed = set.filter(|(path, _)| *path == field.path).map(|(_, json)| json.to_owned());
            let fault = if set.is_none() { self.random.below(100) } else { 100 };
            let value = match (fixed, fault) {
                (Some(json), _) => parsed(&json),
                (None, 0 | 1) => continue,
                (None, 2) => Value::Null,
                (None, 3) => self.random.pick(&WRONG).map_or(Value::Null, |json| parsed(json)),
                _ => self.value(field, time_ms),
            };
            put(&mut payload, &field.path, value);
        }
        Generated { payload: Value::Object(payload).to_string().into_bytes(), time_ms }
    }

    /// Around the ends of a few windows, mostly forward.
    fn time_ms(&mut self) -> i64 {
        let (size_ms, slide_ms) =
            self.description.window.map_or((HOUR_MS, HOUR_MS), |window| (window.size_ms, window.slide_ms));
        let window = self.random.below(WINDOWS) as i64;
        let start_ms = START_MS.div_euclid(slide_ms) * slide_ms + window * slide_ms;
        let within =
            [0, 1, slide_ms - 1, slide_ms / 2, size_ms - 1, self.random.below(slide_ms as usize) as i64];
        start_ms + self.random.pick(&within).copied().unwrap_or(0)
    }

    fn value(&mut self, field: &Field, time_ms: i64) -> Value {
        let known = self.constants.by_path.get(&field.path);
        if let Some(json) = known.and_then(|known| self.random.pick(known))
            && self.random.chance(60)
        {
            return parsed(json);
        }
        let is_key = self.is_key(field);
        match &field.kind {
            Kind::Boolean => Value::Bool(self.random.chance(50)),
            Kind::Text if is_key => Value::String(format!("k{}", self.random.below(3))),
            Kind::Text => Value::String(self.text()),
            Kind::Integer if is_key => Value::from(self.random.below(3)),
            Kind::Integer => Value::from(self.integer()),
            Kind::Float => self.float(),
            Kind::Timestamp => {
                let moved_ms = if self.random.chance(80) { 0 } else { self.random.below(10_000) as i64 };
                self.timestamp(time_ms - moved_ms)
            }
            Kind::Decimal(digits) => self.decimal(usize::from(*digits)),
            Kind::Binary => Value::from(self.random.pick(&BINARIES).copied()),
            Kind::Json | Kind::Other(_) => self.random.pick(&JSONS).map_or(Value::Null, |json| parsed(json)),
        }
    }

    /// Whether an input is what a key is made of, going by its name.
    fn is_key(&self, field: &Field) -> bool {
        let last = field.path.rsplit(['.', '/']).next().unwrap_or_default();
        self.description.keys.iter().any(|key| key.name == field.name || key.name == last)
    }

    fn text(&mut self) -> String {
        if self.random.chance(40)
            && let Some(text) = self.random.pick(&self.constants.texts)
        {
            return text.clone();
        }
        self.random.pick(&TEXTS).map_or(String::new(), |text| (*text).into())
    }

    fn integer(&mut self) -> i64 {
        match self.random.below(10) {
            0 => self.random.pick(&self.constants.integers).copied().unwrap_or(0),
            1 => self.random.next() as i64 >> self.random.below(63),
            2..=4 => self.random.below(100) as i64 - 50,
            _ => self.random.pick(&INTEGERS[..12]).copied().unwrap_or(0),
        }
        .wrapping_add(if self.random.chance(1) { i64::MAX } else { 0 })
    }

    fn float(&mut self) -> Value {
        match self.random.below(10) {
            0 => {
                self.random.pick(&self.constants.floats).map_or(Value::from(0.5), |float| Value::from(*float))
            }
            1..=4 => parsed(&format!("{:.2}", self.random.below(100_000) as f64 / 100.0)),
            _ => self.random.pick(&FLOATS).map_or(Value::Null, |float| parsed(float)),
        }
    }

    /// All digits, fewer, or as a text.
    fn decimal(&mut self, digits: usize) -> Value {
        let number = match self.random.below(10) {
            0 => self.random.pick(&self.constants.integers).copied().unwrap_or(1),
            1 => self.random.pick(&INTEGERS).copied().unwrap_or(0),
            _ => self.random.below(50_000) as i64 - 500,
        };
        let text = super::report::decimal(number, digits);
        if self.random.chance(10) { Value::String(text) } else { parsed(&text) }
    }

    fn timestamp(&mut self, time_ms: i64) -> Value {
        match self.description.annotation("time-unit") {
            Some("s") => Value::from(time_ms.div_euclid(1000)),
            Some("ms") => Value::from(time_ms),
            Some("us") => Value::from(i128::from(time_ms) as i64 * 1000),
            Some("ns") => Value::from(i128::from(time_ms) as i64 * 1_000_000),
            _ => {
                Value::String(super::report::value(&Kind::Timestamp, crate::column::Value::Integer(time_ms)))
            }
        }
    }

    /// For who parses payloads alone: JSON as well as bytes, since nothing is known of them.
    fn whole_payload(&mut self) -> Vec<u8> {
        match self.random.below(3) {
            0 => self.text().into_bytes(),
            1 => (0..self.random.below(16)).map(|_| self.random.next() as u8).collect(),
            _ => format!("{{\"{}\":{}}}", self.text().escape_default(), self.integer()).into_bytes(),
        }
    }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

/// Puts a value where a path finds it: names of a JSON Pointer, else dotted ones.
fn put(payload: &mut Map<String, Value>, path: &str, value: Value) {
    let names: Vec<String> = match path.strip_prefix('/') {
        Some(pointer) => pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect(),
        None => path.split('.').map(String::from).collect(),
    };
    let Some((last, outer)) = names.split_last() else { return };
    let mut at = payload;
    for name in outer {
        let inner = at.entry(name).or_insert_with(|| Value::Object(Map::new()));
        if !inner.is_object() {
            *inner = Value::Object(Map::new());
        }
        let Value::Object(inner) = inner else { return };
        at = inner;
    }
    at.insert(last.clone(), value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{Filter, Order, Window};
    use crate::event::{Event, Lineage, Typing};
    use crate::extract::{Extracted, Extractor, Scratch};
    use crate::offset::{Offset, Range};
    use crate::time::TimeRule;
    use std::collections::BTreeSet;

    fn description(paths: &[(&str, Kind)]) -> Description {
        let field = |(path, kind): &(&str, Kind)| Field {
            name: path.replace(['/', '.'], "_"),
            path: (*path).into(),
            kind: kind.clone(),
            required: true,
        };
        Description {
            name: "d".into(),
            summary: String::new(),
            inputs: paths.iter().map(field).collect(),
            keys: vec![Field { name: "shop".into(), path: String::new(), kind: Kind::Text, required: true }],
            outputs: Vec::new(),
            only: Some(Filter { path: "meta.type".into(), one_of: vec!["sale".into(), "return".into()] }),
            window: Some(Window { size_ms: 2 * HOUR_MS, slide_ms: HOUR_MS }),
            order: Order::None,
            initial: None,
            annotations: Vec::new(),
        }
    }

    fn extracted(description: &Description, events: &[Generated]) -> Extracted {
        let log = (0..).zip(events).map(|(offset, event)| Event {
            offset: Offset(offset),
            time_ms: event.time_ms,
            ingested_ms: event.time_ms,
            id: None,
            schema: None,
            lineage: Lineage::default(),
            typing: Typing::Json,
            payload: &event.payload,
        });
        let range = Range::new(Offset::ZERO, Offset(events.len() as u64));
        let extractor = Extractor::new(description, TimeRule::default()).unwrap();
        extractor.extract(&mut Scratch::default(), range, log)
    }

    #[test]
    fn random_events_of_every_kind_mostly_pass_extraction_and_collide() {
        let description = description(&[
            ("shop", Kind::Text),
            ("meta.flags.new", Kind::Boolean),
            ("/order/lines~1all/0", Kind::Json),
            ("order.total", Kind::Decimal(2)),
            ("order.weight", Kind::Float),
            ("count", Kind::Integer),
            ("at", Kind::Timestamp),
            ("signature", Kind::Binary),
            ("@offset", Kind::Integer),
        ]);
        let events = generate(&description, &Constants::default(), 7, 2000);
        assert_eq!(events, generate(&description, &Constants::default(), 7, 2000));
        let extracted = extracted(&description, &events);
        let rejected = extracted.rejected.len();
        assert!((100..1000).contains(&rejected), "{rejected}: {:?}", extracted.rejected.first());
        assert!((50..500).contains(&extracted.ignored), "{}", extracted.ignored);
        assert!(extracted.offsets.len() > 1000);
        let hours: BTreeSet<i64> = events.iter().map(|event| event.time_ms.div_euclid(HOUR_MS)).collect();
        assert!((4..8).contains(&hours.len()), "{hours:?}");
        assert!(events.windows(2).any(|pair| pair[0].time_ms > pair[1].time_ms), "all in order");
        let distinct: BTreeSet<&[u8]> = events.iter().map(|event| &*event.payload).collect();
        assert!(distinct.len() < 1960, "hardly any event is sent twice: {}", distinct.len());
        let shops: BTreeSet<&[u8]> = extracted.events.columns[0].heap.iter().collect();
        assert!(shops.len() < 12, "keys do not collide: {shops:?}");
    }

    #[test]
    fn constants_turn_up_in_events() {
        let description = description(&[("status", Kind::Text), ("amount", Kind::Integer)]);
        let constants = Constants {
            texts: vec!["completed".into()],
            integers: vec![424_242],
            by_path: [("status".into(), vec!["\"refunded\"".into()])].into(),
            ..Constants::default()
        };
        let events = generate(&description, &constants, 1, 500);
        for wanted in ["completed", "refunded", "424242"] {
            let count =
                events.iter().filter(|event| String::from_utf8_lossy(&event.payload).contains(wanted));
            assert!(count.count() > 5, "{wanted}");
        }
    }
}
