"""States of a fixed width, all of a call at once.

A part whose bytes are always the same few numbers, such as a sum, says so by its `layout`. If all parts of a state
do, states are read and written by one `struct` format, and what is done to them is done to columns: one list for each
number of the layout. So merging a thousand pairs takes a few calls of C functions instead of thousands of Python's.

A part that begins with an option byte (`B`) has its layout if there is a value. States in which something is absent are
shorter, and take the way by objects, one by one; so does whatever is malformed, which then is named as it is there.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain, compress
from operator import attrgetter
from struct import Struct, error as StructError

from ..columns import Blobs
from .part import Part


class Flat:
    """What is done to many states of one class whose parts all have a layout."""

    def __init__(self, parts: dict[str, type[Part]]):
        self._struct = Struct("<" + "".join(part.layout for part in parts.values()))
        self._parts: list[tuple[str, type[Part], slice]] = []
        self._options: list[int] = []  # columns of option bytes
        at = 0
        for name, part in parts.items():
            self._parts.append((name, part, slice(at, at + len(part.layout))))
            self._options += [at] if part.layout[0] == "B" else []
            at += len(part.layout)
        self._width = at

    def encode(self, states: Sequence[Part]) -> list[bytes | None]:
        """The bytes of each; None for those that are to be encoded one by one."""
        columns: list[Sequence] = []
        try:
            for name, part, _ in self._parts:
                columns += part.gather(*(list(map(attrgetter(f"{name}.{held}"), states)) for held in part.held))
            encoded: list[bytes | None] = list(map(self._struct.pack, *columns))
        except (StructError, TypeError):
            # One holds what is no number of its width: alone it says so.
            return [None] * len(states)
        for option in self._options:
            if 0 in columns[option]:
                encoded = [state if there else None for state, there in zip(encoded, columns[option])]
        return encoded

    def merge(self, left: Blobs, right: Blobs) -> list[bytes | None]:
        """The merged bytes of each pair; None for those that are to be merged one by one."""
        pairs = len(left)
        if pairs < _FEW:
            return [None] * pairs
        if self._are_whole(left) and self._are_whole(right):
            return self._merged(left.bytes, right.bytes, pairs) or [None] * pairs
        lefts, rights = left.cut(), right.cut()
        whole = [len(one) == len(other) == self._struct.size for one, other in zip(lefts, rights)]
        merged = self._merged(b"".join(compress(lefts, whole)), b"".join(compress(rights, whole)), sum(whole))
        merged = iter(merged or [])
        return [next(merged, None) if is_whole else None for is_whole in whole]

    def _merged(self, left: bytes, right: bytes, pairs: int) -> list[bytes] | None:
        lefts, rights = self._columns(left, pairs), self._columns(right, pairs)
        if lefts is None or rights is None:
            return None
        columns: list[Sequence] = []
        for _, part, at in self._parts:
            columns += part.merge_all(lefts[at], rights[at])
        return list(map(self._struct.pack, *columns))

    def present(self, states: Blobs) -> list[list] | None:
        """What each part shows of all states; None if they are to be presented one by one."""
        count = len(states)
        columns = self._columns(states.bytes, count) if count >= _FEW and self._are_whole(states) else None
        return columns and [part.present_all(columns[at]) for _, part, at in self._parts]

    def _are_whole(self, states: Blobs) -> bool:
        """Whether each has the length of a state in which nothing is absent."""
        size, count = self._struct.size, len(states)
        ends = array("I", range(size, size * count + 1, size)).tobytes()
        return len(states.bytes) == size * count and states.ends == ends

    def _columns(self, states: bytes, count: int) -> list[list] | None:
        """The numbers in so many states; None if some are no states, or have something absent."""
        numbers = list(chain.from_iterable(self._struct.iter_unpack(states)))
        columns = [numbers[i :: self._width] for i in range(self._width)]
        if not all(columns[option].count(1) == count for option in self._options):
            return None
        return columns if all(part.are_valid(columns[at]) for _, part, at in self._parts) else None


# Below so many states objects are faster.
_FEW = 5


def encoded(states: Sequence[Part]) -> Blobs:
    """These parts, which are of one class, one after the other."""
    flat: Flat | None = states[0].flat if len(states) >= _FEW else None
    data = flat.encode(states) if flat else [None] * len(states)
    if None in data:
        data = [_alone(state) if one is None else one for one, state in zip(data, states)]
    return Blobs.join(data)


def _alone(state: Part) -> bytes:
    out = bytearray()
    state.encode(out)
    return bytes(out)


def present_or_zero(values: list) -> tuple[list, Sequence[int]]:
    """Values as `struct` takes them, and which of them are there."""
    if None not in values:
        return values, b"\1" * len(values)
    return [0 if value is None else value for value in values], [value is not None for value in values]
