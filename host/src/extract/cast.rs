//! From what a payload has at a path to a value of the declared kind: exact, or a reason why not.

use super::gather::{Form, Gather};
use super::json::{self, Buffers, Malformed, Token};
use super::number::{self, Number, Unfit};
use super::text;
use super::tree::Tree;
use crate::column::Blobs;
use crate::event::{Event, Typing};
use crate::time::{self, TimeRule};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// Why a value is not of the declared kind, beyond that it is not.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Why {
    /// It is something else altogether.
    Other,
    Number(Unfit),
    Time(time::Error),
    Base64,
    Json(Malformed),
}

impl fmt::Display for Why {
    /// Empty, or in brackets behind what was found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Other => Ok(()),
            Why::Number(Unfit::Fraction) => f.write_str(" (it has a fraction)"),
            Why::Number(Unfit::Exponent) => f.write_str(" (it has an exponent)"),
            Why::Number(Unfit::Digits(1)) => f.write_str(" (more than 1 digit after the point)"),
            Why::Number(Unfit::Digits(places)) => write!(f, " (more than {places} digits after the point)"),
            Why::Number(Unfit::Range) => f.write_str(" (out of range)"),
            Why::Time(error) => write!(f, " ({error})"),
            Why::Base64 => f.write_str(" (not base64 with padding)"),
            Why::Json(malformed) => write!(f, " (not JSON: {malformed})"),
        }
    }
}

impl From<Unfit> for Why {
    fn from(unfit: Unfit) -> Why {
        Why::Number(unfit)
    }
}

/// What values of one payload are read with.
pub(super) struct Reader<'a> {
    pub payload: &'a [u8],
    pub typing: Typing,
    pub rule: &'a TimeRule,
    pub buffers: &'a mut CastBuffers,
}

#[derive(Debug, Default)]
pub(super) struct CastBuffers {
    text: Vec<u8>,
    inner: Buffers,
    nothing: Tree,
}

impl<'a> Reader<'a> {
    /// Times are read by the default rule until another one is set.
    pub fn new(event: &Event<'a>, buffers: &'a mut CastBuffers) -> Reader<'a> {
        Reader { payload: event.payload, typing: event.typing, rule: &TimeRule::DEFAULT, buffers }
    }
}

impl Reader<'_> {
    /// Appends the value to the column, or says why it cannot be one.
    #[inline(always)]
    pub fn cast(&mut self, token: &Token, out: &mut Gather<'_>) -> Result<(), Why> {
        match (out.form, token) {
            (Form::Text, Token::Text { from, to, escaped: false }) => {
                out.text(self.payload, *from as usize, *to as usize);
            }
            (Form::Decimal(places), Token::Number(number)) => {
                out.integer(number.decimal(self.payload, places)?);
            }
            (Form::Integer, Token::Number(number)) => out.integer(number.integer(self.payload)?),
            _ => return self.cast_other(*token, out),
        }
        Ok(())
    }

    #[inline(never)]
    fn cast_other(&mut self, token: Token, out: &mut Gather<'_>) -> Result<(), Why> {
        match (out.form, token) {
            (_, Token::Missing) => out.absent(false),
            (_, Token::Null) => out.absent(true),
            (Form::Timestamp, _) => match self.time_ms(token)? {
                Some(ms) => out.integer(ms),
                None => out.absent(false),
            },
            (Form::Boolean, Token::Boolean(value)) => out.boolean(value),
            (Form::Float, Token::Number(number)) => out.integer(float(number, self.payload)?),
            (Form::Json, Token::Boolean(value)) => out.bytes(if value { b"true" } else { b"false" }),
            (_, Token::Text { from, to, escaped })
                if out.form != Form::Json || self.typing == Typing::Text =>
            {
                let inside = self.payload.get(from as usize..to as usize).unwrap_or_default();
                // The buffer is taken out, so that it can be read while the rest is in use.
                let mut buffer = std::mem::take(&mut self.buffers.text);
                let cast = self.cast_text(plain(inside, escaped, &mut buffer), out);
                self.buffers.text = buffer;
                return cast;
            }
            (Form::Json, _) => {
                let (from, to) = token.span_with_quotes();
                out.bytes(self.payload.get(from..to).unwrap_or_default());
            }
            _ => return Err(Why::Other),
        }
        Ok(())
    }

    /// A text without escapes, read as any kind.
    fn cast_text(&mut self, text: &[u8], out: &mut Gather<'_>) -> Result<(), Why> {
        let number = || number::read(text).ok_or(Why::Other);
        match out.form {
            Form::Text => out.text(text, 0, text.len()),
            Form::Decimal(places) => out.integer(number()?.decimal(text, places)?),
            Form::Binary => {
                base64(text, &mut out.column.heap)?;
                out.present();
            }
            _ if self.typing == Typing::Json => return Err(Why::Other),
            Form::Integer => out.integer(number()?.integer(text)?),
            Form::Float => out.integer(float(number()?, text)?),
            Form::Boolean => out.boolean(match text {
                b"true" => true,
                b"false" => false,
                _ => return Err(Why::Other),
            }),
            Form::Json => {
                json::walk(text, &mut self.buffers.inner, &self.buffers.nothing, &mut [])
                    .map_err(Why::Json)?;
                match text.trim_ascii() {
                    b"null" => out.absent(true),
                    _ => out.bytes(text),
                }
            }
            Form::Timestamp => return Err(Why::Other),
        }
        Ok(())
    }

    /// A time in milliseconds UTC, if there is one.
    pub fn time_ms(&mut self, token: Token) -> Result<Option<i64>, Why> {
        let (typing, rule) = (self.typing, self.rule);
        let ms = match token {
            Token::Missing | Token::Null => return Ok(None),
            Token::Number(number) => match number.integer(self.payload) {
                Ok(whole) => rule.from_integer(whole),
                Err(_) => rule.parse_number(number.characters(self.payload)),
            },
            _ => {
                let text = self.text(token).ok_or(Why::Other)?;
                if typing == Typing::Text { rule.parse_either(text) } else { rule.parse_text(text) }
            }
        };
        ms.map(Some).map_err(Why::Time)
    }

    /// The text of a token, without escapes; None if it is none.
    pub fn text(&mut self, token: Token) -> Option<&[u8]> {
        match token {
            Token::Text { from, to, escaped } => {
                let inside = self.payload.get(from as usize..to as usize).unwrap_or_default();
                Some(plain(inside, escaped, &mut self.buffers.text))
            }
            _ => None,
        }
    }
}

/// A text without its escapes; without copying it if it has none.
fn plain<'a>(inside: &'a [u8], escaped: bool, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    if !escaped {
        return inside;
    }
    buffer.clear();
    text::unescape(inside, buffer);
    buffer
}

/// A binary64 as the bits of an integer, which have the same place in a column.
fn float(number: Number, bytes: &[u8]) -> Result<i64, Why> {
    number.float(bytes).map(|number| number.to_bits() as i64).ok_or(Why::Number(Unfit::Range))
}

/// Appends what a base64 text stands for; nothing if it is not one.
fn base64(text: &[u8], heap: &mut Blobs) -> Result<(), Why> {
    let length = heap.bytes.len();
    if STANDARD.decode_vec(text, &mut heap.bytes).is_err() {
        heap.bytes.truncate(length);
        return Err(Why::Base64);
    }
    heap.ends.extend_from_slice(&(heap.bytes.len() as u32).to_le_bytes());
    Ok(())
}

/// The most bytes of a value that a reason repeats.
const FOUND_BYTES_MAX: usize = 40;

/// What stands at a path, for people.
pub(super) fn found(token: Token, payload: &[u8]) -> String {
    let (from, to) = token.span_with_quotes();
    let start = payload.get(from..to).unwrap_or_default();
    let cut = start.get(..FOUND_BYTES_MAX).unwrap_or(start);
    let text = cut.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let more = if cut.len() < start.len() { "…" } else { "" };
    match token {
        Token::Missing => "nothing".into(),
        Token::Null => "null".into(),
        Token::Boolean(value) => value.to_string(),
        Token::Number(_) => format!("number {text}{more}"),
        Token::Text { .. } => format!("text {text}{more}"),
        Token::Object { .. } => "an object".into(),
        Token::Array { .. } => "an array".into(),
    }
}

impl Token {
    /// Where the value stands in the payload; empty for literals.
    fn span_with_quotes(self) -> (usize, usize) {
        match self {
            Token::Missing | Token::Null | Token::Boolean(_) => (0, 0),
            Token::Number(Number { from, to, .. })
            | Token::Object { from, to }
            | Token::Array { from, to } => (from as usize, to as usize),
            Token::Text { from, to, .. } => (from as usize - 1, to as usize + 1),
        }
    }
}
