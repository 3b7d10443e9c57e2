//! Parquet: one event a row, an object by the types of its columns. Which library wrote a file, and
//! what that noted for itself, does not matter.
//!
//! | type of a column             | in the payload                                                    |
//! |------------------------------|-------------------------------------------------------------------|
//! | boolean, integers            | as they are, with all digits                                      |
//! | floats                       | the shortest number that reads back the same, 14 for 14.0         |
//! | decimals                     | a number with all its digits, 1182.50                             |
//! | string, json                 | a text                                                            |
//! | other binary, uuid, enum     | a text, base64                                                    |
//! | date, timestamps             | a text, RFC 3339 with Z: floored to milliseconds, no zone is UTC  |
//! | time of day                  | a text, 23:59:59 with what fraction it has                        |
//! | list                         | an array                                                          |
//! | struct, map                  | an object; keys of a map become texts                             |
//!
//! Null, NaN and infinities are absent: no such field in an object, `null` in an array and as a
//! value of a map. Intervals have no form and are refused with their column's name.

mod value;

use super::sink::{At, Sink};
use super::{Error, Place};
use crate::event::Typing;
use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use std::fs::File;
use value::Values;

const BATCH_ROWS: usize = 1 << 14;

pub fn read(file: File, sink: &mut Sink<'_>) -> Result<(), Error> {
    let bytes = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    // What the writing library noted of its own types would make equal files differ.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let cannot =
        |reason: String, sink: &Sink<'_>| sink.format_error(format!("Parquet cannot be read: {reason}"));
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
        .map_err(|error| cannot(error.to_string(), sink))?;
    for field in builder.schema().fields() {
        value::check(field).map_err(|what| sink.format_error(what))?;
    }
    let rows = builder.metadata().file_metadata().num_rows().max(1) as u64;
    let mut batches =
        builder.with_batch_size(BATCH_ROWS).build().map_err(|error| cannot(error.to_string(), sink))?;
    let (mut read, mut counted) = (0, 0);
    let mut payloads = Payloads::default();
    while let Some(batch) = next(&mut batches).map_err(|reason| cannot(reason, sink))? {
        payloads.fill(&batch);
        for payload in payloads.iter() {
            read += 1;
            sink.payload(payload, At { typing: Typing::Json, position: read, place: Place::Row(read) })?;
        }
        // A file is counted as its rows are read: which bytes those were is not known.
        let now = (u128::from(bytes) * u128::from(read) / u128::from(rows)) as u64;
        sink.count_bytes(now.saturating_sub(counted));
        counted = counted.max(now);
    }
    Ok(())
}

/// The next batch. The crate refuses damaged files but for some that make it panic, which is a fault
/// of the file all the same.
fn next(
    batches: &mut impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<Option<RecordBatch>, String> {
    let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| batches.next()));
    match next {
        Ok(next) => next.transpose().map_err(|error| error.to_string()),
        Err(_) => Err("it is damaged".into()),
    }
}

/// The payloads of one batch.
#[derive(Default)]
struct Payloads {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Payloads {
    fn fill(&mut self, batch: &RecordBatch) {
        self.bytes.clear();
        self.ends.clear();
        let mut row = Values::of_batch(batch);
        for i in 0..batch.num_rows() {
            row.write(&mut self.bytes, i);
            self.ends.push(self.bytes.len());
        }
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let froms = std::iter::once(0).chain(self.ends.iter().copied());
        froms.zip(&self.ends).map(|(from, to)| self.bytes.get(from..*to).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_that_makes_the_reader_panic_is_damaged() {
        let mut batches = std::iter::from_fn(|| panic!("as a damaged file might"));
        assert_eq!(super::next(&mut batches), Err("it is damaged".into()));
    }
}
