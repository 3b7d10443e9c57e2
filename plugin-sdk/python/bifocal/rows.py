"""The row interface: one call of the author's function for each event. Owns verdicts on rows and their undoing.

The loop over rows is made for the fields of the events: it assigns what the columns yield to the slots of
one object and calls the function. Nothing is allocated for a row but what its values are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from operator import length_hint

from .cells import CellsOf, Chunk
from .columns import narrowed, read, read_text, s64s
from .description import Window
from .events import InputColumn, Reading
from .fields import compiled
from .kinds import TEXT
from .reject import Reject
from .values import Number


class Unread(Reject):
    """A row that is no event of its class: the function never saw it."""


class Unfit:
    """Stands in a column for a value that does not fit the width of its field."""

    __slots__ = ("reason",)

    def __init__(self, input, value: int):
        held = input.type
        self.reason = f"{input.shown}: {value} is not within {held.least} and {held.greatest}"


class Inputs:
    """The columns of a chunk as sequences of Python's own values."""

    def __init__(self, reading: Reading, columns: Sequence, rows: int):
        expected = len(reading.columns) + (reading.tag is not None)
        if len(columns) != expected:
            raise ValueError(f"{len(columns)} columns for {expected} inputs")
        self.has_unfit = False
        self.names = [column.input.shown for column in reading.columns]
        self.texts: dict[int, list[str | None]] = {}
        self.columns = [self._read(place, column, columns[place], rows) for place, column in enumerate(reading.columns)]
        self.tags = self._tags(reading, columns[-1], rows) if reading.tag is not None else None

    def _read(self, place: int, column: InputColumn, wire, rows: int) -> Sequence:
        """Values of a column; of text the codes, with the texts apart."""
        input = column.input
        try:
            if input.type.kind is TEXT:
                codes, self.texts[place] = read_text(wire, rows)
                is_absent = column.required and None in self.texts[place]
                absent = codes.index(len(self.texts[place]) - 1) if is_absent else None
                values = codes
            else:
                values = read(wire, input.type.kind, rows)
                # Only a list can have a None: all other sequences are buffers.
                is_absent = column.required and isinstance(values, list) and wire.validity and None in values
                absent = values.index(None) if is_absent else None
        except ValueError as error:
            raise ValueError(f"input '{input.shown}': {error}") from error
        if absent is not None:
            raise ValueError(f"input '{input.shown}' is required but absent in row {absent}")
        return self._within(column, values)

    def _within(self, column: InputColumn, values: Sequence) -> Sequence:
        if not column.is_narrow():
            return values
        held: Number = column.input.type
        least, greatest = held.least, held.greatest
        if all(value is None or least <= value <= greatest for value in values):
            return values
        self.has_unfit = True
        fits = lambda value: value is None or least <= value <= greatest  # noqa: E731
        return [value if fits(value) else Unfit(column.input, value) for value in values]

    @staticmethod
    def _tags(reading: Reading, wire, rows: int) -> list:
        """For each row the number of its variant; its text if it is none."""
        codes, texts = read_text(wire, rows)
        if None in texts and len(texts) - 1 in codes:
            raise ValueError(f"input '{reading.tag}' is required but absent in row {codes.index(len(texts) - 1)}")
        numbers = {variant.name: number for number, variant in enumerate(reading.variants)}
        tags = [numbers.get(text, text) for text in texts]
        return list(map(tags.__getitem__, narrowed(codes, len(tags))))

    def sequences(self) -> list[Sequence]:
        """All columns, the tag last, texts as themselves."""
        shown = [self._shown(place, values) for place, values in enumerate(self.columns)]
        return shown if self.tags is None else [*shown, self.tags]

    def _shown(self, place: int, values: Sequence) -> Sequence:
        if place not in self.texts:
            return values
        try:
            texts = self.texts[place]
            return list(map(texts.__getitem__, narrowed(values, len(texts))))
        except IndexError as error:
            raise ValueError(f"input '{self.names[place]}': a code lies beyond its dictionary") from error


class Rows:
    """A transform by rows."""

    def __init__(self, reading: Reading, of: CellsOf, function: Callable, has_settings: bool):
        self.reading = reading
        self.of = of
        self.function = function
        self.has_settings = has_settings
        known = {"Reject": Reject, "Unfit": Unfit, "Unread": Unread}
        self._run = compiled(self._source(hopping=False), "run", known)
        self._run_hopping = compiled(self._source(hopping=True), "run", known)

    def _source(self, hopping: bool) -> str:
        """`run(function, settings, event_0, event_1, …, rows, has_unfit, window, hops, reject)`."""
        reading = self.reading
        events = [f"event_{i}" for i in range(len(reading.variants))]
        call = "function(event, settings, cells)" if self.has_settings else "function(event, cells)"
        if reading.tag is None:
            # The loop assigns the slots itself.
            targets = [f"event.{input.name}" for input in reading.variants[0].inputs]
            body = self._checks(0, targets)
        else:
            targets = [*(f"value_{place}" for place in range(len(reading.columns))), "tag"]
            body = []
            for i, variant in enumerate(reading.variants):
                names = [f"value_{place}" for place in reading.places[i]]
                assigned = [f"event.{input.name} = {name}" for input, name in zip(variant.inputs, names)]
                body.append(f"{'if' if i == 0 else 'elif'} tag == {i}:")
                body += indented([f"event = event_{i}", *self._checks(i, names), *assigned])
            body += ["else:", f"    raise Unread(f\"{reading.tag}: '{{tag}}' is no event of this transform\")"]
        if hopping:
            calls = ["for hop in hops:", "    cells = window(time, hop)[2]", f"    {call}"]
            turn = []
        else:
            calls = [call]
            turn = ["if not low <= time < high:", "    low, high, cells = window(time, 0)"]
        tried = ["try:", *indented([*body, *calls]), "except Reject as why:", "    reject(why, event)"]
        return "\n".join(
            [
                f"def run(function, settings, {', '.join(events)}, rows, has_unfit, window, hops, reject):",
                "    event = event_0",
                "    low = high = 0",
                f"    for time, {', '.join(targets)} in rows:",
                *indented([*turn, *tried], "        "),
            ]
        )

    def _checks(self, variant: int, names: list[str]) -> list[str]:
        """What a row must have to be an event of its class."""
        lines = []
        for input, place, name in zip(self.reading.variants[variant].inputs, self.reading.places[variant], names):
            column = self.reading.columns[place]
            if column.is_narrow():
                lines += [f"if has_unfit and {name}.__class__ is Unfit:", f"    raise Unread({name}.reason)"]
            if not input.optional and not column.required:
                lines += [f"if {name} is None:", f"    raise Unread({input.shown + ': is missing'!r})"]
        return lines

    def fold(self, events, settings, window: Window | None) -> tuple[Chunk, list[tuple[int, str]]]:
        """Cells and rejected rows.

        Nothing is kept for undoing: if a row is rejected *after* it has asked for a cell, the chunk is folded
        again without the rows rejected so far, which leaves no trace of them by construction and costs
        nothing where none is.
        """
        times = s64s(events.times).tolist()
        inputs = Inputs(self.reading, events.columns, len(times))
        sequences = inputs.sequences()
        rejected: dict[int, str] = {}
        while True:
            chunk = Chunk(self.of, window)
            if self._pass(chunk, settings, times, sequences, inputs.has_unfit, rejected):
                return chunk, sorted(rejected.items())

    def _pass(self, chunk: Chunk, settings, times, sequences, has_unfit: bool, rejected: dict[int, str]) -> bool:
        """Runs all rows but those in `rejected`, to which it adds. False: a row was rejected that had asked for a
        cell, so the cells are not clean."""
        numbers: Sequence[int] = range(len(times))
        if rejected:
            kept = [row not in rejected for row in numbers]
            numbers, times = list(compress(numbers, kept)), list(compress(times, kept))
            sequences = [list(compress(values, kept)) for values in sequences]
        is_clean = True
        at = iter(times)

        def reject(why: Reject, event) -> None:
            nonlocal is_clean
            rejected[numbers[len(numbers) - 1 - length_hint(at)]] = str(why)
            is_clean = is_clean and not self._touches(why, event, settings, chunk)

        events = [variant.cls() for variant in self.reading.variants]
        hops = range(1 if chunk.panes else chunk.hops)
        run = self._run if len(hops) == 1 else self._run_hopping
        run(self.function, settings, *events, zip(at, *sequences), has_unfit, chunk.turn, hops, reject)
        return is_clean

    def _touches(self, why: Reject, event, settings, chunk: Chunk) -> bool:
        """Whether an event asks for a cell before it is rejected. It is asked again, of cells apart: so nothing
        has to be noted for the events that are not rejected, which are nearly all."""
        if isinstance(why, Unread):
            return False
        apart = chunk.apart()
        cells = apart.window(0)
        try:
            self.function(event, settings, cells) if self.has_settings else self.function(event, cells)
        except Reject:
            return bool(apart.cells)
        return True


def indented(lines: list[str], by: str = "    ") -> list[str]:
    return [by + line for line in lines]
