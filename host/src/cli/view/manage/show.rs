//! `bifocal view show`: all that is known of one view.

use crate::cli::Answer;
use crate::cli::data::{DataArgs, Place, PlaceArgs};
use crate::cli::table::grouped;
use crate::cli::view::there::{self, Shown};
use crate::store::{VersionRecord, ViewRecord};
use crate::time::{Rfc3339, format_duration_ms};
use clap::Args as ClapArgs;
use serde_json::json;
use std::io::{IsTerminal, Write};

/// Show a view: what it reads, its versions, what is served
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal view show revenue --data ./data")]
pub struct Args {
    name: String,
    /// As one JSON object also on a terminal
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    match args.place.place()? {
        Place::Directory(data) => here(args, &data),
        Place::Server(client) => there(args, &there::view(&client, &args.name)?),
    }
}

/// What a server tells: also how far speed is.
fn there(args: &Args, view: &Shown) -> anyhow::Result<Answer> {
    let mut out = std::io::stdout();
    if args.json || !out.is_terminal() {
        writeln!(out, "{}", json!(view))?;
        return Ok(Answer::Done);
    }
    let state =
        view.cause.as_ref().map_or_else(|| view.state.clone(), |cause| format!("{}: {cause}", view.state));
    let run = view.run.map_or("no run yet".into(), |run| format!("run {run}, {} cells", grouped(view.cells)));
    let lines = [
        ("name", view.name.clone()),
        ("stream", format!("{}, {} events", view.stream, grouped(view.head))),
        ("version", format!("v{}", view.version)),
        ("state", state),
        ("batch", format!("[0, {})   {run}", grouped(view.boundary))),
        ("speed", format!("[{}, {})", grouped(view.boundary), grouped(view.visible))),
        ("incidents", view.incidents.to_string()),
        ("created", view.created.clone()),
    ];
    lines.iter().try_for_each(|(name, value)| writeln!(out, "{name:<9} {value}"))?;
    Ok(Answer::Done)
}

fn here(args: &Args, data: &DataArgs) -> anyhow::Result<Answer> {
    let store = data.open()?;
    let view = store.view(&args.name)?;
    let mut out = std::io::stdout();
    if args.json || !out.is_terminal() {
        writeln!(out, "{}", as_json(&view))?;
    } else {
        lines(&view).iter().try_for_each(|(name, value)| writeln!(out, "{name:<9} {value}"))?;
    }
    store.close()?;
    Ok(Answer::Done)
}

fn as_json(view: &ViewRecord) -> serde_json::Value {
    let version = |version: &VersionRecord| {
        json!({
            "version": version.number,
            "digest": version.digest,
            "component": version.component,
            "settings": serde_json::from_str(&version.settings).unwrap_or(json!(version.settings)),
            "deployed": Rfc3339(version.deployed_ms).to_string(),
        })
    };
    json!({
        "name": view.name,
        "stream": view.stream,
        "live": view.live,
        "versions": view.versions.iter().map(version).collect::<Vec<_>>(),
        "lateness": format_duration_ms(view.lateness_ms),
        "boundary": view.boundary,
        "run": view.batch_run,
        "keep_runs": view.keep_runs,
        "runs": view.runs.len(),
        "created": Rfc3339(view.created_ms).to_string(),
    })
}

fn lines(view: &ViewRecord) -> Vec<(&'static str, String)> {
    let served = match view.batch_run.and_then(|number| view.run(number)) {
        Some(run) => format!("run {}, {} cells, [0, {})", run.number, grouped(run.cells), grouped(run.to)),
        None => "no run yet".into(),
    };
    let mut lines = vec![
        ("name", view.name.clone()),
        ("stream", view.stream.clone()),
        ("batch", served),
        ("lateness", format_duration_ms(view.lateness_ms)),
        ("runs", format!("{} kept, {} at most", view.runs.len(), view.keep_runs)),
        ("created", Rfc3339(view.created_ms).to_string()),
    ];
    lines.extend(view.versions.iter().map(|version| {
        let live = if version.number == view.live { "   live" } else { "" };
        let digest = version.digest.get(..12).unwrap_or_default();
        let deployed = Rfc3339(version.deployed_ms);
        ("version", format!("v{} ({digest})   {deployed}   {}{live}", version.number, version.settings))
    }));
    lines
}
