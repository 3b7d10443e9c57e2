//! Sessions: stretches of event time without a longer gap, with a state for each.

use std::collections::BTreeMap;
use std::fmt;

use crate::value::{Timestamp, put_varint, take_length, write_datum};

use super::{Codec, Count, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// The sessions of a cell: events belong to one if each is at most `GAP_MS` milliseconds after the one
/// before it, by event time: `cell.visits.entry(event.time).add(1)` for a `Sessions<1_800_000>`, which
/// counts; any order-free state can stand in place of the count. Order-free: sessions are the runs that
/// the set of times falls into, however late an event comes; one between two sessions makes them one.
///
/// ```
/// # use bifocal_sdk::*;
/// let mut visits = Sessions::<1_800_000>::default(); // a part of a cell: `cell.visits`
/// for minute in [0, 100, 20, 75] {
///     visits.entry(Timestamp(minute * 60_000)).add(1);
/// }
/// let found = visits.iter().map(|(start, end, views)| (start.0 / 60_000, end.0 / 60_000, views.get()));
/// assert!(found.eq([(0, 20, 2), (75, 100, 2)]));
/// ```
///
/// Presents as json, a list of `{"start":…,"end":…,"state":…}`, earliest first: the times of the first
/// and the last event, and what the state shows. Bytes grow with the number of sessions: that number;
/// for each, ascending, start, end and state.
///
/// A window holds its own events alone, so it ends every session: give a transform of sessions no
/// window. Logic that needs the events of a session one after the other is a machine in
/// [`Timeline`](super::Timeline).
pub struct Sessions<const GAP_MS: u64, S = Count> {
    /// By start; from the end of each to the start of the next it is more than the gap.
    sessions: BTreeMap<Timestamp, Session<S>>,
}

/// A session, apart from its start.
#[derive(Clone, Debug)]
struct Session<S> {
    end: Timestamp,
    state: S,
}

impl<const GAP_MS: u64, S: State> Sessions<GAP_MS, S> {
    /// Reading it is what refuses other states, when the plugin is compiled: a session is joined out of
    /// others whose events lie among each other in the log.
    const GAP: u64 = {
        assert!(S::ORDER_FREE && !S::ANCHORED, "the state of a session is order-free");
        GAP_MS
    };

    /// The state of the session that an event at `time` belongs to (the input `@time`).
    ///
    /// # Panics
    ///
    /// If states refuse to be merged, which those of this crate never do.
    pub fn entry(&mut self, time: Timestamp) -> &mut S {
        let merged = self.join(time, Session { end: time, state: S::default() });
        // An order-free state has no right side that it cannot merge.
        assert!(merged.is_ok(), "the states of two sessions do not merge: {merged:?}");
        let start = merged.unwrap_or(time);
        let fresh = || Session { end: time, state: S::default() };
        &mut self.sessions.entry(start).or_insert_with(fresh).state
    }

    /// Start, end and state of each session, earliest first.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Timestamp, &S)> {
        self.sessions.iter().map(|(start, session)| (*start, session.end, &session.state))
    }

    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Adds a session, joined with all that it touches; returns where the joined one starts.
    fn join(&mut self, mut start: Timestamp, mut session: Session<S>) -> Result<Timestamp, MergeError> {
        let latest = Timestamp(session.end.0.saturating_add_unsigned(Self::GAP));
        // From the latest to the earliest: those that do not touch are all earlier than those that do.
        while let Some((found, before)) = self.sessions.range_mut(..=latest).next_back() {
            if before.end < start && before.end.0.abs_diff(start.0) > Self::GAP {
                break;
            }
            let found = *found;
            if found <= start && session.end <= before.end {
                // All within one, as nearly all are: nothing moves.
                before.state.merge(session.state)?;
                return Ok(found);
            }
            let Some(mut other) = self.sessions.remove(&found) else { break };
            other.state.merge(session.state)?;
            start = start.min(found);
            session = Session { end: session.end.max(other.end), state: other.state };
        }
        self.sessions.insert(start, session);
        Ok(start)
    }
}

impl<const GAP_MS: u64, S: Clone> Clone for Sessions<GAP_MS, S> {
    fn clone(&self) -> Self {
        Self { sessions: self.sessions.clone() }
    }
}

impl<const GAP_MS: u64, S> Default for Sessions<GAP_MS, S> {
    #[inline]
    fn default() -> Self {
        Self { sessions: BTreeMap::new() }
    }
}

impl<const GAP_MS: u64, S: fmt::Debug> fmt::Debug for Sessions<GAP_MS, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.sessions).finish()
    }
}

impl<const GAP_MS: u64, S: State> Codec for Sessions<GAP_MS, S> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.sessions.len() as u64, out);
        for (start, end, state) in self.iter() {
            start.encode(out);
            end.encode(out);
            state.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut sessions: BTreeMap<Timestamp, Session<S>> = BTreeMap::new();
        for _ in 0..take_length(input)? {
            let (start, end) = (Timestamp::decode(input)?, Timestamp::decode(input)?);
            if end < start {
                return Err(DecodeError::Malformed("a session that ends before it starts"));
            }
            let last = sessions.last_key_value();
            if last.is_some_and(|(_, last)| last.end >= start || last.end.0.abs_diff(start.0) <= Self::GAP) {
                return Err(DecodeError::Malformed("sessions that are not apart"));
            }
            sessions.insert(start, Session { end, state: S::decode(input)? });
        }
        Ok(Self { sessions })
    }
}

impl<const GAP_MS: u64, S: State> State for Sessions<GAP_MS, S> {
    const ORDER_FREE: bool = true;

    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if self.is_empty() {
            *self = right;
            return Ok(());
        }
        right.sessions.into_iter().try_for_each(|(start, session)| self.join(start, session).map(drop))
    }
}

impl<const GAP_MS: u64, S: State + Present> Present for Sessions<GAP_MS, S> {
    const KIND: Kind = Kind::Json;

    fn present(&self) -> Result<Datum, OutOfRange> {
        let mut json = String::from("[");
        for (start, end, state) in self.iter() {
            if json.len() > 1 {
                json.push(',');
            }
            let time = |time: Timestamp| Datum::Integer(time.0);
            let session = crate::output::object(&[
                ("start", Kind::Timestamp, time(start)),
                ("end", Kind::Timestamp, time(end)),
                ("state", S::KIND, state.present()?),
            ]);
            write_datum(Kind::Json, &session, &mut json);
        }
        json.push(']');
        Ok(Datum::Json(json))
    }
}
