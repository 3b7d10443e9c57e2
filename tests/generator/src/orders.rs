//! The orders job: what a payment provider's stream of orders looks like over two days. Merchants
//! with a long tail, bursts in which one merchant sells most, some orders that arrive late, and a
//! few that no transform can read.

use crate::feed::Lines;
use crate::rng::Rng;

/// What to make; the default is the job that every figure is measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub seed: u64,
    pub events: u64,
    pub merchants: u32,
    /// Time of the first event, milliseconds UTC, a whole second.
    pub from_ms: i64,
    pub span_ms: i64,
    /// Of 10,000 events, how many are up to two hours late.
    pub late: u64,
    /// Of 10,000 events, how many have a wrong type or lack a field.
    pub poison: u64,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            seed: 1,
            events: 2_000_000,
            merchants: 1_000,
            from_ms: 1_795_132_800_000, // 2026-11-20T00:00:00Z
            span_ms: 48 * 3_600_000,
            late: 100,
            poison: 10,
        }
    }
}

/// Events of one pace: a burst or a quiet stretch.
const STRETCH_EVENTS: u64 = 4096;
/// One stretch in so many is a burst.
const BURST_EVERY: u64 = 8;
/// A burst has this many times the usual events a second.
const BURST_PACE: u64 = 10;
const LATE_MS_MAX: u64 = 2 * 3_600_000;
const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "JPY"];
const TAIL_BITS: u32 = 16;

/// Writes orders as NDJSON, in the order in which they arrive.
#[derive(Clone, Debug)]
pub struct Orders {
    shape: Shape,
    rng: Rng,
    written: u64,
    /// Merchants by weight 1 / rank, so that one look-up draws one.
    tail: Vec<u32>,
    /// End of each stretch, as a share of the span in units of 1 / `ends.last()`.
    ends: Vec<u64>,
    /// The merchant that sells most during this stretch.
    hot: Option<u32>,
    day: Day,
}

impl Orders {
    pub fn new(shape: Shape) -> Orders {
        assert!(shape.merchants > 0 && shape.span_ms > 0, "an orders job has merchants and a span");
        let mut rng = Rng::new(shape.seed);
        let mut sum = 0;
        let ends = (0..shape.events.div_ceil(STRETCH_EVENTS)).map(|_| {
            sum += if rng.chance(1, BURST_EVERY) { 1 } else { BURST_PACE };
            sum
        });
        let ends = ends.collect();
        let tail = long_tail(shape.merchants);
        Orders { shape, rng, written: 0, tail, ends, hot: None, day: Day::default() }
    }

    /// Appends up to `lines` lines; returns how many, 0 at the end.
    pub fn fill(&mut self, out: &mut Vec<u8>, lines: usize) -> usize {
        let lines = (lines as u64).min(self.shape.events - self.written);
        out.reserve(lines as usize * 128);
        (0..lines).for_each(|_| self.line(out));
        lines as usize
    }

    #[inline]
    fn line(&mut self, out: &mut Vec<u8>) {
        let id = self.written;
        self.written += 1;
        let mut time_ms = self.shape.from_ms + self.elapsed_ms(id);
        let bits = self.rng.bits();
        let (chance, cents_bits) = (bits % 10_000, (bits >> 16) as u32);
        if chance < self.shape.late {
            time_ms -= self.rng.below(LATE_MS_MAX) as i64;
        }
        let merchant = self.merchant((bits >> 48) as u16);
        let currency = CURRENCIES[merchant as usize % CURRENCIES.len()];
        let status = match (bits >> 14) & 15 {
            0 => "pending",
            1 => "refunded",
            _ => "completed",
        };
        if chance >= self.shape.late && chance < self.shape.late + self.shape.poison {
            return self.poison(out, id, time_ms);
        }
        out.extend_from_slice(b"{\"order_id\":");
        number(out, id);
        out.extend_from_slice(b",\"merchant_id\":\"m-");
        number(out, u64::from(merchant) + 1);
        out.extend_from_slice(b"\",\"amount\":");
        amount(out, cents(cents_bits));
        out.extend_from_slice(b",\"currency\":\"");
        out.extend_from_slice(currency.as_bytes());
        out.extend_from_slice(b"\",\"status\":\"");
        out.extend_from_slice(status.as_bytes());
        self.end(out, time_ms);
    }

    /// Valid JSON with a time, of which some field is missing or has a wrong type.
    fn poison(&mut self, out: &mut Vec<u8>, id: u64, time_ms: i64) {
        let fields = match self.rng.below(5) {
            0 => r#""merchant_id":17,"amount":12.50,"currency":"EUR","status":"completed"#,
            1 => r#""merchant_id":"m-17","amount":"a lot","currency":"EUR","status":"completed"#,
            2 => r#""merchant_id":"m-17","currency":"EUR","status":"completed"#,
            3 => r#""merchant_id":"m-17","amount":12.50,"currency":["EUR"],"status":"completed"#,
            _ => r#""amount":12.50,"currency":"EUR","status":"completed"#,
        };
        out.extend_from_slice(b"{\"order_id\":");
        number(out, id);
        out.push(b',');
        out.extend_from_slice(fields.as_bytes());
        self.end(out, time_ms);
    }

    fn end(&mut self, out: &mut Vec<u8>, time_ms: i64) {
        out.extend_from_slice(b"\",\"ts\":\"");
        self.day.write(out, time_ms.div_euclid(1000));
        out.extend_from_slice(b"\"}\n");
    }

    /// When event `id` happens: stretches take their share of the span, events of one are even.
    #[inline]
    fn elapsed_ms(&mut self, id: u64) -> i64 {
        let (stretch, place) = ((id / STRETCH_EVENTS) as usize, id % STRETCH_EVENTS);
        let from = if stretch == 0 { 0 } else { self.ends[stretch - 1] };
        let (width, whole) = (self.ends[stretch] - from, self.ends[self.ends.len() - 1]);
        if place == 0 {
            let burst = width < BURST_PACE;
            self.hot = burst.then(|| self.rng.below(u64::from(self.shape.merchants)) as u32);
        }
        let parts = from * STRETCH_EVENTS + width * place;
        (u128::from(parts) * self.shape.span_ms as u128 / u128::from(whole * STRETCH_EVENTS)) as i64
    }

    #[inline]
    fn merchant(&mut self, bits: u16) -> u32 {
        match self.hot {
            Some(hot) if bits & 1 == 1 => hot,
            _ => self.tail[usize::from(bits)],
        }
    }
}

impl Lines for Orders {
    fn fill(&mut self, out: &mut Vec<u8>, lines: usize) -> usize {
        Orders::fill(self, out, lines)
    }
}

/// Places for each merchant by weight 1 / rank, at least one each if there is room.
fn long_tail(merchants: u32) -> Vec<u32> {
    let places = 1usize << TAIL_BITS;
    let whole: f64 = (1..=merchants).map(|rank| 1.0 / f64::from(rank)).sum();
    let mut tail = Vec::with_capacity(places);
    let mut sum = 0.0;
    for merchant in 0..merchants {
        sum += 1.0 / f64::from(merchant + 1) / whole;
        tail.resize(((sum * places as f64) as usize).min(places), merchant);
    }
    tail.resize(places, 0);
    tail
}

/// From 0.50 to some 4,000.00, most of them small.
#[inline]
fn cents(bits: u32) -> u64 {
    let scale = [2_000, 5_000, 20_000, 400_000][(bits & 3) as usize];
    50 + ((u64::from(bits >> 2) * scale) >> 30)
}

#[inline]
fn number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return out.extend_from_slice(&digits[from..]);
        }
    }
}

#[inline]
fn amount(out: &mut Vec<u8>, cents: u64) {
    number(out, cents / 100);
    out.extend_from_slice(&[b'.', b'0' + (cents / 10 % 10) as u8, b'0' + (cents % 10) as u8]);
}

/// Writes seconds since 1970 as RFC 3339, with the last date kept.
#[derive(Clone, Debug, Default)]
struct Day {
    number: i64,
    text: [u8; 11],
}

impl Day {
    #[inline]
    fn write(&mut self, out: &mut Vec<u8>, seconds: i64) {
        let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        if day != self.number || self.text[0] == 0 {
            (self.number, self.text) = (day, date(day));
        }
        let two = |value: i64| [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        let ([a, b], [c, d], [e, f]) = (two(second / 3600), two(second / 60 % 60), two(second % 60));
        out.extend_from_slice(&self.text);
        out.extend_from_slice(&[a, b, b':', c, d, b':', e, f, b'Z']);
    }
}

/// `2026-11-20T` of a day since 1970 (Hinnant, chrono-compatible low-level date algorithms).
fn date(day: i64) -> [u8; 11] {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let text = format!("{:04}-{month:02}-{day:02}T", year + era * 400 + next);
    let mut out = [b'0'; 11];
    out.copy_from_slice(&text.as_bytes()[..11]);
    out
}

/// RFC 3339 of milliseconds UTC, with milliseconds only if they are not 0.
pub fn rfc3339(time_ms: i64) -> String {
    let mut out = Vec::new();
    Day::default().write(&mut out, time_ms.div_euclid(1000));
    let fraction = time_ms.rem_euclid(1000);
    if fraction != 0 {
        out.pop();
        out.extend_from_slice(format!(".{fraction:03}Z").as_bytes());
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn lines(shape: Shape) -> Vec<serde_json::Value> {
        let mut out = Vec::new();
        Orders::new(shape).fill(&mut out, usize::MAX);
        let text = String::from_utf8(out).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_whatever_the_portions() {
        let shape = Shape { events: 10_000, ..Shape::default() };
        let (mut whole, mut portions) = (Vec::new(), Vec::new());
        Orders::new(shape).fill(&mut whole, usize::MAX);
        let mut orders = Orders::new(shape);
        while orders.fill(&mut portions, 333) > 0 {}
        assert!(whole == portions);
        let mut other = Vec::new();
        Orders::new(Shape { seed: 2, ..shape }).fill(&mut other, usize::MAX);
        assert!(whole != other);
    }

    #[test]
    fn a_line_has_about_120_bytes() {
        let mut out = Vec::new();
        Orders::new(Shape { events: 100_000, ..Shape::default() }).fill(&mut out, usize::MAX);
        let mean = out.len() / 100_000;
        assert!((115..=123).contains(&mean), "{mean}");
    }

    #[test]
    fn lateness_poison_and_the_long_tail_are_as_stated() {
        let events = lines(Shape { events: 200_000, ..Shape::default() });
        let mut merchants: BTreeMap<&str, u64> = BTreeMap::new();
        let (mut late, mut poison, mut latest, mut hours) = (0, 0, String::new(), BTreeSet::new());
        for event in &events {
            let time = event["ts"].as_str().unwrap();
            late += u64::from(time < latest.as_str());
            hours.insert(time[..13].to_string());
            latest = latest.max(time.to_string());
            match (event["merchant_id"].as_str(), event["amount"].is_number(), event["currency"].is_string())
            {
                (Some(merchant), true, true) => *merchants.entry(merchant).or_default() += 1,
                _ => poison += 1,
            }
        }
        assert!((1_800..2_200).contains(&late), "late {late}");
        assert!((150..250).contains(&poison), "poison {poison}");
        assert!((990..=1_000).contains(&merchants.len()), "merchants {}", merchants.len());
        assert!(merchants["m-1"] > 15_000 && *merchants.values().min().unwrap() < 60);
        assert!(hours.len() >= 48, "hours {}", hours.len());
    }

    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        for (time_ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_132_800_000, "2026-11-20T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(time_ms), text);
        }
    }
}
