//! `bifocal view set`: how a view is kept up and served.

use crate::app::settings;
use crate::cli::Answer;
use crate::cli::data::{Place, PlaceArgs};
use crate::cli::view::there;
use crate::store;
use anyhow::bail;
use clap::Args as ClapArgs;
use serde_json::Value;
use std::collections::BTreeMap;

/// Change settings of a view, all that are said or none
///
/// batch (a duration, on-deploy, never), full (a duration, a time of day with its zone, never), late (merge,
/// batch-wins), lateness, keep_runs, speed_memory, cells_max. Values of a server's configuration file win.
#[derive(ClapArgs)]
#[command(after_help = "Examples:
  bifocal view set revenue batch=30m 'full=02:00 Europe/Berlin'
  bifocal view set revenue late=batch-wins lateness=6h --data ./data")]
pub struct Args {
    name: String,
    /// Settings; without any, those that there are
    #[arg(value_name = "SETTING=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    let mut changes = BTreeMap::new();
    for pair in &args.settings {
        let Some((key, value)) = pair.split_once('=') else { bail!("'{pair}' is not SETTING=VALUE") };
        if changes.insert(key.to_string(), value.to_string()).is_some() {
            bail!("{key} is said twice");
        }
    }
    match args.place.place()? {
        Place::Directory(data) => {
            let store = data.open()?;
            store.update_view(&args.name, |view| {
                let set = |(key, value): (&String, &String)| settings::set(view, key, value);
                changes.iter().try_for_each(set).map_err(store::Error::Refused)
            })?;
            let shown = settings::shown(&store.view(&args.name)?);
            store.close()?;
            shown.iter().for_each(|(key, value)| println!("{key:<13} {value}"));
        }
        Place::Server(client) => {
            let said = match changes.is_empty() {
                true => client.get::<Value>(&client.at(&["views", &args.name, "settings"]))?,
                false => there::set(&client, &args.name, &serde_json::json!(changes))?,
            };
            let of_file = said.get("of_file").and_then(Value::as_array);
            let is_of_file = |key: &str| of_file.is_some_and(|keys| keys.iter().any(|of| of == key));
            for (key, _) in settings::KEYS {
                let mark = if is_of_file(key) { "   (configuration file)" } else { "" };
                let value = said.get("settings").and_then(|settings| settings.get(key)?.as_str());
                println!("{key:<13} {}{mark}", value.unwrap_or_default());
            }
        }
    }
    Ok(Answer::Done)
}
