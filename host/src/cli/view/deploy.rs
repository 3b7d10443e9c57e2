//! `bifocal deploy`: check a transform on a stream's own events and make it the version of a view.

use crate::cli::data::{DataArgs, Place, PlaceArgs};
use crate::cli::events::EventArgs;
use crate::cli::view::there::Deploy;
use crate::cli::{Answer, options};
use crate::deploy::{self, Error};
use anyhow::Context;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Check a transform and make it the live version of a view
///
/// The laws are tried on events of the stream; a breach refuses the version, exit code 1. The first
/// deployment makes the view. A server builds a new version beside the one that it serves, and switches once
/// it has caught up; directly on a directory it starts without a batch run: `bifocal batch` makes one.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal deploy revenue revenue.wasm --stream orders --data ./data")]
pub struct Args {
    view: String,
    /// The transform: a WebAssembly component
    component: PathBuf,
    /// The stream that a new view reads
    #[arg(long)]
    stream: Option<String>,
    /// How long after its end a window stays open
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    lateness: String,
    /// Settings of the transform, TOML or JSON
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// One setting; JSON if it parses, else text; dotted keys nest
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    match args.place.place()? {
        Place::Directory(data) => here(args, &data),
        Place::Server(client) => {
            let is_said = args.settings.is_some() || !args.set.is_empty();
            let settings = if is_said { Some(args.settings()?) } else { None };
            let deploy = Deploy {
                view: &args.view,
                component: args.bytes()?,
                settings,
                stream: args.stream.as_deref(),
                lateness: &args.lateness,
            };
            deploy.run(&client)
        }
    }
}

impl Args {
    fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        std::fs::read(&self.component).with_context(|| self.component.display().to_string())
    }
}

fn here(args: &Args, data: &DataArgs) -> anyhow::Result<Answer> {
    let store = data.open()?;
    let view = store.views()?.into_iter().find(|view| view.name == args.view);
    let stream = store.stream(&deploy::stream_of(&args.view, view.as_ref(), args.stream.as_deref())?)?;
    let settings = args.settings()?;
    let lateness_ms = crate::time::parse_duration_ms(&args.lateness)
        .with_context(|| format!("--lateness '{}'", args.lateness))?;
    let threads = options::threads(None);
    let bytes = args.bytes()?;
    let log = store.log(&stream)?;
    let prepared =
        deploy::prepare(&options::quiet_engine(threads)?, &bytes, &settings, &stream, &log, threads);
    log.close()?;
    let prepared = match prepared {
        Err(Error::Unlawful(report)) => {
            eprint!("{report}");
            eprintln!("refused  view '{}' stays as it was", args.view);
            return Ok(Answer::No);
        }
        prepared => prepared.with_context(|| args.component.display().to_string())?,
    };
    let now_ms = chrono::Utc::now().timestamp_millis();
    let version = match &view {
        None => {
            let record = deploy::first(&store, &prepared, &args.view, &stream.name, lateness_ms, now_ms)?;
            record.live_version().cloned().context("a view without a version")?
        }
        Some(_) => {
            store.put_component(&prepared.bytes)?;
            store.update_view(&args.view, |view| Ok(deploy::make_live(view, &prepared, now_ms)))?
        }
    };
    let digest = version.digest.get(..12).unwrap_or_default();
    eprintln!("deployed {} v{} ({digest})", args.view, version.number);
    eprintln!("checks   {}", prepared.checks);
    eprintln!("next     bifocal batch {}{}", args.view, data.again());
    store.close()?;
    Ok(Answer::Done)
}

impl Args {
    fn settings(&self) -> anyhow::Result<String> {
        let given =
            EventArgs { settings: self.settings.clone(), set: self.set.clone(), ..EventArgs::default() };
        given.settings(&toml::Table::new())
    }
}
