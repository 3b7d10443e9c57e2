//! What is served of one version, and how it moves: a pointer to a batch view, a list of speed parts and the
//! offset up to which they are folded, changed as a whole. Every change is a step that a caller makes; no
//! thread, clock or catalog. Knows nothing of queries or of why a run is made.
//!
//! Readers take the pointer and keep it as long as they like. Writers are several: one folds what arrives,
//! another folds parts together and lays them on disk, a third publishes runs. What each of them makes is
//! put in place only if the pointer still has what it was made from.

use crate::calls::Calls;
use crate::deltas::Folder;
use crate::extract::Scratch;
use crate::half::{self, Half, Job};
use crate::offset::{Offset, Range};
use crate::parts::{self, Choice, Part, Stack};
use crate::store::ViewFile;
use crate::table;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A published batch view.
#[derive(Debug)]
pub struct Base {
    pub run: u64,
    pub view: ViewFile,
    /// Windows that start before this are closed in its range; None: none is.
    pub settled_to_ms: Option<i64>,
}

/// What an answer is made from; exact over `[0, visible)`.
#[derive(Clone, Debug)]
pub struct Pointer {
    pub base: Option<Arc<Base>>,
    /// Oldest first, from the boundary to `visible` without a gap.
    pub parts: Vec<Arc<Part>>,
    pub visible: Offset,
    /// The greatest event time that counts in `[0, visible)`.
    pub greatest_ms: Option<i64>,
}

impl Pointer {
    /// The offset where batch ends and speed begins.
    pub fn boundary(&self) -> Offset {
        self.base.as_ref().map_or(Offset::ZERO, |base| base.view.meta().range.to)
    }

    pub fn base_view(&self) -> Option<&ViewFile> {
        self.base.as_ref().map(|base| &base.view)
    }

    pub fn stack(&self) -> Stack<'_> {
        Stack { base: self.base_view(), parts: &self.parts }
    }

    /// Bytes of parts in memory.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes()).sum()
    }

    /// How many cells there are at least: no part has one twice.
    pub fn cells_min(&self) -> u64 {
        let base = self.base_view().map_or(0, |view| view.meta().cells);
        self.parts.iter().map(|part| part.count()).fold(base, u64::max)
    }
}

#[derive(Debug)]
struct State {
    pointer: Arc<Pointer>,
    /// Where a run has cut: no part reaches across.
    cut: Option<Offset>,
    /// Parts on disk, from the boundary to `persisted`.
    files: Vec<Arc<Part>>,
    persisted: Offset,
    /// Up to where parts are being laid on disk.
    persisting: Offset,
    /// Counts what makes folded parts worthless.
    epoch: u64,
}

/// What is served of one version.
#[derive(Debug)]
pub struct Near(Mutex<State>);

/// A part that was folded and is not served yet.
pub struct Folded {
    part: Part,
    epoch: u64,
}

impl Folded {
    pub fn range(&self) -> Range {
        self.part.range
    }
}

/// Cells that are folded together at once by whoever folds what arrives; larger parts wait for who tidies.
const AT_ONCE_CELLS_MAX: u64 = 65_536;

impl Near {
    /// `files` lead on from the base without a gap.
    pub fn new(base: Option<Base>, files: Vec<ViewFile>, greatest_ms: Option<i64>) -> Near {
        let boundary = base.as_ref().map_or(Offset::ZERO, |base| base.view.meta().range.to);
        let files: Vec<Arc<Part>> = files.into_iter().map(|file| Arc::new(Part::in_file(file))).collect();
        let visible = files.last().map_or(boundary, |part| part.range.to);
        let pointer = Pointer { base: base.map(Arc::new), parts: files.clone(), visible, greatest_ms };
        Near(Mutex::new(State {
            pointer: Arc::new(pointer),
            cut: None,
            files,
            persisted: visible,
            persisting: visible,
            epoch: 0,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn pointer(&self) -> Arc<Pointer> {
        self.lock().pointer.clone()
    }

    /// Folds the next micro-batch, which ends at `to` or where a run has cut. None: nothing is to be folded.
    pub fn fold(
        &self,
        job: &Job<'_>,
        scratch: &mut Scratch,
        to: Offset,
    ) -> Result<Option<Folded>, half::Error> {
        let (pointer, cut, epoch) = {
            let state = self.lock();
            (state.pointer.clone(), state.cut, state.epoch)
        };
        let from = pointer.visible;
        let to = cut.filter(|cut| from < *cut).map_or(to, |cut| cut.min(to));
        if to <= from {
            return Ok(None);
        }
        let range = Range::new(from, to);
        let chunk = half::fold(job, scratch, range)?;
        let stack = pointer.stack();
        let mut half = Half::new(range);
        half.absorb(job.calls, chunk, &job.left(Some(&stack)))?;
        Ok(Some(Folded { part: Part::in_memory(half), epoch }))
    }

    /// Serves what was folded, unless what it grew from was replaced meanwhile. Whether it is served.
    pub fn append(&self, folded: Folded, greatest_ms: Option<i64>) -> bool {
        let mut state = self.lock();
        let part = folded.part;
        if state.epoch != folded.epoch || state.pointer.visible != part.range.from {
            return false;
        }
        state.push(Arc::new(part), greatest_ms);
        true
    }

    /// Folds small neighbours together. Whether there were such.
    pub fn tidy(&self, calls: &Calls) -> Result<bool, half::Error> {
        self.tidy_up_to(calls, AT_ONCE_CELLS_MAX)
    }

    /// The same with parts of any size.
    pub fn tidy_all(&self, calls: &Calls) -> Result<bool, half::Error> {
        self.tidy_up_to(calls, u64::MAX)
    }

    fn tidy_up_to(&self, calls: &Calls, cells_max: u64) -> Result<bool, half::Error> {
        let old = {
            let state = self.lock();
            let barriers = state.barriers();
            let choice = Choice { barriers: &barriers, cells_max, in_files: false };
            let parts = &state.pointer.parts;
            match parts::foldable(parts, &choice) {
                Some(chosen) => parts.get(chosen).unwrap_or_default().to_vec(),
                None => return Ok(false),
            }
        };
        let Some(one) = parts::folded(calls, &old)? else { return Ok(false) };
        self.lock().replace(&old, vec![Arc::new(one)]);
        Ok(true)
    }

    /// Cuts at `head`, which nothing is folded beyond yet: no part reaches across until the run has ended.
    pub fn cut(&self, head: impl FnOnce() -> Offset) -> Offset {
        let mut state = self.lock();
        let at = head().max(state.pointer.visible);
        state.cut = Some(at);
        at
    }

    /// Serves parts that were folded elsewhere, if they follow what is visible.
    pub fn adopt(&self, parts: Vec<Arc<Part>>) {
        let epoch = self.lock().epoch;
        for part in parts {
            let mut state = self.lock();
            if state.epoch == epoch && state.pointer.visible == part.range.from {
                state.push(part, None);
            }
        }
    }

    /// Forgets the cut of a run that has failed.
    pub fn uncut(&self) {
        self.lock().cut = None;
    }

    /// Serves a new batch view, and of the parts those beyond it.
    pub fn publish(&self, base: Base) {
        let mut state = self.lock();
        let boundary = base.view.meta().range.to;
        state.cut = None;
        state.files.retain(|part| part.range.from >= boundary);
        state.persisted = state.persisted.max(boundary);
        state.persisting = state.persisting.max(boundary);
        let Pointer { parts, visible, greatest_ms, .. } = state.pointer.as_ref();
        let parts = parts.iter().filter(|part| part.range.from >= boundary).cloned().collect();
        let (visible, greatest_ms) = ((*visible).max(boundary), *greatest_ms);
        state.pointer = Arc::new(Pointer { base: Some(Arc::new(base)), parts, visible, greatest_ms });
    }

    /// Serves another batch view over the same range, and folds anew what follows it: whole states that
    /// grew from the former one say nothing any more. Until they are folded the answer reaches less far.
    pub fn restart(&self, base: Base, greatest_ms: Option<i64>) {
        let mut state = self.lock();
        state.cut = None;
        state.start_over(Some(Arc::new(base)), greatest_ms);
    }

    /// Folds anew all that follows the batch view: what is on disk of it cannot be read.
    pub fn refold(&self, greatest_ms: Option<i64>) {
        let mut state = self.lock();
        let base = state.pointer.base.clone();
        state.start_over(base, greatest_ms);
    }

    /// Lays down on disk what is not there yet, up to what is visible. How many events it covers.
    pub fn persist(&self, calls: &Calls, folder: &Folder<'_>) -> Result<u64, half::Error> {
        let (parts, range) = {
            let mut state = self.lock();
            let from = state.persisted;
            let visible = state.pointer.visible;
            let to = state.cut.filter(|cut| from < *cut && *cut < visible).unwrap_or(visible);
            state.persisting = to;
            (parts::within(&state.pointer.parts, Range::new(from, to)).to_vec(), Range::new(from, to))
        };
        if range.is_empty() {
            return Ok(0);
        }
        let written = folder.write(calls, &parts)?;
        let mut state = self.lock();
        if let Some(file) = written.filter(|_| state.persisted == range.from) {
            state.files.push(Arc::new(Part::in_file(file)));
            state.persisted = range.to;
        }
        Ok(range.count())
    }

    /// Folds files together, so that there are few. Whether there were such.
    pub fn tidy_files(&self, calls: &Calls, folder: &Folder<'_>) -> Result<bool, half::Error> {
        let old = {
            let state = self.lock();
            let barriers: Vec<Offset> = state.cut.into_iter().collect();
            let choice = Choice { barriers: &barriers, cells_max: u64::MAX, in_files: true };
            match parts::foldable(&state.files, &choice) {
                Some(chosen) => state.files.get(chosen).unwrap_or_default().to_vec(),
                None => return Ok(false),
            }
        };
        let Some(one) = folder.write(calls, &old)? else { return Ok(false) };
        let one = Arc::new(Part::in_file(one));
        let range = one.range;
        let is_kept = {
            let mut state = self.lock();
            let is_kept = replace(&mut state.files, &old, std::slice::from_ref(&one));
            if is_kept {
                state.replace(&old, vec![one]);
            }
            is_kept
        };
        folder.remove(range, is_kept.then_some(range)).map_err(table::Error::from)?;
        Ok(true)
    }

    /// Serves from disk all that is there, and gives its memory back.
    pub fn evict(&self) {
        let mut state = self.lock();
        let persisted = state.persisted;
        let rest = state.pointer.parts.iter().filter(|part| part.range.from >= persisted);
        let parts = state.files.iter().chain(rest).cloned().collect();
        state.serve(parts);
    }

    /// How many events are folded and not on disk.
    pub fn unpersisted(&self) -> u64 {
        let state = self.lock();
        state.pointer.visible.0 - state.persisted.0
    }
}

impl State {
    /// Serves the batch view alone; what was folded beyond it, and is being folded, counts no more.
    fn start_over(&mut self, base: Option<Arc<Base>>, greatest_ms: Option<i64>) {
        let mut pointer = Pointer { base, parts: Vec::new(), visible: Offset::ZERO, greatest_ms };
        pointer.visible = pointer.boundary();
        self.epoch += 1;
        self.files.clear();
        (self.persisted, self.persisting) = (pointer.visible, pointer.visible);
        self.pointer = Arc::new(pointer);
    }

    /// Serves other parts over the same offsets.
    fn serve(&mut self, parts: Vec<Arc<Part>>) {
        let Pointer { base, visible, greatest_ms, .. } = self.pointer.as_ref();
        let (base, visible, greatest_ms) = (base.clone(), *visible, *greatest_ms);
        self.pointer = Arc::new(Pointer { base, parts, visible, greatest_ms });
    }

    fn push(&mut self, part: Arc<Part>, greatest_ms: Option<i64>) {
        let visible = part.range.to;
        let mut parts = self.pointer.parts.clone();
        parts.push(part);
        self.pointer = Arc::new(Pointer { parts, visible, greatest_ms, base: self.pointer.base.clone() });
    }

    fn barriers(&self) -> Vec<Offset> {
        self.cut.into_iter().chain([self.persisted, self.persisting]).collect()
    }

    /// Puts parts in place of those that they were made from, if these are served still and nothing has
    /// come to lie between them.
    fn replace(&mut self, old: &[Arc<Part>], new: Vec<Arc<Part>>) {
        let barriers = self.barriers();
        let is_within = |part: &Arc<Part>| {
            let mut inner = barriers.iter().filter(|at| part.range.from < **at && **at < part.range.to);
            part.file().is_none() && inner.next().is_some()
        };
        if new.iter().any(is_within) {
            return;
        }
        let mut parts = self.pointer.parts.clone();
        if replace(&mut parts, old, &new) {
            self.serve(parts);
        }
    }
}

/// Puts `new` where `old` stands in a list; false if it does not.
fn replace(list: &mut Vec<Arc<Part>>, old: &[Arc<Part>], new: &[Arc<Part>]) -> bool {
    let Some(first) = old.first() else { return false };
    let Some(from) = list.iter().position(|part| Arc::ptr_eq(part, first)) else { return false };
    let to = from + old.len();
    let stands =
        list.get(from..to).is_some_and(|there| there.iter().zip(old).all(|(a, b)| Arc::ptr_eq(a, b)));
    if stands {
        list.splice(from..to, new.iter().cloned());
    }
    stands
}
