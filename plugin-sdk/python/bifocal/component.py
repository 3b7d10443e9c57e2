"""The component's side of the boundary. Imports what componentize-py generates from `wit/transform.wit`, so it
is imported in a component only; `bifocal_component.py` beside this package is what is componentised.
"""

from __future__ import annotations

import gc
from types import ModuleType

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import transform as wire
from wit_world.imports import host

from . import hazards, log
from .description import Description, Field
from .kinds import Kind
from .plugin import Transform


def prepare() -> None:
    """What is to be done before the author's module is imported."""
    hazards.forbid()


def transform_of(module: ModuleType) -> Transform:
    """The one transform of an author's module."""
    # For errors: there are no files when the component runs.
    _SOURCES[module.__file__] = (module.__loader__.get_source(module.__name__) or "").splitlines()
    found = {id(member): member for member in vars(module).values() if isinstance(member, Transform)}
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must hold one transform, not {len(found)}: a function with @transform")
    return next(iter(found.values()))


def export(transform: Transform) -> type:
    """The class that componentize-py looks for under the name `Transform`."""

    class Exported(exports.Transform):
        def describe(self):
            return _told(lambda: _description(transform.describe(host.settings())))

        def fold(self, events):
            return _told(lambda: _folded(transform.fold(events, _settings(transform))))

        def merge(self, left, right):
            return _told(lambda: _blobs(transform.merge(left, right)))

        def present(self, keys, windows, states):
            return _told(lambda: list(map(_column, transform.present(keys, windows, states))))

    log.write_by(lambda level, message: host.log(host.Level[level.upper()], message))
    hazards.print_to_log()
    transform.prepare()
    # Nothing that is there when the snapshot is taken is ever garbage, and an instance lives for one call.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    return Exported


_SOURCES: dict[str, list[str]] = {}
_FRAMES_SHOWN = 6  # at either end
_FOLDER = __file__.removesuffix("component.py")


def _told(call):
    """Makes every exception an error with its text: one that leaves a component is a trap without a word.

    What the SDK itself refuses is told in a sentence. What an author's code raised is told with where it did.
    """
    try:
        return call()
    except BaseException as error:  # SystemExit too
        if isinstance(error, ValueError) and _is_own(error):
            raise Err(str(error)) from None
        text = _told_with_place(error)
    log.error(text)
    raise Err(text)


def _told_with_place(error: BaseException) -> str:
    """What was raised, and where, the most recent call last.

    Python's `traceback` looks for the source in files, of which there are none. What leads from the host to the
    author's function is left out.
    """
    frames, place = [], error.__traceback__
    while place:
        frames.append((place.tb_frame.f_code, place.tb_lineno))
        place = place.tb_next
    own = [code.co_filename.startswith(_FOLDER) or code.co_filename.startswith("<made for") for code, _ in frames]
    frames = frames[own.index(False) :] if False in own else frames
    lines = [f"{type(error).__name__}: {error}"]
    for i, (code, number) in enumerate(frames):
        if _FRAMES_SHOWN <= i < len(frames) - _FRAMES_SHOWN:
            if i == _FRAMES_SHOWN:
                lines.append("  …")
            continue
        lines.append(f'  File "{code.co_filename}", line {number}, in {code.co_name}')
        source = _SOURCES.get(code.co_filename, [])
        if number <= len(source):
            lines.append(f"    {source[number - 1].strip()}")
    return "\n".join(lines)


def _is_own(error: BaseException) -> bool:
    """Whether the SDK raised it, about bytes or about a value that does not fit a column."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    return bool(place) and place.tb_frame.f_globals.get("__package__", "").split(".")[0] == __package__


def _settings(transform: Transform) -> str:
    return host.settings() if transform.has_settings() else "{}"


def _blobs(blobs):
    return wire.Blobs(blobs.ends, blobs.bytes)


def _column(column):
    return wire.Column(column.fixed, _blobs(column.heap), column.validity)


def _folded(folded):
    cells = wire.Cells(list(map(_column, folded.keys)), folded.windows, _blobs(folded.states))
    return wire.Folded(cells, [wire.Rejection(row, reason) for row, reason in folded.rejected])


def _kind(kind: Kind):
    named = getattr(wire, f"Kind_{kind.name.capitalize()}")
    return named(kind.digits) if kind.name == "decimal" else named()


def _field(field: Field):
    return wire.Field(field.name, field.path, _kind(field.kind), field.required)


def _description(said: Description):
    return wire.Description(
        name=said.name,
        summary=said.summary,
        inputs=list(map(_field, said.inputs)),
        keys=list(map(_field, said.keys)),
        outputs=list(map(_field, said.outputs)),
        only=wire.Filter(said.only.path, said.only.one_of) if said.only else None,
        window=wire.Window(said.window.size_ms, said.window.slide_ms) if said.window else None,
        order=wire.Order.NONE if said.order_free else wire.Order.LOG,
        initial=said.initial,
        annotations=said.annotations,
    )
