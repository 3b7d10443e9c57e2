"""The cells that one chunk touches. Owns how a key and a time become a cell, fast, and the form in which
cells leave `fold`; knows nothing of events, nor of what a state means.

A window is a dictionary from keys to states that makes what is missing. So the look-up of a cell is one of
Python's own, on texts that are the same objects in every row and know their hash: as cheap as it gets here.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from .codec import I64_MAX, I64_MIN
from .columns import Blobs, Column, build
from .description import Window
from .keys import KeyClass
from .packing import floor_quotients
from .state.flat import encoded
from .state.part import Part


class Cells(dict):
    """Where a transform puts what it has seen: `cells[order.merchant_id, order.currency]` is the state of that
    key in the window of the event's time. The cell exists from then on, whether or not something is added.

    `cells.at(time)` is the same for another time than the event's own: a correction, a refund of yesterday's
    order. `cells[()]` is the one cell of a window of a transform without a key.

    Only ever index it: what other cells there are depends on how the log was cut.
    """

    __slots__ = ("_start_ms", "_chunk", "_is_too_early")

    def __init__(self, start_ms: int, chunk: Chunk, is_too_early: bool):
        self._start_ms = start_ms
        self._chunk = chunk
        self._is_too_early = is_too_early

    def __missing__(self, key):
        return self._chunk.meet(self, key)

    def at(self, time: int) -> Cells:
        """The cells of the window that holds `time`, in milliseconds UTC."""
        return self._chunk.window(self._chunk.start_of(time))


class CellsOf:
    """What stands in an annotation: `Cells[Key, State]`, `Cells[None, State]` without a key."""

    def __init__(self, annotation: Any, bulk: bool):
        key, self.state = annotation
        self.key: KeyClass = KeyClass("", {}) if key in (None, type(None)) else getattr(key, "bifocal_key", None)
        self.bulk = bulk
        self.spare: list[Part] = []
        if self.key is None:
            raise TypeError(f"{key!r} is no key: put @key above the class")
        if not (isinstance(self.state, type) and issubclass(self.state, Part) and hasattr(self.state, "parts")):
            raise TypeError(f"{self.state!r} is no state: put @state above the class")

    def keep_spare(self) -> None:
        """Makes states ahead, so many that they take about a megabyte.

        A component is a snapshot: what is made before it is taken is there, untouched, in the fresh instance of every
        call, and making the objects of a state costs more than to fold the events of a usual cell into them.
        """
        self.spare = [self.state() for _ in range(_SPARE_PARTS // (1 + len(self.state.parts)))]

    def fresh(self, count: int) -> list[Part]:
        """So many states of cells without an event."""
        cut = max(len(self.spare) - count, 0)
        states = self.spare[cut:]
        del self.spare[cut:]
        return states + [self.state() for _ in range(count - len(states))]


_SPARE_PARTS = 2**14


class Chunk:
    """All cells of one chunk."""

    def __init__(self, of: CellsOf, window: Window | None):
        self._of, self._window = of, window
        self.key = of.key
        self.state = of.state
        self.is_global = window is None
        self.size_ms, self.slide_ms = (window.size_ms, window.slide_ms) if window else (1, 1)
        self.hops = self.size_ms // self.slide_ms
        self.hop = 0
        """How many slides before the latest window of a time the wanted one begins."""
        self.panes = self.hops > 1 and of.state.order_free
        """Whether cells are as wide as the slide and become windows at the end: for order-free states only."""
        self.windows: dict[int, Cells] = {}
        self.cells: dict[tuple[int, Any], Part] = {}
        """States by window and key, in the order in which they were met."""

    def latest_start(self, time_ms: int) -> int:
        """The start of the latest window that holds a time, by the floor toward minus infinity."""
        return 0 if self.is_global else time_ms // self.slide_ms * self.slide_ms

    def start_of(self, time_ms: int) -> int:
        """The start of the wanted one of the windows that hold a time."""
        return self.latest_start(time_ms) - self.hop * self.slide_ms

    def turn(self, time_ms: int, hop: int) -> tuple[int, int, Cells]:
        """The cells of a time in the `hop`th of its windows, the latest being 0, and from which time to which
        the latest window is the same."""
        self.hop = hop
        if self.is_global:
            return I64_MIN, I64_MAX + 1, self.window(0)
        latest_ms = self.latest_start(time_ms)
        return latest_ms, latest_ms + self.slide_ms, self.window(latest_ms - hop * self.slide_ms)

    def apart(self) -> Chunk:
        """Empty cells of the same form."""
        return Chunk(self._of, self._window)

    def numbers(self, times: Sequence[int]) -> tuple[int, array]:
        """Which window each time is in, as a multiple of the slide less the number returned with them."""
        times = times if isinstance(times, array) else array("q", times)
        return (0, array("I", bytes(4 * len(times)))) if self.is_global else floor_quotients(times, self.slide_ms)

    def window(self, start_ms: int) -> Cells:
        if self._is_too_early(start_ms):
            return Cells(start_ms, self, True)
        cells = self.windows.get(start_ms)
        if cells is None:
            cells = self.windows[start_ms] = Cells(start_ms, self, False)
        return cells

    def _is_too_early(self, start_ms: int) -> bool:
        """Whether the first of the windows of a time would start before the least number."""
        return start_ms + (self.hop + 1) * self.slide_ms - self.size_ms < I64_MIN

    def meet_all(self, starts: Sequence[int], names: Sequence) -> list[Part]:
        """The states of keys in their canonical form, each in a window of its own."""
        early = next(filter(self._is_too_early, starts), None) if starts and self._is_too_early(min(starts)) else None
        if early is not None:
            raise _too_early(early)
        places, cells = list(zip(starts, names)), self.cells
        new = [place for place in places if place not in cells] if cells else places
        cells.update(zip(new, self._of.fresh(len(new))))
        return list(map(cells.__getitem__, places))

    def meet(self, cells: Cells, key):
        """The state of a key that is new, or that is written in another form than before."""
        start_ms = cells._start_ms
        if cells._is_too_early:
            raise _too_early(start_ms)
        name = self.key.canonical(key)
        state = cells.get(name)
        if state is None:
            state = cells[name] = self._of.spare.pop() if self._of.spare else self.state()
            self.cells[start_ms, name] = state
        if name is not key:
            cells[key] = state
        return state

    def finish(self) -> tuple[list[Column], bytes, Blobs]:
        """Key columns, window starts and states."""
        cells = self._wide() if self.panes else self.cells
        keys = self.key.columns(list(map(itemgetter(1), cells)))
        columns = [build(field.kind, values) for field, values in zip(self.key.fields, keys)]
        windows = b"" if self.is_global else array("q", map(itemgetter(0), cells)).tobytes()
        return columns, windows, encoded(list(cells.values()))

    def _wide(self) -> dict[tuple[int, Any], Part]:
        """Panes merged into windows: for order-free states that is folding events."""
        wide: dict[tuple[int, Any], Part] = {}
        for (start_ms, name), pane in self.cells.items():
            for hop in range(self.hops):
                place = (start_ms - hop * self.slide_ms, name)
                state = wide.get(place)
                if state is None:
                    state = wide[place] = self.state()
                state.merge(pane)
        return wide


def _too_early(start_ms: int) -> OverflowError:
    return OverflowError(f"a time of the window at {start_ms} ms is too early to have a window")
