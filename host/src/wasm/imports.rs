//! Answers what an audited component imports: the contract's `host`, and the frozen WASI.

use super::Error;
use super::audit::{HOST, split};
use super::boundary::Level;
use super::guest::State;
use super::limits::charge;
use super::wasi;
use std::sync::Arc;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre, Linker, LinkerInstance, WasmStr};

/// Binds every import by the exact name and version that the component writes, so that interfaces
/// of several versions of WASI can stand side by side.
pub fn bind(engine: &Engine, component: &Component) -> Result<InstancePre<State>, Error> {
    let mut linker = Linker::new(engine);
    link(engine, component, &mut linker).map_err(|error| Error::Engine(format!("{error:#}")))?;
    linker.instantiate_pre(component).map_err(|error| Error::ImportType(format!("{error:#}")))
}

fn link(engine: &Engine, component: &Component, linker: &mut Linker<State>) -> wasmtime::Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        let (interface, _) = split(name);
        let mut answers = linker.instance(name)?;
        for (item, import) in instance.exports(engine) {
            match import.ty {
                ComponentItem::ComponentFunc(_) if interface == HOST => host(&mut answers, item)?,
                ComponentItem::ComponentFunc(_) => wasi::function(&mut answers, interface, item)?,
                ComponentItem::Resource(_) => wasi::resource(&mut answers, item)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn host(answers: &mut LinkerInstance<'_, State>, function: &str) -> wasmtime::Result<()> {
    if function == "settings" {
        return answers.func_wrap(function, |mut store, (): ()| -> wasmtime::Result<(Arc<str>,)> {
            let settings = store.data().settings.clone();
            charge(&mut store, settings.len())?;
            Ok((settings,))
        });
    }
    answers.func_wrap(function, |mut store, (level, message): (Level, WasmStr)| {
        // A line of the log never changes a result, whatever it holds.
        let (bytes, message) = match message.to_str(&store) {
            Ok(text) => (text.len(), super::log::bounded(&text).to_owned()),
            Err(_) => (0, "a message that is not UTF-8".to_owned()),
        };
        charge(&mut store, bytes)?;
        store.data_mut().log.line(level.into(), &message);
        Ok(())
    })
}
