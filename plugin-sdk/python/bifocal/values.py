"""What columns, keys, states and machines hold: numbers, text, times, exact decimals, and records of them.
Owns their canonical bytes, their order, their hash and how they present.

| annotation                                   | kind          | order                                         |
|----------------------------------------------|---------------|-----------------------------------------------|
| `bool`                                       | boolean       | False, True                                   |
| `int`; `I8` to `I64`, `U8` to `U64`          | integer       | by number                                     |
| `float`                                      | float         | IEEE 754 totalOrder; every NaN is one, greatest |
| `str`                                        | text          | by UTF-8 bytes, which is Python's own order   |
| `bytes`                                      | binary        | by bytes                                      |
| `Timestamp`                                  | timestamp     | by time                                       |
| `Decimal[n]`                                 | decimal(n)    | by number                                     |
| `Json`                                       | json          | by UTF-8 bytes                                |
| `V | None`                                   | that of `V`   | None first; presents as null                  |
| `tuple[A, B]`, `tuple[A, B, C]`              | json, a list  | by the first, then the second, …              |

A `Type` says what an annotation means. Values are Python's own: `int` for every number but float, for
timestamps (milliseconds UTC) and for decimals (value x 10^n).
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct, error as StructError
from types import UnionType
from typing import Any, Union, get_args, get_origin

from . import kinds
from .codec import (
    I64_MAX,
    I64_MIN,
    DecodeError,
    put_varint,
    short,
    take,
    take_byte,
    take_length,
    take_varint,
)
from .decimals import Decimal
from .hashing import xxh64
from .jsontext import Json, write_json, write_list
from .kinds import Kind, OutOfRange
from .times import Timestamp


class I8(int):
    """An integer of 8 bits, signed: the kind of a field, whose values are plain `int`s."""


class I16(int):
    """An integer of 16 bits, signed."""


class I32(int):
    """An integer of 32 bits, signed."""


class I64(int):
    """An integer of 64 bits, signed: the same as `int`."""


class U8(int):
    """An integer of 8 bits, not negative."""


class U16(int):
    """An integer of 16 bits, not negative."""


class U32(int):
    """An integer of 32 bits, not negative."""


class U64(int):
    """An integer of 64 bits, not negative."""


class Type:
    """What an annotation means; this base is for what has bytes alone, such as a list of a machine."""

    kind: Kind | None = None
    """The column that a value presents in; None: it is no value of a column."""

    plain = True
    """Whether Python's own `==`, `<` and `hash` on values are the canonical ones."""

    def encode(self, value, out: bytearray) -> None:
        raise NotImplementedError

    def decode(self, data: bytes, at: int) -> tuple[Any, int]:
        raise NotImplementedError

    def zero(self):
        """What a field of this type begins with."""
        raise TypeError("a field of this type has no value to begin with: give it a default")

    def key(self, value):
        """What stands for the value in comparisons and in dictionaries."""
        return value

    def value(self, key):
        """The value that has this key."""
        return key

    def present(self, value):
        """The value as its column shows it; `OutOfRange` if the column cannot hold it."""
        return value

    def json(self, value) -> str:
        return write_json(self.kind, self.present(value))

    def hash(self, value) -> int:
        """The same on every machine and for good: XXH64 of its bytes, of text and binary without their length."""
        out = bytearray()
        self.encode(value, out)
        return xxh64(bytes(out))


class Number(Type):
    """Numbers of a fixed width."""

    def __init__(self, kind: Kind, layout: str):
        self.kind = kind
        self.layout = layout
        packed = Struct("<" + layout)
        self.size = packed.size
        self.pack = packed.pack
        self.unpack = packed.unpack_from
        bits = 8 * packed.size
        self.least, self.greatest = (0, 2**bits - 1) if layout.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        self.hash = lru_cache(2**16)(self._hash)

    def encode(self, value, out):
        out += self.pack(value)

    def decode(self, data, at):
        try:
            return self.unpack(data, at)[0], at + self.size
        except StructError:
            raise short() from None

    def zero(self):
        return 0

    def present(self, value):
        if not I64_MIN <= value <= I64_MAX:
            raise OutOfRange(value, self.kind)
        return value

    def _hash(self, value) -> int:
        return xxh64(self.pack(value))


class Boolean(Type):
    kind = kinds.BOOLEAN

    def encode(self, value, out):
        out.append(1 if value else 0)

    def decode(self, data, at):
        byte = take_byte(data, at)
        if byte > 1:
            raise DecodeError("a boolean other than 0 and 1")
        return byte == 1, at + 1

    def zero(self):
        return False


_BITS = Struct("<q")
_DOUBLE = Struct("<d")
_NAN_BITS = 0x7FF8_0000_0000_0000
_NAN = _BITS.pack(_NAN_BITS)
_MAGNITUDE = 2**63 - 1


def bits_of(value: float) -> int:
    """The 64 bits of a double as a signed number; every NaN is one: quiet, positive, no payload."""
    return _BITS.unpack(_DOUBLE.pack(value))[0] if value == value else _NAN_BITS


class Float(Type):
    kind = kinds.FLOAT
    plain = False

    def encode(self, value, out):
        out += _DOUBLE.pack(value) if value == value else _NAN

    def decode(self, data, at):
        taken = take(data, at, 8)
        value = _DOUBLE.unpack(taken)[0]
        if value != value and taken != _NAN:
            raise DecodeError("a NaN other than the canonical one")
        return value, at + 8

    def zero(self):
        return 0.0

    def key(self, value):
        bits = bits_of(value)
        return bits if bits >= 0 else bits ^ _MAGNITUDE

    def value(self, key):
        return _DOUBLE.unpack(_BITS.pack(key if key >= 0 else key ^ _MAGNITUDE))[0]


def _take_blob(data: bytes, at: int) -> tuple[bytes, int]:
    length, at = take_varint(data, at)
    return take(data, at, length), at + length


class Text(Type):
    kind = kinds.TEXT

    def __init__(self):
        self.hash = lru_cache(2**16)(self._hash)

    def encode(self, value, out):
        encoded = value.encode()
        put_varint(len(encoded), out)
        out += encoded

    def decode(self, data, at):
        encoded, at = _take_blob(data, at)
        try:
            return str(encoded, "utf-8"), at
        except UnicodeDecodeError:
            raise DecodeError("text that is not UTF-8") from None

    def zero(self):
        return ""

    def _hash(self, value) -> int:
        return xxh64(value.encode())


class JsonText(Text):
    kind = kinds.JSON

    def decode(self, data, at):
        text, at = super().decode(data, at)
        return Json(text), at

    def zero(self):
        return Json("null")

    def _hash(self, value) -> int:
        return Type.hash(self, value)


class Binary(Type):
    kind = kinds.BINARY

    def encode(self, value, out):
        put_varint(len(value), out)
        out += value

    def decode(self, data, at):
        return _take_blob(data, at)

    def zero(self):
        return b""

    def hash(self, value):
        return xxh64(value)


class Optional(Type):
    """A value or None."""

    plain = False

    def __init__(self, of: Type):
        self.of = of
        self.kind = of.kind

    def encode(self, value, out):
        if value is None:
            out.append(0)
        else:
            out.append(1)
            self.of.encode(value, out)

    def decode(self, data, at):
        byte = take_byte(data, at)
        if byte > 1:
            raise DecodeError("an option other than 0 and 1")
        return self.of.decode(data, at + 1) if byte else (None, at + 1)

    def zero(self):
        return None

    def key(self, value):
        return (0,) if value is None else (1, self.of.key(value))

    def value(self, key):
        return self.of.value(key[1]) if key[0] else None

    def present(self, value):
        return None if value is None else self.of.present(value)

    def json(self, value):
        return "null" if value is None else self.of.json(value)


class Tuple(Type):
    """Values one after the other."""

    plain = False

    def __init__(self, parts: tuple[Type, ...]):
        self.parts = parts
        self.kind = kinds.JSON if all(part.kind for part in parts) else None

    def encode(self, value, out):
        for part, one in zip(self.parts, value, strict=True):
            part.encode(one, out)

    def decode(self, data, at):
        values = []
        for part in self.parts:
            value, at = part.decode(data, at)
            values.append(value)
        return tuple(values), at

    def zero(self):
        return tuple(part.zero() for part in self.parts)

    def key(self, value):
        return tuple(part.key(one) for part, one in zip(self.parts, value, strict=True))

    def value(self, key):
        return tuple(part.value(one) for part, one in zip(self.parts, key))

    def present(self, value):
        return self.json(value)

    def json(self, value):
        return write_list(part.json(one) for part, one in zip(self.parts, value, strict=True))


class List(Type):
    """Any number of elements: for machines."""

    def __init__(self, of: Type):
        self.of = of

    def encode(self, value, out):
        put_varint(len(value), out)
        for element in value:
            self.of.encode(element, out)

    def decode(self, data, at):
        length, at = take_length(data, at)
        elements = []
        for _ in range(length):
            element, at = self.of.decode(data, at)
            elements.append(element)
        return elements, at

    def zero(self):
        return []


class Coded(Type):
    """A class that writes itself: `encode(out)`, and `decode(data, at)` of the class. Parts, records, machines."""

    def __init__(self, coded: type):
        self.coded = coded
        self.decode = coded.decode

    def encode(self, value, out):
        if type(value) is not self.coded:
            raise TypeError(f"expected {self.coded.__name__}, not {value!r}")
        value.encode(out)

    def zero(self):
        return self.coded()


class Variants(Type):
    """One of several records: a byte that says which, then the record."""

    def __init__(self, variants: tuple[type, ...]):
        if len(variants) > 256:
            raise TypeError("a byte tells at most 256 variants")
        self.variants = variants
        self.tags = {variant: tag for tag, variant in enumerate(variants)}

    def encode(self, value, out):
        out.append(self.tags[type(value)])
        value.encode(out)

    def decode(self, data, at):
        tag = take_byte(data, at)
        if tag >= len(self.variants):
            raise DecodeError("a variant that there is not")
        return self.variants[tag].decode(data, at + 1)


_BUILT_IN: dict[Any, Type] = {
    bool: Boolean(),
    int: Number(kinds.INTEGER, "q"),
    I64: Number(kinds.INTEGER, "q"),
    I32: Number(kinds.INTEGER, "i"),
    I16: Number(kinds.INTEGER, "h"),
    I8: Number(kinds.INTEGER, "b"),
    U64: Number(kinds.INTEGER, "Q"),
    U32: Number(kinds.INTEGER, "I"),
    U16: Number(kinds.INTEGER, "H"),
    U8: Number(kinds.INTEGER, "B"),
    float: Float(),
    str: Text(),
    bytes: Binary(),
    Json: JsonText(),
    Timestamp: Number(kinds.TIMESTAMP, "q"),
}


def without_none(annotation) -> tuple[Any, bool]:
    """`T` of `T | None`, and whether the None was there."""
    if get_origin(annotation) in (Union, UnionType):
        others = tuple(part for part in get_args(annotation) if part is not type(None))
        if len(others) < len(get_args(annotation)):
            return Union[others], True
    return annotation, False


@lru_cache(None)
def type_of(annotation) -> Type:
    """What an annotation means; `TypeError` if it means nothing here."""
    built_in = _BUILT_IN.get(annotation)
    if built_in:
        return built_in
    origin, parts = get_origin(annotation), get_args(annotation)
    inner, is_optional = without_none(annotation)
    if is_optional:
        return Optional(type_of(inner))
    if origin in (Union, UnionType) and all(hasattr(part, "encode") and hasattr(part, "decode") for part in parts):
        return Variants(parts)
    if origin is tuple and len(parts) in (2, 3) and ... not in parts:
        return Tuple(tuple(map(type_of, parts)))
    if origin is list and parts:
        return List(type_of(parts[0]))
    if isinstance(annotation, type):
        if issubclass(annotation, Decimal) and annotation.digits is not None:
            return Number(kinds.decimal_kind(annotation.digits), "q")
        if hasattr(annotation, "encode") and hasattr(annotation, "decode"):
            return Coded(annotation)
    raise TypeError(
        f"{annotation!r} is no type of a value: write bool, int, U32, float, str, bytes, Timestamp, Decimal[n], "
        "Json, tuple[A, B], or one of these with | None"
    )


def value_type(annotation) -> Type:
    """The same for what a column can hold."""
    found = type_of(annotation)
    if found.kind is None:
        raise TypeError(f"{annotation!r} has bytes but no column that shows it")
    return found
