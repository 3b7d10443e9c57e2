//! What a replay saves that finds the columns of its job kept: from their bytes to chunks, against
//! extracting the same chunks from JSON; one thread, nothing folded.

use crate::job::{CHUNK_ROWS, Job};
use crate::measure::{Line, in_turn};
use bifocal::digest::Digest;
use bifocal::extract::{Extracted, Need, Projection, Projector, Scratch};
use bifocal::offset::Range;
use bifocal::stripe::{decode, decode_times, encode, encode_times};
use std::borrow::Cow;
use std::time::Instant;

/// A chunk as a store would keep it.
struct Kept {
    range: Range,
    times: Vec<u8>,
    columns: Vec<Vec<u8>>,
}

pub fn measure(job: &Job) -> anyhow::Result<Line> {
    let needs: Vec<Need> = job.extractor.needs().cloned().collect();
    let projector = Projector::new(&needs);
    let chunks: Vec<Range> = job.log.range().chunks(CHUNK_ROWS).collect();
    let started = Instant::now();
    let kept: Vec<Kept> = chunks.iter().map(|range| keep(job, (&projector, &needs), *range)).collect();
    let kept_in = started.elapsed();
    let ours = || {
        let mut sums = Sums::default();
        for kept in &kept {
            sums.add(&assemble(job, &needs, kept)?);
        }
        Ok(sums)
    };
    let mut scratch = Scratch::default();
    let theirs = || {
        let mut sums = Sums::default();
        for range in &chunks {
            sums.add(&job.extractor.extract(&mut scratch, *range, job.log.read(*range)));
        }
        Ok(sums)
    };
    let (ours, theirs) = in_turn(ours, theirs)?;
    let bytes: usize = kept.iter().map(|kept| kept.times.len() + columns_bytes(kept)).sum();
    let rates = (ours.rate(job.events), theirs.rate(job.events));
    Ok(Line {
        name: "kept columns to chunks, 1 thread",
        rates,
        ratio: rates.0 / rates.1,
        goal: Some(10.0),
        digests: (ours.result.digest(), theirs.result.digest()),
        remark: format!(
            "against JSON; {:.1} ns and {:.1} bytes an event, {} columns and times; kept at {:.1} M/s",
            1e3 / rates.0,
            bytes as f64 / job.events as f64,
            needs.len(),
            job.events as f64 / kept_in.as_secs_f64() / 1e6
        ),
    })
}

fn keep(job: &Job, (projector, needs): (&Projector, &[Need]), range: Range) -> Kept {
    let rows = range.count() as usize;
    let projected = projector.project(&mut Scratch::default(), range, job.log.read(range));
    let columns = projected.iter().zip(needs).map(|(column, need)| encode(column, need.kind(), rows));
    let times: Vec<i64> = job.log.read(range).map(|event| event.time_ms).collect();
    Kept { range, times: encode_times(&times), columns: columns.collect() }
}

fn assemble(job: &Job, needs: &[Need], kept: &Kept) -> anyhow::Result<Extracted> {
    let Kept { range, times, columns } = kept;
    let rows = range.count() as usize;
    let times_ms = decode_times(times, rows)?;
    let columns = columns.iter().zip(needs);
    let columns = columns.map(|(bytes, need)| Ok(Cow::Owned(decode(bytes, need.kind(), rows)?)));
    let columns = columns.collect::<anyhow::Result<_>>()?;
    Ok(job.extractor.assemble(Projection { range: *range, times_ms: &times_ms, columns }, *range))
}

fn columns_bytes(kept: &Kept) -> usize {
    kept.columns.iter().map(Vec::len).sum()
}

/// Enough of all chunks to tell two of them apart without measuring that instead.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sums {
    rows: usize,
    rejected: Vec<u64>,
    bytes: usize,
}

impl Sums {
    fn add(&mut self, chunk: &Extracted) {
        self.rows += chunk.offsets.len();
        self.rejected.extend(chunk.rejected.iter().map(|rejected| rejected.offset));
        self.bytes += chunk.events.columns.iter().map(|column| column.fixed.len()).sum::<usize>();
    }

    fn digest(&self) -> Digest {
        let numbers = [self.rows as u64, self.bytes as u64];
        let numbers = numbers.iter().chain(&self.rejected);
        Digest::of(&numbers.flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
    }
}
