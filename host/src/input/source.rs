//! Opening a source and telling what is in it from its first bytes.

use super::buffer::Buffer;
use super::{Error, Source};
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::rc::Rc;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const PARQUET: &[u8] = b"PAR1";
const UTF_8: &[u8] = &[0xef, 0xbb, 0xbf];
/// As far as text is looked at to tell what it is.
const LOOK_BYTES: usize = 1 << 20;

pub struct Opened {
    /// As it was given.
    pub path: String,
    pub content: Content,
}

pub enum Content {
    Lines(Buffer),
    Array(Buffer),
    Csv(Buffer),
    Parquet(File),
    Empty,
}

/// The bytes of all sources; None unless all are ordinary files.
pub fn total_bytes(sources: &[Source]) -> Option<u64> {
    let bytes = |source: &Source| match source {
        Source::File(path) if path.as_os_str() != "-" => {
            path.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len())
        }
        _ => None,
    };
    sources.iter().map(bytes).sum()
}

/// Opens a source; `bytes_read` counts what is read of it.
pub fn open(source: Source, bytes_read: Rc<Cell<u64>>) -> Result<Opened, Error> {
    let (path, bytes, file): (_, Box<dyn Read>, _) = match source {
        Source::Reader { name, bytes } => (name, bytes, None),
        Source::File(path) if path.as_os_str() == "-" => ("-".into(), Box::new(io::stdin().lock()), None),
        Source::File(path) => {
            let shown = path.display().to_string();
            let file = open_file(&path, &shown)?;
            (shown, Box::new(file), Some(path))
        }
    };
    let counted = Counted { bytes, read: Rc::clone(&bytes_read) };
    let raw = Buffer::new(Box::new(counted), &path, None);
    let content = content(raw, &path, file.as_ref(), &bytes_read)?;
    Ok(Opened { path, content })
}

fn open_file(path: &PathBuf, shown: &str) -> Result<File, Error> {
    let cannot = |source| Error::Open { path: shown.into(), source };
    let file = File::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.is_dir() {
        return Err(cannot(io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

fn content(
    mut raw: Buffer,
    path: &str,
    file: Option<&PathBuf>,
    bytes_read: &Cell<u64>,
) -> Result<Content, Error> {
    look(&mut raw, 4)?;
    let refuse = |what: &str| Err(Error::Format { path: path.into(), what: what.into() });
    if raw.data().starts_with(PARQUET) {
        let Some(file) = file.filter(|file| file.is_file()) else {
            return refuse(
                "Parquet cannot be read from a pipe, since it begins at its end; give the file's path",
            );
        };
        bytes_read.set(bytes_read.get() - raw.data().len() as u64);
        return Ok(Content::Parquet(open_file(file, path)?));
    }
    let compression = if raw.data().starts_with(GZIP) {
        "gzip"
    } else if raw.data().starts_with(ZSTD) {
        "zstd"
    } else {
        return text(raw, path);
    };
    let bytes = raw.into_read();
    let decoded: Box<dyn Read> = match compression {
        "gzip" => Box::new(MultiGzDecoder::new(bytes)),
        _ => {
            let decoder = zstd::stream::read::Decoder::with_buffer(bytes);
            Box::new(decoder.map_err(|source| Error::Read { path: path.into(), source })?)
        }
    };
    let mut buffer = Buffer::new(decoded, path, Some(compression));
    look(&mut buffer, 4)?;
    if [GZIP, ZSTD, PARQUET].iter().any(|magic| buffer.data().starts_with(magic)) {
        return refuse(&format!(
            "what {compression} holds is no text; decompress the file, and give what comes out"
        ));
    }
    text(buffer, path)
}

/// Reads until there are so many bytes, or no more.
fn look(buffer: &mut Buffer, bytes: usize) -> Result<(), Error> {
    while buffer.data().len() < bytes && !buffer.is_ended() {
        buffer.more()?;
    }
    Ok(())
}

fn text(mut buffer: Buffer, path: &str) -> Result<Content, Error> {
    if buffer.data().starts_with(UTF_8) {
        buffer.consume(UTF_8.len());
    }
    let refuse = |what: &str| Err(Error::Format { path: path.into(), what: what.into() });
    if matches!(buffer.data(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return refuse("it is UTF-16, and only UTF-8 is read; convert it, for example with iconv");
    }
    loop {
        let known = buffer.is_ended() || buffer.data().len() >= LOOK_BYTES;
        let data = buffer.data().get(..LOOK_BYTES).unwrap_or(buffer.data());
        match guess(data, known) {
            Guess::Unknown => buffer.more()?,
            Guess::Empty => return Ok(Content::Empty),
            Guess::Lines => return Ok(Content::Lines(buffer)),
            Guess::Array => return Ok(Content::Array(buffer)),
            Guess::Csv => return Ok(Content::Csv(buffer)),
            Guess::Binary => {
                return refuse("it is no NDJSON, JSON array, CSV or Parquet, not even in gzip or zstd");
            }
        }
    }
}

enum Guess {
    /// More has to be seen.
    Unknown,
    Empty,
    Lines,
    Array,
    Csv,
    Binary,
}

/// What begins with a brace is NDJSON, with a bracket a JSON array, and everything else CSV: unless
/// its second line is an object, or it is one line of one field. These are no CSV that anyone would
/// write, but may well be NDJSON whose first line is damaged, and are told so. The same bytes always
/// give the same answer, however many of them are there when it is asked: lines that are not blank
/// are looked at whole. `known`: no more will come.
fn guess(data: &[u8], known: bool) -> Guess {
    let mut lines = data.split_inclusive(|byte| *byte == b'\n');
    let mut next = || lines.find(|line| !line.trim_ascii().is_empty());
    let Some(first) = next() else { return if known { Guess::Empty } else { Guess::Unknown } };
    match first.trim_ascii_start().first() {
        Some(b'{') => return Guess::Lines,
        Some(b'[') => return Guess::Array,
        _ => {}
    }
    let second = match next() {
        Some(second) if second.ends_with(b"\n") || known => second,
        _ if !known => return Guess::Unknown,
        _ => b"",
    };
    let inside = second.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let is_object = inside.is_some_and(|inside| matches!(inside.first(), Some(b'"' | b'}')));
    let is_one_field = second.is_empty() && !first.contains(&b',');
    match first.contains(&0) || second.contains(&0) {
        true => Guess::Binary,
        false if is_object || is_one_field => Guess::Lines,
        false => Guess::Csv,
    }
}

/// Counts what is read.
struct Counted {
    bytes: Box<dyn Read>,
    read: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}
