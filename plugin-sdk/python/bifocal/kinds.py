"""The types of columns, as the contract (`wit/transform.wit`) names them."""

from __future__ import annotations

from typing import NamedTuple

DIGITS_MAX = 18


class Kind(NamedTuple):
    """The type of a column; `digits` are those of a decimal after the point, else 0."""

    name: str
    digits: int = 0

    def __str__(self) -> str:
        return f"Decimal({self.digits})" if self.name == "decimal" else self.name.capitalize()


BOOLEAN = Kind("boolean")
INTEGER = Kind("integer")
FLOAT = Kind("float")
TEXT = Kind("text")
BINARY = Kind("binary")
TIMESTAMP = Kind("timestamp")
JSON = Kind("json")

_SHOWN = {
    "boolean": "a boolean",
    "integer": "a 64-bit integer",
    "float": "a float",
    "text": "a text",
    "binary": "a binary",
    "timestamp": "a timestamp",
    "json": "a json",
}


def decimal_kind(digits: int) -> Kind:
    """Value x 10^digits in 64 bits."""
    if type(digits) is not int or not 0 <= digits <= DIGITS_MAX:
        raise TypeError(f"a decimal has 0 to {DIGITS_MAX} digits after the point, not {digits!r}")
    return Kind("decimal", digits)


class OutOfRange(ValueError):
    """A value that its output column cannot hold. The host reports the cell as broken and serves all others."""

    def __init__(self, value: object, kind: Kind):
        column = f"a decimal({kind.digits})" if kind.name == "decimal" else _SHOWN[kind.name]
        super().__init__(f"out of range: {value} does not fit {column}")
