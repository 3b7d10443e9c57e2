//! What is left of a log whose files may be damaged: which offsets can still be read, which cannot and
//! why, and what stands beside the events. Reads every row; decides nothing and writes nothing, but that
//! a file that was not closed is repaired by redb when it is opened, as on any start.

use super::Settings;
use super::append::Receipt;
use super::before::Before;
use super::block;
use super::fence::Fence;
use super::mark::Mark;
use super::record::Stretch;
use super::segment::{self, BLOCKS, FENCES, HEAD, IDS, KEYS, META, SOURCES, TAIL};
use super::writer::id_hashes;
use crate::offset::{Offset, Range};
use crate::store::database::{self, Database, Table};
use crate::store::disk::Disk;
use crate::store::error::Error;

/// One segment file, as far as it can be read.
#[derive(Debug)]
pub struct Survey {
    pub first: u64,
    /// The offset after its last event, also if that cannot be read.
    pub end: u64,
    pub file: String,
    /// Whether all of it is what was written.
    pub is_sound: bool,
    /// None if it is sound, cannot be opened, or is gone.
    pub database: Option<Database>,
    /// What holds for `[0, first)`, if it says so.
    pub start: Option<Before>,
    /// Ascending. If it is not sound, each is from where the one before ends, and together they are all of
    /// `[first, end)`; else, of what may be millions, only the fences.
    pub pieces: Vec<Piece>,
    /// What is damaged beside the events and can be made again from them.
    pub remade: Vec<String>,
    /// What is damaged beside the events and cannot.
    pub forgotten: Vec<String>,
}

/// Consecutive offsets, and what there is of them.
#[derive(Debug)]
pub struct Piece {
    pub from: u64,
    pub to: u64,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    Block,
    Tail,
    /// Given up before.
    Fence(Fence),
    /// Cannot be read, and why; what holds behind, if that is written down.
    Gap {
        cause: String,
        after: Option<Before>,
    },
}

/// Rows of a segment on their way to be put in order.
#[derive(Default)]
struct Rows {
    found: Vec<(Piece, Option<Before>)>,
    /// Offsets of rows that cannot be read.
    faults: Vec<(u64, String)>,
    remade: Vec<String>,
}

impl Survey {
    /// Looks at the segment that is named by `first`. `next` is where the one after it begins; `least_end`
    /// is an offset below which events are known to have been.
    pub fn new(
        disk: &dyn Disk,
        folder: &str,
        (first, next): (u64, Option<u64>),
        settings: &Settings,
        least_end: u64,
    ) -> Result<Survey, Error> {
        let file = format!("{folder}/{}", segment::name(first));
        // Before redb repairs it, which takes the newest head that it still understands.
        let heads = || written_heads(disk, &file).map(|heads| heads.max().unwrap_or(first));
        let database = match readable(segment::open_closed(disk, &file))? {
            Ok(database) => database,
            Err(cause) => {
                let end = match next {
                    Some(next) => next,
                    None => heads()?.max(least_end).max(first),
                };
                return Ok(Survey::gone(first, end, file, cause));
            }
        };
        let mut rows = Rows::default();
        let head = readable(segment::head(&database))?;
        let told = match (next, &head) {
            // Where it ends before the next one begins, another one is missing between.
            (Some(next), Ok(Some(head))) if *head > first => (*head).min(next),
            (None, Ok(Some(head))) if *head > first => *head,
            (Some(next), _) => next,
            (None, Ok(_)) => least_end.max(first),
            (None, Err(_)) => heads()?.max(least_end),
        };
        let start = match readable(segment::start(&database))? {
            Ok(Some((number, before))) if number == first => Some(before),
            _ => {
                rows.remade.push(format!("{file}: where it starts"));
                None
            }
        };
        rows.read(&database, (first, told), settings.seed)?;
        let end = rows.found.iter().map(|(piece, _)| piece.to).fold(told, u64::max);
        let end = next.map_or(end, |next| end.min(next));
        let says = head.as_ref().ok().copied().flatten().unwrap_or(first);
        let mut forgotten = Vec::new();
        notes(&database, KEYS, |_, _, fault| forgotten.extend(fault))?;
        notes(&database, SOURCES, |_, _, fault| forgotten.extend(fault))?;
        let start = start.or_else(|| rows.before_first(first));
        let remade = std::mem::take(&mut rows.remade);
        let pieces = rows.in_order(first, end);
        let database = Some(database);
        let mut survey =
            Survey { first, end, file, is_sound: false, database, start, pieces, remade, forgotten };
        let is_whole = survey.gaps().next().is_none();
        if says != end && is_whole {
            survey.remade.push(format!("{}: where it ends", survey.file));
        }
        survey.is_sound = is_whole && survey.remade.is_empty() && survey.forgotten.is_empty();
        if survey.is_sound {
            survey.database = None;
            survey.pieces.retain(|piece| matches!(piece.kind, Kind::Fence(_)));
        }
        Ok(survey)
    }

    /// A segment of which there is nothing, or nothing to be read.
    pub fn gone(first: u64, end: u64, file: String, cause: String) -> Survey {
        let end = end.max(first);
        let (mut pieces, mut forgotten) = (Vec::new(), Vec::new());
        if end == first {
            forgotten.push(format!("{file}: {cause}; whether there were events from offset {first} on"));
        } else {
            pieces.push(Piece { from: first, to: end, kind: Kind::Gap { cause, after: None } });
        }
        let (start, database, remade) = (None, None, Vec::new());
        Survey { first, end, file, is_sound: false, database, start, pieces, remade, forgotten }
    }

    /// Offsets that cannot be read, and why.
    pub fn gaps(&self) -> impl Iterator<Item = (Range, &str)> {
        self.pieces.iter().filter_map(|piece| match &piece.kind {
            Kind::Gap { cause, .. } => {
                Some((Range::new(Offset(piece.from), Offset(piece.to)), cause.as_str()))
            }
            _ => None,
        })
    }

    pub fn fences(&self) -> impl Iterator<Item = &Fence> {
        self.pieces.iter().filter_map(|piece| match &piece.kind {
            Kind::Fence(fence) => Some(fence),
            _ => None,
        })
    }
}

impl Rows {
    /// Reads what holds events, each as it would be read by anyone; `told` is the offset after the last.
    fn read(&mut self, database: &Database, (first, told): (u64, u64), seed: u64) -> Result<(), Error> {
        for table in [FENCES, BLOCKS, TAIL] {
            let take = |from, row: Result<&[u8], Error>| {
                let read = row.and_then(|row| {
                    self.row(database, table, from, row, seed)
                        .map_err(|what| Error::damaged(database.file(), what))
                });
                let fault = readable(read)?.err();
                self.faults.extend(fault.map(|fault| (from, fault)));
                Ok(())
            };
            let fault = rows(database, table, (first, told), take)?;
            self.faults.extend(fault);
        }
        self.faults.sort();
        Ok(())
    }

    fn row(
        &mut self,
        database: &Database,
        table: Table,
        from: u64,
        row: &[u8],
        seed: u64,
    ) -> Result<(), String> {
        let (to, kind, before) = if table == FENCES {
            let fence = Fence::read(from, row).ok_or("its fence is none")?;
            (fence.to(), Kind::Fence(fence), None)
        } else if table == BLOCKS {
            let (header, stretch) = block::stretch(from, row)?;
            self.check_ids(database, &stretch, seed)?;
            (stretch.end(), Kind::Block, Some(header.before))
        } else {
            (segment::tail_stretch(from, row)?.end(), Kind::Tail, None)
        };
        if to <= from {
            return Err("a row holds no event".into());
        }
        self.found.push((Piece { from, to, kind }, before));
        Ok(())
    }

    /// The hashes of a block's ids are made from it: they are compared.
    fn check_ids(&mut self, database: &Database, stretch: &Stretch, seed: u64) -> Result<(), String> {
        let made = id_hashes(seed, stretch);
        let read = database.read().and_then(|read| {
            let there = read.get(IDS, &stretch.first.to_be_bytes(), |row| Ok(row == made))?;
            Ok(there.unwrap_or(made.is_empty()))
        });
        if read != Ok(true) {
            self.remade.push(format!("{}: hashes of the ids from offset {}", database.file(), stretch.first));
        }
        Ok(())
    }

    /// What the first block says of the log before the segment.
    fn before_first(&self, first: u64) -> Option<Before> {
        let at_first = self.found.iter().find(|(piece, _)| piece.from == first);
        at_first.and_then(|(_, before)| before.clone())
    }

    /// All of `[first, end)`: what was found, and gaps between.
    fn in_order(mut self, first: u64, end: u64) -> Vec<Piece> {
        // Of what overlaps, which no sound file has, fences come first, then blocks.
        self.found.sort_by_key(|(piece, _)| (piece.from, rank(&piece.kind)));
        let found = std::mem::take(&mut self.found);
        let (mut pieces, mut at): (Vec<Piece>, u64) = (Vec::new(), first);
        for (piece, before) in found {
            if piece.from < at || piece.to > end {
                continue;
            }
            if at < piece.from {
                pieces.push(self.gap(at, piece.from, before));
            }
            at = piece.to;
            pieces.push(piece);
        }
        if at < end {
            pieces.push(self.gap(at, end, None));
        }
        pieces
    }

    fn gap(&self, from: u64, to: u64, after: Option<Before>) -> Piece {
        let within = |(offset, _): &&(u64, String)| from <= *offset && *offset < to;
        let cause = self.faults.iter().find(within).map(|(_, cause)| cause.clone());
        let cause = cause.unwrap_or_else(|| "no row holds them".into());
        Piece { from, to, kind: Kind::Gap { cause, after } }
    }
}

fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Fence(_) => 0,
        Kind::Block => 1,
        Kind::Tail | Kind::Gap { .. } => 2,
    }
}

/// What is damaged counts as a finding; that the disk refuses, or that a newer host wrote it, does not:
/// nothing is given up that another disk or host may read.
pub fn readable<T>(read: Result<T, Error>) -> Result<Result<T, String>, Error> {
    match read {
        Ok(read) => Ok(Ok(read)),
        Err(Error::Damaged { what, .. }) => Ok(Err(what)),
        Err(error) => Err(error),
    }
}

/// Gives the rows of a table whose keys are offsets to `take`, ascending. Where the tree leads no further
/// it looks for each offset below `told` alone, and says from where on and why.
fn rows(
    database: &Database,
    table: Table,
    (first, told): (u64, u64),
    mut take: impl FnMut(u64, Result<&[u8], Error>) -> Result<(), Error>,
) -> Result<Vec<(u64, String)>, Error> {
    let (mut faults, mut at) = (Vec::new(), first);
    loop {
        let mut last = None;
        let scanned = database.read().and_then(|read| {
            read.scan(table, &at.to_be_bytes(), |key, row| {
                let offset = segment::offset(database.file(), key)?;
                if offset < last.map_or(at, |last: u64| last + 1) {
                    return Err(Error::damaged(database.file(), "its index leads back"));
                }
                last = Some(offset);
                take(offset, row)?;
                Ok(true)
            })
        });
        let Err(cause) = readable(scanned)? else { return Ok(faults) };
        let from = last.map_or(at, |last| last + 1);
        faults.push((from, cause));
        let mut found = None;
        for offset in from..told {
            let got = database
                .read()
                .and_then(|read| read.get(table, &offset.to_be_bytes(), |row| take(offset, Ok(row))));
            if let Ok(Some(())) = readable(got)? {
                found = Some(offset);
                break;
            }
        }
        let Some(found) = found else { return Ok(faults) };
        at = found + 1;
    }
}

/// Gives keys and rows of the answers to Idempotency-Keys or of marks to `take`; a row that is none comes
/// as None, with what is forgotten by it in words.
pub fn notes(
    database: &Database,
    table: Table,
    mut take: impl FnMut(&[u8], Option<&[u8]>, Option<String>),
) -> Result<(), Error> {
    let is_one = |row: &[u8]| {
        row.is_empty() || if table == KEYS { Receipt::from_bytes(row).is_some() } else { Mark::is_row(row) }
    };
    let what = |key: &[u8]| {
        let name = if table == KEYS { Some(key) } else { key.get(32..) };
        let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
        match table == KEYS {
            true => format!("the answer to Idempotency-Key '{name}'"),
            false => format!("how far '{name}' was appended"),
        }
    };
    let scanned = database.read().and_then(|read| {
        let mut last: Option<Vec<u8>> = None;
        read.scan(table, &[], |key, row| {
            if last.as_ref().is_some_and(|last| key <= last.as_slice()) {
                return Err(Error::damaged(database.file(), "its index leads back"));
            }
            last = Some(key.to_vec());
            match readable(row)? {
                Ok(row) if is_one(row) => take(key, Some(row), None),
                _ => take(key, None, Some(what(key))),
            }
            Ok(true)
        })
    });
    if let Err(cause) = readable(scanned)? {
        let all = if table == KEYS { "answers to Idempotency-Keys" } else { "how far files were appended" };
        let fault = format!("{}: {all}, from some row on: {cause}", database.file());
        // A key that nobody gives: all that is said is that something is forgotten.
        take(&[], None, Some(fault));
    }
    Ok(())
}

/// Heads that commits wrote down, wherever they lie in a file that cannot be opened.
fn written_heads(disk: &dyn Disk, file: &str) -> Result<impl Iterator<Item = u64> + use<>, Error> {
    let found = database::search::<8>(disk, file, META, HEAD)?;
    Ok(found.into_iter().map(u64::from_le_bytes))
}
