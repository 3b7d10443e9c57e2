//! What a Content-Encoding did to a body, undone within bounds.

use super::Error;
use flate2::bufread::MultiGzDecoder;
use std::io::{ErrorKind, Read};

/// A body is decompressed so many bytes at a time; between, its bounds are looked at.
const STEP_BYTES: usize = 256 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Gzip,
    Zstd,
}

impl Encoding {
    /// None if the body is as it is.
    pub fn of(text: Option<&str>) -> Result<Option<Encoding>, Error> {
        match text.map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Ok(None),
            Some("gzip" | "x-gzip") => Ok(Some(Encoding::Gzip)),
            Some("zstd") => Ok(Some(Encoding::Zstd)),
            Some(other) => Err(Error::Encoding(other.into())),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Encoding::Gzip => "gzip",
            Encoding::Zstd => "zstd",
        }
    }
}

/// At most `bytes_max` bytes; `room` is asked before so many more are taken.
pub fn decode(
    encoding: Encoding,
    body: &[u8],
    bytes_max: usize,
    room: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<u8>, Error> {
    let fault = |error: &std::io::Error, bytes| {
        let state = if error.kind() == ErrorKind::UnexpectedEof { "cut off" } else { "damaged" };
        Error::Compressed { compression: encoding.name(), state, bytes }
    };
    let mut decoder: Box<dyn Read + '_> = match encoding {
        Encoding::Gzip => Box::new(MultiGzDecoder::new(body)),
        Encoding::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(body);
            Box::new(decoder.map_err(|error| fault(&error, 0))?)
        }
    };
    let mut decoded = Vec::new();
    // What a small body becomes is seldom large.
    let mut step = body.len().saturating_mul(4).clamp(1 << 10, STEP_BYTES);
    loop {
        if !room(step) {
            return Err(Error::NoRoom);
        }
        let before = decoded.len();
        let read = decoder.by_ref().take(step as u64).read_to_end(&mut decoded);
        read.map_err(|error| fault(&error, decoded.len()))?;
        if decoded.len() > bytes_max {
            return Err(Error::TooLarge { bytes_max });
        }
        if decoded.len() == before {
            return Ok(decoded);
        }
        step = STEP_BYTES;
    }
}
