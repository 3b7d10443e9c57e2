//! Why the running host did not do something, by whose fault it is.

use crate::{calls, deploy, extract, half, input, refold, serving, store, time, wasm};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Input(#[from] input::NotReadable),
    /// The caller's: what was asked for cannot be.
    #[error("{0}")]
    Refused(String),
    /// The caller's: what was asked for does not go together with what goes on.
    #[error("{0}")]
    Conflict(String),
    /// Not yet, or not now; the same may be asked again.
    #[error("{0}")]
    Unavailable(String),
    #[error("bifocal is stopping; ask again once it has started")]
    Stopping,
    #[error(transparent)]
    Deploy(#[from] deploy::Error),
    #[error(transparent)]
    Serving(#[from] serving::Error),
    #[error(transparent)]
    Run(#[from] refold::Error),
    #[error(transparent)]
    Fold(#[from] half::Error),
    #[error(transparent)]
    Call(#[from] calls::Error),
    #[error(transparent)]
    Component(#[from] wasm::Error),
    #[error(transparent)]
    Extract(#[from] extract::Error),
    #[error("the stream's times: {0}")]
    Time(#[from] time::Error),
}
