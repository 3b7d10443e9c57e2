//! All orders in one cell: the guest `overall` with the setting `least` of -100.

use super::field::{number, required, text};
use super::number::nearest;
use super::{Answer, Clock, Plain, Seen, Verdict, each};
use std::collections::{BTreeMap, BTreeSet};

const LEAST: f64 = -100.0;

/// A sum of doubles as an integer: no amount of a case has a bit below 2^-62, none reaches 2^58.
const UNIT: u32 = 62;

pub fn overall(events: &[Seen<'_>], clock: Clock) -> Answer {
    let (mut sum, mut merchants, mut statuses) = (0i128, BTreeSet::new(), BTreeMap::<String, u64>::new());
    let mut times = Vec::new();
    let mut answer = each(events, clock, None, |event, object| {
        let (merchant, amount) = (text(object, "merchant_id"), number(object, "amount"));
        let (merchant, amount) = (merchant?, required(amount?)?);
        let status = required(text(object, "status")?)?;
        if amount < LEAST {
            return Ok(Verdict::Rejected);
        }
        sum += units(amount);
        merchants.extend(merchant);
        *statuses.entry(status).or_default() += 1;
        times.push(event.time_ms);
        Ok(Verdict::Folded)
    });
    if times.is_empty() {
        return answer;
    }
    times.sort_unstable();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let outputs = vec![
        Plain::Float(nearest(sum, 1 << UNIT)),
        Plain::Integer(merchants.len() as i64),
        Plain::Text(serde_json::to_string(&statuses).expect("a map of counts")),
        Plain::Integer(longest),
    ];
    answer.rows.insert((Vec::new(), 0), Some(outputs));
    answer
}

/// A double in units of 2^-62, exactly.
fn units(value: f64) -> i128 {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    if exponent == 0 {
        assert!(value == 0.0, "{value} is too small for the oracle");
        return 0;
    }
    let mantissa = i128::from(bits & ((1 << 52) - 1) | 1 << 52);
    let shift = exponent - 1075 + UNIT as i32;
    let magnitude = if shift >= 0 {
        mantissa << shift
    } else {
        assert!(mantissa.trailing_zeros() as i32 >= -shift, "{value} is too small for the oracle");
        mantissa >> -shift
    };
    if value < 0.0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_doubles_is_rounded_once() {
        assert_eq!(nearest(units(0.1) + units(0.2) - units(0.3), 1 << UNIT), 2.775_557_561_562_891_4e-17);
        assert_eq!(nearest(units(1e16) + units(1.0) - units(1e16), 1 << UNIT), 1.0);
    }
}
