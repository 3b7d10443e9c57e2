//! Settings of a transform: any JSON or TOML table in, one canonical JSON text (RFC 8785) out.
//! Canonical, because settings are part of a version: the same values must be the same bytes.

use serde_json::{Map, Value};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("settings must be an object, found {0}")]
    NotAnObject(String),
    #[error("setting '{path}': the number {number} has no exact canonical form; write it as text")]
    Number { path: String, number: String },
    #[error("setting '{path}': '{part}' is already a value and cannot hold another setting")]
    Nested { path: String, part: String },
    #[error("'{0}' is not KEY=VALUE")]
    NotAPair(String),
    #[error("settings are neither TOML ({toml}) nor JSON ({json})")]
    Unreadable { toml: String, json: String },
}

/// A settings object in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Reads a TOML or JSON document.
    pub fn parse(text: &str) -> Result<Settings, Error> {
        let json = match serde_json::from_str::<Value>(text) {
            Ok(value) => return Settings::from_json(value),
            Err(error) => error.to_string(),
        };
        match toml::from_str::<toml::Table>(text) {
            Ok(table) => Settings::from_toml(table),
            Err(error) => Err(Error::Unreadable { toml: error.message().into(), json }),
        }
    }

    pub fn from_json(value: Value) -> Result<Settings, Error> {
        match value {
            Value::Object(map) => Ok(Settings(map)),
            other => Err(Error::NotAnObject(other.to_string())),
        }
    }

    pub fn from_toml(table: toml::Table) -> Result<Settings, Error> {
        match json_of(toml::Value::Table(table)) {
            Value::Object(map) => Ok(Settings(map)),
            other => Err(Error::NotAnObject(other.to_string())),
        }
    }

    /// Sets `KEY=VALUE`: the value is JSON if it parses, else text; dotted keys nest.
    pub fn set(&mut self, pair: &str) -> Result<(), Error> {
        let (path, text) = pair.split_once('=').ok_or_else(|| Error::NotAPair(pair.into()))?;
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.into()));
        let mut parts: Vec<&str> = path.split('.').collect();
        let last = parts.pop().filter(|last| !last.is_empty()).ok_or_else(|| Error::NotAPair(pair.into()))?;
        let mut map = &mut self.0;
        for part in parts {
            let entry = map.entry(part).or_insert_with(|| Value::Object(Map::new()));
            let nested = Error::Nested { path: path.into(), part: part.into() };
            map = entry.as_object_mut().ok_or(nested)?;
        }
        map.insert(last.into(), value);
        Ok(())
    }

    /// RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript prints them.
    pub fn canonical(&self) -> Result<String, Error> {
        let mut out = String::new();
        write_object(&self.0, "", &mut out)?;
        Ok(out)
    }
}

fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number),
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(values) => Value::Array(values.into_iter().map(json_of).collect()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, json_of(value))).collect())
        }
    }
}

fn write(value: &Value, path: &str, out: &mut String) -> Result<(), Error> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write_number(&number.to_string(), path, out)?,
        Value::String(text) => write_text(text, out),
        Value::Array(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(value, &format!("{path}[{i}]"), out)?;
            }
            out.push(']');
        }
        Value::Object(map) => write_object(map, path, out)?,
    }
    Ok(())
}

fn write_object(map: &Map<String, Value>, path: &str, out: &mut String) -> Result<(), Error> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push('{');
    for (i, (key, value)) in members.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_text(key, out);
        out.push(':');
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        write(value, &path, out)?;
    }
    out.push('}');
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    // serde_json escapes just what RFC 8785 asks for, in the same way.
    out.push_str(&Value::String(text.into()).to_string());
}

/// Whole numbers that a double cannot hold are refused rather than changed.
fn write_number(text: &str, path: &str, out: &mut String) -> Result<(), Error> {
    let refused = || Error::Number { path: path.into(), number: text.into() };
    let number: f64 = text.parse().map_err(|_| refused())?;
    let exact = text.parse::<i128>().is_ok_and(|whole| whole.unsigned_abs() <= 1 << 53);
    let is_whole = !text.contains(['.', 'e', 'E']);
    if !number.is_finite() || (is_whole && !exact) {
        return Err(refused());
    }
    out.push_str(ryu_js::Buffer::new().format_finite(number));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Settings::parse(text).unwrap().canonical().unwrap()
    }

    #[test]
    fn equal_settings_are_equal_bytes_whatever_they_were_written_in() {
        let json = canonical(r#"{ "b": [1.0, 2e3, true, null], "a": {"y": "é\n", "x": 0.1} }"#);
        assert_eq!(json, r#"{"a":{"x":0.1,"y":"é\n"},"b":[1,2000,true,null]}"#);
        assert_eq!(canonical("b = 1\n[a]\nx = 0.5\n"), r#"{"a":{"x":0.5},"b":1}"#);
        assert_eq!(canonical(""), "{}");
    }

    #[test]
    fn members_sort_by_utf16_as_rfc_8785_says() {
        let sorted = canonical(r#"{"\u20ac":1,"\r":2,"\ud83d\ude00":3,"1":4,"\ufb33":5,"\u00f6":6}"#);
        let order: Vec<char> = sorted.chars().filter(char::is_ascii_digit).collect();
        // A carriage return, 1, ö, €, the emoji (a surrogate pair: d83d), then fb33. The digit 1 is itself a name.
        assert_eq!(order.iter().collect::<String>(), "2146135");
    }

    #[test]
    fn a_pair_is_json_if_it_parses_else_text_and_dots_nest() {
        let mut settings = Settings::default();
        for pair in ["limit=3", "name=EUR", "bots.list=[\"a\"]", "bots.on=true"] {
            settings.set(pair).unwrap();
        }
        assert_eq!(
            settings.canonical().unwrap(),
            r#"{"bots":{"list":["a"],"on":true},"limit":3,"name":"EUR"}"#
        );
        assert!(matches!(settings.set("limit.x=1"), Err(Error::Nested { .. })));
        assert!(matches!(settings.set("limit"), Err(Error::NotAPair(_))));
    }

    #[test]
    fn a_whole_number_that_a_double_would_change_is_refused_by_name() {
        let error = Settings::parse(r#"{"a":{"b":9007199254740993}}"#).unwrap().canonical().unwrap_err();
        assert!(error.to_string().contains("'a.b'") && error.to_string().contains("9007199254740993"));
    }
}
