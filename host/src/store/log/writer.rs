//! The one writer of a log. A step takes all batches that wait, and makes them durable by one
//! transaction: the events that fill blocks as blocks, the rest as a row of the tail, which the next
//! block takes up. Owns deduplication; has no thread of its own (see `queue`).

use super::StreamLog;
use super::append::{KEY_BYTES_MAX, Key, Receipt};
use super::before::Before;
use super::block::{self, BLOCK_BYTES};
use super::mark::Mark;
use super::record::{Records, Stretch};
use super::segment::{BLOCKS, HEAD, IDS, KEYS, META, SOURCES, Segment, TAIL, tail_row};
use crate::digest::Digest;
use crate::event::Event;
use crate::log::Ids;
use crate::store::database::Table;
use crate::store::error::Error;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use twox_hash::XxHash3_64;

/// A block has at most as many events, however small they are.
const BLOCK_EVENTS_MAX: u64 = 16_384;
/// Stretches kept for looking at duplicates.
const RECENT_MAX: usize = 32;

/// Events that one request hands over.
pub struct Request {
    pub stretch: Stretch,
    pub key: Option<Key>,
    pub mark: Option<Mark>,
    pub after: Option<u64>,
}

pub struct Writer {
    log: Arc<StreamLog>,
    segment: Arc<Segment>,
    head: u64,
    /// What holds for `[0, head)`.
    tip: Before,
    pending: Pending,
    /// Only of a stream that has ids.
    ids: Option<Ids>,
    recent: RefCell<Vec<Arc<Stretch>>>,
    is_full: bool,
}

/// The events since the last block, as one stretch.
#[derive(Default)]
struct Pending {
    records: Records,
    /// One an event; empty if none has an id.
    id_hashes: Vec<u8>,
    has_ids: bool,
    times_ms: Option<(i64, i64)>,
    /// What holds before the first of them.
    before: Before,
}

/// What one transaction writes.
#[derive(Default)]
struct Commit {
    blocks: Vec<Cut>,
    /// Where those events of this commit that are in none of its blocks begin: their offset, and the byte of
    /// what is pending.
    tail: (u64, usize),
    keys: BTreeMap<String, (Digest, Receipt)>,
    /// Rows by key of how far sources were appended.
    marks: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The first offset of this commit, and where each of its events lies: request and row.
    first: u64,
    accepted: Vec<(u32, u32)>,
    /// Ascending: from which offset on events came in at which time.
    ingested: Vec<(u64, i64)>,
}

/// Events that make up a block.
struct Cut {
    first: u64,
    pending: Pending,
}

/// A small row that is written with the events.
struct Note {
    table: Table,
    key: Vec<u8>,
    row: Vec<u8>,
}

impl Writer {
    pub fn new(log: Arc<StreamLog>) -> Result<Writer, Error> {
        let head = log.head();
        let segment = log.segment_of(head)?;
        let tip = log.tip.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut pending = Pending { before: log.before(segment.blocks_end()?)?, ..Pending::default() };
        for stretch in segment.tails()? {
            for event in stretch.rows(0..stretch.len()) {
                pending.push(&event, id_hash(log.settings.seed, event.id));
            }
        }
        let mut writer = Writer {
            log,
            segment,
            head,
            tip,
            pending,
            ids: None,
            recent: RefCell::default(),
            is_full: false,
        };
        writer.ids = writer.remembered_ids()?;
        Ok(writer)
    }

    /// The ids of the last `dedup_events` offsets.
    fn remembered_ids(&self) -> Result<Option<Ids>, Error> {
        let stream = &self.log.settings.stream;
        if stream.id.is_none() {
            return Ok(None);
        }
        let mut ids = Ids::new(stream.dedup_events);
        let from = self.head.saturating_sub(stream.dedup_events);
        // Growing on the way would cost as much again.
        ids.reserve((self.head - from) as usize);
        let mut note = |first: u64, hashes: &[u8]| {
            for (offset, hash) in (first..).zip(hashes.as_chunks::<8>().0) {
                let hash = u64::from_le_bytes(*hash);
                if hash != 0 && offset >= from {
                    ids.insert(hash, offset, |other| self.have_same_id(other, offset));
                }
            }
        };
        let segments = self.log.segments();
        for (i, segment) in segments.iter().enumerate() {
            let end = segments.get(i + 1).map_or(u64::MAX, |next| next.first);
            if end > from {
                segment.id_hashes(from.max(segment.first), &mut note)?;
            }
        }
        note(self.head - self.pending.records.count, &self.pending.id_hashes);
        ids.commit(self.head);
        Ok(Some(ids))
    }

    fn have_same_id(&self, a: u64, b: u64) -> bool {
        let id = |offset| {
            let stretch = self.stretch(offset).ok()?;
            stretch.get((offset - stretch.first) as usize)?.id.map(str::to_owned)
        };
        id(a).is_some_and(|a| id(b) == Some(a))
    }

    /// Makes all requests durable, or answers each with what kept it from it.
    pub fn step(&mut self, requests: &[Request]) -> Vec<Result<Receipt, Error>> {
        let all_fail = |error: Error| requests.iter().map(|_| Err(error.clone())).collect();
        if let Some(cause) = self.log.failed.get() {
            return all_fail(self.latched(cause));
        }
        let rolled = if self.is_full { self.roll() } else { Ok(()) };
        let committed = rolled.and_then(|()| {
            let (commit, receipts) = self.stage(requests)?;
            self.commit(commit)?;
            Ok(receipts)
        });
        match committed {
            Ok(receipts) => receipts,
            Err(error) => {
                _ = self.log.failed.set(error.to_string());
                all_fail(error)
            }
        }
    }

    fn latched(&self, cause: &str) -> Error {
        Error::Latched { file: self.log.folder.clone(), cause: cause.into() }
    }

    /// Gives each event its offset, or finds that it is there.
    fn stage(&mut self, requests: &[Request]) -> Result<(Commit, Vec<Result<Receipt, Error>>), Error> {
        let mut commit = self.begun();
        let mut receipts = Vec::with_capacity(requests.len());
        // Accepted events that the tip does not count yet.
        let mut uncounted: Vec<Event<'_>> = Vec::new();
        for (number, request) in requests.iter().enumerate() {
            let refused = match self.answered(request, &commit)? {
                // It was done before: neither its key nor its mark is to be written once more, or a request
                // that comes late would take a mark back.
                Some(answer) => {
                    receipts.push(answer);
                    continue;
                }
                None => self.moved(request, &commit),
            };
            if let Some(error) = refused {
                receipts.push(Err(error));
                continue;
            }
            let receipt = self.stage_one(requests, (number, request), &mut commit, &mut uncounted)?;
            if let Some(key) = &request.key {
                commit.keys.insert(key.name.clone(), (key.request, receipt));
            }
            if let Some(mark) = &request.mark {
                commit.marks.insert(Mark::key(&mark.source, mark.first), mark.row(receipt.next_offset));
            }
            receipts.push(Ok(receipt));
        }
        self.tip.extend(self.log.settings.stream.rule(), uncounted.into_iter());
        Ok((commit, receipts))
    }

    /// Why a request that knows its source up to a certain offset may not be done: more of the source was
    /// appended since. Only this request's, even if the mark cannot be read: nothing has been changed for it.
    fn moved(&self, request: &Request, commit: &Commit) -> Option<Error> {
        let (mark, after) = (request.mark.as_ref()?, request.after?);
        let known = match commit.marks.get(&Mark::key(&mark.source, mark.first)) {
            Some(row) => Ok(Mark::read(&mark.source, mark.first, row)),
            None => self.log.mark_beyond(after, &mark.source, mark.first),
        };
        match known {
            Ok(known) if known.as_ref().is_none_or(|known| known.next_offset <= after) => None,
            Ok(_) => Some(Error::Moved(mark.source.clone())),
            Err(error) => Some(error),
        }
    }

    /// The answer that a request with this key was given before.
    fn answered(&self, request: &Request, commit: &Commit) -> Result<Option<Result<Receipt, Error>>, Error> {
        let Some(key) = &request.key else { return Ok(None) };
        if key.name.is_empty() || key.name.len() > KEY_BYTES_MAX {
            let what = format!("an Idempotency-Key has 1 to {KEY_BYTES_MAX} bytes, not {}", key.name.len());
            return Ok(Some(Err(Error::Refused(what))));
        }
        let known = match commit.keys.get(&key.name) {
            Some(known) => Some(Some(*known)),
            None => match self.key(&key.name) {
                // Only this request's: nothing has been changed for it.
                Err(error @ Error::Damaged { .. }) => return Ok(Some(Err(error))),
                known => known?,
            },
        };
        Ok(known.map(|known| {
            let name = &key.name;
            let lost = || {
                format!(
                    "Idempotency-Key '{name}' was used, and its answer was lost by damage; look whether its events \
                     are there, and choose a new key if not"
                )
            };
            let other = || format!("Idempotency-Key '{name}' was used for another body; choose a new one");
            let (digest, receipt) = known.ok_or_else(|| Error::Refused(lost()))?;
            if digest == key.request { Ok(receipt) } else { Err(Error::Refused(other())) }
        }))
    }

    /// Looked for in all segments that reach into the last `dedup_events` offsets; Some(None) if the key
    /// was used, and nobody knows for what.
    fn key(&self, name: &str) -> Result<Option<Option<(Digest, Receipt)>>, Error> {
        let from = self.head.saturating_sub(self.log.settings.stream.dedup_events);
        let segments = self.log.segments();
        let mut end = u64::MAX;
        for segment in segments.iter().rev() {
            if end <= from {
                break;
            }
            let found = segment.with(|database| {
                database.read()?.get(KEYS, name.as_bytes(), |row| {
                    let wrong = || Error::damaged(segment.file(), format!("the answer to key '{name}'"));
                    if row.is_empty() {
                        Ok(None)
                    } else {
                        Receipt::from_bytes(row).ok_or_else(wrong).map(Some)
                    }
                })
            })?;
            if found.is_some() {
                return Ok(found);
            }
            end = segment.first;
        }
        Ok(None)
    }

    fn stage_one<'a>(
        &mut self,
        requests: &'a [Request],
        (number, request): (usize, &'a Request),
        commit: &mut Commit,
        uncounted: &mut Vec<Event<'a>>,
    ) -> Result<Receipt, Error> {
        let mut receipt = Receipt { first_offset: self.head, ..Receipt::default() };
        for (row, event) in request.stretch.rows(0..request.stretch.len()).enumerate() {
            let hash = id_hash(self.log.settings.seed, event.id);
            if let Some(same) = self.find(&event, hash, requests, commit)? {
                if same {
                    receipt.duplicates += 1
                } else {
                    receipt.conflicts += 1
                }
                continue;
            }
            self.note_id(event.id, hash, requests, commit);
            commit.accepted.push((number as u32, row as u32));
            if commit.ingested.last().is_none_or(|(_, ms)| *ms != event.ingested_ms) {
                commit.ingested.push((self.head, event.ingested_ms));
            }
            receipt.appended += 1;
            self.head += 1;
            uncounted.push(event);
            self.pending.push(&event, hash);
            if self.pending.is_block() {
                self.tip.extend(self.log.settings.stream.rule(), uncounted.drain(..));
                self.cut(commit);
            }
        }
        receipt.next_offset = self.head;
        Ok(receipt)
    }

    /// A commit of what comes next, which is to be read without what is pending from earlier ones.
    fn begun(&mut self) -> Commit {
        self.pending.records.part();
        let tail = (self.head, self.pending.records.bytes.len());
        Commit { first: self.head, tail, ..Commit::default() }
    }

    /// Makes a block of what is pending.
    fn cut(&mut self, commit: &mut Commit) {
        if self.pending.records.count == 0 {
            return;
        }
        let next = Pending { before: self.tip.clone(), ..Pending::default() };
        let pending = std::mem::replace(&mut self.pending, next);
        commit.blocks.push(Cut { first: self.head - pending.records.count, pending });
        commit.tail = (self.head, 0);
    }

    /// Whether an event with this id is there, and has the same payload.
    fn find(
        &self,
        event: &Event<'_>,
        hash: u64,
        requests: &[Request],
        commit: &Commit,
    ) -> Result<Option<bool>, Error> {
        let (Some(ids), Some(id)) = (&self.ids, event.id) else { return Ok(None) };
        let failed = RefCell::new(None);
        let found = ids.find(hash, self.head, |offset| {
            let there = self.look(offset, requests, commit, |other| other.id == Some(id));
            there.unwrap_or_else(|error| {
                failed.replace(Some(error));
                false
            })
        });
        if let Some(error) = failed.into_inner() {
            return Err(error);
        }
        let same = |offset| self.look(offset, requests, commit, |other| other.payload == event.payload);
        found.map(same).transpose()
    }

    fn note_id(&mut self, id: Option<&str>, hash: u64, requests: &[Request], commit: &Commit) {
        let Some(id) = id else { return };
        let Some(mut ids) = self.ids.take() else { return };
        let has_id = |other: &Event<'_>| other.id == Some(id);
        ids.insert(hash, self.head, |offset| self.look(offset, requests, commit, has_id).unwrap_or(false));
        self.ids = Some(ids);
    }

    /// Looks at an event of the log or of this commit.
    fn look(
        &self,
        offset: u64,
        requests: &[Request],
        commit: &Commit,
        look: impl FnOnce(&Event<'_>) -> bool,
    ) -> Result<bool, Error> {
        if let Some(place) = offset.checked_sub(commit.first) {
            let accepted = commit.accepted.get(place as usize);
            let event = accepted
                .and_then(|(request, row)| requests.get(*request as usize)?.stretch.get(*row as usize));
            return Ok(event.is_some_and(|event| look(&event)));
        }
        let stretch = self.stretch(offset)?;
        Ok(stretch.get((offset - stretch.first) as usize).is_some_and(|event| look(&event)))
    }

    fn stretch(&self, offset: u64) -> Result<Arc<Stretch>, Error> {
        let mut recent = self.recent.borrow_mut();
        let holds = |stretch: &Arc<Stretch>| stretch.first <= offset && offset < stretch.end();
        if let Some(place) = recent.iter().position(holds) {
            let stretch = recent.remove(place);
            recent.push(stretch.clone());
            return Ok(stretch);
        }
        let stretch = Arc::new(self.log.stretch_at(offset)?);
        if recent.len() >= RECENT_MAX {
            recent.remove(0);
        }
        recent.push(stretch.clone());
        Ok(stretch)
    }

    fn commit(&mut self, commit: Commit) -> Result<(), Error> {
        let Commit { blocks, tail, keys, marks, first, ingested, .. } = commit;
        let answers = keys.into_iter().map(|(name, (digest, receipt))| Note {
            table: KEYS,
            key: name.into_bytes(),
            row: receipt.to_bytes(digest),
        });
        let marks = marks.into_iter().map(|(key, row)| Note { table: SOURCES, key, row });
        let notes: Vec<Note> = answers.chain(marks).collect();
        if self.head == first && notes.is_empty() {
            return Ok(());
        }
        self.write(&blocks, tail, &notes)?;
        *self.log.tip.lock().unwrap_or_else(PoisonError::into_inner) = self.tip.clone();
        self.log.ingested.lock().unwrap_or_else(PoisonError::into_inner).extend(ingested);
        self.log.advance(self.head);
        if let Some(ids) = &mut self.ids {
            ids.commit(self.head);
        }
        if !blocks.is_empty() {
            self.is_full = self.bytes()? >= self.log.settings.segment_bytes;
        }
        Ok(())
    }

    fn write(&self, blocks: &[Cut], (tail_first, from): (u64, usize), notes: &[Note]) -> Result<(), Error> {
        let packed = packed(blocks);
        let keys: Vec<[u8; 8]> = blocks.iter().map(|block| block.first.to_be_bytes()).collect();
        let tail_count = self.head - tail_first;
        self.segment.with(|database| {
            database.write(true, |write| {
                if !blocks.is_empty() {
                    let rows = keys.iter().zip(&packed);
                    write.load(BLOCKS, rows.map(|(key, row)| (key.as_slice(), row.as_slice())))?;
                    let ids = keys.iter().zip(blocks).filter(|(_, block)| block.pending.has_ids);
                    let ids = ids.map(|(key, block)| (key.as_slice(), block.pending.id_hashes.as_slice()));
                    write.load(IDS, ids)?;
                    write.clear(TAIL)?;
                }
                if tail_count > 0 {
                    let records = self.pending.records.bytes.get(from..).unwrap_or_default();
                    let row = tail_row(tail_count, records);
                    write.load(TAIL, [(tail_first.to_be_bytes().as_slice(), row.as_slice())])?;
                }
                write.put(META, [(HEAD, self.head.to_le_bytes().as_slice())])?;
                notes
                    .iter()
                    .try_for_each(|note| write.put(note.table, [(note.key.as_slice(), note.row.as_slice())]))
            })
        })
    }

    /// Ends the segment with what is pending as its last block, and begins the next one.
    pub fn roll(&mut self) -> Result<(), Error> {
        let mut commit = self.begun();
        self.cut(&mut commit);
        if !commit.blocks.is_empty() {
            self.write(&commit.blocks, commit.tail, &[])?;
        }
        let disk = self.log.disk.as_ref();
        self.segment.seal(disk)?;
        let next = Arc::new(Segment::create(disk, &self.log.shelf, &self.log.folder, self.head, &self.tip)?);
        self.log.segments.write().unwrap_or_else(PoisonError::into_inner).push(next.clone());
        self.segment = next;
        self.is_full = false;
        Ok(())
    }

    fn bytes(&self) -> Result<u64, Error> {
        let file = self.segment.file();
        let length = self.log.disk.open(file).and_then(|file| file.size());
        length.map_err(|cause| Error::disk(file, cause))
    }
}

/// The rows of blocks. Packing takes more than all else that becomes of an event: several are packed on as
/// many threads as there are.
fn packed(blocks: &[Cut]) -> Vec<Vec<u8>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(blocks.len() / 2).max(1);
    let pack = |blocks: &[Cut]| blocks.iter().map(|block| block.pending.packed()).collect::<Vec<_>>();
    let mut shares = blocks.chunks(blocks.len().div_ceil(threads).max(1));
    let Some(own) = shares.next() else { return Vec::new() };
    std::thread::scope(|scope| {
        let others: Vec<_> = shares.map(|share| (share, scope.spawn(move || pack(share)))).collect();
        let mut rows = pack(own);
        for (share, other) in others {
            // A thread that could not do it is a bug; what it was to do is done here.
            rows.extend(other.join().unwrap_or_else(|_| pack(share)));
        }
        rows
    })
}

impl Pending {
    /// The row of a block of these events.
    fn packed(&self) -> Vec<u8> {
        let Pending { records, times_ms, before, .. } = self;
        block::encode(before, records.count as u32, times_ms.unwrap_or_default(), &records.bytes)
    }

    fn push(&mut self, event: &Event<'_>, id_hash: u64) {
        self.records.push(event);
        self.id_hashes.extend_from_slice(&id_hash.to_le_bytes());
        self.has_ids |= id_hash != 0;
        let (least, greatest) = self.times_ms.unwrap_or((event.time_ms, event.time_ms));
        self.times_ms = Some((least.min(event.time_ms), greatest.max(event.time_ms)));
    }

    fn is_block(&self) -> bool {
        self.records.bytes.len() >= BLOCK_BYTES || self.records.count >= BLOCK_EVENTS_MAX
    }
}

/// The hashes of a block's ids, one an event; empty if none has an id.
pub fn id_hashes(seed: u64, stretch: &Stretch) -> Vec<u8> {
    let hashes: Vec<u64> = stretch.rows(0..stretch.len()).map(|event| id_hash(seed, event.id)).collect();
    if hashes.iter().all(|hash| *hash == 0) {
        return Vec::new();
    }
    hashes.into_iter().flat_map(u64::to_le_bytes).collect()
}

/// 0 is no id.
fn id_hash(seed: u64, id: Option<&str>) -> u64 {
    id.map_or(0, |id| XxHash3_64::oneshot_with_seed(seed, id.as_bytes()).max(1))
}
