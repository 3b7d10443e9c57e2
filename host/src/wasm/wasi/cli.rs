//! wasi:cli: no environment, no arguments, no terminal; standard streams; an exit that is a trap.

use super::super::guest::State;
use super::{InputStream, OutputStream, TerminalInput, TerminalOutput};
use wasmtime::component::{LinkerInstance, Resource};

/// Numbers of the standard streams, as Unix has them.
pub const STDIN: u32 = 0;
pub const STDOUT: u32 = 1;
pub const STDERR: u32 = 2;

/// The guest ended itself, or called what this host does not answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Exit(String);

impl Exit {
    pub fn unanswered(function: &str) -> Exit {
        Exit(format!("it called {function}, which a transform's frozen world does not have"))
    }

    pub fn refused(what: &str) -> Exit {
        Exit(what.to_owned())
    }
}

pub fn function(
    answers: &mut LinkerInstance<'_, State>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<bool> {
    match (interface, function) {
        ("environment", "get-environment") => {
            answers.func_wrap(function, |_, (): ()| Ok((Vec::<(String, String)>::new(),)))?
        }
        ("environment", "get-arguments") => {
            answers.func_wrap(function, |_, (): ()| Ok((Vec::<String>::new(),)))?
        }
        ("environment", "initial-cwd") => {
            answers.func_wrap(function, |_, (): ()| Ok((None::<String>,)))?;
        }
        ("exit", "exit") => {
            answers.func_wrap(function, |_, (status,): (Result<(), ()>,)| -> wasmtime::Result<()> {
                Err(Exit(format!("it exited with {}", if status.is_ok() { "success" } else { "failure" }))
                    .into())
            })?;
        }
        ("exit", "exit-with-code") => {
            answers.func_wrap(function, |_, (status,): (u8,)| -> wasmtime::Result<()> {
                Err(Exit(format!("it exited with status {status}")).into())
            })?;
        }
        ("stdin", "get-stdin") => {
            answers.func_wrap(function, |_, (): ()| Ok((Resource::<InputStream>::new_own(STDIN),)))?;
        }
        ("stdout", "get-stdout") => {
            answers.func_wrap(function, |_, (): ()| Ok((Resource::<OutputStream>::new_own(STDOUT),)))?;
        }
        ("stderr", "get-stderr") => {
            answers.func_wrap(function, |_, (): ()| Ok((Resource::<OutputStream>::new_own(STDERR),)))?;
        }
        ("terminal-stdin", "get-terminal-stdin") => {
            answers.func_wrap(function, |_, (): ()| Ok((None::<Resource<TerminalInput>>,)))?;
        }
        ("terminal-stdout", "get-terminal-stdout") | ("terminal-stderr", "get-terminal-stderr") => {
            answers.func_wrap(function, |_, (): ()| Ok((None::<Resource<TerminalOutput>>,)))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
