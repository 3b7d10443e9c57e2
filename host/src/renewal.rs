//! One run of a live view, from the cut to what is published: fold, reconcile with what speed has said, find
//! who is at fault. Owns the order of these and the verdict; moves no pointer and knows no catalog: whoever
//! calls has cut the speed view at the run's end and waited until it was folded that far.

use crate::deltas;
use crate::half::{self, Job};
use crate::log::ReadLog;
use crate::merge::{Merge, Source};
use crate::near::Pointer;
use crate::offset::{Offset, Range};
use crate::parts::{self, Part};
use crate::reconcile::Drift;
use crate::refold::{self, Choice, Error, Means, Progress, Target};
use crate::store::{self, CacheBytes, Meta, Proof, ViewFile, ViewWriter};
use crate::witness::{Case, Cells, Party};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a run recomputes.
#[derive(Clone, Debug)]
pub enum Kind {
    Full,
    Incremental,
    Targeted(Choice),
    /// Nothing: speed as it stands becomes the batch view, unproved, so that memory is given back.
    Sealed,
}

/// A run: what, up to where, from what it grows and where it goes.
pub struct Renewal<'a> {
    pub job: &'a Job<'a>,
    /// The same log, read past every cache.
    pub payloads: &'a dyn ReadLog,
    /// As it stands now; its parts reach `to` at least, and none across it.
    pub pointer: &'a Pointer,
    pub to: Offset,
    pub target: Target<'a>,
    pub means: Means,
}

/// What a run has made.
pub struct Renewed {
    pub view: ViewFile,
    /// What was compared; None of a run that compares nothing.
    pub drift: Option<Drift>,
    /// Who is at fault, if anything differs.
    pub blamed: BTreeSet<Party>,
}

impl Renewed {
    /// Whether it may be served: what is at fault is replaced by it.
    pub fn is_right(&self) -> bool {
        !self.blamed.contains(&Party::NewBatch) && !self.blamed.contains(&Party::Version)
    }
}

const CACHE: CacheBytes = CacheBytes(16 << 20);

impl<'a> Renewal<'a> {
    fn boundary(&self) -> Offset {
        self.pointer.boundary()
    }

    /// The parts of `[N, to)`.
    fn generation(&self) -> &'a [Arc<Part>] {
        parts::within(&self.pointer.parts, Range::new(self.boundary(), self.to))
    }

    pub fn run(&self, kind: &Kind, progress: Progress<'_>) -> Result<Renewed, Error> {
        match (kind, self.pointer.base_view()) {
            (Kind::Incremental, Some(base)) => self.incremental(base, progress),
            (Kind::Targeted(choice), Some(base)) => {
                refold::targeted(self.job, base, choice, self.target, self.means, progress)?;
                Ok(Renewed { view: self.open()?, drift: None, blamed: BTreeSet::new() })
            }
            (Kind::Sealed, _) => {
                self.seal()?;
                Ok(Renewed { view: self.open()?, drift: None, blamed: BTreeSet::new() })
            }
            // Without a batch view there is nothing to go on from.
            _ => self.full(progress),
        }
    }

    fn open(&self) -> Result<ViewFile, Error> {
        Ok(ViewFile::open_read_only(self.target.disk, self.target.file, CACHE)?)
    }

    fn full(&self, progress: Progress<'_>) -> Result<Renewed, Error> {
        refold::full(self.job, self.to, self.target, self.means, progress)?;
        let view = self.open()?;
        let compared = self.compared(&view);
        self.judged(view, compared, false)
    }

    /// A full run against all that was served.
    fn compared(&self, view: &ViewFile) -> Result<Drift, Error> {
        let (base, generation) = (self.pointer.base_view(), self.generation());
        let mut overlay = overlay(self.job, base, generation)?;
        let mut drift = Drift::of(&mut view.scan()?, &mut overlay)?;
        let old = base.into_iter().flat_map(ViewFile::rejected);
        let near = generation.iter().flat_map(|part| part.rejected());
        drift.compare_rejected(view.rejected(), old.chain(near))?;
        Ok(drift)
    }

    fn incremental(&self, base: &ViewFile, progress: Progress<'_>) -> Result<Renewed, Error> {
        let generation = self.generation();
        let mut compared = Ok(Drift::default());
        let mut look = |cells: &mut dyn Source| {
            let near = deltas::merged(self.job.calls, generation);
            compared = near.and_then(|mut near| Drift::of(cells, &mut near)).map_err(Error::from);
            Ok(())
        };
        let (job, to, target, means) = (self.job, self.to, self.target, self.means);
        refold::incremental_looked_at(job, base, to, target, means, progress, &mut look)?;
        let view = self.open()?;
        let boundary = self.boundary().0;
        let is_new = |event: &Result<crate::extract::Rejected, _>| {
            event.as_ref().map_or(true, |event| event.offset >= boundary)
        };
        let compared = compared.and_then(|mut drift| {
            let near = generation.iter().flat_map(|part| part.rejected());
            drift.compare_rejected(view.rejected().filter(is_new), near)?;
            Ok(drift)
        });
        self.judged(view, compared, true)
    }

    /// The verdict. What was served and cannot be read any more is at fault by that alone.
    fn judged(
        &self,
        view: ViewFile,
        compared: Result<Drift, Error>,
        is_incremental: bool,
    ) -> Result<Renewed, Error> {
        let mut drift = match compared {
            Ok(drift) => drift,
            Err(error) => {
                let Some(party) = self.unreadable(&error) else { return Err(error) };
                let drift = Drift { conservation: vec![error.to_string()], ..Drift::default() };
                return Ok(Renewed { view, drift: Some(drift), blamed: [party].into() });
            }
        };
        self.check_conserved(&mut drift, view.meta());
        let blamed = self.blame(&drift, &view, is_incremental)?;
        Ok(Renewed { view, drift: Some(drift), blamed })
    }

    /// Whose file is damaged.
    fn unreadable(&self, error: &Error) -> Option<Party> {
        let Error::Fold(half::Error::Store(store::Error::Damaged { file, .. })) = error else { return None };
        if self.pointer.base_view().is_some_and(|base| base.file() == file) {
            return Some(Party::OldBatch);
        }
        let is_it = |part: &Arc<Part>| part.file().is_some_and(|part| part.file() == file);
        self.generation().iter().any(is_it).then_some(Party::Generation)
    }

    fn check_conserved(&self, drift: &mut Drift, new: &Meta) {
        if let Some(base) = self.pointer.base_view() {
            drift.check_conserved(Party::OldBatch.name(), base.meta().range, base.meta().tally);
        }
        for part in self.generation() {
            drift.check_conserved(Party::Generation.name(), part.range, part.tally);
        }
        drift.check_conserved(Party::NewBatch.name(), new.range, new.tally);
    }

    fn blame(&self, drift: &Drift, new: &ViewFile, is_incremental: bool) -> Result<BTreeSet<Party>, Error> {
        if drift.is_none() {
            return Ok(BTreeSet::new());
        }
        let job = Job { log: self.payloads, ..*self.job };
        let near = Cells::of(&mut deltas::merged(self.job.calls, self.generation())?, drift)?;
        let case = Case {
            job: &job,
            base: self.pointer.base_view(),
            generation: Range::new(self.boundary(), self.to),
            near: &near,
            is_incremental,
        };
        let rejected = new.rejected().map(|event| Ok(event?.offset));
        let rejected = rejected.collect::<Result<Vec<u64>, Error>>()?;
        let mut blamed = case.blame(drift, &rejected)?;
        let parties = [Party::OldBatch, Party::Generation, Party::NewBatch];
        let is_amiss = |party: &Party| drift.conservation.iter().any(|what| what.starts_with(party.name()));
        blamed.extend(parties.into_iter().filter(is_amiss));
        Ok(blamed)
    }

    /// What is served of `[0, to)` as a file of its own.
    fn seal(&self) -> Result<(), Error> {
        let mut writer = ViewWriter::create(self.target.disk, self.target.file)?;
        let (base, generation) = (self.pointer.base_view(), self.generation());
        let mut cells = overlay(self.job, base, generation)?;
        while let Some(cell) = cells.head() {
            writer.push(cell)?;
            cells.advance()?;
        }
        let old = base.map_or(Ok(Vec::new()), ViewFile::spans)?;
        old.iter().try_for_each(|span| writer.push_span(span))?;
        for part in generation {
            part.spans()?.iter().try_for_each(|span| writer.push_span(span))?;
        }
        let rejected = base.into_iter().flat_map(ViewFile::rejected);
        for event in rejected.chain(generation.iter().flat_map(|part| part.rejected())) {
            let event = event?;
            writer.push_rejected(event.offset, &event.reason)?;
        }
        let (version, range) = (self.job.calls.version(), Range::new(Offset::ZERO, self.to));
        writer.finish(&Proof::Nothing { version, range })?;
        Ok(())
    }
}

/// The cells that are served: those of the batch view with those of parts laid over them.
fn overlay<'a>(
    job: &'a Job<'_>,
    base: Option<&'a ViewFile>,
    generation: &'a [Arc<Part>],
) -> Result<Merge<'a>, Error> {
    let mut sources: Vec<Box<dyn Source + 'a>> = Vec::new();
    if let Some(base) = base {
        sources.push(Box::new(base.scan()?));
    }
    for part in generation {
        sources.push(part.source(&[], false)?);
    }
    Ok(Merge::new(job.calls, sources)?)
}
