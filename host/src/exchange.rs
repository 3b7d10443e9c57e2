//! A batch view as a Parquet file that any tool reads, and back again. Owns the form of that file; knows
//! nothing of catalogs or of which view is which.
//!
//! ```text
//! columns   keys, `window` unless it is global, outputs, each typed as `rows` says; then
//!           _state   binary, the state of the cell; null in one that is broken
//!           _broken  text, why it is
//! rows      cells in canonical order
//! metadata  bifocal.format               "view 1"
//!           bifocal.view, .stream, .transform   names, for people
//!           bifocal.version              digest of component, settings and semantics, hex
//!           bifocal.from, .to            offsets that were folded, `[from, to)`
//!           bifocal.cells, .broken       how many rows, and how many of them are broken
//!           bifocal.tally                counts of the run, JSON: folded, rejected, ignored, late, fuel,
//!                                        splits, chunks, lost
//!           bifocal.certificate          of all of it, hex; absent: nothing is proved
//!           bifocal.certificate.log, .rejected, .cells   its digests, hex
//!           bifocal.rejected             JSON, [[offset, reason], …]; absent if they are too many
//! ```

mod read;
mod write;

pub use read::{label, read};
pub use write::write;

use crate::certificate::Certificate;
use crate::description::{Description, Field, Kind};
use crate::digest::Digest;
use crate::offset::{Offset, Range};
use crate::store::Meta;
use crate::tally::{COUNTS, Tally};
use crate::{calls, log, rows, store};

const FORMAT: &str = "view 1";
const STATE: &str = "_state";
const BROKEN: &str = "_broken";
/// Cells of one piece, and of one call of `present`.
const CELLS_AT_A_TIME: usize = 16_384;
/// Rejected events that a file's metadata carries: readers hold it in memory.
pub const REJECTED_MAX: u64 = 100_000;

/// Why a view was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Rows(#[from] rows::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Call(#[from] calls::Error),
    #[error(transparent)]
    Log(#[from] log::Unreadable),
    #[error("{path}: {cause}")]
    File { path: String, cause: String },
    /// The file is not what it should be, or not for here.
    #[error("{0}")]
    Refused(String),
}

/// What a file says of the view in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub view: String,
    pub stream: String,
    pub transform: String,
    pub version: Digest,
    pub range: Range,
    pub cells: u64,
    pub broken: u64,
    pub tally: Tally,
    pub certificate: Option<Certificate>,
    /// Offsets and reasons, ascending; None if they were too many to be carried.
    pub rejected: Option<Vec<(u64, String)>>,
}

impl Label {
    pub fn new(names: [&str; 3], meta: &Meta, rejected: Option<Vec<(u64, String)>>) -> Label {
        let [view, stream, transform] = names.map(str::to_owned);
        let Meta { version, range, cells, broken, tally, certificate, .. } = meta.clone();
        Label { view, stream, transform, version, range, cells, broken, tally, certificate, rejected }
    }

    fn notes(&self) -> Vec<(String, String)> {
        let mut notes = vec![
            ("format", FORMAT.to_owned()),
            ("view", self.view.clone()),
            ("stream", self.stream.clone()),
            ("transform", self.transform.clone()),
            ("version", self.version.to_string()),
            ("from", self.range.from.to_string()),
            ("to", self.range.to.to_string()),
            ("cells", self.cells.to_string()),
            ("broken", self.broken.to_string()),
            ("tally", serde_json::json!(self.tally.counts()).to_string()),
        ];
        if let Some(certificate) = &self.certificate {
            notes.push(("certificate", certificate.digest().to_string()));
            notes.push(("certificate.log", certificate.log.to_string()));
            notes.push(("certificate.rejected", certificate.rejected.to_string()));
            notes.push(("certificate.cells", certificate.cells.to_string()));
        }
        if let Some(rejected) = &self.rejected {
            notes.push(("rejected", serde_json::json!(rejected).to_string()));
        }
        notes.into_iter().map(|(name, value)| (format!("bifocal.{name}"), value)).collect()
    }

    /// Reads what [`Label::notes`] made; says which note is missing or wrong.
    fn of_notes<'a>(note: impl Fn(&str) -> Option<&'a str>) -> Result<Label, String> {
        let named = |name: &str| note(&format!("bifocal.{name}"));
        match named("format") {
            Some(FORMAT) => {}
            Some(other) => return Err(format!("its format is '{other}', this bifocal reads '{FORMAT}'")),
            None => return Err("it is no export of a view: its metadata has no 'bifocal.format'".into()),
        }
        let text = |name: &str| named(name).ok_or_else(|| format!("its metadata has no 'bifocal.{name}'"));
        let wrong = |name: &str, value: &str| format!("its metadata has a wrong 'bifocal.{name}': '{value}'");
        let number = |name: &str| text(name).and_then(|value| value.parse().map_err(|_| wrong(name, value)));
        let digest = |name: &str| text(name).and_then(|value| value.parse().map_err(|_| wrong(name, value)));
        let (from, to): (u64, u64) = (number("from")?, number("to")?);
        if from > to {
            return Err(wrong("to", &to.to_string()));
        }
        let (version, range) = (digest("version")?, Range::new(Offset(from), Offset(to)));
        let certificate = match named("certificate") {
            None => None,
            Some(whole) => {
                let [log, rejected, cells] =
                    ["certificate.log", "certificate.rejected", "certificate.cells"].map(digest);
                let certificate =
                    Certificate { version, range, log: log?, rejected: rejected?, cells: cells? };
                if certificate.digest().to_string() != whole {
                    return Err("its certificate is not that of its parts: its metadata was changed".into());
                }
                Some(certificate)
            }
        };
        let counts: [u64; COUNTS] =
            text("tally").and_then(|value| serde_json::from_str(value).map_err(|_| wrong("tally", value)))?;
        let list = |value: &str| serde_json::from_str(value).map_err(|_| wrong("rejected", "…"));
        Ok(Label {
            view: text("view")?.into(),
            stream: text("stream")?.into(),
            transform: text("transform")?.into(),
            version,
            range,
            cells: number("cells")?,
            broken: number("broken")?,
            tally: Tally::of_counts(counts),
            certificate,
            rejected: named("rejected").map(list).transpose()?,
        })
    }
}

/// The columns of a file.
fn fields(description: &Description) -> Result<Vec<Field>, Error> {
    let field = |name: &str, kind| Field { name: name.into(), path: String::new(), kind, required: false };
    let mut fields = description.keys.clone();
    fields.extend(description.window.map(|_| field("window", Kind::Timestamp)));
    fields.extend(description.outputs.iter().cloned());
    if let Some(taken) = fields.iter().find(|field| [STATE, BROKEN].contains(&field.name.as_str())) {
        return Err(Error::Refused(format!(
            "'{}' is the name of a column that an exported view has of its own; rename that key or output",
            taken.name
        )));
    }
    fields.extend([field(STATE, Kind::Binary), field(BROKEN, Kind::Text)]);
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        let version = Digest::of(b"version");
        let range = Range::new(Offset(0), Offset(9));
        let certificate = Certificate {
            version,
            range,
            log: Digest::of(b"log"),
            rejected: Digest::of(b"rejected"),
            cells: Digest::of(b"cells"),
        };
        Label {
            view: "a".into(),
            stream: "b".into(),
            transform: "c".into(),
            version,
            range,
            cells: 3,
            broken: 1,
            tally: Tally::of_counts([1, 2, 3, 4, 5, 6, 7, 8]),
            certificate: Some(certificate),
            rejected: Some(vec![(4, "no \"ü\"".into())]),
        }
    }

    fn read(notes: &[(String, String)]) -> Result<Label, String> {
        Label::of_notes(|name| notes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str()))
    }

    #[test]
    fn what_is_noted_is_read_and_what_is_missing_or_changed_is_named() {
        let uncertified = Label { certificate: None, rejected: None, ..label() };
        assert_eq!(read(&label().notes()), Ok(label()));
        assert_eq!(read(&uncertified.notes()), Ok(uncertified));
        for (name, _) in label().notes() {
            let kept: Vec<_> = label().notes().into_iter().filter(|(other, _)| *other != name).collect();
            let read = read(&kept);
            let may_lack = ["bifocal.certificate", "bifocal.rejected"].contains(&name.as_str());
            assert!(if may_lack { read.is_ok() } else { read.unwrap_err().contains(&name) }, "{name}");
        }
        let mut notes = label().notes();
        notes.iter_mut().filter(|(name, _)| name == "bifocal.to").for_each(|(_, to)| *to = "8".into());
        assert!(read(&notes).unwrap_err().contains("metadata was changed"));
    }
}
