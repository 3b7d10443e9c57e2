//! From raw JSON: extraction, fold and merge, against sonic-rs into a struct of the needed fields
//! with the same fold; one thread against two; and the whole way from the bytes of a file.

use crate::job::{self, CHUNK_ROWS, Job};
use crate::measure::{Line, in_turn};
use crate::native::{Done, Revenue, Row, digest};
use bifocal::batch::{self, Shape};
use bifocal::calls::Calls;
use bifocal::certificate::Certificate;
use bifocal::digest::Digest;
use bifocal::half;
use bifocal::log::Log;
use generator::orders::{Orders, Shape as Made};
use serde::Deserialize;

/// The fields that the job needs. An amount read as a double and rounded to cents is exact for
/// amounts of this job, and faster than reading its characters.
#[derive(Deserialize)]
struct Order<'a> {
    merchant_id: &'a str,
    currency: &'a str,
    amount: f64,
    status: &'a str,
}

#[derive(Deserialize)]
struct TimedOrder<'a> {
    merchant_id: &'a str,
    currency: &'a str,
    amount: f64,
    status: &'a str,
    ts: &'a str,
}

pub fn measure(job: &Job) -> anyhow::Result<Vec<Line>> {
    Ok(vec![payloads(job)?, threads(job)?, file(job)?])
}

/// What the host's own run proves of its result, in full.
pub fn certificate(job: &Job) -> anyhow::Result<Certificate> {
    Ok(Certificate::of(&job.calls(), &job.log, &batch(job, &job.log, 2)?)?)
}

/// The payloads of a log, whose times are known since the append.
fn payloads(job: &Job) -> anyhow::Result<Line> {
    let ours = || Ok(Cells(batch(job, &job.log, 1)?));
    let theirs = || {
        let mut revenue = Revenue::default();
        for event in job.log.read(job.log.range()) {
            let Ok(order) = sonic_rs::from_slice::<Order<'_>>(event.payload) else { continue };
            if order.status == "completed" {
                revenue.add_order(order.merchant_id, order.currency, event.time_ms, cents(order.amount));
            }
        }
        Ok(Done::new(revenue))
    };
    let (ours, theirs) = in_turn(ours, theirs)?;
    let rates = (ours.rate(job.events), theirs.rate(job.events));
    Ok(Line {
        name: "JSON payloads to cells, 1 thread",
        rates,
        ratio: rates.0 / rates.1,
        goal: Some(0.7),
        digests: (ours.result.digest(job)?, theirs.result.digest()),
        remark: "against sonic-rs into a struct of 4 fields".into(),
    })
}

fn threads(job: &Job) -> anyhow::Result<Line> {
    let two = || Ok(Cells(batch(job, &job.log, 2)?));
    let one = || Ok(Cells(batch(job, &job.log, 1)?));
    let (two, one) = in_turn(two, one)?;
    let rates = (two.rate(job.events), one.rate(job.events));
    Ok(Line {
        name: "JSON payloads to cells, 2 threads",
        rates,
        ratio: rates.0 / rates.1,
        goal: Some(1.7),
        digests: (two.result.digest(job)?, one.result.digest(job)?),
        remark: "against 1 thread".into(),
    })
}

/// From NDJSON in memory: lines checked, times read, appended, extracted, folded.
fn file(job: &Job) -> anyhow::Result<Line> {
    let mut lines = Vec::new();
    Orders::new(Made { events: job.events, ..Made::default() }).fill(&mut lines, usize::MAX);
    let ours = || {
        let log = job::log(lines.clone())?;
        Ok(Cells(batch(job, &log, 1)?))
    };
    let theirs = || {
        let lines = lines.clone();
        let mut revenue = Revenue::default();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Ok(order) = sonic_rs::from_slice::<TimedOrder<'_>>(line) else { continue };
            let Some(time_ms) = bifocal::time::parse_rfc3339(order.ts.as_bytes()) else { continue };
            if order.status == "completed" {
                revenue.add_order(order.merchant_id, order.currency, time_ms, cents(order.amount));
            }
        }
        Ok(Done::new(revenue))
    };
    let (ours, theirs) = in_turn(ours, theirs)?;
    let rates = (ours.rate(job.events), theirs.rate(job.events));
    Ok(Line {
        name: "NDJSON through a log to cells, 1 thread",
        rates,
        ratio: rates.0 / rates.1,
        goal: None,
        digests: (ours.result.digest(job)?, theirs.result.digest()),
        remark: "against sonic-rs into a struct of 5 fields, no log".into(),
    })
}

fn cents(amount: f64) -> i64 {
    (amount * 100.0).round() as i64
}

fn batch(job: &Job, log: &Log, threads: usize) -> anyhow::Result<half::Half> {
    let calls: Calls = job.calls();
    let work = half::Job { calls: &calls, log, extractor: &job.extractor, lateness_ms: 0 };
    let shape = Shape { threads, chunk_rows: CHUNK_ROWS };
    let half = batch::run(&work, log.range(), shape, &mut |_| {})?;
    std::hint::black_box(half.table.sorted());
    Ok(half)
}

/// A half whose cells are compared by number while the clock runs, and by digest afterwards.
struct Cells(half::Half);

impl PartialEq for Cells {
    fn eq(&self, other: &Cells) -> bool {
        self.0.table.len() == other.0.table.len() && self.0.tally.rejected == other.0.tally.rejected
    }
}

impl Cells {
    fn digest(&self, job: &Job) -> anyhow::Result<Digest> {
        let rows: Vec<Row> = job::half_rows(job, &self.0)?;
        Ok(digest(rows.iter()))
    }
}
