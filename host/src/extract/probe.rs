//! What must be known of a line before it becomes an event: that it is JSON, its time and its id.

use super::Scratch;
use super::cast::{Reader, found};
use super::json::{self, Malformed, Token};
use super::path::{Path, Place};
use super::text;
use super::tree::Tree;
use crate::event::Typing;
use crate::time::TimeRule;
use std::borrow::Cow;

/// Validates payloads and reads their time and id, in one pass.
#[derive(Clone, Debug)]
pub struct Probe {
    tree: Tree,
    time: Option<Wanted>,
    id: Option<Wanted>,
    rule: TimeRule,
}

#[derive(Clone, Debug)]
struct Wanted {
    path: Path,
    slot: usize,
}

/// The time and id of a payload; None where it has none, or null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed<'a> {
    pub time_ms: Option<i64>,
    /// A text, or a number as it is written.
    pub id: Option<Cow<'a, str>>,
}

/// Why a payload cannot become an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("{path}: expected {expected}, found {found}")]
    Wrong { path: String, expected: &'static str, found: String },
}

/// A path that no payload can answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path '{0}' names no field of the payload; use the path of one")]
pub struct NotAField(Path);

impl Probe {
    pub fn new(time: Option<Path>, id: Option<Path>, rule: TimeRule) -> Result<Probe, NotAField> {
        let names = |path: &Option<Path>| match path {
            None => Ok(None),
            Some(path) => match path.place() {
                Place::Names(names) => Ok(Some(names.clone())),
                Place::Payload | Place::Record(_) => Err(NotAField(path.clone())),
            },
        };
        let paths = [names(&time)?, names(&id)?];
        let (tree, slots) = Tree::new(paths.iter().flatten().map(Vec::as_slice));
        let mut slots = slots.into_iter();
        let mut wanted =
            |path: Option<Path>| path.and_then(|path| Some(Wanted { path, slot: slots.next()? }));
        Ok(Probe { tree, time: wanted(time), id: wanted(id), rule })
    }

    /// A text-typed payload may have its time as a number in a text.
    pub fn probe<'a>(
        &self,
        scratch: &mut Scratch,
        typing: Typing,
        payload: &'a [u8],
    ) -> Result<Probed<'a>, Refusal> {
        let mut slots = [Token::Missing; 2];
        let used = slots.get_mut(..self.tree.slots()).unwrap_or_default();
        json::walk(payload, &mut scratch.probe, &self.tree, used)?;
        let token = |wanted: &Wanted| slots.get(wanted.slot).copied().unwrap_or_default();
        let time_ms = match &self.time {
            Some(wanted) => {
                let token = token(wanted);
                let mut reader = Reader { payload, typing, rule: &self.rule, buffers: &mut scratch.cast };
                let found = |why| format!("{}{why}", found(token, payload));
                reader.time_ms(token).map_err(|why| wanted.wrong("a time", found(why)))?
            }
            None => None,
        };
        let id = match &self.id {
            Some(wanted) => {
                let token = token(wanted);
                id(token, payload).map_err(|()| wanted.wrong("a text or a number", found(token, payload)))?
            }
            None => None,
        };
        Ok(Probed { time_ms, id })
    }
}

impl Wanted {
    #[cold]
    fn wrong(&self, expected: &'static str, found: String) -> Refusal {
        Refusal::Wrong { path: self.path.to_string(), expected, found }
    }
}

/// A text, or a number as it is written.
fn id(token: Token, payload: &[u8]) -> Result<Option<Cow<'_, str>>, ()> {
    match token {
        Token::Missing | Token::Null => Ok(None),
        Token::Number(number) => Ok(Some(String::from_utf8_lossy(number.characters(payload)))),
        Token::Text { from, to, escaped } => {
            let inside = payload.get(from as usize..to as usize).unwrap_or_default();
            // Nothing is lost: the walk has seen that it is UTF-8.
            if !escaped {
                return Ok(Some(String::from_utf8_lossy(inside)));
            }
            let mut text = Vec::with_capacity(inside.len());
            text::unescape(inside, &mut text);
            Ok(Some(Cow::Owned(String::from_utf8_lossy(&text).into_owned())))
        }
        _ => Err(()),
    }
}
