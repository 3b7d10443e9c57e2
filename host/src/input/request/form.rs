//! What a content type says of a body.

use super::{Error, typing};
use crate::event::Typing;

const KNOWN: &str = "application/x-ndjson, application/json, application/cloudevents+json or \
                     application/cloudevents-batch+json";

/// How a body is made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    Lines(Typing),
    /// An array of events, or one event.
    Json,
    CloudEvent,
    CloudEvents,
    /// One payload, whose attributes stood beside it.
    Enclosed(Vec<(String, String)>),
}

impl Form {
    /// By the content type and the attributes of a CloudEvent beside the body, without their `ce-`.
    pub fn of(content_type: Option<&str>, attributes: Vec<(String, String)>) -> Result<Form, Error> {
        let Some(content_type) = content_type else {
            return Err(Error::Type(format!("there is no Content-Type; send {KNOWN}")));
        };
        let mut parts = content_type.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let lines = match essence.as_str() {
            "application/x-ndjson" | "application/ndjson" => true,
            "application/json" | "application/cloudevents+json" | "application/cloudevents-batch+json" => {
                false
            }
            _ if essence.ends_with("+json") && !attributes.is_empty() => false,
            _ => return Err(Error::Type(format!("Content-Type '{essence}' is not read; send {KNOWN}"))),
        };
        let typing = parameters(parts, lines)?;
        Ok(match essence.as_str() {
            _ if lines => Form::Lines(typing),
            "application/cloudevents+json" => Form::CloudEvent,
            "application/cloudevents-batch+json" => Form::CloudEvents,
            _ if attributes.is_empty() => Form::Json,
            _ => Form::Enclosed(attributes),
        })
    }
}

fn parameters<'a>(parts: impl Iterator<Item = &'a str>, lines: bool) -> Result<Typing, Error> {
    let mut found = Typing::Json;
    for part in parts.filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "charset" if value.eq_ignore_ascii_case("utf-8") => {}
            "charset" => return Err(Error::Type(format!("charset '{value}' is not read; send utf-8"))),
            "typing" if lines => {
                let unknown = || Error::Type(format!("typing '{value}' is neither json nor text"));
                found = typing(value).ok_or_else(unknown)?;
            }
            _ => {
                let why = format!(
                    "parameter '{name}' of the Content-Type is unknown; known are charset and typing"
                );
                return Err(Error::Type(why));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_says_how_a_body_is_made_up() {
        let of = |text: &str| Form::of(Some(text), Vec::new()).ok();
        assert_eq!(of("application/x-ndjson"), Some(Form::Lines(Typing::Json)));
        assert_eq!(of("Application/NDJSON; charset=UTF-8"), Some(Form::Lines(Typing::Json)));
        assert_eq!(of("application/x-ndjson;typing=\"text\""), Some(Form::Lines(Typing::Text)));
        assert_eq!(of("application/json"), Some(Form::Json));
        assert_eq!(of("application/cloudevents+json;charset=utf-8"), Some(Form::CloudEvent));
        assert_eq!(of("application/cloudevents-batch+json"), Some(Form::CloudEvents));
        for wrong in [
            "",
            "text/plain",
            "application/x-ndjson; typing=csv",
            "application/json; typing=text",
            "application/json; charset=latin-1",
            "application/vnd.any+json",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        let attributes = vec![("id".to_string(), "1".to_string())];
        let enclosed = Form::of(Some("application/vnd.any+json"), attributes.clone()).unwrap();
        assert_eq!(enclosed, Form::Enclosed(attributes));
        assert!(Form::of(None, Vec::new()).is_err());
    }
}
