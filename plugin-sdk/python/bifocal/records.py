"""`@state`, `@machine` and `@record`: classes whose fields have canonical bytes, one after the other."""

from __future__ import annotations

from typing import Any

from . import kinds
from .fields import compiled, defaults_of, fresh, hints_of, slotted
from .jsontext import write_json, write_object
from .state.flat import Flat
from .state.part import Part
from .values import Coded, Type, type_of


def state(cls: type) -> type:
    """Makes a class of parts a state::

        @state
        class Revenue:
            amount: Sum[Decimal[2]]
            orders: Count

    Each part is an output of its name, unless the transform has a `present`. A state is a part itself: of a
    `Map`, where it shows as a JSON object.
    """
    parts = hints_of(cls)
    for name, part in parts.items():
        if not (isinstance(part, type) and issubclass(part, Part)):
            raise TypeError(f"{cls.__name__}.{name}: {part!r} is no part of a state, such as Count or Sum[int]")
        if part.parameters():
            raise TypeError(f"{cls.__name__}.{name}: {part.__name__} of what? Such as {part.__name__}[int]")
    made = slotted(cls, parts, {"parts": parts}, (_State,))
    _give_code(made, {name: type_of(part) for name, part in parts.items()})
    made.order_free = all(part.order_free for part in parts.values())
    made.anchored = any(part.anchored for part in parts.values())
    made.flat = Flat(parts) if all(part.layout for part in parts.values()) else None
    known = {f"part_{i}": part for i, part in enumerate(parts.values())}
    lines = [f"    self.{name} = part_{i}()\n" for i, name in enumerate(parts)]
    made.__init__ = compiled(f"def __init__(self):\n{''.join(lines)}", "__init__", known)
    lines = [f"    self.{name}.merge(right.{name})\n" for name in parts]
    made.merge = compiled(f"def merge(self, right):\n{''.join(lines)}", "merge", {})
    return made


class _State(Part):
    """What `@state` adds to a class."""

    __slots__ = ()
    kind = kinds.JSON
    parts: dict[str, type[Part]]

    @classmethod
    def initial(cls):
        state = cls()
        for name, part in cls.parts.items():
            setattr(state, name, part.initial())
        return state

    def present(self) -> str:
        return write_object(
            (name, write_json(part.kind, getattr(self, name).present())) for name, part in self.parts.items()
        )


def record(cls: type) -> type:
    """Makes a class a value with canonical bytes, field by field, such as the input of a machine::

        @record
        class Approved:
            time: Timestamp
            amount: Decimal[2]

    Several kinds of input are a union: `def step(self, step: Declined | Approved)`.
    """
    fields = hints_of(cls)
    return _give_values(slotted(cls, fields, {}), {name: type_of(field) for name, field in fields.items()}, {})


def machine(cls: type) -> type:
    """Makes a class a machine for `Ordered`: fields with canonical bytes, and a method `step` that takes its
    inputs one after the other::

        @machine
        class Turnstile:
            open: bool
            passed: int

            def step(self, is_coin: bool) -> None:
                self.passed += self.open and not is_coin
                self.open = is_coin

    Fields begin with their default, else with nothing: 0, False, "", None, an empty list, an empty part.
    """
    fields = hints_of(cls)
    if not callable(getattr(cls, "step", None)):
        raise TypeError(f"{cls.__name__} needs a method step, which takes one input")
    types = {name: type_of(field) for name, field in fields.items()}
    defaults = defaults_of(cls, fields)
    begins = {name: defaults[name] if name in defaults else kind.zero() for name, kind in types.items()}
    return _give_values(slotted(cls, fields, {}), types, begins)


def _give_values(made: type, types: dict[str, Type], begins: dict[str, Any]) -> type:
    """Gives a class its constructor, its codec and its equality."""
    _give_code(made, types)

    def __init__(self, *values, **named):
        given = dict(zip(types, values, strict=False)) | named
        if len(values) > len(types) or given.keys() - types.keys():
            raise TypeError(f"{made.__name__} has the fields {', '.join(types)}")
        for name, kind in types.items():
            if name in given:
                setattr(self, name, given[name])
            elif name not in begins:
                raise TypeError(f"{made.__name__} needs {name}")
            else:
                # A part that can change is made anew.
                setattr(self, name, kind.zero() if isinstance(kind, Coded) else fresh(begins[name]))

    def __eq__(self, other):
        return type(self) is type(other) and all(getattr(self, name) == getattr(other, name) for name in types)

    def __repr__(self):
        return f"{made.__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in types)})"

    made.__init__, made.__eq__, made.__repr__, made.__hash__ = __init__, __eq__, __repr__, None
    return made


def _give_code(made: type, types: dict[str, Type]) -> None:
    """`encode` and `decode`, field by field."""
    known: dict[str, Any] = {"new": made.__new__, "cls": made}
    encode, decode = ["def encode(self, out):\n"], ["def decode(data, at):\n    self = new(cls)\n"]
    for i, (name, kind) in enumerate(types.items()):
        known[f"decode_{i}"] = kind.decode
        if isinstance(kind, Coded) and issubclass(kind.coded, Part):
            encode.append(f"    self.{name}.encode(out)\n")
        else:
            known[f"encode_{i}"] = kind.encode
            encode.append(f"    encode_{i}(self.{name}, out)\n")
        decode.append(f"    self.{name}, at = decode_{i}(data, at)\n")
    decode.append("    return self, at\n")
    made.encode = compiled("".join(encode), "encode", known)
    made.decode = staticmethod(compiled("".join(decode), "decode", known))
