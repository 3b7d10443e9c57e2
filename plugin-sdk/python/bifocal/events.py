"""What an event looks like: `@event`, and which columns that needs.

Columns are read once a chunk; what then runs for a row is a loop made for the fields at hand (`rows.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

from .description import Field, Filter
from .fields import hints_of, slotted
from .kinds import TEXT
from .values import Number, Type, value_type, without_none


@dataclass(frozen=True, slots=True)
class path:
    """Where a field is found, if not by its own name: dotted names (`path("order.total")`), a JSON Pointer
    (`path("/items/0/price")`), the record and not its payload (`path("@offset")`, `@time`, `@id`, `@key`,
    `@source`, `@header.NAME`), or empty for the whole payload as `bytes`."""

    at: str


@dataclass(frozen=True, slots=True)
class Input:
    """A field of an event class."""

    name: str
    path: str
    annotation: Any
    type: Type
    optional: bool

    @property
    def shown(self) -> str:
        """The path as a person reads it in a reason: the whole payload has no name."""
        return self.path or "payload"


def event(cls: type | None = None, *, tag: str | None = None, name: str | None = None):
    """Makes a class an event: one field, one input column::

        @event
        class Order:
            merchant_id: str
            amount: Decimal[2]
            coupon: str | None                      # may be absent; without any other the host rejects the event
            offset: int = path("@offset")

    One stream often carries several types of events. With `tag` the class stands for the events that have
    `name` (by default the class's own) at that path, and a transform takes a union of such classes; events
    with another text there, or none, are *ignored*: counted, neither folded nor rejected.

    In the row interface one object serves all rows of a chunk: keep its values, not the object.
    """

    def make(cls: type) -> type:
        if name is not None and tag is None:
            raise TypeError(f"{cls.__name__}: a name needs a tag, the path of the text that is compared with it")
        inputs = [_input(cls, field, hint) for field, hint in hints_of(cls).items()]
        made = slotted(cls, [one.name for one in inputs], {"__init__": _init, "__repr__": _repr})
        made.bifocal_event = EventClass(made, tuple(inputs), tag, name or cls.__name__)
        return made

    return make if cls is None else make(cls)


def _input(cls: type, name: str, hint: Any) -> Input:
    said = vars(cls).get(name, path(name))
    if not isinstance(said, path):
        raise TypeError(f'{cls.__name__}.{name}: a field of an event has no default; a path is path("order.total")')
    inner, optional = without_none(hint)
    return Input(name, said.at, inner, value_type(inner), optional)


def _init(self, **values) -> None:
    """An event by hand, for a test of a function that takes one."""
    for name in type(self).__slots__:
        setattr(self, name, values.pop(name, None))
    if values:
        raise TypeError(f"{type(self).__name__} has no field {', '.join(values)}")


def _repr(self) -> str:
    shown = (f"{name}={getattr(self, name, None)!r}" for name in type(self).__slots__)
    return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True)
class EventClass:
    """What `@event` knows of a class."""

    cls: type
    inputs: tuple[Input, ...]
    tag: str | None
    name: str


@dataclass(slots=True)
class InputColumn:
    """A column that one field reads, or the same field of several variants."""

    input: Input
    required: bool

    def field(self) -> Field:
        return Field(self.input.name, self.input.path, self.input.type.kind, self.required)

    def is_narrow(self) -> bool:
        """Whether a value of the column may not fit the field."""
        held = self.input.type
        return isinstance(held, Number) and held.layout != "q"


class Reading:
    """The events that a transform reads, of one class or of several: their columns."""

    def __init__(self, annotation: Any):
        classes = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
        self.variants: list[EventClass] = []
        for cls in classes:
            if not hasattr(cls, "bifocal_event"):
                raise TypeError(f"{cls!r} is no event: put @event above the class")
            self.variants.append(cls.bifocal_event)
        tags = dict.fromkeys(variant.tag for variant in self.variants)
        names = [variant.name for variant in self.variants]
        self.tag = next(iter(tags))
        if len(classes) > 1 and (len(tags) > 1 or self.tag is None or len(set(names)) < len(names)):
            raise TypeError("events of several classes need one tag and a name each: @event(tag=..., name=...)")
        self.columns: list[InputColumn] = []
        self.places: list[list[int]] = [self._places(variant) for variant in self.variants]
        self._require()

    def _places(self, variant: EventClass) -> list[int]:
        """Which column each field of a variant reads; adds the columns that no variant before it has."""
        places = []
        for input in variant.inputs:
            for place, column in enumerate(self.columns):
                if self.tag and (column.input.path, column.input.annotation) == (input.path, input.annotation):
                    break
            else:
                place = len(self.columns)
                self.columns.append(InputColumn(input, False))
            places.append(place)
        return places

    def _require(self) -> None:
        """The host rejects events without a column that every variant needs."""
        for place, column in enumerate(self.columns):
            column.required = all(
                any(at == place and not input.optional for at, input in zip(places, variant.inputs))
                for places, variant in zip(self.places, self.variants)
            )

    def fields(self) -> list[Field]:
        tag = [Field(self.tag, self.tag, TEXT, True)] if self.tag else []
        return [column.field() for column in self.columns] + tag

    def only(self) -> Filter | None:
        return Filter(self.tag, [variant.name for variant in self.variants]) if self.tag else None
