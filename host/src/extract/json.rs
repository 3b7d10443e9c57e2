//! One strict pass over a JSON text (RFC 8259) that leaves, for each declared path, where its value
//! is. Owns the grammar: what is accepted, and which fault comes first. Knows no kinds.
//!
//! Stricter than the RFC where it leaves a choice: lone surrogates are faults, also in names and in
//! values that nobody asked for; of equal names in one object the last counts, and an object that
//! comes again replaces the former one as a whole; nesting is bounded.

use super::block::Index;
use super::number::{self, Number};
use super::text;
use super::tree::{Node, Tree};
use super::word::{Words, word_at};

/// Objects and arrays within each other.
pub const DEPTH_MAX: u32 = 128;

/// What a value is and where it is: from `from` to before `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Token {
    #[default]
    Missing,
    Null,
    Boolean(bool),
    Number(Number),
    /// The inside of the quotes.
    Text {
        from: u32,
        to: u32,
        escaped: bool,
    },
    Object {
        from: u32,
        to: u32,
    },
    Array {
        from: u32,
        to: u32,
    },
}

/// Where a text is not JSON. Plain, so that passing it along costs nothing; see [`Malformed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    at: usize,
    expected: &'static str,
}

/// A text that is not JSON: the first fault in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: expected {expected}, found {found}")]
pub struct Malformed {
    /// Counted in bytes, from 1; behind the last one if something is missing at the end.
    pub column: usize,
    pub expected: &'static str,
    pub found: String,
}

/// Buffers of a walk, kept for the next one.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    index: Index,
    /// A name whose escapes are undone.
    name: Vec<u8>,
}

/// Walks through `bytes` and fills the tree's slots, all of which must be `Missing`.
pub(super) fn walk(
    bytes: &[u8],
    buffers: &mut Buffers,
    tree: &Tree,
    slots: &mut [Token],
) -> Result<(), Malformed> {
    if u32::try_from(bytes.len()).is_err() {
        return Err(malformed(bytes, Fault { at: u32::MAX as usize, expected: "the end within 4 GiB" }));
    }
    buffers.index.fill(bytes);
    let walked = Walker { bytes, index: &buffers.index, name: &mut buffers.name, tree, slots }.document();
    if buffers.index.beyond_ascii
        && let Some(at) = not_utf8(bytes)
        && walked.err().is_none_or(|fault| at < fault.at)
    {
        return Err(malformed(bytes, Fault { at, expected: "UTF-8" }));
    }
    walked.map_err(|fault| malformed(bytes, fault))
}

fn not_utf8(bytes: &[u8]) -> Option<usize> {
    if simdutf8::basic::from_utf8(bytes).is_ok() {
        return None;
    }
    std::str::from_utf8(bytes).err().map(|error| error.valid_up_to())
}

#[cold]
fn malformed(bytes: &[u8], fault: Fault) -> Malformed {
    let rest = bytes.get(fault.at..).unwrap_or_default();
    let valid = rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    let found = match (valid, rest.first()) {
        (_, None) => "the end".into(),
        (Some(char), _) if !char.is_control() => format!("'{char}'"),
        (_, Some(byte)) => format!("byte 0x{byte:02x}"),
    };
    Malformed { column: fault.at + 1, expected: fault.expected, found }
}

/// How far a walk has come.
#[derive(Clone, Copy)]
struct Cursor {
    at: usize,
    /// Quotes of the block that have not been passed yet.
    quotes: u64,
    block: usize,
}

struct Walker<'a> {
    bytes: &'a [u8],
    index: &'a Index,
    name: &'a mut Vec<u8>,
    tree: &'a Tree,
    slots: &'a mut [Token],
}

impl<'a> Walker<'a> {
    fn document(&mut self) -> Result<(), Fault> {
        let start = Cursor { at: 0, quotes: self.index.quotes(0).unwrap_or(0), block: 0 };
        let mut cursor = self.space(start);
        self.value(&mut cursor, self.tree.root(), 0)?;
        cursor = self.space(cursor);
        match self.bytes.get(cursor.at) {
            None => Ok(()),
            Some(_) => fault(cursor, "the end"),
        }
    }

    /// The byte at a place; 0, which is allowed nowhere, behind the end.
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn space(&self, mut cursor: Cursor) -> Cursor {
        while matches!(self.byte(cursor.at), b' ' | b'\t' | b'\n' | b'\r') {
            cursor.at += 1;
        }
        cursor
    }

    /// Passes a value and puts what is wanted of it into the slots.
    #[inline(always)]
    fn value(&mut self, cursor: &mut Cursor, node: Option<&'a Node>, depth: u32) -> Result<(), Fault> {
        let opening = matches!(self.byte(cursor.at), b'{' | b'[');
        let Some(node) = node else {
            return if opening { self.skip(cursor, depth) } else { self.scalar(cursor).map(|_| ()) };
        };
        if !node.is_leaf() {
            // What a former value of the same name had below it counts no more.
            self.slots.get_mut(node.slots.clone()).unwrap_or_default().fill(Token::Missing);
        }
        let token = if opening { self.container(cursor, node, depth)? } else { self.scalar(cursor)? };
        if let Some(slot) = node.slot.and_then(|slot| self.slots.get_mut(slot)) {
            *slot = token;
        }
        Ok(())
    }

    #[inline(never)]
    fn container(&mut self, cursor: &mut Cursor, node: &'a Node, depth: u32) -> Result<Token, Fault> {
        let from = cursor.at;
        let is_object = self.byte(from) == b'{';
        match is_object {
            _ if node.is_leaf() => self.skip(cursor, depth)?,
            true => self.object(cursor, node, depth + 1)?,
            false => self.array(cursor, node, depth + 1)?,
        }
        let (from, to) = (from as u32, cursor.at as u32);
        Ok(if is_object { Token::Object { from, to } } else { Token::Array { from, to } })
    }

    fn object(&mut self, place: &mut Cursor, node: &'a Node, depth: u32) -> Result<(), Fault> {
        let mut cursor = self.open(*place, depth)?;
        let mut hint = 0;
        if self.byte(cursor.at) != b'}' {
            loop {
                let (from, to) = self.name(&mut cursor)?;
                let child = self.child(node, from, to, &mut hint);
                self.value(&mut cursor, child, depth)?;
                cursor = self.space(cursor);
                match self.byte(cursor.at) {
                    b',' => cursor = self.step(cursor),
                    b'}' => break,
                    _ => return fault(cursor, "',' or '}'"),
                }
            }
        }
        cursor.at += 1;
        *place = cursor;
        Ok(())
    }

    fn array(&mut self, place: &mut Cursor, node: &'a Node, depth: u32) -> Result<(), Fault> {
        let mut cursor = self.open(*place, depth)?;
        if self.byte(cursor.at) != b']' {
            for i in 0.. {
                self.value(&mut cursor, self.tree.element(node, i), depth)?;
                cursor = self.space(cursor);
                match self.byte(cursor.at) {
                    b',' => cursor = self.step(cursor),
                    b']' => break,
                    _ => return fault(cursor, "',' or ']'"),
                }
            }
        }
        cursor.at += 1;
        *place = cursor;
        Ok(())
    }

    /// Behind an opening bracket or brace and the space that follows it.
    #[inline(always)]
    fn open(&self, cursor: Cursor, depth: u32) -> Result<Cursor, Fault> {
        if depth > DEPTH_MAX {
            return fault(cursor, "no more than 128 levels of nesting");
        }
        Ok(self.step(cursor))
    }

    /// Behind one byte and the space that follows it.
    #[inline(always)]
    fn step(&self, mut cursor: Cursor) -> Cursor {
        cursor.at += 1;
        self.space(cursor)
    }

    /// A name and its colon; the inside of its quotes.
    #[inline(always)]
    fn name(&mut self, cursor: &mut Cursor) -> Result<(usize, usize), Fault> {
        if self.byte(cursor.at) != b'"' {
            return fault(*cursor, "a name in quotes");
        }
        let (from, to, _) = self.text(cursor)?;
        *cursor = self.space(*cursor);
        if self.byte(cursor.at) != b':' {
            return fault(*cursor, "':'");
        }
        *cursor = self.step(*cursor);
        Ok((from, to))
    }

    #[inline(always)]
    fn child(&mut self, node: &Node, from: usize, to: usize, hint: &mut usize) -> Option<&'a Node> {
        if self.index.has_backslash(from, to) {
            return self.escaped_child(node, from, to);
        }
        let bytes = self.bytes;
        let name = || bytes.get(from..to).unwrap_or_default();
        self.tree.child(node, Words::at(bytes, from, to), name, hint)
    }

    #[cold]
    fn escaped_child(&mut self, node: &Node, from: usize, to: usize) -> Option<&'a Node> {
        self.name.clear();
        text::unescape(self.bytes.get(from..to).unwrap_or_default(), self.name);
        self.tree.child(node, Words::of(self.name), || self.name.as_slice(), &mut 0)
    }

    /// Passes the text whose opening quote is here: the inside of its quotes, and whether there are
    /// escapes in it.
    #[inline(always)]
    fn text(&mut self, cursor: &mut Cursor) -> Result<(usize, usize, bool), Fault> {
        let from = cursor.at + 1;
        // The first quote not passed yet is the opening one: all before it belonged to texts, and
        // outside of texts every byte has been looked at.
        let _ = self.quote(cursor);
        let Some(to) = self.quote(cursor) else {
            self.check_text(from, self.bytes.len())?;
            return Err(Fault { at: self.bytes.len(), expected: "a closing quote" });
        };
        let escaped = self.index.special && self.check_text(from, to)?;
        cursor.at = to + 1;
        Ok((from, to, escaped))
    }

    /// Passes the next quote.
    #[inline(always)]
    fn quote(&self, cursor: &mut Cursor) -> Option<usize> {
        while cursor.quotes == 0 {
            cursor.block += 1;
            cursor.quotes = self.index.quotes(cursor.block)?;
        }
        let at = cursor.block * 64 + cursor.quotes.trailing_zeros() as usize;
        cursor.quotes &= cursor.quotes - 1;
        Some(at)
    }

    /// Whether there are escapes between two places, all of which must be right.
    #[inline(never)]
    fn check_text(&self, from: usize, to: usize) -> Result<bool, Fault> {
        let escaped = self.index.has_backslash(from, to);
        let bad = if escaped { text::check(self.bytes, from, to).err() } else { None };
        let inside = || self.bytes.get(from..to).unwrap_or_default();
        let control = self.index.has_control(from, to).then(|| inside().iter().position(|byte| *byte < 0x20));
        match (bad, control.flatten().map(|at| from + at)) {
            (None, None) => Ok(escaped),
            (Some(bad), control) if control.is_none_or(|at| bad.at <= at) => {
                Err(Fault { at: bad.at, expected: bad.expected })
            }
            (_, at) => {
                Err(Fault { at: at.unwrap_or(from), expected: "an escape instead of a control character" })
            }
        }
    }

    #[inline(always)]
    fn scalar(&mut self, cursor: &mut Cursor) -> Result<Token, Fault> {
        match self.byte(cursor.at) {
            b'"' => {
                let (from, to, escaped) = self.text(cursor)?;
                Ok(Token::Text { from: from as u32, to: to as u32, escaped })
            }
            b'-' | b'0'..=b'9' => {
                let number = number::scan(self.bytes, cursor.at)
                    .map_err(|bad| Fault { at: bad.at, expected: bad.expected })?;
                cursor.at = number.to as usize;
                Ok(Token::Number(number))
            }
            _ => self.literal(cursor),
        }
    }

    #[inline(never)]
    fn literal(&self, cursor: &mut Cursor) -> Result<Token, Fault> {
        let word = word_at(self.bytes, cursor.at);
        let is =
            |literal: &[u8; 8], bytes: u32| (word ^ u64::from_le_bytes(*literal)) << (64 - 8 * bytes) == 0;
        let (token, length) = if is(b"true    ", 4) {
            (Token::Boolean(true), 4)
        } else if is(b"false   ", 5) {
            (Token::Boolean(false), 5)
        } else if is(b"null    ", 4) {
            (Token::Null, 4)
        } else {
            return fault(*cursor, "a value");
        };
        cursor.at += length;
        Ok(token)
    }

    /// Passes an object or array that nobody asked for. A loop with one bit a level, since the
    /// depth is the sender's choice and the stack is ours.
    #[inline(never)]
    fn skip(&mut self, place: &mut Cursor, depth: u32) -> Result<(), Fault> {
        let mut cursor = *place;
        let mut open = depth;
        let mut objects: u128 = 0;
        loop {
            let byte = self.byte(cursor.at);
            if matches!(byte, b'{' | b'[') {
                open += 1;
                let is_object = byte == b'{';
                objects = objects << 1 | u128::from(is_object);
                cursor = self.open(cursor, open)?;
                if self.byte(cursor.at) != byte + 2 {
                    if is_object {
                        self.name(&mut cursor)?;
                    }
                    continue;
                }
            } else {
                self.scalar(&mut cursor)?;
                cursor = self.space(cursor);
            }
            while open > depth {
                let is_object = objects & 1 == 1;
                match self.byte(cursor.at) {
                    b',' => {
                        cursor = self.step(cursor);
                        if is_object {
                            self.name(&mut cursor)?;
                        }
                        break;
                    }
                    b'}' if is_object => {}
                    b']' if !is_object => {}
                    _ => return fault(cursor, if is_object { "',' or '}'" } else { "',' or ']'" }),
                }
                cursor.at += 1;
                open -= 1;
                objects >>= 1;
                if open == depth {
                    *place = cursor;
                    return Ok(());
                }
                cursor = self.space(cursor);
            }
        }
    }
}

#[cold]
fn fault<T>(cursor: Cursor, expected: &'static str) -> Result<T, Fault> {
    Err(Fault { at: cursor.at, expected })
}
