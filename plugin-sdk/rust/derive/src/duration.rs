//! Lengths of time as an attribute writes them.

/// `"1h"`, `"15m"`, `"30s"`, `"500ms"`, `"1d"` in milliseconds.
pub fn parse_ms(text: &str) -> Result<i64, String> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => {
            return Err(format!(
                "'{text}' is not a length of time; write \"1h\", with one of ms, s, m, h, d"
            ));
        }
    };
    match number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit_ms)) {
        Some(ms) if ms > 0 => Ok(ms),
        _ => Err(format!("'{text}' is not a length of time above 0 that fits 64 bits")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_ms;

    #[test]
    fn lengths_have_one_unit() {
        let ms = ["500ms", "30s", "15m", "1h", "1d"].map(|text| parse_ms(text).unwrap());
        assert_eq!(ms, [500, 30_000, 900_000, 3_600_000, 86_400_000]);
        for wrong in ["", "1", "h", "1 h", "1.5h", "-1h", "0s", "1h30m", "99999999999999999d"] {
            assert!(parse_ms(wrong).is_err(), "{wrong}");
        }
    }
}
