//! How events of a stream are read: prepared once, for all who append to it.

use super::TimeSource;
use super::recipient::Fault;
use super::schema::Schema;
use super::sink::{self, Rules};
use crate::event::Event;
use crate::extract::Probe;
use crate::store::StreamRecord;

/// How events are read, as the stream says.
#[derive(Debug)]
pub struct Reading {
    time: TimeSource,
    probe: Probe,
    /// Whether events are deduplicated.
    pub has_ids: bool,
    pub schema: Option<Schema>,
    /// Let in times outside 1990-2100.
    pub any_time: bool,
    /// Append files from their start, whatever was appended of them before.
    pub again: bool,
}

impl Reading {
    /// What was fixed when the stream was made, and the schema in force.
    pub fn of(stream: &StreamRecord) -> Result<Reading, NotReadable> {
        let not = |why: String| NotReadable { stream: stream.name.clone(), why };
        let time = stream.time.clone().map_or(TimeSource::Ingested, TimeSource::Path);
        let rule = stream.time_rule().map_err(|error| not(error.to_string()))?;
        let probe = sink::probe(&time, stream.id.as_deref(), rule).map_err(|error| not(error.to_string()))?;
        let schema = stream.schema().map(|schema| Schema::new(schema.number, &schema.text)).transpose();
        Ok(Reading {
            time,
            probe,
            has_ids: stream.id.is_some(),
            schema: schema.map_err(|why| not(format!("its schema: {why}")))?,
            any_time: false,
            again: false,
        })
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { probe: &self.probe, time: &self.time, any_time: self.any_time, skip: false }
    }

    /// The event by the schema in force, if it is what that wants.
    #[inline]
    pub(super) fn checked<'e>(&self, event: &Event<'e>) -> Result<Event<'e>, Fault> {
        let Some(schema) = &self.schema else { return Ok(*event) };
        schema.check(event.payload).map_err(Fault::Refused)?;
        Ok(Event { schema: Some(schema.number), ..*event })
    }
}

/// A stream whose record was made by another host, which knew other rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("how events of stream '{stream}' are read: {why}")]
pub struct NotReadable {
    stream: String,
    why: String,
}
