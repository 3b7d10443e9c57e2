//! Reading what a json field holds: the elements of a list, a member of an object, a value. Nothing is
//! kept of what is not asked for, and whatever does not fit is an error that rejects the event.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Json;
use crate::value::{Decimal, DecimalError};

/// What a json field does not hold. In a transform `?` makes it the reason why the event is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError(String);

impl JsonError {
    #[cold]
    fn new(expected: impl fmt::Display, found: &str) -> JsonError {
        const SHOWN_MAX: usize = 40;
        let found: String = match found.char_indices().nth(SHOWN_MAX) {
            Some((cut, _)) => found.get(..cut).unwrap_or_default().to_owned() + "…",
            None => found.to_owned(),
        };
        JsonError(format!("expected {expected}, found {found}"))
    }

    /// The same error of a part: says where it was found.
    #[must_use]
    pub fn within(self, name: &str) -> JsonError {
        JsonError(format!("{name}: {}", self.0))
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for JsonError {}

/// # Reading
///
/// Values are read by the rules of a field's kind, straight from the text: no tree is built.
///
/// ```
/// # use bifocal_sdk::*;
/// fn units(basket: Json) -> Result<i64, JsonError> {
///     let mut units = 0;
///     for item in basket.list(100)? {
///         units += item.member("quantity")?.map_or(Ok(1), Json::integer)?;
///     }
///     Ok(units)
/// }
///
/// assert_eq!(units(Json(r#"[{"sku":"a"},{"sku":"b","quantity":3}]"#)), Ok(4));
/// let error = units(Json(r#"[{"sku":"b","quantity":"3"}]"#)).unwrap_err();
/// assert_eq!(error.to_string(), r#"expected an integer of 64 bits, found "3""#);
/// ```
impl<'a> Json<'a> {
    /// The elements of a list, at most `most` of them: more are an error, so that what one event costs
    /// is bounded by the transform and not by who sends it.
    pub fn list(self, most: usize) -> Result<Vec<Json<'a>>, JsonError> {
        let found = self.visit(Elements { most, of: PhantomData });
        match found.ok_or_else(|| JsonError::new("a list", self.text_of()))? {
            Some(elements) => Ok(elements),
            None => Err(JsonError::new(format_args!("a list of at most {most}"), self.text_of())),
        }
    }

    /// The member `name` of an object, of several the last one; `None` if it is missing or null.
    pub fn member(self, name: &str) -> Result<Option<Json<'a>>, JsonError> {
        let found = self.visit(Member { name, of: PhantomData });
        let member = found.ok_or_else(|| JsonError::new("an object", self.text_of()))?;
        Ok(member.filter(|member| !member.is_null()))
    }

    /// The member `name` of an object, which must be there and not null.
    pub fn required(self, name: &str) -> Result<Json<'a>, JsonError> {
        let found = self.member(name)?;
        found.ok_or_else(|| JsonError::new(format_args!("a member '{name}'"), self.text_of()))
    }

    /// A text; allocates only if it holds escapes.
    pub fn text(self) -> Result<Cow<'a, str>, JsonError> {
        let inner = self.text_of().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        if let Some(inner) = inner
            && !inner.bytes().any(|byte| matches!(byte, b'\\' | b'"' | ..=0x1f))
        {
            return Ok(Cow::Borrowed(inner));
        }
        let owned = serde_json::from_str::<String>(self.0);
        owned.map(Cow::Owned).map_err(|_| JsonError::new("a text", self.text_of()))
    }

    /// An integer of 64 bits, without fraction or exponent.
    pub fn integer(self) -> Result<i64, JsonError> {
        let number = self.number().and_then(|number| number.parse().ok());
        number.ok_or_else(|| JsonError::new("an integer of 64 bits", self.text_of()))
    }

    /// The double nearest to a number.
    pub fn float(self) -> Result<f64, JsonError> {
        let number = self.number().and_then(|number| number.parse().ok());
        number
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| JsonError::new("a number", self.text_of()))
    }

    /// A decimal, from the characters of a number or of a text.
    pub fn decimal<const N: u8>(self) -> Result<Decimal<N>, JsonError> {
        let text = self.text().or_else(|_| self.number().map(Cow::Borrowed).ok_or(()));
        let read = text.map_err(|()| DecimalError::Malformed).and_then(|text| text.parse());
        read.map_err(|_| {
            JsonError::new(format_args!("a decimal with at most {N} digits after the point"), self.text_of())
        })
    }

    pub fn boolean(self) -> Result<bool, JsonError> {
        self.text_of().parse().map_err(|_| JsonError::new("true or false", self.text_of()))
    }

    pub fn is_null(self) -> bool {
        self.text_of() == "null"
    }

    /// Without the blanks around it.
    fn text_of(self) -> &'a str {
        self.0.trim_matches([' ', '\t', '\n', '\r'])
    }

    fn number(self) -> Option<&'a str> {
        Some(self.text_of())
            .filter(|text| text.starts_with(|first: char| first == '-' || first.is_ascii_digit()))
    }

    /// `None`: not of the type that the visitor takes, or no JSON at all.
    fn visit<V: Visitor<'a>>(self, visitor: V) -> Option<V::Value> {
        let mut text = serde_json::Deserializer::from_str(self.0);
        let value = (&mut text).deserialize_any(visitor).ok()?;
        text.end().ok().map(|()| value)
    }
}

/// The elements of a list; `None` if there are more than `most`.
struct Elements<'a> {
    most: usize,
    of: PhantomData<&'a str>,
}

impl<'a> Visitor<'a> for Elements<'a> {
    type Value = Option<Vec<Json<'a>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element::<&'a RawValue>()? {
            if elements.len() == self.most {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            elements.push(Json(element.get()));
        }
        Ok(Some(elements))
    }
}

/// The last member of an object that has this name.
struct Member<'a, 'n> {
    name: &'n str,
    of: PhantomData<&'a str>,
}

impl<'a> Visitor<'a> for Member<'a, '_> {
    type Value = Option<Json<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_sought) = members.next_key_seed(Is(self.name))? {
            if is_sought {
                found = Some(Json(members.next_value::<&'a RawValue>()?.get()));
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a name is the one that is sought.
struct Is<'n>(&'n str);

impl<'a> DeserializeSeed<'a> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'a>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}
