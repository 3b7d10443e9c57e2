"""`@transform`: a function becomes a transform, as its host calls it: four functions over columns."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .bulk import Bulk, ColumnsOf, Groups
from .cells import Cells, CellsOf
from .codec import decode_all
from .columns import Blobs, Column
from .description import Description, Window
from .events import Reading
from .output import RowOutput, StateOutput
from .rows import Rows
from .settings import read as read_settings, refuse as refuse_settings
from .state.flat import encoded
from .times import duration_ms

_TIME_UNITS = ("s", "ms", "us", "ns")
_SIGNATURE = (
    "a transform is a function of an event, perhaps its settings, and its cells: "
    "def f(order: Order, cells: Cells[Merchant, Revenue]), or by columns "
    "def f(orders: Columns[Order], cells: Groups[Merchant, Revenue])"
)


@dataclass(slots=True)
class Folded:
    """What one call of `fold` returns: cells as columns, and (row, reason) of rejected rows, ascending."""

    keys: list[Column]
    windows: bytes
    states: Blobs
    rejected: list[tuple[int, str]]


def transform(
    *,
    name: str | None = None,
    summary: str | None = None,
    window: str | Window | Callable[[Any], str | Window | None] | None = None,
    slide: str | None = None,
    present: Callable | None = None,
    time: str | None = None,
    time_unit: str | None = None,
) -> Callable[[Callable], Transform]:
    """Makes a function a transform::

        @transform(window="1h", time="ts")
        def revenue(order: Order, cells: Cells[Merchant, Revenue]) -> None:
            ...

    `name` is that of the function, `summary` the first paragraph of its docstring, unless they are given.
    `window` is a length of time, a `Window`, or a function of the settings that returns one of these or None;
    without it there is one global window. With a shorter `slide` windows overlap, and an event counts in
    each of those that hold its time. `present` is a function from a state to a class with `@output`; without
    it every part of the state is a column. `time` is where events have their time, for hosts that are not told
    otherwise; `time_unit` is that of epoch numbers: s, ms, us, ns.
    """
    if time_unit not in (None, *_TIME_UNITS):
        raise ValueError(f"{time_unit!r} is no unit of time: write one of {', '.join(_TIME_UNITS)}")
    annotations = [(key, value) for key, value in (("time", time), ("time-unit", time_unit)) if value is not None]

    def make(function: Callable) -> Transform:
        said = summary if summary is not None else _first_paragraph(function)
        return Transform(function, name or function.__name__, said, window, slide, present, annotations)

    return make


def _first_paragraph(function: Callable) -> str:
    paragraph = (inspect.getdoc(function) or "").split("\n\n")[0]
    return " ".join(line.strip() for line in paragraph.splitlines())


class Transform:
    """A transform. Called like the function that it was made of, it is that function."""

    def __init__(self, function, name, summary, window, slide, present, annotations):
        self.function, self.name, self.summary = function, name, summary
        self._window, self._slide, self._annotations = window, slide, annotations
        event, self._settings, cells = _parameters(function)
        is_bulk = isinstance(event, ColumnsOf)
        if cells.bulk != is_bulk:
            raise TypeError("Columns go with Groups, an event with Cells")
        self.state = cells.state
        self.key = cells.key
        self._cells = cells
        self.reading = Reading(event.event if is_bulk else event)
        self._output = RowOutput(present) if present else StateOutput(self.state)
        folding = Bulk if is_bulk else Rows
        self._folding = folding(self.reading, cells, function, self._settings is not None)
        if not callable(window):
            self._window_of(None)

    def __call__(self, *arguments):
        return self.function(*arguments)

    def describe(self, settings: str = "{}") -> Description:
        """What the transform reads and makes. Fails if the settings are not those it needs."""
        read = self._read_settings(settings)
        initial = None
        if self.state.anchored:
            data = bytearray()
            self.state.initial().encode(data)
            initial = bytes(data)
        return Description(
            name=self.name,
            summary=self.summary,
            inputs=self.reading.fields(),
            keys=list(self.key.fields),
            outputs=list(self._output.fields),
            only=self.reading.only(),
            window=self._window_of(read),
            order_free=self.state.order_free,
            initial=initial,
            annotations=list(self._annotations),
        )

    def prepare(self) -> None:
        """What can be done before the snapshot is taken, from which every call starts."""
        self._cells.keep_spare()

    def has_settings(self) -> bool:
        return self._settings is not None

    def fold(self, events, settings: str = "{}") -> Folded:
        """Events to cells. `events` has `times` and `columns`. An error throws the chunk away: the host folds its
        halves."""
        read = self._read_settings(settings) if self.has_settings() else None
        chunk, rejected = self._folding.fold(events, read, self._window_of(read))
        return Folded(*chunk.finish(), rejected)

    def merge(self, left, right) -> Blobs:
        """Pair by pair, state i of `left` with state i of `right`; left is earlier in the log."""
        left, right = _blobs(left), _blobs(right)
        if len(left) != len(right):
            raise ValueError(f"{len(left)} states at the left, {len(right)} at the right")
        flat = self.state.flat
        merged = flat.merge(left, right) if flat else [None] * len(left)
        if None in merged:
            pairs = enumerate(zip(merged, left.cut(), right.cut()))
            merged = [self._merged(i, *pair) if done is None else done for i, (done, *pair) in pairs]
        return Blobs.join(merged)

    def _merged(self, i: int, left: bytes, right: bytes) -> bytes:
        try:
            state = decode_all(self.state.decode, left)
            state.merge(decode_all(self.state.decode, right))
        except ValueError as error:
            raise _at(i, error) from error
        return encoded([state]).bytes

    def present(self, keys, windows: bytes, states) -> list[Column]:
        """States to what a person reads: one row a cell."""
        states = _blobs(states)
        shown = self._output.of_bytes(states)
        if shown is not None:
            return shown
        decoded = []
        for i, state in enumerate(states.cut()):
            try:
                decoded.append(decode_all(self.state.decode, state))
            except ValueError as error:
                raise _at(i, error) from error
        return self._output.columns(decoded)

    def _read_settings(self, text: str):
        if self._settings is None:
            return refuse_settings(text)
        return read_settings(self._settings, text)

    def _window_of(self, settings) -> Window | None:
        window = self._window(settings) if callable(self._window) else self._window
        if isinstance(window, str):
            size_ms = duration_ms(window)
            return Window(size_ms, duration_ms(self._slide) if self._slide else size_ms)
        if self._slide:
            raise ValueError("a slide needs a window that is a length of time, such as 1h")
        return window


def _at(i: int, error: ValueError) -> ValueError:
    """The same error, saying which state it is about."""
    return ValueError(f"state {i}: {error}")


def _blobs(states) -> Blobs:
    """What the boundary hands over, as the SDK's own."""
    return Blobs(states.ends, states.bytes)


def _parameters(function: Callable) -> tuple[Any, Any, CellsOf]:
    """The annotations of a transform's parameters: event, settings or None, cells."""
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    hints = [parameter.annotation for parameter in parameters]
    if len(hints) not in (2, 3):
        raise TypeError(_SIGNATURE)
    event, *settings, cells = hints
    if not isinstance(cells, CellsOf):
        raise TypeError(_SIGNATURE)
    return event, settings[0] if settings else None, cells


def _cells_of(cls: type, annotation) -> CellsOf:
    if not isinstance(annotation, tuple) or len(annotation) != 2:
        raise TypeError(f"{cls.__name__} has two parameters: {cls.__name__}[Key, State]")
    return CellsOf(annotation, cls is Groups)


Cells.__class_getitem__ = classmethod(_cells_of)
Groups.__class_getitem__ = classmethod(_cells_of)
