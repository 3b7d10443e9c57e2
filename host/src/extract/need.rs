//! What a column is a column of: a path and the kind as which values are read there.

use super::Error;
use super::gather::Form;
use super::path::{Path, Place, Record};
use crate::description::{Field, Filter, Kind};
use crate::time::{TimeRule, Unit};
use crate::transform::SEMANTICS;

/// A column that can be had of any events, whichever version asks for it.
#[derive(Clone, Debug)]
pub struct Need {
    path: Path,
    kind: Kind,
    pub(super) form: Form,
    /// How timestamps are written.
    pub(super) rule: TimeRule,
}

impl Need {
    pub(super) fn of_input(field: &Field, rule: &TimeRule) -> Result<Need, Error> {
        let name = || field.name.clone();
        let path = Path::new(&field.path).map_err(|error| Error::Path { field: name(), error })?;
        let kind = field.kind.clone();
        let Some(form) = Form::of(&kind) else { return Err(Error::UnknownKind { field: name(), kind }) };
        let is = match path.place() {
            Place::Names(_) => None,
            Place::Payload => (!matches!(kind, Kind::Binary | Kind::Json)).then_some("binary or json"),
            Place::Record(record) => {
                Some(record_kind(record)).filter(|(is, _)| *is != kind).map(|(_, name)| name)
            }
        };
        match is {
            None => Ok(Need { path, kind, form, rule: rule.clone() }),
            Some(is) => Err(Error::Kind { field: name(), path: field.path.clone(), is, kind }),
        }
    }

    pub(super) fn of_filter(filter: &Filter, rule: &TimeRule) -> Result<Need, Error> {
        let path = Path::new(&filter.path).map_err(Error::Filter)?;
        let is_text = match path.place() {
            Place::Names(_) => true,
            Place::Payload => false,
            Place::Record(record) => record_kind(record).0 == Kind::Text,
        };
        match is_text {
            true => Ok(Need { path, kind: Kind::Text, form: Form::Text, rule: rule.clone() }),
            false => Err(Error::FilterKind(path.as_str().into())),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// All that decides what the column holds for given events: needs with the same identity share
    /// one column. `SEMANTICS KIND PATH`; a timestamp's kind is followed by `(UNIT,FORMAT)`, the unit
    /// empty where none is stated, and the format with its length in front of it.
    pub fn identity(&self) -> String {
        let rule = match self.form {
            Form::Timestamp if !self.path.is_record() => rule(&self.rule),
            _ => String::new(),
        };
        format!("{SEMANTICS} {}{rule} {}", self.kind, self.path.as_str())
    }

    /// The names that lead to a field within a payload: none, for the whole of it as json; None if
    /// no JSON has to be read for it.
    pub(super) fn names(&self) -> Option<&[String]> {
        match self.path.place() {
            Place::Names(names) => Some(names),
            Place::Payload => (self.kind == Kind::Json).then_some(&[]),
            Place::Record(_) => None,
        }
    }

    /// Whether it is what everybody can count for themselves.
    pub(super) fn is_offset(&self) -> bool {
        *self.path.place() == Place::Record(Record::Offset)
    }
}

fn rule(rule: &TimeRule) -> String {
    let unit = rule.unit().as_ref().map_or(String::new(), Unit::to_string);
    let format = rule.format().map_or(String::new(), |format| format!("{}:{format}", format.len()));
    format!("({unit},{format})")
}

fn record_kind(record: &Record) -> (Kind, &'static str) {
    match record {
        Record::Offset | Record::Schema => (Kind::Integer, "integer"),
        Record::Time | Record::Ingested => (Kind::Timestamp, "timestamp"),
        Record::Key => (Kind::Binary, "binary"),
        Record::Id | Record::Source | Record::Partition | Record::Header(_) => (Kind::Text, "text"),
    }
}
