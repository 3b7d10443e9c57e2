"""What a person reads of a cell: a state by itself, or a row that the author computes."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from .columns import Blobs, Column, build
from .description import Field
from .fields import hints_of, slotted
from .values import value_type


def output(cls: type) -> type:
    """Makes a class a row of output columns, one a field, which a `present` function returns::

        @output
        class Shown:
            orders: int
            mean: float | None      # null if there is none

        def shown(cell: Revenue) -> Shown:
            ...

    A `ValueError` of such a function makes the cell *broken*: queries of it answer the error, all other cells
    are served.
    """
    hints = hints_of(cls)
    fields = tuple(hints)

    def __init__(self, *values, **named):
        given = dict(zip(fields, values)) | named
        if len(values) > len(fields) or len(given) != len(values) + len(named) or set(given) != set(fields):
            raise TypeError(f"{cls.__name__} has the fields {', '.join(fields)}")
        for name, value in given.items():
            setattr(self, name, value)

    made = slotted(cls, fields, {"__init__": __init__})
    made.bifocal_output = {name: value_type(hint) for name, hint in hints.items()}
    return made


class StateOutput:
    """Every part of a state in a column of its name."""

    def __init__(self, state: type):
        self.state = state
        shown = {name: part.kind for name, part in state.parts.items()}
        hidden = [name for name, kind in shown.items() if kind is None]
        if hidden:
            raise TypeError(f"{hidden[0]} shows nothing by itself: give its machine a present, or the transform one")
        self.fields = [Field.named(name, kind) for name, kind in shown.items()]

    def of_bytes(self, states: Blobs) -> list[Column] | None:
        """The columns of all states at once, if they are of a form that allows it."""
        shown = self.state.flat and self.state.flat.present(states)
        return shown and [build(field.kind, values) for field, values in zip(self.fields, shown)]

    def columns(self, states: list) -> list[Column]:
        return [build(field.kind, [getattr(state, field.name).present() for state in states]) for field in self.fields]


class RowOutput:
    """The rows that a function of the author's makes of states."""

    def __init__(self, present: Callable):
        made = inspect.signature(present, eval_str=True).return_annotation
        if not hasattr(made, "bifocal_output"):
            raise TypeError(f"{present.__name__} must say what it returns: -> a class with @output")
        self.present = present
        self.types = made.bifocal_output
        self.fields = [Field.named(name, held.kind) for name, held in self.types.items()]

    def of_bytes(self, states: Blobs) -> None:
        """The function takes states one by one."""

    def columns(self, states: list) -> list[Column]:
        rows = list(map(self.present, states))
        return [self._column(name, rows) for name in self.types]

    def _column(self, name: str, rows: list) -> Column:
        held = self.types[name]
        values = [getattr(row, name) for row in rows]
        return build(held.kind, [None if value is None else held.present(value) for value in values])
