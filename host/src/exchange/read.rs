//! Reading an exported view, and believing nothing of it: that it is of this version, over this log, that
//! each state shows the outputs that stand beside it, and that all cells are those of the certificate.

use super::write::columns;
use super::{BROKEN, CELLS_AT_A_TIME, Error, Label, STATE, fields};
use crate::cell::Cell;
use crate::certificate::{CellsHasher, Certificate, RejectedHasher, reads_ingested};
use crate::column::Value;
use crate::description::{Description, Field, Kind};
use crate::half::Job;
use crate::key;
use crate::offset::Offset;
use crate::refold::Target;
use crate::rows;
use crate::store::{Meta, Proof, Span, ViewWriter};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

/// Makes a view of an exported one; refuses one that is not certified, or not of this version and log.
/// `progress` hears how many cells are read.
pub fn read(
    job: &Job<'_>,
    path: &Path,
    target: Target<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Meta, Error> {
    let shown = path.display().to_string();
    let refused = |what: String| Error::Refused(format!("{shown}: {what}"));
    let unreadable = |cause: &dyn std::fmt::Display| refused(format!("Parquet cannot be read: {cause}"));
    let (builder, label) = open(path)?;
    let certificate = check(job, &label).map_err(|error| match error {
        Error::Refused(what) => refused(what),
        error => error,
    })?;
    let description = job.calls.description();
    let fields = fields(description)?;
    check_columns(builder.schema(), &fields).map_err(refused)?;
    let batches = builder.with_batch_size(CELLS_AT_A_TIME).build().map_err(|cause| unreadable(&cause))?;

    let mut writer = ViewWriter::create(target.disk, target.file)?;
    let (mut hasher, mut read) = (CellsHasher::new(description), 0);
    for batch in batches {
        let batch = batch.map_err(|cause| unreadable(&cause))?;
        let cells = cells(description, &batch, read).map_err(refused)?;
        let made = rows::batch(&fields, &columns(job.calls, &cells)?, cells.len())?;
        if let Some(fault) = differing(&batch, &made, read) {
            return Err(refused(fault));
        }
        for cell in &cells {
            hasher.push(&cell.as_ref());
            writer.push(cell.as_ref()).map_err(|error| refused(format!("{error}: its rows were moved")))?;
        }
        read += cells.len() as u64;
        progress(read);
    }
    if hasher.finish() != certificate.cells {
        return Err(refused(format!(
            "its {read} cells are not those of its certificate, which are {}: the file was changed",
            certificate.cells.short()
        )));
    }
    for (offset, reason) in label.rejected.iter().flatten() {
        writer.push_rejected(*offset, reason)?;
    }
    if !label.range.is_empty() {
        // Where its cells come from is not said: a targeted run looks everywhere.
        let windows = Some((i64::MIN, i64::MAX));
        writer.push_span(&Span { range: label.range, windows, tally: label.tally })?;
    }
    Ok(writer.finish(&Proof::Certified(certificate))?)
}

/// What a file says of the view in it, none of which is proved yet.
pub fn label(path: &Path) -> Result<Label, Error> {
    open(path).map(|(_, label)| label)
}

fn open(path: &Path) -> Result<(ParquetRecordBatchReaderBuilder<File>, Label), Error> {
    let shown = path.display().to_string();
    let file =
        File::open(path).map_err(|cause| Error::File { path: shown.clone(), cause: cause.to_string() })?;
    let refused = |what: String| Error::Refused(format!("{shown}: {what}"));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(|cause| refused(format!("Parquet cannot be read: {cause}")))?;
    let notes = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let note = |name: &str| notes.iter().find(|note| note.key == name)?.value.as_deref();
    let label = Label::of_notes(note).map_err(refused)?;
    Ok((builder, label))
}

/// Whether the file is for here at all, before any cell is read.
fn check(job: &Job<'_>, label: &Label) -> Result<Certificate, Error> {
    let refused = |what: String| Err(Error::Refused(what));
    let version = job.calls.version();
    if label.version != version {
        let (found, version) = (label.version.short(), version.short());
        return refused(format!(
            "it was made by version {found} of '{}', the live one here is {version}; deploy the same component \
             with the same settings first",
            label.transform
        ));
    }
    let Some(certificate) = label.certificate else {
        return refused("it has no certificate, so nothing proves its cells; export a full run".into());
    };
    let range = certificate.range;
    let head = job.log.head();
    if range.from != Offset::ZERO || range.to > head {
        return refused(format!(
            "it is of offsets {range}, the log here has [0, {head}); import the log first"
        ));
    }
    let log = job.log.digest(range, reads_ingested(job.calls.description()))?;
    if log != certificate.log {
        return refused(format!(
            "it was folded from another log: the digest of offsets {range} is {} there and {} here",
            certificate.log.short(),
            log.short()
        ));
    }
    let Some(rejected) = &label.rejected else {
        return refused(
            "it does not carry its rejected events, which were too many; make a full run instead".into(),
        );
    };
    let mut hasher = RejectedHasher::new();
    rejected.iter().for_each(|(offset, _)| hasher.push(*offset));
    if hasher.finish() != certificate.rejected {
        return refused(
            "its rejected events are not those of its certificate: its metadata was changed".into(),
        );
    }
    let tally = label.tally;
    let sum =
        [tally.folded, tally.rejected, tally.ignored, tally.lost].into_iter().try_fold(0, u64::checked_add);
    let lost = job.log.lost(range);
    if sum != Some(range.count()) || tally.rejected != rejected.len() as u64 || tally.lost != lost {
        return refused("its counts do not add up to its range: its metadata was changed".into());
    }
    Ok(certificate)
}

fn check_columns(schema: &arrow_schema::Schema, fields: &[Field]) -> Result<(), String> {
    let expected = rows::schema(fields);
    for (place, field) in expected.fields().iter().enumerate() {
        match schema.fields().get(place) {
            Some(found) if found.name() == field.name() && found.data_type() == field.data_type() => {}
            Some(found) => {
                return Err(format!(
                    "column {} is '{}' of type {}, not '{}' of type {}",
                    place + 1,
                    found.name(),
                    found.data_type(),
                    field.name(),
                    field.data_type()
                ));
            }
            None => return Err(format!("it has no column '{}'", field.name())),
        }
    }
    match schema.fields().get(expected.fields().len()) {
        Some(more) => Err(format!("it has a column '{}' too many", more.name())),
        None => Ok(()),
    }
}

/// The cells of a piece; `before` rows came before it.
fn cells(description: &Description, batch: &RecordBatch, before: u64) -> Result<Vec<Cell>, String> {
    let named = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("it has no column '{name}'"));
    let (states, causes) = (named(STATE)?, named(BROKEN)?);
    let windows = description.window.map(|_| named("window")).transpose()?;
    let cell = |row: usize| {
        let mut cell = Cell::default();
        for (field, column) in description.keys.iter().zip(batch.columns()) {
            key::push(value(&field.kind, column, row)?, &mut cell.key);
        }
        if let Some(windows) = windows {
            let Value::Integer(window) = value(&Kind::Timestamp, windows, row)? else { return None };
            cell.window = window;
        }
        match (value(&Kind::Binary, states, row)?, value(&Kind::Text, causes, row)?) {
            (Value::Bytes(state), Value::Absent) => cell.state = state.to_vec(),
            (Value::Absent, Value::Bytes(cause)) => {
                cell.broken = Some(String::from_utf8_lossy(cause).into_owned());
            }
            _ => return None,
        }
        Some(cell)
    };
    let wrong = |row: usize| {
        format!("row {} is no cell: its key, window or state is missing", before + row as u64 + 1)
    };
    (0..batch.num_rows()).map(|row| cell(row).ok_or_else(|| wrong(row))).collect()
}

/// One value of a column, whose type has been checked; None if it is none of that kind.
fn value<'a>(kind: &Kind, column: &'a ArrayRef, row: usize) -> Option<Value<'a>> {
    if column.is_null(row) {
        return Some(Value::Absent);
    }
    Some(match kind {
        Kind::Boolean => Value::Boolean(column.as_boolean_opt()?.value(row)),
        Kind::Integer => Value::Integer(column.as_primitive_opt::<Int64Type>()?.value(row)),
        Kind::Timestamp => Value::Integer(column.as_primitive_opt::<TimestampMillisecondType>()?.value(row)),
        Kind::Decimal(_) => {
            Value::Integer(i64::try_from(column.as_primitive_opt::<Decimal128Type>()?.value(row)).ok()?)
        }
        Kind::Text => Value::Bytes(column.as_string_opt::<i32>()?.value(row).as_bytes()),
        Kind::Binary => Value::Bytes(column.as_binary_opt::<i32>()?.value(row)),
        Kind::Float | Kind::Json | Kind::Other(_) => return None,
    })
}

/// The first row whose columns are not what its state shows.
fn differing(found: &RecordBatch, made: &RecordBatch, before: u64) -> Option<String> {
    let schema = made.schema();
    for ((found, made), field) in found.columns().iter().zip(made.columns()).zip(schema.fields()) {
        if found == made {
            continue;
        }
        let row = (0..found.len()).find(|row| found.slice(*row, 1) != made.slice(*row, 1)).unwrap_or(0);
        return Some(format!(
            "row {}: column '{}' is not what the state beside it shows: the file was changed",
            before + row as u64 + 1,
            field.name()
        ));
    }
    None
}
