"""How many, exact sums, exact means."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from operator import add

from .. import kinds
from ..codec import I64_MAX, I64_MIN, U64_MAX, DecodeError, take
from ..kinds import OutOfRange
from ..decimals import write_decimal
from ..values import Number, type_of
from .part import Part

_WRAP, _MASK = 2**127, 2**128 - 1


class Count(Part):
    """How many: `count.add()`, `count.add(3)`. Order-free; 8 bytes; presents as an integer, 0 at first.

    It stays at 2^64 - 1 rather than wrap; already beyond 2^63 - 1 it is out of range of its column.
    """

    __slots__ = ("n",)
    kind = kinds.INTEGER
    layout = "Q"
    held = ("n",)

    def __init__(self):
        self.n = 0

    def add(self, n: int = 1) -> None:
        if n < 0:
            raise ValueError(f"a count does not go back: {n} is below 0")
        self.n += n

    def get(self) -> int:
        return min(self.n, U64_MAX)

    def encode(self, out):
        out += self.get().to_bytes(8, "little")

    @classmethod
    def decode(cls, data, at):
        part = cls()
        part.n = int.from_bytes(take(data, at, 8), "little")
        return part, at + 8

    def merge(self, right):
        self.n += right.n

    def present(self):
        if self.n > I64_MAX:
            raise OutOfRange(self.get(), self.kind)
        return self.n

    @classmethod
    def gather(cls, counts):
        return [counts]  # one that is beyond 64 bits is written alone

    @classmethod
    def merge_all(cls, left, right):
        return [_saturated(list(map(add, *left, *right)))]

    @classmethod
    def present_all(cls, columns):
        (counts,) = columns
        if max(counts, default=0) > I64_MAX:
            raise OutOfRange(next(count for count in counts if count > I64_MAX), cls.kind)
        return counts


def _saturated(counts: list[int]) -> list[int]:
    return counts if max(counts, default=0) <= U64_MAX else [min(count, U64_MAX) for count in counts]


class Sum(Part):
    """The exact sum of integers or decimals: `sum.add(order.amount)`. Order-free; 16 bytes; presents in the
    kind of what it adds, 0 at first.

    It holds 128 bits, so it takes 2^63 addends to overflow (then it wraps, which is still associative).
    A sum that does not fit the 64 bits of its column is out of range when it is presented, never when
    it is added to: what is added later may bring it back.
    """

    __slots__ = ("_units",)
    layout = "Qq"
    held = ("_units",)

    def __init__(self):
        self._units = 0

    @classmethod
    def bind(cls, of):
        addend = type_of(of)
        if not isinstance(addend, Number) or addend.kind is kinds.TIMESTAMP:
            raise TypeError(f"{cls.__name__} adds integers and decimals, not {of!r}")
        return {"of": addend, "kind": addend.kind}

    def add(self, value: int) -> None:
        self._units += value

    def add_all(self, values) -> None:
        """Adds many at once, as the column interface has them."""
        self._units += sum(values)

    def subtract(self, value: int) -> None:
        """Takes back what was added: the image of a row before it changed."""
        self._units -= value

    @property
    def units(self) -> int:
        """The sum, exactly, in units (of 10^-n for decimals)."""
        return _wrapped(self._units)

    def get(self) -> int | None:
        """The sum, if it fits the type of its addends."""
        units = self.units
        return units if self.of.least <= units <= self.of.greatest else None

    def encode(self, out):
        out += self.units.to_bytes(16, "little", signed=True)

    @classmethod
    def decode(cls, data, at):
        part = cls()
        part._units = int.from_bytes(take(data, at, 16), "little", signed=True)
        return part, at + 16

    def merge(self, right):
        self._units += right._units

    def present(self):
        return self._shown([self.units])[0]

    @classmethod
    def _shown(cls, units: list[int]) -> list[int]:
        if units and not I64_MIN <= min(units) <= max(units) <= I64_MAX:
            first = next(one for one in units if not I64_MIN <= one <= I64_MAX)
            raise OutOfRange(write_decimal(first, cls.kind.digits), cls.kind)
        return units

    @classmethod
    def gather(cls, units):
        return _halves(units)

    @classmethod
    def merge_all(cls, left, right):
        return _halves(list(map(add, _units(*left), _units(*right))))

    @classmethod
    def present_all(cls, columns):
        return cls._shown(_units(*columns))


def _wrapped(units: int) -> int:
    """The number of 128 bits that is the same modulo 2^128."""
    return units if -_WRAP <= units < _WRAP else ((units + _WRAP) & _MASK) - _WRAP


def _halves(units: list[int]) -> list[Iterable[int]]:
    """The lower 64 bits and the upper ones with the sign, as sums are written."""
    if not units or 0 <= min(units) and max(units) <= U64_MAX:
        return [units, repeat(0, len(units))]
    return [[one & U64_MAX for one in units], [_wrapped(one) >> 64 for one in units]]


def _units(lower: list[int], upper: list[int]) -> list[int]:
    return [high << 64 | low for low, high in zip(lower, upper)] if any(upper) else lower


class Mean(Part):
    """The exact mean of integers or decimals: `mean.add(flight.delay)`. Order-free; 24 bytes, the exact sum
    and a count; presents as a float, null if nothing was added.

    What it shows is the double nearest to the exact quotient, ties to even.
    """

    __slots__ = ("sum", "count")
    kind = kinds.FLOAT
    layout = Sum.layout + Count.layout
    held = ("sum._units", "count.n")
    sum_type: type[Sum]

    def __init__(self):
        self.sum = self.sum_type()
        self.count = Count()

    @classmethod
    def bind(cls, of):
        return {"sum_type": Sum[of]}

    def add(self, value: int) -> None:
        self.sum._units += value
        self.count.n += 1

    def add_all(self, values) -> None:
        """Adds many at once; `values` is a sequence."""
        self.sum._units += sum(values)
        self.count.n += len(values)

    def get(self) -> float | None:
        """None if nothing was added."""
        return self._mean(self.sum.units, self.count.get())

    @classmethod
    def _mean(cls, units: int, count: int) -> float | None:
        # Python divides integers with one rounding of the exact quotient, however long they are.
        return units / (count * 10**cls.sum_type.kind.digits) if count else None

    def encode(self, out):
        self.sum.encode(out)
        self.count.encode(out)

    @classmethod
    def decode(cls, data, at):
        part = cls()
        part.sum, at = cls.sum_type.decode(data, at)
        part.count, at = Count.decode(data, at)
        if not part.count.n and part.sum._units:
            raise DecodeError("a mean of nothing with a sum")
        return part, at

    def merge(self, right):
        self.sum.merge(right.sum)
        self.count.merge(right.count)

    def present(self):
        return self.get()

    @classmethod
    def gather(cls, units, counts):
        return Sum.gather(units) + Count.gather(counts)

    @classmethod
    def are_valid(cls, columns):
        *halves, counts = columns
        return 0 not in counts or all(count or not units for units, count in zip(_units(*halves), counts))

    @classmethod
    def merge_all(cls, left, right):
        return Sum.merge_all(left[:2], right[:2]) + Count.merge_all(left[2:], right[2:])

    @classmethod
    def present_all(cls, columns):
        *halves, counts = columns
        return list(map(cls._mean, _units(*halves), counts))


_NAN, _PLUS_INFINITY, _MINUS_INFINITY = 1, 2, 4
_PLACES = 1074  # a double is a multiple of 2^-1074
_DIGITS_MAX = 70


class ExactSum(Part):
    """The exact sum of floats: `sum.add(reading)`. Order-free: the same bits whatever the order and the
    cuts, which plain addition of floats does not give. Presents as a float, 0 at first.

    A sum is an integer multiple of 2^-1074, kept without rounding; what it shows is the double nearest to
    it, ties to even. Beyond the greatest double it is out of range; what is added later may bring it back.
    A NaN, or infinities of both signs, make it NaN for good, else an infinity makes it infinite. -0 adds
    nothing, and a sum of nothing but zeros is 0.

    Bytes: flags (1 NaN, 2 +infinity, 4 -infinity), the place of the lowest digit, the number of digits,
    and the digits of 32 bits, the lowest first, as a two's complement number without needless digits.
    """

    __slots__ = ("_units", "_flags")
    kind = kinds.FLOAT

    def __init__(self):
        self._units = 0  # of 2^-1074
        self._flags = 0

    def add(self, value: float) -> None:
        try:
            numerator, denominator = value.as_integer_ratio()
        except (OverflowError, ValueError):
            self._flags |= _NAN if value != value else _PLUS_INFINITY if value > 0 else _MINUS_INFINITY
        else:
            # The denominator is a power of two.
            self._units += numerator << (_PLACES + 1 - denominator.bit_length())

    def add_all(self, values) -> None:
        """Adds many at once."""
        for value in values:
            self.add(value)

    def get(self) -> float | None:
        """The sum as the nearest double; None if it is finite and beyond the greatest."""
        if self._flags == _PLUS_INFINITY:
            return float("inf")
        if self._flags == _MINUS_INFINITY:
            return float("-inf")
        if self._flags:
            return float("nan")
        try:
            return self._units / 2**_PLACES
        except OverflowError:
            return None

    def encode(self, out):
        units = self._units
        if not units:
            out += bytes((self._flags, 0, 0))
            return
        lowest = ((units & -units).bit_length() - 1) // 32
        digits = units >> 32 * lowest
        length = _bits(digits) // 32 + 1
        out += bytes((self._flags, lowest, length))
        out += digits.to_bytes(4 * length, "little", signed=True)

    @classmethod
    def decode(cls, data, at):
        flags, lowest, length = take(data, at, 3)
        if flags > _NAN | _PLUS_INFINITY | _MINUS_INFINITY:
            raise DecodeError("unknown flags of an exact sum")
        if lowest + length > _DIGITS_MAX:
            raise DecodeError("an exact sum of too many digits")
        digits = take(data, at + 3, 4 * length)
        units = int.from_bytes(digits, "little", signed=True)
        is_canonical = length == _bits(units) // 32 + 1 and units & 0xFFFF_FFFF if length else lowest == 0
        if not is_canonical:
            raise DecodeError("an exact sum with needless digits")
        part = cls()
        part._units = units << 32 * lowest
        part._flags = flags
        return part, at + 3 + 4 * length

    def merge(self, right):
        self._units += right._units
        self._flags |= right._flags

    def present(self):
        value = self.get()
        if value is None:
            raise OutOfRange("a sum beyond 1.7976931348623157e308 in magnitude", self.kind)
        return value


def _bits(number: int) -> int:
    """Bits of a two's complement number apart from its sign."""
    return (number if number >= 0 else ~number).bit_length()
