//! What the attribute makes of a function: description, settings, outputs, faults.

use bifocal_sdk::column::{Blobs, Column};
use bifocal_sdk::description::{Description, Field, Order};
use bifocal_sdk::testing::Bench;
use bifocal_sdk::*;

#[derive(Event)]
struct Request<'a> {
    agent: &'a str,
    bytes: i64,
}

#[derive(Settings, Clone)]
struct Bots {
    agents: Vec<String>,
    #[settings(default = 100)]
    bytes_max: i64,
    window_s: Option<u32>,
    #[serde(default)]
    group: Group,
}

#[derive(Settings, Clone, Default)]
struct Group {
    name: String,
}

impl Bots {
    fn window(&self) -> Option<Window> {
        self.window_s.map(|size_s| Window::tumbling(i64::from(size_s) * 1000))
    }
}

#[derive(Key)]
struct Whose {
    group: String,
    bot: bool,
}

#[derive(State)]
struct Traffic {
    requests: Count,
    bytes: Sum<i64>,
}

/// Requests of bots
/// and of people.
///
/// More of it.
#[transform(window = bots.window(), name = "bot-traffic", time = "meta.at", time_unit = "s")]
fn traffic(request: Request, bots: &Bots, out: &mut Cells<Whose, Traffic>) -> Result<(), Reject> {
    if request.bytes > bots.bytes_max {
        reject!("{} bytes are more than {}", request.bytes, bots.bytes_max);
    }
    let bot = bots.agents.iter().any(|agent| agent == request.agent);
    let cell = out.cell(Whose { group: bots.group.name.clone(), bot });
    cell.requests.add(1);
    cell.bytes.add(request.bytes);
    Ok(())
}

#[test]
fn a_description_says_all_that_the_types_and_the_attribute_say() {
    let field = |name: &str, path: &str, kind, required| Field {
        name: name.into(),
        path: path.into(),
        kind,
        required,
    };
    let expected = Description {
        name: "bot-traffic".into(),
        summary: "Requests of bots and of people.".into(),
        inputs: vec![field("agent", "agent", Kind::Text, true), field("bytes", "bytes", Kind::Integer, true)],
        keys: vec![Field::named("group", Kind::Text), Field::named("bot", Kind::Boolean)],
        outputs: vec![Field::named("requests", Kind::Integer), Field::named("bytes", Kind::Integer)],
        only: None,
        window: Some(Window::tumbling(60_000)),
        order: Order::None,
        initial: None,
        annotations: vec![("time".into(), "meta.at".into()), ("time-unit".into(), "s".into())],
    };
    assert_eq!(traffic().describe(r#"{"agents":[],"window_s":60}"#).unwrap(), expected);
    assert_eq!(
        traffic().describe(r#"{"agents":[]}"#).unwrap().window,
        None,
        "a window may follow from settings"
    );
    assert!(traffic().has_settings());
}

#[test]
fn settings_reach_the_function() {
    let settings = r#"{"agents":["spider"],"bytes_max":10,"group":{"name":"g"},"window_s":60}"#;
    let mut bench = Bench::with_settings(traffic(), settings).unwrap();
    for (at, agent, bytes) in [(0, "spider", 1), (59, "spider", 2), (60, "fox", 3), (61, "fox", 11)] {
        bench.append(&format!(r#"{{"meta":{{"at":{at}}},"agent":"{agent}","bytes":{bytes}}}"#));
    }
    assert_eq!(
        bench.rows().unwrap(),
        [
            r#"{"group":"g","bot":false,"window":"1970-01-01T00:01:00Z","requests":1,"bytes":3}"#,
            r#"{"group":"g","bot":true,"window":"1970-01-01T00:00:00Z","requests":2,"bytes":3}"#,
        ]
    );
    assert_eq!(bench.rejected().unwrap(), [(3, "11 bytes are more than 10".into())]);
    bench.check_laws().unwrap();
}

#[test]
fn settings_that_do_not_fit_are_an_error_of_describe_that_names_them() {
    for (settings, part) in [
        ("{}", "missing field `agents`"),
        (r#"{"agents":[],"bytes":1}"#, "unknown field `bytes`"),
        (r#"{"agents":"spider"}"#, "invalid type: string \"spider\""),
        (r#"{"agents":[],"window_s":-1}"#, "invalid value: integer `-1`"),
        (r#"{"agents":[],"group":{"nam":"g"}}"#, "unknown field `nam`"),
        (r#"{"agents":[],"window_s":0}"#, "a window of 0 ms"),
        ("[", "EOF"),
    ] {
        let error = traffic().describe(settings).unwrap_err();
        assert!(error.contains(part), "{settings}: {error}");
    }
}

#[test]
fn a_transform_without_settings_refuses_any() {
    assert!(latest().describe("{}").is_ok());
    let error = latest().describe(r#"{"a":1}"#).unwrap_err();
    assert_eq!(error, r#"settings {"a":1} do not fit: this transform has no settings"#);
    assert!(!latest().has_settings());
}

#[derive(State)]
struct Latest {
    agent: LastSeen<String>,
    nested: Nested,
    by_agent: Map<String, Nested>,
}

#[derive(State)]
struct Nested {
    bytes: Sum<i64>,
    most: Max<i64>,
}

#[transform(window = "1h", slide = "15m", summary = "The latest.")]
fn latest(request: Request, out: &mut Cells<(), Latest>) -> Result<(), Reject> {
    let cell = out.cell(());
    cell.agent.see(request.agent);
    cell.nested.bytes.add(request.bytes);
    cell.nested.most.see(request.bytes);
    cell.by_agent.entry(request.agent).bytes.add(request.bytes);
    Ok(())
}

#[test]
fn one_part_that_needs_the_order_makes_the_state_need_it() {
    let description = latest().describe("{}").unwrap();
    assert_eq!(description.order, Order::Log);
    assert_eq!((description.initial, description.keys), (None, vec![]));
    assert_eq!(description.window, Some(Window::hopping(3_600_000, 900_000)));
    assert_eq!((description.name.as_str(), description.summary.as_str()), ("latest", "The latest."));
}

#[test]
fn a_state_within_a_state_shows_as_an_object() {
    let mut bench = Bench::new(latest()).unwrap();
    bench.append(r#"{"agent":"fox","bytes":3}"#);
    bench.append(r#"{"agent":"cat","bytes":-1}"#);
    let rows = bench.rows().unwrap();
    assert_eq!(rows.len(), 4);
    assert_eq!(
        rows[3],
        r#"{"window":"1970-01-01T00:00:00Z","agent":"cat","nested":{"bytes":2,"most":3},"by_agent":{"cat":{"bytes":-1,"most":null},"fox":{"bytes":3,"most":null}}}"#
    );
    bench.check_laws().unwrap();
}

#[derive(Clone, Default, Codec)]
struct Streak {
    last: Option<Signal>,
    length: u64,
}

#[derive(Clone, Copy, PartialEq, Codec)]
enum Signal {
    Up,
    Down { by: i64 },
}

impl Machine for Streak {
    type Input = Signal;

    fn step(&mut self, input: Signal) {
        self.length = if self.last == Some(input) { self.length + 1 } else { 1 };
        self.last = Some(input);
    }
}

#[derive(State)]
struct Streaks {
    streak: Ordered<Streak>,
    signals: Count,
}

#[derive(Output)]
struct Shown {
    length: u64,
    down: Option<i64>,
    exact: Decimal<1>,
    at: Timestamp,
    text: String,
    json: JsonText,
    flag: bool,
    ratio: f64,
}

fn shown(state: &Streaks) -> Result<Shown, String> {
    let streak = state.streak.machine();
    let down = match streak.last {
        Some(Signal::Down { by: 99 }) => return Err("99 is out of range".into()),
        Some(Signal::Down { by }) => Some(by),
        _ => None,
    };
    Ok(Shown {
        length: streak.length,
        down,
        exact: Decimal(15),
        at: Timestamp(1),
        text: if down.is_some() { "down" } else { "up" }.into(),
        json: JsonText("[1]".into()),
        flag: true,
        ratio: 0.25,
    })
}

#[derive(Event)]
struct Move {
    by: Option<i64>,
}

#[transform(present = shown)]
fn streaks(event: Move, out: &mut Cells<(), Streaks>) -> Result<(), Reject> {
    let cell = out.cell(());
    cell.streak.push(event.by.map_or(Signal::Up, |by| Signal::Down { by }));
    cell.signals.add(1);
    Ok(())
}

#[test]
fn a_machine_runs_through_fold_merge_and_a_present_of_its_own() {
    let description = streaks().describe("{}").unwrap();
    assert_eq!(description.order, Order::Log);
    let initial = description.initial.unwrap();
    let mut bench = Bench::new(streaks()).unwrap();
    for payload in ["{}", r#"{"by":4}"#, r#"{"by":4}"#, r#"{"by":4}"#] {
        bench.append(payload);
    }
    assert_eq!(
        bench.rows().unwrap(),
        [
            r#"{"length":3,"down":4,"exact":1.5,"at":"1970-01-01T00:00:00.001Z","text":"down","json":[1],"flag":true,"ratio":0.25}"#
        ]
    );
    bench.check_laws().unwrap();

    let floating = streaks().fold("{}", &bench.events(0, 4)).unwrap().cells.states;
    let anchored = streaks().merge(&[initial.as_slice()].into_iter().collect(), &floating).unwrap();
    let wrong = streaks().merge(&floating, &anchored).unwrap_err();
    assert!(wrong.starts_with("state 0: the later state is anchored"), "{wrong}");
}

#[test]
fn a_present_that_fails_names_why() {
    let mut bench = Bench::new(streaks()).unwrap();
    bench.append(r#"{"by":99}"#);
    assert_eq!(bench.rows().unwrap_err(), "99 is out of range");
}

#[derive(State)]
struct Total {
    total: Sum<i64>,
}

#[transform]
fn total(event: Move, out: &mut Cells<(), Total>) -> Result<(), Reject> {
    out.cell(()).total.add(event.by.ok_or("by: is missing")?);
    Ok(())
}

#[test]
fn a_sum_beyond_its_column_is_out_of_range_and_merges_on() {
    let mut bench = Bench::new(total()).unwrap();
    bench.append(&format!(r#"{{"by":{}}}"#, 1_i64 << 62));
    bench.append(&format!(r#"{{"by":{}}}"#, 1_i64 << 62));
    bench.append("{}");
    assert!(bench.rows().unwrap_err().starts_with("out of range: 9223372036854775808"));
    bench.append(r#"{"by":-1}"#);
    assert_eq!(bench.rows().unwrap(), [r#"{"total":"9223372036854775807"}"#]);
    assert_eq!(bench.rejected().unwrap(), [(2, "by: is missing".into())]);
    bench.check_laws().unwrap();
}

#[test]
fn what_is_no_state_is_refused() {
    let one = |bytes: &[u8]| [bytes].into_iter().collect::<Blobs>();
    let plugin = total();
    assert_eq!(
        plugin.merge(&one(&[0; 16]), &Blobs::default()).unwrap_err(),
        "1 states at the left, 0 at the right"
    );
    assert!(
        plugin.merge(&one(&[0; 15]), &one(&[0; 16])).unwrap_err().starts_with("state 0: malformed state")
    );
    assert!(plugin.present(&[], &[], &one(&[0; 17])).unwrap_err().starts_with("state 0: malformed state"));
    let empty = plugin.fold("{}", &Events { times: vec![], columns: vec![Column::default()] }).unwrap();
    assert_eq!(empty.cells.states.len(), 0);
}

/// Functions run on pairs too: many at once.
#[test]
fn merge_goes_pair_by_pair() {
    let states =
        |numbers: [i128; 3]| numbers.map(i128::to_le_bytes).iter().map(|bytes| &bytes[..]).collect::<Blobs>();
    let merged = total().merge(&states([1, 2, 3]), &states([10, 20, -3])).unwrap();
    assert_eq!(merged, states([11, 22, 0]));
}
