//! Rows as a Parquet file, in the columns of `arrow`, compressed by zstd.

use super::arrow::Batches;
use super::{Encode, Error, Format};
use crate::column::Column;
use crate::description::Field;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::io::Write;
use std::sync::Arc;

/// What a row group may take in memory before it is written.
const GROUP_BYTES: usize = 64 << 20;

pub struct File<'a> {
    out: &'a mut dyn Write,
    batches: Batches,
    /// Writes to memory, from where bytes are moved on: the crate's writer wants one that can be
    /// sent to another thread, which standard output's lock cannot.
    writer: ArrowWriter<Vec<u8>>,
}

impl<'a> File<'a> {
    pub fn new(
        fields: &[Field],
        notes: &[(String, String)],
        out: &'a mut dyn Write,
    ) -> Result<File<'a>, Error> {
        let batches = Batches::new(fields);
        let note = |(name, value): &(String, String)| KeyValue::new(name.clone(), value.clone());
        let notes: Vec<KeyValue> = notes.iter().map(note).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("bifocal ", env!("CARGO_PKG_VERSION")).into())
            .set_key_value_metadata((!notes.is_empty()).then_some(notes))
            .build();
        let schema = Arc::clone(batches.schema());
        let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(cannot)?;
        Ok(File { out, batches, writer })
    }

    fn move_on(&mut self) -> Result<(), Error> {
        self.writer.sync()?;
        self.out.write_all(self.writer.inner())?;
        // The crate counts positions itself and never reads back.
        self.writer.inner_mut().clear();
        Ok(())
    }
}

impl Encode for File<'_> {
    fn rows(&mut self, columns: &[Column], count: usize) -> Result<(), Error> {
        for rows in self.batches.cut(columns, count) {
            let batch = self.batches.batch(columns, rows).map_err(|error| cannot(error.into()))?;
            self.writer.write(&batch).map_err(cannot)?;
            if self.writer.in_progress_size() >= GROUP_BYTES {
                self.writer.flush().map_err(cannot)?;
            }
            self.move_on()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.writer.finish().map_err(cannot)?;
        self.move_on()?;
        Ok(self.out.flush()?)
    }
}

fn cannot(error: ParquetError) -> Error {
    Error::Encode { format: Format::Parquet, reason: error.to_string() }
}
