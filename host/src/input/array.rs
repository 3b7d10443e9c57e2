//! A JSON array: one event an element. Finds where elements end; whether they are JSON is seen
//! later. A fault within an element is that element's, one between them is the whole array's: it is
//! refused also where elements may be skipped.

use super::buffer::Buffer;
use super::sink::Sink;
use super::{EVENT_BYTES_MAX, Error, Place, Reason};
use memchr::{memchr_iter, memchr2, memrchr};

pub fn read(buffer: Buffer, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut array = Array { buffer, line: 1, column: 1 };
    array.space(sink)?;
    array.pass(1);
    array.space(sink)?;
    if array.first() == Some(b']') {
        array.pass(1);
    } else {
        array.elements(sink)?;
    }
    array.space(sink)?;
    match array.first() {
        None => Ok(()),
        Some(_) => Err(array.broken("the end behind the array", sink)),
    }
}

struct Array {
    buffer: Buffer,
    /// Where the first byte of the buffer is.
    line: u64,
    column: u64,
}

impl Array {
    fn first(&self) -> Option<u8> {
        self.buffer.data().first().copied()
    }

    /// All elements and the bracket behind them.
    fn elements(&mut self, sink: &mut Sink<'_>) -> Result<(), Error> {
        for position in 1.. {
            self.space(sink)?;
            let bytes = self.element(sink)?;
            let element = self.buffer.data().get(..bytes).unwrap_or_default().trim_ascii_end();
            if element.is_empty() {
                return Err(self.broken("a value", sink));
            }
            sink.element(element, position, Place::LineColumn(self.line, self.column))?;
            self.pass(bytes);
            let is_last = self.first() == Some(b']');
            self.pass(1);
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// The bytes before the comma or bracket that ends the element at hand.
    fn element(&mut self, sink: &mut Sink<'_>) -> Result<usize, Error> {
        let (mut at, mut depth, mut is_text) = (0, 0u64, false);
        loop {
            let data = self.buffer.data();
            while let Some(byte) = data.get(at) {
                match byte {
                    b'"' => is_text = !is_text,
                    // What is escaped ends no text; it may be yet to be read.
                    b'\\' if is_text => at += 1,
                    _ if is_text => {
                        let rest = data.get(at..).unwrap_or_default();
                        at += memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b',' | b']' if depth == 0 => return Ok(at),
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                at += 1;
            }
            if at > EVENT_BYTES_MAX {
                let place = Place::LineColumn(self.line, self.column);
                return Err(sink.broken(place, Reason::TooLong));
            }
            if self.buffer.is_ended() {
                self.pass(self.buffer.data().len());
                return Err(self.broken("a comma or the end of the array", sink));
            }
            self.buffer.more_for(sink)?;
        }
    }

    /// Goes on to what is not white space, if anything is.
    fn space(&mut self, sink: &mut Sink<'_>) -> Result<(), Error> {
        loop {
            let data = self.buffer.data();
            let space = data.len() - data.trim_ascii_start().len();
            self.pass(space);
            if !self.buffer.data().is_empty() || self.buffer.is_ended() {
                return Ok(());
            }
            self.buffer.more_for(sink)?;
        }
    }

    fn pass(&mut self, bytes: usize) {
        let passed = self.buffer.data().get(..bytes).unwrap_or_default();
        self.line += memchr_iter(b'\n', passed).count() as u64;
        self.column = match memrchr(b'\n', passed) {
            Some(last) => (passed.len() - last) as u64,
            None => self.column + passed.len() as u64,
        };
        self.buffer.consume(bytes);
    }

    fn broken(&self, expected: &str, sink: &Sink<'_>) -> Error {
        let found = match self.first() {
            None => "the end".into(),
            Some(byte) if byte.is_ascii_graphic() => format!("'{}'", char::from(byte)),
            Some(byte) => format!("byte 0x{byte:02x}"),
        };
        sink.broken(Place::LineColumn(self.line, self.column), Reason::expected(expected, found))
    }
}
