//! Repairing a log: a segment that is damaged is written anew with all that can be read of it, and a
//! fence where events are lost; then it takes the place of the damaged one by a rename. Until that moment
//! nothing is changed, after it the segment is whole: a repair that dies is simply made again.
//!
//! What is damaged is copied to `damaged/` beside the log first, if anything of it is lost: others may know
//! how to read more of it.

use super::append::Receipt;
use super::before::Before;
use super::block;
use super::fence::{Fence, Loss};
use super::record::{Records, Stretch};
use super::segment::{
    self, ACTIVE_CACHE, BLOCKS, FENCES, FIRST, HEAD, IDS, KEYS, META, NEW, SOURCES, Segment, TAIL,
};
use super::survey::{Kind, Survey, notes};
use super::writer::id_hashes;
use super::{Settings, parent};
use crate::offset::{Offset, Range};
use crate::store::database::{Database, Table};
use crate::store::disk::Disk;
use crate::store::error::Error;
use twox_hash::XxHash3_64;

/// Bytes of rows that one transaction writes, and of a file that are copied at a time.
const AT_ONCE_BYTES: usize = 16 << 20;

/// What was found of a log, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub floor: u64,
    pub head: u64,
    /// Given up earlier.
    pub known: Vec<Loss>,
    /// Damaged now: to be given up by a repair, or given up by this one. Ascending.
    pub lost: Vec<Loss>,
    /// What is, or was, made again from the events.
    pub remade: Vec<String>,
    /// What is lost beside events.
    pub forgotten: Vec<String>,
    /// Copies of damaged files.
    pub kept: Vec<String>,
    /// Files that a process left that died, removed by a repair.
    pub swept: Vec<String>,
}

impl Health {
    pub fn is_sound(&self) -> bool {
        self.lost.is_empty() && self.remade.is_empty() && self.forgotten.is_empty()
    }
}

/// A log that nobody has open.
#[derive(Clone, Copy)]
pub struct Patient<'a> {
    pub disk: &'a dyn Disk,
    pub folder: &'a str,
    pub settings: &'a Settings,
    /// An offset below which events are known to have been, by whoever read them.
    pub least_head: u64,
    pub now_ms: i64,
}

impl Patient<'_> {
    /// Reads all of the log.
    pub fn examine(&self) -> Result<Health, Error> {
        Ok(self.health(&self.surveys()?))
    }

    /// Reads all of the log, and makes what is damaged whole again, less what is lost.
    pub fn repair(&self) -> Result<Health, Error> {
        self.disk.create_folder(self.folder).map_err(|cause| Error::disk(self.folder, cause))?;
        let surveys = self.surveys()?;
        let mut health = self.health(&surveys);
        health.swept = self.sweep()?;
        let mut rest = surveys.as_slice();
        while let Some((survey, after)) = rest.split_first() {
            rest = after;
            if !survey.is_sound {
                let next = after.first().and_then(|next| next.start.clone());
                health.kept.extend(self.renew(survey, next)?);
            }
        }
        Ok(health)
    }

    /// Removes what a repair, or the making of a segment, left half done.
    fn sweep(&self) -> Result<Vec<String>, Error> {
        let mut swept = Vec::new();
        for folder in [self.folder.to_owned(), damaged_folder(self.folder)] {
            let fail = |cause| Error::disk(&folder, cause);
            for name in self.disk.list(&folder).map_err(fail)? {
                if segment::is_unfinished(&name) {
                    let file = format!("{folder}/{name}");
                    self.disk.unlink(&file).map_err(fail)?;
                    swept.push(file);
                }
            }
        }
        Ok(swept)
    }

    fn health(&self, surveys: &[Survey]) -> Health {
        let mut health = Health {
            floor: surveys.first().map_or(0, |survey| survey.first),
            head: surveys.last().map_or(0, |survey| survey.end),
            ..Health::default()
        };
        for survey in surveys {
            health.known.extend(survey.fences().map(|fence| fence.loss.clone()));
            for (range, cause) in survey.gaps() {
                match health.lost.last_mut() {
                    Some(last) if last.range.to == range.from => last.range.to = range.to,
                    _ => health.lost.push(Loss { range, at_ms: self.now_ms, reason: cause.into() }),
                }
            }
            health.remade.extend_from_slice(&survey.remade);
            health.forgotten.extend_from_slice(&survey.forgotten);
        }
        health
    }

    fn surveys(&self) -> Result<Vec<Survey>, Error> {
        let names = self.disk.list(self.folder).map_err(|cause| Error::disk(self.folder, cause))?;
        let firsts: Vec<u64> = names.iter().filter_map(|name| segment::first_of(name)).collect();
        let nexts = firsts.iter().skip(1).map(|next| Some(*next)).chain([None]);
        let mut surveys: Vec<Survey> = Vec::with_capacity(firsts.len());
        // Nothing takes the first segments away yet, so that one that is not there is lost.
        let mut end = 0;
        for (first, next) in firsts.iter().copied().zip(nexts) {
            if end < first {
                surveys.push(self.gone(end, first));
            }
            let survey = Survey::new(self.disk, self.folder, (first, next), self.settings, self.least_head)?;
            end = survey.end;
            surveys.push(survey);
        }
        if firsts.is_empty() || end < self.least_head {
            surveys.push(self.gone(end, self.least_head));
        }
        Ok(surveys)
    }

    fn gone(&self, from: u64, to: u64) -> Survey {
        let file = format!("{}/{}", self.folder, segment::name(from));
        Survey::gone(from, to, file, "its file is gone".into())
    }

    /// Writes a segment anew and puts it in its place; where the damaged one was kept, if it was.
    fn renew(&self, survey: &Survey, next: Option<Before>) -> Result<Option<String>, Error> {
        let name = segment::name(survey.first);
        let (file, unfinished) = (format!("{}/{name}", self.folder), format!("{}/{NEW}{name}", self.folder));
        let fail = |cause| Error::disk(&file, cause);
        let names = self.disk.list(self.folder).map_err(fail)?;
        let start = match &survey.start {
            Some(start) => start.clone(),
            None => self.before_end(survey.first)?,
        };
        let database = Database::create(self.disk, &unfinished, ACTIVE_CACHE)?;
        let mut renewed =
            Renewed { patient: self, survey, database, rows: Rows::default(), fences: Vec::new() };
        renewed.events(start.clone(), next)?;
        renewed.finish(&start)?;
        let loses = survey.gaps().next().is_some() || !survey.forgotten.is_empty();
        let kept = if loses && names.contains(&name) { Some(self.keep(&file, &name)?) } else { None };
        self.disk.rename(&unfinished, &file).map_err(fail)?;
        self.disk.sync_folder(self.folder).map_err(fail)?;
        Ok(kept)
    }

    /// What holds for `[0, first)`, by the segments before, which are whole by now.
    fn before_end(&self, first: u64) -> Result<Before, Error> {
        let names = self.disk.list(self.folder).map_err(|cause| Error::disk(self.folder, cause))?;
        let earlier = names.iter().filter_map(|name| segment::first_of(name)).filter(|other| *other < first);
        let Some(last) = earlier.max() else { return Ok(Before::default()) };
        let segment = Segment::open_sealed(self.disk, None, self.folder, last)?;
        let (mut at, mut before) = segment.known_before(first)?;
        while at < first {
            let Some(stretch) = segment.stretch_at(at)? else { break };
            before.extend(self.settings.stream.rule(), stretch.rows(0..stretch.len()));
            at = stretch.end();
        }
        Ok(before)
    }

    /// Copies a damaged file aside, under a name that its bytes give, so that the same one is kept once.
    fn keep(&self, file: &str, name: &str) -> Result<String, Error> {
        let folder = damaged_folder(self.folder);
        let fail = |cause| Error::disk(file, cause);
        self.disk.create_folder(&folder).map_err(fail)?;
        let unfinished = format!("{folder}/{NEW}{name}");
        let (from, to) = (self.disk.open(file).map_err(fail)?, self.disk.create(&unfinished).map_err(fail)?);
        let (size, mut at, mut hasher) = (from.size().map_err(fail)?, 0, XxHash3_64::new());
        to.set_len(size).map_err(fail)?;
        while at < size {
            let mut bytes = vec![0; (size - at).min(AT_ONCE_BYTES as u64) as usize];
            from.read(at, &mut bytes).and_then(|()| to.write(at, &bytes)).map_err(fail)?;
            std::hash::Hasher::write(&mut hasher, &bytes);
            at += bytes.len() as u64;
        }
        to.sync().map_err(fail)?;
        let kept = format!("{folder}/{:016x}-{name}", std::hash::Hasher::finish(&hasher));
        self.disk.rename(&unfinished, &kept).map_err(fail)?;
        self.disk.sync_folder(&folder).and_then(|()| self.disk.sync_folder(parent(&folder))).map_err(fail)?;
        Ok(kept)
    }
}

/// Where damaged files of a log are kept.
fn damaged_folder(log: &str) -> String {
    match parent(log) {
        "" => "damaged".into(),
        parent => format!("{parent}/damaged"),
    }
}

/// A segment that is written anew.
struct Renewed<'a> {
    patient: &'a Patient<'a>,
    survey: &'a Survey,
    database: Database,
    rows: Rows,
    fences: Vec<Fence>,
}

/// Rows that wait for their transaction.
#[derive(Default)]
struct Rows {
    blocks: Vec<([u8; 8], Vec<u8>)>,
    ids: Vec<([u8; 8], Vec<u8>)>,
    bytes: usize,
}

impl Renewed<'_> {
    /// Copies blocks, makes blocks of what was tail, and fences of what is lost. `before` is what holds
    /// before the segment, `next` what the one behind it says of the log before that.
    fn events(&mut self, mut before: Before, next: Option<Before>) -> Result<(), Error> {
        let rule = self.patient.settings.stream.rule();
        // Events of the tail that follow one another become one block.
        let mut tail: Vec<Stretch> = Vec::new();
        let mut pieces = self.survey.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            if !matches!(piece.kind, Kind::Tail) {
                self.cut(&mut tail, &mut before)?;
            }
            match &piece.kind {
                Kind::Tail => tail.push(self.tail(piece.from)?),
                Kind::Block => {
                    let (row, header, stretch) = self.block(piece.from)?;
                    self.push(&stretch, row)?;
                    // The next block says it; to hash all of a segment takes a while.
                    let is_asked = pieces.peek().is_none_or(|next| !matches!(next.kind, Kind::Block));
                    if is_asked {
                        before = header.before;
                        before.extend(rule, stretch.rows(0..stretch.len()));
                    }
                }
                Kind::Fence(fence) => {
                    before = fence.before.clone();
                    self.fences.push(fence.clone());
                }
                Kind::Gap { cause, after } => {
                    let is_last = piece.to == self.survey.end;
                    let after = after.as_ref().or(next.as_ref().filter(|_| is_last));
                    before = after.cloned().unwrap_or(before);
                    let range = Range::new(Offset(piece.from), Offset(piece.to));
                    let loss = Loss { range, at_ms: self.patient.now_ms, reason: cause.clone() };
                    self.fences.push(Fence { loss, before: before.clone() });
                }
            }
        }
        self.cut(&mut tail, &mut before)
    }

    /// A block of consecutive events of the tail.
    fn cut(&mut self, tail: &mut Vec<Stretch>, before: &mut Before) -> Result<(), Error> {
        let Some(first) = tail.first().map(|stretch| stretch.first) else { return Ok(()) };
        let mut records = Records::default();
        let events = || tail.iter().flat_map(|stretch| stretch.rows(0..stretch.len()));
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        for event in events() {
            records.push(&event);
            (least, greatest) = (least.min(event.time_ms), greatest.max(event.time_ms));
        }
        let row = block::encode(before, records.count as u32, (least, greatest), &records.bytes);
        before.extend(self.patient.settings.stream.rule(), events());
        let whole = Stretch::read(first, records.bytes, records.count as usize);
        let whole = whole.map_err(|what| Error::damaged(&self.survey.file, what))?;
        tail.clear();
        self.push(&whole, row)
    }

    fn push(&mut self, stretch: &Stretch, row: Vec<u8>) -> Result<(), Error> {
        let key = stretch.first.to_be_bytes();
        let ids = id_hashes(self.patient.settings.seed, stretch);
        self.rows.bytes += row.len() + ids.len();
        self.rows.blocks.push((key, row));
        if !ids.is_empty() {
            self.rows.ids.push((key, ids));
        }
        if self.rows.bytes < AT_ONCE_BYTES {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        self.database.write(false, |write| rows.load(write))
    }

    fn finish(self, start: &Before) -> Result<(), Error> {
        let Renewed { survey, database, rows, fences, .. } = self;
        let mut kept: Vec<(Table, Vec<u8>, Vec<u8>)> = Vec::new();
        if let Some(damaged) = &survey.database {
            for table in [KEYS, SOURCES] {
                notes(damaged, table, |key, row, _| {
                    if !key.is_empty() && !row.is_some_and(|row| table == KEYS && is_lost(&fences, row)) {
                        kept.push((table, key.to_vec(), row.unwrap_or_default().to_vec()));
                    }
                })?;
            }
        }
        let first = segment::start_row(survey.first, start);
        let fences: Vec<_> = fences.iter().map(|fence| (fence.from().to_be_bytes(), fence.row())).collect();
        database.write(true, |write| {
            rows.load(write)?;
            write.load(FENCES, fences.iter().map(|(key, row)| (key.as_slice(), row.as_slice())))?;
            kept.iter()
                .try_for_each(|(table, key, row)| write.put(*table, [(key.as_slice(), row.as_slice())]))?;
            write.put(META, [(FIRST, first.as_slice()), (HEAD, survey.end.to_le_bytes().as_slice())])
        })?;
        database.close()
    }

    fn block(&self, from: u64) -> Result<(Vec<u8>, block::Header, Stretch), Error> {
        self.read(BLOCKS, from, |row| {
            block::stretch(from, row).map(|(header, stretch)| (row.to_vec(), header, stretch))
        })
    }

    fn tail(&self, from: u64) -> Result<Stretch, Error> {
        self.read(TAIL, from, |row| segment::tail_stretch(from, row))
    }

    fn read<T>(
        &self,
        table: Table,
        from: u64,
        take: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<T, Error> {
        let changed = |what: &str| Error::damaged(&self.survey.file, format!("offset {from}: {what}"));
        let Some(database) = &self.survey.database else { return Err(changed("it cannot be opened")) };
        let read = database
            .read()?
            .get(table, &from.to_be_bytes(), |row| take(row).map_err(|what| changed(&what)))?;
        read.ok_or_else(|| changed("what was there a moment ago is gone"))
    }
}

impl Rows {
    fn load(&self, write: &mut crate::store::database::Write<'_>) -> Result<(), Error> {
        write.load(BLOCKS, self.blocks.iter().map(|(key, row)| (key.as_slice(), row.as_slice())))?;
        write.load(IDS, self.ids.iter().map(|(key, row)| (key.as_slice(), row.as_slice())))
    }
}

/// Whether all that a request appended is lost: then its key is forgotten too, so that whoever asks again
/// brings its events back.
fn is_lost(fences: &[Fence], answer: &[u8]) -> bool {
    let Some((_, receipt)) = Receipt::from_bytes(answer) else { return false };
    let (from, to) = (receipt.first_offset, receipt.next_offset);
    receipt.appended > 0 && fences.iter().any(|fence| fence.from() <= from && to <= fence.to())
}
