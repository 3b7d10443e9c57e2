//! Durations and sizes as configurations and command lines have them: a whole number and a unit.

use super::Error;

const DURATIONS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Milliseconds of `30s`, `1h`, `250ms`, `7d`; `0` needs no unit.
pub fn parse_duration_ms(text: &str) -> Result<i64, Error> {
    let ms = parse(text, &DURATIONS).and_then(|ms| i64::try_from(ms).ok());
    ms.ok_or_else(|| Error::Duration(text.into()))
}

/// The shortest exact form that [`parse_duration_ms`] reads, for durations of 0 and more. Weeks
/// are read but not written: `14d` says more.
pub fn format_duration_ms(ms: i64) -> String {
    match u64::try_from(ms) {
        Ok(positive) => format(positive, DURATIONS.get(1..).unwrap_or_default(), "s"),
        Err(_) => format!("-{}", format(ms.unsigned_abs(), DURATIONS.get(1..).unwrap_or_default(), "s")),
    }
}

/// Bytes of `64MiB`; `0` needs no unit.
pub fn parse_bytes(text: &str) -> Result<u64, Error> {
    parse(text, &SIZES).ok_or_else(|| Error::Size(text.into()))
}

/// The shortest exact form that [`parse_bytes`] reads.
pub fn format_bytes(bytes: u64) -> String {
    format(bytes, &SIZES, "B")
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    if number == 0 && unit.is_empty() {
        return Some(0);
    }
    let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*scale)
}

fn format(number: u64, units: &[(&str, u64)], zero: &str) -> String {
    let fits = units.iter().find(|(_, scale)| number != 0 && number.is_multiple_of(*scale));
    match fits {
        Some((unit, scale)) => format!("{}{unit}", number / scale),
        None => format!("{number}{zero}"),
    }
}
