//! What a component asks for and offers, judged before any of its code runs.

use super::{CONTRACT, Error};
use wasmtime::Engine;
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex};

pub(super) const HOST: &str = "bifocal:transform/host";
const TRANSFORM: &str = "bifocal:transform/transform";

/// Packages that are answered with fixed values; of any other version than 0.2 they are refused.
const FROZEN: [&str; 5] = ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random"];
const FROZEN_VERSION: &str = "0.2.";

/// An interface that a component imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// With its version, as the component writes it.
    pub name: String,
    /// Part of the frozen WASI: the same answers in every call. Not frozen is the contract's `host`.
    pub frozen: bool,
}

/// The contract's functions in one component.
pub struct Functions {
    pub describe: ComponentExportIndex,
    pub fold: ComponentExportIndex,
    pub merge: ComponentExportIndex,
    pub present: ComponentExportIndex,
}

/// `interface` and `version` of `interface@version`.
pub fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// The same major, so the same types: a later minor may only add imports, which are audited too.
fn speaks(version: &str) -> bool {
    let major = |version: &str| version.split_once('.').and_then(|(major, _)| major.parse::<u32>().ok());
    major(version) == major(CONTRACT) && !version.contains('-')
}

fn contract(version: &str) -> Error {
    Error::Contract(if version.is_empty() { "without a version".into() } else { version.into() })
}

/// Finds the contract's functions; their types are checked when they are first used.
pub fn exports(engine: &Engine, component: &Component) -> Result<Functions, Error> {
    let exported = component.component_type();
    let names: Vec<&str> = exported.exports(engine).map(|(name, _)| name).collect();
    let versions: Vec<(&str, &str)> =
        names.iter().map(|name| split(name)).filter(|(interface, _)| *interface == TRANSFORM).collect();
    let Some((_, version)) = versions.iter().find(|(_, version)| speaks(version)) else {
        return Err(versions.first().map_or_else(|| world(&names), |(_, version)| contract(version)));
    };
    let interface = component.get_export_index(None, format!("{TRANSFORM}@{version}").as_str());
    let function = |function: &'static str| {
        let index = interface.and_then(|interface| component.get_export_index(Some(&interface), function));
        index.ok_or_else(|| Error::Function { function, why: "it is missing".into() })
    };
    Ok(Functions {
        describe: function("describe")?,
        fold: function("fold")?,
        merge: function("merge")?,
        present: function("present")?,
    })
}

fn world(names: &[&str]) -> Error {
    const NAMED: usize = 3;
    Error::World(match names {
        [] => "nothing".into(),
        _ if names.len() > NAMED => {
            format!(
                "{} and {} more",
                names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", "),
                names.len() - NAMED
            )
        }
        _ => names.join(", "),
    })
}

/// The interfaces that a component imports, if a transform may have them all.
pub fn imports(engine: &Engine, component: &Component) -> Result<Vec<Import>, Error> {
    let mut imports = Vec::new();
    for (name, import) in component.component_type().imports(engine) {
        match import.ty {
            ComponentItem::Type(_) => {}
            ComponentItem::ComponentInstance(instance) => {
                if let Some(frozen) = allowed(engine, name, &instance)? {
                    imports.push(Import { name: name.to_owned(), frozen });
                }
            }
            _ => return Err(Error::Import(format!("'{name}'"))),
        }
    }
    Ok(imports)
}

/// Whether an interface is frozen (or the contract's own); none if it asks for nothing at all.
fn allowed(engine: &Engine, name: &str, instance: &ComponentInstance) -> Result<Option<bool>, Error> {
    let (interface, version) = split(name);
    if interface == HOST {
        return if speaks(version) {
            host(engine, name, instance).map(|()| Some(false))
        } else {
            Err(contract(version))
        };
    }
    let package = interface.split_once('/').map_or(interface, |(package, _)| package);
    if FROZEN.contains(&package) && version.starts_with(FROZEN_VERSION) {
        return Ok(Some(true));
    }
    let only_types = instance.exports(engine).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)));
    if only_types { Ok(None) } else { Err(Error::Import(name.to_owned())) }
}

/// A later minor of the contract may have added functions, which this host does not have.
fn host(engine: &Engine, name: &str, instance: &ComponentInstance) -> Result<(), Error> {
    for (function, item) in instance.exports(engine) {
        let known = matches!(function, "settings" | "log") || matches!(item.ty, ComponentItem::Type(_));
        if !known {
            return Err(Error::Import(format!("{function} of {name}")));
        }
    }
    Ok(())
}
