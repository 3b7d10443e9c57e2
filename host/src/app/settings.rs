//! Settings of views as people write them: each key with its unit in the value.

use super::schedule::Schedule;
use crate::store::ViewRecord;
use crate::time::{format_bytes, format_duration_ms, parse_bytes, parse_duration_ms};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What may be set, with what each is.
pub const KEYS: [(&str, &str); 7] = [
    ("batch", "when incremental runs are made: a duration, on-deploy or never"),
    ("full", "when full runs are made: a duration, a time of day such as '02:00 Europe/Berlin', or never"),
    (
        "late",
        "what becomes of events that come late to a settled row until the next run: merge or batch-wins",
    ),
    ("lateness", "how long after its end a window stays open"),
    ("keep_runs", "how many runs are kept"),
    ("speed_memory", "what speed may take in memory"),
    ("cells_max", "how many cells the view may have"),
];

/// A configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port.
    pub listen: Option<String>,
    /// Names by which the server may be called, beside its address.
    pub hosts: Vec<String>,
    /// Settings by view.
    pub views: BTreeMap<String, BTreeMap<String, toml::Value>>,
}

impl Config {
    /// Reads a file's text; names what is unknown or wrong in it.
    pub fn parse(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        for (view, settings) in &config.views {
            for (key, value) in settings {
                check(key, &in_words(value)).map_err(|why| format!("[views.{view}] {why}"))?;
            }
        }
        Ok(config)
    }

    /// What the file says of a view.
    pub fn of_view(&self, name: &str) -> BTreeMap<String, String> {
        let settings = self.views.get(name).into_iter().flatten();
        settings.map(|(key, value)| (key.clone(), in_words(value))).collect()
    }
}

fn in_words(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

fn check(key: &str, value: &str) -> Result<(), String> {
    let mut settings = ViewRecord::blank();
    set(&mut settings, key, value)
}

/// Sets one key; says what is wrong with it.
pub fn set(view: &mut ViewRecord, key: &str, value: &str) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{key} = '{value}': {error}");
    let number = || value.replace('_', "").parse::<u64>().ok().filter(|number| *number > 0);
    let no_number = || wrong(&"it is a whole number above 0");
    match key {
        "batch" => {
            let schedule: Schedule = value.parse().map_err(|error: String| wrong(&error))?;
            if matches!(schedule, Schedule::Daily(..)) {
                return Err(wrong(&"it is a duration such as 1h, on-deploy or never"));
            }
            view.settings.batch = value.into();
        }
        "full" => {
            value.parse::<Schedule>().map_err(|error| wrong(&error))?;
            view.settings.full = value.into();
        }
        "late" if matches!(value, "merge" | "batch-wins") => view.settings.late = value.into(),
        "late" => return Err(wrong(&"it is merge or batch-wins")),
        "lateness" => view.lateness_ms = parse_duration_ms(value).map_err(|error| wrong(&error))?,
        "keep_runs" => view.keep_runs = number().ok_or_else(no_number)? as usize,
        "cells_max" => view.settings.cells_max = number().ok_or_else(no_number)?,
        "speed_memory" => {
            view.settings.speed_memory_bytes = parse_bytes(value).map_err(|error| wrong(&error))?;
        }
        _ => {
            let keys: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
            return Err(format!("there is no setting '{key}'; there are {}", keys.join(", ")));
        }
    }
    Ok(())
}

/// All settings of a view, in the order of [`KEYS`].
pub fn shown(view: &ViewRecord) -> Vec<(&'static str, String)> {
    let value = |key: &str| match key {
        "batch" => view.settings.batch.clone(),
        "full" => view.settings.full.clone(),
        "late" => view.settings.late.clone(),
        "lateness" => format_duration_ms(view.lateness_ms),
        "keep_runs" => view.keep_runs.to_string(),
        "speed_memory" => format_bytes(view.settings.speed_memory_bytes),
        _ => view.settings.cells_max.to_string(),
    };
    KEYS.iter().map(|(key, _)| (*key, value(key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_shown_in_the_same_words() {
        let mut view = ViewRecord::blank();
        let set_to = [
            ("batch", "30m"),
            ("full", "02:00 Europe/Berlin"),
            ("late", "batch-wins"),
            ("lateness", "6h"),
            ("keep_runs", "3"),
            ("speed_memory", "64MiB"),
            ("cells_max", "1000"),
        ];
        for (key, value) in set_to {
            assert_eq!(set(&mut view, key, value), Ok(()), "{key}");
        }
        let shown: Vec<(&str, String)> = shown(&view);
        assert_eq!(shown, set_to.map(|(key, value)| (key, value.to_string())));
    }

    #[test]
    fn what_cannot_be_set_is_named_with_what_can() {
        for (key, value, said) in [
            ("batch", "hourly", "'hourly' is no schedule"),
            ("batch", "02:00", "it is a duration"),
            ("late", "drop", "it is merge or batch-wins"),
            ("keep_runs", "0", "above 0"),
            ("laetness", "1h", "there are batch, full, late, lateness"),
        ] {
            let why = set(&mut ViewRecord::blank(), key, value).unwrap_err();
            assert!(why.contains(said), "{why}");
        }
        let why = Config::parse("[views.revenue]\nbatch = 5").unwrap_err();
        assert!(why.contains("[views.revenue] batch = '5'"), "{why}");
        assert!(Config::parse("lisen = 'x'").unwrap_err().contains("lisen"));
    }
}
