//! Whether a payload is what a stream's JSON Schema wants. The only user of the crate that knows.

use super::Reason;
use jsonschema::Validator;
use serde_json::Value;

/// Characters of what a schema says against a payload; values in it can be long.
const SAID_CHARS_MAX: usize = 300;

/// A JSON Schema, ready to be asked.
#[derive(Debug)]
pub struct Schema {
    /// Its number within the stream; events carry it.
    pub number: i64,
    validator: Validator,
}

impl Schema {
    /// Says why a text is no JSON Schema.
    pub fn new(number: i64, text: &str) -> Result<Schema, String> {
        let schema: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let validator = jsonschema::validator_for(&schema);
        let validator = validator.map_err(|error| format!("it is no JSON Schema: {error}"))?;
        Ok(Schema { number, validator })
    }

    pub fn check(&self, payload: &[u8]) -> Result<(), Reason> {
        let value: Value = serde_json::from_slice(payload)
            .map_err(|error| Reason::Malformed { expected: "JSON".into(), found: error.to_string() })?;
        self.validator.validate(&value).map_err(|error| {
            let path = error.instance_path().to_string();
            let mut said = error.to_string();
            if let Some((end, _)) = said.char_indices().nth(SAID_CHARS_MAX) {
                said.truncate(end);
                said.push('…');
            }
            Reason::Schema { number: self.number, path, said }
        })
    }
}
