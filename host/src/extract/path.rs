//! Where a value is found in an event: the grammar of paths.

use std::fmt;

/// A parsed path; `Display` gives it back as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The empty path.
    Payload,
    /// `@...`: the record and not its payload.
    Record(Record),
    /// Names from the outermost inwards; never empty. Dotted names and JSON Pointers mean the same
    /// here: a name of digits is also an index into an array.
    Names(Vec<String>),
}

/// A part of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Offset,
    Schema,
    Time,
    Ingested,
    Key,
    Id,
    Source,
    Partition,
    Header(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path '{path}': {what}")]
pub struct Error {
    path: String,
    what: &'static str,
}

impl Path {
    /// The empty path is the payload; `/...` is a JSON Pointer (RFC 6901), `@...` a part of the
    /// record, all else dotted names.
    pub fn new(path: &str) -> Result<Path, Error> {
        let place = match path.as_bytes().first() {
            None => Ok(Place::Payload),
            Some(b'/') => pointer(path).map(Place::Names),
            Some(b'@') => record(path).map(Place::Record),
            Some(_) => Ok(Place::Names(path.split('.').map(String::from).collect())),
        };
        let place = place.map_err(|what| Error { path: path.into(), what })?;
        Ok(Path { text: path.into(), place })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names a part of the record, which no payload decides.
    pub fn is_record(&self) -> bool {
        matches!(self.place, Place::Record(_))
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "payload" } else { &self.text })
    }
}

fn pointer(path: &str) -> Result<Vec<String>, &'static str> {
    path.split('/').skip(1).map(unescape).collect()
}

fn unescape(token: &str) -> Result<String, &'static str> {
    let mut name = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(char) = chars.next() {
        name.push(match char {
            '~' => match chars.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err("in a JSON Pointer ~ is written ~0 and / within a name ~1"),
            },
            _ => char,
        });
    }
    Ok(name)
}

fn record(path: &str) -> Result<Record, &'static str> {
    match path {
        "@offset" => Ok(Record::Offset),
        "@schema" => Ok(Record::Schema),
        "@time" => Ok(Record::Time),
        "@ingested" => Ok(Record::Ingested),
        "@key" => Ok(Record::Key),
        "@id" => Ok(Record::Id),
        "@source" => Ok(Record::Source),
        "@partition" => Ok(Record::Partition),
        _ => match path.strip_prefix("@header.") {
            Some(name) if !name.is_empty() => Ok(Record::Header(name.into())),
            _ => Err("a record has @offset @schema @time @ingested @key @id @source @partition @header.NAME"),
        },
    }
}
