//! Quantiles from a histogram whose buckets are cut from the bits of the number.

mod bucket;

use std::fmt;
use std::marker::PhantomData;

use crate::value::{put_varint, take_length, take_varint, write_datum};

use super::sorted::Sorted;
use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

pub use bucket::Measure;

/// Quantiles of numbers with a stated relative error: `delays.add(flight.delay)`, then, in
/// `present`, `delays.quantile(0.95)`. For `i64`, `f64` and [`Decimal`](crate::value::Decimal).
/// Order-free; a few bytes for each bucket in use.
///
/// **Error.** The answer differs from the exact quantile, the value at rank ceil(q n) of the n
/// values in ascending order, by at most 2^-(BITS + 1) of it: 0.4 % for the default `BITS` of 7.
/// Integers below 2^(BITS + 1) in magnitude (256), zero and infinities are exact. Doubles below
/// 2^-1022 have an absolute error of at most 2^-(1023 + BITS).
///
/// **Buckets.** For a positive number x take the bits of the double x, the sign and the lowest
/// 52 - BITS bits off: `cut = bits(x) >> (52 - BITS)`, which leaves the exponent and the first BITS
/// bits of the mantissa: 2^BITS buckets of equal width from each power of two to the next. The
/// bucket is cut + 1 for x, -(cut + 1) for -x, 0 for 0 and -0. An integer or a decimal (as value x 10^N) is in the bucket of the same number as
/// a double, cut off, not rounded, beyond 2^53. NaN, of any sign and payload, is bits
/// 0x7ff8000000000000, above +infinity.
///
/// **Answer.** The buckets in ascending order are counted off to the rank. Of the bucket it reaches,
/// with lo and hi the least and the greatest number of the type in it by magnitude, the answer is
/// lo + floor((hi - lo) / 2) for integers and decimals, the bits (2 cut + 1) << (51 - BITS) for
/// doubles, with the sign; an infinity is itself.
///
/// Presents as json: `{"count":n,"p50":…,"p90":…,"p95":…,"p99":…}`, null if nothing was added.
///
/// Bytes: the number of buckets in use; for each, ascending, its distance from the one before it
/// less 1 (the first: the bucket itself, zigzag), and its count less 1; all LEB128.
///
/// Source: the log-linear histogram of G. Tene's HdrHistogram, cut from the bits of a double as in
/// Circonus' and Prometheus' sparse histograms, without a logarithm: the same on every machine.
pub struct Quantiles<T = f64, const BITS: u32 = 7> {
    counts: Sorted<i32, u64>,
    of: PhantomData<T>,
}

impl<T: Measure, const BITS: u32> Quantiles<T, BITS> {
    /// Of a quantile, at most; 0.00390625 for 7 bits.
    pub const RELATIVE_ERROR: f64 = 1.0 / (1_u64 << (Self::SUB_BITS + 1)) as f64;

    /// Reading it is what refuses other numbers, when the plugin is compiled.
    const SUB_BITS: u32 = {
        assert!(BITS >= 1 && BITS <= 16, "buckets are cut from 1 to 16 bits of the mantissa");
        BITS
    };

    #[inline]
    pub fn add(&mut self, value: T) {
        self.add_times(value, 1);
    }

    /// Counts `value` so many times.
    #[inline]
    pub fn add_times(&mut self, value: T, times: u64) {
        if times > 0 {
            self.count_in(value.bucket(Self::SUB_BITS), times);
        }
    }

    /// How many values were added.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |total, (_, count)| total.saturating_add(*count))
    }

    /// The value at rank ceil(q n), at least 1 and at most n, within the error that the type states;
    /// `None` if nothing was added. `q` is taken to nine decimals, so that 0.95 is 95 hundredths and
    /// not the double just below it.
    pub fn quantile(&self, q: f64) -> Option<T> {
        self.bucket_at(q).map(|bucket| T::middle(bucket, Self::SUB_BITS))
    }

    /// The least and the greatest number that the exact quantile may be.
    pub fn bounds(&self, q: f64) -> Option<(T, T)> {
        self.bucket_at(q).map(|bucket| T::bounds(bucket, Self::SUB_BITS))
    }

    /// Buckets in use, ascending, with their counts.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, u64)> {
        self.counts.iter().copied()
    }

    fn bucket_at(&self, q: f64) -> Option<i32> {
        const ONE: u128 = 1_000_000_000;
        let parts = (q.clamp(0.0, 1.0) * ONE as f64).round() as u128;
        let total = self.counts.iter().map(|(_, count)| u128::from(*count)).sum::<u128>();
        let rank = (parts * total).div_ceil(ONE).max(1);
        let mut reached = 0;
        let is_reached = |(_, count): &&(i32, u64)| {
            reached += u128::from(*count);
            reached >= rank
        };
        self.counts.iter().find(is_reached).map(|(bucket, _)| *bucket)
    }

    /// Saturating, which is associative for what is never negative.
    #[inline]
    fn count_in(&mut self, bucket: i32, times: u64) {
        let count = self.counts.entry(|kept| kept.cmp(&bucket), || (bucket, 0));
        *count = count.saturating_add(times);
    }
}

impl<T, const BITS: u32> Clone for Quantiles<T, BITS> {
    fn clone(&self) -> Self {
        Self { counts: self.counts.clone(), of: PhantomData }
    }
}

impl<T, const BITS: u32> Default for Quantiles<T, BITS> {
    #[inline]
    fn default() -> Self {
        Self { counts: Sorted::default(), of: PhantomData }
    }
}

impl<T, const BITS: u32> fmt::Debug for Quantiles<T, BITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.counts.iter().copied()).finish()
    }
}

impl<T: Measure, const BITS: u32> Codec for Quantiles<T, BITS> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.counts.len() as u64, out);
        let mut last = None;
        for (bucket, count) in self.buckets() {
            let distance = match last {
                None => zigzag(bucket),
                Some(last) => bucket.abs_diff(last) - 1,
            };
            put_varint(distance.into(), out);
            put_varint(count - 1, out);
            last = Some(bucket);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        const UNKNOWN: DecodeError = DecodeError::Malformed("a bucket that no number is in");
        let length = take_length(input)?;
        let mut counts = Sorted::with_capacity(length);
        let mut last: Option<i32> = None;
        for _ in 0..length {
            let distance = u32::try_from(take_varint(input)?).map_err(|_| UNKNOWN)?;
            let bucket = match last {
                None => Some(unzigzag(distance)),
                Some(last) => last.checked_add_unsigned(distance).and_then(|bucket| bucket.checked_add(1)),
            };
            let bucket = bucket.filter(|bucket| T::has(*bucket, Self::SUB_BITS)).ok_or(UNKNOWN)?;
            let count = take_varint(input)?.checked_add(1);
            counts.push(bucket, count.ok_or(DecodeError::Malformed("a count of 2^64"))?);
            last = Some(bucket);
        }
        Ok(Self { counts, of: PhantomData })
    }
}

fn zigzag(value: i32) -> u32 {
    (value << 1 ^ value >> 31) as u32
}

fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

impl<T: Measure, const BITS: u32> State for Quantiles<T, BITS> {
    const ORDER_FREE: bool = true;

    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if self.counts.is_empty() {
            self.counts = right.counts;
        } else {
            right.buckets().for_each(|(bucket, count)| self.count_in(bucket, count));
        }
        Ok(())
    }
}

impl<T: Measure, const BITS: u32> Present for Quantiles<T, BITS> {
    const KIND: Kind = Kind::Json;

    fn present(&self) -> Result<Datum, OutOfRange> {
        if self.counts.is_empty() {
            return Ok(Datum::Absent);
        }
        let count = i64::try_from(self.count()).map_err(|_| OutOfRange::new(self.count(), Kind::Integer))?;
        let mut json = String::from("{\"count\":");
        write_datum(Kind::Integer, &Datum::Integer(count), &mut json);
        for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
            json.push_str(",\"");
            json.push_str(name);
            json.push_str("\":");
            let datum = self.quantile(q).map_or(Datum::Absent, T::datum);
            write_datum(T::KIND, &datum, &mut json);
        }
        json.push('}');
        Ok(Datum::Json(json))
    }
}
