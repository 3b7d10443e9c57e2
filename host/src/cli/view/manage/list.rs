//! `bifocal view list`: what views there are.

use crate::cli::Answer;
use crate::cli::data::{DataArgs, Place, PlaceArgs};
use crate::cli::table::{listing, write_rows};
use crate::cli::view::there::{self, Shown};
use crate::column::Value;
use crate::description::Kind;
use crate::rows::Format;
use clap::Args as ClapArgs;

/// List the views
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal view list --data ./data")]
pub struct Args {
    /// How rows are printed [default: table on a terminal, ndjson in a pipe]
    #[arg(long)]
    format: Option<Format>,
    #[command(flatten)]
    place: PlaceArgs,
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    match args.place.place()? {
        Place::Directory(data) => here(args, &data),
        Place::Server(client) => listed(args, &there::views(&client)?),
    }
}

fn here(args: &Args, data: &DataArgs) -> anyhow::Result<Answer> {
    let store = data.open()?;
    let columns = [
        ("name", Kind::Text),
        ("stream", Kind::Text),
        ("version", Kind::Integer),
        ("boundary", Kind::Integer),
        ("run", Kind::Integer),
        ("cells", Kind::Integer),
        ("created", Kind::Timestamp),
    ];
    let views = store.views()?;
    let rows = views.iter().map(|view| {
        let run = view.batch_run.and_then(|number| view.run(number));
        let number = |number: Option<u64>| number.map_or(Value::Absent, |n| Value::Integer(n as i64));
        [
            Value::Bytes(view.name.as_bytes()),
            Value::Bytes(view.stream.as_bytes()),
            Value::Integer(view.live as i64),
            Value::Integer(view.boundary as i64),
            number(view.batch_run),
            number(run.map(|run| run.cells)),
            Value::Integer(view.created_ms),
        ]
    });
    write_rows(&listing(columns, rows), args.format, usize::MAX)?;
    store.close()?;
    Ok(Answer::Done)
}

/// What a server tells: also how far speed is.
fn listed(args: &Args, views: &[Shown]) -> anyhow::Result<Answer> {
    let columns = [
        ("name", Kind::Text),
        ("stream", Kind::Text),
        ("version", Kind::Integer),
        ("state", Kind::Text),
        ("boundary", Kind::Integer),
        ("visible", Kind::Integer),
        ("head", Kind::Integer),
        ("run", Kind::Integer),
        ("cells", Kind::Integer),
        ("incidents", Kind::Integer),
    ];
    let number = |number: u64| Value::Integer(number as i64);
    let rows = views.iter().map(|view| {
        [
            Value::Bytes(view.name.as_bytes()),
            Value::Bytes(view.stream.as_bytes()),
            number(view.version),
            Value::Bytes(view.state.as_bytes()),
            number(view.boundary),
            number(view.visible),
            number(view.head),
            view.run.map_or(Value::Absent, number),
            number(view.cells),
            number(view.incidents),
        ]
    });
    write_rows(&listing(columns, rows), args.format, usize::MAX)?;
    Ok(Answer::Done)
}
