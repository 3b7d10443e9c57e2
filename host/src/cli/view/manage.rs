//! `bifocal view`: views as they stand, and their settings.

mod list;
mod log;
mod rm;
mod set;
mod show;

use crate::cli::Answer;
use clap::{Args as ClapArgs, Subcommand};

/// List, show, set and remove views
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  bifocal view show revenue --data ./data")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Args),
    Show(show::Args),
    Log(log::Args),
    Set(set::Args),
    Rm(rm::Args),
}

pub fn main(args: &Args) -> anyhow::Result<Answer> {
    match &args.command {
        Command::List(args) => list::main(args),
        Command::Show(args) => show::main(args),
        Command::Log(args) => log::main(args),
        Command::Set(args) => set::main(args),
        Command::Rm(args) => rm::main(args),
    }
}
