//! Bytes of one source, read ahead as far as a reader of lines or records asks.

use super::Error;
use super::sink::Sink;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

const FIRST_BYTES: usize = 1 << 20;

pub struct Buffer {
    from: Box<dyn Read>,
    path: String,
    /// The compression that `from` undoes.
    compression: Option<&'static str>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes that `from` has given.
    given: u64,
    is_ended: bool,
}

impl Buffer {
    pub fn new(from: Box<dyn Read>, path: &str, compression: Option<&'static str>) -> Buffer {
        let path = path.into();
        Buffer { from, path, compression, bytes: Vec::new(), start: 0, end: 0, given: 0, is_ended: false }
    }

    /// Bytes that are all there is.
    pub fn whole(bytes: Vec<u8>) -> Buffer {
        let end = bytes.len();
        Buffer {
            from: Box::new(io::empty()),
            path: String::new(),
            compression: None,
            bytes,
            start: 0,
            end,
            given: end as u64,
            is_ended: true,
        }
    }

    /// What was read and not consumed.
    #[inline]
    pub fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    #[inline]
    pub fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Reads on; [`Buffer::is_ended`] tells whether there was nothing more.
    pub fn more(&mut self) -> Result<(), Error> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.bytes.len() < FIRST_BYTES.max(self.end * 2) {
            self.bytes.resize(FIRST_BYTES.max(self.end * 2), 0);
        }
        let place = self.bytes.get_mut(self.end..).unwrap_or_default();
        let read = loop {
            match self.from.read(place) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let read = read.map_err(|error| self.cannot(error))?;
        self.end += read;
        self.given += read as u64;
        self.is_ended = read == 0;
        Ok(())
    }

    /// [`Buffer::more`], with a report of progress.
    pub fn more_for(&mut self, sink: &mut Sink<'_>) -> Result<(), Error> {
        self.more()?;
        sink.report();
        Ok(())
    }

    /// The bytes from the first that is not consumed on, read again, and what follows.
    pub fn into_read(self) -> impl BufRead + 'static {
        let rest = io::Cursor::new(self.data().to_vec());
        rest.chain(BufReader::with_capacity(FIRST_BYTES, self.from))
    }

    fn cannot(&self, error: io::Error) -> Error {
        let path = self.path.clone();
        // An error of the system is one of reading; all others are of decompressing.
        match self.compression.filter(|_| error.raw_os_error().is_none()) {
            Some(compression) => {
                let state = if error.kind() == ErrorKind::UnexpectedEof { "cut off" } else { "damaged" };
                Error::Compressed { path, compression, state, bytes: self.given }
            }
            None => Error::Read { path, source: error },
        }
    }
}
