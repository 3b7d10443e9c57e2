//! Logic that needs its events one after the other, in the order of their times.

use std::fmt;

use crate::value::{Timestamp, put_varint, take_length, take_slice, take_varint};

use super::sorted::Sorted;
use super::{Codec, Datum, DecodeError, Kind, Machine, MergeError, OutOfRange, Present, State};

/// Where an input stands among all others of its cell.
type Place = (Timestamp, i64);

/// Runs a [`Machine`] over the events of a cell in the order of (event time, offset), however late
/// they come: `cell.gate.push(event.time, event.offset, Step { … })`. Order-free, since each input
/// brings its place; presents as the machine does after all inputs.
///
/// It keeps every input of the cell and runs the machine when it is asked, so it is for windows of
/// a bounded number of events; [`Ordered`](super::Ordered) keeps the machine alone, by log order.
/// Inputs of one event are taken in the order in which they were pushed.
///
/// Bytes: the number of places; for each, ascending, time, offset and the inputs behind the number
/// of their bytes.
pub struct Timeline<M> {
    /// Inputs, encoded one after the other.
    inputs: Sorted<Place, Vec<u8>>,
    machine: std::marker::PhantomData<M>,
}

impl<M: Machine> Timeline<M> {
    /// `time` is the event's (the input `@time`), `offset` its place in the log (the input
    /// `@offset`).
    pub fn push(&mut self, time: Timestamp, offset: i64, input: M::Input) {
        let place = (time, offset);
        let inputs = self.inputs.entry(|kept| kept.cmp(&place), || (place, Vec::new()));
        let length = inputs.len();
        input.encode(inputs);
        // The number of inputs is known by their bytes alone.
        assert!(inputs.len() > length, "an input of a machine must encode to at least one byte");
    }

    /// The machine as it is after all inputs.
    pub fn machine(&self) -> M {
        let mut machine = M::default();
        for (_, inputs) in self.inputs.iter() {
            let ran = super::ordered::run(&mut machine, inputs);
            assert!(ran.is_ok(), "an input of a machine does not decode from what it encoded to: {ran:?}");
        }
        machine
    }

    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }
}

impl<M> Clone for Timeline<M> {
    fn clone(&self) -> Self {
        Self { inputs: self.inputs.clone(), machine: self.machine }
    }
}

impl<M> Default for Timeline<M> {
    #[inline]
    fn default() -> Self {
        Self { inputs: Sorted::default(), machine: std::marker::PhantomData }
    }
}

impl<M> fmt::Debug for Timeline<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.inputs.iter().map(|(place, inputs)| (place, inputs))).finish()
    }
}

impl<M: Machine> Codec for Timeline<M> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(self.inputs.len() as u64, out);
        for (place, inputs) in self.inputs.iter() {
            place.encode(out);
            put_varint(inputs.len() as u64, out);
            out.extend_from_slice(inputs);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let length = take_length(input)?;
        let mut sorted = Sorted::with_capacity(length);
        for _ in 0..length {
            let place = Place::decode(input)?;
            if sorted.last_key().is_some_and(|last| *last >= place) {
                return Err(DecodeError::Malformed("a timeline that does not ascend"));
            }
            let length = take_varint(input)?;
            let inputs = take_slice(input, length)?;
            if inputs.is_empty() {
                return Err(DecodeError::Malformed("a place of a timeline without an input"));
            }
            super::ordered::check::<M>(inputs)?;
            sorted.push(place, inputs.to_vec());
        }
        Ok(Self { inputs: sorted, machine: std::marker::PhantomData })
    }
}

impl<M: Machine> State for Timeline<M> {
    const ORDER_FREE: bool = true;

    fn merge(&mut self, right: Self) -> Result<(), MergeError> {
        if self.is_empty() {
            *self = right;
            return Ok(());
        }
        for (place, inputs) in right.inputs.into_entries() {
            // An event is in one chunk, so only one side has its place.
            self.inputs.entry(|kept| kept.cmp(&place), || (place, Vec::new())).extend(inputs);
        }
        Ok(())
    }
}

impl<M: Machine + Present> Present for Timeline<M> {
    const KIND: Kind = M::KIND;

    fn present(&self) -> Result<Datum, OutOfRange> {
        self.machine().present()
    }
}
