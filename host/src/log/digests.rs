//! Digests of ranges. What is digested of an event is its payload, event time and id, and its
//! ingest time only if asked: not its offset (a range says that) nor its lineage.

use super::Log;
use super::block::BLOCK_EVENTS;
use crate::digest::{Digest, Hasher};
use crate::event::Event;
use crate::offset::{Offset, Range};
use std::fmt;
use std::sync::{Mutex, PoisonError};

const STEP: u64 = BLOCK_EVENTS as u64;
/// Small parts are gathered before they are hashed: SHA-256 takes 64 bytes at a time.
const GATHER_BYTES: usize = 32 << 10;

/// Hashers of prefixes, made when first needed. Element i of each has seen `[0, i x STEP)`.
/// A prefix of the log never changes, so they are never wrong.
#[derive(Default)]
pub struct Snapshots {
    plain: Mutex<Vec<Hasher>>,
    with_ingested: Mutex<Vec<Hasher>>,
}

impl fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Snapshots")
    }
}

impl Snapshots {
    pub fn of(&self, log: &Log, range: Range, with_ingested: bool) -> Digest {
        let to = range.to.min(log.head());
        let mut from = range.from;
        let mut hasher = start(with_ingested);
        if from == Offset::ZERO {
            (from, hasher) = self.before(log, to, with_ingested);
        }
        update(&mut hasher, log, Range::new(from, to), with_ingested);
        hasher.finish()
    }

    /// The last snapshot at or before `to`, and where it stands.
    fn before(&self, log: &Log, to: Offset, with_ingested: bool) -> (Offset, Hasher) {
        let kept = if with_ingested { &self.with_ingested } else { &self.plain };
        // A panic while the lock is held leaves whole snapshots only.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() {
            kept.push(start(with_ingested));
        }
        let wanted = to.0 / STEP;
        while kept.len() as u64 <= wanted
            && let Some(mut hasher) = kept.last().cloned()
        {
            let from = Offset((kept.len() as u64 - 1) * STEP);
            update(&mut hasher, log, Range::new(from, from.plus(STEP)), with_ingested);
            kept.push(hasher);
        }
        let hasher = kept.get(wanted as usize).cloned().unwrap_or_else(|| start(with_ingested));
        (Offset(wanted * STEP), hasher)
    }
}

fn start(with_ingested: bool) -> Hasher {
    Hasher::new(if with_ingested { "events with ingest times" } else { "events" })
}

fn update(hasher: &mut Hasher, log: &Log, range: Range, with_ingested: bool) {
    let mut gathered = Vec::with_capacity(GATHER_BYTES + 4096);
    for event in log.read(range) {
        encode(&mut gathered, &event, with_ingested);
        if gathered.len() >= GATHER_BYTES {
            hasher.raw(&gathered);
            gathered.clear();
        }
    }
    hasher.raw(&gathered);
}

/// Length-prefixed or of a fixed width, so no two sequences of events give the same bytes.
fn encode(out: &mut Vec<u8>, event: &Event<'_>, with_ingested: bool) {
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
    if with_ingested {
        out.extend_from_slice(&event.ingested_ms.to_le_bytes());
    }
}
