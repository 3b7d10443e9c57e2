//! What holds for a prefix of the log: all that an event at its end depends on. Every block has that of
//! the events before it, so that nothing about a place in the log needs the log from its start.
//!
//! ```text
//! before = running  see `event::Running`, the digest's state
//!          flags    u8, 1: some event counts for the watermark, 2: there is an event
//!          greatest i64, greatest event time that counts for the watermark
//!          first    i64, least event time;   last i64, greatest event time, of all events
//!          future   u64, events dated more than `max_ahead` after their ingest time
//! ```

use crate::event::{Event, RUNNING_BYTES, Running};
use crate::log::WatermarkRule;

pub const BEFORE_BYTES: usize = RUNNING_BYTES + 1 + 4 * 8;

#[derive(Clone, Debug, Default)]
pub struct Before {
    pub running: Running,
    /// Greatest event time that counts for the watermark.
    pub greatest_ms: Option<i64>,
    /// Least and greatest event time of all.
    pub times_ms: Option<(i64, i64)>,
    pub future: u64,
}

impl Before {
    /// Goes on over the events that come next.
    pub fn extend<'a>(&mut self, rule: WatermarkRule, events: impl Iterator<Item = Event<'a>>) {
        let Before { running, greatest_ms, times_ms, future } = self;
        running.extend(events.inspect(|event| {
            if rule.is_future(event.time_ms, event.ingested_ms) {
                *future += 1;
            } else {
                *greatest_ms = (*greatest_ms).max(Some(event.time_ms));
            }
            let (least, greatest) = times_ms.unwrap_or((event.time_ms, event.time_ms));
            *times_ms = Some((least.min(event.time_ms), greatest.max(event.time_ms)));
        }));
    }

    pub fn to_bytes(&self) -> [u8; BEFORE_BYTES] {
        let mut bytes = [0; BEFORE_BYTES];
        let flags = u8::from(self.greatest_ms.is_some()) | u8::from(self.times_ms.is_some()) << 1;
        let (first, last) = self.times_ms.unwrap_or_default();
        let numbers = [self.greatest_ms.unwrap_or_default(), first, last, self.future as i64];
        let written = self.running.to_bytes().into_iter();
        let written = written.chain([flags]).chain(numbers.into_iter().flat_map(i64::to_le_bytes));
        bytes.iter_mut().zip(written).for_each(|(to, from)| *to = from);
        bytes
    }

    /// None if the bytes are nothing of the kind.
    pub fn from_bytes(bytes: &[u8]) -> Option<Before> {
        let (running, rest) = bytes.split_at_checked(RUNNING_BYTES)?;
        let (flags, rest) = rest.split_first()?;
        let (numbers, _) = rest.as_chunks::<8>();
        let [greatest, first, last, future] = numbers else { return None };
        let number = |bytes: &[u8; 8]| i64::from_le_bytes(*bytes);
        Some(Before {
            running: Running::from_bytes(running)?,
            greatest_ms: (flags & 1 != 0).then(|| number(greatest)),
            times_ms: (flags & 2 != 0).then(|| (number(first), number(last))),
            future: number(future) as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut before = Before { future: 3, ..Before::default() };
        let again = |before: &Before| Before::from_bytes(&before.to_bytes()).unwrap();
        assert_eq!(format!("{:?}", again(&before)), format!("{before:?}"));
        before.greatest_ms = Some(-5);
        before.times_ms = Some((-9, 8));
        assert_eq!(format!("{:?}", again(&before)), format!("{before:?}"));
    }
}
