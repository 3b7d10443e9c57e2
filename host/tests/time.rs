//! Times against chrono, and what people write as durations and sizes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bifocal::time::{
    Error, Rfc3339, TimeRule, Unit, format_bytes, format_duration_ms, is_plausible, parse_bytes,
    parse_duration_ms, parse_rfc3339,
};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta};
use proptest::prelude::*;

fn chronos(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

/// Digits that are often, but not always, those of a time.
fn nearly() -> impl Strategy<Value = String> {
    let zone = prop_oneof![
        Just("Z".to_string()),
        Just("z".to_string()),
        (prop::bool::ANY, 0..26, 0..62).prop_map(|(east, hours, minutes)| {
            format!("{}{hours:02}:{minutes:02}", if east { '+' } else { '-' })
        }),
    ];
    let date =
        (0..10_000, 0..14, 0..33).prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    let time =
        (0..25, 0..62, 0..62).prop_map(|(hour, minute, second)| format!("{hour:02}:{minute:02}:{second:02}"));
    (date, prop::sample::select(&["T", "t", " "][..]), time, "(\\.[0-9]{1,12})?", zone)
        .prop_map(|(date, between, time, fraction, zone)| date + between + &time + &fraction + &zone)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn times_are_what_chrono_reads(text in nearly()) {
        prop_assert_eq!(parse_rfc3339(text.as_bytes()), chronos(&text), "{}", text);
    }

    #[test]
    fn a_changed_byte_is_read_as_chrono_reads_it(text in nearly(), at: prop::sample::Index, byte in "[0-9TZ:.+-]") {
        let at = at.index(text.len());
        let text = format!("{}{byte}{}", &text[..at], &text[at + 1..]);
        // Without a zone, and for other separators, the rules differ on purpose.
        if text[10..].contains(['Z', 'z', '+', '-']) && !text[11..].is_empty() {
            let short = text.len() < 20 || &text[16..17] != ":";
            prop_assert!(short || parse_rfc3339(text.as_bytes()) == chronos(&text), "{}", text);
        }
    }

    #[test]
    fn every_day_has_its_place(days in -719_528i64..2_932_897, ms in 0i64..86_400_000) {
        let date = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + TimeDelta::days(days);
        let at = days * 86_400_000 + ms;
        let time = NaiveTime::MIN + TimeDelta::milliseconds(ms);
        let expected = match ms % 1000 {
            0 => format!("{}Z", date.and_time(time).format("%Y-%m-%dT%H:%M:%S")),
            _ => format!("{}Z", date.and_time(time).format("%Y-%m-%dT%H:%M:%S%.3f")),
        };
        prop_assert_eq!(Rfc3339(at).to_string(), expected.clone());
        prop_assert_eq!(parse_rfc3339(expected.as_bytes()), Some(at));
        prop_assert_eq!(parse_rfc3339(date.to_string().as_bytes()), Some(days * 86_400_000));
    }

    #[test]
    fn years_beyond_four_digits_are_printed_with_a_sign(ms in any::<i64>()) {
        let text = Rfc3339(ms).to_string();
        if let Some(time) = DateTime::from_timestamp_millis(ms) {
            let digits = time.format("-%m-%dT%H:%M:%S").to_string();
            prop_assert!(text.contains(&digits), "{} {}", text, digits);
            let year: i64 = text[..text.find(&digits).unwrap()].parse().unwrap();
            prop_assert_eq!(year, i64::from(chrono::Datelike::year(&time)));
        }
    }

    #[test]
    fn epoch_numbers_are_exact(whole in any::<i64>(), fraction in "[0-9]{0,9}", unit in 0usize..4) {
        let (unit, right) = [(Unit::Seconds, 3), (Unit::Milliseconds, 0), (Unit::Microseconds, -3), (Unit::Nanoseconds, -6)][unit];
        let text = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
        let rule = TimeRule::new(None, Some(unit)).unwrap();
        // The number in units of 10^-9, as an integer of 128 bits.
        let digits = text.replace(['-', '.'], "") + &"0".repeat(9 - fraction.len());
        let magnitude: i128 = digits.parse().unwrap();
        let number = if text.starts_with('-') { -magnitude } else { magnitude };
        let expected = number.div_euclid(10i128.pow((9 - right) as u32));
        prop_assert_eq!(rule.parse_number(text.as_bytes()).ok(), i64::try_from(expected).ok(), "{}", text);
        if fraction.is_empty() {
            prop_assert_eq!(rule.from_integer(whole).ok(), i64::try_from(expected).ok());
        }
    }

    #[test]
    fn formats_read_what_chrono_prints(ms in -62_135_596_800_000i64..253_402_300_800_000) {
        let time = DateTime::from_timestamp_millis(ms).unwrap();
        for (format, grain_ms) in [
            ("%Y-%m-%d %H:%M:%S%.3f", 1), ("%d/%b/%Y:%H:%M:%S %z", 1000), ("%Y%m%d", 86_400_000), ("%s", 1000),
            ("%Y-%m-%d %H", 3_600_000), ("%m/%d/%Y %I:%M %p", 60_000),
        ] {
            // Chrono prints seconds before 1970 but does not read them.
            if format == "%s" && ms < 0 {
                continue;
            }
            let rule = TimeRule::new(Some(format), None).unwrap();
            let text = time.format(format).to_string();
            prop_assert_eq!(rule.parse_text(text.as_bytes()), Ok(ms.div_euclid(grain_ms) * grain_ms), "{} {}", format, text);
        }
    }

    #[test]
    fn durations_and_sizes_come_back(number in 0i64..i64::MAX) {
        prop_assert_eq!(parse_duration_ms(&format_duration_ms(number)), Ok(number));
        prop_assert_eq!(parse_bytes(&format_bytes(number as u64)), Ok(number as u64));
    }
}

#[test]
fn what_is_left_out_is_filled_in() {
    let at = |text: &str| parse_rfc3339(text.as_bytes());
    assert_eq!(at("2001-01-31"), chronos("2001-01-31T00:00:00Z"));
    assert_eq!(at("2001-01-31 23:59"), chronos("2001-01-31T23:59:00Z"));
    assert_eq!(at("2001-01-31T23:59:58"), chronos("2001-01-31T23:59:58Z"));
    assert_eq!(at("2001-01-31T23:59+02:00"), chronos("2001-01-31T23:59:00+02:00"));
    assert_eq!(at("2001-01-31T23:59:58.9999"), chronos("2001-01-31T23:59:58.999Z"));
    assert_eq!(at("1969-12-31T23:59:59.9999Z"), Some(-1));
    assert_eq!(at("2016-12-31T23:59:60Z"), chronos("2017-01-01T00:00:00Z"));
    assert_eq!(at("2016-12-31T23:59:60.25Z"), chronos("2017-01-01T00:00:00.25Z"));
    assert_eq!(at("2000-02-29"), Some(951_782_400_000));
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "2001",
        "2001-1-1",
        "2001-02-29",
        "1900-02-29",
        "2001-00-01",
        "2001-13-01",
        "2001-01-00",
        "2001-04-31",
        "2001-01-01T",
        "2001-01-01T24:00",
        "2001-01-01T00:60",
        "2001-01-01T00:00:61",
        "2001-01-01T00:00:00.",
        "2001-01-01T00:00:00.Z",
        "2001-01-01T00:00:00,5Z",
        "2001-01-01T00",
        "2001-01-01T00:00.5",
        "2001-01-01T00:00:0",
        "2001-01-01T00:00:00+0200",
        "2001-01-01T00:00:00+02",
        "2001-01-01T00:00:00+24:00",
        "2001-01-01T00:00:00+02:60",
        "2001-01-01T00:00:00 Z",
        "2001-01-01Z",
        " 2001-01-01",
        "2001-01-01 ",
        "+2001-01-01",
        "20010101",
        "2001-01-01T00:00:00ZZ",
        "2001-01-01_00:00:00Z",
        "２001-01-01",
    ] {
        assert_eq!(parse_rfc3339(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn numbers_without_a_unit_and_texts_that_are_none_are_refused() {
    let rule = TimeRule::default();
    assert_eq!(rule.parse_number(b"1"), Err(Error::NoUnit));
    assert_eq!(rule.from_integer(1), Err(Error::NoUnit));
    assert_eq!(rule.parse_either(b"1"), Err(Error::NoUnit));
    let seconds = TimeRule::new(None, Some("s".parse().unwrap())).unwrap();
    for text in ["", "-", "+1", "1.", ".5", "1e3", " 1", "0x1", "1,5", "--1", "1.2.3", "٣"] {
        assert_eq!(seconds.parse_number(text.as_bytes()), Err(Error::NotANumber), "{text}");
    }
    assert_eq!(seconds.parse_number(b"9223372036854775807"), Err(Error::OutOfRange));
    assert_eq!(seconds.parse_number(b"99999999999999999999999999999999999999999999"), Err(Error::OutOfRange));
    assert_eq!(seconds.parse_number(b"-9223372036854775.808"), Ok(i64::MIN));
    assert_eq!(seconds.parse_number(b"-9223372036854775.8081"), Err(Error::OutOfRange));
    assert_eq!(seconds.parse_number(b"0000000000000000000000000001.0000000000000000000000000000"), Ok(1000));
}

#[test]
fn formats_are_checked_beforehand_and_named_in_errors() {
    assert_eq!(TimeRule::new(Some("%Y-%Q"), None).unwrap_err(), Error::Format("%Y-%Q".into()));
    let rule = TimeRule::new(Some("%d.%m.%Y"), None).unwrap();
    assert_eq!(rule.format(), Some("%d.%m.%Y"));
    assert_eq!(
        rule.parse_text(b"31.02.2001").unwrap_err().to_string(),
        "not a time of the format '%d.%m.%Y'"
    );
    let fraction = TimeRule::new(Some("%Y-%m-%dT%H:%M:%S%.f%:z"), None).unwrap();
    assert_eq!(fraction.parse_text(b"1969-12-31T23:59:59.9999+00:00"), Ok(-1));
    assert_eq!(fraction.parse_text(b"2001-01-01T02:00:00+02:00"), Ok(978_307_200_000));
    assert!("m".parse::<Unit>().is_err());
}

#[test]
fn the_plausible_years_are_from_1990_until_before_2100() {
    let at = |text: &str| parse_rfc3339(text.as_bytes()).unwrap();
    assert!(is_plausible(at("1990-01-01")) && is_plausible(at("2099-12-31T23:59:59.999")));
    assert!(!is_plausible(at("1989-12-31T23:59:59.999")) && !is_plausible(at("2100-01-01")));
}

#[test]
fn durations_and_sizes_have_whole_numbers_and_known_units() {
    assert_eq!(
        ["30s", "1h", "250ms", "7d", "2w", "5m", "0"].map(|text| parse_duration_ms(text).unwrap()),
        [30_000, 3_600_000, 250, 604_800_000, 1_209_600_000, 300_000, 0,]
    );
    assert_eq!(
        [0, 250, 30_000, 90_000, 5_400_000, 604_800_000].map(format_duration_ms),
        ["0s", "250ms", "30s", "90s", "90m", "7d"]
    );
    for text in [
        "",
        "1",
        "s",
        "-1s",
        "1.5h",
        "1 h",
        "1H",
        "1h30m",
        "99999999999999999999s",
        "9223372036854775807s",
        "+1s",
    ] {
        assert_eq!(parse_duration_ms(text), Err(Error::Duration(text.into())));
    }
    assert_eq!(
        ["64MiB", "1KiB", "3B", "0", "2GiB", "1TiB"].map(|text| parse_bytes(text).unwrap()),
        [64 << 20, 1024, 3, 0, 2 << 30, 1 << 40,]
    );
    assert_eq!([0, 1023, 1024, 3 << 20].map(format_bytes), ["0B", "1023B", "1KiB", "3MiB"]);
    for text in ["", "1", "MiB", "1MB", "1mib", "16777216TiB", "-1B"] {
        assert_eq!(parse_bytes(text), Err(Error::Size(text.into())));
    }
}
