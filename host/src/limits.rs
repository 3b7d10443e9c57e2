//! What one call of a transform may take. A call has the limits of one event, whatever its number of
//! rows, so that a verdict on an event does not depend on its chunk. Other limits than the default
//! ones are settings, under a name that the host keeps for itself, and so part of the version.

use crate::settings::{self, Settings};
use crate::time::{format_bytes, parse_bytes};
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// The member of settings that holds limits. The transform does not see it.
pub const MEMBER: &str = "@limits";
/// Linear memory that no setting can go beyond.
pub const MEMORY_BYTES_CEILING: u64 = 2 << 30;

const FUEL: RangeInclusive<u64> = 1_000_000..=1_000_000_000_000;
const MEMORY: RangeInclusive<u64> = 1 << 20..=MEMORY_BYTES_CEILING;
const RESULT: RangeInclusive<u64> = 64 << 10..=1 << 30;
const CELLS: RangeInclusive<u64> = 1..=65_536;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("setting '{MEMBER}' must be an object with some of fuel, memory, result and cells; found {0}")]
    NotAnObject(String),
    #[error("setting '{MEMBER}.{0}': there is no such limit; there are fuel, memory, result and cells")]
    Unknown(String),
    #[error("setting '{MEMBER}.{name}' must be {wanted}; found {found}")]
    Value { name: &'static str, wanted: String, found: String },
    #[error("setting '{0}': names that begin with @ are the host's, which knows {MEMBER} alone")]
    Reserved(String),
    #[error("settings must be a JSON object: {0}")]
    NotJson(String),
    #[error(transparent)]
    Settings(#[from] settings::Error),
}

/// The limits of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Units of fuel, starting the instance included.
    pub fuel: u64,
    /// Linear memory of the instance.
    pub memory_bytes: u64,
    /// What the call returns.
    pub result_bytes: u64,
    /// Cells that one event may touch.
    pub cells_per_event: usize,
}

impl Limits {
    pub const DEFAULT: Limits = Limits {
        fuel: 2_000_000_000,
        memory_bytes: 256 << 20,
        result_bytes: 64 << 20,
        cells_per_event: 1024,
    };

    /// Takes settings (a JSON object in canonical form) apart: the limits, and what is left for the
    /// transform, in canonical form again.
    pub fn of(settings: &str) -> Result<(Limits, String), Error> {
        let mut members: Map<String, Value> =
            serde_json::from_str(settings).map_err(|error| Error::NotJson(error.to_string()))?;
        let limits = match members.remove(MEMBER) {
            Some(Value::Object(limits)) => Limits::chosen(&limits)?,
            Some(other) => return Err(Error::NotAnObject(other.to_string())),
            None => Limits::DEFAULT,
        };
        if let Some(name) = members.keys().find(|name| name.starts_with('@')) {
            return Err(Error::Reserved(name.clone()));
        }
        Ok((limits, Settings::from_json(Value::Object(members))?.canonical()?))
    }

    fn chosen(given: &Map<String, Value>) -> Result<Limits, Error> {
        let mut limits = Limits::DEFAULT;
        for (name, value) in given {
            match name.as_str() {
                "fuel" => limits.fuel = number("fuel", value, FUEL)?,
                "memory" => limits.memory_bytes = bytes("memory", value, MEMORY)?,
                "result" => limits.result_bytes = bytes("result", value, RESULT)?,
                "cells" => limits.cells_per_event = number("cells", value, CELLS)? as usize,
                _ => return Err(Error::Unknown(name.clone())),
            }
        }
        Ok(limits)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

fn number(name: &'static str, value: &Value, range: RangeInclusive<u64>) -> Result<u64, Error> {
    let wanted = || format!("a whole number from {} to {}", range.start(), range.end());
    value.as_u64().filter(|number| range.contains(number)).ok_or_else(|| wrong(name, wanted(), value))
}

/// A number of bytes, or a text like `512MiB`.
fn bytes(name: &'static str, value: &Value, range: RangeInclusive<u64>) -> Result<u64, Error> {
    let shown = |bytes: &u64| format_bytes(*bytes);
    let wanted = || format!("an amount from {} to {}", shown(range.start()), shown(range.end()));
    let bytes = value.as_u64().or_else(|| parse_bytes(value.as_str()?).ok());
    bytes.filter(|bytes| range.contains(bytes)).ok_or_else(|| wrong(name, wanted(), value))
}

fn wrong(name: &'static str, wanted: String, found: &Value) -> Error {
    Error::Value { name, wanted, found: found.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_without_limits_have_the_default_ones_and_stay_as_they_are() {
        let settings = r#"{"bots":{"on":true},"limit":3}"#;
        assert_eq!(Limits::of(settings), Ok((Limits::DEFAULT, settings.into())));
    }

    #[test]
    fn limits_are_taken_out_of_the_settings_that_the_transform_sees() {
        let settings =
            r#"{"@limits":{"cells":2,"fuel":5000000,"memory":"512MiB","result":1048576},"limit":3}"#;
        let limits =
            Limits { fuel: 5_000_000, memory_bytes: 512 << 20, result_bytes: 1 << 20, cells_per_event: 2 };
        assert_eq!(Limits::of(settings), Ok((limits, r#"{"limit":3}"#.into())));
        assert_eq!(Limits::of(r#"{"@limits":{}}"#), Ok((Limits::DEFAULT, "{}".into())));
    }

    #[test]
    fn what_is_no_limit_is_refused_by_name() {
        let cases = [
            (r#"{"@limits":3}"#, "found 3"),
            (r#"{"@limits":{"fule":3}}"#, "'@limits.fule': there is no such limit"),
            (r#"{"@limits":{"fuel":10}}"#, "'@limits.fuel' must be a whole number from 1000000 to"),
            (r#"{"@limits":{"fuel":"much"}}"#, "found \"much\""),
            (r#"{"@limits":{"memory":"4GiB"}}"#, "'@limits.memory' must be an amount from 1MiB to 2GiB"),
            (r#"{"@limits":{"result":0}}"#, "'@limits.result' must be an amount from 64KiB to 1GiB"),
            (r#"{"@limits":{"cells":0}}"#, "'@limits.cells' must be a whole number from 1 to 65536"),
            (r#"{"@limit":{}}"#, "setting '@limit': names that begin with @"),
            ("[]", "settings must be a JSON object"),
        ];
        for (settings, expected) in cases {
            let error = Limits::of(settings).unwrap_err().to_string();
            assert!(error.contains(expected), "{settings}: {error}");
        }
    }
}
