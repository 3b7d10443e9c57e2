"""Columns in the form in which they cross the boundary: little-endian byte buffers, laid out as
`wit/transform.wit` says. Owns reading and building the buffers; knows no event and no state.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, count, repeat

from .jsontext import Json
from .kinds import Kind


@dataclass(slots=True)
class Blobs:
    """Variable-width values, one after the other: value i is `bytes[ends[i-1]:ends[i]]`, ends being one u32 each."""

    ends: bytes = b""
    bytes: bytes = b""

    def __len__(self) -> int:
        return len(self.ends) // 4

    def cut(self) -> list:
        """All values, first to last."""
        ends, data = u32s(self.ends), self.bytes
        if len(ends) and ends[-1] > len(data):
            raise ValueError("the ends of values lie beyond their bytes")
        return [data[start:end] for start, end in zip(chain((0,), ends), ends)]

    @classmethod
    def join(cls, values: Sequence) -> Blobs:
        # Fails for more than 4 GiB, of which a component has no memory.
        return cls(array("I", accumulate(map(len, values))).tobytes(), b"".join(values))


@dataclass(slots=True)
class Column:
    """One column of rows. What the buffers hold follows from the kind declared for the field."""

    fixed: bytes
    heap: Blobs
    validity: bytes = b""


def u32s(data) -> array:
    # An array copies the buffer, at no price, and is faster to walk than a view of it.
    return array("I", data)


def s64s(data) -> array:
    return array("q", data)


_BITS = [tuple(bool(byte >> bit & 1) for bit in range(8)) for byte in range(256)]


def present_rows(validity: bytes, rows: int) -> list[bool] | None:
    """Which rows are present; None: every one."""
    if not validity:
        return None
    if len(validity) * 8 < rows:
        raise ValueError(f"validity of {len(validity)} bytes for {rows} rows")
    bits = list(chain.from_iterable(map(_BITS.__getitem__, validity)))[:rows]
    return None if all(bits) else bits


def _exactly(values: Sequence, rows: int) -> Sequence:
    if len(values) < rows:
        raise ValueError(f"{len(values)} values for {rows} rows")
    return values if len(values) == rows else values[:rows]


def read(column, kind: Kind, rows: int) -> Sequence:
    """The values of a column: Python's own, None where a row is absent. Text is read by `read_text`."""
    name = kind.name
    if name in ("integer", "timestamp", "decimal"):
        values = _exactly(s64s(column.fixed), rows)
    elif name == "float":
        values = _exactly(array("d", column.fixed), rows)
    elif name == "boolean":
        values = list(map(bool, _exactly(column.fixed, rows)))
    elif name == "binary":
        values = _exactly(_blobs(column.heap), rows)
    elif name == "json":
        values = [Json(value, "utf-8") for value in _exactly(_blobs(column.heap), rows)]
    else:
        raise ValueError(f"a column of kind {name} is not read so")
    present = present_rows(column.validity, rows)
    return values if present is None else [value if there else None for value, there in zip(values, present)]


def _blobs(heap) -> list[bytes]:
    return Blobs(heap.ends, heap.bytes).cut()


def read_text(column, rows: int) -> tuple[array, list[str | None]]:
    """A code for each row, and the texts that codes stand for, None being the last if a row is absent.

    So a text is made once, however many rows have it, and equal texts of a column are the same object.
    """
    texts: list[str | None] = _texts(Blobs(column.heap.ends, column.heap.bytes))
    codes = _exactly(u32s(column.fixed), rows)
    present = present_rows(column.validity, rows)
    if present is not None:
        codes = array("I", (code if there else len(texts) for code, there in zip(codes, present)))
        texts.append(None)
    return codes, texts


_NARROWED_MIN = 100  # codes for which it pays


def narrowed(codes: array, count: int) -> Sequence[int]:
    """Codes of so many texts, as bytes if a byte holds each: to walk bytes makes no object for a row."""
    if count > 256 or len(codes) < _NARROWED_MIN:
        return codes
    lowest, *others = (codes.tobytes()[byte::4] for byte in range(4))
    # A code beyond its dictionary may need more, and is to be found as such.
    return lowest if all(other.count(0) == len(lowest) for other in others) else codes


def _texts(heap: Blobs) -> list[str]:
    if heap.bytes.isascii():
        # A byte is a character: the whole is cut where its bytes would be.
        return Blobs(heap.ends, str(heap.bytes, "ascii")).cut()
    return [str(value, "utf-8") for value in heap.cut()]


def build(kind: Kind, values: Sequence) -> Column:
    """The column of these values, None where a row is absent. Fails for what the kind cannot hold."""
    name = kind.name
    if name == "text":
        return _build_text(values)
    validity = b""
    if None in values:
        validity = _validity([value is not None for value in values])
        nothing = {"binary": b"", "json": "null", "float": 0.0}.get(name, 0)
        values = [nothing if value is None else value for value in values]
    if name in ("integer", "timestamp", "decimal"):
        return Column(array("q", values).tobytes(), Blobs(), validity)
    if name == "float":
        return Column(array("d", values).tobytes(), Blobs(), validity)
    if name == "boolean":
        return Column(bytes(map(bool, values)), Blobs(), validity)
    if name == "binary":
        return Column(b"", Blobs.join(list(map(bytes, values))), validity)
    return Column(b"", Blobs.join(list(map(str.encode, values))), validity)


def _build_text(values: Sequence) -> Column:
    validity, distinct = b"", dict.fromkeys(values)
    if None in distinct:
        validity = _validity([value is not None for value in values])
        values = ["" if value is None else value for value in values]
        distinct = dict.fromkeys(values)
    codes = dict(zip(distinct, count()))
    fixed = array("I", map(codes.__getitem__, values)).tobytes()
    return Column(fixed, Blobs.join(list(map(str.encode, codes))), validity)


def _validity(present: Iterable[bool]) -> bytes:
    number = int("".join("1" if there else "0" for there in reversed(list(present))) or "0", 2)
    return number.to_bytes((len(present) + 7) // 8, "little")


def repeated(values: Iterable, times: int) -> Iterable:
    """Each value so many times, one after the other."""
    return chain.from_iterable(map(repeat, values, repeat(times)))
