//! Rows as Arrow record batches, and those as an IPC stream. A decimal is a decimal128, a time a
//! timestamp in milliseconds UTC, binary is binary, JSON is text; every column may be null.

use super::{Encode, Error, Format, value};
use crate::column::{Column, Value};
use crate::description::{Field, Kind};
use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    TimestampMillisecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field as ArrowField, Schema, TimeUnit};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

/// Rows of one batch.
const BATCH_ROWS: usize = 1 << 16;
/// Bytes of texts in one batch: Arrow's offsets are 31 bits.
const BATCH_BYTES: usize = 1 << 30;
/// Digits of the largest 64-bit integer.
const DECIMAL_PRECISION: u8 = 19;

pub struct Stream<'a> {
    batches: Batches,
    writer: StreamWriter<&'a mut dyn Write>,
}

impl<'a> Stream<'a> {
    pub fn new(fields: &[Field], out: &'a mut dyn Write) -> Result<Stream<'a>, Error> {
        let batches = Batches::new(fields);
        let writer = StreamWriter::try_new(out, batches.schema()).map_err(cannot)?;
        Ok(Stream { batches, writer })
    }
}

impl Encode for Stream<'_> {
    fn rows(&mut self, columns: &[Column], count: usize) -> Result<(), Error> {
        for rows in self.batches.cut(columns, count) {
            let batch = self.batches.batch(columns, rows).map_err(cannot)?;
            self.writer.write(&batch).map_err(cannot)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.writer.finish().map_err(cannot)?;
        Ok(self.writer.get_mut().flush()?)
    }
}

fn cannot(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => Error::Write(error),
        error => Error::Encode { format: Format::Arrow, reason: error.to_string() },
    }
}

/// Makes record batches of one shape.
pub struct Batches {
    schema: Arc<Schema>,
    kinds: Vec<Kind>,
}

impl Batches {
    pub fn new(fields: &[Field]) -> Batches {
        let named = |field: &Field| ArrowField::new(&field.name, data_type(&field.kind), true);
        Batches {
            schema: Arc::new(Schema::new(fields.iter().map(named).collect::<Vec<_>>())),
            kinds: fields.iter().map(|field| field.kind.clone()).collect(),
        }
    }

    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Consecutive rows that fit into one batch each.
    pub fn cut(&self, columns: &[Column], count: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let longest = |column: &Column| column.heap.iter().map(<[u8]>::len).max().unwrap_or(0);
        let row_bytes: usize = columns.iter().map(longest).sum();
        let step = (BATCH_BYTES / row_bytes.max(1)).clamp(1, BATCH_ROWS);
        (0..count).step_by(step).map(move |from| from..count.min(from + step))
    }

    pub fn batch(&self, columns: &[Column], rows: Range<usize>) -> Result<RecordBatch, ArrowError> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let columns = self.kinds.iter().zip(columns);
        let arrays: Result<Vec<_>, _> =
            columns.map(|(kind, column)| array(kind, column, rows.clone())).collect();
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays?, &options)
    }
}

fn data_type(kind: &Kind) -> DataType {
    match kind {
        Kind::Boolean => DataType::Boolean,
        Kind::Integer => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Text | Kind::Json => DataType::Utf8,
        Kind::Binary | Kind::Other(_) => DataType::Binary,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Kind::Decimal(digits) => DataType::Decimal128(DECIMAL_PRECISION, *digits as i8),
    }
}

fn array(kind: &Kind, column: &Column, rows: Range<usize>) -> Result<ArrayRef, ArrowError> {
    let values = rows.map(|row| value(column, kind, row));
    let integer = |value| if let Value::Integer(number) = value { Some(number) } else { None };
    Ok(match kind {
        Kind::Boolean => {
            let boolean = |value| if let Value::Boolean(is) = value { Some(is) } else { None };
            Arc::new(values.map(boolean).collect::<BooleanArray>())
        }
        Kind::Integer => Arc::new(values.map(integer).collect::<Int64Array>()),
        Kind::Timestamp => {
            Arc::new(values.map(integer).collect::<TimestampMillisecondArray>().with_timezone("UTC"))
        }
        Kind::Decimal(digits) => {
            let decimals = values.map(|value| integer(value).map(i128::from));
            let decimals = decimals.collect::<Decimal128Array>();
            Arc::new(decimals.with_precision_and_scale(DECIMAL_PRECISION, *digits as i8)?)
        }
        Kind::Float => {
            let float = |value| if let Value::Float(number) = value { Some(number) } else { None };
            Arc::new(values.map(float).collect::<Float64Array>())
        }
        Kind::Text | Kind::Json => {
            let mut texts = StringBuilder::new();
            values.for_each(|value| texts.append_option(bytes(value).map(String::from_utf8_lossy)));
            Arc::new(texts.finish())
        }
        Kind::Binary | Kind::Other(_) => {
            let mut binaries = BinaryBuilder::new();
            values.for_each(|value| binaries.append_option(bytes(value)));
            Arc::new(binaries.finish())
        }
    })
}

fn bytes(value: Value<'_>) -> Option<&[u8]> {
    if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
}
