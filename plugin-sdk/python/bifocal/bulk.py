"""The column interface: one call of the author's function for each chunk, with typed columns to fold in bulk.

What touches every row runs inside `map`, `zip` and `compress`, so that the interpreter executes no bytecode
for a single row.
"""

from __future__ import annotations

import operator
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, count, cycle, repeat
from typing import Any

from .cells import Cells, CellsOf, Chunk
from .columns import narrowed, repeated, s64s
from .description import Window
from .events import Reading
from .packing import Packing
from .rows import Inputs, Unfit


class Mask:
    """For each row whether something holds: `rows.where((rows.status == "paid") & ~(rows.amount < 0))`."""

    __slots__ = ("flags",)

    def __init__(self, flags: Iterable):
        self.flags = bytes(flags)

    def __and__(self, other: Mask) -> Mask:
        return self._joined(operator.and_, other)

    def __or__(self, other: Mask) -> Mask:
        return self._joined(operator.or_, other)

    def _joined(self, join: Callable[[int, int], int], other: Mask) -> Mask:
        """All rows at once: flags are the bytes of a long integer."""
        if len(self) != len(other):
            raise ValueError(f"masks of {len(self)} and of {len(other)} rows")
        one, two = int.from_bytes(self.flags, "little"), int.from_bytes(other.flags, "little")
        return Mask(join(one, two).to_bytes(len(self), "little"))

    def __invert__(self) -> Mask:
        return Mask(self.flags.translate(_INVERTED))

    def __iter__(self) -> Iterator[int]:
        return iter(self.flags)

    def __len__(self) -> int:
        return len(self.flags)

    def any(self) -> bool:
        return 1 in self.flags


_INVERTED = b"\1\0" + bytes(254)


class Values(Sequence):
    """A column: a sequence of values, None where a row is absent. Compared with a value it gives a `Mask`.

    What `where` leaves out is skipped on the way: a list is made only if it is asked for a length or an index.
    """

    __slots__ = ("base", "flags")
    __hash__ = None

    def __init__(self, base: Sequence, flags: bytes | None = None):
        self.base, self.flags = base, flags
        """As they are stored, of text the codes; and which of them `where` has kept, None for all."""

    def cut(self) -> Values:
        """The same with nothing to be skipped."""
        if self.flags is not None:
            kept = compress(self.base, self.flags)
            self.base = array(self.base.typecode, kept) if isinstance(self.base, array) else list(kept)
            self.flags = None
        return self

    @property
    def stored(self) -> Sequence:
        return self.cut().base

    def codes(self) -> array:
        """Integers that tell the stored values apart."""
        if isinstance(self.base, array) and self.base.typecode != "d":
            return self.base
        # Of other values the number of the first one that is equal.
        firsts: dict[Any, int] = {}
        return array("I", map(firsts.setdefault, self.base, count()))

    def of_codes(self, codes: array) -> Sequence:
        """The values that these codes stand for."""
        if isinstance(self.base, array) and self.base.typecode != "d":
            return codes.tolist()
        return list(map(self.base.__getitem__, codes))

    def keep(self, flags: bytes) -> Values:
        return Values(self.stored, flags)

    def __len__(self) -> int:
        return len(self.stored)

    def __iter__(self) -> Iterator:
        return iter(self.base) if self.flags is None else compress(self.base, self.flags)

    def __getitem__(self, row):
        return self.stored[row]

    def mask(self, holds: Callable[[Any], bool]) -> Mask:
        """The rows whose value is there and holds: `rows.name.mask(lambda name: name.startswith("x"))`."""
        return Mask(value is not None and bool(holds(value)) for value in self)

    def absent(self) -> Mask:
        return Mask(map(operator.is_, self, repeat(None)))

    def isin(self, wanted: Iterable) -> Mask:
        wanted = frozenset(wanted)
        return self.mask(wanted.__contains__)

    def __eq__(self, value) -> Mask:
        return Mask(map(operator.eq, self, repeat(value)))

    def __ne__(self, value) -> Mask:
        return Mask(map(operator.ne, self, repeat(value)))

    def __lt__(self, value) -> Mask:
        return self._compare(operator.lt, value)

    def __le__(self, value) -> Mask:
        return self._compare(operator.le, value)

    def __gt__(self, value) -> Mask:
        return self._compare(operator.gt, value)

    def __ge__(self, value) -> Mask:
        return self._compare(operator.ge, value)

    def _compare(self, compare: Callable, value) -> Mask:
        try:
            return Mask(map(compare, self, repeat(value)))
        except TypeError:
            # An absent row: neither below nor above anything.
            return self.mask(lambda one: compare(one, value))


class Texts(Values):
    """A column of text: a code for each row, and each distinct text once."""

    __slots__ = ("texts",)

    def __init__(self, codes: array, texts: list[str | None], flags: bytes | None = None):
        super().__init__(codes, flags)
        self.texts = texts

    def keep(self, flags):
        return Texts(self.stored, self.texts, flags)

    def __iter__(self) -> Iterator:
        return map(self.texts.__getitem__, super().__iter__())

    def __getitem__(self, row):
        return self.texts[self.stored[row]]

    def of_codes(self, codes):
        return list(map(self.texts.__getitem__, codes))

    def mask(self, holds):
        """Asked once for each distinct text."""
        return self._where([text is not None and bool(holds(text)) for text in self.texts])

    def _where(self, flags: list[bool]) -> Mask:
        """The rows whose text has its flag set."""
        codes = narrowed(self.stored, len(flags))
        if isinstance(codes, bytes):
            return Mask(codes.translate(bytes(flags).ljust(256, b"\0")))
        return Mask(map(flags.__getitem__, codes))

    def absent(self) -> Mask:
        return self._where([text is None for text in self.texts])

    def __eq__(self, value) -> Mask:
        return self._where([text == value for text in self.texts])

    def __ne__(self, value) -> Mask:
        return self._where([text != value for text in self.texts])

    def _compare(self, compare, value):
        return self.mask(lambda text: compare(text, value))


class Columns:
    """The events of a chunk by columns: `orders.amount` is a sequence with one value for each row of `orders`.
    `times` are the events' times in milliseconds UTC. Every `where` keeps fewer rows."""

    def __init__(self, values: dict[str, Values], rows: Values, rejected: dict[int, str]):
        self._values = values
        self._rows = rows
        self._rejected = rejected

    def __class_getitem__(cls, event) -> ColumnsOf:
        return ColumnsOf(event)

    def __getattr__(self, name: str) -> Values:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"the events have no column {name}") from None

    def __len__(self) -> int:
        return len(self._rows)

    def where(self, mask: Iterable) -> Columns:
        """The rows for which the mask holds."""
        flags = mask.flags if isinstance(mask, Mask) else bytes(map(bool, mask))
        if len(flags) != len(self):
            raise ValueError(f"a mask of {len(flags)} rows for {len(self)}")
        if 0 not in flags:
            return self
        return Columns(_Kept(self._values, flags), self._rows.keep(flags), self._rejected)

    def reject(self, mask: Mask, reason: str | Callable[[int], str]) -> Columns:
        """Rejects the rows for which the mask holds and returns the others, from which cells are to be folded.
        `reason` is a text, or a function of the row's index in these columns."""
        for index in compress(count(), mask):
            self._rejected[self._rows[index]] = reason if isinstance(reason, str) else reason(index)
        return self.where(~mask)


class _Kept(dict):
    """Columns cut down to some rows when they are first asked for."""

    def __init__(self, values: dict[str, Values], flags: bytes):
        self._of, self._flags = values, flags

    def __missing__(self, name: str) -> Values:
        kept = self[name] = self._of[name].keep(self._flags)
        return kept


class ColumnsOf:
    """What stands in an annotation: `Columns[Order]`."""

    def __init__(self, event):
        self.event = event


class Groups:
    """Where a transform by columns puts what it has seen."""

    def __init__(self, chunk: Chunk):
        self._chunk = chunk

    def by(self, rows: Columns, *key, of: Sequence | tuple[Sequence, ...], at: Sequence | None = None):
        """The cells that rows belong to, each with its values: `for cell, amounts in cells.by(paid,
        paid.merchant_id, paid.currency, of=paid.amount)`.

        `key` is one column a part of the key. `of` is a column, or several of them for a list of tuples; values
        are in the order of the log. `at` is the column of times, by default the events' own. The cells exist from this
        call on, whether or not something is added. Parts that depend on the order of the log must get all of their
        rows by one call.
        """
        chunk = self._chunk
        times = rows.times if at is None else _values(at)
        parts = list(map(_values, key))
        if any(part.flags is not times.flags for part in parts):
            # Of rows that were chosen apart, or one has been cut down already.
            times, *parts = (column.cut() for column in (times, *parts))
        if not len(times.base):
            return iter(())
        first, numbers = chunk.numbers(times.base)
        columns, flags = [numbers, *(part.codes() for part in parts)], times.flags
        values = zip(*of) if isinstance(of, tuple) else iter(of)
        hops = 1 if chunk.panes else chunk.hops
        if hops > 1:
            # Each row once for each of its windows, one after the other: so every state sees the log's order.
            columns = [array("q", repeated(column, hops)) for column in columns]
            columns[0] = array("q", map(operator.sub, columns[0], cycle(range(hops))))
            flags = flags and bytes(repeated(flags, hops))
            values = repeated(values, hops)
        packing = Packing(columns)
        keys = packing.keys if flags is None else compress(packing.keys, flags)
        groups: defaultdict[Any, list] = defaultdict(list)
        appends = map(list.append, map(groups.__getitem__, keys), values)
        deque(appends, maxlen=0)  # runs them, keeps nothing
        numbers, *codes = packing.columns(groups)
        starts = [(first + number) * chunk.slide_ms for number in numbers]
        names = chunk.key.names([part.of_codes(some) for part, some in zip(parts, codes)], len(starts))
        return zip(chunk.meet_all(starts, names), groups.values())


def _values(column: Sequence) -> Values:
    return column if isinstance(column, Values) else Values(column)


class Bulk:
    """A transform by columns."""

    def __init__(self, reading: Reading, of: CellsOf, function: Callable, has_settings: bool):
        if len(reading.variants) > 1:
            raise TypeError("columns are those of one event class: give it optional fields, or transform by rows")
        self.reading, self.of, self.function, self.has_settings = reading, of, function, has_settings

    def fold(self, events, settings, window: Window | None) -> tuple[Chunk, list[tuple[int, str]]]:
        """Cells and rejected rows."""
        times = s64s(events.times)
        inputs = Inputs(self.reading, events.columns, len(times))
        values: dict[str, Values] = {}
        for place, (column, read) in enumerate(zip(self.reading.columns, inputs.columns)):
            texts = inputs.texts.get(place)
            values[column.input.name] = Values(read) if texts is None else Texts(read, texts)
        values.setdefault("times", Values(times))
        rejected: dict[int, str] = {}
        columns = Columns(values, Values(range(len(times))), rejected)
        columns = self._fit(columns, inputs)
        chunk = Chunk(self.of, window)
        given = (columns, settings) if self.has_settings else (columns,)
        self.function(*given, Groups(chunk))
        return chunk, sorted(rejected.items())

    def _fit(self, columns: Columns, inputs: Inputs) -> Columns:
        """Without the rows that are no events of the class."""
        if inputs.tags is not None:
            unknown = [tag != 0 for tag in inputs.tags]
            reason = lambda row: f"{self.reading.tag}: '{inputs.tags[row]}' is no event of this transform"  # noqa: E731
            columns = columns.reject(Mask(unknown), reason)
        if inputs.has_unfit:
            for column in self.reading.columns:
                values = columns._values[column.input.name]
                mask = Mask(isinstance(value, Unfit) for value in values)
                columns = columns.reject(mask, lambda row: values[row].reason)
        return columns
