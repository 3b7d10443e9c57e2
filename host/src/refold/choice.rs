//! Which cells a targeted run computes again.

use super::Error;
use crate::calls::Part;
use crate::description::Description;
use crate::key;
use crate::store::Span;

/// Cells by window, by key, or by both; without either, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Starts of windows, `[from, to)`, milliseconds UTC.
    pub windows_ms: Option<(i64, i64)>,
    /// Key columns by their place, and the value that each must have.
    pub keys: Vec<(usize, key::Part)>,
}

impl Choice {
    pub(super) fn checked<'a>(&'a self, description: &'a Description) -> Result<Chosen<'a>, Error> {
        let columns = description.keys.len();
        if let Some((column, _)) = self.keys.iter().find(|(column, _)| *column >= columns) {
            return Err(Error::Column { column: *column, columns });
        }
        if self.windows_ms.is_some() && description.window.is_none() {
            return Err(Error::Global);
        }
        Ok(Chosen { choice: self, description })
    }

    /// Whether a chunk with these windows may have touched a chosen cell. Keys are not recorded.
    pub(super) fn may_touch(&self, span: &Span) -> bool {
        let Some((least, greatest)) = span.windows else { return false };
        self.windows_ms.is_none_or(|(from, to)| least < to && from <= greatest)
    }
}

/// A choice among the cells of one transform.
#[derive(Clone, Copy)]
pub struct Chosen<'a> {
    choice: &'a Choice,
    description: &'a Description,
}

impl Chosen<'_> {
    pub fn has(&self, key: &[u8], window: i64) -> bool {
        let in_time = self.choice.windows_ms.is_none_or(|(from, to)| (from..to).contains(&window));
        in_time && (self.choice.keys.is_empty() || self.has_key(key))
    }

    fn has_key(&self, key: &[u8]) -> bool {
        let Some(parts) = key::decode(&self.description.keys, key) else { return false };
        self.choice.keys.iter().all(|(column, wanted)| parts.get(*column) == Some(wanted))
    }

    /// The chosen cells of a part.
    pub fn part(&self, part: &Part) -> Part {
        part.chosen(|key, window| self.has(key, window))
    }
}
