//! What is told of a stream: the same by a command that works on a directory, by a server, and by a
//! command that asks one.

use super::Error;
use crate::log::ReadLog;
use crate::offset::{Offset, Range};
use crate::store::{Loss, StreamLog, StreamRecord};
use crate::time::{Rfc3339, format_duration_ms};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamShown {
    pub name: String,
    /// The offset after the last event.
    pub head: u64,
    /// The first offset that is there.
    pub floor: u64,
    pub segments: usize,
    pub bytes: u64,
    /// Least and greatest event time.
    pub times: Option<[String; 2]>,
    pub watermark: Option<String>,
    /// Events dated further ahead than `max_ahead`.
    pub future: u64,
    pub lost: u64,
    pub lost_offsets: Vec<[u64; 2]>,
    /// Why the first of them are lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_reason: Option<String>,
    pub time: Option<String>,
    pub time_format: Option<String>,
    pub time_unit: Option<String>,
    pub id: Option<String>,
    pub out_of_orderness: String,
    pub max_ahead: String,
    pub dedup_events: u64,
    /// The number of the schema in force.
    pub schema: Option<i64>,
    pub created: String,
}

impl StreamShown {
    pub fn of(record: &StreamRecord, log: &StreamLog) -> Result<StreamShown, Error> {
        let (head, floor) = (log.head(), log.floor());
        let (segments, bytes) = log.size()?;
        let times = log.times(Range::new(Offset(head), Offset(head))).map_err(crate::half::Error::from)?;
        let losses = log.losses(Range::new(Offset(floor), Offset(head)));
        let text = |ms| Rfc3339(ms).to_string();
        Ok(StreamShown {
            name: record.name.clone(),
            head,
            floor,
            segments,
            bytes,
            times: log.times_ms().map(|(least, greatest)| [text(least), text(greatest)]),
            watermark: times.rule.watermark(times.greatest_before_ms).map(text),
            future: log.future_events(),
            lost: Loss::count(&losses),
            lost_offsets: losses.iter().map(|loss| [loss.range.from.0, loss.range.to.0]).collect(),
            lost_reason: losses.first().map(|loss| loss.reason.clone()),
            time: record.time.clone(),
            time_format: record.time_format.clone(),
            time_unit: record.time_unit.clone(),
            id: record.id.clone(),
            out_of_orderness: format_duration_ms(record.out_of_orderness_ms),
            max_ahead: format_duration_ms(record.max_ahead_ms),
            dedup_events: record.dedup_events,
            schema: record.schema().map(|schema| schema.number),
            created: text(record.created_ms),
        })
    }
}
