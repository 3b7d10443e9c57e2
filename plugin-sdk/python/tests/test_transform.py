"""Transforms as a host calls them: descriptions, verdicts, windows, rows and columns."""

import json
import os
import subprocess
import sys
import unittest
from array import array
from typing import Literal

from bifocal import (
    U8,
    Cells,
    Columns,
    Count,
    Decimal,
    FirstSeen,
    Groups,
    Json,
    LastSeen,
    Map,
    Ordered,
    OutOfRange,
    Set,
    Sum,
    Timestamp,
    Window,
    event,
    key,
    machine,
    output,
    path,
    reject,
    settings,
    state,
    transform,
)
from bifocal.columns import Blobs, Column, build, read
from bifocal.description import Description, Field, Filter
from bifocal.kinds import BOOLEAN, FLOAT, INTEGER, JSON, TEXT, TIMESTAMP, decimal_kind
from bifocal.testing import Bench, Events

from .dice import dice

MINUTE_MS, HOUR_MS = 60_000, 3_600_000


@event
class Reading:
    place: str | None
    n: int
    small: U8 | None
    time: Timestamp = path("@time")
    offset: int = path("@offset")


@key
class Place:
    place: str | None


@state
class Free:
    count: Count
    sum: Sum[int]
    seen: Set[int]


@state
class Logged:
    count: Count
    first: FirstSeen[int]
    last: LastSeen[int]


def by_rows(state_class, **said):
    @transform(**said)
    def readings(reading: Reading, cells: Cells[Place, state_class]) -> None:
        if reading.n == 13:
            reject("13 is rejected before it touches anything")
        cell = cells[reading.place]
        cell.count.add()
        if state_class is Free:
            cell.sum.add(reading.n)
            cell.seen.add(reading.n)
        else:
            cell.first.see(reading.n)
            cell.last.see(reading.n)
        if reading.n % 10 == 7:
            reject(f"{reading.n} is rejected too late")

    return readings


def by_columns(state_class, **said):
    @transform(**said)
    def readings(readings: Columns[Reading], cells: Groups[Place, state_class]) -> None:
        readings = readings.reject(readings.n == 13, "13 is rejected before it touches anything")
        late = readings.n.mask(lambda n: n % 10 == 7)
        readings = readings.reject(late, lambda row: f"{readings.n[row]} is rejected too late")
        for cell, numbers in cells.by(readings, readings.place, of=readings.n):
            cell.count.add(len(numbers))
            if state_class is Free:
                cell.sum.add_all(numbers)
                cell.seen.add_all(numbers)
            else:
                cell.first.see(numbers[0])
                cell.last.see(numbers[-1])

    return readings


def filled(made, readings):
    bench = Bench(made)
    for time, place, n, small in readings:
        bench.append_at(time, json.dumps({"place": place, "n": n, "small": small}))
    return bench


def random_readings(count=30):
    return [
        (
            dice.randrange(-2 * HOUR_MS, 3 * HOUR_MS) if dice.random() < 0.9 else dice.choice([0, -1, HOUR_MS, -HOUR_MS]),
            dice.choice(["a", "b", "märz", "", None]),
            dice.randrange(40),
            dice.choice([None, 0, 255, 256, -1, 3]),
        )
        for _ in range(count)
    ]


def straight_loop(readings, size_ms, slide_ms):
    """Numbers by (place, window) and rejected offsets, one event and one window at a time."""
    cells, rejected = {}, []
    for offset, (time, place, n, small) in enumerate(readings):
        if small is not None and not 0 <= small <= 255:
            rejected.append((offset, f"small: {small} is not within 0 and 255"))
        elif n == 13:
            rejected.append((offset, "13 is rejected before it touches anything"))
        elif n % 10 == 7:
            rejected.append((offset, f"{n} is rejected too late"))
        else:
            for start in range(-4 * HOUR_MS, 4 * HOUR_MS, slide_ms):
                if start <= time < start + size_ms:
                    cells.setdefault(((place,), start), []).append(n)
    return cells, rejected


class Folding(unittest.TestCase):
    def test_rows_and_columns_are_a_straight_loop_over_events_in_every_window(self):
        for said, size_ms, slide_ms in [
            ({"window": "1h"}, HOUR_MS, HOUR_MS),
            ({"window": "1h", "slide": "15m"}, HOUR_MS, 15 * MINUTE_MS),
        ]:
            for made in (by_rows, by_columns):
                for state_class in (Free, Logged):
                    for _ in range(25):
                        readings = random_readings()
                        bench = filled(made(state_class, **said), readings)
                        cells, rejected = straight_loop(readings, size_ms, slide_ms)
                        expected = {}
                        for place, numbers in cells.items():
                            part = state_class()
                            part.count.add(len(numbers))
                            if state_class is Free:
                                part.sum.add_all(numbers)
                                part.seen.add_all(numbers)
                            else:
                                part.first.see(numbers[0])
                                part.last.see(numbers[-1])
                            expected[place] = bytearray()
                            part.encode(expected[place])
                        self.assertEqual(bench.rejected(), rejected)
                        self.assertEqual(bench.states(), expected)

    def test_the_laws_hold(self):
        for made in (by_rows, by_columns):
            for state_class in (Free, Logged):
                for said in ({}, {"window": "1h"}, {"window": "1h", "slide": "30m"}):
                    filled(made(state_class, **said), random_readings(14)).check_laws()

    def test_one_global_window_holds_all_times(self):
        bench = filled(by_rows(Free), [(time, "a", 1, None) for time in (0, -(2**63), 2**63 - 1)])
        self.assertEqual(bench.rows(), ['{"place":"a","count":3,"sum":3,"seen":1}'])

    def test_a_time_too_early_to_have_a_window_fails(self):
        for slide in ("1h", "30m"):
            for state_class in (Free, Logged):
                bench = filled(by_rows(state_class, window="1h", slide=slide), [(-(2**63), "a", 1, None)])
                with self.assertRaisesRegex(OverflowError, "too early to have a window"):
                    bench.rows()
        # An event that asks for no cell needs no window.
        self.assertEqual(len(filled(by_rows(Free, window="1h"), [(-(2**63), "a", 13, None)]).rejected()), 1)

    def test_an_error_of_the_author_is_the_error_of_the_call(self):
        @transform()
        def failing(reading: Reading, cells: Cells[Place, Free]) -> None:
            cells[reading.place].sum.add(1 // reading.n)

        with self.assertRaises(ZeroDivisionError):
            filled(failing, [(0, "a", 0, None)]).rows()

    def test_malformed_columns_are_errors_that_name_the_input(self):
        made = by_rows(Free)
        bench = filled(made, [(0, "a", 1, None), (1, "b", 2, 3)])
        for damage, what in [
            (lambda events: events.columns.pop(), "4 columns for 5 inputs"),
            (lambda events: setattr(events.columns[1], "fixed", b"\0" * 8), "input 'n': 1 values for 2 rows"),
            (lambda events: setattr(events.columns[1], "validity", b"\1"), "input 'n' is required but absent in row 1"),
            (lambda events: setattr(events.columns[0], "fixed", b"\9" * 8), "input 'place': a code lies beyond"),
            (lambda events: setattr(events.columns[0].heap, "bytes", b"\xff\xff"), "input 'place': 'utf-8' codec"),
            (lambda events: setattr(events.columns[0].heap, "ends", array("I", [1, 9]).tobytes()), "input 'place': the ends"),
        ]:
            events = bench.events()
            damage(events)
            with self.assertRaisesRegex(ValueError, what):
                made.fold(events)

    def test_states_that_do_not_decode_are_named(self):
        made = by_rows(Free)
        good, bad = Blobs.join([bytes(25)]), Blobs.join([bytes(24)])
        for call in (lambda: made.merge(good, bad), lambda: made.merge(bad, good), lambda: made.present([], b"", bad)):
            with self.assertRaisesRegex(ValueError, "state 0: malformed state: it ends within a value"):
                call()
        with self.assertRaisesRegex(ValueError, "1 states at the left, 0 at the right"):
            made.merge(good, Blobs())

    def test_the_bench_finds_what_breaks_a_law(self):
        seen = []

        @transform()
        def impure(reading: Reading, cells: Cells[Place, Free]) -> None:
            seen.append(reading.n)
            cells[reading.place].count.add(len(seen) % 3)

        with self.assertRaisesRegex(AssertionError, "law split"):
            filled(impure, random_readings(6)).check_laws()

        @transform()
        def peeking(reading: Reading, cells: Cells[Place, Free]) -> None:
            if cells[reading.place].count.get() > 1:
                reject("the third of its place")
            cells[reading.place].count.add()

        with self.assertRaisesRegex(AssertionError, "law"):
            filled(peeking, [(0, "a", 1, None)] * 3).check_laws()


class Keys(unittest.TestCase):
    def test_all_forms_of_a_key_are_one_cell(self):
        @key
        class Two:
            n: int
            there: bool

        @transform()
        def forms(reading: Reading, cells: Cells[Two, Free]) -> None:
            for key in [(1, True), Two(1, True), (1.0, 1), (True, True)][reading.n :]:
                cells[key].count.add()

        bench = filled(forms, [(0, "a", n, None) for n in (3, 2, 1, 0)])
        self.assertEqual(bench.rows(), ['{"n":1,"there":true,"count":10,"sum":0,"seen":0}'])

        @transform()
        def single(reading: Reading, cells: Cells[Place, Free]) -> None:
            cells[Place(reading.place)].count.add()
            cells[reading.place].count.add()

        self.assertEqual(len(filled(single, [(0, "a", 1, None), (0, None, 1, None)]).rows()), 2)

    def test_what_is_no_key_is_an_error(self):
        @transform()
        def wrong(reading: Reading, cells: Cells[Place, Free]) -> None:
            cells[[7, ("a", "b"), b"a", 2.5][reading.n]].count.add()

        for n in range(4):
            with self.assertRaises(TypeError):
                filled(wrong, [(0, "a", n, None)]).rows()
        @key
        class Required:
            place: str

        @transform()
        def absent(reading: Reading, cells: Cells[Required, Free]) -> None:
            cells[reading.place].count.add()

        with self.assertRaisesRegex(TypeError, "None is no part of a key of kind text"):
            filled(absent, [(0, None, 1, None)]).rows()
        with self.assertRaisesRegex(TypeError, "a float is no part of a key"):

            @key
            class Weight:
                kilos: float

    def test_a_transform_without_a_key_has_one_cell_a_window(self):
        @transform()
        def total(reading: Reading, cells: Cells[None, Free]) -> None:
            cells[()].sum.add(reading.n)

        @transform()
        def total_by_columns(readings: Columns[Reading], cells: Groups[None, Free]) -> None:
            for cell, numbers in cells.by(readings, of=readings.n):
                cell.sum.add_all(numbers)

        for made in (total, total_by_columns):
            self.assertEqual(filled(made, [(0, "a", n, None) for n in (1, 2)]).rows(), ['{"count":0,"sum":3,"seen":0}'])
            self.assertEqual(filled(made, []).rows(), [])

    def test_cells_of_another_time(self):
        @transform(window="1h")
        def yesterday(reading: Reading, cells: Cells[Place, Free]) -> None:
            cells.at(reading.time - 24 * HOUR_MS)[reading.place].count.add()

        row = '{"place":"a","window":"1969-12-31T00:00:00Z","count":1,"sum":0,"seen":0}'
        self.assertEqual(filled(yesterday, [(5, "a", 1, None)]).rows(), [row])

        @transform(window="1h", slide="30m")
        def hopping(reading: Reading, cells: Cells[Place, Logged]) -> None:
            cells.at(reading.time)[reading.place].last.see(reading.n)

        bench = filled(hopping, [(5, "a", 1, None)])
        self.assertEqual([window for _, window in bench.states()], [0, -30 * MINUTE_MS])


@event(tag="type", name="trip.started")
class Started:
    vehicle: str
    at: Timestamp = path("@time")


@event(tag="type", name="trip.ended")
class Ended:
    vehicle: str
    fare: Decimal[2]
    metres: U8
    note: str | None


@transform(window="1h")
def trips(trip: Started | Ended, cells: Cells[None, Free]) -> None:
    """Trips that ended,
    and their fares.

    More of it.
    """
    if isinstance(trip, Ended):
        cells[()].sum.add(trip.fare)
    else:
        cells[()].count.add()


class Descriptions(unittest.TestCase):
    def test_a_description_says_all_that_the_types_say(self):
        expected = Description(
            name="trips",
            summary="Trips that ended, and their fares.",
            inputs=[
                Field("vehicle", "vehicle", TEXT, True),
                Field("at", "@time", TIMESTAMP, False),
                Field("fare", "fare", decimal_kind(2), False),
                Field("metres", "metres", INTEGER, False),
                Field("note", "note", TEXT, False),
                Field("type", "type", TEXT, True),
            ],
            keys=[],
            outputs=[Field.named("count", INTEGER), Field.named("sum", INTEGER), Field.named("seen", INTEGER)],
            only=Filter("type", ["trip.started", "trip.ended"]),
            window=Window(HOUR_MS, HOUR_MS),
            order_free=True,
            initial=None,
            annotations=[],
        )
        self.assertEqual(trips.describe(), expected)

    def test_events_are_told_apart_by_their_tag(self):
        bench = Bench(trips)
        for line in (
            '{"type":"trip.started","vehicle":"v"}',
            '{"type":"trip.ended","vehicle":"v","fare":1.50,"metres":255}',
            '{"type":"trip.ended","vehicle":"v","metres":255}',
            '{"type":"trip.ended","vehicle":"v","fare":1,"metres":256}',
            '{"type":"trip.ended","fare":1,"metres":1}',
            '{"type":"trip.lost"}',
            "{}",
        ):
            bench.append(line)
        self.assertEqual(bench.ignored, 2)
        reasons = [
            (2, "fare: is missing"),
            (3, "metres: 256 is not within 0 and 255"),
            (4, "vehicle: is missing"),
        ]
        self.assertEqual(bench.rejected(), reasons)
        self.assertEqual(bench.rows(), ['{"window":"1970-01-01T00:00:00Z","count":1,"sum":150,"seen":0}'])
        bench.check_laws()

    def test_a_host_that_does_not_filter_is_told_what_it_let_through(self):
        columns = [
            build(TEXT, ["v"]),
            build(TIMESTAMP, [None]),
            build(decimal_kind(2), [None]),
            build(INTEGER, [None]),
            build(TEXT, [None]),
            build(TEXT, ["trip.lost"]),
        ]
        folded = trips.fold(Events(bytes(8), columns))
        self.assertEqual(folded.rejected, [(0, "type: 'trip.lost' is no event of this transform")])

    def test_machines_make_a_transform_ordered_and_give_it_a_beginning(self):
        @machine
        class Last:
            n: int

            def step(self, n: int) -> None:
                self.n = n

            def present(self) -> int:
                return self.n

        @state
        class Running:
            last: Ordered[Last]
            by_parity: Map[bool, Ordered[Last]]

        @transform()
        def running(reading: Reading, cells: Cells[Place, Running]) -> None:
            cells[reading.place].last.push(reading.n)
            cells[reading.place].by_parity[reading.n % 2 == 1].push(reading.n)

        said = running.describe()
        self.assertEqual((said.order_free, said.initial.hex()), (False, "01" + "00" * 8 + "01" + "00"))
        bench = filled(running, [(0, "a", 1, None), (0, "a", 2, None)])
        self.assertEqual(bench.rows(), ['{"place":"a","last":2,"by_parity":[[false,2],[true,1]]}'])
        bench.check_laws()

    def test_declarations_that_mean_nothing_are_refused_when_they_are_made(self):
        with self.assertRaisesRegex(TypeError, "no part of a state"):

            @state
            class Wrong:
                n: int

        with self.assertRaisesRegex(TypeError, "Sum of what"):

            @state
            class Bare:
                sum: Sum

        with self.assertRaisesRegex(TypeError, "has no default"):

            @event
            class Default:
                n: int = 7

        with self.assertRaisesRegex(TypeError, "a transform is a function of an event"):

            @transform()
            def untyped(reading, cells):
                pass

        with self.assertRaisesRegex(TypeError, "one tag and a name each"):

            @transform()
            def two(reading: Reading | Started, cells: Cells[Place, Free]) -> None:
                pass

        with self.assertRaisesRegex(TypeError, "Columns go with Groups"):

            @transform()
            def mixed(readings: Columns[Reading], cells: Cells[Place, Free]) -> None:
                pass

        for window, slide in [("1h", "25m"), ("1h", "2h"), ("1.5h", None), (None, "1h")]:
            with self.assertRaises(ValueError, msg=(window, slide)):
                by_rows(Free, window=window, slide=slide)

    def test_an_output_of_its_own(self):
        @output
        class Shown:
            mean: float | None
            numbers: Json

        def shown(cell: Free) -> Shown:
            n = cell.count.get()
            if n > 2:
                raise ValueError("out of range: more than two")
            return Shown(cell.sum.units / n if n else None, cell.seen.list())

        made = by_rows(Free, present=shown)
        self.assertEqual([(one.name, one.kind) for one in made.describe().outputs], [("mean", FLOAT), ("numbers", JSON)])
        self.assertEqual(filled(made, [(0, "a", n, None) for n in (2, 1)]).rows(), ['{"place":"a","mean":1.5,"numbers":[1,2]}'])
        with self.assertRaisesRegex(ValueError, "out of range: more than two"):
            filled(made, [(0, "a", 1, None)] * 3).rows()

        @output
        class Wide:
            sum: Decimal[2]

        made = by_rows(Free, present=wide_of(Wide))
        for sign in (1, -1):
            with self.assertRaisesRegex(OutOfRange, rf"out of range: {sign * (2**63 + 8)} does not fit a decimal\(2\)"):
                filled(made, [(0, "a", sign * (2**63 - 6), None), (0, "a", sign * 14, None)]).rows()


def wide_of(wide):
    def shown(cell: Free) -> wide:
        return wide(cell.sum.units)

    return shown


@settings
class Limits:
    most: int
    window_s: int | None
    names: list[str] = ["a"]
    view: Literal["all", "few"] = "all"


@transform(window=lambda limits: limits.window_s and f"{limits.window_s}s")
def limited(reading: Reading, limits: Limits, cells: Cells[Place, Free]) -> None:
    if reading.n > limits.most:
        reject(f"{reading.n} is above {limits.most}")
    if limits.view == "all" or reading.place in limits.names:
        cells[reading.place].count.add()


class Settings(unittest.TestCase):
    def test_settings_decide_the_window_and_reach_the_function(self):
        self.assertEqual(limited.describe('{"most":1}').window, None)
        self.assertEqual(limited.describe('{"most":1,"window_s":60}').window, Window(MINUTE_MS, MINUTE_MS))
        bench = Bench(limited, {"most": 3, "view": "few", "names": ["b"]})
        for place, n in (("a", 1), ("b", 2), ("b", 4)):
            bench.append_at(0, json.dumps({"place": place, "n": n}))
        self.assertEqual(bench.rejected(), [(2, "4 is above 3")])
        self.assertEqual(bench.rows(), ['{"place":"b","count":1,"sum":0,"seen":0}'])

    def test_settings_that_do_not_fit_are_named(self):
        for text, what in [
            ("{}", "missing field `most`"),
            ('{"most":"1"}', 'most is "1", not of type int'),
            ('{"most":true}', "most is true, not of type int"),
            ('{"most":1,"least":0}', "unknown field `least`, expected `most`, `window_s`, `names`, `view`"),
            ('{"most":1,"view":"some"}', 'view is "some", not one of "all", "few"'),
            ('{"most":1,"names":["a",1]}', r"names\[1\] is 1, not of type str"),
            ("[]", r"the whole is \[\], not an object"),
        ]:
            with self.assertRaisesRegex(ValueError, f"do not fit: {what}"):
                limited.describe(text)
        with self.assertRaisesRegex(ValueError, "this transform has no settings"):
            trips.describe('{"a":1}')


class WholeColumns(unittest.TestCase):
    def test_columns_are_compared_and_cut(self):
        found = {}

        @transform()
        def compared(readings: Columns[Reading], cells: Groups[Place, Free]) -> None:
            found["places"] = list(readings.place)
            found["cut"] = [
                list(readings.where(mask).n)
                for mask in (
                    readings.place == "a",
                    readings.place != "a",
                    readings.place == "nowhere",
                    readings.place == None,  # noqa: E711
                    readings.place > "a",
                    readings.place.isin(["a", "b"]),
                    readings.small < 5,
                    readings.small >= 5,
                    readings.small == 3,
                    (readings.n > 1) & ~(readings.place == "b") | (readings.n == 1),
                    [True, False, False, True],
                )
            ]
            found["times"] = list(readings.where(readings.n > 2).times)

        rows = [(0, "a", 1, None), (1, "b", 2, 3), (2, None, 3, 9), (3, "a", 4, 5)]
        filled(compared, rows).states()
        self.assertEqual(found["places"], ["a", "b", None, "a"])
        expected = [[1, 4], [2, 3], [], [3], [2], [1, 2, 4], [2], [3, 4], [2], [1, 3, 4], [1, 4]]
        self.assertEqual(found["cut"], expected)
        self.assertEqual(found["times"], [2, 3])

    def test_columns_of_every_kind_are_built_and_read_back(self):
        for kind, values in [
            (INTEGER, [1, None, -(2**63)]),
            (BOOLEAN, [True, None, False]),
            (FLOAT, [1.5, None]),
            (JSON, ["[1]", None]),
        ]:
            for some in (values, [value for value in values if value is not None], []):
                self.assertEqual(list(read(build(kind, some), kind, len(some))), some)
        self.assertEqual(build(INTEGER, [1, None]), Column(array("q", [1, 0]).tobytes(), Blobs(), b"\1"))
        with self.assertRaises(OverflowError):
            build(INTEGER, [2**63])


class Determinism(unittest.TestCase):
    def test_the_seed_of_hashes_decides_no_byte(self):
        script = (
            "import os; os.environ['SEED'] = '7'\n"
            "from tests.test_transform import *\n"
            "from tests import test_states as parts\n"
            "for made in (by_rows, by_columns):\n"
            "    bench = filled(made(Free, window='1h', slide='15m'), random_readings(300))\n"
            "    print(bench.transform.fold(bench.events()))\n"
            "for name, (_, make, _) in parts.PARTS.items():\n"
            "    print(name, parts.bytes_of(parts.fold(name, [make() for _ in range(200)])).hex())\n"
        )
        seen = set()
        for seed in ("0", "1", "2026"):
            environment = os.environ | {"PYTHONHASHSEED": seed}
            command = [sys.executable, "-B", "-c", script]
            seen.add(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
        self.assertEqual(len(seen), 1)
        self.assertGreater(len(seen.pop()), 10_000)


if __name__ == "__main__":
    unittest.main()
