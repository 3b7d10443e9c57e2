//! The command line: raw flags to work, results to stdout, everything else to stderr. The exit code
//! is decided here and nowhere else.

mod append;
mod build;
mod check;
mod client;
mod data;
mod demo;
mod dev;
mod doctor;
mod events;
mod export;
mod flame;
mod import;
mod language;
mod new;
mod options;
mod progress;
mod replay;
mod report;
mod run;
mod serve;
mod stream;
mod table;
mod test;
mod view;

use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// One WebAssembly transform, a batch and a streaming executor over one immutable log.
#[derive(Parser)]
#[command(name = "bifocal", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Run(Box<run::Args>),
    Stream(Box<stream::Args>),
    Append(append::Args),
    Replay(Box<replay::Args>),
    Export(export::Args),
    Import(import::Args),
    Check(Box<check::Args>),
    Test(Box<test::Args>),
    Build(build::Args),
    New(new::Args),
    Dev(Box<dev::Args>),
    Doctor(doctor::Args),
    Deploy(view::deploy::Args),
    View(view::manage::Args),
    Batch(view::batch::Args),
    Runs(view::runs::Args),
    Query(Box<view::query::Args>),
    Rejected(view::rejected::Args),
    Incidents(view::incidents::Args),
    Resume(view::incidents::Resume),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  bifocal completions bash > ~/.local/share/bash-completion/completions/bifocal"
    )]
    Completions {
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a directory
    #[command(after_help = "Example:\n  bifocal man ~/.local/share/man/man1")]
    Man {
        directory: PathBuf,
    },
}

/// What a command found: 0 done, 1 "no" (a check failed, rows differ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    No,
}

/// Runs the command line; 0 done, 1 "no", 2 error.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match dispatch(cli.command) {
        Ok(Answer::Done) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error    {error:#}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<Answer> {
    match command {
        Command::Demo(args) => demo::main(&args),
        Command::Serve(args) => serve::main(&args),
        Command::Run(args) => run::main(&args),
        Command::Stream(args) => stream::main(&args),
        Command::Append(args) => append::main(&args),
        Command::Replay(args) => replay::main(&args),
        Command::Export(args) => export::main(&args),
        Command::Import(args) => import::main(&args),
        Command::Check(args) => check::main(&args),
        Command::Test(args) => test::main(&args),
        Command::Build(args) => build::main(&args),
        Command::New(args) => new::main(&args),
        Command::Dev(args) => dev::main(&args),
        Command::Doctor(args) => doctor::main(&args),
        Command::Deploy(args) => view::deploy::main(&args),
        Command::View(args) => view::manage::main(&args),
        Command::Batch(args) => view::batch::main(&args),
        Command::Runs(args) => view::runs::main(&args),
        Command::Query(args) => view::query::main(&args),
        Command::Rejected(args) => view::rejected::main(&args),
        Command::Incidents(args) => view::incidents::main(&args),
        Command::Resume(args) => view::incidents::resume(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "bifocal", &mut std::io::stdout());
            Ok(Answer::Done)
        }
        Command::Man { directory } => {
            std::fs::create_dir_all(&directory)?;
            clap_mangen::generate_to(Cli::command(), &directory)?;
            Ok(Answer::Done)
        }
    }
}

/// Whoever read our output has had enough: not an error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.into_iter().any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
