//! Numbers of any size, slowly: what the exact parts are judged by. Shares nothing with the SDK.

use std::cmp::Ordering;

/// A natural number, 32 bits a digit, the lowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Natural(Vec<u32>);

impl Natural {
    pub fn from_u64_shifted(value: u64, shift: usize) -> Self {
        let mut bits = vec![0; shift / 32];
        let wide = u128::from(value) << (shift % 32);
        bits.extend([wide as u32, (wide >> 32) as u32, (wide >> 64) as u32]);
        Self(bits).trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    pub fn add(&mut self, other: &Self) {
        let mut carry = 0;
        for i in 0..self.0.len().max(other.0.len()) + 1 {
            if i == self.0.len() {
                self.0.push(0);
            }
            let sum = u64::from(self.0[i]) + u64::from(*other.0.get(i).unwrap_or(&0)) + carry;
            self.0[i] = sum as u32;
            carry = sum >> 32;
        }
        *self = std::mem::take(self).trimmed();
    }

    /// `self - other`, which is not negative.
    pub fn minus(&self, other: &Self) -> Self {
        let mut borrow = 0;
        let digits = self.0.iter().enumerate().map(|(i, digit)| {
            let difference = i64::from(*digit) - i64::from(*other.0.get(i).unwrap_or(&0)) - borrow;
            borrow = i64::from(difference < 0);
            difference as u32
        });
        Self(digits.collect()).trimmed()
    }

    pub fn times(&mut self, factor: u32) {
        let mut carry = 0;
        for digit in &mut self.0 {
            let product = u64::from(*digit) * u64::from(factor) + carry;
            *digit = product as u32;
            carry = product >> 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    pub fn compare(&self, other: &Self) -> Ordering {
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// In base 10.
    pub fn to_decimal(&self) -> String {
        const GROUP: u64 = 1_000_000_000;
        let mut rest = self.clone();
        let mut groups = Vec::new();
        while !rest.0.is_empty() {
            let mut remainder = 0;
            for digit in rest.0.iter_mut().rev() {
                let value = remainder << 32 | u64::from(*digit);
                *digit = (value / GROUP) as u32;
                remainder = value % GROUP;
            }
            groups.push(format!("{remainder:09}"));
            rest = rest.trimmed();
        }
        groups.reverse();
        if groups.is_empty() { "0".to_owned() } else { groups.concat() }
    }
}

/// The nearest double of a sum of finite doubles: summed as integers in units of 2^-1074, written
/// out in decimal (2^-1074 is 5^1074 / 10^1074) and read by the standard library, which rounds once.
pub fn nearest_sum(values: &[f64]) -> f64 {
    let mut sums = [Natural::default(), Natural::default()];
    for value in values {
        let bits = value.abs().to_bits();
        let exponent = (bits >> 52) as usize;
        let mantissa = bits & ((1 << 52) - 1) | if exponent > 0 { 1 << 52 } else { 0 };
        let negative = usize::from(value.is_sign_negative());
        sums[negative].add(&Natural::from_u64_shifted(mantissa, exponent.max(1) - 1));
    }
    let [plus, minus] = &sums;
    let negative = plus.compare(minus) == Ordering::Less;
    let mut magnitude = if negative { minus.minus(plus) } else { plus.minus(minus) };
    (0..1074).for_each(|_| magnitude.times(5));
    let rounded: f64 = format!("{}e-1074", magnitude.to_decimal()).parse().unwrap();
    if negative { -rounded } else { rounded }
}

/// The double nearest to a quotient: 400 decimal digits, one more for what is left, read by the
/// standard library.
pub fn nearest_quotient(numerator: i128, denominator: u128) -> f64 {
    let magnitude = numerator.unsigned_abs();
    let mut text = format!("{}.", magnitude / denominator);
    let mut rest = magnitude % denominator;
    for _ in 0..400 {
        rest *= 10;
        text.push(char::from(b'0' + (rest / denominator) as u8));
        rest %= denominator;
    }
    text.push(if rest > 0 { '1' } else { '0' });
    let rounded: f64 = text.parse().unwrap();
    if numerator < 0 { -rounded } else { rounded }
}
