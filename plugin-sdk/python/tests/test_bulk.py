"""What is done to many rows or states at once against the same one by one: windows, packing, masks, and states of
fixed width, at the limits of 64 and of 128 bits.
"""

import json
import struct
import unittest
from array import array

from bifocal import (
    I8,
    U32,
    U64,
    Cells,
    Columns,
    Count,
    Decimal,
    First,
    FirstSeen,
    Groups,
    Last,
    LastSeen,
    Max,
    Mean,
    Min,
    OutOfRange,
    Set,
    Sum,
    Timestamp,
    event,
    key,
    output,
    path,
    state,
    transform,
)
from bifocal.cells import CellsOf
from bifocal.columns import Blobs, narrowed
from bifocal.packing import Packing, floor_quotients
from bifocal.state import flat
from bifocal.state.flat import encoded
from bifocal.testing import Bench

from .dice import dice
from .test_states import PARTS, bytes_of, fold, merged, read

I64_MIN, I64_MAX, U64_MAX = -(2**63), 2**63 - 1, 2**64 - 1


def clipped(value: int) -> int:
    return min(max(value, I64_MIN), I64_MAX)


class Windows(unittest.TestCase):
    def quotients(self, values, divisor):
        base, quotients = floor_quotients(array("q", values), divisor)
        return quotients.typecode, [base + one for one in quotients]

    def test_all_times_are_divided_as_one_is(self):
        at_once = 0
        for _ in range(4000):
            usual = [1, 500, 1000, 3_600_000, 86_400_000, 10**10, 2**31, 2**33]
            divisor = dice.choice([*usual, dice.randrange(1, 2 ** dice.randrange(1, 62))])
            middle = dice.choice([0, -1, 1_795_132_800_000, 2**32, I64_MIN, I64_MAX, dice.randrange(I64_MIN, I64_MAX)])
            spread = dice.choice([1, 10**7, 2**32, 2**40])
            values = [clipped(middle + dice.randrange(-spread, spread)) for _ in range(dice.randrange(1, 12))]
            code, found = self.quotients(values, divisor)
            at_once += code == "I"
            self.assertEqual(found, [value // divisor for value in values], (values, divisor))
        self.assertGreater(at_once, 500)

    def test_the_edges_of_windows_and_of_halves(self):
        for divisor in (1000, 900_000, 3_600_000, 86_400_000, 7 * 86_400_000):
            for high in (0, -1, 417, I64_MIN >> 32, I64_MAX >> 32):
                low, last = high << 32, (high << 32) + 2**32 - 1
                edge = -(-low // divisor) * divisor
                values = [low, last, edge, *(one for one in (edge - 1, edge + 1) if low <= one <= last)]
                code, found = self.quotients(values, divisor)
                self.assertEqual((code, found), ("I", [value // divisor for value in values]), (divisor, high))


class Keys(unittest.TestCase):
    def test_packed_columns_tell_rows_apart_and_come_back(self):
        for _ in range(300):
            rows, columns = dice.randrange(1, 30), []
            for _ in range(dice.randrange(1, 6)):
                code = dice.choice("Iq")
                bits = dice.choice([0, 1, 8, 9, 31, 32 if code == "I" else 63])
                offset = dice.choice([0, I64_MIN]) if code == "q" else 0
                columns.append(array(code, (offset + dice.randrange(2**bits) for _ in range(rows))))
            packing = Packing(columns)
            keys = list(packing.keys)
            self.assertEqual(list(map(list, packing.columns(keys))), list(map(list, columns)))
            self.assertEqual(len(set(keys)), len(set(zip(*columns))))
            self.assertEqual(list(map(len, packing.columns({}))), [0] * len(columns))


@event
class Seen:
    name: str | None
    number: int
    flag: bool | None
    share: float | None
    at: Timestamp | None
    amount: Decimal[2]
    offset: int = path("@offset")


@key
class Wide:
    name: str | None
    number: int
    flag: bool | None
    at: Timestamp | None


@key
class Number:
    number: int


@state
class Kept:
    count: Count
    sum: Sum[Decimal[2]]
    first: FirstSeen[Decimal[2]]
    last: LastSeen[Decimal[2]]


@state
class Added:
    count: Count
    sum: Sum[Decimal[2]]
    offsets: Set[int]


def rows_of(state_class, **said):
    @transform(**said)
    def seen(one: Seen, cells: Cells[Wide, state_class]) -> None:
        if one.name != "skip":
            cell = cells[one.name, one.number, one.flag, one.at]
            cell.count.add()
            cell.sum.add(one.amount)
            if state_class is Kept:
                cell.first.see(one.amount)
                cell.last.see(one.amount)
            else:
                cell.offsets.add(one.offset)

    return seen


def columns_of(state_class, **said):
    @transform(**said)
    def seen(all: Columns[Seen], cells: Groups[Wide, state_class]) -> None:
        some = all.where(all.name != "skip")
        values = some.amount, some.offset
        for cell, found in cells.by(some, some.name, some.number, some.flag, some.at, of=values):
            amounts, offsets = zip(*found)
            cell.count.add(len(amounts))
            cell.sum.add_all(amounts)
            if state_class is Kept:
                cell.first.see(amounts[0])
                cell.last.see(amounts[-1])
            else:
                cell.offsets.add_all(offsets)

    return seen


class Groupings(unittest.TestCase):
    def filled(self, made, events):
        bench = Bench(made)
        for time, payload in events:
            bench.append_at(time, payload)
        return bench

    def events(self):
        times = dice.choice([[0, -1, 1], [I64_MAX, I64_MAX - 3_600_000], [2**32, 2**32 - 1], [1_795_132_800_000]])
        for _ in range(dice.randrange(40)):
            time = dice.choice(times)
            if dice.random() < 0.5 and abs(time) < 2**60:
                time += dice.randrange(-7_200_000, 7_200_000)
            members = {"name": dice.choice(["a", "b", "märz", "skip", None])}
            members |= {"number": dice.choice([0, -1, I64_MAX, I64_MIN, 256]), "flag": dice.choice([True, False, None]), "at": dice.choice([None, "2026-01-01"])}
            amount = dice.choice([I64_MAX, I64_MIN, 1, -1])
            shown = ", ".join(f'"{name}": {json.dumps(value)}' for name, value in members.items())
            yield time, f'{{{shown}, "amount": {"-" if amount < 0 else ""}{abs(amount) // 100}.{abs(amount) % 100:02}}}'

    def test_rows_and_columns_make_the_same_cells_of_keys_of_every_kind(self):
        for said in ({}, {"window": "1h"}, {"window": "1h", "slide": "20m"}, {"window": "7s"}):
            for state_class in (Kept, Added):
                for _ in range(15):
                    events = list(self.events())
                    rows, columns = (self.filled(made(state_class, **said), events) for made in (rows_of, columns_of))
                    self.assertEqual(columns.states(), rows.states(), events)

    def test_columns_chosen_apart_computed_or_read_already_are_grouped_all_the_same(self):
        def by(key_of):
            @transform(window="1h")
            def seen(all: Columns[Seen], cells: Groups[Number, Added]) -> None:
                some = all.where(all.number.mask(lambda number: number != 3))
                for cell, offsets in cells.by(some, key_of(some), of=some.offset):
                    cell.offsets.add_all(offsets)

            return seen

        events = [(3_600_000 * (n % 4), f'{{"number": {n % 5}, "amount": 1}}') for n in range(30)]
        expected = self.filled(by(lambda some: some.number), events).states()
        self.assertEqual(len(expected), 16)
        for key_of in (
            lambda some: list(some.number),
            lambda some: array("d", some.number),
            lambda some: some.number[:] and some.number,
            lambda some: [float(number) or -0.0 for number in some.number],
        ):
            self.assertEqual(self.filled(by(key_of), events).states(), expected)

    def test_cells_of_several_calls_are_the_same_cells(self):
        @transform(window="1h")
        def twice(all: Columns[Seen], cells: Groups[Number, Added]) -> None:
            for some in (all.where(all.number < 3), all.where(all.number > 1)):
                for cell, offsets in cells.by(some, some.number, of=some.offset):
                    cell.count.add(len(offsets))

        bench = self.filled(twice, [(0, f'{{"number": {n % 5}, "amount": 1}}') for n in range(10)])
        counts = {place[0][0]: read(Added, data).count.get() for place, data in bench.states().items()}
        self.assertEqual(counts, {0: 2, 1: 2, 2: 4, 3: 2, 4: 2})

    def test_a_key_of_too_few_columns_and_a_time_without_a_window_are_errors(self):
        @transform(window="1h")
        def short(all: Columns[Seen], cells: Groups[Wide, Added]) -> None:
            for cell, offsets in cells.by(all, all.name, of=all.offset):
                cell.offsets.add_all(offsets)

        with self.assertRaisesRegex(TypeError, r"keyed by \(name, number, flag, at\), not by 1 columns"):
            self.filled(short, [(0, '{"number": 1, "amount": 1}')]).states()
        for made in (rows_of, columns_of):
            bench = self.filled(made(Added, window="1h"), [(I64_MIN, '{"number": 1, "amount": 1}')])
            with self.assertRaisesRegex(OverflowError, "a time of the window at -9223372036857600000 ms is too early"):
                bench.states()

    def test_codes_are_bytes_only_if_a_byte_holds_each(self):
        codes = array("I", [n % 5 for n in range(300)])
        self.assertEqual(narrowed(codes, 5), bytes(codes.tolist()))
        self.assertIs(narrowed(codes, 257), codes)
        for beyond in (256, 2**16, 2**24):
            codes[7] = beyond
            self.assertIs(narrowed(codes, 5), codes)

    def test_masks_of_many_rows_are_those_of_each(self):
        names = [dice.choice(["a", "b", "c", None]) for _ in range(300)]
        found = {}

        @transform()
        def looked(all: Columns[Seen], cells: Groups[Number, Added]) -> None:
            found["a"] = list(all.where(all.name == "a").offset)
            found["not"] = list(all.where(~(all.name == "a") & (all.name != "b")).offset)
            found["absent"] = list(all.where((all.name == None) | (all.name > "b")).offset)  # noqa: E711

        self.filled(looked, [(0, json.dumps({"name": name, "number": 1, "amount": 1})) for name in names]).states()
        expected = {
            "a": [n for n, name in enumerate(names) if name == "a"],
            "not": [n for n, name in enumerate(names) if name not in ("a", "b")],
            "absent": [n for n, name in enumerate(names) if name is None or name > "b"],
        }
        self.assertEqual(found, expected)

    def test_texts_of_more_than_a_byte_are_told_apart(self):
        found = {}

        @transform()
        def looked(all: Columns[Seen], cells: Groups[Number, Added]) -> None:
            found["n"] = list(all.where((all.name == "t300") | (all.name == "t44")).offset)
            found["not"] = len(all.where((all.name != "t300") & ~all.name.absent()))

        events = [(0, f'{{"name": "t{n}", "number": 1, "amount": 1}}') for n in range(400)]
        self.filled(looked, events).states()
        self.assertEqual(found, {"n": [44, 300], "not": 399})


@state
class Numbers:
    """Every part that has a layout."""

    count: Count
    sum: Sum[int]
    narrow: Max[I8]
    mean: Mean[Decimal[2]]
    least: Min[int]
    greatest: Max[U64]
    time: Max[Timestamp]
    first: First[U32]
    last: Last[int]
    first_seen: FirstSeen[int]
    last_seen: LastSeen[Decimal[2]]


@state
class Simple:
    count: Count
    sum: Sum[int]
    mean: Mean[int]


def _transform_of(state_class):
    @transform()
    def made(one: Seen, cells: Cells[Number, state_class]) -> None:
        pass

    return made


by_numbers, by_simple = _transform_of(Numbers), _transform_of(Simple)


def number() -> int:
    return dice.choice([I64_MIN, I64_MAX, 0, 1, -1, dice.randrange(-1000, 1000)])


def numbers(share: float) -> Numbers:
    """A state of which each part has seen something with this chance, some of them at their limits."""
    made = Numbers()
    place = dice.choice([(5, 7), (number(), number())])
    for touch in (
        lambda: made.count.add(dice.choice([1, 5, U64_MAX, U64_MAX - 1, I64_MAX])),
        lambda: made.sum.add(dice.choice([number(), 2**127 - 1, -(2**127), 2**64, -(2**64), U64_MAX])),
        lambda: made.narrow.see(dice.randrange(-128, 128)),
        lambda: (made.mean.add(number()), made.mean.add(number())),
        lambda: made.least.see(number()),
        lambda: made.greatest.see(dice.choice([0, U64_MAX, I64_MAX])),
        lambda: made.time.see(number()),
        lambda: made.first.see(*place, dice.choice([0, 2**32 - 1])),
        lambda: made.last.see(*place, number()),
        lambda: made.first_seen.see(number()),
        lambda: made.last_seen.see(number()),
    ):
        if dice.random() < share:
            touch()
    return made


def several(share: float):
    return [numbers(share) for _ in range(dice.randrange(flat._FEW, 20))]


class FlatStates(unittest.TestCase):
    def test_states_are_encoded_as_they_encode_themselves(self):
        for share in (0.0, 0.9, 1.0):
            for _ in range(60):
                states = several(share)
                self.assertEqual(encoded(states).cut(), list(map(bytes_of, states)))

    def test_all_pairs_merge_as_one_does(self):
        for share in (0.5, 0.97, 1.0):
            for _ in range(60):
                left = several(share)
                right = [numbers(share) for _ in left]
                found = by_numbers.merge(encoded(left), encoded(right)).cut()
                self.assertEqual(found, [merged(one, other) for one, other in zip(left, right)])

    def test_whole_states_take_the_way_of_all_at_once(self):
        states = [numbers(1.0) for _ in range(9)]
        data = encoded(states)
        self.assertNotIn(None, Numbers.flat.encode(states))
        self.assertNotIn(None, Numbers.flat.merge(data, data))
        self.assertEqual([part.layout for part in Numbers.parts.values()].count(""), 0)
        self.assertIsNone(Added.flat)
        # One with something absent does not take the others with it.
        some = [*states, Numbers()]
        self.assertEqual(Numbers.flat.encode(some).count(None), 1)
        self.assertEqual(Numbers.flat.merge(encoded(some), encoded(some)).count(None), 1)

    def test_sums_wrap_and_counts_stay_at_the_same_limits_as_one_by_one(self):
        limits = [2**127 - 1, -(2**127), I64_MAX, I64_MIN, U64_MAX, 2**64, -1, 0, 1]
        pairs = [(one, other) for one in limits for other in limits]
        left, right = ([Simple() for _ in pairs] for _ in range(2))
        for states, side in ((left, 0), (right, 1)):
            for state_, pair in zip(states, pairs):
                state_.sum.add(pair[side])
                state_.count.add(min(abs(pair[side]), U64_MAX))
        found = [read(Simple, data) for data in by_simple.merge(encoded(left), encoded(right)).cut()]
        for (one, other), state_ in zip(pairs, found):
            wrapped = (one + other + 2**127) % 2**128 - 2**127
            self.assertEqual(state_.sum.units, wrapped, (one, other))
            counts = min(abs(one), U64_MAX) + min(abs(other), U64_MAX)
            self.assertEqual(state_.count.get(), min(counts, U64_MAX), (one, other))

    def test_malformed_states_are_named_as_they_are_one_by_one(self):
        good = [bytes_of(numbers(1.0)) for _ in range(8)]
        at = struct.calcsize("<QQq")
        for wrong, what in [
            (good[0][:-1], "state 5: malformed state: it ends within a value"),
            (good[0] + b"\0", "state 5: malformed state: 1 bytes follow its end"),
            (good[0][:at] + b"\2" + good[0][at + 1 :], "state 5: malformed state: an option other than 0 and 1"),
            (good[0][: at + 2] + b"\1" + bytes(15 + 8) + good[0][at + 26 :], "state 5: .* a mean of nothing with a sum"),
        ]:
            bad = Blobs.join([*good[:5], wrong, *good[6:]])
            for call in (
                lambda: by_numbers.merge(Blobs.join(good), bad),
                lambda: by_numbers.merge(bad, Blobs.join(good)),
                lambda: by_numbers.present([], b"", bad),
            ):
                with self.assertRaisesRegex(ValueError, what):
                    call()

    def test_all_are_shown_as_one_is(self):
        for share in (0.9, 1.0):
            for _ in range(40):
                states = several(share)
                for one in states:
                    one.count.n &= 2**62 - 1
                    one.sum._units >>= 70
                    one.greatest._value = one.greatest.get() and one.greatest.get() & I64_MAX
                data = encoded(states)
                alone = [by_numbers.present([], b"", Blobs.join([one])) for one in data.cut()]
                together = by_numbers.present([], b"", data)
                for i, column in enumerate(together):
                    width = len(column.fixed) // len(states)
                    cut = [column.fixed[j : j + width] for j in range(0, len(column.fixed), width)]
                    self.assertEqual(cut, [columns[i].fixed for columns in alone])

    def test_what_is_out_of_range_of_its_column_is_the_same_error(self):
        for damage in (
            lambda one: one.count.add(2**63),
            lambda one: one.sum.add(2**63 - one.sum.units),
            lambda one: one.sum.add(-(2**63) - 1 - one.sum.units),
            lambda one: one.greatest.see(2**63),
        ):
            states = [numbers(1.0) for _ in range(7)]
            for one in states:
                one.count.n, one.sum._units, one.greatest._value = 1, -1, 1
            damage(states[3])
            errors = []
            for data in (encoded(states), encoded(states[3:4])):
                with self.assertRaises(OutOfRange) as caught:
                    by_numbers.present([], b"", data)
                errors.append(str(caught.exception))
            self.assertEqual(*errors)

    def test_what_does_not_fit_its_width_is_the_same_error(self):
        for touch in (
            lambda one: one.narrow.see(128),
            lambda one: one.sum.add(0.5),
            lambda one: one.last_seen.see("a"),
        ):
            states = [numbers(1.0) for _ in range(7)]
            touch(states[2])
            errors = []
            for some in (states, states[2:3]):
                with self.assertRaises(Exception) as caught:
                    encoded(some)
                errors.append((type(caught.exception), str(caught.exception)))
            self.assertEqual(*errors)

    def test_every_algebra_merges_many_as_it_merges_two(self):
        for name, (made, make, _) in PARTS.items():
            holder = _holder(made)
            left, right = ([fold(name, [make() for _ in range(dice.randrange(4))]) for _ in range(9)] for _ in range(2))
            data = [Blobs.join(list(map(bytes_of, side))) for side in (left, right)]
            found = holder.merge(*data).cut()
            self.assertEqual(found, [merged(one, other) for one, other in zip(left, right)], name)


@output
class Nothing:
    nothing: int


def _holder(made):
    holder_state = state(type("Holder", (), {"__annotations__": {"part": made}}))

    def nothing(holder: holder_state) -> Nothing:
        return Nothing(0)

    @transform(present=nothing)
    def held(one: Seen, cells: Cells[Number, holder_state]) -> None:
        pass

    return held


class Spare(unittest.TestCase):
    def test_states_made_ahead_are_each_given_once_and_others_are_made(self):
        of = CellsOf((Number, Simple), bulk=True)
        self.assertEqual(len(of.fresh(3)), 3)
        of.keep_spare()
        spare = len(of.spare)
        self.assertGreater(spare, 1000)
        given = of.fresh(10) + of.fresh(spare) + of.fresh(5)
        self.assertEqual((len(given), len(set(map(id, given))), len(of.spare)), (spare + 15, spare + 15, 0))

    def test_a_transform_that_has_been_prepared_makes_the_same_cells_call_after_call(self):
        events = [(0, f'{{"number": {n % 7}, "amount": {n}}}') for n in range(50)]
        for made in (rows_of, columns_of):
            plain, prepared = (Groupings().filled(made(Kept), events) for _ in range(2))
            prepared.transform.prepare()
            self.assertEqual(prepared.states(), plain.states())
            self.assertEqual(prepared.states(), plain.states())


if __name__ == "__main__":
    unittest.main()
