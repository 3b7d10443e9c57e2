//! Numbers from their characters: scanned once, then read exactly as the declared kind.

use super::word::word_at;

/// A number as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// All digits before the exponent, without the point; meaningless if `long`.
    mantissa: u64,
    pub from: u32,
    pub to: u32,
    /// Digits after the point; meaningless if `long`.
    fraction: u8,
    pub has_point: bool,
    pub has_exponent: bool,
    negative: bool,
    /// More digits than the mantissa has room for.
    long: bool,
}

/// Why characters are not a number: where, and what would be right there.
pub(super) struct NotANumber {
    pub at: usize,
    pub expected: &'static str,
}

/// Why a number is not of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Fraction,
    Exponent,
    /// Non-zero digits after as many as the kind has.
    Digits(u8),
    Range,
}

const MANTISSA_DIGITS: usize = 19;

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
pub(super) const TEN_TO_THE: [u64; 20] = {
    let mut powers = [1; 20];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

fn ten_to_the(exponent: usize) -> u64 {
    TEN_TO_THE.get(exponent).copied().unwrap_or(0)
}

/// How many of eight characters are digits, from the first on.
#[inline(always)]
fn leading_digits(word: u64) -> usize {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let values = word ^ 0x3030_3030_3030_3030;
    // The high bit of a byte is set if its value is above 9.
    let others = (((values & LOW) + 0x7676_7676_7676_7676) | values) & !LOW;
    (others.trailing_zeros() / 8) as usize
}

/// The value of the first `count` of eight characters, 1 to 8, all of them digits: neighbours are
/// added up pairwise (Lemire, "Number parsing at a gigabyte per second").
#[inline(always)]
fn value_of_digits(word: u64, count: usize) -> u64 {
    const EVERY_FOURTH: u64 = 0x0000_00ff_0000_00ff;
    let values = (word ^ 0x3030_3030_3030_3030) << (64 - 8 * count);
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    let upper = (pairs & EVERY_FOURTH).wrapping_mul(100 + (1_000_000 << 32));
    let lower = (pairs >> 16 & EVERY_FOURTH).wrapping_mul(1 + (10_000 << 32));
    upper.wrapping_add(lower) >> 32
}

/// Appends the digits at `at` to a mantissa; returns where they end.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    loop {
        let word = word_at(bytes, at);
        let count = leading_digits(word);
        if count > 0 {
            let value = value_of_digits(word, count);
            *mantissa = mantissa.wrapping_mul(ten_to_the(count)).wrapping_add(value);
        }
        at += count;
        if count < 8 {
            return at;
        }
    }
}

/// The number at `from`, by the grammar of RFC 8259; what follows it is the caller's to judge.
#[inline(always)]
pub(super) fn scan(bytes: &[u8], from: usize) -> Result<Number, NotANumber> {
    let number = scan_padded(bytes, from)?;
    let first = from + usize::from(number.negative);
    let second = bytes.get(first + 1).copied().unwrap_or(0);
    if bytes.get(first) == Some(&b'0') && second.is_ascii_digit() {
        return Err(NotANumber { at: first + 1, expected: "no digit after a leading 0" });
    }
    Ok(number)
}

/// The whole of a text as a number; unlike in JSON it may be padded with zeros in front.
pub(super) fn read(text: &[u8]) -> Option<Number> {
    let number = scan_padded(text, 0).ok()?;
    (number.to as usize == text.len()).then_some(number)
}

#[inline(always)]
fn scan_padded(bytes: &[u8], from: usize) -> Result<Number, NotANumber> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let negative = byte(from) == b'-';
    let whole = from + usize::from(negative);
    let mut mantissa = 0;
    let mut to = digits(bytes, whole, &mut mantissa);
    let mut count = to - whole;
    if count == 0 {
        return Err(NotANumber { at: to, expected: "a digit" });
    }
    let mut fraction = 0;
    let has_point = byte(to) == b'.';
    if has_point {
        let point = to;
        to = digits(bytes, point + 1, &mut mantissa);
        fraction = to - point - 1;
        count += fraction;
        if fraction == 0 {
            return Err(NotANumber { at: to, expected: "a digit" });
        }
    }
    let has_exponent = byte(to) | 0x20 == b'e';
    if has_exponent {
        to = exponent(bytes, to + 1)?;
    }
    let long = count > MANTISSA_DIGITS;
    let fraction = fraction as u8;
    Ok(Number {
        mantissa,
        from: from as u32,
        to: to as u32,
        fraction,
        has_point,
        has_exponent,
        negative,
        long,
    })
}

#[cold]
fn exponent(bytes: &[u8], at: usize) -> Result<usize, NotANumber> {
    let at = at + usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
    let to = digits(bytes, at, &mut 0);
    if to == at { Err(NotANumber { at, expected: "a digit" }) } else { Ok(to) }
}

impl Number {
    pub fn integer(self, bytes: &[u8]) -> Result<i64, Unfit> {
        if self.has_point {
            return Err(Unfit::Fraction);
        }
        self.decimal(bytes, 0)
    }

    /// The number times ten to the `places`, exactly.
    pub fn decimal(self, bytes: &[u8], places: u8) -> Result<i64, Unfit> {
        if self.has_exponent {
            return Err(Unfit::Exponent);
        }
        if self.long {
            return self.long_decimal(bytes, places);
        }
        let amount = if self.fraction <= places {
            let scale = ten_to_the(usize::from(places - self.fraction));
            self.mantissa.checked_mul(scale).ok_or(Unfit::Range)?
        } else {
            let scale = ten_to_the(usize::from(self.fraction - places));
            if !self.mantissa.is_multiple_of(scale) {
                return Err(Unfit::Digits(places));
            }
            self.mantissa / scale
        };
        signed(amount, self.negative)
    }

    #[cold]
    fn long_decimal(self, bytes: &[u8], places: u8) -> Result<i64, Unfit> {
        let mut left = None;
        let mut amount: u64 = 0;
        let mut beyond = false;
        for byte in self.characters(bytes) {
            match (byte, &mut left) {
                (b'-', _) => {}
                (b'.', _) => left = Some(places),
                (b'0', Some(0)) => {}
                (_, Some(0)) => beyond = true,
                (digit, left) => {
                    let digit = u64::from(digit.wrapping_sub(b'0'));
                    amount = amount.checked_mul(10).and_then(|a| a.checked_add(digit)).ok_or(Unfit::Range)?;
                    *left = left.map(|left| left - 1);
                }
            }
        }
        let scale = ten_to_the(usize::from(left.unwrap_or(places)));
        let amount = amount.checked_mul(scale).ok_or(Unfit::Range)?;
        if beyond { Err(Unfit::Digits(places)) } else { signed(amount, self.negative) }
    }

    /// The nearest binary64; None if that is infinite.
    pub fn float(self, bytes: &[u8]) -> Option<f64> {
        // Both sides of the division are exact, so that its one rounding is the right one
        // (Clinger, "How to read floating point numbers accurately").
        if !self.has_exponent && !self.long && self.mantissa <= 1 << 53 {
            let number = self.mantissa as f64 / ten_to_the(usize::from(self.fraction)) as f64;
            return Some(if self.negative { -number } else { number });
        }
        let number: f64 = std::str::from_utf8(self.characters(bytes)).ok()?.parse().ok()?;
        number.is_finite().then_some(number)
    }

    pub fn characters(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

fn signed(amount: u64, negative: bool) -> Result<i64, Unfit> {
    match i64::try_from(amount) {
        Ok(amount) => Ok(if negative { -amount } else { amount }),
        Err(_) if negative && amount == 1 << 63 => Ok(i64::MIN),
        Err(_) => Err(Unfit::Range),
    }
}
