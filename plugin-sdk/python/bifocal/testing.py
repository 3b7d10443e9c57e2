"""A bench for testing transforms natively: JSON events in, rows and rejections out, and the laws of the
contract tried on every cut. No host, no WebAssembly. Slow on purpose, so that it is plain.
"""

from __future__ import annotations

import json
from array import array
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from re import fullmatch
from typing import Any

from .columns import Blobs, Column, build, present_rows, read, read_text
from .decimals import parse_decimal
from .description import Field
from .jsontext import Json, JsonError, write_object, write_json
from .kinds import Kind
from .plugin import Transform
from .times import _DAY_MS, rfc3339

_ZONE = r"(?:[zZ]|([+-])(\d\d):(\d\d))?"
_INSTANT = rf"(\d{{4}})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?{_ZONE})?"
_UNITS = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}


class UnfitError(ValueError):
    """Why an event is rejected before the transform sees it."""


@dataclass(slots=True)
class Events:
    """A chunk, as `Transform.fold` takes it."""

    times: bytes
    columns: list[Column]


@dataclass(slots=True)
class _Record:
    offset: int
    time: int
    inputs: list


@dataclass(slots=True)
class _Part:
    """Cells of some events by (key, window), and the (offset, reason) of rejections among them."""

    cells: dict[tuple, bytes] = field(default_factory=dict)
    rejected: list[tuple[int, str]] = field(default_factory=list)


class Bench:
    """A transform with its settings and the events that it is tried on::

        bench = Bench(revenue)
        bench.append('{"ts":"2026-11-20T21:04:00Z","merchant_id":"m-1","amount":12.5}')
        bench.append(ts="2026-11-20T21:05:00Z", merchant_id="m-1", amount="twelve")
        assert bench.rows() == ['{"merchant_id":"m-1","window":"2026-11-20T21:00:00Z","amount":12.50}']
        assert bench.rejected() == [(1, 'amount: "twelve" is not of kind Decimal(2)')]
        bench.check_laws()

    Events have their time where the transform says (`time="ts"`), or at the path `time` given here.
    """

    def __init__(self, transform: Transform, settings: dict | None = None, time: str | None = None):
        self.transform = transform
        self.settings = json.dumps(settings or {})
        self.description = transform.describe(self.settings)
        annotations = dict(self.description.annotations)
        self._time = time if time is not None else annotations.get("time")
        self._unit = annotations.get("time-unit")
        self._records: list[_Record] = []
        self._unfit: list[tuple[int, str]] = []
        self.ignored = 0
        """How many events the filter did not want."""
        self._next = 0

    def append(self, payload: str | None = None, /, **members) -> int:
        """Appends an event, the text of a JSON object or its members, and returns its offset.

        `ValueError` if it has no time: a host refuses such a line, it is no event at all.
        """
        text = Json(json.dumps(members) if payload is None else payload)
        time = 0 if self._time is None else _time(text, self._time, self._unit)
        return self.append_at(time, text)

    def append_at(self, time: int, payload: str) -> int:
        """Appends an event with a time of its own, in milliseconds UTC."""
        text, offset = Json(payload), self._next
        self._next += 1
        if not self._is_wanted(text):
            self.ignored += 1
            return offset
        try:
            inputs = [_input(one, offset, time, text, self._unit) for one in self.description.inputs]
        except UnfitError as why:
            self._unfit.append((offset, str(why)))
        else:
            self._records.append(_Record(offset, time, inputs))
        return offset

    def _is_wanted(self, payload: Json) -> bool:
        only = self.description.only
        if only is None:
            return True
        found = _raw_at(payload, only.path)
        try:
            return found is not None and found.text() in only.one_of
        except JsonError:
            return False

    def rows(self, without_broken: bool = False) -> list[str]:
        """The view: one JSON object a cell, keys, window, outputs, in the order in which a host has them.

        A cell whose value does not fit its column fails; a host leaves it out, as `without_broken` does.
        """
        cells = self._fold(0, len(self._records)).cells
        rows = []
        for place in sorted(cells, key=_order):
            try:
                rows.append(self._row(place, cells[place]))
            except ValueError:
                if not without_broken:
                    raise
        return rows

    def _row(self, place: tuple, state: bytes) -> str:
        said, (key, window) = self.description, place
        states = Blobs.join([state])
        if said.initial is not None:
            states = self.transform.merge(Blobs.join([said.initial]), states)
        keys = [build(one.kind, [part]) for one, part in zip(said.keys, key)]
        windows = b"" if window is None else array("q", [window]).tobytes()
        outputs = self.transform.present(keys, windows, states)
        members = [(one.name, write_json(one.kind, part)) for one, part in zip(said.keys, key)]
        if window is not None:
            members.append(("window", f'"{rfc3339(window)}"'))
        for one, column in zip(said.outputs, outputs):
            (value,) = _values(column, one.kind, 1)
            members.append((one.name, write_json(one.kind, value)))
        return write_object(members)

    def states(self) -> dict[tuple, bytes]:
        """The bytes of each cell, by (key, window start in milliseconds or None), before any merge."""
        return self._fold(0, len(self._records)).cells

    def rejected(self) -> list[tuple[int, str]]:
        """Offsets of rejected events with the reasons, ascending."""
        return sorted(self._fold(0, len(self._records)).rejected + self._unfit)

    def check_laws(self) -> None:
        """Tries the laws on the events so far: *split* at every cut, *associative* at cuts into three, *monotone*
        on every event, *order-free* if it is claimed. `AssertionError` names the first that is broken."""
        total = len(self._records)
        whole = self._fold(0, total)
        for cut in range(total + 1):
            left, right = self._fold(0, cut), self._fold(cut, total)
            merged = self._merge(left, right)
            _same("split", f"cut at {cut} of {total}", whole, merged)
            if self.description.order_free:
                swapped = self._merge(right, left)
                swapped.rejected.sort()
                _same("order-free", f"cut at {cut} of {total}", merged, swapped)
            middle = cut // 2
            tail = self._merge(self._fold(middle, cut), right)
            other = self._merge(self._fold(0, middle), tail)
            _same("associative", f"cuts at {middle} and {cut} of {total}", whole, other)
        reasons = dict(whole.rejected)
        for row, one in enumerate(self._records):
            alone = dict(self._fold(row, row + 1).rejected)
            if alone.get(one.offset) != reasons.get(one.offset):
                verdicts = f"{alone.get(one.offset)!r}, among others {reasons.get(one.offset)!r}"
                raise AssertionError(f"law monotone: event {one.offset} alone is {verdicts}")

    def events(self, start: int = 0, end: int | None = None) -> Events:
        """Some of the events as one chunk."""
        records = self._records[start:end]
        times = array("q", [one.time for one in records]).tobytes()
        columns = [build(one.kind, [record.inputs[i] for record in records]) for i, one in enumerate(self.description.inputs)]
        return Events(times, columns)

    def _fold(self, start: int, end: int) -> _Part:
        folded = self.transform.fold(self.events(start, end), self.settings)
        states = folded.states.cut()
        keys = [_values(column, one.kind, len(states)) for column, one in zip(folded.keys, self.description.keys)]
        windows = array("q", folded.windows) if self.description.window is not None else [None] * len(states)
        part = _Part(rejected=[(self._records[start + row].offset, reason) for row, reason in folded.rejected])
        for row, state in enumerate(states):
            place = tuple(values[row] for values in keys), windows[row]
            if place in part.cells:
                raise AssertionError(f"two cells are {_shown(place)}")
            part.cells[place] = state
        return part

    def _merge(self, left: _Part, right: _Part) -> _Part:
        both = [place for place in left.cells if place in right.cells]
        pairs = (Blobs.join([part.cells[place] for place in both]) for part in (left, right))
        merged = dict(zip(both, self.transform.merge(*pairs).cut()))
        return _Part(left.cells | right.cells | merged, left.rejected + right.rejected)


def check_fixtures(transform: Transform, directory: str | Path) -> None:
    """Tries every `CASE/{events,expected,rejected}.ndjson` in `directory`, with the settings in
    `CASE/settings.json` if it is there, and the laws on the events of each.

    `expected` holds the rows of the view, members in the order of the columns. A line of `rejected` is
    `{"offset":N,"reason":"..."}`: the reason given must contain this one. `AssertionError` names the case and the
    first difference.
    """
    cases = sorted(case for case in Path(directory).iterdir() if case.is_dir())
    assert cases, f"{directory}: no case is there"
    for case in cases:
        settings = case / "settings.json"
        bench = Bench(transform, json.loads(settings.read_text()) if settings.exists() else None)
        for line in lines(case / "events.ndjson"):
            bench.append(line)
        expected, rows = map(_plain, lines(case / "expected.ndjson")), map(_plain, bench.rows())
        _equal(f"{case.name}: row", list(expected), list(rows))
        wanted = [json.loads(line) for line in lines(case / "rejected.ndjson")]
        rejected = bench.rejected()
        for i, one in enumerate(wanted[: len(rejected)]):
            if one["offset"] == rejected[i][0] and one.get("reason", "") in rejected[i][1]:
                wanted[i] = rejected[i]
        _equal(f"{case.name}: rejection", wanted, rejected)
        bench.check_laws()


def lines(file: Path) -> list[str]:
    """The lines of a file, without the blank ones."""
    return [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]


def _plain(row: str) -> Any:
    """A row without its blanks: members in their order, numbers as they stand."""
    return json.loads(row, object_pairs_hook=tuple, parse_int=str, parse_float=str)


def _equal(what: str, expected: list, got: list) -> None:
    for i in range(max(len(expected), len(got))):
        one, other = (values[i] if i < len(values) else None for values in (expected, got))
        if one != other:
            raise AssertionError(f"{what} {i}: expected {one!r}, got {other!r}")


def _same(law: str, at: str, expected: _Part, got: _Part) -> None:
    if expected.rejected != got.rejected:
        raise AssertionError(f"law {law}, {at}: rejected {expected.rejected} and {got.rejected}")
    for place in expected.cells | got.cells:
        one, other = expected.cells.get(place), got.cells.get(place)
        if one != other:
            raise AssertionError(f"law {law}, {at}: {_shown(place)} is {one and one.hex()} and {other and other.hex()}")


def _shown(place: tuple) -> str:
    key, window = place
    return f"key {key!r}" + ("" if window is None else f" in window {rfc3339(window)}")


def _order(place: tuple) -> tuple:
    """Null first, then by value, then the window."""
    key, window = place
    return tuple((part is not None, part) if part is not None else (False,) for part in key), window or 0


def _values(column: Column, kind: Kind, rows: int) -> list:
    if kind.name == "text":
        codes, texts = read_text(column, rows)
        return [texts[code] for code in codes]
    return list(read(column, kind, rows))


def _raw_at(payload: Json, path: str) -> Json | None:
    """The JSON text at a path; None if nothing or null is there."""
    if path.startswith("/"):
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    else:
        steps = path.split(".")
    at = payload
    for step in steps:
        try:
            if at.strip().startswith("["):
                elements = at.list(len(at))
                at = elements[int(step)] if fullmatch("[0-9]+", step) and int(step) < len(elements) else None
            else:
                at = at.member(step)
        except JsonError:
            return None
        if at is None or at.is_null():
            return None
    return at


def _input(one: Field, offset: int, time: int, payload: Json, unit: str | None):
    """The value of an input; `UnfitError`: why the event is to be rejected."""
    if one.path == "":
        return payload.encode()
    if one.path == "@offset":
        return offset
    if one.path in ("@time", "@ingested"):
        return time
    raw = None if one.path.startswith("@") else _raw_at(payload, one.path)
    if raw is None:
        if one.required:
            raise UnfitError(f"{one.path}: is missing")
        return None
    try:
        return _parse(one.kind, raw, unit)
    except (ValueError, JsonError):
        raise UnfitError(f"{one.path}: {raw} is not of kind {one.kind}") from None


def _parse(kind: Kind, raw: Json, unit: str | None):
    """JSON text as a value of a kind."""
    name = kind.name
    if name == "boolean":
        return raw.boolean()
    if name == "integer":
        return raw.integer()
    if name == "float":
        return raw.float()
    if name == "text":
        return raw.text()
    if name == "binary":
        return b64decode(raw.text(), validate=True)
    if name == "decimal":
        return raw.decimal(kind.digits)
    if name == "timestamp":
        return _instant_at(raw, unit)
    return raw


def _time(payload: Json, path: str, unit: str | None) -> int:
    """The event's time."""
    raw = _raw_at(payload, path)
    if raw is None:
        raise ValueError(f"{path}: the time is missing")
    try:
        return _instant_at(raw, unit)
    except (ValueError, JsonError):
        raise ValueError(f"{path}: {raw} is not a time") from None


def _instant_at(raw: Json, unit: str | None) -> int:
    """Milliseconds UTC of a text, or of a number in the unit that the transform states."""
    if raw.startswith('"'):
        return instant(raw.text())
    if unit is None:
        raise ValueError("the unit of this number is not known")
    times, parts = _UNITS[unit]
    return raw.integer() * times // parts


def instant(text: str) -> int:
    """Milliseconds UTC of RFC 3339, or the same without a zone, which is UTC; also a space for the T, or a date."""
    found = fullmatch(_INSTANT, text)
    if not found:
        raise ValueError(f"{text} is not a time")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        raise ValueError(f"{text} is not a time")
    fraction, sign, zone_hours, zone_minutes = found.groups()[6:]
    ms = int((fraction or "0").ljust(3, "0")[:3])
    zone_ms = (int(zone_hours or 0) * 60 + int(zone_minutes or 0)) * 60_000 * (-1 if sign == "-" else 1)
    return _days(year, month, day) * _DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + ms - zone_ms


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
