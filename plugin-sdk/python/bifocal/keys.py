"""What cells are keyed by: `@key`."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from . import kinds
from .codec import I64_MAX, I64_MIN
from .description import Field
from .fields import hints_of
from .values import value_type, without_none

_EXACT = {
    "boolean": bool,
    "integer": int,
    "timestamp": int,
    "decimal": int,
    "text": str,
    "binary": bytes,
    "float": float,
    "json": str,
}
_REFUSED = (kinds.FLOAT, kinds.JSON)


def key(cls: type) -> type:
    """Makes a class the key of cells, one key column a field::

        @key
        class Route:
            origin: str
            destination: str
            carrier: str | None     # may be absent, which is a value of its own

    It is a named tuple: `cells[Route(a, b, c)]` and `cells[a, b, c]` are the same cell. Floats and json are no
    parts of keys: equal values have no single form.
    """
    hints = hints_of(cls)
    made = type(cls.__name__, (namedtuple(cls.__name__, hints),), {"__slots__": (), "__module__": cls.__module__})
    made.__doc__, made.__qualname__ = cls.__doc__, cls.__qualname__
    made.bifocal_key = KeyClass(cls.__name__, hints)
    return made


class KeyClass:
    """What `@key` knows of a class. `KeyClass("", {})` is the key of cells without one."""

    def __init__(self, name: str, hints: dict[str, Any]):
        self.name = name
        self.fields: list[Field] = []
        self._parts = []
        for field, hint in hints.items():
            inner, optional = without_none(hint)
            kind = value_type(inner).kind
            if kind in _REFUSED:
                raise TypeError(f"{name}.{field}: a {kind.name} is no part of a key")
            self.fields.append(Field.named(field, kind))
            self._parts.append((field, kind, optional))
        self.is_single = len(self._parts) == 1
        self._exact = tuple(_EXACT[kind.name] for _, kind, _ in self._parts)

    def canonical(self, given) -> Any:
        """The one form of a key: a tuple, of a single part the part itself. Equal keys have equal forms."""
        if type(given) is tuple and tuple(map(type, given)) == self._exact and not self.is_single:
            return given  # as it nearly always is; an integer of more than 64 bits has no column
        if self.is_single:
            return self._part(0, given[0] if isinstance(given, tuple) and len(given) == 1 else given)
        if not isinstance(given, tuple) or len(given) != len(self._parts):
            expected = ", ".join(field for field, _, _ in self._parts)
            raise TypeError(f"cells are keyed by ({expected}), not by {given!r}")
        return tuple(map(self._part, range(len(given)), given))

    def _part(self, i: int, value):
        """Takes whatever is equal to a value of the kind, so that no verdict depends on which came first."""
        field, kind, optional = self._parts[i]
        name = kind.name
        if value is None and optional:
            return None
        if name == "text" and isinstance(value, str):
            return str(value)
        if name == "binary" and isinstance(value, (bytes, memoryview)):
            return bytes(value)
        if name == "boolean" and value in (0, 1):
            return bool(value)
        if name in ("integer", "timestamp", "decimal") and isinstance(value, (int, float)) and value == value // 1:
            if I64_MIN <= value <= I64_MAX:
                return int(value)
            raise OverflowError(f"{field}: {value} is no integer of 64 bits")
        raise TypeError(f"{field}: {value!r} is no part of a key of kind {name}")

    def names(self, columns: list[Sequence], count: int) -> Sequence:
        """Many keys, given by columns, in their canonical form."""
        if len(columns) != len(self._parts):
            expected = ", ".join(field for field, _, _ in self._parts)
            raise TypeError(f"cells are keyed by ({expected}), not by {len(columns)} columns")
        parts = [
            column if set(map(type, column)) <= {exact} else [self._part(i, value) for value in column]
            for i, (column, exact) in enumerate(zip(columns, self._exact))
        ]
        return parts[0] if self.is_single else list(zip(*parts)) if parts else [()] * count

    def columns(self, keys: Sequence) -> list[Sequence]:
        """Keys in their canonical form as columns."""
        if self.is_single:
            return [keys]
        return [list(map(itemgetter(i), keys)) for i in range(len(self._parts))]
