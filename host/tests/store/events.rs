//! Events to append, made from a seed.

use bifocal::event::{Event, Lineage, Typing};
use bifocal::offset::Offset;

/// A small generator of pseudo-random numbers (splitmix64): a seed gives the same ones everywhere.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// An event that owns its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    pub time_ms: i64,
    pub ingested_ms: i64,
    pub id: Option<String>,
    pub position: u64,
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(String, String)>,
    pub payload: Vec<u8>,
}

impl Made {
    pub fn random(random: &mut Random, position: u64) -> Made {
        let large = random.below(50) == 0;
        let filler = "x".repeat(random.below(if large { 9_000 } else { 90 }) as usize);
        let rare = random.below(40) == 0;
        Made {
            time_ms: 1_700_000_000_000 + random.below(100_000_000) as i64,
            ingested_ms: 1_700_000_000_000 + (position / 64) as i64 * 1000,
            id: (random.below(3) > 0).then(|| format!("id-{}", random.below(400))),
            position,
            key: rare.then(|| vec![1, 2, 3]),
            headers: if rare { vec![("h".into(), "ü".into())] } else { Vec::new() },
            payload: format!("{{\"a\":{},\"b\":\"{filler}\"}}", random.below(3)).into_bytes(),
        }
    }

    pub fn event(&self) -> Event<'_> {
        Event {
            offset: Offset::ZERO,
            time_ms: self.time_ms,
            ingested_ms: self.ingested_ms,
            id: self.id.as_deref(),
            schema: None,
            lineage: Lineage {
                source: Some("a file"),
                position: self.position,
                partition: None,
                key: self.key.as_deref(),
                headers: &self.headers,
            },
            typing: Typing::Json,
            payload: &self.payload,
        }
    }
}
