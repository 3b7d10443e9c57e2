//! Logic that needs its events one after the other, in the order of the log.

use std::fmt;

use crate::value::{put_varint, take, take_slice, take_varint};

use super::{Codec, Datum, DecodeError, Kind, MergeError, OutOfRange, Present, State};

/// A machine that takes its inputs one after the other: a state machine, sessions, deduplication.
///
/// `Default` is the machine before its first input. Both the machine and its input have canonical
/// bytes, usually by `#[derive(Codec)]`; an input takes at least one byte.
pub trait Machine: Codec + Clone + Default {
    type Input: Codec;

    fn step(&mut self, input: Self::Input);
}

/// Runs a [`Machine`] over the events of a cell in the order of the log, however the log is cut.
/// Never order-free.
///
/// ```
/// # use bifocal_sdk::*;
/// /// Opens at a coin, closes behind who passes.
/// #[derive(Codec, Clone, Default)]
/// struct Turnstile { open: bool, passed: u64 }
///
/// #[derive(Codec)]
/// struct Step { is_coin: bool }
///
/// impl Machine for Turnstile {
///     type Input = Step;
///     fn step(&mut self, step: Step) {
///         self.passed += u64::from(self.open && !step.is_coin);
///         self.open = step.is_coin;
///     }
/// }
///
/// impl Present for Turnstile {
///     const KIND: Kind = Kind::Integer;
///     fn present(&self) -> Result<Datum, OutOfRange> {
///         u64::datum(self.passed)
///     }
/// }
///
/// let mut gate = Ordered::<Turnstile>::default(); // a part of a cell: `cell.gate`
/// gate.push(Step { is_coin: true });
/// gate.push(Step { is_coin: false });
/// assert_eq!(gate.present(), Ok(Datum::Integer(1)));
/// ```
///
/// A state is *anchored*, a machine that has run from the beginning of its cell, or *floating*,
/// inputs that wait for what precedes them. What `fold` makes floats; the host merges it onto the
/// anchored state at its left, which runs the machine; two floating states concatenate. Nothing
/// merges onto an anchored right side: that is an error.
///
/// Bytes: 1 and the machine, or 0 and the inputs one after the other behind the number of their
/// bytes (LEB128). Presents as the machine does; a floating state as if its inputs were the first.
pub struct Ordered<M>(Form<M>);

#[derive(Clone)]
enum Form<M> {
    Anchored(M),
    /// Inputs, encoded: concatenation is a copy, and a hot cell of a large chunk is one buffer.
    Floating(Vec<u8>),
}

impl<M: Machine> Ordered<M> {
    /// The next input of the machine.
    #[inline]
    pub fn push(&mut self, input: M::Input) {
        match &mut self.0 {
            Form::Anchored(machine) => machine.step(input),
            Form::Floating(inputs) => {
                let length = inputs.len();
                input.encode(inputs);
                // The number of inputs is known by their bytes alone.
                assert!(inputs.len() > length, "an input of a machine must encode to at least one byte");
            }
        }
    }

    /// The machine as it is after all inputs; of a floating state, as if they were the first.
    pub fn machine(&self) -> M {
        match &self.0 {
            Form::Anchored(machine) => machine.clone(),
            Form::Floating(inputs) => {
                let mut machine = M::default();
                let ran = run(&mut machine, inputs);
                assert!(
                    ran.is_ok(),
                    "an input of a machine does not decode from what it encoded to: {ran:?}"
                );
                machine
            }
        }
    }

    pub fn is_anchored(&self) -> bool {
        matches!(self.0, Form::Anchored(_))
    }
}

pub(super) fn run<M: Machine>(machine: &mut M, mut inputs: &[u8]) -> Result<(), DecodeError> {
    while !inputs.is_empty() {
        machine.step(M::Input::decode(&mut inputs)?);
    }
    Ok(())
}

/// That all inputs decode.
pub(super) fn check<M: Machine>(mut inputs: &[u8]) -> Result<(), DecodeError> {
    while !inputs.is_empty() {
        M::Input::decode(&mut inputs)?;
    }
    Ok(())
}

impl<M: Clone> Clone for Ordered<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Default for Ordered<M> {
    #[inline]
    fn default() -> Self {
        Self(Form::Floating(Vec::new()))
    }
}

impl<M: fmt::Debug> fmt::Debug for Ordered<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Anchored(machine) => f.debug_tuple("Anchored").field(machine).finish(),
            Form::Floating(inputs) => f.debug_tuple("Floating").field(inputs).finish(),
        }
    }
}

impl<M: Machine> Codec for Ordered<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Form::Anchored(machine) => {
                out.push(1);
                machine.encode(out);
            }
            Form::Floating(inputs) => {
                out.push(0);
                put_varint(inputs.len() as u64, out);
                out.extend_from_slice(inputs);
            }
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        match take(input)? {
            [0] => {
                let length = take_varint(input)?;
                let inputs = take_slice(input, length)?;
                check::<M>(inputs)?;
                Ok(Self(Form::Floating(inputs.to_vec())))
            }
            [1] => M::decode(input).map(|machine| Self(Form::Anchored(machine))),
            _ => Err(DecodeError::Malformed("neither an anchored nor a floating state")),
        }
    }
}

impl<M: Machine> State for Ordered<M> {
    const ORDER_FREE: bool = false;
    const ANCHORED: bool = true;

    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        let Form::Floating(later) = right.0 else { return Err(MergeError::AnchoredRight) };
        match &mut self.0 {
            Form::Anchored(machine) => run(machine, &later)?,
            Form::Floating(inputs) if inputs.is_empty() => *inputs = later,
            Form::Floating(inputs) => inputs.extend_from_slice(&later),
        }
        Ok(())
    }

    fn initial() -> Self {
        Self(Form::Anchored(M::default()))
    }
}

impl<M: Machine + Present> Present for Ordered<M> {
    const KIND: Kind = M::KIND;

    fn present(&self) -> Result<Datum, OutOfRange> {
        match &self.0 {
            Form::Anchored(machine) => machine.present(),
            Form::Floating(_) => self.machine().present(),
        }
    }
}
