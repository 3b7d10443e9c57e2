//! One strict pass over a JSON text (RFC 8259) that leaves, for each declared path, where its value
//! is. Owns the grammar: what is accepted, and which fault comes first. Knows no kinds.
//!
//! Stricter than the RFC where it leaves a choice: lone surrogates are faults, also in names and in
//! values that nobody asked for; of equal names in one object the last counts, and an object that
//! comes again replaces the former one as a whole; nesting is bounded.

use super::block::Index;
use super::number::{self, Number};
use super::shape::{Progress, Shape};
use super::text;
use super::tree::{Place, Tree};
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

/// What a walk leaves for the next one: allocations, and the shapes of the objects it has seen.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    index: Index,
    /// A name whose escapes are undone.
    name: Vec<u8>,
    /// By node of the tree that has the id.
    shapes: Vec<Shape>,
    tree: u64,
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
    if buffers.tree != tree.id() {
        buffers.tree = tree.id();
        buffers.shapes.clear();
        buffers.shapes.resize_with(tree.nodes(), Shape::default);
    }
    let Buffers { index, name, shapes, .. } = buffers;
    let mut walker = Walker { bytes, index, name, shapes, tree, slots, fault: None };
    let _ = walker.document();
    let mut fault = walker.fault;
    if index.beyond_ascii
        && let Some(at) = not_utf8(bytes)
        && fault.is_none_or(|fault| at < fault.at)
    {
        fault = Some(Fault { at, expected: "UTF-8" });
    }
    fault.map_or(Ok(()), |fault| Err(malformed(bytes, fault)))
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

struct Walker<'a> {
    bytes: &'a [u8],
    index: &'a Index,
    name: &'a mut Vec<u8>,
    shapes: &'a mut [Shape],
    tree: &'a Tree,
    slots: &'a mut [Token],
    /// Why the walk ended early.
    fault: Option<Fault>,
}

/// Each step goes from a place in the text to the one behind what it passes; None if there is a
/// fault, which then is kept aside: like this all results stay in registers.
impl Walker<'_> {
    fn document(&mut self) -> Option<()> {
        let at = self.space(0);
        let at = match (self.byte(at), self.tree.root()) {
            (b'{', Place { slot: None, node: Some(node) }) => self.object(at, node, 1)?,
            (_, place) => self.value(at, Some(place), 0)?,
        };
        let at = self.space(at);
        if at < self.bytes.len() { self.fault(at, "the end") } else { Some(()) }
    }

    #[cold]
    fn fault<T>(&mut self, at: usize, expected: &'static str) -> Option<T> {
        self.fault = Some(Fault { at, expected });
        None
    }

    /// The byte at a place; 0, which is allowed nowhere, behind the end.
    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn space(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        at
    }

    /// Passes a value and puts what is wanted of it into the slots.
    #[inline(always)]
    fn value(&mut self, at: usize, place: Option<Place>, depth: u32) -> Option<usize> {
        let byte = self.byte(at);
        let (at, token) = match place {
            Some(Place { node: Some(node), .. }) => self.inner(at, node, depth)?,
            _ if byte == b'"' => self.text(at)?,
            _ if byte.is_ascii_digit() || byte == b'-' => self.number(at)?,
            _ => self.other(at, depth)?,
        };
        if let Some(slot) = place.and_then(|place| self.slots.get_mut(place.slot? as usize)) {
            *slot = token;
        }
        Some(at)
    }

    /// A value in which something is wanted.
    #[inline(never)]
    fn inner(&mut self, from: usize, node: u32, depth: u32) -> Option<(usize, Token)> {
        // What a former value of the same name had below it counts no more.
        self.slots.get_mut(self.tree.slots_within(node)).unwrap_or_default().fill(Token::Missing);
        match self.byte(from) {
            b'{' => {
                let to = self.object(from, node, depth + 1)?;
                Some((to, Token::Object { from: from as u32, to: to as u32 }))
            }
            b'[' => {
                let to = self.array(from, node, depth + 1)?;
                Some((to, Token::Array { from: from as u32, to: to as u32 }))
            }
            _ => self.scalar(from),
        }
    }

    /// Neither a text nor a number, and nothing is wanted in it.
    #[inline(never)]
    fn other(&mut self, from: usize, depth: u32) -> Option<(usize, Token)> {
        match self.byte(from) {
            b'{' => {
                let to = self.skip(from, depth)?;
                Some((to, Token::Object { from: from as u32, to: to as u32 }))
            }
            b'[' => {
                let to = self.skip(from, depth)?;
                Some((to, Token::Array { from: from as u32, to: to as u32 }))
            }
            _ => self.literal(from),
        }
    }

    fn object(&mut self, from: usize, node: u32, depth: u32) -> Option<usize> {
        self.deep_enough(from, depth)?;
        // Taken out for as long as it is at hand; a fault loses it, and the next object learns it.
        let mut shape = std::mem::take(self.shapes.get_mut(node as usize)?);
        let mut progress = Progress::default();
        let mut at = from;
        loop {
            let place = match shape.lead_in(self.bytes, at, &mut progress) {
                Some((length, place)) => {
                    // The lead-in ends where a value once began; this one may have more space.
                    at = self.space(at + length);
                    place
                }
                None => match self.member((from, at), node, &mut shape, &mut progress)? {
                    Step::Value(value, place) => {
                        at = value;
                        place
                    }
                    Step::End(end) => {
                        shape.finish(&progress);
                        *self.shapes.get_mut(node as usize)? = shape;
                        return Some(end);
                    }
                },
            };
            at = self.value(at, place, depth)?;
        }
    }

    /// Passes what leads to the next value of an object, or to its end. The object begins at `from`;
    /// `start` is there too, or behind a value.
    #[inline(never)]
    fn member(
        &mut self,
        (from, start): (usize, usize),
        node: u32,
        shape: &mut Shape,
        progress: &mut Progress,
    ) -> Option<Step> {
        let is_first = start == from;
        let behind = self.space(if is_first { start + 1 } else { start });
        let at = match self.byte(behind) {
            b'}' => return Some(Step::End(behind + 1)),
            _ if is_first => behind,
            b',' => self.space(behind + 1),
            _ => return self.fault(behind, "',' or '}'"),
        };
        let (at, (from, to)) = self.name(at)?;
        let name = self.bytes.get(from..to)?;
        if self.index.has_backslash(from, to) {
            self.name.clear();
            text::unescape(name, self.name);
            return Some(Step::Value(at, self.tree.child(node, Words::of(self.name), self.name)));
        }
        let place = self.tree.child(node, Words::at(self.bytes, from, to), name);
        let lead_in = self.bytes.get(start..at)?;
        shape.learn(lead_in, place, progress);
        Some(Step::Value(at, place))
    }

    fn array(&mut self, from: usize, node: u32, depth: u32) -> Option<usize> {
        self.deep_enough(from, depth)?;
        let mut at = self.space(from + 1);
        if self.byte(at) == b']' {
            return Some(at + 1);
        }
        for i in 0.. {
            at = self.value(at, self.tree.element(node, i), depth)?;
            at = self.space(at);
            match self.byte(at) {
                b',' => at = self.space(at + 1),
                b']' => break,
                _ => return self.fault(at, "',' or ']'"),
            }
        }
        Some(at + 1)
    }

    /// Passes a name and its colon; the inside of its quotes.
    #[inline(always)]
    fn name(&mut self, at: usize) -> Option<(usize, (usize, usize))> {
        if self.byte(at) != b'"' {
            return self.fault(at, "a name in quotes");
        }
        let (behind, _) = self.text(at)?;
        let colon = self.space(behind);
        if self.byte(colon) != b':' {
            return self.fault(colon, "':'");
        }
        Some((self.space(colon + 1), (at + 1, behind - 1)))
    }

    /// Passes the text whose opening quote is here.
    #[inline(always)]
    fn text(&mut self, at: usize) -> Option<(usize, Token)> {
        let from = at + 1;
        let Some(to) = self.index.quote(from) else { return self.endless(from) };
        let escaped = self.index.special && self.check_text(from, to)?;
        Some((to + 1, Token::Text { from: from as u32, to: to as u32, escaped }))
    }

    #[cold]
    fn endless<T>(&mut self, from: usize) -> Option<T> {
        self.check_text(from, self.bytes.len())?;
        self.fault(self.bytes.len(), "a closing quote")
    }

    /// Whether there are escapes between two places, all of which must be right.
    #[inline(never)]
    fn check_text(&mut self, from: usize, to: usize) -> Option<bool> {
        let escaped = self.index.has_backslash(from, to);
        let bad = if escaped { text::check(self.bytes, from, to).err() } else { None };
        let inside = || self.bytes.get(from..to).unwrap_or_default();
        let control = self.index.has_control(from, to).then(|| inside().iter().position(|byte| *byte < 0x20));
        match (bad, control.flatten().map(|at| from + at)) {
            (None, None) => Some(escaped),
            (Some(bad), control) if control.is_none_or(|at| bad.at <= at) => self.fault(bad.at, bad.expected),
            (_, at) => self.fault(at.unwrap_or(from), "an escape instead of a control character"),
        }
    }

    #[inline(always)]
    fn scalar(&mut self, at: usize) -> Option<(usize, Token)> {
        match self.byte(at) {
            b'"' => self.text(at),
            b'-' | b'0'..=b'9' => self.number(at),
            _ => self.literal(at),
        }
    }

    #[inline(always)]
    fn number(&mut self, at: usize) -> Option<(usize, Token)> {
        match number::scan(self.bytes, at) {
            Ok(number) => Some((number.to as usize, Token::Number(number))),
            Err(bad) => self.fault(bad.at, bad.expected),
        }
    }

    #[inline(never)]
    fn literal(&mut self, at: usize) -> Option<(usize, Token)> {
        let word = word_at(self.bytes, at);
        let is =
            |literal: &[u8; 8], bytes: u32| (word ^ u64::from_le_bytes(*literal)) << (64 - 8 * bytes) == 0;
        if is(b"true    ", 4) {
            Some((at + 4, Token::Boolean(true)))
        } else if is(b"false   ", 5) {
            Some((at + 5, Token::Boolean(false)))
        } else if is(b"null    ", 4) {
            Some((at + 4, Token::Null))
        } else {
            self.fault(at, "a value")
        }
    }

    /// Passes an object or array in which nothing is wanted. A loop with one bit a level, since the
    /// depth is the sender's choice and the stack is ours.
    #[inline(never)]
    fn skip(&mut self, mut at: usize, depth: u32) -> Option<usize> {
        let mut open = depth;
        let mut objects: u128 = 0;
        loop {
            let byte = self.byte(at);
            if matches!(byte, b'{' | b'[') {
                open += 1;
                self.deep_enough(at, open)?;
                let is_object = byte == b'{';
                objects = objects << 1 | u128::from(is_object);
                at = self.space(at + 1);
                // In ASCII the closing ones are two behind the opening ones.
                if self.byte(at) != byte + 2 {
                    if is_object {
                        (at, _) = self.name(at)?;
                    }
                    continue;
                }
            } else {
                (at, _) = self.scalar(at)?;
                at = self.space(at);
            }
            loop {
                let is_object = objects & 1 == 1;
                match self.byte(at) {
                    b',' => {
                        at = self.space(at + 1);
                        if is_object {
                            (at, _) = self.name(at)?;
                        }
                        break;
                    }
                    b'}' if is_object => {}
                    b']' if !is_object => {}
                    _ => return self.fault(at, if is_object { "',' or '}'" } else { "',' or ']'" }),
                }
                open -= 1;
                objects >>= 1;
                if open == depth {
                    return Some(at + 1);
                }
                at = self.space(at + 1);
            }
        }
    }

    #[inline(always)]
    fn deep_enough(&mut self, at: usize, depth: u32) -> Option<()> {
        if depth > DEPTH_MAX { self.fault(at, "no more than 128 levels of nesting") } else { Some(()) }
    }
}

/// What comes next in an object.
enum Step {
    /// A value, and what is wanted of it.
    Value(usize, Option<Place>),
    /// Nothing: its end.
    End(usize),
}
