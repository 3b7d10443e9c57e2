"""What every part of a state has: canonical bytes, a beginning and a lawful merge.

With *x*, *y*, *z* states of consecutive chunks of the log, `merge` is associative; a fresh part is its
neutral element on both sides; and folding *a ++ b* into one part gives the same bytes as merging the
parts of *a* and *b*.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ..kinds import Kind


class MergeError(ValueError):
    """Two states that do not follow each other in any log."""


class Part:
    """A part of a state. `Sum[int]` is `Sum` bound to its parameter: a class of its own, made once."""

    __slots__ = ()

    kind: ClassVar[Kind | None] = None
    """The column that shows it."""

    order_free: ClassVar[bool] = True
    """Whether `merge(x, y)` and `merge(y, x)` have the same bytes for all states."""

    anchored: ClassVar[bool] = False
    """Whether a state tells having run from the beginning of its cell from waiting for what precedes it."""

    defaults: ClassVar[tuple] = ()
    """Parameters that may be left out, last ones first."""

    layout: ClassVar[str] = ""
    """The numbers that its bytes are, as `struct` names them, if they are always the same ones: see `flat.py`. Then it
    has the four functions of columns, one column for each number."""

    held: ClassVar[tuple[str, ...]] = ()
    """Where such a part holds what its numbers are made of."""

    flat: ClassVar[Any] = None
    """Of a state whose parts all have a layout: what handles many of them at once."""

    is_bound: ClassVar[bool] = False

    _bound: ClassVar[dict[Any, type]] = {}

    def __class_getitem__(cls, parameters) -> type:
        parameters = parameters if isinstance(parameters, tuple) else (parameters,)
        key = (cls, *((type(parameter), parameter) for parameter in parameters))
        if key not in Part._bound:
            shown = ", ".join(getattr(parameter, "__name__", str(parameter)) for parameter in parameters)
            members = {"__slots__": (), "__module__": cls.__module__, "__doc__": cls.__doc__, "is_bound": True}
            missing = max(cls.parameters() - len(parameters), 0)
            members |= cls.bind(*parameters, *cls.defaults[len(cls.defaults) - missing :])
            Part._bound[key] = type(f"{cls.__name__}[{shown}]", (cls,), members)
        return Part._bound[key]

    @classmethod
    def parameters(cls) -> int:
        """How many parameters the part has; 0 once they are bound."""
        return 0 if cls.is_bound else cls.bind.__func__.__code__.co_argcount - 1

    @classmethod
    def bind(cls) -> dict[str, Any]:
        """Members of the class for these parameters."""
        raise TypeError(f"{cls.__name__} has no parameters")

    def encode(self, out: bytearray) -> None:
        raise NotImplementedError

    @classmethod
    def decode(cls, data: bytes, at: int):
        """The part that begins at `at`, and where it ends."""
        raise NotImplementedError

    def merge(self, right) -> None:
        """Appends what happened later in the log. Keeps nothing of `right` that can change."""
        raise NotImplementedError

    def present(self):
        """What the column shows, None being null; `OutOfRange` if it cannot hold it."""
        raise NotImplementedError

    @classmethod
    def gather(cls, *held: list) -> list:
        """The columns of parts that hold these in the attributes named by `held`."""
        raise NotImplementedError

    @classmethod
    def are_valid(cls, columns: list) -> bool:
        """Whether `encode` would have written these numbers; option bytes are looked at already."""
        return True

    @classmethod
    def merge_all(cls, left: list, right: list) -> list:
        """The columns of what all pairs merge to."""
        raise NotImplementedError

    @classmethod
    def present_all(cls, columns: list) -> list:
        """What `present` returns for each."""
        raise NotImplementedError

    @classmethod
    def initial(cls):
        """The part of a cell before its first event: anchored where there is that distinction."""
        return cls()

    def __eq__(self, other) -> bool:
        return type(self) is type(other) and _bytes(self) == _bytes(other)

    __hash__ = None


def _bytes(part: Part) -> bytearray:
    out = bytearray()
    part.encode(out)
    return out


def distinct(values) -> dict:
    """Values as the keys of a dictionary, which keeps their order; a `set` has one of its own in each process."""
    return dict.fromkeys(values)
