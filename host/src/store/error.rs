//! What can go wrong with what lasts, by what a caller may do about it.

/// Why the store did not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The disk refused. After a failed write nothing more is written (see [`Error::Latched`]).
    #[error("{file}: {cause}")]
    Disk { file: String, cause: String },
    /// What is stored is not what was written.
    #[error(
        "{file} is damaged: {what}; `bifocal doctor --data DIR` says what can be rebuilt and what is lost"
    )]
    Damaged { file: String, what: String },
    #[error("{file} has format {found}, this bifocal reads up to {known}; use a newer one")]
    Newer { file: String, found: u8, known: u8 },
    #[error("{directory} is in use by process {process}; wait until it ends, or stop it")]
    InUse { directory: String, process: String },
    #[error("there is no {what} '{name}' here; `bifocal {what} list` shows what there is")]
    Unknown { what: &'static str, name: String },
    #[error("there is a {what} '{name}' already; choose another name, or remove it with `bifocal {what} rm`")]
    Taken { what: &'static str, name: String },
    #[error(
        "{file}: an earlier write failed, so nothing more is written: {cause}; free the disk and start again"
    )]
    Latched { file: String, cause: String },
    #[error(
        "'{0}' was appended further by somebody else meanwhile; give the same command again: it goes on after that"
    )]
    Moved(String),
    /// The caller's: an event or a name that cannot be stored.
    #[error("{0}")]
    Refused(String),
    /// More waits to be written than is kept in memory; try again a little later.
    #[error("{waiting_bytes} bytes wait to be written, more than {limit_bytes}; try again a little later")]
    Busy { waiting_bytes: u64, limit_bytes: u64 },
}

/// How the operating system says that a disk is full.
const NO_SPACE: &str = "No space left on device";

impl Error {
    pub(super) fn disk(file: &str, cause: impl std::fmt::Display) -> Error {
        let mut cause = cause.to_string();
        // Through redb the kind of the error is a text.
        if cause.contains(NO_SPACE) {
            cause.push_str(": make room on that disk");
        }
        Error::Disk { file: file.into(), cause }
    }

    pub(super) fn damaged(file: &str, what: impl Into<String>) -> Error {
        Error::Damaged { file: file.into(), what: what.into() }
    }
}
