//! A log as it was exported: Parquet with all that the log knew of each event, taken as it is.

use super::recipient::{Fault, Recipient};
use super::{Error, Marks};
use crate::event::{Event, Lineage, Typing};
use crate::offset::Offset;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMillisecondType};
use arrow_array::{Array, BinaryArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

/// Gives the events of an exported log to a recipient; `progress` hears how many of how many.
pub fn read(
    path: &Path,
    marks: Marks,
    recipient: &mut dyn Recipient,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Error> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|source| Error::Open { path: shown.clone(), source })?;
    let cannot = |what: String| Error::Format { path: shown.clone(), what };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|error| cannot(format!("Parquet cannot be read: {error}")))?;
    let rows = builder.metadata().file_metadata().num_rows().max(0) as u64;
    let batches = builder.build().map_err(|error| cannot(format!("Parquet cannot be read: {error}")))?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(&shown);
    recipient.begin(name, marks);
    let mut read = 0;
    for batch in batches {
        let batch = batch.map_err(|error| cannot(format!("Parquet cannot be read: {error}")))?;
        let columns = Columns::of(&batch).map_err(cannot)?;
        for row in 0..batch.num_rows() {
            let taken = columns.give(row, recipient);
            taken.map_err(|fault| error(&shown, read + row as u64 + 1, fault))?;
        }
        read += batch.num_rows() as u64;
        progress(read, rows);
    }
    recipient.end().map_err(|fault| error(&shown, read, fault))
}

fn error(path: &str, row: u64, fault: Fault) -> Error {
    let (path, place) = (path.to_owned(), super::Place::Row(row));
    match fault {
        Fault::Refused(reason) => Error::Refused { path, place, reason, kept: super::Kept::Before },
        Fault::Full(source) => Error::Log { path, place, source },
        Fault::Store(source) => Error::Store { path, source },
        Fault::Said(words) => Error::Said(words),
        Fault::Many { events_max } => Error::Many { events_max },
        Fault::Changed => Error::Changed,
    }
}

struct Columns<'a> {
    time: &'a TimestampMillisecondArray,
    ingested: &'a TimestampMillisecondArray,
    id: &'a StringArray,
    schema: &'a Int64Array,
    source: &'a StringArray,
    position: &'a Int64Array,
    partition: &'a StringArray,
    key: &'a BinaryArray,
    headers: &'a StringArray,
    typing: &'a StringArray,
    payload: &'a StringArray,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Columns<'a>, String> {
        let named = |name: &str| {
            let missing = || {
                format!(
                    "it is no export of a log: it has no column '{name}'; `bifocal append` reads files of events"
                )
            };
            batch.column_by_name(name).ok_or_else(missing)
        };
        let wrong = |name: &str| format!("it is no export of a log: column '{name}' has another type");
        let text = |name: &str| named(name)?.as_string_opt::<i32>().ok_or_else(|| wrong(name));
        let integer = |name: &str| named(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(name));
        let time = |name: &str| {
            named(name)?.as_primitive_opt::<TimestampMillisecondType>().ok_or_else(|| wrong(name))
        };
        Ok(Columns {
            time: time("time")?,
            ingested: time("ingested")?,
            id: text("id")?,
            schema: integer("schema")?,
            source: text("source")?,
            position: integer("position")?,
            partition: text("partition")?,
            key: named("key")?.as_binary_opt::<i32>().ok_or_else(|| wrong("key"))?,
            headers: text("headers")?,
            typing: text("typing")?,
            payload: text("payload")?,
        })
    }

    fn give(&self, row: usize, recipient: &mut dyn Recipient) -> Result<(), Fault> {
        let text = |column: &'a StringArray| column.is_valid(row).then(|| column.value(row));
        let payload = self.payload.value(row).as_bytes();
        if recipient.has(payload)? {
            return Ok(());
        }
        let headers: Vec<(String, String)> =
            text(self.headers).and_then(|headers| serde_json::from_str(headers).ok()).unwrap_or_default();
        let event = Event {
            offset: Offset::ZERO,
            time_ms: self.time.value(row),
            ingested_ms: self.ingested.value(row),
            id: text(self.id),
            schema: self.schema.is_valid(row).then(|| self.schema.value(row)),
            lineage: Lineage {
                source: text(self.source),
                position: self.position.value(row) as u64,
                partition: text(self.partition),
                key: self.key.is_valid(row).then(|| self.key.value(row)),
                headers: &headers,
            },
            typing: if text(self.typing) == Some("text") { Typing::Text } else { Typing::Json },
            payload,
        };
        recipient.push(&event).map(|_| ())
    }
}
