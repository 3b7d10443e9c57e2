//! Events in order of arrival, given out by portions. A feed is zstd over a line an event: seconds from the
//! arrival before it, a space, the payload; the first line counts from 1970. Knows nothing of time.

use anyhow::Context;

pub struct Feed {
    text: String,
    /// Of the next line.
    at: usize,
    arrived_s: i64,
    pub given: u64,
    pub total: u64,
}

impl Feed {
    pub fn open(bytes: &[u8]) -> anyhow::Result<Feed> {
        let text = zstd::decode_all(bytes).context("the events inside this binary")?;
        let text = String::from_utf8(text).context("the events inside this binary")?;
        let total = text.lines().count() as u64;
        Ok(Feed { text, at: 0, arrived_s: 0, given: 0, total })
    }

    /// The next events as NDJSON, at most so many.
    pub fn take(&mut self, count: u64) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..count {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(line) = rest.split_inclusive('\n').next() else { break };
            let (after_s, payload) = line.split_once(' ').unwrap_or(("0", line));
            self.arrived_s += after_s.parse::<i64>().unwrap_or(0);
            self.at += line.len();
            self.given += 1;
            out.extend_from_slice(payload.as_bytes());
        }
        out
    }

    pub fn is_over(&self) -> bool {
        self.given == self.total
    }

    /// When the last event that was given out really arrived.
    pub fn arrived_ms(&self) -> i64 {
        self.arrived_s * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_gives_each_event_once_and_tells_when_it_arrived() {
        let bytes = zstd::encode_all("100 {\"a\":1}\n0 {\"a\":2}\n5 {\"a\":3}\n".as_bytes(), 1).unwrap();
        let mut feed = Feed::open(&bytes).unwrap();
        assert_eq!((feed.take(2), feed.arrived_ms()), (b"{\"a\":1}\n{\"a\":2}\n".to_vec(), 100_000));
        assert_eq!((feed.take(2), feed.arrived_ms()), (b"{\"a\":3}\n".to_vec(), 105_000));
        assert!(feed.is_over() && feed.take(9).is_empty());
        assert_eq!((feed.given, feed.total), (3, 3));
    }
}
