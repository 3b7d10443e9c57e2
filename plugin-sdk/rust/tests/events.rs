//! Events of every kind of field, read from columns.

use bifocal_sdk::column::{Blobs, Column};
use bifocal_sdk::description::{Field, Filter};
use bifocal_sdk::testing::Bench;
use bifocal_sdk::*;

#[derive(Event, Debug, PartialEq)]
struct Everything<'a> {
    flag: bool,
    whole: i64,
    small: Option<u8>,
    ratio: f64,
    #[event(path = "person.name")]
    name: &'a str,
    #[event(path = "/tags/0")]
    tag: Option<&'a str>,
    bytes: &'a [u8],
    at: Timestamp,
    amount: Decimal<3>,
    rest: Option<Json<'a>>,
    #[event(path = "@offset")]
    offset: i64,
    r#type: &'a str,
}

const PAYLOADS: [&str; 3] = [
    r#"{"flag":true,"whole":-5,"small":255,"ratio":0.5,"person":{"name":"Ada"},"tags":["x"],"bytes":"AQI=",
        "at":"2026-11-20T21:00:00Z","amount":1.25,"rest":[1, {"a":null}],"type":"t"}"#,
    r#"{"flag":false,"whole":9007199254740993,"ratio":-1e300,"person":{"name":""},"tags":[],"bytes":"",
        "at":-1,"amount":"-0.001","rest":null,"type":"u"}"#,
    r#"{"flag":true,"whole":0,"small":0,"ratio":3,"person":{"name":"Ada"},"bytes":"AQI=",
        "at":0,"amount":7,"type":"t"}"#,
];

fn append_all(bench: &mut Bench) {
    for payload in PAYLOADS {
        bench.append(payload);
    }
}

#[transform]
fn everything(event: Everything, out: &mut Cells<(), Seen>) -> Result<(), Reject> {
    out.cell(()).text.see(&format!("{event:?}"));
    Ok(())
}

#[derive(State)]
struct Seen {
    text: LastSeen<String>,
}

#[test]
fn every_kind_of_field_is_declared_and_read() {
    let kinds: Vec<(String, Kind, bool)> =
        Everything::inputs().into_iter().map(|field| (field.path, field.kind, field.required)).collect();
    let expected = [
        ("flag", Kind::Boolean, true),
        ("whole", Kind::Integer, true),
        ("small", Kind::Integer, false),
        ("ratio", Kind::Float, true),
        ("person.name", Kind::Text, true),
        ("/tags/0", Kind::Text, false),
        ("bytes", Kind::Binary, true),
        ("at", Kind::Timestamp, true),
        ("amount", Kind::Decimal(3), true),
        ("rest", Kind::Json, false),
        ("@offset", Kind::Integer, true),
        ("type", Kind::Text, true),
    ];
    assert_eq!(kinds, expected.map(|(path, kind, required)| (path.to_owned(), kind, required)));

    let mut bench = Bench::new(everything()).unwrap();
    append_all(&mut bench);
    assert_eq!(bench.rejected().unwrap(), []);
    let events = bench.events(0, 3);
    let reader = Everything::open(&events.columns, 3).unwrap();
    let first = Everything {
        flag: true,
        whole: -5,
        small: Some(255),
        ratio: 0.5,
        name: "Ada",
        tag: Some("x"),
        bytes: &[1, 2],
        at: Timestamp(1_795_208_400_000),
        amount: Decimal(1250),
        rest: Some(Json(r#"[1, {"a":null}]"#)),
        offset: 0,
        r#type: "t",
    };
    assert_eq!(Everything::read(&reader, 0).unwrap(), first);
    let second = Everything {
        flag: false,
        whole: 9_007_199_254_740_993,
        small: None,
        ratio: -1e300,
        name: "",
        tag: None,
        bytes: &[],
        at: Timestamp(-1),
        amount: Decimal(-1),
        rest: None,
        offset: 1,
        r#type: "u",
    };
    assert_eq!(Everything::read(&reader, 1).unwrap(), second);
    let third = Everything::read(&reader, 2).unwrap();
    assert_eq!((third.small, third.tag, third.rest, third.offset), (Some(0), None, None, 2));
}

#[test]
fn equal_texts_of_a_chunk_lie_at_one_place() {
    let mut bench = Bench::new(everything()).unwrap();
    append_all(&mut bench);
    let events = bench.events(0, 3);
    let reader = Everything::open(&events.columns, 3).unwrap();
    let name = |row| Everything::read(&reader, row).unwrap().name;
    assert!(std::ptr::eq(name(0), name(2)));
}

#[test]
fn an_integer_out_of_the_range_of_its_field_is_rejected() {
    let mut bench = Bench::new(everything()).unwrap();
    bench.append(&PAYLOADS[0].replace("255", "256"));
    bench.append(&PAYLOADS[0].replace("255", "-1"));
    let rejected = bench.rejected().unwrap();
    assert_eq!(
        rejected,
        [(0, "small: 256 is not within 0 and 255".into()), (1, "small: -1 is not within 0 and 255".into())]
    );
    assert_eq!(bench.rows().unwrap(), [""; 0]);
    bench.check_laws().unwrap();
}

#[test]
fn malformed_columns_are_refused_and_never_panic() {
    let mut bench = Bench::new(everything()).unwrap();
    append_all(&mut bench);
    let events = bench.events(0, 3);
    let refusal = |change: &dyn Fn(&mut Vec<Column>)| {
        let mut columns = events.columns.clone();
        change(&mut columns);
        Everything::open(&columns, 3).err().unwrap()
    };
    assert_eq!(refusal(&|columns| drop(columns.pop())), "11 columns for 12 inputs");
    assert_eq!(refusal(&|columns| columns[1].fixed.truncate(17)), "input 'whole': 2 values for 3 rows");
    assert_eq!(refusal(&|columns| columns[6].heap.ends.truncate(4)), "input 'bytes': 1 values for 3 rows");
    assert!(
        refusal(&|columns| columns[4].heap.bytes[0] = 0xff).starts_with("input 'person.name': not UTF-8")
    );
    let split = |columns: &mut Vec<Column>| {
        columns[4].heap = [&"é".as_bytes()[..1], &"é".as_bytes()[1..]].into_iter().collect()
    };
    assert_eq!(refusal(&split), "input 'person.name': value 0 is not a text");
}

#[derive(Event, Debug, PartialEq)]
#[event(tag = "meta.type")]
enum Trip<'a> {
    #[event(name = "trip.started")]
    Started {
        vehicle: &'a str,
        #[event(path = "where")]
        place: Option<&'a str>,
    },
    Ended {
        vehicle: &'a str,
        #[event(path = "where")]
        place: &'a str,
        fare: Decimal<2>,
        tip: Option<Decimal<2>>,
    },
    Serviced,
}

#[derive(Event, Debug, PartialEq)]
#[event(tag = "type")]
enum Door<'a> {
    Open { id: &'a str, hard: Option<bool> },
    Close { id: &'a str },
}

fn field(path: &str, name: &str, kind: Kind, required: bool) -> Field {
    Field { name: name.into(), path: path.into(), kind, required }
}

#[test]
fn variants_set_the_filter_and_share_their_columns() {
    let one_of = ["trip.started", "Ended", "Serviced"].map(str::to_owned).to_vec();
    assert_eq!(Trip::only(), Some(Filter { path: "meta.type".into(), one_of }));
    assert_eq!(
        Trip::inputs(),
        [
            field("vehicle", "vehicle", Kind::Text, false),
            field("where", "place", Kind::Text, false),
            field("fare", "fare", Kind::Decimal(2), false),
            field("tip", "tip", Kind::Decimal(2), false),
            field("meta.type", "meta.type", Kind::Text, true),
        ]
    );
    assert_eq!(
        Door::inputs(),
        [
            field("id", "id", Kind::Text, true),
            field("hard", "hard", Kind::Boolean, false),
            field("type", "type", Kind::Text, true),
        ],
        "what every variant needs is required"
    );
}

#[derive(Key)]
struct Vehicle<'a> {
    vehicle: &'a str,
}

#[derive(State)]
struct Trips {
    started: Count,
    ended: Count,
    fares: Sum<Decimal<2>>,
    serviced: Count,
}

#[transform]
fn trips(trip: Trip, out: &mut Cells<Vehicle, Trips>) -> Result<(), Reject> {
    match trip {
        Trip::Started { vehicle, .. } => out.cell(Vehicle { vehicle }).started.add(1),
        Trip::Ended { vehicle, fare, tip, .. } => {
            let cell = out.cell(Vehicle { vehicle });
            cell.ended.add(1);
            cell.fares.add(fare + tip.unwrap_or_default());
        }
        Trip::Serviced => out.cell(Vehicle { vehicle: "" }).serviced.add(1),
    }
    Ok(())
}

#[test]
fn events_of_several_types_are_told_apart_by_their_tag() {
    let mut bench = Bench::new(trips()).unwrap();
    for payload in [
        r#"{"meta":{"type":"trip.started"},"vehicle":"v1"}"#,
        r#"{"meta":{"type":"Ended"},"vehicle":"v1","where":"B","fare":10.00,"tip":0.50}"#,
        r#"{"meta":{"type":"Ended"},"vehicle":"v1","where":"B","fare":5.00}"#,
        r#"{"meta":{"type":"trip.started"}}"#,
        r#"{"meta":{"type":"Ended"},"vehicle":"v2","where":"B"}"#,
        r#"{"meta":{"type":"Started"},"vehicle":"v2"}"#,
        r#"{"vehicle":"v2"}"#,
        r#"{"meta":{"type":"Serviced"}}"#,
    ] {
        bench.append(payload);
    }
    assert_eq!(bench.ignored(), 2);
    assert_eq!(
        bench.rejected().unwrap(),
        [(3, "vehicle: is missing".into()), (4, "fare: is missing".into())],
        "a variant's own fields are needed by it alone"
    );
    assert_eq!(
        bench.rows().unwrap(),
        [
            r#"{"vehicle":"","started":0,"ended":0,"fares":0.00,"serviced":1}"#,
            r#"{"vehicle":"v1","started":1,"ended":2,"fares":15.50,"serviced":0}"#,
        ]
    );
    bench.check_laws().unwrap();
}

#[test]
fn a_tag_that_no_variant_has_is_rejected_if_a_host_lets_it_through() {
    let text = |text: &str| Column {
        fixed: vec![0; 4],
        heap: [text.as_bytes()].into_iter().collect(),
        validity: Vec::new(),
    };
    let absent = Column { fixed: vec![0], heap: Blobs::default(), validity: vec![0] };
    let columns = [text("d1"), absent, text("Slam")];
    let reader = Door::open(&columns, 1).unwrap();
    let reject = Door::read(&reader, 0).unwrap_err();
    assert_eq!(reject.reason(), "type: 'Slam' is no event of this transform");
}
