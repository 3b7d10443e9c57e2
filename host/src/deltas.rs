//! The speed view on disk: parts as files, so that a start need not fold again what was folded. Each file
//! holds the cells of a range with the offsets that it covers, durable by one commit or not there at all. A
//! cache of the log: what does not fit is dropped and folded again. Owns the names of the files; knows
//! nothing of who follows a view.
//!
//! ```text
//! delta-<run>-<from>-<to>     run: of the batch view below, 10 digits, 0 before the first
//!                             from, to: the offsets, 20 digits each; a view file without a proof
//! ```

use crate::calls::Calls;
use crate::digest::Digest;
use crate::merge::{Merge, Source};
use crate::offset::{Offset, Range};
use crate::parts::Part;
use crate::store::{self, CacheBytes, DELTA_PREFIX, Disk, Proof, ViewFile, ViewWriter};
use crate::table;
use std::sync::Arc;

const CACHE: CacheBytes = CacheBytes(4 << 20);

/// Where a view keeps its deltas, and what they must be of.
#[derive(Clone, Copy)]
pub struct Folder<'a> {
    pub disk: &'a dyn Disk,
    pub folder: &'a str,
    pub version: Digest,
    /// The batch run below; whole states grow from its states.
    pub run: u64,
}

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    run: u64,
    range: Range,
}

impl Name {
    fn of(text: &str) -> Option<Name> {
        let mut numbers = text.strip_prefix(DELTA_PREFIX)?.split('-').map(|part| part.parse().ok());
        let (run, from, to): (u64, u64, u64) = (numbers.next()??, numbers.next()??, numbers.next()??);
        (numbers.next().is_none() && from < to)
            .then(|| Name { run, range: Range::new(Offset(from), Offset(to)) })
    }
}

impl Folder<'_> {
    fn path(&self, range: Range) -> String {
        let Range { from, to } = range;
        format!("{}/{DELTA_PREFIX}{:010}-{:020}-{:020}", self.folder, self.run, from.0, to.0)
    }

    /// Neighbouring parts as one file.
    pub fn write(&self, calls: &Calls, parts: &[Arc<Part>]) -> Result<Option<ViewFile>, table::Error> {
        let Some((first, last)) = parts.first().zip(parts.last()) else { return Ok(None) };
        let range = Range::new(first.range.from, last.range.to);
        let path = self.path(range);
        self.remove_file(&path)?;
        let mut writer = ViewWriter::create(self.disk, &path)?;
        let mut merge = merged(calls, parts)?;
        while let Some(cell) = merge.head() {
            writer.push(cell)?;
            merge.advance()?;
        }
        for part in parts {
            part.spans()?.iter().try_for_each(|span| writer.push_span(span))?;
            for event in part.rejected() {
                let event = event?;
                writer.push_rejected(event.offset, &event.reason)?;
            }
        }
        writer.finish(&Proof::Nothing { version: self.version, range })?;
        Ok(Some(ViewFile::open_read_only(self.disk, &path, CACHE)?))
    }

    fn remove_file(&self, path: &str) -> Result<(), store::Error> {
        match self.disk.unlink(path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(store::Error::Disk { file: path.into(), cause: cause.to_string() })
            }
            _ => Ok(()),
        }
    }

    fn names(&self) -> Result<Vec<(String, Name)>, store::Error> {
        let listed = self.disk.list(self.folder);
        let names = listed
            .map_err(|cause| store::Error::Disk { file: self.folder.into(), cause: cause.to_string() })?;
        let deltas = names.into_iter().filter(|name| name.starts_with(DELTA_PREFIX));
        // What is no name of ours covers nothing.
        let nothing = Name { run: 0, range: Range::new(Offset::ZERO, Offset::ZERO) };
        Ok(deltas.map(|name| (name.clone(), Name::of(&name).unwrap_or(nothing))).collect())
    }

    /// The files that lead from `from` on without a gap and not beyond `head`; all others are removed.
    /// `is_whole`: only such as grew from the very run below.
    pub fn chain(&self, from: Offset, head: Offset, is_whole: bool) -> Result<Vec<ViewFile>, store::Error> {
        let mut names = self.names()?;
        let (mut chain, mut at) = (Vec::new(), from);
        loop {
            let fits = |name: &Name| {
                name.range.from == at && name.range.to <= head && (!is_whole || name.run == self.run)
            };
            // The longest one holds those that it was folded from.
            let longest = names.iter().enumerate().filter(|(_, (_, name))| fits(name));
            let Some((place, _)) = longest.max_by_key(|(_, (_, name))| name.range.to) else { break };
            let (file, name) = names.swap_remove(place);
            let path = format!("{}/{file}", self.folder);
            match ViewFile::open_read_only(self.disk, &path, CACHE) {
                Ok(file) if file.meta().version == self.version && file.meta().range == name.range => {
                    at = name.range.to;
                    chain.push(file);
                }
                // Unfinished, damaged or of another version: it is folded again.
                _ => self.remove_file(&path)?,
            }
        }
        for (file, _) in names {
            self.remove_file(&format!("{}/{file}", self.folder))?;
        }
        Ok(chain)
    }

    /// Removes the files that lie within `range`, but for `kept`.
    pub fn remove(&self, range: Range, kept: Option<Range>) -> Result<(), store::Error> {
        let is_in = |name: &Name| range.from <= name.range.from && name.range.to <= range.to;
        for (file, name) in self.names()? {
            if is_in(&name) && Some(name.range) != kept {
                self.remove_file(&format!("{}/{file}", self.folder))?;
            }
        }
        Ok(())
    }
}

/// All cells of neighbouring parts.
pub fn merged<'a>(calls: &'a Calls, parts: &'a [Arc<Part>]) -> Result<Merge<'a>, table::Error> {
    let sources = parts.iter().map(|part| part.source(&[], false)).collect::<Result<_, _>>()?;
    Merge::new(calls, sources)
}
