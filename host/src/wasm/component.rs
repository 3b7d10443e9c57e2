//! Loading a component, and a component as a transform.

use super::audit::{self, Functions};
use super::boundary::{self, BlobsRef, ColumnRef, EventsRef};
use super::cache::Found;
use super::guest::{Guest, State};
use super::limits::Memory;
use super::log::CallLog;
use super::wasi::{Wasi, World};
use super::{Engine, Error, Import, Level, Reused, imports, segments};
use crate::column::{Blobs, Column};
use crate::description::Description;
use crate::digest::{Digest, Hasher};
use crate::limits::Limits;
use crate::transform::{Events, Fault, Folded, SEMANTICS, Transform};
use std::sync::Arc;
use wasmparser::Parser;
use wasmtime::component::InstancePre;

pub(super) type FoldParameters<'a> = (EventsRef<'a>,);
pub(super) type MergeParameters<'a> = (BlobsRef<'a>, BlobsRef<'a>);
pub(super) type PresentParameters<'a> = (Vec<ColumnRef<'a>>, &'a [u8], BlobsRef<'a>);

/// A component with its settings, compiled and bound. Cheap to clone: clones share everything.
#[derive(Clone)]
pub struct Component {
    loaded: Arc<Loaded>,
    wasi: Wasi,
}

struct Loaded {
    engine: Engine,
    bytes: Vec<u8>,
    limits: Limits,
    /// As the transform sees them.
    settings: Arc<str>,
    imports: Vec<Import>,
    functions: Functions,
    pre: InstancePre<State>,
    /// As log lines name it.
    name: Arc<str>,
    description: Description,
    version: Digest,
}

impl Component {
    /// Audits, compiles (or finds compiled) and binds a component, and asks it for its description.
    /// `settings` is a JSON object in canonical form; its bytes are part of the version. Limits are
    /// among them ([`crate::limits`]).
    pub fn load(engine: &Engine, bytes: &[u8], settings: &str) -> Result<Component, Error> {
        recognise(bytes)?;
        let (limits, seen) = Limits::of(settings)?;
        let digest = Digest::of(bytes);
        let compiled = compile(engine, bytes, digest)?;
        let functions = audit::exports(&engine.wasmtime, &compiled)?;
        let imports = audit::imports(&engine.wasmtime, &compiled)?;
        let pre = imports::bind(&engine.wasmtime, &compiled)?;
        let seen: Arc<str> = seen.into();

        // The transform's name is not known before it has described itself.
        let name = digest.short().into();
        let state = state(engine, &seen, limits, name, Wasi::Frozen).map_err(Error::Start)?;
        let mut guest = Guest::start(&pre, state, limits.fuel).map_err(Error::Start)?;
        check_types(&mut guest, &functions)?;
        let described: boundary::Description =
            guest.call(&functions.describe, ()).map_err(Error::Describe)?;
        let description = described.into_host().map_err(|what| Error::Describe(Fault::Malformed(what)))?;
        description.check()?;

        let loaded = Loaded {
            engine: engine.clone(),
            bytes: bytes.to_vec(),
            version: version(bytes, settings),
            limits,
            settings: seen,
            imports,
            functions,
            pre,
            name: description.name.as_str().into(),
            description,
        };
        Ok(Component { loaded: Arc::new(loaded), wasi: Wasi::Frozen })
    }

    /// The interfaces that it imports, in its own order.
    pub fn imports(&self) -> &[Import] {
        &self.loaded.imports
    }

    /// The constants of its core modules: values of inputs that may matter to it are among them.
    pub fn data_segments(&self) -> Vec<Vec<u8>> {
        segments::data_segments(&self.loaded.bytes)
    }

    /// The same, reading the machine's clocks and true randomness in place of frozen ones. For
    /// showing that it depends on them; never for an answer.
    pub fn live(&self) -> Component {
        Component { loaded: self.loaded.clone(), wasi: Wasi::Live }
    }

    /// The same in one instance for all calls. For showing that it depends on what an earlier call
    /// left; never for an answer.
    pub fn reused(&self) -> Reused {
        Reused::new(self.clone())
    }

    pub(super) fn start(&self, fuel: u64) -> Result<Guest, Fault> {
        let loaded = &*self.loaded;
        let name = loaded.name.clone();
        let state = state(&loaded.engine, &loaded.settings, loaded.limits, name, self.wasi)?;
        Guest::start(&loaded.pre, state, fuel)
    }

    pub(super) fn fold_in(&self, guest: &mut Guest, events: &Events) -> Result<Folded, Fault> {
        let parameters: FoldParameters = (EventsRef::of(events),);
        let folded: boundary::Folded = guest.call(&self.loaded.functions.fold, parameters)?;
        Ok(folded.into_host(guest.fuel_used()))
    }

    pub(super) fn merge_in(&self, guest: &mut Guest, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        let parameters: MergeParameters = (BlobsRef::of(left), BlobsRef::of(right));
        let merged: boundary::Blobs = guest.call(&self.loaded.functions.merge, parameters)?;
        Ok(merged.into())
    }

    pub(super) fn present_in(
        &self,
        guest: &mut Guest,
        keys: &[Column],
        windows: &[u8],
        states: &Blobs,
    ) -> Result<Vec<Column>, Fault> {
        let parameters: PresentParameters = (ColumnRef::of(keys), windows, BlobsRef::of(states));
        let columns: Vec<boundary::Column> = guest.call(&self.loaded.functions.present, parameters)?;
        Ok(columns.into_iter().map(Into::into).collect())
    }
}

impl Transform for Component {
    fn description(&self) -> &Description {
        &self.loaded.description
    }

    fn version(&self) -> Digest {
        self.loaded.version
    }

    fn limits(&self) -> Limits {
        self.loaded.limits
    }

    fn fold(&self, events: &Events, fuel: u64) -> Result<Folded, Fault> {
        self.fold_in(&mut self.start(fuel)?, events)
    }

    fn merge(&self, left: &Blobs, right: &Blobs) -> Result<Blobs, Fault> {
        self.merge_in(&mut self.start(self.limits().fuel)?, left, right)
    }

    fn present(&self, keys: &[Column], windows: &[u8], states: &Blobs) -> Result<Vec<Column>, Fault> {
        self.present_in(&mut self.start(self.limits().fuel)?, keys, windows, states)
    }
}

fn state(
    engine: &Engine,
    settings: &Arc<str>,
    limits: Limits,
    transform: Arc<str>,
    wasi: Wasi,
) -> Result<State, Fault> {
    Ok(State {
        _slot: engine.slots.take()?,
        settings: settings.clone(),
        log: CallLog::new(engine.log.clone(), transform),
        world: World::new(wasi),
        memory: Memory::of(limits),
        samples: engine.samples.clone(),
    })
}

fn version(bytes: &[u8], settings: &str) -> Digest {
    let mut hasher = Hasher::new("bifocal version");
    hasher.part(bytes);
    hasher.part(settings.as_bytes());
    hasher.u64(SEMANTICS);
    hasher.finish()
}

/// Tells a component from what people take for one.
fn recognise(bytes: &[u8]) -> Result<(), Error> {
    const SHOWN: usize = 16;
    if Parser::is_component(bytes) {
        Ok(())
    } else if Parser::is_core_wasm(bytes) {
        Err(Error::CoreModule)
    } else if bytes.is_empty() {
        Err(Error::NotWebAssembly("nothing at all (0 bytes)".into()))
    } else {
        let beginning = bytes.get(..bytes.len().min(SHOWN)).unwrap_or_default();
        Err(Error::NotWebAssembly(format!("'{}'", beginning.escape_ascii())))
    }
}

fn compile(engine: &Engine, bytes: &[u8], digest: Digest) -> Result<wasmtime::component::Component, Error> {
    // A cache that fails costs time, never an answer.
    let warn = |what: String| (engine.log)(Level::Warn, &digest.short(), &what);
    if let Some(cache) = &engine.cache {
        match cache.find(&engine.wasmtime, digest) {
            Found::Code(component) => return Ok(component),
            Found::Nothing => {}
            Found::Damaged(why) => {
                warn(format!("compiled code in the cache is not usable and is made again: {why}"))
            }
        }
    }
    let component = wasmtime::component::Component::from_binary(&engine.wasmtime, bytes)
        .map_err(|error| Error::Invalid(format!("{error:#}")))?;
    if let Some(cache) = &engine.cache {
        let code = component.serialize().map_err(|error| Error::Engine(format!("{error:#}")))?;
        if let Err(error) = cache.keep(&engine.wasmtime, digest, &code) {
            warn(format!("compiled code is not kept for the next time: {error}"));
        }
    }
    Ok(component)
}

fn check_types(guest: &mut Guest, functions: &Functions) -> Result<(), Error> {
    let checked = [
        ("describe", guest.check::<(), boundary::Description>(&functions.describe)),
        ("fold", guest.check::<FoldParameters, boundary::Folded>(&functions.fold)),
        ("merge", guest.check::<MergeParameters, boundary::Blobs>(&functions.merge)),
        ("present", guest.check::<PresentParameters, Vec<boundary::Column>>(&functions.present)),
    ];
    for (function, checked) in checked {
        checked.map_err(|error| Error::Function { function, why: error.root_cause().to_string() })?;
    }
    Ok(())
}
