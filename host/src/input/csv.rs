//! CSV by RFC 4180: a header, then one event a record. Read by hand, since no reader at hand tells
//! an empty field from an empty text, or a quote that is never closed from the end of a file.
//!
//! A record becomes a JSON object of texts, in the header's order. A field with nothing in it is
//! left out, `""` is the empty text. Lines may end in a line feed alone, a quoted field may hold
//! line ends, and a quote within a field that does not begin with one stands for itself. Blank
//! lines are skipped.

use super::buffer::Buffer;
use super::sink::{At, Sink};
use super::{EVENT_BYTES_MAX, Error, Place, Reason, lines};
use crate::event::Typing;
use crate::rows::scalar::quoted;
use memchr::{memchr, memchr_iter, memchr3};

pub fn read(buffer: Buffer, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut records = Records { buffer, line: 1, fields: Vec::new() };
    let Some(heads) = records.header(sink)? else { return Ok(()) };
    let mut payload = Vec::new();
    while let Some(bytes) = records.next(sink)? {
        let place = Place::Line(records.line);
        match records.object(&heads, &mut payload) {
            Ok(()) => sink.payload(&payload, At { typing: Typing::Text, position: records.line, place })?,
            Err((place, reason)) => sink.refuse(place, reason)?,
        }
        records.pass(bytes);
    }
    Ok(())
}

/// Where a field is in its record, its quotes left out.
#[derive(Clone, Copy)]
struct Field {
    from: usize,
    to: usize,
    is_quoted: bool,
    /// It has quotes within, each of them doubled.
    is_doubled: bool,
}

/// What was found at the front of some bytes.
enum Found {
    /// A record that takes so many bytes, its end included.
    Record(usize),
    Blank(usize),
    /// More bytes are needed to tell.
    Open,
    /// So many bytes in, something is wrong.
    Fault(usize, &'static str),
}

struct Records {
    buffer: Buffer,
    /// Of the record at hand.
    line: u64,
    fields: Vec<Field>,
}

type Fault = (Place, Reason);

impl Records {
    /// The next record's bytes; its fields are in `fields`. It stays until it is passed.
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<usize>, Error> {
        loop {
            match split(self.buffer.data(), self.buffer.is_ended(), &mut self.fields) {
                Found::Record(bytes) => return Ok(Some(bytes)),
                Found::Blank(0) => return Ok(None),
                Found::Blank(bytes) => self.pass(bytes),
                Found::Fault(at, expected) => {
                    let found = match self.buffer.data().get(at) {
                        None => "the end".into(),
                        Some(byte) if byte.is_ascii_graphic() => format!("'{}'", char::from(*byte)),
                        Some(byte) => format!("byte 0x{byte:02x}"),
                    };
                    sink.refuse(self.place(at), Reason::expected(expected, found))?;
                    self.pass_line()?;
                }
                Found::Open if self.buffer.data().len() > EVENT_BYTES_MAX => {
                    sink.refuse(Place::Line(self.line), Reason::TooLong)?;
                    self.pass_line()?;
                }
                Found::Open => self.buffer.more_for(sink)?,
            }
        }
    }

    fn pass(&mut self, bytes: usize) {
        let passed = self.buffer.data().get(..bytes).unwrap_or_default();
        self.line += memchr_iter(b'\n', passed).count() as u64;
        self.buffer.consume(bytes);
    }

    /// Goes on behind the first line of a record that has no end to be known.
    fn pass_line(&mut self) -> Result<(), Error> {
        self.line += 1;
        lines::pass(&mut self.buffer)
    }

    fn place(&self, at: usize) -> Place {
        let before = self.buffer.data().get(..at).unwrap_or_default();
        let feeds = memchr_iter(b'\n', before).count() as u64;
        let last = memchr::memrchr(b'\n', before).map_or(0, |last| last + 1);
        Place::LineColumn(self.line + feeds, (at - last) as u64 + 1)
    }

    /// What stands before each field's value, escaped once: a name and a colon. None if there is
    /// no record at all. A header is never skipped.
    fn header(&mut self, sink: &mut Sink<'_>) -> Result<Option<Vec<Vec<u8>>>, Error> {
        let skipped = sink.skipped();
        let Some(bytes) = self.next(sink)? else { return Ok(None) };
        if sink.skipped() > skipped {
            return Err(sink.format_error("its header, which names the fields of CSV, is malformed"));
        }
        let mut heads: Vec<Vec<u8>> = Vec::new();
        for i in 0..self.fields.len() {
            let mut head = Vec::new();
            if let Err((place, reason)) = self.value(i, &mut head) {
                return Err(sink.broken(place, reason));
            }
            head.push(b':');
            if heads.contains(&head) {
                let name = String::from_utf8_lossy(head.strip_suffix(b":").unwrap_or(&head)).into_owned();
                return Err(sink.format_error(format!("two columns are named {name}; rename one of them")));
            }
            heads.push(head);
        }
        self.pass(bytes);
        Ok(Some(heads))
    }

    /// The record at hand as a JSON object.
    fn object(&mut self, heads: &[Vec<u8>], out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.fields.len() != heads.len() {
            let reason = Reason::Fields { found: self.fields.len(), header: heads.len() };
            return Err((Place::Line(self.line), reason));
        }
        out.clear();
        out.push(b'{');
        for (i, head) in heads.iter().enumerate() {
            if self.fields.get(i).is_some_and(|field| field.from == field.to && !field.is_quoted) {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(head);
            self.value(i, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// Field `i` as a JSON text.
    fn value(&mut self, i: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        let Some(field) = self.fields.get(i) else { return Ok(()) };
        let bytes = self.buffer.data().get(field.from..field.to).unwrap_or_default();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = field.from + error.valid_up_to();
                let found = format!("byte 0x{:02x}", bytes.get(error.valid_up_to()).copied().unwrap_or(0));
                return Err((self.place(at), Reason::expected("UTF-8", found)));
            }
        };
        if field.is_doubled {
            quoted(out, &text.replace("\"\"", "\""));
        } else {
            quoted(out, text);
        }
        Ok(())
    }
}

/// Splits the first record of `data`, behind which nothing comes if it `is_ended`.
fn split(data: &[u8], is_ended: bool, fields: &mut Vec<Field>) -> Found {
    fields.clear();
    let mut at = 0;
    loop {
        let field = match data.get(at) {
            Some(b'"') => match quoted_field(data, at + 1) {
                Some(field) => field,
                None if is_ended => return Found::Fault(data.len(), "a closing quote"),
                None => return Found::Open,
            },
            _ => {
                let rest = data.get(at..).unwrap_or_default();
                let to = at + memchr3(b',', b'\n', b'\r', rest).unwrap_or(rest.len());
                Field { from: at, to, is_quoted: false, is_doubled: false }
            }
        };
        at = field.to + usize::from(field.is_quoted);
        // A carriage return alone may end lines or be lost from a text: only its writer knows.
        let (end, after) = match (data.get(at), data.get(at + 1)) {
            (Some(b','), _) => (false, at + 1),
            (Some(b'\n'), _) => (true, at + 1),
            (Some(b'\r'), Some(b'\n')) => (true, at + 2),
            (Some(b'\r'), None) if is_ended => (true, at + 1),
            (None, _) if is_ended => (true, at),
            (None, _) | (Some(b'\r'), None) => return Found::Open,
            (Some(_), _) if field.is_quoted => {
                return Found::Fault(at, "a comma or the end of the line behind a closing quote");
            }
            (Some(_), _) => return Found::Fault(at, "a line feed behind a carriage return"),
        };
        if end && fields.is_empty() && field.from == field.to && !field.is_quoted {
            return Found::Blank(after);
        }
        fields.push(field);
        if end {
            return Found::Record(after);
        }
        at = after;
    }
}

/// A field whose opening quote is before `from`; None if its closing quote is not there. A quote as
/// the last byte may be the first of two, which more bytes would tell.
fn quoted_field(data: &[u8], from: usize) -> Option<Field> {
    let (mut at, mut is_doubled) = (from, false);
    loop {
        let to = at + memchr(b'"', data.get(at..)?)?;
        if data.get(to + 1) != Some(&b'"') {
            return Some(Field { from, to, is_quoted: true, is_doubled });
        }
        is_doubled = true;
        at = to + 2;
    }
}
