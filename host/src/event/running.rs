//! The running digest of a log: SHA-256 over the events of a prefix, kept as the state of the hasher,
//! so that it goes on from wherever it was written down. How events were appended, cut into blocks or
//! read does not matter.
//!
//! ```text
//! events   = "events" as a part, then of each event: payload as a part; id as a part, or the length
//!            u64::MAX where there is none; event time i64
//! ingested = "ingest times" as a part, then the ingest time of each event, i64
//! part     = length u64, bytes; all numbers little-endian
//! ```

use super::Event;
use crate::digest::{Digest, HASHER_BYTES, Hasher};
use crate::offset::{Offset, Range};

/// Small parts are gathered before they are hashed: SHA-256 takes 64 bytes at a time.
const GATHER_BYTES: usize = 32 << 10;

/// Bytes of [`Running::to_bytes`].
pub const RUNNING_BYTES: usize = 2 * HASHER_BYTES;

/// What was digested so far, from offset 0 on.
#[derive(Clone)]
pub struct Running {
    events: Hasher,
    ingested: Hasher,
}

impl Default for Running {
    fn default() -> Running {
        Running { events: Hasher::new("events"), ingested: Hasher::new("ingest times") }
    }
}

impl Running {
    /// Goes on over the events that come next.
    pub fn extend<'a>(&mut self, events: impl IntoIterator<Item = Event<'a>>) {
        let (mut gathered, mut ingested) = (Vec::with_capacity(GATHER_BYTES + 4096), Vec::new());
        for event in events {
            encode(&mut gathered, &event);
            ingested.extend_from_slice(&event.ingested_ms.to_le_bytes());
            if gathered.len() >= GATHER_BYTES {
                self.events.raw(&gathered);
                self.ingested.raw(&ingested);
                gathered.clear();
                ingested.clear();
            }
        }
        self.events.raw(&gathered);
        self.ingested.raw(&ingested);
    }

    /// The digest of `range`, of which `self` has seen all before its end and `before` all before its
    /// start: of a prefix it is the hasher's own, of another range that of both ends' prefixes.
    pub fn digest(&self, range: Range, before: &Running, with_ingested: bool) -> Digest {
        if range.from == Offset::ZERO {
            return self.prefix(with_ingested);
        }
        let mut hasher = Hasher::new("events between two prefixes");
        hasher.raw(&before.prefix(with_ingested).0);
        hasher.raw(&self.prefix(with_ingested).0);
        hasher.finish()
    }

    fn prefix(&self, with_ingested: bool) -> Digest {
        let events = self.events.clone().finish();
        if !with_ingested {
            return events;
        }
        let mut hasher = Hasher::new("events with ingest times");
        hasher.raw(&events.0);
        hasher.raw(&self.ingested.clone().finish().0);
        hasher.finish()
    }

    /// The state of both hashers.
    pub fn to_bytes(&self) -> [u8; RUNNING_BYTES] {
        let mut bytes = [0; RUNNING_BYTES];
        let states = self.events.to_bytes().into_iter().chain(self.ingested.to_bytes());
        bytes.iter_mut().zip(states).for_each(|(to, from)| *to = from);
        bytes
    }

    /// What [`Running::to_bytes`] wrote; None if it is nothing of the kind.
    pub fn from_bytes(bytes: &[u8]) -> Option<Running> {
        let (events, ingested) = bytes.split_at_checked(HASHER_BYTES)?;
        Some(Running { events: Hasher::from_bytes(events)?, ingested: Hasher::from_bytes(ingested)? })
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Running({})", self.prefix(true))
    }
}

/// Length-prefixed or of a fixed width, so no two sequences of events give the same bytes.
fn encode(out: &mut Vec<u8>, event: &Event<'_>) {
    let mut part = |bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    part(event.payload);
    match event.id {
        Some(id) => part(id.as_bytes()),
        None => out.extend_from_slice(&u64::MAX.to_le_bytes()),
    }
    out.extend_from_slice(&event.time_ms.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(payload: &'static [u8], time_ms: i64) -> Event<'static> {
        Event {
            offset: Offset::ZERO,
            time_ms,
            ingested_ms: time_ms + 5,
            id: None,
            schema: None,
            lineage: Default::default(),
            typing: Default::default(),
            payload,
        }
    }

    #[test]
    fn a_digest_goes_on_from_where_it_was_written_down() {
        let events = [event(b"{}", 1), event(b"{\"a\":1}", 2), event(b"[]", 3)];
        let mut whole = Running::default();
        whole.extend(events);
        for cut in 0..=3 {
            let mut first = Running::default();
            first.extend(events[..cut].iter().copied());
            let mut again = Running::from_bytes(&first.to_bytes()).unwrap();
            again.extend(events[cut..].iter().copied());
            for with_ingested in [false, true] {
                let range = Range::new(Offset(0), Offset(3));
                let expected = whole.digest(range, &Running::default(), with_ingested);
                assert_eq!(again.digest(range, &Running::default(), with_ingested), expected);
            }
        }
        assert!(Running::from_bytes(&[0; 3]).is_none());
    }

    #[test]
    fn ingest_times_count_only_if_asked() {
        let (mut one, mut other) = (Running::default(), Running::default());
        one.extend([event(b"{}", 1)]);
        other.extend([Event { ingested_ms: 77, ..event(b"{}", 1) }]);
        let range = Range::new(Offset(0), Offset(1));
        let digest = |running: &Running, with| running.digest(range, &Running::default(), with);
        assert_eq!(digest(&one, false), digest(&other, false));
        assert_ne!(digest(&one, true), digest(&other, true));
    }
}
