//! `bifocal incidents`: recorded faults; `bifocal resume`: a halted version goes on.

use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
use crate::cli::table::grouped;
use crate::cli::view::there;
use crate::store::IncidentRecord;
use crate::time::Rfc3339;
use clap::Args as ClapArgs;
use serde::Deserialize;
use std::io::{IsTerminal, Write};

/// Recorded faults: what differed, who is at fault, what was done
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal incidents revenue")]
pub struct Args {
    /// Of this view; without it, of all
    view: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let mut out = std::io::stdout();
    let is_terminal = out.is_terminal();
    for (view, incident) in all(args)? {
        if is_terminal {
            let IncidentRecord { from, to, cells, blamed, cause, done, .. } = &incident;
            let (from, to, cells, blamed) =
                (grouped(*from), grouped(*to), grouped(*cells), blamed.join(", "));
            writeln!(
                out,
                "{}   {view} v{} run {}   [{from}, {to})   {cells} cells",
                Rfc3339(incident.at_ms),
                incident.version,
                incident.run
            )?;
            writeln!(out, "  blamed {blamed}: {cause}\n  {done}")?;
        } else {
            let mut json = serde_json::json!(incident);
            if let Some(fields) = json.as_object_mut() {
                fields.insert("view".into(), view.into());
            }
            writeln!(out, "{json}")?;
        }
    }
    Ok(Answer::Done)
}

/// With the name of the view.
fn all(args: &Args) -> anyhow::Result<Vec<(String, IncidentRecord)>> {
    #[derive(Deserialize)]
    struct Incidents {
        incidents: Vec<IncidentRecord>,
    }
    let mut all = Vec::new();
    match args.place.place()? {
        Place::Directory(data) => {
            let store = data.open()?;
            let views = match &args.view {
                Some(view) => vec![store.view(view)?],
                None => store.views()?,
            };
            store.close()?;
            for view in views {
                all.extend(view.incidents.into_iter().map(|incident| (view.name.clone(), incident)));
            }
        }
        Place::Server(client) => {
            let views = match &args.view {
                Some(view) => vec![view.clone()],
                None => there::views(&client)?.into_iter().map(|view| view.name).collect(),
            };
            for view in views {
                let found: Incidents = client.get(&client.at(&["views", &view, "incidents"]))?;
                all.extend(found.incidents.into_iter().map(|incident| (view.clone(), incident)));
            }
        }
    }
    Ok(all)
}

/// Let a halted version go on, once its cause is gone
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal resume revenue")]
pub struct Resume {
    view: String,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn resume(args: &Resume) -> anyhow::Result<Answer> {
    match args.place.place()? {
        Place::Directory(data) => {
            let store = data.open()?;
            store.update_view(&args.view, |view| {
                view.halted = None;
                Ok(())
            })?;
            store.close()?;
        }
        Place::Server(client) => there::resume(&client, &args.view)?,
    }
    eprintln!("resumed  view {}", args.view);
    Ok(Answer::Done)
}
