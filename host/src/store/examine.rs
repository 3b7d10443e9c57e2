//! Is everything that is stored what was written, and what can be done if not? Reads every event, column,
//! cell and component. A repair makes again what is a cache, and gives up what is lost, visibly.

use super::catalog::{StreamRecord, ViewRecord};
use super::database::CacheBytes;
use super::error::Error;
use super::log::{Health, Loss, Patient, columns};
use super::view::ViewFile;
use super::{SEGMENT_BYTES, Settings, Store, sweep};
use crate::time::Rfc3339;
use std::sync::{PoisonError, Weak};

const CACHE: CacheBytes = CacheBytes(4 << 20);
/// Ranges of one log that are spelled out.
const RANGES_SHOWN_MAX: usize = 20;

/// What was found of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub what: String,
    pub state: State,
    pub found: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it was written.
    Sound,
    /// Given up by an earlier repair; all else goes on around it.
    Lost,
    /// Was damaged, and is whole again by this repair.
    Mended,
    /// Was damaged, and is lost from now on.
    GivenUp,
    /// Is damaged.
    Damaged,
}

/// Whether to change anything.
#[derive(Clone, Copy)]
enum Mode {
    Examine,
    Repair { now_ms: i64 },
}

/// Who hears of each thing once it has been read.
type Visit<'a> = &'a mut dyn FnMut(Examined);

impl Store {
    /// Reads all that there is, and changes nothing. No log may be open.
    pub fn examine(&self, mut visit: impl FnMut(Examined)) -> Result<(), Error> {
        self.look(Mode::Examine, &mut visit)
    }

    /// The same, and repairs what is damaged. Dies it on the way, it is simply made again.
    pub fn repair(&self, now_ms: i64, mut visit: impl FnMut(Examined)) -> Result<(), Error> {
        self.look(Mode::Repair { now_ms }, &mut visit)
    }

    fn look(&self, mode: Mode, visit: Visit<'_>) -> Result<(), Error> {
        for name in &self.swept {
            let found = "was left by a process that died, and is removed".into();
            visit(Examined { what: name.clone(), state: State::Mended, found });
        }
        let views = self.views()?;
        for stream in self.streams()? {
            self.look_at_log(&stream, &views, mode, visit)?;
            self.look_at_columns(&stream, mode, visit);
        }
        for view in &views {
            self.look_at_runs(view, mode, visit)?;
            for version in &view.versions {
                let (state, found) = match self.component(&version.component) {
                    Ok(bytes) => (State::Sound, format!("{} bytes", bytes.len())),
                    Err(error) => {
                        let advice =
                            format!("`bifocal deploy {} FILE.wasm` with the same file mends it", view.name);
                        (State::Damaged, format!("{}; {advice}", in_words(&error)))
                    }
                };
                visit(Examined { what: format!("view {} v{}", view.name, version.number), state, found });
            }
        }
        Ok(())
    }

    fn look_at_log(
        &self,
        stream: &StreamRecord,
        views: &[ViewRecord],
        mode: Mode,
        visit: Visit<'_>,
    ) -> Result<(), Error> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if logs.get(&stream.number).and_then(Weak::upgrade).is_some() {
            let what = format!("stream '{}' is open here; close it before it is examined", stream.name);
            return Err(Error::Refused(what));
        }
        // What a run has folded was there.
        let of_stream = views.iter().filter(|view| view.stream == stream.name);
        let read = of_stream.flat_map(|view| view.runs.iter().map(|run| run.to).chain([view.boundary]));
        let settings = Settings { stream: stream.stream(), seed: stream.seed, segment_bytes: SEGMENT_BYTES };
        let folder = stream.folder();
        let mut patient = Patient {
            disk: self.disk.as_ref(),
            folder: &folder,
            settings: &settings,
            least_head: read.max().unwrap_or(0),
            now_ms: 0,
        };
        let health = match mode {
            Mode::Examine => patient.examine(),
            Mode::Repair { now_ms } => {
                patient.now_ms = now_ms;
                patient.repair()
            }
        };
        drop(logs);
        let what = format!("stream {}", stream.name);
        match health {
            Ok(health) => tell(&health, mode, &what, visit),
            Err(error) => visit(Examined { what, state: State::Damaged, found: refusal(&error) }),
        }
        Ok(())
    }

    fn look_at_columns(&self, stream: &StreamRecord, mode: Mode, visit: Visit<'_>) {
        let what = format!("columns of stream {}", stream.name);
        let folder = columns::folder_of(&stream.folder());
        let repaired = columns::examine(self.disk.as_ref(), &folder).and_then(|examined| {
            if matches!(mode, Mode::Repair { .. }) {
                columns::drop_files(self.disk.as_ref(), &folder, &examined.damaged)?;
            }
            Ok(examined)
        });
        match repaired {
            Ok(examined) => {
                if examined.damaged.is_empty() && examined.rows > 0 {
                    let found = format!("{} rows", examined.rows);
                    visit(Examined { what: what.clone(), state: State::Sound, found });
                }
                for (name, cause) in examined.damaged {
                    let (state, done) = match mode {
                        Mode::Examine => (State::Damaged, "a replay makes it again, or --repair drops it"),
                        Mode::Repair { .. } => {
                            (State::Mended, "it is dropped, and the next replay makes it again")
                        }
                    };
                    let found = format!("{folder}/{name}: {cause}; {done}");
                    visit(Examined { what: what.clone(), state, found });
                }
            }
            Err(error) => visit(Examined { what, state: State::Damaged, found: refusal(&error) }),
        }
    }

    fn look_at_runs(&self, view: &ViewRecord, mode: Mode, visit: Visit<'_>) -> Result<(), Error> {
        for run in &view.runs {
            let Some(file) = &run.file else { continue };
            let path = format!("{}/{file}", view.folder());
            let what = format!("view {} run {}", view.name, run.number);
            let error = match examine_view(self, &view.folder(), file) {
                Ok(cells) => {
                    visit(Examined { what, state: State::Sound, found: format!("{cells} cells") });
                    continue;
                }
                Err(error) => error,
            };
            let advice = if Some(run.number) == view.batch_run {
                format!("`bifocal batch {} --full` makes another from the log", view.name)
            } else {
                "it is not the one that is served, and goes with the runs to come".into()
            };
            let cause = in_words(&error);
            let repairs = matches!(mode, Mode::Repair { .. }) && matches!(error, Error::Damaged { .. });
            let (state, found) = if repairs {
                self.update_view(&view.name, |view| {
                    let lost = view.runs.iter_mut().filter(|other| other.number == run.number);
                    lost.for_each(|run| {
                        (run.file, run.cause) = (None, Some(format!("its file was damaged: {cause}")));
                    });
                    Ok(())
                })?;
                sweep::remove_tree(self.disk.as_ref(), &path)?;
                (State::Mended, format!("{cause}; its file is removed: {advice}"))
            } else {
                (State::Damaged, format!("{cause}; {advice}"))
            };
            visit(Examined { what, state, found });
        }
        Ok(())
    }
}

/// What was found of a log, and done about it, line by line.
fn tell(health: &Health, mode: Mode, what: &str, visit: Visit<'_>) {
    let mut say = |state, found| visit(Examined { what: what.into(), state, found });
    let all = health.head.saturating_sub(health.floor);
    let (lost, known) = (Loss::count(&health.lost), Loss::count(&health.known));
    let is_repair = matches!(mode, Mode::Repair { .. });
    match health.lost.first() {
        None => say(State::Sound, format!("{} events", all.saturating_sub(known))),
        Some(first) => {
            let cause = format!("offsets {}: {}", ranges(&health.lost), first.reason);
            let (state, found) = if is_repair {
                (
                    State::GivenUp,
                    format!("{lost} of {all} events are lost, {cause}; all others are answered for"),
                )
            } else {
                let advice =
                    "restore the directory from a copy, or let --repair give them up and go on around them";
                (State::Damaged, format!("{lost} of {all} events cannot be read, {cause}; {advice}"))
            };
            say(state, found);
        }
    }
    for loss in &health.known {
        let found = format!(
            "{} events are lost, offsets {}: {}; given up {}",
            loss.range.count(),
            loss.range,
            loss.reason,
            Rfc3339(loss.at_ms)
        );
        say(State::Lost, found);
    }
    for left in &health.swept {
        say(State::Mended, format!("{left} was left by a process that died, and is removed"));
    }
    for remade in &health.remade {
        let (state, done) = match is_repair {
            true => (State::Mended, "made again from the events"),
            false => (State::Damaged, "damaged; --repair makes it again from the events"),
        };
        say(state, format!("{remade}: {done}"));
    }
    for forgotten in &health.forgotten {
        let (state, done) = match is_repair {
            true => (State::GivenUp, "lost; who asks for it is told so"),
            false => (State::Damaged, "cannot be read; --repair gives it up"),
        };
        say(state, format!("{forgotten}: {done}"));
    }
    for kept in &health.kept {
        say(State::Mended, format!("the damaged file is kept as {kept}; remove it when nobody needs it"));
    }
}

fn ranges(losses: &[Loss]) -> String {
    let mut text: Vec<String> =
        losses.iter().take(RANGES_SHOWN_MAX).map(|loss| loss.range.to_string()).collect();
    if losses.len() > RANGES_SHOWN_MAX {
        text.push(format!("and {} more ranges", losses.len() - RANGES_SHOWN_MAX));
    }
    text.join(", ")
}

/// Without the advice to ask the doctor, who speaks.
fn in_words(error: &Error) -> String {
    match error {
        Error::Damaged { file, what } => format!("{file} is damaged: {what}"),
        error => error.to_string(),
    }
}

/// What keeps anything from being given up.
fn refusal(error: &Error) -> String {
    let advice = match error {
        Error::Disk { .. } => {
            "; the disk does not give what it holds: copy the directory to a sound one, and repair the copy"
        }
        _ => "",
    };
    format!("{}{advice}", in_words(error))
}

fn examine_view(store: &Store, folder: &str, name: &str) -> Result<u64, Error> {
    let file = &format!("{folder}/{name}");
    let names = store.disk.list(folder).map_err(|cause| Error::disk(folder, cause))?;
    if !names.iter().any(|there| there == name) {
        return Err(Error::damaged(file, "it is gone"));
    }
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
