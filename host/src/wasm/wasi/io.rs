//! wasi:io: an input that is at its end, outputs that go to the log, and pollables, of which those
//! of clocks make time pass and all others are ready.

// For the derive of `StreamError`, see `boundary`.
#![allow(unsafe_code)]

use super::super::guest::State;
use super::super::limits::charge;
use super::super::log::Output;
use super::cli::{Exit, STDERR};
use super::{InputStream, IoError, OutputStream, POLLABLES_MAX};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource};

/// Bytes that an output takes at once; the least that WASI asks of a blocking write.
const WRITE_BYTES_MAX: u64 = 4096;

/// Ready at an instant of the monotonic clock.
pub struct Pollable {
    at_ns: u64,
}

impl Pollable {
    pub fn at(store: &mut StoreContextMut<'_, State>, at_ns: u64) -> wasmtime::Result<Resource<Pollable>> {
        let pushed = store.data_mut().world.table.push(Pollable { at_ns });
        pushed.map_err(|_| Exit::refused(&format!("it holds more than {POLLABLES_MAX} pollables")).into())
    }

    fn ready(store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<Resource<Pollable>> {
        Pollable::at(store, 0)
    }
}

pub fn drop_pollable(store: &mut StoreContextMut<'_, State>, number: u32) -> wasmtime::Result<()> {
    store.data_mut().world.table.delete(Resource::<Pollable>::new_own(number))?;
    Ok(())
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[allow(dead_code, reason = "no operation here fails, but the type has the case")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

pub fn function(
    answers: &mut LinkerInstance<'_, State>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<bool> {
    match interface {
        "poll" => poll(answers, function),
        "streams" => Ok(input(answers, function)? || output(answers, function)?),
        _ => Ok(false),
    }
}

fn poll(answers: &mut LinkerInstance<'_, State>, function: &str) -> wasmtime::Result<bool> {
    match function {
        "[method]pollable.ready" => answers.func_wrap(
            function,
            |mut store: StoreContextMut<'_, State>, (pollable,): (Resource<Pollable>,)| {
                charge(&mut store, 0)?;
                let world = &store.data().world;
                Ok((world.table.get(&pollable)?.at_ns <= world.clock.monotonic_ns(),))
            },
        )?,
        "[method]pollable.block" => answers.func_wrap(
            function,
            |mut store: StoreContextMut<'_, State>, (pollable,): (Resource<Pollable>,)| {
                charge(&mut store, 0)?;
                let world = &mut store.data_mut().world;
                world.clock.sleep_until(world.table.get(&pollable)?.at_ns);
                Ok(())
            },
        )?,
        "poll" => answers.func_wrap(
            function,
            |mut store: StoreContextMut<'_, State>, (pollables,): (Vec<Resource<Pollable>>,)| {
                charge(&mut store, pollables.len())?;
                poll_all(&mut store, &pollables).map(|ready| (ready,))
            },
        )?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The positions of those that are ready; if none is, time passes until the first one is.
fn poll_all(
    store: &mut StoreContextMut<'_, State>,
    pollables: &[Resource<Pollable>],
) -> wasmtime::Result<Vec<u32>> {
    let world = &mut store.data_mut().world;
    let instants: Vec<u64> = pollables
        .iter()
        .map(|pollable| world.table.get(pollable).map(|pollable| pollable.at_ns))
        .collect::<Result<_, _>>()?;
    let Some(first_ns) = instants.iter().min() else {
        return Err(Exit::refused("it polled nothing, which would never end").into());
    };
    world.clock.sleep_until(*first_ns);
    let now_ns = world.clock.monotonic_ns();
    Ok((0..).zip(&instants).filter(|(_, at_ns)| **at_ns <= now_ns).map(|(position, _)| position).collect())
}

fn input(answers: &mut LinkerInstance<'_, State>, function: &str) -> wasmtime::Result<bool> {
    type Read = (Resource<InputStream>, u64);
    match function {
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            answers.func_wrap(function, |mut store: StoreContextMut<'_, State>, _: Read| {
                charge(&mut store, 0)?;
                Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
            })?
        }
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
            answers.func_wrap(function, |mut store: StoreContextMut<'_, State>, _: Read| {
                charge(&mut store, 0)?;
                Ok((Err::<u64, _>(StreamError::Closed),))
            })?
        }
        "[method]input-stream.subscribe" => {
            answers.func_wrap(function, |mut store, _: (Resource<InputStream>,)| {
                charge(&mut store, 0)?;
                Ok((Pollable::ready(&mut store)?,))
            })?
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn output(answers: &mut LinkerInstance<'_, State>, function: &str) -> wasmtime::Result<bool> {
    type Stream = (Resource<OutputStream>,);
    type Written = wasmtime::Result<(Result<(), StreamError>,)>;
    match function {
        "[method]output-stream.check-write" => {
            answers.func_wrap(function, |mut store: StoreContextMut<'_, State>, _: Stream| {
                charge(&mut store, 0)?;
                Ok((Ok::<u64, StreamError>(WRITE_BYTES_MAX),))
            })?
        }
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            answers.func_wrap(
                function,
                |mut store: StoreContextMut<'_, State>,
                 (stream, bytes): (Resource<OutputStream>, Vec<u8>)|
                 -> Written {
                    charge(&mut store, bytes.len())?;
                    let output = if stream.rep() == STDERR { Output::Stderr } else { Output::Stdout };
                    store.data_mut().log.write(output, &bytes);
                    Ok((Ok(()),))
                },
            )?;
        }
        "[method]output-stream.write-zeroes" | "[method]output-stream.blocking-write-zeroes-and-flush" => {
            answers.func_wrap(
                function,
                |mut store: StoreContextMut<'_, State>, _: (Resource<OutputStream>, u64)| -> Written {
                    charge(&mut store, 0)?;
                    Ok((Ok(()),))
                },
            )?
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            answers.func_wrap(function, |mut store: StoreContextMut<'_, State>, _: Stream| -> Written {
                charge(&mut store, 0)?;
                Ok((Ok(()),))
            })?
        }
        "[method]output-stream.subscribe" => {
            answers.func_wrap(function, |mut store: StoreContextMut<'_, State>, _: Stream| {
                charge(&mut store, 0)?;
                Ok((Pollable::ready(&mut store)?,))
            })?
        }
        "[method]output-stream.splice" | "[method]output-stream.blocking-splice" => answers.func_wrap(
            function,
            |mut store: StoreContextMut<'_, State>,
             _: (Resource<OutputStream>, Resource<InputStream>, u64)| {
                charge(&mut store, 0)?;
                Ok((Err::<u64, _>(StreamError::Closed),))
            },
        )?,
        _ => return Ok(false),
    }
    Ok(true)
}
