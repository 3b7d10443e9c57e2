//! `bifocal doctor`: is all in order on this machine and in a data directory, and what to do if not.

use super::data::DataArgs;
use super::language::Language;
use super::{Answer, options};
use crate::store::{self, Examined, State, Store};
use crate::wasm::{self, Engine};
use anyhow::bail;
use clap::Args as ClapArgs;
use std::path::Path;

/// Check that this machine has what Bifocal needs, and say what to do if not
///
/// For each language it says whether plugins in it can be built here; with --lang, that decides too.
///
/// With a data directory it also reads every event, column, cell and component that is stored there
/// against its checksum, and says exactly what is lost. It changes nothing unless asked to.
///
/// With --repair, what is a cache is made again or dropped: columns, views, hashes of ids. Damaged events
/// are given up: their offsets stay, and are named wherever they are missing; all else goes on around them.
/// A copy of the damaged file is kept. Killed on the way, give the same command again.
///
/// Exit code 0 if all is in order, also around events that were given up earlier; 1 if something is not, or
/// --repair had to give something up; 2 if the directory could not be looked at.
#[derive(ClapArgs)]
#[command(
    after_help = "Examples:\n  bifocal doctor\n  bifocal doctor --lang python\n  bifocal doctor --data ./data\n  bifocal doctor --data ./data --repair"
)]
pub struct Args {
    /// Check that plugins in this language can be built
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// Make again what can be, and give up what cannot
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    data: DataArgs,
}

/// One line: what was looked at, what was found, and what to do if that is not good.
struct Finding {
    what: &'static str,
    found: Result<String, String>,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    if args.repair && !args.data.is_named() {
        bail!("--repair mends a data directory: say which, with --data DIR");
    }
    hush_redb();
    let store = if args.data.is_named() { Some(open(&args.data)?) } else { None };
    let findings = [
        Finding { what: "engine", found: engine() },
        Finding { what: "cache", found: cache() },
        Finding { what: "cores", found: Ok(options::threads(None).to_string()) },
    ];
    let mut is_well = findings.iter().all(|finding| finding.found.is_ok());
    for finding in &findings {
        match &finding.found {
            Ok(found) => println!("ok       {:<10} {found}", finding.what),
            Err(fault) => println!("no       {:<10} {fault}", finding.what),
        }
    }
    for language in Language::ALL.iter().filter(|language| args.lang.is_none_or(|only| only == **language)) {
        match language.readiness() {
            Ok(found) => println!("ok       {:<10} {found}", language.name()),
            // A machine need not have every language.
            Err(fault) if args.lang.is_none() => println!("none     {:<10} {fault}", language.name()),
            Err(fault) => {
                is_well = false;
                println!("no       {:<10} {fault}", language.name());
            }
        }
    }
    match store {
        Some(Ok(store)) => {
            is_well &= examine(&store, args.repair)?;
            store.close()?;
        }
        Some(Err(fault)) => {
            is_well = false;
            println!("no       catalog: {fault}");
        }
        None => {}
    }
    Ok(if is_well { Answer::Done } else { Answer::No })
}

/// Whether all that is stored is what was written, or was given up earlier.
fn examine(store: &Store, repairs: bool) -> anyhow::Result<bool> {
    let mut is_well = true;
    let visit = |Examined { what, state, found }: Examined| {
        let word = match state {
            State::Sound => "ok",
            State::Lost | State::GivenUp => "lost",
            State::Mended => "mended",
            State::Damaged => "no",
        };
        is_well &= !matches!(state, State::GivenUp | State::Damaged);
        println!("{word:<8} {what}: {found}");
    };
    if repairs {
        store.repair(chrono::Utc::now().timestamp_millis(), visit)?;
    } else {
        store.examine(visit)?;
    }
    Ok(is_well)
}

/// The directory, or what is wrong with its catalog, from which nothing can be made again.
fn open(data: &DataArgs) -> anyhow::Result<Result<Store, String>> {
    match data.open() {
        Ok(store) => Ok(Ok(store)),
        Err(error) => match error.downcast_ref::<store::Error>() {
            Some(store::Error::Damaged { file, what }) => Ok(Err(format!(
                "{file} is damaged: {what}; it is no cache: restore it from a copy of the directory. Nothing was \
                 looked at or changed"
            ))),
            _ => Err(error),
        },
    }
}

/// A damaged page can make redb panic, which the store catches and tells as damage: its trace would only
/// stand in the way.
fn hush_redb() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|place| place.file().contains("redb")) {
            usual(panic);
        }
    }));
}

/// The pool reserves address space, which a limit on virtual memory can refuse.
fn engine() -> Result<String, String> {
    let options = wasm::Options { cache: None, ..wasm::Options::default() };
    Engine::new(options)
        .map(|_| format!("contract {}", wasm::CONTRACT))
        .map_err(|error| format!("{error}; if virtual memory is limited, lift it: `ulimit -v unlimited`"))
}

fn cache() -> Result<String, String> {
    let Some(directory) = options::cache_directory() else {
        return Err("neither BIFOCAL_CACHE nor HOME is set: components are compiled anew each time".into());
    };
    writable(&directory).map(|()| directory.display().to_string()).map_err(|error| {
        format!("{} cannot be written ({error}); set BIFOCAL_CACHE to a folder that can", directory.display())
    })
}

fn writable(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let probe = directory.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}
