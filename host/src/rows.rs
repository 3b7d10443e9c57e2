//! Rows as people and programs read them, and the formats they are written in. Owns how a value
//! looks in each format; knows nothing of where rows come from or of what they mean.

mod arrow;
mod csv;
mod json;
mod parquet;
pub mod scalar;
mod table;

pub use table::grouped;

use crate::column::{Builder, Column, Value};
use crate::description::{Field, Kind};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

/// Rows in columns: as many columns as fields, `count` values each. Of a field only name and kind
/// are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub fields: Vec<Field>,
    pub columns: Vec<Column>,
    pub count: usize,
}

impl Rows {
    pub fn new(fields: Vec<Field>, columns: Vec<Column>, count: usize) -> Rows {
        Rows { fields, columns, count }
    }

    /// The rows of several parts of the same fields, one after the other.
    pub fn joined(fields: Vec<Field>, parts: &[Rows]) -> Rows {
        let column = |(place, field): (usize, &Field)| {
            let mut builder = Builder::default();
            for part in parts {
                let Some(column) = part.columns.get(place) else { continue };
                (0..part.count).for_each(|row| builder.push(&field.kind, column.value(&field.kind, row)));
            }
            builder.finish()
        };
        let columns = fields.iter().enumerate().map(column).collect();
        Rows::new(fields, columns, parts.iter().map(|part| part.count).sum())
    }

    /// A table shows at most `table_rows_max` rows; every other format has all.
    pub fn write(&self, format: Format, table_rows_max: usize, out: &mut dyn Write) -> Result<(), Error> {
        let mut writer = Writer::new(format, &self.fields, table_rows_max, out)?;
        writer.write(&self.columns, self.count)?;
        writer.finish()
    }

    /// A value as a table shows it, safe for a terminal; `null` also where there is none.
    pub fn text_of(&self, field: &str, row: usize) -> String {
        let mut columns = self.fields.iter().zip(&self.columns);
        let found = columns.find(|(candidate, _)| candidate.name == field);
        found.map_or_else(|| "null".into(), |(field, column)| table::text_of(&field.kind, column, row))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for a terminal; the only format that may leave rows out.
    Table,
    /// One array.
    Json,
    Ndjson,
    Csv,
    /// The IPC stream.
    Arrow,
    Parquet,
}

impl Format {
    pub const ALL: [Format; 6] =
        [Format::Table, Format::Json, Format::Ndjson, Format::Csv, Format::Arrow, Format::Parquet];

    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
            Format::Arrow => "arrow",
            Format::Parquet => "parquet",
        }
    }

    /// Whether a terminal is the wrong place for it.
    pub fn is_binary(self) -> bool {
        matches!(self, Format::Arrow | Format::Parquet)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Format, UnknownFormat> {
        let found = Format::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| UnknownFormat(text.into()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no format: use table, json, ndjson, csv, arrow or parquet")]
pub struct UnknownFormat(String);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("rows cannot be written: {0}")]
    Write(#[from] io::Error),
    #[error("rows cannot be written as {format}: {reason}")]
    Encode { format: Format, reason: String },
}

impl Error {
    /// Whether the reader has gone, as `head` does when it has enough: no fault of anyone.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Error::Write(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Writes rows of one shape piece by piece.
pub struct Writer<'a> {
    encoder: Box<dyn Encode + 'a>,
}

impl<'a> Writer<'a> {
    pub fn new(
        format: Format,
        fields: &[Field],
        table_rows_max: usize,
        out: &'a mut dyn Write,
    ) -> Result<Writer<'a>, Error> {
        let encoder: Box<dyn Encode + 'a> = match format {
            Format::Table => Box::new(table::Table::new(fields, table_rows_max, out)),
            Format::Json => Box::new(json::Json::array(fields, out)?),
            Format::Ndjson => Box::new(json::Json::lines(fields, out)?),
            Format::Csv => Box::new(csv::Csv::new(fields, out)),
            Format::Arrow => Box::new(arrow::Stream::new(fields, out)?),
            Format::Parquet => Box::new(parquet::File::new(fields, &[], out)?),
        };
        Ok(Writer { encoder })
    }

    /// Parquet with notes in the file's metadata, names and values.
    pub fn parquet(
        fields: &[Field],
        notes: &[(String, String)],
        out: &'a mut dyn Write,
    ) -> Result<Writer<'a>, Error> {
        Ok(Writer { encoder: Box::new(parquet::File::new(fields, notes, out)?) })
    }

    /// Columns as the writer's fields say, `count` rows each.
    pub fn write(&mut self, columns: &[Column], count: usize) -> Result<(), Error> {
        self.encoder.rows(columns, count)
    }

    /// Writes what is still held back and what a format has at its end.
    pub fn finish(mut self) -> Result<(), Error> {
        self.encoder.finish()
    }
}

/// The columns in which Arrow and Parquet have such rows.
pub fn schema(fields: &[Field]) -> Arc<Schema> {
    Arc::clone(arrow::Batches::new(fields).schema())
}

/// Rows in those columns.
pub fn batch(fields: &[Field], columns: &[Column], count: usize) -> Result<RecordBatch, Error> {
    let batch = arrow::Batches::new(fields).batch(columns, 0..count);
    batch.map_err(|error| Error::Encode { format: Format::Arrow, reason: error.to_string() })
}

/// One format.
trait Encode {
    fn rows(&mut self, columns: &[Column], count: usize) -> Result<(), Error>;
    fn finish(&mut self) -> Result<(), Error>;
}

/// Bytes gathered before they are written.
const GATHER_BYTES: usize = 64 << 10;

/// The value of a row as all formats see it: NaN and infinities are null.
fn value<'a>(column: &'a Column, kind: &Kind, row: usize) -> Value<'a> {
    match column.value(kind, row) {
        Value::Float(number) if !number.is_finite() => Value::Absent,
        value => value,
    }
}
