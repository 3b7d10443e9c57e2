//! NDJSON: one event a line. Blank lines are skipped, a carriage return at the end of a line is not
//! part of it, and the last line needs no line feed.

use super::buffer::Buffer;
use super::sink::{At, Sink};
use super::{EVENT_BYTES_MAX, Error, Place, Reason};
use crate::event::Typing;
use memchr::memchr;

/// `typing`: how the lines came to be JSON.
pub fn read(mut buffer: Buffer, typing: Typing, sink: &mut Sink<'_>) -> Result<(), Error> {
    let mut number = 0;
    // Bytes of the line at hand that are known to have no line feed.
    let mut seen = 0;
    loop {
        let data = buffer.data();
        if let Some(at) = data.get(seen..).and_then(|rest| memchr(b'\n', rest)) {
            number += 1;
            let found = data.get(..seen + at).unwrap_or_default();
            line(found, typing, number, sink)?;
            buffer.consume(seen + at + 1);
            seen = 0;
            continue;
        }
        seen = data.len();
        if buffer.is_ended() {
            return line(data, typing, number + 1, sink);
        }
        if seen > EVENT_BYTES_MAX {
            number += 1;
            sink.refuse(Place::Line(number), Reason::TooLong)?;
            pass(&mut buffer)?;
            seen = 0;
            continue;
        }
        buffer.more_for(sink)?;
    }
}

#[inline]
fn line(line: &[u8], typing: Typing, number: u64, sink: &mut Sink<'_>) -> Result<(), Error> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.first().is_none_or(u8::is_ascii_whitespace) && line.trim_ascii().is_empty() {
        return Ok(());
    }
    sink.payload(line, At { typing, position: number, place: Place::Line(number) })
}

/// Drops bytes until after the next line feed.
pub fn pass(buffer: &mut Buffer) -> Result<(), Error> {
    loop {
        match memchr(b'\n', buffer.data()) {
            Some(at) => {
                buffer.consume(at + 1);
                return Ok(());
            }
            None => buffer.consume(buffer.data().len()),
        }
        if buffer.is_ended() {
            return Ok(());
        }
        buffer.more()?;
    }
}
