"""Sketches that merge lawfully: how many distinct values, and quantiles."""

from __future__ import annotations

from math import floor, sqrt

from .. import kinds
from ..codec import I64_MAX, I64_MIN, U64_MAX, DecodeError, put_varint, take, take_byte, take_length, take_varint
from ..jsontext import write_json, write_object
from ..kinds import OutOfRange
from ..values import Float, Number, bits_of, type_of, value_type
from .many import take_count
from .part import Part

_WIDTH = 6  # bits of a register in the dense form


class Distinct(Part):
    """`Distinct[V, bits]`, the number of distinct values, estimated: `users.add(view.user_id)`. Order-free; at
    most 3/4 x 2^bits bytes, whatever their number, and 3 bytes a value while they are few; presents as an
    integer, 0 at first. `Set` is exact and grows.

    The standard error is 1.04 / sqrt(2^bits): 1.6 % for the default of 12 bits (3 KiB), 0.8 % for 14. Bits are
    from 4 to 16. A value's hash (XXH64) is cut in two: its first bits choose a register, which keeps the
    greatest number of leading zeros, plus one, of the others.

    Bytes: the number of registers above 0 (LEB128). If it is at most a quarter of all, each of them follows,
    ascending: its index in 16 bits, what it keeps in 8; else all registers with 6 bits each, the first in
    the lowest bits.

    Sources: P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog", 2007; S. Heule, M. Nunkesser,
    A. Hall, "HyperLogLog in Practice", 2013; O. Ertl, arXiv:1702.01284, 2017, algorithm 6, for the estimator:
    it needs no logarithm, which machines round differently.
    """

    __slots__ = ("_ranks",)
    kind = kinds.INTEGER
    defaults = (12,)

    def __init__(self):
        self._ranks = {}  # of the registers above 0

    @classmethod
    def bind(cls, of, bits):
        if type(bits) is not int or not 4 <= bits <= 16:
            raise TypeError(f"registers are chosen by 4 to 16 bits, not {bits!r}")
        return {"of": value_type(of), "bits": bits, "count": 2**bits, "rank_max": 65 - bits}

    def add(self, value) -> None:
        hash = self.of.hash(value)
        # The lowest bit set: where all others are 0 it is found after 64 - bits of them.
        rest = (hash << self.bits | 1 << (self.bits - 1)) & U64_MAX
        index, rank = hash >> (64 - self.bits), 65 - rest.bit_length()
        if rank > self._ranks.get(index, 0):
            self._ranks[index] = rank

    def add_all(self, values) -> None:
        """Adds many at once."""
        for value in values:
            self.add(value)

    def estimate(self) -> int:
        """About how many distinct values were added."""
        counts = [0] * (self.rank_max + 1)
        for rank in self._ranks.values():
            counts[rank] += 1
        counts[0] = self.count - len(self._ranks)
        estimate = _estimate(counts, self.count)
        if estimate >= 2.0**64:
            return U64_MAX
        whole = floor(estimate)
        return whole + (estimate - whole >= 0.5)

    def encode(self, out):
        put_varint(len(self._ranks), out)
        if len(self._ranks) <= self.count // 4:
            for index in sorted(self._ranks):
                out += index.to_bytes(2, "little")
                out.append(self._ranks[index])
        else:
            packed = 0
            for index, rank in self._ranks.items():
                packed |= rank << (_WIDTH * index)
            out += packed.to_bytes(self.count * _WIDTH // 8, "little")

    @classmethod
    def decode(cls, data, at):
        part = cls()
        used, past = take_varint(data, at)
        if used <= cls.count // 4:
            _, at = take_length(data, at)
            last = -1
            for _ in range(used):
                index, rank = int.from_bytes(take(data, at, 2), "little"), take_byte(data, at + 2)
                if index <= last:
                    raise DecodeError("keys that do not ascend")
                part._ranks[index] = rank
                last, at = index, at + 3
            if last >= cls.count or not all(1 <= rank <= cls.rank_max for rank in part._ranks.values()):
                raise DecodeError("a register that no hash sets")
            return part, at
        length = cls.count * _WIDTH // 8
        dense = take(data, past, length)
        for three in range(0, length, 3):
            four = int.from_bytes(dense[three : three + 3], "little")
            for place in range(4):
                rank = four >> (_WIDTH * place) & 63
                if rank:
                    part._ranks[three // 3 * 4 + place] = rank
        if max(part._ranks.values(), default=0) > cls.rank_max:
            raise DecodeError("a register that no hash sets")
        if len(part._ranks) != used:
            raise DecodeError("another number of registers in use")
        return part, past + length

    def merge(self, right):
        ranks = self._ranks
        for index, rank in right._ranks.items():
            if rank > ranks.get(index, 0):
                ranks[index] = rank

    def present(self):
        estimate = self.estimate()
        if estimate > I64_MAX:
            raise OutOfRange(estimate, self.kind)
        return estimate


_ALPHA = 0.721_347_520_444_481_7  # 1 / (2 ln 2)


def _estimate(counts: list[int], registers: int) -> float:
    """The estimate for registers of which `counts[k]` keep k. Sums, products and square roots alone, which
    IEEE 754 defines to the last bit: the same everywhere."""
    m = float(registers)
    unused, *between, full = counts
    z = m * _tau(1.0 - full / m)
    for count in reversed(between):
        z = 0.5 * (z + count)
    z += m * _sigma(unused / m)
    # No register in use: z is infinite and the estimate 0. All full: z is 0 and the estimate infinite.
    return _ALPHA * m * m / z if z else float("inf")


def _sigma(x: float) -> float:
    """x + sum over k from 1 of x^(2^k) 2^(k - 1), for registers that were never hit."""
    if x == 1.0:
        return float("inf")
    y, z = 1.0, x
    while True:
        before = z
        x *= x
        z += x * y
        y += y
        if z == before:
            return z


def _tau(x: float) -> float:
    """(1 - x - sum over k from 1 of (1 - x^(2^-k))^2 2^-k) / 3, for registers that are full."""
    if x in (0.0, 1.0):
        return 0.0
    y, z = 1.0, 1.0 - x
    while True:
        before = z
        x = sqrt(x)
        y *= 0.5
        z -= (1.0 - x) * (1.0 - x) * y
        if z == before:
            return z / 3.0


_MANTISSA_BITS = 52
_EXPONENT_MAX = 0x7FF
_EXPONENT_OF_ONE = 1023
_Q_ONE = 10**9


class Quantiles(Part):
    """`Quantiles[T, bits]` of `int`, `float` or `Decimal[n]`, with a stated relative error:
    `delays.add(flight.delay)`, then, in `present`, `delays.quantile(0.95)`. Order-free; a few bytes for each
    bucket in use; presents as json: `{"count":n,"p50":…,"p90":…,"p95":…,"p99":…}`, null if nothing was added.

    The answer differs from the exact quantile, the value at rank ceil(q n) of the n values in ascending order,
    by at most 2^-(bits + 1) of it: 0.4 % for the default of 7 bits. Integers below 2^(bits + 1) in magnitude,
    zero and infinities are exact.

    Buckets are cut from the bits of the double: `cut = bits(x) >> (52 - bits)`; the bucket is cut + 1 for x,
    -(cut + 1) for -x, 0 for 0 and -0. An integer or a decimal (as value x 10^n) is in the bucket of the same
    number as a double, cut off, not rounded. Bytes: the number of buckets in use; for each, ascending, its
    distance from the one before it less 1 (the first: the bucket itself, zigzag), and its count less 1; all
    LEB128.
    """

    __slots__ = ("_counts",)
    kind = kinds.JSON
    defaults = (float, 7)

    def __init__(self):
        self._counts = {}

    @classmethod
    def bind(cls, of, bits):
        if type(bits) is not int or not 1 <= bits <= 16:
            raise TypeError(f"buckets are cut from 1 to 16 bits of the mantissa, not {bits!r}")
        measured = type_of(of)
        if isinstance(measured, Float):
            buckets = FloatBuckets(bits)
        elif isinstance(measured, Number) and measured.layout == "q" and measured.kind is not kinds.TIMESTAMP:
            buckets = IntegerBuckets(bits)
        else:
            raise TypeError(f"quantiles are of int, float and Decimal[n], not {of!r}")
        return {"of": measured, "buckets": buckets}

    def add(self, value, times: int = 1) -> None:
        """Counts `value` so many times."""
        self._count(self.buckets.bucket(value), times)

    def add_all(self, values) -> None:
        """Adds many at once."""
        bucket = self.buckets.bucket
        for value in values:
            self._count(bucket(value), 1)

    def _count(self, bucket: int, times: int) -> None:
        if times < 0:
            raise ValueError(f"a count does not go back: {times} is below 0")
        if times:
            self._counts[bucket] = min(self._counts.get(bucket, 0) + times, U64_MAX)

    def count(self) -> int:
        """How many values were added."""
        return min(sum(self._counts.values()), U64_MAX)

    def quantile(self, q: float):
        """The value at rank ceil(q n), within the stated error; None if nothing was added. `q` is taken to nine
        decimals, so that 0.95 is 95 hundredths and not the double just below it."""
        if not self._counts:
            return None
        parts = floor(min(max(q, 0.0), 1.0) * _Q_ONE + 0.5)
        rank = max(-(-parts * sum(self._counts.values()) // _Q_ONE), 1)
        reached = 0
        for bucket in sorted(self._counts):
            reached += self._counts[bucket]
            if reached >= rank:
                break
        return self.buckets.middle(bucket)

    def encode(self, out):
        put_varint(len(self._counts), out)
        last = None
        for bucket in sorted(self._counts):
            # Zigzag: 0, -1, 1, -2, … are 0, 1, 2, 3, …
            put_varint(bucket - last - 1 if last is not None else 2 * bucket if bucket >= 0 else -2 * bucket - 1, out)
            put_varint(self._counts[bucket] - 1, out)
            last = bucket

    @classmethod
    def decode(cls, data, at):
        part = cls()
        length, at = take_length(data, at)
        last = None
        for _ in range(length):
            distance, at = take_varint(data, at)
            if last is not None:
                last += distance + 1
            else:
                last = -(distance + 1) // 2 if distance & 1 else distance // 2
            if distance > 2**32 - 1 or not cls.buckets.has(last):
                raise DecodeError("a bucket that no number is in")
            part._counts[last], at = take_count(data, at)
        return part, at

    def merge(self, right):
        for bucket, count in right._counts.items():
            self._count(bucket, count)

    def present(self):
        if not self._counts:
            return None
        count = self.count()
        if count > I64_MAX:
            raise OutOfRange(count, kinds.INTEGER)
        members = [("count", write_json(kinds.INTEGER, count))]
        for name, q in ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99):
            members.append((name, write_json(self.of.kind, self.quantile(q))))
        return write_object(members)


class FloatBuckets:
    """Which bucket a double is in, and which double stands for a bucket."""

    def __init__(self, bits: int):
        self.bits = bits
        self.infinity = _EXPONENT_MAX << bits
        self.nan = self.bucket(float("nan"))

    def bucket(self, value: float) -> int:
        bits = bits_of(value)
        magnitude = bits & I64_MAX
        if not magnitude:
            return 0
        cut = magnitude >> (_MANTISSA_BITS - self.bits)
        return cut + 1 if bits >= 0 else -(cut + 1)

    def has(self, bucket: int) -> bool:
        return bucket == 0 or abs(bucket) - 1 <= self.infinity or bucket == self.nan

    def middle(self, bucket: int) -> float:
        if bucket == 0:
            return 0.0
        cut = abs(bucket) - 1
        if cut > self.infinity:
            return float("nan")
        half = 0 if cut == self.infinity else 1 << (_MANTISSA_BITS - 1 - self.bits)
        magnitude = type_of(float).value(cut << (_MANTISSA_BITS - self.bits) | half)
        return magnitude if bucket > 0 else -magnitude


class IntegerBuckets:
    """Which bucket an integer of 64 bits is in, and which integer stands for a bucket."""

    def __init__(self, bits: int):
        self.bits = bits

    def bucket(self, value: int) -> int:
        magnitude = abs(value)
        if not magnitude:
            return 0
        exponent = magnitude.bit_length() - 1
        if exponent > 62 and value != I64_MIN:
            raise OverflowError(f"{value} is no integer of 64 bits")
        # The leading bit left out, the rest from the top on, as in the mantissa of a double.
        mantissa = (magnitude << self.bits >> exponent) - (1 << self.bits)
        cut = (exponent + _EXPONENT_OF_ONE) << self.bits | mantissa
        return cut + 1 if value > 0 else -(cut + 1)

    def has(self, bucket: int) -> bool:
        return self._magnitudes(bucket) is not None

    def middle(self, bucket: int) -> int:
        near, far = self._magnitudes(bucket) or (0, 0)
        magnitude = near + (far - near) // 2
        return magnitude if bucket > 0 else -magnitude

    def _magnitudes(self, bucket: int) -> tuple[int, int] | None:
        """The least and the greatest magnitude of the integers in a bucket; None if there are none."""
        if bucket == 0:
            return 0, 0
        greatest = I64_MAX + (bucket < 0)
        cut = abs(bucket) - 1
        exponent = (cut >> self.bits) - _EXPONENT_OF_ONE
        if not 0 <= exponent <= 63:
            return None
        # One with its mantissa, scaled by 2^(exponent - bits).
        scaled = (1 << self.bits | cut & (1 << self.bits) - 1) << exponent
        near = scaled >> self.bits
        if near << self.bits != scaled or near > greatest:
            return None
        return near, min(near + max(1 << exponent >> self.bits, 1) - 1, greatest)
