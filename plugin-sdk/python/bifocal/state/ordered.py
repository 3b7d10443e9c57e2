"""Logic that needs its events one after the other, in the order of the log."""

from __future__ import annotations

import inspect

from ..codec import DecodeError, put_varint, take, take_byte, take_varint
from ..values import Type, type_of, value_type
from .many import ANCHORED_RIGHT
from .part import MergeError, Part


class Ordered(Part):
    """`Ordered[M]` runs a machine over the events of a cell in the order of the log, however the log is cut:
    `cell.gate.push(Step(is_coin=True))`. Never order-free. `machine` makes machines.

    A state is *anchored*, a machine that has run from the beginning of its cell, or *floating*, inputs that
    wait for what precedes them. What `fold` makes floats; the host merges it onto the anchored state at its
    left, which runs the machine; two floating states concatenate. Nothing merges onto an anchored right side.

    Bytes: 1 and the machine, or 0 and the inputs one after the other behind the number of their bytes
    (LEB128). Presents as the machine does; a floating state as if its inputs were the first.
    """

    __slots__ = ("_machine", "_inputs")
    order_free = False
    anchored = True
    of: type
    input: Type

    def __init__(self):
        self._machine = None
        self._inputs = bytearray()  # encoded: concatenation is a copy

    @classmethod
    def bind(cls, machine):
        step = getattr(machine, "step", None)
        if step is None or not hasattr(machine, "decode"):
            raise TypeError(f"Ordered runs a class with @machine and a method step, not {machine!r}")
        _, *inputs = inspect.signature(step, eval_str=True).parameters.values()
        if len(inputs) != 1 or inputs[0].annotation is inspect.Parameter.empty:
            raise TypeError(f"{machine.__name__}.step needs the type of its one input: def step(self, late: bool)")
        members = {"of": machine, "input": type_of(inputs[0].annotation)}
        if hasattr(machine, "present"):
            shown = inspect.signature(machine.present, eval_str=True).return_annotation
            if shown is inspect.Signature.empty:
                raise TypeError(f"{machine.__name__}.present needs the type of what it returns")
            members |= {"shown": value_type(shown), "kind": value_type(shown).kind}
        return members

    def push(self, input) -> None:
        """The next input of the machine."""
        if self._machine is not None:
            self._machine.step(input)
            return
        length = len(self._inputs)
        self.input.encode(input, self._inputs)
        # The number of inputs is known by their bytes alone.
        if len(self._inputs) == length:
            raise TypeError("an input of a machine must encode to at least one byte")

    def machine(self):
        """The machine as it is after all inputs; of a floating state, as if they were the first. To be read only."""
        return self._machine if self._machine is not None else self._run(self.of(), bytes(self._inputs))

    def is_anchored(self) -> bool:
        return self._machine is not None

    @classmethod
    def _run(cls, machine, inputs: bytes):
        at = 0
        while at < len(inputs):
            input, at = cls.input.decode(inputs, at)
            machine.step(input)
        return machine

    def encode(self, out):
        if self._machine is not None:
            out.append(1)
            self._machine.encode(out)
        else:
            out.append(0)
            put_varint(len(self._inputs), out)
            out += self._inputs

    @classmethod
    def decode(cls, data, at):
        part = cls()
        form = take_byte(data, at)
        at += 1
        if form == 1:
            part._machine, at = cls.of.decode(data, at)
        elif form == 0:
            length, at = take_varint(data, at)
            inputs = take(data, at, length)
            at += length
            checked = 0
            while checked < length:
                _, checked = cls.input.decode(inputs, checked)
            part._inputs += inputs
        else:
            raise DecodeError("neither an anchored nor a floating state")
        return part, at

    def merge(self, right):
        if right._machine is not None:
            raise MergeError(ANCHORED_RIGHT)
        if self._machine is not None:
            self._run(self._machine, bytes(right._inputs))
        else:
            self._inputs += right._inputs

    @classmethod
    def initial(cls):
        part = cls()
        part._machine = cls.of()
        return part

    def present(self):
        return self.shown.present(self.machine().present())
