//! What the catalog says of a stream and of a view. Records are JSON: they are few, small, and read by
//! people when something is wrong.

use crate::certificate::Certificate;
use crate::log;
use crate::store::Meta;
use crate::store::error::Error;
use crate::time::{self, TimeRule};
use serde::{Deserialize, Serialize};

/// A stream, by what was fixed when it was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamRecord {
    /// Its folder is `streams/<number>`; never given again.
    pub number: u64,
    pub name: String,
    /// Where a payload holds its event's time; None: an event's time is when it came in.
    pub time: Option<String>,
    pub time_format: Option<String>,
    /// `s`, `ms`, `us` or `ns`.
    pub time_unit: Option<String>,
    /// Where a payload holds its event's id; None: nothing is deduplicated.
    pub id: Option<String>,
    pub out_of_orderness_ms: i64,
    pub max_ahead_ms: i64,
    pub dedup_events: u64,
    /// Ids are hashed under it.
    pub seed: u64,
    /// Ascending; the last one is in force. Empty: payloads are any JSON.
    pub schemas: Vec<SchemaRecord>,
    pub created_ms: i64,
}

/// One version of the JSON Schema of a stream's payloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaRecord {
    /// From 1; events carry it.
    pub number: i64,
    pub text: String,
}

/// A view: its versions, and the run that is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewRecord {
    /// Its folder is `views/<number>`; never given again.
    pub number: u64,
    pub name: String,
    /// The name of its stream.
    pub stream: String,
    /// Ascending by number.
    pub versions: Vec<VersionRecord>,
    /// The number of the version that is served.
    pub live: u64,
    pub lateness_ms: i64,
    pub keep_runs: usize,
    /// Batch is `[0, boundary)`.
    pub boundary: u64,
    /// The published run; None before the first.
    pub batch_run: Option<u64>,
    /// Ascending by number; bounded by `keep_runs`.
    pub runs: Vec<RunRecord>,
    pub next_run: u64,
    pub created_ms: i64,
    #[serde(default)]
    pub settings: ViewSettings,
    /// Why its live version is not folded any more.
    #[serde(default)]
    pub halted: Option<String>,
    /// Ascending by time; bounded.
    #[serde(default)]
    pub incidents: Vec<IncidentRecord>,
}

/// How a view is kept up, in the words of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ViewSettings {
    /// When incremental runs are made: a duration, `on-deploy` or `never`.
    pub batch: String,
    /// When full runs are made: a duration, a time of day with its zone, or `never`.
    pub full: String,
    /// `merge` or `batch-wins`.
    pub late: String,
    /// Bytes that speed may take in memory before it is sealed.
    pub speed_memory_bytes: u64,
    /// Cells that the view may have.
    pub cells_max: u64,
}

impl Default for ViewSettings {
    fn default() -> ViewSettings {
        ViewSettings {
            batch: "1h".into(),
            full: "24h".into(),
            late: "merge".into(),
            speed_memory_bytes: 256 << 20,
            cells_max: 100_000_000,
        }
    }
}

/// A recorded fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentRecord {
    pub at_ms: i64,
    /// The number of the version.
    pub version: u64,
    pub run: u64,
    /// The range that was compared.
    pub from: u64,
    pub to: u64,
    /// Cells that differ.
    pub cells: u64,
    /// Who is at fault: `old batch`, `generation`, `new batch`, `version`.
    pub blamed: Vec<String>,
    /// What was found, with the first cell.
    pub cause: String,
    /// What was done.
    pub done: String,
}

/// Runs of a view that are kept, unless it says otherwise.
const KEEP_RUNS: usize = 7;
/// Incidents that are kept.
const INCIDENTS_MAX: usize = 100;

/// A transform as it was deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionRecord {
    /// From 1.
    pub number: u64,
    /// Of component, settings and semantics, as hex.
    pub digest: String,
    /// Of the component's bytes, as hex: its file in `components`.
    pub component: String,
    /// In canonical form.
    pub settings: String,
    pub deployed_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    Full,
    Incremental,
    Targeted,
    /// Taken over from a file.
    Imported,
    /// What speed had folded, laid down as it was: nothing was computed again, nothing is proved.
    Sealed,
}

impl RunKind {
    pub fn name(self) -> &'static str {
        match self {
            RunKind::Full => "full",
            RunKind::Incremental => "incremental",
            RunKind::Targeted => "targeted",
            RunKind::Imported => "imported",
            RunKind::Sealed => "sealed",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunResult {
    Published,
    Failed,
}

/// One execution of the batch executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    pub number: u64,
    pub kind: RunKind,
    /// The number of the version that was run.
    pub version: u64,
    pub from: u64,
    pub to: u64,
    pub started_ms: i64,
    pub took_ms: u64,
    pub result: RunResult,
    /// Why it failed, or why nothing of it is kept any more.
    pub cause: Option<String>,
    /// None of a run that failed.
    pub certificate: Option<CertificateRecord>,
    pub events: u64,
    pub cells: u64,
    pub rejected: u64,
    /// Offsets whose events the log had lost.
    #[serde(default)]
    pub lost: u64,
    /// Cells that were compared with what speed had folded; None of a run that compared nothing.
    #[serde(default)]
    pub compared: Option<u64>,
    /// Of them, those that differ.
    #[serde(default)]
    pub differ: u64,
    /// Within the view's folder; None once nothing of the run is kept.
    pub file: Option<String>,
}

impl RunRecord {
    /// The record of a run that has made a view, which is in `file`.
    pub fn published(self, meta: &Meta, events: u64, file: String) -> RunRecord {
        RunRecord {
            from: meta.range.from.0,
            to: meta.range.to.0,
            result: RunResult::Published,
            certificate: meta.certificate.as_ref().map(CertificateRecord::of),
            events,
            cells: meta.cells,
            rejected: meta.rejected,
            lost: meta.tally.lost,
            file: Some(file),
            ..self
        }
    }

    /// A run that has made nothing yet.
    pub fn begun(number: u64, kind: RunKind, version: u64, started_ms: i64) -> RunRecord {
        RunRecord {
            number,
            kind,
            version,
            from: 0,
            to: 0,
            started_ms,
            took_ms: 0,
            result: RunResult::Failed,
            cause: None,
            certificate: None,
            events: 0,
            cells: 0,
            rejected: 0,
            lost: 0,
            compared: None,
            differ: 0,
            file: None,
        }
    }
}

/// The parts of a certificate, as hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRecord {
    pub version: String,
    pub log: String,
    pub rejected: String,
    pub cells: String,
}

impl CertificateRecord {
    pub fn of(certificate: &Certificate) -> CertificateRecord {
        CertificateRecord {
            version: certificate.version.to_string(),
            log: certificate.log.to_string(),
            rejected: certificate.rejected.to_string(),
            cells: certificate.cells.to_string(),
        }
    }
}

/// Numbers given, and how many records there are: a table that went missing is seen by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counter {
    pub next: u64,
    pub there: u64,
}

impl Default for Counter {
    fn default() -> Counter {
        Counter { next: 1, there: 0 }
    }
}

impl StreamRecord {
    /// What its log is opened with.
    pub fn stream(&self) -> log::Stream {
        log::Stream {
            time: self.time.clone(),
            id: self.id.clone(),
            out_of_orderness_ms: self.out_of_orderness_ms,
            max_ahead_ms: self.max_ahead_ms,
            dedup_events: self.dedup_events,
            ..log::Stream::default()
        }
    }

    pub fn folder(&self) -> String {
        format!("streams/{}/log", self.number)
    }

    /// How times that are no RFC 3339 are read.
    pub fn time_rule(&self) -> Result<TimeRule, time::Error> {
        let unit = self.time_unit.as_deref().map(str::parse).transpose()?;
        TimeRule::new(self.time_format.as_deref(), unit)
    }

    /// The schema in force.
    pub fn schema(&self) -> Option<&SchemaRecord> {
        self.schemas.last()
    }

    /// The schema of this number, by default the one in force; if there is none, which there are.
    pub fn schema_numbered(&self, number: Option<i64>) -> Result<&SchemaRecord, String> {
        let name = &self.name;
        let last =
            self.schema().ok_or_else(|| format!("stream '{name}' has no schema: its events are any JSON"))?;
        let wanted = number.unwrap_or(last.number);
        let found = self.schemas.iter().find(|schema| schema.number == wanted);
        found.ok_or_else(|| format!("stream '{name}' has schemas 1 to {}", last.number))
    }
}

impl ViewRecord {
    /// A view of nothing, with every setting as it is unless somebody says otherwise.
    pub fn blank() -> ViewRecord {
        ViewRecord {
            number: 0,
            name: String::new(),
            stream: String::new(),
            versions: Vec::new(),
            live: 0,
            lateness_ms: 0,
            keep_runs: KEEP_RUNS,
            boundary: 0,
            batch_run: None,
            runs: Vec::new(),
            next_run: 1,
            created_ms: 0,
            settings: ViewSettings::default(),
            halted: None,
            incidents: Vec::new(),
        }
    }

    pub fn folder(&self) -> String {
        format!("views/{}", self.number)
    }

    pub fn live_version(&self) -> Option<&VersionRecord> {
        self.versions.iter().find(|version| version.number == self.live)
    }

    pub fn run(&self, number: u64) -> Option<&RunRecord> {
        self.runs.iter().find(|run| run.number == number)
    }

    /// The published run.
    pub fn served_run(&self) -> Option<&RunRecord> {
        self.run(self.batch_run?)
    }

    /// Adds an incident and forgets the oldest beyond those that are kept.
    pub fn add_incident(&mut self, incident: IncidentRecord) {
        self.incidents.push(incident);
        let too_many = self.incidents.len().saturating_sub(INCIDENTS_MAX);
        self.incidents.drain(..too_many);
    }

    /// Adds a run and forgets the oldest beyond `keep_runs`, never the one that is served; the files of
    /// those forgotten.
    pub fn add_run(&mut self, run: RunRecord) -> Vec<String> {
        self.runs.push(run);
        let mut files = Vec::new();
        while self.runs.len() > self.keep_runs.max(1) {
            let oldest = self.runs.iter().position(|run| Some(run.number) != self.batch_run);
            let Some(oldest) = oldest else { break };
            files.extend(self.runs.remove(oldest).file);
        }
        files
    }
}

const NAME_BYTES_MAX: usize = 64;

/// Refuses a name that could not stand in a path, a URL or a file name of any system.
pub fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_next = |byte: u8| is_first(byte) || matches!(byte, b'_' | b'.' | b'-');
    let well = name.bytes().next().is_some_and(is_first)
        && name.bytes().all(is_next)
        && name.len() <= NAME_BYTES_MAX;
    let rule = format!(
        "'{name}' cannot name a {what}: use 1 to {NAME_BYTES_MAX} of a-z, 0-9, '_', '.' and '-', beginning with a letter or digit"
    );
    if well { Ok(()) } else { Err(Error::Refused(rule)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lower_case_short_and_begins_with_a_letter_or_digit() {
        for name in ["a", "0", "orders.v2_x-1", &"a".repeat(64)] {
            assert_eq!(check_name("stream", name), Ok(()));
        }
        for name in ["", ".", "..", "-a", "_a", "A", "a/b", "a b", "ä", &"a".repeat(65)] {
            assert!(check_name("stream", name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_run_that_is_served_outlives_the_others() {
        let run = |number| RunRecord {
            file: Some(format!("{number}.redb")),
            ..RunRecord::begun(number, RunKind::Full, 1, 0)
        };
        let mut view = ViewRecord {
            number: 1,
            name: "v".into(),
            stream: "s".into(),
            versions: Vec::new(),
            live: 1,
            lateness_ms: 0,
            keep_runs: 2,
            boundary: 1,
            batch_run: Some(1),
            runs: Vec::new(),
            next_run: 1,
            created_ms: 0,
            settings: ViewSettings::default(),
            halted: None,
            incidents: Vec::new(),
        };
        assert_eq!(view.add_run(run(1)), Vec::<String>::new());
        assert_eq!(view.add_run(run(2)), Vec::<String>::new());
        assert_eq!(view.add_run(run(3)), ["2.redb"]);
        let left: Vec<u64> = view.runs.iter().map(|run| run.number).collect();
        assert_eq!(left, [1, 3]);
    }
}
