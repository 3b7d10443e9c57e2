//! The project's own commands, so that a fresh machine needs cargo and a C compiler and nothing else:
//! `cargo xtask flights` runs the main job on real data, `cargo xtask test` passes the tests.

mod ci;
mod demo;
mod flights;
mod licences;
mod suites;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  flights         build everything and run the main job on real flights, through both executors
  test [--all]    run the tests; --all fails if a suite lacks a tool instead of leaving it out
  ci              all that continuous integration runs, after the tools are installed
  demo            make the components and the events that `bifocal demo` carries inside
  licences        check the licence and the source of every dependency
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["flights"] => flights::main(),
        ["test"] => suites::main(false),
        ["test", "--all"] => suites::main(true),
        ["ci"] => ci::main(),
        ["demo"] => demo::main(),
        ["licences"] => licences::main(),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
