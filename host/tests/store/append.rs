use super::events::{Made, Random};
use bifocal::digest::Digest;
use bifocal::log::{Log, ReadLog, Stream};
use bifocal::offset::{Offset, Range};
use bifocal::store::{Appender, Batch, Directory, Error, Key, Receipt, Settings, StreamLog};
use proptest::prelude::*;
use std::sync::Arc;

pub fn settings(segment_bytes: u64, dedup_events: u64) -> Settings {
    let stream = Stream { id: Some("id".into()), dedup_events, out_of_orderness_ms: 7, ..Stream::default() };
    Settings { stream, seed: 42, segment_bytes }
}

fn open(path: &std::path::Path, settings: &Settings) -> (Arc<StreamLog>, Appender) {
    let disk = Arc::new(Directory::new(path.into()));
    let log = StreamLog::open(disk, "streams/1/log", settings.clone()).unwrap();
    let appender = Appender::new(log.clone()).unwrap();
    (log, appender)
}

pub fn batch(events: &[Made]) -> Batch {
    let mut batch = Batch::default();
    events.iter().for_each(|made| batch.push(&made.event()).unwrap());
    batch
}

/// What should be in the log, by a straight loop.
#[derive(Default)]
pub struct Model {
    pub events: Vec<Made>,
    pub dedup_events: u64,
}

impl Model {
    pub fn append(&mut self, batch: &[Made]) -> Receipt {
        let mut receipt = Receipt { first_offset: self.events.len() as u64, ..Receipt::default() };
        for made in batch {
            let remembered = self.events.len().saturating_sub(self.dedup_events as usize);
            let same_id = |other: &&Made| made.id.is_some() && other.id == made.id;
            match self.events[remembered..].iter().rev().find(same_id) {
                Some(other) if other.payload == made.payload => receipt.duplicates += 1,
                Some(_) => receipt.conflicts += 1,
                None => {
                    self.events.push(made.clone());
                    receipt.appended += 1;
                }
            }
        }
        receipt.next_offset = self.events.len() as u64;
        receipt
    }

    /// The same events in a log in memory, none of which it takes for a duplicate.
    fn memory(&self, settings: &Settings) -> Log {
        let mut log = Log::new(Stream { id: None, ..settings.stream.clone() });
        let mut append = log.append();
        self.events.iter().for_each(|made| _ = append.push(&made.event()).unwrap());
        append.commit();
        log
    }
}

pub fn check(log: &StreamLog, model: &Model, settings: &Settings, random: &mut Random) {
    let head = model.events.len() as u64;
    assert_eq!(log.head(), head);
    let mut seen = Vec::new();
    log.visit(Range::new(Offset(0), Offset(u64::MAX)), |event| {
        assert_eq!(event.offset.0, seen.len() as u64, "offsets are dense");
        let made = &model.events[seen.len()];
        let expected = bifocal::event::Event { offset: event.offset, ..made.event() };
        assert_eq!(event, expected);
        seen.push(event.offset.0);
    })
    .unwrap();
    assert_eq!(seen.len() as u64, head);
    let memory = model.memory(settings);
    assert_eq!((log.times_ms(), log.future_events()), (memory.times_ms(), memory.future_events()));
    for _ in 0..6 {
        let (a, b) = (random.below(head + 1), random.below(head + 1));
        let range = Range::new(Offset(a.min(b)), Offset(a.max(b)));
        assert_eq!(log.times(range).unwrap(), ReadLog::times(&memory, range).unwrap());
        for with in [false, true] {
            let expected = ReadLog::digest(&memory, range, with).unwrap();
            assert_eq!(ReadLog::digest(log, range, with).unwrap(), expected, "{range}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_log_is_the_batches_that_were_appended(seed in any::<u64>()) {
        let mut random = Random(seed);
        // The least that a segment takes is above the smallest of these: it rolls with every block.
        let segment_bytes = [1 << 10, 2 << 20, 64 << 20][random.below(3) as usize];
        let dedup_events = [60, 5_000][random.below(2) as usize];
        let settings = settings(segment_bytes, dedup_events);
        let directory = tempfile::tempdir().unwrap();
        let mut model = Model { dedup_events, ..Model::default() };
        let (mut log, mut appender) = open(directory.path(), &settings);
        let mut position = 0;
        for _ in 0..30 {
            let count = [1, 2, 40, 700][random.below(4) as usize];
            let made: Vec<Made> = (0..count).map(|_| { position += 1; Made::random(&mut random, position) }).collect();
            let expected = model.append(&made);
            prop_assert_eq!(appender.append(batch(&made)).unwrap(), expected);
            if random.below(6) == 0 {
                drop(appender);
                if random.below(2) == 0 { log.close().unwrap(); }
                drop(log);
                (log, appender) = open(directory.path(), &settings);
            }
        }
        check(&log, &model, &settings, &mut random);
        drop(appender);
        let (log, _appender) = open_again(log, directory.path(), &settings);
        check(&log, &model, &settings, &mut random);
    }
}

fn open_again(
    log: Arc<StreamLog>,
    path: &std::path::Path,
    settings: &Settings,
) -> (Arc<StreamLog>, Appender) {
    drop(log);
    open(path, settings)
}

#[test]
fn a_retry_under_a_key_gets_the_first_answer_even_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(1 << 10, 5_000);
    let made: Vec<Made> = (0..900).map(|i| Made::random(&mut Random(i), i)).collect();
    let keyed = |request: u8| {
        let mut batch = batch(&made);
        batch.key = Some(Key { name: "a".into(), request: Digest([request; 32]) });
        batch
    };
    let (log, appender) = open(directory.path(), &settings);
    let first = appender.append(keyed(1)).unwrap();
    assert!(first.appended > 0);
    assert_eq!(appender.append(keyed(1)).unwrap(), first);
    let head = log.head();
    drop(appender);
    let (log, appender) = open_again(log, directory.path(), &settings);
    // More segments stand between by now.
    let more: Vec<Made> = (0..900).map(|i| Made { id: None, ..Made::random(&mut Random(i), i) }).collect();
    appender.append(batch(&more)).unwrap();
    assert_eq!(appender.append(keyed(1)).unwrap(), first);
    assert!(matches!(appender.append(keyed(2)), Err(Error::Refused(_))));
    assert_eq!(log.head(), head + 900);
}

#[test]
fn producers_at_the_same_time_lose_and_double_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(2 << 20, 1_000_000);
    let (log, appender) = open(directory.path(), &settings);
    std::thread::scope(|scope| {
        for producer in 0..8u64 {
            let appender = &appender;
            scope.spawn(move || {
                for number in 0..40 {
                    let id = Some(format!("{producer}-{number}"));
                    let made = Made { id, ..Made::random(&mut Random(number), number) };
                    for _ in 0..2 {
                        appender.append(batch(std::slice::from_ref(&made))).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(log.head(), 320);
    let mut ids = std::collections::BTreeSet::new();
    log.visit(Range::new(Offset(0), Offset(320)), |event| _ = ids.insert(event.id.unwrap().to_owned()))
        .unwrap();
    assert_eq!(ids.len(), 320);
}

#[test]
fn who_reads_while_a_tail_becomes_a_block_gets_each_event_once() {
    let settings = settings(64 << 20, 5_000);
    let directory = tempfile::tempdir().unwrap();
    let (log, appender) = open(directory.path(), &settings);
    let mut random = Random(3);
    let mut made: Vec<Made> = (0..40).map(|position| Made::random(&mut random, position)).collect();
    made.iter_mut().for_each(|made| made.id = None);
    // One row of the tail each.
    made[..20].iter().for_each(|made| _ = appender.append(batch(std::slice::from_ref(made))).unwrap());
    let mut pieces = log.pieces(Range::new(Offset(0), Offset(u64::MAX)));
    let mut seen: Vec<u64> = Vec::new();
    for _ in 0..7 {
        seen.extend(pieces.next().unwrap().unwrap().between(0, u64::MAX).map(|event| event.offset.0));
    }
    let large = Made { payload: format!("\"{}\"", "x".repeat(70_000)).into_bytes(), ..made[20].clone() };
    appender.append(batch(&[large])).unwrap();
    for piece in pieces {
        seen.extend(piece.unwrap().between(0, 20).map(|event| event.offset.0));
    }
    assert_eq!(seen, (0..20).collect::<Vec<u64>>());
}
