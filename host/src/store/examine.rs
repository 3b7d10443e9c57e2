//! Is everything that is stored what was written? Reads every event, cell and component, changes
//! nothing, and goes on behind what is damaged, to say exactly what is lost.

use super::catalog::{StreamRecord, ViewRecord};
use super::database::CacheBytes;
use super::error::Error;
use super::view::ViewFile;
use super::{Store, StreamLog};
use crate::offset::{Offset, Range};

const CACHE: CacheBytes = CacheBytes(4 << 20);
/// Damaged places of one log that are looked for: behind more there is no use in going on.
const DAMAGES_MAX: usize = 1000;

/// What was found of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub what: String,
    pub found: Result<String, String>,
}

/// Events that cannot be read, and why the first of them cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Damage {
    range: Range,
    cause: String,
}

impl Store {
    /// Reads all that there is; `visit` hears of each thing once it has been read.
    pub fn examine(&self, mut visit: impl FnMut(Examined)) -> Result<(), Error> {
        for stream in self.streams()? {
            visit(Examined { what: format!("stream {}", stream.name), found: self.examine_stream(&stream) });
        }
        for view in self.views()? {
            self.examine_runs(&view, &mut visit);
            for version in &view.versions {
                let found = self.component(&version.component);
                visit(Examined {
                    what: format!("view {} v{}", view.name, version.number),
                    found: found
                        .map(|bytes| format!("{} bytes", bytes.len()))
                        .map_err(|error| error.to_string()),
                });
            }
        }
        Ok(())
    }

    fn examine_stream(&self, stream: &StreamRecord) -> Result<String, String> {
        let log = self.log(stream).map_err(|error| error.to_string())?;
        let range = Range::new(Offset(log.floor()), Offset(log.head()));
        let damages = damages(&log, range);
        let lost: u64 = damages.iter().map(|damage| damage.range.count()).sum();
        let Some(first) = damages.first() else {
            return Ok(format!("{} events", range.count()));
        };
        let ranges: Vec<String> = damages.iter().map(|damage| damage.range.to_string()).collect();
        Err(format!(
            "{lost} of {} events cannot be read, offsets {}: {}; restore the directory from a copy",
            range.count(),
            ranges.join(", "),
            first.cause
        ))
    }

    fn examine_runs(&self, view: &ViewRecord, visit: &mut impl FnMut(Examined)) {
        for run in &view.runs {
            let Some(file) = &run.file else { continue };
            let read = examine_view(self, &format!("{}/{file}", view.folder()));
            let advice = if Some(run.number) == view.batch_run {
                format!("`bifocal batch {} --full` makes another from the log", view.name)
            } else {
                "it is not the one that is served, and goes with the runs to come".into()
            };
            visit(Examined {
                what: format!("view {} run {}", view.name, run.number),
                found: read
                    .map(|cells| format!("{cells} cells"))
                    .map_err(|error| format!("{error}; {advice}")),
            });
        }
    }
}

fn examine_view(store: &Store, file: &str) -> Result<u64, Error> {
    let view = ViewFile::open_read_only(store.disk(), file, CACHE)?;
    let (mut scan, mut cells) = (view.scan()?, 0);
    while scan.head().is_some() {
        cells += 1;
        scan.advance()?;
    }
    view.rejected().try_for_each(|event| event.map(|_| ()))?;
    view.spans()?;
    if cells == view.meta().cells {
        Ok(cells)
    } else {
        Err(Error::damaged(file, format!("it has {cells} cells, not {}", view.meta().cells)))
    }
}

/// The events of a range that cannot be read.
fn damages(log: &StreamLog, range: Range) -> Vec<Damage> {
    let (mut damages, mut at) = (Vec::new(), range.from.0);
    while at < range.to.0 && damages.len() < DAMAGES_MAX {
        match log.stretch_at(at) {
            Ok(stretch) => at = stretch.end().max(at + 1),
            Err(error) => {
                let from = at;
                at = (from + 1..range.to.0).find(|at| log.stretch_at(*at).is_ok()).unwrap_or(range.to.0);
                let range = Range::new(Offset(from), Offset(at));
                damages.push(Damage { range, cause: error.to_string() });
            }
        }
    }
    damages
}
