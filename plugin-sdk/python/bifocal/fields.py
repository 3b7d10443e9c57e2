"""From a class of an author to one with slots: annotated fields, their defaults, and functions made for them.

What runs for every event or cell is compiled once for the fields at hand, as `dataclasses` does it, so that
no loop over fields is left. This happens when a module is imported, and so when a component is built.
"""

from __future__ import annotations

from copy import deepcopy
from inspect import get_annotations
from typing import Any


def hints_of(cls: type) -> dict[str, Any]:
    """The annotated fields of a class, in their order, annotations evaluated."""
    own = get_annotations(cls, eval_str=True)
    if not own:
        raise TypeError(f"{cls.__name__} needs at least one field with an annotation")
    return own


def slotted(cls: type, fields, members: dict[str, Any], base: tuple[type, ...] = ()) -> type:
    """The class with its fields as slots, its own methods, and `members`."""
    kept = {
        name: member
        for name, member in vars(cls).items()
        if name not in fields and name not in ("__dict__", "__weakref__") and not name.startswith("__annot")
    }
    slots = {"__slots__": tuple(fields), "__match_args__": tuple(fields), "__qualname__": cls.__qualname__}
    bases = base or cls.__bases__
    made = type(cls)(cls.__name__, bases, kept | members | slots)
    for member in vars(made).values():
        _rebind(member, cls, made)
    return made


def _rebind(member, old: type, new: type) -> None:
    """Methods that say `super()` or `__class__` mean the new class."""
    for cell in getattr(getattr(member, "__func__", member), "__closure__", None) or ():
        try:
            if cell.cell_contents is old:
                cell.cell_contents = new
        except ValueError:
            continue


def defaults_of(cls: type, fields) -> dict[str, Any]:
    return {name: vars(cls)[name] for name in fields if name in vars(cls)}


def compiled(source: str, name: str, known: dict[str, Any]):
    """The function `name` of Python source that sees `known`."""
    members: dict[str, Any] = dict(known)
    exec(compile(source, f"<made for {name}>", "exec"), members)
    return members[name]


def fresh(value):
    """A copy of a default that can change, such as a list; others are shared."""
    return deepcopy(value) if isinstance(value, (list, dict, set, bytearray)) else value
