//! What lasts: the log of each stream, its columns, the views and the catalog, in one data directory.
//! Owns every file there and is the only user of redb; knows nothing of transforms that run, of JSON or
//! of the command line.

mod database;
mod disk;
mod error;
mod log;
mod view;

pub use database::CacheBytes;
pub use disk::{Directory, Disk, File};
pub use error::Error;
pub use log::{Appender, Batch, Key, Payloads, Pieces, Receipt, SEGMENT_BYTES, Settings, StreamLog};
pub use view::{Meta, Proof, RejectedScan, Scan, Span, Spill, ViewFile, ViewWriter, remove_spills};
