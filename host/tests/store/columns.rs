//! Columns out of the cache are those of the events, whether the cache is empty, full or damaged.

use super::events::Random;
use super::lossy::{Lossy, lose_power};
use super::repair::{flip, rows};
use bifocal::description::{Description, Field, Filter, Kind, Order};
use bifocal::event::{Event, Lineage, Typing};
use bifocal::extract::{Extracted, Extractor, Scratch};
use bifocal::log::{ReadLog, Stream};
use bifocal::offset::{Offset, Range};
use bifocal::store::{Appender, Batch, Patient, Payloads, Settings, StreamLog};
use bifocal::time::TimeRule;
use std::sync::Arc;

const STRIPE: u64 = 65_536;
/// Two whole stripes and a bit.
const HEAD: u64 = 2 * STRIPE + 1_000;

const FOLDER: &str = "streams/1/log";

fn settings() -> Settings {
    Settings { stream: Stream::default(), seed: 1, segment_bytes: 2 << 20 }
}

fn open(disk: &Lossy) -> Arc<StreamLog> {
    StreamLog::open(Arc::new(disk.clone()), FOLDER, settings()).unwrap()
}

/// Events with wrong, absent and unwanted values.
fn fill(disk: &Lossy, head: u64) {
    let appender = Appender::new(open(disk)).unwrap();
    let mut random = Random(5);
    for from in (0..head).step_by(8192) {
        let mut batch = Batch::default();
        for number in from..head.min(from + 8192) {
            let a = if random.below(500) == 0 { "\"x\"".into() } else { random.below(9).to_string() };
            let kind = ["k", "other"][usize::from(random.below(90) == 0)];
            let payload = format!("{{\"a\":{a},\"b\":\"t{}\",\"kind\":\"{kind}\"}}", random.below(300));
            let event = Event {
                offset: Offset::ZERO,
                time_ms: 1_700_000_000_000 + random.below(1 << 30) as i64,
                ingested_ms: 1_700_000_000_000 + (number / 1000) as i64,
                id: None,
                schema: None,
                lineage: Lineage { position: number, ..Lineage::default() },
                typing: Typing::Json,
                payload: payload.as_bytes(),
            };
            batch.push(&event).unwrap();
        }
        appender.append(batch).unwrap();
    }
}

fn extractor() -> Extractor {
    let field = |path: &str, kind| Field { name: path.into(), path: path.into(), kind, required: true };
    let description = Description {
        name: "test".into(),
        summary: String::new(),
        inputs: vec![
            field("a", Kind::Integer),
            field("b", Kind::Text),
            Field { name: "at".into(), ..field("@time", Kind::Timestamp) },
        ],
        keys: Vec::new(),
        outputs: Vec::new(),
        only: Some(Filter { path: "kind".into(), one_of: vec!["k".into()] }),
        window: None,
        order: Order::None,
        initial: None,
        annotations: Vec::new(),
    };
    Extractor::new(&description, TimeRule::default()).unwrap()
}

/// What a chunk says, whatever codes its texts have.
fn values(chunk: &Extracted) -> Vec<String> {
    let kinds = [Kind::Integer, Kind::Text, Kind::Timestamp];
    let row = |row: usize| {
        let columns = chunk.events.columns.iter().zip(&kinds);
        format!("{:?}", columns.map(|(column, kind)| column.value(kind, row)).collect::<Vec<_>>())
    };
    (0..chunk.offsets.len()).map(row).collect()
}

fn check(log: &StreamLog, range: Range) {
    let (mut scratch, extractor) = (Scratch::default(), extractor());
    let (cached, times) = ReadLog::extract(log, &extractor, &mut scratch, range).unwrap();
    let (events, _) = Payloads(log).extract(&extractor, &mut scratch, range).unwrap();
    assert!(times.is_none_or(|times| times == Payloads(log).times(range).unwrap()));
    assert_eq!(cached.range, events.range);
    assert!(cached.offsets == events.offsets && cached.events.times == events.events.times);
    assert_eq!((&cached.rejected, cached.ignored), (&events.rejected, events.ignored));
    assert!(values(&cached) == values(&events), "{range}");
    assert!(ReadLog::times(log, range).unwrap() == Payloads(log).times(range).unwrap());
}

#[test]
fn columns_are_those_of_the_events_cold_warm_and_after_damage() {
    let disk = Lossy::default();
    fill(&disk, HEAD);
    let ranges =
        [(0, STRIPE), (STRIPE, 2 * STRIPE), (700, 2_000), (STRIPE - 1, STRIPE + 1), (2 * STRIPE, HEAD)];
    let ranges = ranges.map(|(from, to)| Range::new(Offset(from), Offset(to)));
    for _ in ["cold", "warm"] {
        let log = open(&disk);
        ranges.iter().for_each(|range| check(&log, *range));
        assert_eq!(log.healed(), Vec::<String>::new());
        log.close().unwrap();
    }
    let name = disk.names().into_iter().find(|name| name.contains("columns")).unwrap();
    let bytes = disk.bytes(&name);
    let mut random = Random(77);
    let mut healed = 0;
    for _ in 0..40 {
        disk.flip(&name, random.below(bytes.len() as u64 * 8));
        let log = open(&disk);
        ranges[..2].iter().for_each(|range| check(&log, *range));
        healed += log.healed().len();
        drop(log);
    }
    assert!(healed > 3, "only {healed} flipped bits were found: are rows still checked?");
}

#[test]
fn columns_are_those_of_the_events_at_any_change_of_the_disk() {
    let start = Lossy::with_folders(&["streams", "streams/1"]);
    fill(&start, STRIPE + 10);
    let range = Range::new(Offset(0), Offset(STRIPE));
    let (events, times) = {
        let log = open(&start);
        let (events, _) = Payloads(&log).extract(&extractor(), &mut Scratch::default(), range).unwrap();
        (events, Payloads(&log).times(range).unwrap())
    };
    let expected = values(&events);
    let fill_cache = |disk: &Lossy| -> Option<()> {
        let settings = Settings { stream: Stream::default(), seed: 1, segment_bytes: 2 << 20 };
        let log = StreamLog::open(Arc::new(disk.clone()), "streams/1/log", settings).ok()?;
        ReadLog::extract(log.as_ref(), &extractor(), &mut Scratch::default(), range).ok()?;
        log.close().ok()
    };
    let operations = lose_power(
        &start,
        12,
        fill_cache,
        |disk| _ = fill_cache(disk),
        |after, _, _| {
            for round in ["what was left", "what was made again"] {
                let log = open(after);
                assert_eq!(log.head(), STRIPE + 10);
                let (cached, _) =
                    ReadLog::extract(log.as_ref(), &extractor(), &mut Scratch::default(), range).unwrap();
                assert_eq!((&cached.rejected, cached.ignored), (&events.rejected, events.ignored));
                assert!(cached.offsets == events.offsets && values(&cached) == expected, "{round}");
                assert!(ReadLog::times(log.as_ref(), range).unwrap() == times, "{round}");
                // What is damaged is made again once, and lasts.
                assert!(log.healed().is_empty() || round == "what was left");
                log.close().unwrap();
            }
        },
    );
    assert!(operations > 10, "only {operations} changes: are columns still kept?");
}

#[test]
fn what_is_cached_of_lost_events_is_read_no_more() {
    let disk = Lossy::default();
    fill(&disk, HEAD);
    let stripes = [0, 1].map(|stripe| Range::new(Offset(stripe * STRIPE), Offset((stripe + 1) * STRIPE)));
    let log = open(&disk);
    stripes.iter().for_each(|range| check(&log, *range));
    let (mut scratch, extractor) = (Scratch::default(), extractor());
    let mut extract =
        |log: &StreamLog, range| ReadLog::extract(log, &extractor, &mut scratch, range).unwrap().0;
    let before = stripes.map(|range| extract(&log, range));
    log.close().unwrap();
    drop(log);
    let file = disk.names().into_iter().find(|name| name.starts_with(FOLDER)).unwrap();
    let blocks: Vec<_> = rows(&disk, &file).into_iter().filter(|(table, ..)| *table == "blocks").collect();
    let [from, to] =
        [1, 2].map(|place: usize| u64::from_be_bytes(blocks[place].1.as_slice().try_into().unwrap()));
    flip(&disk, &file, &blocks[1].2, 5_000);
    let settings = settings();
    let patient = Patient { disk: &disk, folder: FOLDER, settings: &settings, least_head: 0, now_ms: 0 };
    let lost = Range::new(Offset(from), Offset(to));
    assert_eq!(patient.repair().unwrap().lost[0].range, lost);

    let log = open(&disk);
    stripes.iter().for_each(|range| check(&log, *range));
    assert!(extract(&log, stripes[1]) == before[1], "a stripe without a loss is as it was");
    let [whole, left] = [&before[0], &extract(&log, stripes[0])];
    let is_left = |offset: &u64| !(from..to).contains(offset);
    assert!(left.offsets.iter().copied().eq(whole.offsets.iter().copied().filter(is_left)));
    assert!(left.offsets.len() < whole.offsets.len());
    // Chunks of any size have what the whole has.
    let mut offsets = Vec::new();
    for chunk in stripes[0].chunks(777) {
        check(&log, chunk);
        offsets.extend(extract(&log, chunk).offsets);
    }
    assert!(offsets == left.offsets);
}
