//! A run as the command makes it, on any disk: beside what is served, and published once it is whole.

use bifocal::calls::Calls;
use bifocal::extract::Extractor;
use bifocal::half::Job;
use bifocal::log::ReadLog;
use bifocal::offset::Offset;
use bifocal::refold::{self, Choice, Error, Means, Target};
use bifocal::store::{
    CacheBytes, CertificateRecord, Meta, RunKind, RunRecord, RunResult, Store, ViewFile, ViewRecord,
};

pub const CACHE: CacheBytes = CacheBytes(1 << 20);

pub struct Run<'a> {
    pub calls: &'a Calls,
    pub extractor: &'a Extractor,
    pub lateness_ms: i64,
    pub kind: RunKind,
    /// Of a targeted run.
    pub choice: Choice,
    pub means: Means,
}

/// The file of a kept run.
pub fn open(store: &Store, view: &ViewRecord, run: &RunRecord) -> Result<ViewFile, bifocal::store::Error> {
    let file = format!("{}/{}", view.folder(), run.file.as_ref().unwrap());
    ViewFile::open_read_only(store.disk(), &file, CACHE)
}

/// What is served of a view; None before its first run.
pub fn served(store: &Store, view: &ViewRecord) -> Result<Option<ViewFile>, bifocal::store::Error> {
    let run = view.batch_run.and_then(|number| view.run(number));
    run.map(|run| open(store, view, run)).transpose()
}

impl Run<'_> {
    /// Runs over the log of the view's stream.
    pub fn on(&self, store: &Store, view: &str) -> Result<Meta, Error> {
        let log = store.log(&store.stream(&store.view(view)?.stream)?)?;
        self.over(store, view, log.as_ref())
    }

    /// Runs over a log that may say something else than the stream's.
    pub fn over(&self, store: &Store, view: &str, log: &dyn ReadLog) -> Result<Meta, Error> {
        let record = store.view(view)?;
        let file = format!("{:010}.redb", record.next_run);
        let folded = self.fold(store, &record, log, &format!("{}/{file}", record.folder()));
        let number = record.next_run;
        let mut run = RunRecord::begun(number, self.kind, record.live, 0);
        match folded {
            Ok(meta) => {
                let proof = meta.certificate.unwrap();
                run = RunRecord {
                    to: meta.range.to.0,
                    result: RunResult::Published,
                    certificate: Some(CertificateRecord {
                        version: proof.version.to_string(),
                        log: proof.log.to_string(),
                        rejected: proof.rejected.to_string(),
                        cells: proof.cells.to_string(),
                    }),
                    cells: meta.cells,
                    rejected: meta.rejected,
                    file: Some(file),
                    ..run
                };
                store.add_run(view, run, |view| {
                    (view.boundary, view.batch_run) = (meta.range.to.0, Some(number));
                    view.next_run = number + 1;
                })?;
                Ok(meta)
            }
            Err(error) => {
                run.cause = Some(error.to_string());
                store.add_run(view, run, |view| view.next_run = number + 1)?;
                Err(error)
            }
        }
    }

    fn fold(&self, store: &Store, view: &ViewRecord, log: &dyn ReadLog, file: &str) -> Result<Meta, Error> {
        let job = Job { calls: self.calls, log, extractor: self.extractor, lateness_ms: self.lateness_ms };
        let (target, head) = (Target { disk: store.disk(), file }, Offset(log.head().0));
        let base = served(store, view)?;
        let progress = &mut |_| {};
        match (self.kind, &base) {
            (RunKind::Full, _) | (_, None) => refold::full(&job, head, target, self.means, progress),
            (RunKind::Incremental, Some(base)) => {
                refold::incremental(&job, base, head, target, self.means, progress)
            }
            (RunKind::Targeted, Some(base)) => {
                refold::targeted(&job, base, &self.choice, target, self.means, progress)
            }
            (RunKind::Imported | RunKind::Sealed, _) => unreachable!("that is no run of the batch executor"),
        }
    }
}
