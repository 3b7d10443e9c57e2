//! The log against a plain vector of events.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bifocal::digest::Digest;
use bifocal::event::{Event, Lineage, Typing};
use bifocal::log::{Error, Log, Pushed, ReadLog, Stream};
use bifocal::offset::{Offset, Range};
use proptest::prelude::*;

fn event<'a>(time_ms: i64, id: Option<&'a str>, payload: &'a str) -> Event<'a> {
    Event {
        offset: Offset::ZERO,
        time_ms,
        ingested_ms: 1_000_000,
        id,
        schema: None,
        lineage: Lineage { source: Some("a.ndjson"), position: 1, ..Lineage::default() },
        typing: Typing::Json,
        payload: payload.as_bytes(),
    }
}

fn with_ids() -> Stream {
    Stream { id: Some("id".into()), ..Stream::default() }
}

fn range(from: u64, to: u64) -> Range {
    Range::new(Offset(from), Offset(to))
}

/// An event that owns its parts, to be drawn at random.
#[derive(Clone, Debug)]
struct Owned {
    time_ms: i64,
    ingested_ms: i64,
    id: Option<String>,
    schema: Option<i64>,
    source: Option<String>,
    position: u64,
    key: Option<Vec<u8>>,
    headers: Vec<(String, String)>,
    typing: Typing,
    payload: Vec<u8>,
}

impl Owned {
    fn event(&self, offset: u64) -> Event<'_> {
        Event {
            offset: Offset(offset),
            time_ms: self.time_ms,
            ingested_ms: self.ingested_ms,
            id: self.id.as_deref(),
            schema: self.schema,
            lineage: Lineage {
                source: self.source.as_deref(),
                position: self.position,
                partition: None,
                key: self.key.as_deref(),
                headers: &self.headers,
            },
            typing: self.typing,
            payload: &self.payload,
        }
    }
}

fn owned() -> impl Strategy<Value = Owned> {
    let lineage = (
        prop::option::of("[ab]"),
        prop_oneof![8 => 0..200u64, 1 => any::<u64>()],
        prop::option::weighted(0.1, prop::collection::vec(any::<u8>(), 0..3)),
        prop::collection::vec(("x", "[a-z]?"), 0..2),
    );
    let body = (
        0..100i64,
        prop_oneof![9 => Just(50i64), 1 => 0..100i64],
        prop::option::of("[a-d]{0,2}"),
        prop::option::weighted(0.1, 0..3i64),
        any::<bool>(),
        "[xy]{0,3}",
    );
    (lineage, body).prop_map(
        |((source, position, key, headers), (time_ms, ingested_ms, id, schema, text, payload))| {
            let typing = if text { Typing::Text } else { Typing::Json };
            let payload = payload.into_bytes();
            Owned { time_ms, ingested_ms, id, schema, source, position, key, headers, typing, payload }
        },
    )
}

/// What the log must hold: events in order, duplicates within the last `within` offsets left out.
fn expected(appends: &[(Vec<Owned>, bool)], within: usize) -> (Vec<Owned>, Vec<Pushed>) {
    let mut kept: Vec<Owned> = Vec::new();
    let mut pushed = Vec::new();
    for (events, commit) in appends {
        let head = kept.len();
        for event in events {
            let from = kept.len().saturating_sub(within);
            let same = (from..kept.len()).rev().find(|i| event.id.is_some() && kept[*i].id == event.id);
            pushed.push(match same {
                Some(i) if kept[i].payload == event.payload => Pushed::Duplicate(Offset(i as u64)),
                Some(i) => Pushed::Conflict(Offset(i as u64)),
                None => {
                    kept.push(event.clone());
                    Pushed::Appended(Offset(kept.len() as u64 - 1))
                }
            });
        }
        if !commit {
            kept.truncate(head);
        }
    }
    (kept, pushed)
}

fn append(log: &mut Log, events: &[Owned], commit: bool) -> Vec<Pushed> {
    let mut append = log.append();
    let pushed = events.iter().map(|event| append.push(&event.event(77)).unwrap()).collect();
    if commit {
        append.commit();
    }
    pushed
}

fn watermark(events: &[Owned], stream: &Stream) -> Option<i64> {
    let counted = events.iter().filter(|event| event.time_ms <= event.ingested_ms + stream.max_ahead_ms);
    counted.map(|event| event.time_ms).max().map(|time_ms| time_ms - stream.out_of_orderness_ms)
}

proptest! {
    #[test]
    fn the_log_holds_what_was_committed_and_nothing_else(
        appends in prop::collection::vec((prop::collection::vec(owned(), 0..40), any::<bool>()), 0..20),
        within in prop_oneof![0..12u64, Just(1000)],
        cut in (0..400u64, 0..400u64),
    ) {
        let stream = Stream { dedup_events: within, max_ahead_ms: 10, out_of_orderness_ms: 3, ..with_ids() };
        let mut log = Log::new(stream.clone());
        let (kept, expected) = expected(&appends, within as usize);
        let mut pushed = Vec::new();
        for (events, commit) in &appends {
            pushed.extend(append(&mut log, events, *commit));
        }
        prop_assert_eq!(pushed, expected);
        prop_assert_eq!(log.head(), Offset(kept.len() as u64));

        let range = range(cut.0, cut.1);
        let (from, to) = (kept.len().min(cut.0 as usize), kept.len().min(range.to.0 as usize));
        let want: Vec<Event> = kept.iter().enumerate().map(|(i, owned)| owned.event(i as u64)).collect();
        prop_assert_eq!(log.read(range).collect::<Vec<_>>(), &want[from..to]);
        prop_assert_eq!(log.read(range).len(), to - from);

        for head in 0..=kept.len() {
            prop_assert_eq!(log.watermark_before(Offset(head as u64)), watermark(&kept[..head], &stream));
        }
        let running: Vec<_> = (from..to).map(|i| watermark(&kept[..i], &stream)).collect();
        let with_watermark: Vec<_> = want[from..to].iter().map(|event| event.time_ms).zip(running).collect();
        let times = ReadLog::times(&log, range).unwrap();
        prop_assert_eq!(times.with_watermark().collect::<Vec<_>>(), with_watermark);
        let future = kept.iter().filter(|event| event.time_ms > event.ingested_ms + 10).count();
        prop_assert_eq!(log.future_events(), future as u64);
        let times = kept.iter().map(|event| event.time_ms);
        prop_assert_eq!(log.times_ms(), times.clone().min().zip(times.max()));

        let mut fresh = Log::new(Stream { dedup_events: 0, ..with_ids() });
        append(&mut fresh, &kept, true);
        for with_ingested in [false, true] {
            prop_assert_eq!(log.digest(log.range(), with_ingested), fresh.digest(fresh.range(), with_ingested));
        }
        if appends.iter().all(|(_, commit)| *commit) {
            return Ok(());
        }
        prop_assert_eq!(log.memory_bytes(), fresh.memory_bytes());
    }
}

#[test]
fn a_dropped_append_gives_its_ids_free() {
    let mut log = Log::new(with_ids());
    log.append().push(&event(1, Some("a"), "x")).unwrap();
    assert_eq!(log.head(), Offset::ZERO);
    let mut append = log.append();
    assert_eq!(append.push(&event(1, Some("a"), "y")).unwrap(), Pushed::Appended(Offset(0)));
    assert_eq!(append.push(&event(1, Some("a"), "y")).unwrap(), Pushed::Duplicate(Offset(0)));
    assert_eq!(append.commit(), range(0, 1));
}

#[test]
fn without_an_id_path_nothing_is_a_duplicate() {
    let mut log = Log::new(Stream::default());
    let mut append = log.append();
    for i in 0..3 {
        assert_eq!(append.push(&event(1, Some("a"), "x")).unwrap(), Pushed::Appended(Offset(i)));
    }
    append.commit();
    assert!(log.read(log.range()).all(|event| event.id == Some("a")));
}

#[test]
fn an_id_is_forgotten_after_so_many_offsets() {
    let mut log = Log::new(Stream { dedup_events: 2, ..with_ids() });
    let mut append = log.append();
    let mut push = |id| append.push(&event(1, Some(id), "x")).unwrap();
    assert_eq!(push("a"), Pushed::Appended(Offset(0)));
    assert_eq!(push("b"), Pushed::Appended(Offset(1)));
    assert_eq!(push("a"), Pushed::Duplicate(Offset(0)));
    assert_eq!(push("c"), Pushed::Appended(Offset(2)));
    assert_eq!(push("a"), Pushed::Appended(Offset(3)));
    assert_eq!(push("a"), Pushed::Duplicate(Offset(3)));
}

/// Enough events for several blocks; every third has an id.
fn large(appends: usize) -> Log {
    let mut log = Log::new(with_ids());
    let mut staged = log.append();
    for i in 0..200_000i64 {
        let id = (i % 3 == 0).then(|| i.to_string());
        staged.push(&event(i * 7919 % 200_003, id.as_deref(), &format!("{{\"n\":{i}}}"))).unwrap();
        if (i as usize).is_multiple_of(200_000 / appends) {
            staged.commit();
            staged = log.append();
        }
    }
    staged.commit();
    log
}

/// The digest of a range by a log that has nothing behind it. One that does not begin at 0 is that of
/// both ends' prefixes, so that all before it counts too.
fn plain_digest(log: &Log, range: Range) -> Digest {
    let mut alone = Log::new(with_ids());
    let mut append = alone.append();
    log.read(Range::new(Offset::ZERO, range.to)).for_each(|event| _ = append.push(&event).unwrap());
    append.commit();
    alone.digest(range, false)
}

#[test]
fn a_log_of_many_blocks_reads_and_digests_from_any_offset() {
    let log = large(1);
    let other = large(1000);
    for (from, to) in
        [(0, 65_536), (0, 65_535), (0, 131_073), (65_535, 65_537), (131_072, 200_000), (0, 200_000)]
    {
        let range = range(from, to);
        let mut offset = from;
        for event in log.read(range) {
            assert_eq!(event.offset, Offset(offset));
            assert_eq!(event.payload, format!("{{\"n\":{offset}}}").as_bytes());
            assert_eq!(event.id.is_some(), offset % 3 == 0);
            offset += 1;
        }
        assert_eq!(offset, to);
        assert_eq!(log.digest(range, false), plain_digest(&log, range), "{range}");
        assert_eq!(log.digest(range, true), other.digest(range, true), "{range}");
        assert_ne!(log.digest(range, true), log.digest(range, false), "{range}");
        let greatest = log.read(Range::new(Offset::ZERO, Offset(to))).map(|event| event.time_ms).max();
        assert_eq!(log.watermark_before(Offset(to)), greatest);
    }
}

#[test]
fn a_digest_tells_no_id_an_empty_id_time_and_the_bounds_of_payloads_apart() {
    let digest = |events: &[Event<'_>]| {
        let mut log = Log::new(Stream::default());
        let mut append = log.append();
        events.iter().for_each(|event| _ = append.push(event).unwrap());
        append.commit();
        log.digest(log.range(), false)
    };
    let cases = [
        vec![],
        vec![event(1, None, "ab")],
        vec![event(1, Some(""), "ab")],
        vec![event(1, Some("a"), "b")],
        vec![event(2, None, "ab")],
        vec![event(1, None, "a"), event(1, None, "b")],
        vec![event(1, None, ""), event(1, None, "ab")],
        // An id that holds what would stand between two events if ids had no length.
        vec![event(1, Some(""), ""), event(2, Some(""), "")],
        vec![event(2, Some("\u{1}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "")],
    ];
    for (i, one) in cases.iter().enumerate() {
        for other in &cases[i + 1..] {
            assert_ne!(digest(one), digest(other), "{one:?} {other:?}");
        }
        let mut later = one.clone();
        later.iter_mut().for_each(|event| {
            event.ingested_ms += 1;
            event.lineage.position += 1;
            event.lineage.source = None;
        });
        assert_eq!(digest(one), digest(&later));
    }
}

#[test]
fn a_future_event_never_moves_the_watermark() {
    let mut log = Log::new(Stream { max_ahead_ms: 10, ..Stream::default() });
    let mut append = log.append();
    for time_ms in [1_000_011, 5, 1_000_010] {
        append.push(&event(time_ms, None, "x")).unwrap();
    }
    append.commit();
    let watermarks: Vec<_> = (0..4).map(|offset| log.watermark_before(Offset(offset))).collect();
    assert_eq!(watermarks, [None, None, Some(5), Some(1_000_010)]);
    assert_eq!(log.future_events(), 1);
}

#[test]
fn what_exceeds_a_limit_is_refused_and_leaves_no_trace() {
    let mut log = Log::new(Stream { memory_bytes_max: 40, ..Stream::default() });
    let mut append = log.append();
    append.push(&event(1, None, "12345678")).unwrap();
    assert_eq!(append.push(&event(9, None, "x")), Err(Error::Full { limit_bytes: 40 }));
    append.commit();
    assert_eq!((log.head(), log.times_ms()), (Offset(1), Some((1, 1))));
    let large = " ".repeat(bifocal::log::PAYLOAD_BYTES_MAX + 1);
    let refused = log.append().push(&event(1, None, &large));
    assert!(matches!(refused, Err(Error::TooLarge { part: "payload", .. })), "{refused:?}");
}

#[test]
fn a_log_is_shared_between_threads() {
    let log = &large(1);
    let digests: Vec<Digest> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| log.digest(log.range(), false))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(digests.iter().all(|digest| *digest == plain_digest(log, log.range())));
}
