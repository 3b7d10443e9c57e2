//! `bifocal runs`: what the batch executor did for a view.

use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
use crate::cli::table::grouped;
use crate::cli::view::there;
use crate::store::{RunRecord, RunResult};
use crate::time::Rfc3339;
use clap::Args as ClapArgs;
use serde_json::json;
use std::io::{IsTerminal, Write};

/// The runs of a view that are kept, oldest first
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal runs revenue --data ./data")]
pub struct Args {
    view: String,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let (runs, served) = match args.place.place()? {
        Place::Directory(data) => {
            let store = data.open()?;
            let view = store.view(&args.view)?;
            store.close()?;
            (view.runs, view.batch_run)
        }
        Place::Server(client) => there::runs(&client, &args.view)?,
    };
    let mut out = std::io::stdout();
    let is_terminal = out.is_terminal();
    for run in &runs {
        let is_served = Some(run.number) == served;
        if is_terminal {
            writeln!(out, "{}", line(run, is_served))?;
        } else {
            let mut json = json!(run);
            if let Some(fields) = json.as_object_mut() {
                fields.insert("served".into(), is_served.into());
            }
            writeln!(out, "{json}")?;
        }
    }
    Ok(Answer::Done)
}

fn line(run: &RunRecord, is_served: bool) -> String {
    let kind = format!("{:?}", run.kind).to_lowercase();
    let mark = if is_served { "served" } else { "" };
    let counts = || format!("{} cells   rejected {}", grouped(run.cells), grouped(run.rejected));
    let result = match (&run.cause, run.result) {
        (Some(cause), RunResult::Failed) => format!("failed: {cause}"),
        (Some(cause), RunResult::Published) => format!("{}   lost: {cause}", counts()),
        (None, _) if run.lost > 0 => format!("{}   lost {}", counts(), grouped(run.lost)),
        (None, _) => counts(),
    };
    format!(
        "run {:<4} v{:<3} {kind:<11} [0, {})   {}   {:.1} s   {result}   {mark}",
        run.number,
        run.version,
        grouped(run.to),
        Rfc3339(run.started_ms),
        run.took_ms as f64 / 1e3
    )
}
