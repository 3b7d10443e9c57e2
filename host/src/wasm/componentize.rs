//! Core modules into components: the last step of a build, with no tool but this program.

use super::Error;
use std::fmt::Display;
use wit_component::ComponentEncoder;

/// Wraps a core module that carries the contract's types (every `wit-bindgen` embeds them) as a
/// component. The result depends on `core` alone.
pub fn componentize(core: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(core).and_then(|encoder| encoder.encode()).map_err(refused)
}

fn refused(error: impl Display) -> Error {
    Error::Componentize(format!("{error:#}"))
}
