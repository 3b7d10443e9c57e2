//! What someone wants a stream to be, as flags or JSON say it, to a record. Checked here and nowhere
//! else; knows nothing of who asks.

use super::Schema;
use crate::extract::{Path, Probe};
use crate::log::Stream;
use crate::store::{SchemaRecord, StreamRecord};
use crate::time::{self, TimeRule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A stream by what is fixed for good when it is created; what is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Declared {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_orderness: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ahead: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedup_events: Option<u64>,
    /// A JSON Schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
}

/// Why there is no such stream, by the field that is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct NotDeclared {
    pub field: &'static str,
    pub value: Option<String>,
    pub why: String,
}

impl Declared {
    pub fn record(&self, name: &str, now_ms: i64) -> Result<StreamRecord, NotDeclared> {
        let defaults = Stream::default();
        let rule = self.rule()?;
        let path = |field, path: &Option<String>| {
            let parsed = path.as_deref().map(Path::new).transpose();
            parsed.map_err(|error| NotDeclared::of(field, path.as_deref(), error))
        };
        let time = path("time", &self.time)?;
        let time_or_id = if time.is_some() { ("time", &self.time) } else { ("id", &self.id) };
        let probe = Probe::new(time, path("id", &self.id)?, rule.clone());
        probe.map_err(|error| NotDeclared::of(time_or_id.0, time_or_id.1.as_deref(), error))?;
        Ok(StreamRecord {
            number: 0,
            name: name.into(),
            time: self.time.clone(),
            time_format: self.time_format.clone(),
            time_unit: rule.unit().map(|unit| unit.to_string()),
            id: self.id.clone(),
            out_of_orderness_ms: duration_ms("out_of_orderness", &self.out_of_orderness, 0)?,
            max_ahead_ms: duration_ms("max_ahead", &self.max_ahead, defaults.max_ahead_ms)?,
            dedup_events: self.dedup_events.unwrap_or(defaults.dedup_events),
            seed: RandomState::new().build_hasher().finish(),
            schemas: self.schemas()?,
            created_ms: now_ms,
        })
    }

    fn rule(&self) -> Result<TimeRule, NotDeclared> {
        let extra = [("time_format", &self.time_format), ("time_unit", &self.time_unit)];
        if let Some((field, value)) = extra.into_iter().find(|(_, value)| value.is_some())
            && self.time.is_none()
        {
            let why =
                "it says how a time is written, and nothing says which field has it; name that as the time";
            return Err(NotDeclared::of(field, value.as_deref(), why));
        }
        let unit = self.time_unit.as_deref();
        let parsed = unit.map(str::parse).transpose();
        let unit = parsed.map_err(|error: time::Error| NotDeclared::of("time_unit", unit, error))?;
        let format = self.time_format.as_deref();
        TimeRule::new(format, unit).map_err(|error| NotDeclared::of("time_format", format, error))
    }

    fn schemas(&self) -> Result<Vec<SchemaRecord>, NotDeclared> {
        let Some(schema) = &self.schema else { return Ok(Vec::new()) };
        Ok(vec![SchemaRecord { number: 1, text: schema_text(schema)? }])
    }
}

/// The text by which a JSON Schema is kept; an error if it is none.
pub fn schema_text(schema: &Value) -> Result<String, NotDeclared> {
    let text = schema.to_string();
    Schema::new(1, &text).map_err(|why| NotDeclared::of("schema", None, why))?;
    Ok(text)
}

impl NotDeclared {
    fn of(field: &'static str, value: Option<&str>, why: impl ToString) -> NotDeclared {
        NotDeclared { field, value: value.map(str::to_owned), why: why.to_string() }
    }
}

fn duration_ms(field: &'static str, text: &Option<String>, default_ms: i64) -> Result<i64, NotDeclared> {
    let Some(text) = text else { return Ok(default_ms) };
    time::parse_duration_ms(text).map_err(|error| NotDeclared::of(field, Some(text), error))
}
