"""Many rows as numbers that tell them apart, made without a step of the interpreter for a row.

A column is a buffer, so a slice of it with a stride is one byte of every row: a *plane*. Planes that are the same in
all rows tell nothing. Those that are left, put beside each other, are one number a row, which is the key of a
dictionary at the price of one object, and from which the columns come back.

Times are divided into windows by arithmetic on all rows at once: a column is one long integer, each row a *lane* of
its bits, and Python adds and multiplies long integers in C.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Collection, Iterable, Sequence
from itertools import chain, repeat
from struct import iter_unpack


class Packing:
    """Columns of integers, put together. `keys` has one key a row: an integer, or bytes if that takes more than 64
    bits."""

    def __init__(self, columns: Sequence[array]):
        rows = len(columns[0])
        self._firsts = [column[:1] for column in columns]
        self._varying: list[tuple[int, int]] = []  # column, byte
        planes = []
        for place, column in enumerate(columns):
            data = column.tobytes()
            for byte in range(column.itemsize):
                plane = data[byte :: column.itemsize]
                if plane.count(plane[0]) < rows:
                    self._varying.append((place, byte))
                    planes.append(plane)
        self._width = 4 if len(planes) <= 4 else max(8, len(planes))
        packed = bytearray(rows * self._width)
        for i, plane in enumerate(planes):
            packed[i :: self._width] = plane
        self.keys: Iterable = (
            array(self._code, packed) if self._code else chain.from_iterable(iter_unpack(f"{self._width}s", packed))
        )

    @property
    def _code(self) -> str | None:
        """The type code of keys that are integers."""
        return {4: "I", 8: "Q"}.get(self._width)

    def columns(self, keys: Collection) -> list[array]:
        """The values that the columns have in the rows with these keys."""
        packed = array(self._code, keys).tobytes() if self._code else b"".join(keys)
        columns = [bytearray(first.tobytes() * len(keys)) for first in self._firsts]
        for i, (place, byte) in enumerate(self._varying):
            columns[place][byte :: self._firsts[place].itemsize] = packed[i :: self._width]
        return [array(first.typecode, column) for first, column in zip(self._firsts, columns)]


_LANE_BITS = 64


def _lanes(value: int, count: int) -> int:
    """A long integer with the same value in each of so many lanes."""
    made, lanes = value, 1
    while lanes < count:
        made |= made << _LANE_BITS * lanes
        lanes *= 2
    return made >> _LANE_BITS * (lanes - count)


def floor_quotients(values: array, divisor: int) -> tuple[int, array]:
    """`value // divisor` of every value, less a number that is returned with them.

    Where the values agree in their upper 32 bits, as times of some weeks do, they are divided all at once: the lower
    halves of every other value are in lanes of 64 bits, and a division by a constant is a multiplication and a shift.
    """
    words = array("I", values.tobytes())
    # Bits of the values below the lowest of the divisor decide nothing. Without them products are shorter.
    zeros = min((divisor & -divisor).bit_length() - 1, 31)
    odd_divisor = divisor >> zeros
    base, rest = divmod(values[0] >> 32 << 32 - zeros, odd_divisor)
    width = ((1 << 32 - zeros) - 1 + rest).bit_length()  # of a dividend: the lower half and the rest
    # The factor exceeds 2^shift / odd_divisor by at most 1, so that for a dividend below 2^width the product exceeds
    # 2^shift times the exact quotient by less than 2^shift / odd_divisor: the floor is the same.
    shift = width + odd_divisor.bit_length()
    factor = (1 << shift) // odd_divisor + 1
    if factor.bit_length() + width + zeros > _LANE_BITS or words[1::2] != words[1:2] * len(values):
        return 0, array("q", map(operator.floordiv, values, repeat(divisor)))
    lanes = (len(values) + 1) // 2
    halves = int.from_bytes(words[::2].tobytes(), "little")
    ones = _lanes(1, lanes)
    wanted = ones * ((1 << 32) - (1 << zeros))
    of_rest = ones * ((rest << zeros) * factor)
    kept = ones * ((1 << max(_LANE_BITS - shift - zeros, 0)) - 1)
    even = (halves & wanted) * factor + of_rest >> shift + zeros & kept
    odd = (halves >> 32 & wanted) * factor + of_rest >> shift + zeros & kept
    # Behind an odd number of values stands the quotient of no value.
    return base, array("I", (even | odd << 32).to_bytes(8 * lanes, "little"))[: len(values)]
