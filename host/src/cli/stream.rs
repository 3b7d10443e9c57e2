//! `bifocal stream`: the streams of a data directory or a server.

mod create;
mod list;
mod rm;
mod schema;
mod show;
mod shown;
mod tail;

pub use tail::write_last;

use super::Answer;
use clap::{Args as ClapArgs, Subcommand};

/// Create, list, show and remove streams
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal stream create orders --data ./data --time ts --id order_id")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Create(create::Args),
    List(list::Args),
    Show(show::Args),
    Tail(tail::Args),
    Schema(schema::Args),
    Rm(rm::Args),
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    match &args.command {
        Command::Create(args) => create::main(args),
        Command::List(args) => list::main(args),
        Command::Show(args) => show::main(args),
        Command::Tail(args) => tail::main(args),
        Command::Schema(args) => schema::main(args),
        Command::Rm(args) => rm::main(args),
    }
}
