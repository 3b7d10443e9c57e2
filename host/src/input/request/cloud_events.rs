//! CloudEvents 1.0, JSON payloads only. The payload is `data`, or what `data_base64` holds. Its time is
//! what the stream's time path finds in it, else the attribute `time`, else when it came in. Its id is
//! what the stream's id path finds, else, where a stream deduplicates, `source`, a space and `id`: no
//! source has a space in it, so no two events are taken for one. `source` is the source of its lineage;
//! the other attributes are headers `ce-type`, `ce-subject` and so on.

use super::Error;
use crate::event::Typing;
use crate::input::sink::{At, Envelope, Sink};
use crate::input::{Place, Reason};
use crate::time::TimeRule;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

const REQUIRED: [&str; 4] = ["id", "source", "specversion", "type"];
const VERSION: &str = "1.0";

type Attributes = BTreeMap<String, String>;
type Members<'a> = BTreeMap<String, &'a RawValue>;

/// One event, its attributes and data in one object.
pub fn one(body: &[u8], has_ids: bool, sink: &mut Sink<'_>) -> Result<(), Error> {
    let members: Members<'_> = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    structured(members, 1, has_ids, sink)
}

/// An array of such.
pub fn several(body: &[u8], has_ids: bool, sink: &mut Sink<'_>) -> Result<(), Error> {
    let events: Vec<Members<'_>> = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    (1..).zip(events).try_for_each(|(position, members)| structured(members, position, has_ids, sink))
}

/// A payload, whose attributes stood beside it.
pub fn enclosed(
    attributes: Vec<(String, String)>,
    payload: &[u8],
    has_ids: bool,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let mut all = Attributes::new();
    for (name, value) in attributes {
        if let Some(before) = all.insert(name.clone(), value) {
            return Err(refused(1, expected(&format!("attribute '{name}' once"), format!("'{before}' too"))));
        }
    }
    give(all, payload.trim_ascii_end(), 1, has_ids, sink)
}

fn structured(
    mut members: Members<'_>,
    position: u64,
    has_ids: bool,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    let (plain, base64) = (members.remove("data"), members.remove("data_base64"));
    let payload = data(plain, base64).map_err(|reason| refused(position, reason))?;
    let mut attributes = Attributes::new();
    for (name, value) in members {
        let value = attribute(&name, value.get()).map_err(|reason| refused(position, reason))?;
        attributes.extend(value.map(|value| (name, value)));
    }
    give(attributes, &payload, position, has_ids, sink)
}

fn data<'a>(plain: Option<&'a RawValue>, base64: Option<&RawValue>) -> Result<Cow<'a, [u8]>, Reason> {
    match (plain, base64) {
        (Some(plain), None) => Ok(Cow::Borrowed(plain.get().as_bytes())),
        (None, Some(base64)) => {
            let text = serde_json::from_str::<String>(base64.get()).ok();
            let bytes = text.and_then(|text| STANDARD.decode(text).ok());
            Ok(Cow::Owned(bytes.ok_or_else(|| expected("base64 at 'data_base64'", "something else"))?))
        }
        (None, None) => Err(expected("the event's payload at 'data'", "nothing")),
        (Some(_), Some(_)) => Err(expected("either 'data' or 'data_base64'", "both")),
    }
}

/// The text of an attribute; None of one that is null.
fn attribute(name: &str, json: &str) -> Result<Option<String>, Reason> {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map(Some).map_err(|_| expected("a text", "something else")),
        Some(b'n') => Ok(None),
        Some(b'{' | b'[') => {
            Err(expected(&format!("a text, number or boolean at attribute '{name}'"), "more than that"))
        }
        _ => Ok(Some(json.into())),
    }
}

fn give(
    mut attributes: Attributes,
    payload: &[u8],
    position: u64,
    has_ids: bool,
    sink: &mut Sink<'_>,
) -> Result<(), Error> {
    check(&attributes).map_err(|reason| refused(position, reason))?;
    let time = attributes.get("time").map(|time| {
        let wrong =
            |_| refused(position, expected("an RFC 3339 time at attribute 'time'", format!("'{time}'")));
        TimeRule::default().parse_text(time.as_bytes()).map_err(wrong)
    });
    let source = attributes.remove("source").unwrap_or_default();
    let id = attributes.get("id").filter(|_| has_ids).map(|id| format!("{source} {id}"));
    // They say how the rest is written, and are the same for all that is read here.
    attributes.retain(|name, _| name != "specversion" && name != "datacontenttype");
    let headers: Vec<_> = attributes.into_iter().map(|(name, value)| (format!("ce-{name}"), value)).collect();
    let envelope =
        Envelope { time_ms: time.transpose()?, id: id.as_deref(), source: Some(&source), headers: &headers };
    let at = At { typing: Typing::Json, position, place: Place::Element(position) };
    Ok(sink.enclosed(payload, at, &envelope)?)
}

fn check(attributes: &Attributes) -> Result<(), Reason> {
    for name in REQUIRED {
        if attributes.get(name).is_none_or(String::is_empty) {
            return Err(expected(&format!("attribute '{name}'"), "none"));
        }
    }
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if let Some(name) = attributes.keys().find(|name| name.is_empty() || !name.bytes().all(is_name)) {
        return Err(expected("attributes named by a-z and 0-9", format!("'{name}'")));
    }
    let value = |name: &str| attributes.get(name).map_or("", String::as_str);
    if value("specversion") != VERSION {
        let found = format!("'{}'", value("specversion"));
        return Err(expected(&format!("'{VERSION}' at attribute 'specversion'"), found));
    }
    let source = value("source");
    if source.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err(expected("a URI without white space at attribute 'source'", format!("'{source}'")));
    }
    if !attributes.get("datacontenttype").is_none_or(|kind| is_json(kind)) {
        let found = format!("'{}'", value("datacontenttype"));
        return Err(expected("JSON by attribute 'datacontenttype'", found));
    }
    Ok(())
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

fn expected(what: &str, found: impl Into<String>) -> Reason {
    Reason::expected(what, found)
}

fn refused(element: u64, reason: Reason) -> Error {
    Error::Refused { place: Place::Element(element), reason }
}

fn malformed(error: &serde_json::Error) -> Error {
    let place = Place::LineColumn(error.line() as u64, error.column() as u64);
    let found = error.to_string();
    // The place is said once.
    let found = found.split(" at line ").next().unwrap_or_default();
    Error::Refused { place, reason: Reason::expected("CloudEvents as JSON objects", found) }
}
