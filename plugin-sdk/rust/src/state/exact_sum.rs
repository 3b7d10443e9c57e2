//! Exact sums of floats.

use crate::value::take;

use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// The exact sum of doubles: `sum.add(reading)`. Order-free: the same bits whatever the order and
/// the cuts, which plain addition of `f64` does not give. Presents as a float, 0 at first.
///
/// A sum is an integer multiple of 2^-1074, the least positive double, kept without rounding; what
/// it shows is the double nearest to it, ties to even (relative error at most 2^-53, exact below
/// 2^-1021). Beyond the greatest double it is out of range; what is added later may bring it back.
///
/// A NaN, or infinities of both signs, make it NaN for good, else an infinity makes it infinite. -0
/// adds nothing, and a sum of nothing but zeros is 0.
///
/// Bytes: 3, and 4 for each 32 bits between the highest and the lowest bit of the sum, in practice
/// 11 to 19 in all: a byte of flags (1 NaN, 2 +infinity, 4 -infinity), a byte for the place of the
/// lowest digit, a byte for the number of digits, and the digits of 32 bits, the lowest first, as
/// a two's complement number without needless digits at either end.
///
/// Source: a superaccumulator (Kulisch) in the form of R. M. Neal, "Fast exact summation using small
/// and large superaccumulators", arXiv:1505.05571, 2015, holding only the digits that are in use.
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// The sum of `digits[i]` x `2^(32 (lowest + i) - 1074)`. In 64 bits each, so that carries wait.
    digits: Vec<i64>,
    lowest: usize,
    /// What was added to any digit since carries were last resolved, in units of 2^53.
    pending: u32,
    flags: u8,
}

const NAN: u8 = 1;
const PLUS_INFINITY: u8 = 2;
const MINUS_INFINITY: u8 = 4;

/// 2^64 doubles below 2^1024 sum up to less than 2^1088 in magnitude, 2^2162 in units of 2^-1074:
/// 68 digits. Beyond these, which no log reaches, a sum wraps, which is still associative.
const DIGITS_MAX: usize = 70;

/// A resolved digit is below 2^32, and each addition adds less than 2^53: far from 2^63.
const PENDING_MAX: u32 = 900;

const DIGIT_BITS: usize = 32;
const DIGIT_MASK: i64 = 0xffff_ffff;
const MANTISSA_BITS: u32 = 52;
const EXPONENT_MAX: u64 = 0x7ff;

impl ExactSum {
    #[inline]
    pub fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let fraction = bits & ((1 << MANTISSA_BITS) - 1);
        let exponent = bits >> MANTISSA_BITS & EXPONENT_MAX;
        if exponent == EXPONENT_MAX {
            return self.add_special(value);
        }
        let mantissa = fraction | u64::from(exponent > 0) << MANTISSA_BITS;
        if mantissa == 0 {
            return;
        }
        // The value is mantissa x 2^(shift - 1074).
        let shift = exponent.saturating_sub(1) as usize;
        let at = self.reach(shift / DIGIT_BITS);
        let low = (mantissa << (shift % DIGIT_BITS)) as i64 & DIGIT_MASK;
        let high = (mantissa >> (DIGIT_BITS - shift % DIGIT_BITS)) as i64;
        let sign = (bits as i64) >> 63;
        if let Some([first, second]) = self.digits.get_mut(at..at + 2) {
            *first += (low ^ sign) - sign;
            *second += (high ^ sign) - sign;
        }
        self.pending += 1;
        if self.pending >= PENDING_MAX {
            self.resolve();
        }
    }

    /// The sum as the nearest double; `None` if it is finite and beyond the greatest.
    pub fn get(&self) -> Option<f64> {
        match self.flags {
            0 => self.to_canonical().nearest(),
            PLUS_INFINITY => Some(f64::INFINITY),
            MINUS_INFINITY => Some(f64::NEG_INFINITY),
            _ => Some(crate::value::one_nan(f64::NAN)),
        }
    }

    #[cold]
    fn add_special(&mut self, value: f64) {
        self.flags |= match value {
            f64::INFINITY => PLUS_INFINITY,
            f64::NEG_INFINITY => MINUS_INFINITY,
            _ => NAN,
        };
    }

    /// Where digit `place` and the one above it are, which are made if they are missing.
    #[inline]
    fn reach(&mut self, place: usize) -> usize {
        let at = place.wrapping_sub(self.lowest);
        if at < self.digits.len() && at + 1 < self.digits.len() { at } else { self.grow(place, place + 2) }
    }

    #[cold]
    fn grow(&mut self, from: usize, to: usize) -> usize {
        // One digit more on either side: the next value is likely near.
        let (low, high) = (from.saturating_sub(1), (to + 1).min(DIGITS_MAX));
        if self.digits.is_empty() {
            self.lowest = low;
        }
        if from < self.lowest {
            let missing = self.lowest - low;
            self.digits.splice(..0, std::iter::repeat_n(0, missing));
            self.lowest = low;
        }
        let length = (high - self.lowest).max(self.digits.len());
        self.digits.resize(length, 0);
        from - self.lowest
    }

    /// Carries: each digit to 0 .. 2^32, the highest to a signed one of 32 bits.
    #[cold]
    fn resolve(&mut self) {
        let Some(mut top) = self.digits.pop() else { return };
        let mut carry = 0;
        for digit in &mut self.digits {
            let sum = *digit + carry;
            *digit = sum & DIGIT_MASK;
            carry = sum >> DIGIT_BITS;
        }
        top += carry;
        while top != i64::from(top as i32) && self.lowest + self.digits.len() + 1 < DIGITS_MAX {
            self.digits.push(top & DIGIT_MASK);
            top >>= DIGIT_BITS;
        }
        self.digits.push(i64::from(top as i32));
        self.pending = 0;
    }

    fn to_canonical(&self) -> Canonical {
        let mut digits = [0; DIGITS_MAX];
        let mut carry = 0;
        // A carry has at most 31 bits: two digits above the highest hold it and the sign.
        let above = (self.lowest + self.digits.len() + 2).min(DIGITS_MAX);
        let carried = self.digits.iter().copied().chain([0, 0]);
        for (out, digit) in digits.iter_mut().take(above).skip(self.lowest).zip(carried) {
            let sum = digit + carry;
            *out = sum as u32;
            carry = sum >> DIGIT_BITS;
        }
        Canonical::trimmed(digits, self.lowest, above)
    }
}

/// The sum as two's complement digits `from .. to`, without needless ones at either end.
struct Canonical {
    digits: [u32; DIGITS_MAX],
    from: usize,
    to: usize,
}

/// A digit that only repeats the sign of the one below it.
fn is_needless(top: u32, below: u32) -> bool {
    top == if below >> 31 == 1 { u32::MAX } else { 0 }
}

impl Canonical {
    fn trimmed(digits: [u32; DIGITS_MAX], mut from: usize, mut to: usize) -> Self {
        while from < to && digits[from] == 0 {
            from += 1;
        }
        if from == to {
            return Self { digits, from: 0, to: 0 };
        }
        while to > from + 1 && is_needless(digits[to - 1], digits[to - 2]) {
            to -= 1;
        }
        Self { digits, from, to }
    }

    fn used(&self) -> &[u32] {
        &self.digits[self.from..self.to]
    }

    /// Makes the digits the sum's magnitude; returns whether it is negative.
    fn take_sign(&mut self) -> bool {
        let used = &mut self.digits[self.from..self.to];
        let negative = used.last().is_some_and(|top| top >> 31 == 1);
        if negative {
            // The lowest digit is not 0, so what is added to its complement carries no further.
            used.iter_mut().for_each(|digit| *digit = !*digit);
            used[0] += 1;
        }
        negative
    }

    fn nearest(mut self) -> Option<f64> {
        let negative = self.take_sign();
        let digits = self.digits;
        let Some(top) = self.used().iter().rposition(|digit| *digit != 0) else { return Some(0.0) };
        let top = self.from + top;
        let top_bit = top * DIGIT_BITS + digits[top].ilog2() as usize;
        let bit = |place: usize| u64::from(digits[place / DIGIT_BITS] >> (place % DIGIT_BITS) & 1);
        // The lowest bit that a double with this top bit has; 0 for subnormals and the least normals.
        let last = top_bit.saturating_sub(MANTISSA_BITS as usize);
        let mantissa = (last..=top_bit).rev().fold(0, |bits, place| bits << 1 | bit(place));
        let rounds_up = last > 0 && bit(last - 1) == 1 && {
            let is_tie = (0..last - 1).all(|place| bit(place) == 0);
            !is_tie || mantissa & 1 == 1
        };
        // The leading bit of the mantissa adds 1 to the exponent, for normals only: as it should be.
        let bits = ((last as u64) << MANTISSA_BITS) + mantissa + u64::from(rounds_up);
        let is_finite = bits >> MANTISSA_BITS < EXPONENT_MAX;
        is_finite.then(|| f64::from_bits(bits | u64::from(negative) << 63))
    }
}

impl Codec for ExactSum {
    fn encode(&self, out: &mut Vec<u8>) {
        let canonical = self.to_canonical();
        let digits = canonical.used();
        out.extend_from_slice(&[self.flags, canonical.from as u8, digits.len() as u8]);
        digits.iter().for_each(|digit| out.extend_from_slice(&digit.to_le_bytes()));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let [flags, lowest, length] = take(input)?;
        let (lowest, length) = (usize::from(lowest), usize::from(length));
        if flags > NAN | PLUS_INFINITY | MINUS_INFINITY {
            return Err(DecodeError::Malformed("unknown flags of an exact sum"));
        }
        if lowest + length > DIGITS_MAX {
            return Err(DecodeError::Malformed("an exact sum of too many digits"));
        }
        let mut digits = Vec::with_capacity(length);
        for _ in 0..length {
            digits.push(u32::from_le_bytes(take(input)?));
        }
        let is_canonical = match digits.as_slice() {
            [] => lowest == 0,
            [0, ..] => false,
            [.., below, top] => !is_needless(*top, *below),
            [_] => true,
        };
        if !is_canonical {
            return Err(DecodeError::Malformed("an exact sum with needless digits"));
        }
        let mut digits: Vec<i64> = digits.into_iter().map(i64::from).collect();
        if let Some(top) = digits.last_mut() {
            *top = i64::from(*top as i32);
        }
        Ok(Self { digits, lowest, pending: 0, flags })
    }
}

impl State for ExactSum {
    const ORDER_FREE: bool = true;

    fn merge(&mut self, mut right: Self) -> Result<(), MergeError> {
        self.flags |= right.flags;
        right.resolve();
        if right.digits.is_empty() {
            return Ok(());
        }
        self.grow(right.lowest, right.lowest + right.digits.len());
        let at = right.lowest - self.lowest;
        for (digit, more) in self.digits.iter_mut().skip(at).zip(&right.digits) {
            *digit += more;
        }
        self.pending += 1;
        if self.pending >= PENDING_MAX {
            self.resolve();
        }
        Ok(())
    }
}

impl Present for ExactSum {
    const KIND: Kind = Kind::Float;

    fn present(&self) -> Result<Datum, OutOfRange> {
        let beyond = || OutOfRange::new("a sum beyond 1.7976931348623157e308 in magnitude", Kind::Float);
        self.get().map(Datum::Float).ok_or_else(beyond)
    }
}
