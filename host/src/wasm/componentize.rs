//! A core module, as a language's compiler leaves it, to a component.

use super::Error;
use std::fmt::Display;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract, as every language's tools read it.
pub const WIT: &str = include_str!("../../../wit/transform.wit");

/// Answers what a runtime asks of WASI's first preview, from constants.
const FROZEN: &str = include_str!("frozen-preview1.wat");

/// Makes a component of a core module that carries a description of its world, as `wit-bindgen`
/// leaves it.
pub fn componentize(core: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(core).and_then(|encoder| encoder.encode()).map_err(refused)
}

/// Makes a component of a core module that exports the contract's functions under their canonical names
/// and asks for nothing but WASI's first preview, which is answered inside of the component.
pub fn componentize_wasi(core: &[u8]) -> Result<Vec<u8>, Error> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("transform.wit", WIT).map_err(refused)?;
    let world = resolve.select_world(&[package], Some("plugin")).map_err(refused)?;
    let mut core = core.to_vec();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8, false).map_err(refused)?;
    let adapter = wat::parse_str(FROZEN).map_err(refused)?;
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(true)
        .module(&core)
        .and_then(|encoder| encoder.adapter("wasi_snapshot_preview1", &adapter))
        .and_then(|encoder| encoder.encode())
        .map_err(refused)
}

fn refused(error: impl Display) -> Error {
    Error::Componentize(format!("{error:#}"))
}
