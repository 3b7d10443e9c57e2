"""Typed settings of a transform, read from the JSON object that the host hands over."""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from .fields import defaults_of, fresh, hints_of, slotted


def settings(cls: type) -> type:
    """Makes a class the settings of a transform, which takes them between its event and its cells::

        @settings
        class Bots:
            agents: list[str]
            bytes_max: int = 100
            view: Literal["recent", "popular"] = "recent"

    Fields are bool, int, float, str, list, dict[str, …], Literal, other settings, or one of these with `| None`.
    A field without a default must be there; a name that is no field is refused.
    """
    hints = hints_of(cls)
    defaults = defaults_of(cls, hints)
    made = slotted(cls, hints, {})
    made.bifocal_settings = hints, defaults
    return made


def read(annotation: Any, text: str):
    """Settings from a JSON object; what is wrong with them becomes the error of `describe`."""
    try:
        return _value(annotation, json.loads(text or "{}"), "")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"settings {text} do not fit: {error}") from error


def refuse(text: str) -> None:
    """Refuses settings of a transform that takes none."""
    if text not in ("", "{}"):
        raise ValueError(f"settings {text} do not fit: this transform has no settings")


def _value(annotation: Any, value: Any, at: str):
    origin, parts = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "bifocal_settings"):
        return _object(annotation, value, at)
    if origin in (Union, UnionType):
        if value is None and type(None) in parts:
            return None
        return _value(next(part for part in parts if part is not type(None)), value, at)
    if origin is Literal:
        if value in parts and type(value) in map(type, parts):
            return value
        raise ValueError(f"{at} is {json.dumps(value)}, not one of {', '.join(map(json.dumps, parts))}")
    if origin is list and isinstance(value, list):
        return [_value(parts[0], one, f"{at}[{i}]") for i, one in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {name: _value(parts[1], one, f"{at}.{name}") for name, one in value.items()}
    if annotation is float and type(value) in (int, float):
        return float(value)
    if annotation in (bool, int, str, list, dict) and type(value) is annotation:
        return value
    expected = getattr(annotation, "__name__", str(annotation)) if origin is None else str(annotation)
    raise ValueError(f"{at or 'the whole'} is {json.dumps(value)}, not of type {expected}")


def _object(cls: type, value: Any, at: str):
    hints, defaults = cls.bifocal_settings
    if not isinstance(value, dict):
        raise ValueError(f"{at or 'the whole'} is {json.dumps(value)}, not an object")
    unknown = [name for name in value if name not in hints]
    if unknown:
        raise ValueError(f"unknown field `{unknown[0]}`, expected {', '.join(f'`{name}`' for name in hints)}")
    made = cls()
    for name, hint in hints.items():
        if name in value:
            found = _value(hint, value[name], f"{at}.{name}" if at else name)
        elif name in defaults:
            found = fresh(defaults[name])
        elif get_origin(hint) in (Union, UnionType) and type(None) in get_args(hint):
            found = None
        else:
            raise ValueError(f"missing field `{name}`")
        setattr(made, name, found)
    return made
