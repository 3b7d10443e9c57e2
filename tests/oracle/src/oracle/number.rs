//! Numbers as a person would compute them: a mean by long division, a quantile by sorting, and what a
//! sketch of distinct values says, from the formulas of its papers.

use std::collections::{BTreeMap, BTreeSet};

pub fn mean(sum: i128, count: u64) -> f64 {
    nearest(sum, count)
}

/// The double nearest to `sum / count`: long division to 120 digits, whose reading as a decimal is
/// correctly rounded. A last digit stands for what is left.
pub fn nearest(sum: i128, count: u64) -> f64 {
    let (mut rest, count) = (sum.unsigned_abs(), u128::from(count));
    let mut text = String::from(if sum < 0 { "-" } else { "" });
    text += &format!("{}.", rest / count);
    for _ in 0..120 {
        rest = rest % count * 10;
        text += &(rest / count).to_string();
    }
    text += if rest % count == 0 { "0" } else { "1" };
    text.parse().expect("a decimal")
}

/// The value at rank ceil(0.95 n) of n values, and what a histogram that keeps the first seven bits
/// after the leading one says of it: the middle of the bucket that holds it.
pub fn p95(values: &mut [i64]) -> (i64, i64) {
    values.sort_unstable();
    let rank = (values.len() * 95).div_ceil(100);
    let exact = values[rank - 1];
    (exact, middle(exact))
}

fn middle(value: i64) -> i64 {
    let magnitude = i128::from(value).abs();
    let mut width = 1;
    while magnitude / width >= 256 {
        width *= 2;
    }
    let least = magnitude / width * width;
    let most = if value < 0 { 1i128 << 63 } else { (1i128 << 63) - 1 };
    let greatest = (least + width - 1).min(most);
    let middle = least + (greatest - least) / 2;
    (if value < 0 { -middle } else { middle }) as i64
}

/// The number of distinct texts, as a HyperLogLog sketch of 2^12 registers tells it whose registers are
/// chosen by the first 12 bits of XXH64: Ertl's estimate alpha m^2 / (m sigma(C0 / m) + sum of Ck 2^-k),
/// for fewer texts than fill any register to the end.
pub fn about_distinct(texts: &BTreeSet<String>) -> i64 {
    let mut registers: BTreeMap<u64, u32> = BTreeMap::new();
    for text in texts {
        let hash = xxh64(text.as_bytes());
        let rank = format!("{:052b}", hash & ((1 << 52) - 1)).find('1').map_or(53, |zeros| zeros as u32 + 1);
        assert!(rank < 53, "a full register");
        let kept = registers.entry(hash >> 52).or_default();
        *kept = rank.max(*kept);
    }
    let m = 4096.0;
    let used: f64 = registers.values().map(|rank| 0.5_f64.powi(*rank as i32)).sum();
    let share = (m - registers.len() as f64) / m;
    // Terms shrink doubly fast: 40 are far more than a double can tell.
    let sigma: f64 = share + (1..40).map(|k| share.powf(2.0_f64.powi(k)) * 2.0_f64.powi(k - 1)).sum::<f64>();
    (m * m / (2.0 * 2.0_f64.ln()) / (m * sigma + used)).round() as i64
}

/// XXH64 with seed 0, by the text of its specification.
fn xxh64(bytes: &[u8]) -> u64 {
    const P: [u64; 6] = [
        0,
        11_400_714_785_074_694_791,
        14_029_467_366_897_019_727,
        1_609_587_929_392_839_161,
        9_650_029_242_287_828_579,
        2_870_177_450_012_600_261,
    ];
    let at =
        |from: usize, width: usize| (0..width).map(|i| u64::from(bytes[from + i]) << (8 * i)).sum::<u64>();
    let round =
        |acc: u64, lane: u64| acc.wrapping_add(lane.wrapping_mul(P[2])).rotate_left(31).wrapping_mul(P[1]);
    let (mut acc, mut i) = (P[5], 0);
    if bytes.len() >= 32 {
        let mut accs = [P[1].wrapping_add(P[2]), P[2], 0, 0u64.wrapping_sub(P[1])];
        while i + 32 <= bytes.len() {
            (0..4).for_each(|lane| accs[lane] = round(accs[lane], at(i + 8 * lane, 8)));
            i += 32;
        }
        let turned =
            [(0, 1), (1, 7), (2, 12), (3, 18)].map(|(lane, turn): (usize, u32)| accs[lane].rotate_left(turn));
        acc = turned.into_iter().fold(0, u64::wrapping_add);
        for lane in accs {
            acc = (acc ^ round(0, lane)).wrapping_mul(P[1]).wrapping_add(P[4]);
        }
    }
    acc = acc.wrapping_add(bytes.len() as u64);
    while i + 8 <= bytes.len() {
        acc = (acc ^ round(0, at(i, 8))).rotate_left(27).wrapping_mul(P[1]).wrapping_add(P[4]);
        i += 8;
    }
    if i + 4 <= bytes.len() {
        acc = (acc ^ at(i, 4).wrapping_mul(P[1])).rotate_left(23).wrapping_mul(P[2]).wrapping_add(P[3]);
        i += 4;
    }
    while i < bytes.len() {
        acc = (acc ^ at(i, 1).wrapping_mul(P[5])).rotate_left(11).wrapping_mul(P[1]);
        i += 1;
    }
    acc = (acc ^ acc >> 33).wrapping_mul(P[2]);
    acc = (acc ^ acc >> 29).wrapping_mul(P[3]);
    acc ^ acc >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_estimates_are_as_published() {
        assert_eq!(xxh64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"Nobody inspects the spammish repetition"), 0xfbce_a83c_8a37_8bf1);
        for count in [0, 1, 10, 100, 5_000, 30_000] {
            let texts = (0..count).map(|i| format!("u-{i}")).collect();
            assert!((about_distinct(&texts) - count).abs() <= count / 25, "{count}");
        }
    }

    #[test]
    fn a_mean_is_rounded_once() {
        assert_eq!(mean(1, 3), 1.0 / 3.0);
        assert_eq!(mean(-7, 2), -3.5);
        assert_eq!(mean(0, 5), 0.0);
        // 2^53 + 1 is no double: dividing the rounded sum would be wrong in the last bit.
        assert_eq!(mean((1 << 53) + 1, 1), 9_007_199_254_740_992.0);
        assert_eq!(mean(3 * ((1 << 53) + 3), 3), 9_007_199_254_740_996.0);
    }

    #[test]
    fn the_middle_of_a_bucket_is_within_its_error() {
        for value in [0, 1, -255, 256, 1_000, -70_001, i64::MAX, i64::MIN, 1 << 62, -(1 << 40) + 3] {
            let error = (i128::from(middle(value)) - i128::from(value)).abs();
            assert!(error * 256 <= i128::from(value).abs(), "{value}");
        }
        assert_eq!([middle(1_000), middle(-1_001), middle(256), middle(257)], [1_001, -1_001, 256, 256]);
    }
}
