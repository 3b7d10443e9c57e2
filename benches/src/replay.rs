//! Replay of the orders job from the store: first from raw payloads, which fills the columns, then on
//! warm columns read from their files, against a native loop over the same columns in memory. The log is
//! opened anew for every round, so that nothing is left in the process's own memory.

use crate::job::{self, CHUNK_ROWS, Job};
use crate::measure::{Line, in_turn};
use crate::native::{Done, Revenue, digest};
use bifocal::batch::{self, Shape};
use bifocal::certificate::Certificate;
use bifocal::digest::Digest;
use bifocal::half::{Half, Job as Fold};
use bifocal::log::Stream;
use bifocal::store::{Appender, Batch, Directory, SEGMENT_BYTES, Settings, StreamLog};
use std::path::Path;
use std::sync::Arc;

/// Events of one append.
const BATCH_EVENTS: usize = 8192;

pub struct Stored<'a> {
    job: &'a Job,
    directory: tempfile::TempDir,
}

impl<'a> Stored<'a> {
    /// The job's events as a durable log.
    pub fn new(job: &'a Job) -> anyhow::Result<Stored<'a>> {
        let directory = tempfile::tempdir_in(".")?;
        let log = open(directory.path())?;
        let appender = Appender::new(log.clone())?;
        let mut batch = Batch::default();
        for event in job.log.read(job.log.range()) {
            batch.push(&event)?;
            if batch.events() as usize == BATCH_EVENTS {
                appender.append(std::mem::take(&mut batch))?;
            }
        }
        appender.append(batch)?;
        drop(appender);
        log.close()?;
        Ok(Stored { job, directory })
    }

    pub fn measure(&self) -> anyhow::Result<Vec<Line>> {
        let first = self.line("first replay from payloads, 1 thread", 1, true, None)?;
        let one = self.line("replay on warm columns, 1 thread", 1, false, Some(0.2))?;
        let mut two = self.line("replay on warm columns, 2 threads", 2, false, Some(1.7))?;
        two.rates.1 = one.rates.0;
        two.ratio = two.rates.0 / two.rates.1;
        two.remark = "against one thread".into();
        Ok(vec![first, one, two])
    }

    fn line(
        &self,
        name: &'static str,
        threads: usize,
        cold: bool,
        goal: Option<f64>,
    ) -> anyhow::Result<Line> {
        let ours = || {
            if cold {
                let columns = self.directory.path().join("columns");
                columns.exists().then(|| std::fs::remove_dir_all(columns)).transpose()?;
            }
            self.replay(threads)
        };
        let theirs = || {
            let mut revenue = Revenue::default();
            self.job.chunks.iter().for_each(|chunk| revenue.add_columns(&chunk.events));
            Ok(Done::new(revenue))
        };
        let (ours, theirs) = in_turn(ours, theirs)?;
        let rows = job::half_rows(self.job, &ours.result.half)?;
        let rates = (ours.rate(self.job.events), theirs.rate(self.job.events));
        Ok(Line {
            name,
            rates,
            ratio: rates.0 / rates.1,
            goal,
            digests: (digest(rows.iter()), theirs.result.digest()),
            remark: format!(
                "against native on columns in memory; certificate {}",
                ours.result.certificate.short()
            ),
        })
    }

    fn replay(&self, threads: usize) -> anyhow::Result<Replayed> {
        let log = open(self.directory.path())?;
        let calls = self.job.calls();
        let fold = Fold { calls: &calls, log: log.as_ref(), extractor: &self.job.extractor, lateness_ms: 0 };
        let shape = Shape { threads, chunk_rows: CHUNK_ROWS };
        let half = batch::run(&fold, self.job.log.range(), shape, &mut |_| {})?;
        let certificate = Certificate::of(&calls, log.as_ref(), &half)?.digest();
        log.close()?;
        Ok(Replayed { half, certificate })
    }
}

/// A half with its certificate, whose making is a part of what is timed.
struct Replayed {
    half: Half,
    certificate: Digest,
}

impl PartialEq for Replayed {
    fn eq(&self, other: &Replayed) -> bool {
        self.certificate == other.certificate
    }
}

fn open(path: &Path) -> anyhow::Result<Arc<StreamLog>> {
    let settings = Settings { stream: Stream::default(), seed: 1, segment_bytes: SEGMENT_BYTES };
    Ok(StreamLog::open(Arc::new(Directory::new(path.into())), "log", settings)?)
}
