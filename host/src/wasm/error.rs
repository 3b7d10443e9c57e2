//! Why a component was not loaded. One sentence each; the caller adds the file's name.

use super::CONTRACT;
use crate::transform::Fault;
use crate::{description, limits};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not a WebAssembly component: it begins with {0}; build one with `bifocal build`")]
    NotWebAssembly(String),
    #[error("is a core module, not a component; componentise it: `bifocal build`")]
    CoreModule,
    #[error("is not a valid component: {0}")]
    Invalid(String),
    #[error(
        "is a component of another world: it does not export bifocal:transform/transform (it exports {0}); \
         build it for the world bifocal:transform/plugin"
    )]
    World(String),
    #[error("was built for contract {0}, this host speaks {CONTRACT}; rebuild it with a matching SDK")]
    Contract(String),
    #[error(
        "exports a function `{function}` that is not contract {CONTRACT}'s ({why}); rebuild it with a matching SDK"
    )]
    Function { function: &'static str, why: String },
    #[error(
        "imports {0}, which no transform may use; allowed are bifocal:transform/host and, frozen, \
         wasi:cli, wasi:clocks, wasi:filesystem, wasi:io and wasi:random 0.2"
    )]
    Import(String),
    #[error("imports something that this host has with another type: {0}")]
    ImportType(String),
    #[error("cannot be made a component: {0}")]
    Componentize(String),
    #[error(transparent)]
    Settings(#[from] limits::Error),
    #[error("cannot be started: it {0}")]
    Start(Fault),
    #[error("its describe {0}")]
    Describe(Fault),
    #[error(transparent)]
    Description(#[from] description::Error),
    /// Ours: no address space, no memory.
    #[error("the WebAssembly engine failed: {0}")]
    Engine(String),
}
