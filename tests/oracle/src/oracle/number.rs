//! Numbers as a person would compute them: a mean by long division, a quantile by sorting.

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

#[cfg(test)]
mod tests {
    use super::*;

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
