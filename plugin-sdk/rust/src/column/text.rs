//! A text that is known by its place in its column's dictionary.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use super::Blobs;

/// A text of an event: a `&str` to all who read it, which also knows its number in the dictionary
/// of its column. What a key is made of: cells are then found by numbers and not by text.
///
/// ```
/// # use bifocal_sdk::*;
/// #[derive(Event)]
/// struct Order<'a> {
///     merchant_id: Text<'a>, // becomes a key
///     status: &'a str,       // is only looked at
/// }
/// #[derive(Key)]
/// struct Merchant<'a> {
///     merchant_id: Text<'a>,
/// }
/// ```
///
/// Equality, order and hash are those of the text. It is looked up in the dictionary whenever it
/// is read; a field that is read and not used as a key is cheaper as a `&str`.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// Distinct values, all of them text: checked when the column was opened.
    dictionary: &'a Blobs,
    code: u32,
}

impl<'a> Text<'a> {
    #[inline]
    pub(crate) fn new(dictionary: &'a Blobs, code: u32) -> Text<'a> {
        Text { dictionary, code }
    }

    /// The text; empty for a code beyond the dictionary, which no host sends.
    pub fn as_str(&self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.dictionary.get(self.code as usize)
    }

    /// Where the text stands in [`Text::dictionary`].
    #[inline]
    pub(crate) fn code(&self) -> usize {
        self.code as usize
    }

    /// What tells dictionaries apart for as long as they are borrowed.
    #[inline]
    pub(crate) fn dictionary(&self) -> usize {
        std::ptr::from_ref(self.dictionary).addr()
    }

    /// Distinct texts in the dictionary.
    pub(crate) fn distinct(&self) -> usize {
        self.dictionary.len()
    }

    /// Whether both are one value of one dictionary. Equal texts of two dictionaries are not.
    #[inline]
    pub(crate) fn is(&self, other: &Text) -> bool {
        (self.dictionary() == other.dictionary()) & (self.code == other.code)
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.bytes() == other.bytes()
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    #[inline]
    fn eq(&self, other: &&str) -> bool {
        self.bytes() == other.as_bytes()
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_it_says_whichever_dictionary_it_is_of() {
        let one: Blobs = [&b"a"[..], "\u{e9}".as_bytes()].into_iter().collect();
        let two: Blobs = ["\u{e9}".as_bytes()].into_iter().collect();
        let (a, e, other) = (Text::new(&one, 0), Text::new(&one, 1), Text::new(&two, 0));
        assert!(e == other && !e.is(&other) && e != a && a < e);
        assert!(e == "\u{e9}" && e == *"\u{e9}" && e.len() == 2 && e.starts_with('\u{e9}'));
        assert_eq!(format!("{e} {e:?}"), "\u{e9} \"\u{e9}\"");
        assert_eq!(Text::new(&one, 7).as_str(), "");
    }
}
