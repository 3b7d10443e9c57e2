"""Every part of a state against a straight loop over its inputs, and the laws at random cuts."""

import math
import struct
import unittest
from fractions import Fraction

from bifocal import (
    U32,
    Count,
    Decimal,
    DecodeError,
    Distinct,
    ExactSum,
    First,
    FirstSeen,
    Last,
    LastN,
    LastSeen,
    Map,
    Max,
    Mean,
    MergeError,
    Min,
    Ordered,
    OutOfRange,
    Quantiles,
    Set,
    Sum,
    TopK,
    machine,
    state,
)
from bifocal.codec import decode_all
from bifocal.values import type_of

from .dice import FLOATS, SPECIAL, dice, value_of


@machine
class Streaks:
    begun: bool
    now: int
    longest: int
    seen: list[int]
    total: Sum[int]

    def step(self, late: bool) -> None:
        self.begun = True
        self.now = self.now + 1 if late else 0
        self.longest = max(self.longest, self.now)
        self.seen = [*self.seen, self.now][-3:]
        self.total.add(self.now)

    def present(self) -> int:
        return self.longest


@state
class Both:
    count: Count
    last: LastSeen[str]


def place():
    return dice.choice([0, -1, 5, 2**63 - 1, -(2**63)]), dice.randrange(-3, 100)


INT, TEXT, FLOAT = type_of(int), type_of(str), type_of(float)

# A part, and what does something to it: an input is made first and applied later, perhaps to two parts.
PARTS = {
    "count": (Count, lambda: dice.randrange(5), lambda part, n: part.add(n)),
    "sum": (Sum[int], lambda: value_of(INT), lambda part, n: part.add(n)),
    "sum of decimals": (Sum[Decimal[2]], lambda: value_of(INT), lambda part, n: part.add(n)),
    "exact sum": (ExactSum, lambda: dice.choice(FLOATS + SPECIAL[: dice.randrange(5)]), lambda part, f: part.add(f)),
    "mean": (Mean[int], lambda: value_of(INT), lambda part, n: part.add(n)),
    "min": (Min[int], lambda: value_of(INT), lambda part, n: part.see(n)),
    "max": (Max[str], lambda: value_of(TEXT), lambda part, t: part.see(t)),
    "min of floats": (Min[float], lambda: value_of(FLOAT), lambda part, f: part.see(f)),
    "max of floats": (Max[float], lambda: value_of(FLOAT), lambda part, f: part.see(f)),
    "max of pairs": (Max[tuple[str, float]], lambda: (value_of(TEXT), value_of(FLOAT)), lambda part, t: part.see(t)),
    "first": (First[str], lambda: (*place(), value_of(TEXT)), lambda part, x: part.see(*x)),
    "last": (Last[float], lambda: (*place(), value_of(FLOAT)), lambda part, x: part.see(*x)),
    "last, narrow": (Last[U32], lambda: (*place(), value_of(type_of(U32))), lambda part, x: part.see(*x)),
    "first seen": (FirstSeen[int | None], lambda: value_of(type_of(int | None)), lambda part, n: part.see(n)),
    "last seen": (LastSeen[str], lambda: value_of(TEXT), lambda part, t: part.see(t)),
    "last n": (LastN[float, 3], lambda: (*place(), value_of(FLOAT)), lambda part, x: part.push(*x)),
    "set": (Set[str], lambda: value_of(TEXT), lambda part, t: part.add(t)),
    "set of floats": (Set[float], lambda: value_of(FLOAT), lambda part, f: part.add(f)),
    "top k": (TopK[str, 3], lambda: value_of(TEXT), lambda part, t: part.add(t)),
    "map": (Map[str, Count], lambda: value_of(TEXT), lambda part, t: part[t].add()),
    "map of states": (Map[int, Both], lambda: dice.randrange(4), lambda part, n: (part[n].count.add(), part[n].last.see(str(n)))),
    "map of floats": (Map[float, Sum[int]], lambda: value_of(FLOAT), lambda part, f: part[f].add(2)),
    "distinct": (Distinct[str, 4], lambda: str(dice.randrange(1000)), lambda part, t: part.add(t)),
    "distinct integers": (Distinct[int], lambda: value_of(INT), lambda part, n: part.add(n)),
    "quantiles": (Quantiles[int], lambda: value_of(INT), lambda part, n: part.add(n)),
    "quantiles of floats": (Quantiles[float], lambda: value_of(FLOAT), lambda part, f: part.add(f)),
    "ordered": (Ordered[Streaks], lambda: dice.random() < 0.5, lambda part, late: part.push(late)),
    "map of machines": (Map[str, Ordered[Streaks]], lambda: dice.choice("abc"), lambda part, t: part[t].push(t != "a")),
}


def fold(name, inputs):
    made, _, apply = PARTS[name]
    part = made()
    for one in inputs:
        apply(part, one)
    return part


def bytes_of(part) -> bytes:
    out = bytearray()
    part.encode(out)
    return bytes(out)


def read(made, data):
    return decode_all(made.decode, data)


def merged(left, right) -> bytes:
    """As a host does it: of bytes alone."""
    part = read(type(left), bytes_of(left))
    part.merge(read(type(left), bytes_of(right)))
    return bytes_of(part)


class Laws(unittest.TestCase):
    def test_any_cut_gives_the_bytes_of_the_whole(self):
        for name, (_, make, _) in PARTS.items():
            for _ in range(60):
                inputs = [make() for _ in range(dice.randrange(40))]
                cut = dice.randrange(len(inputs) + 1)
                left, right, whole = fold(name, inputs[:cut]), fold(name, inputs[cut:]), fold(name, inputs)
                self.assertEqual(merged(left, right).hex(), bytes_of(whole).hex(), name)
                if type(whole).order_free:
                    self.assertEqual(merged(right, left).hex(), bytes_of(whole).hex(), name)

    def test_merge_is_associative_and_an_empty_part_is_neutral(self):
        for name, (made, make, _) in PARTS.items():
            for _ in range(20):
                x, y, z = (fold(name, [make() for _ in range(dice.randrange(12))]) for _ in range(3))
                left = merged(read(made, merged(x, y)), z)
                self.assertEqual(left, merged(x, read(made, merged(y, z))), name)
                self.assertEqual(merged(made(), x), bytes_of(x), name)
                self.assertEqual(merged(x, made()), bytes_of(x), name)

    def test_merging_keeps_nothing_of_the_right_side_that_can_change(self):
        for name, (made, make, apply) in PARTS.items():
            right = fold(name, [make() for _ in range(5)])
            left = made()
            left.merge(right)
            before = bytes_of(left)
            for _ in range(10):
                apply(right, make())
            self.assertEqual(bytes_of(left), before, name)

    def test_what_is_written_is_read_back_and_nothing_else(self):
        for name, (made, make, _) in PARTS.items():
            for _ in range(30):
                data = bytes_of(fold(name, [make() for _ in range(dice.randrange(30))]))
                self.assertEqual(bytes_of(read(made, data)), data, name)
                for wrong in (data[:-1], data + b"\0"):
                    with self.assertRaises(DecodeError, msg=name):
                        read(made, wrong)

    def test_any_bytes_are_a_part_or_a_decode_error(self):
        for name, (made, make, _) in PARTS.items():
            for _ in range(300):
                data = bytearray(bytes_of(fold(name, [make() for _ in range(dice.randrange(6))])))
                for _ in range(dice.randrange(1, 3)):
                    data[dice.randrange(len(data))] = dice.randrange(256)
                try:
                    part = read(made, bytes(data))
                except DecodeError:
                    continue
                self.assertEqual(bytes_of(part), bytes(data), name)

    def test_order_free_is_what_all_parts_are(self):
        self.assertFalse(Both.order_free)
        self.assertFalse(Map[int, Both].order_free)
        self.assertTrue(Map[int, Count].order_free)
        self.assertTrue(Map[str, Ordered[Streaks]].anchored)


class Layout(unittest.TestCase):
    """Bytes derived by hand from what the parts say of themselves."""

    def test_bytes(self):
        place = struct.pack("<qq", 5, 7).hex()
        for name, inputs, expected in [
            ("count", [3], "0300000000000000"),
            ("sum", [-1], "ff" * 16),
            ("sum", [2**63 - 1, 1], "0000000000000080" + "00" * 8),
            ("mean", [3], "03" + "00" * 15 + "01" + "00" * 7),
            ("min", [], "00"),
            ("min", [2, 1], "010100000000000000"),
            ("max", ["a", "b"], "010162"),
            ("first", [(5, 7, "x")], "01" + place + "0178"),
            ("last, narrow", [(5, 7, 9)], "01" + place + "09000000"),
            ("first seen", [None], "0100"),
            ("last n", [], "00"),
            ("last n", [(5, 7, 1.0)], "01" + place + "000000000000f03f"),
            ("set", ["b", "a", "b"], "0201610162"),
            ("top k", ["b", "a", "b"], "02016100016201"),
            ("map", ["b", "a", "b"], "02" + "0161" + "01" + "00" * 7 + "0162" + "02" + "00" * 7),
            ("quantiles", [], "00"),
            ("quantiles", [0], "010000"),
            # The cut of 1.0 is 1023 << 7; a bucket is one more, zigzag twice as much.
            ("quantiles", [1, 1], "01" + "82fe0f" + "01"),
            ("quantiles", [-1], "01" + "81fe0f" + "00"),
            ("exact sum", [], "000000"),
            ("exact sum", [0.0, -0.0], "000000"),
            # 1.0 is 2^1074 units: digit 33, bit 18.
            ("exact sum", [1.0], "002101" + "00000400"),
            ("exact sum", [-1.0], "002101" + "0000fcff"),
            # Digit 33 with its top bit set needs one more for the sign.
            ("exact sum", [2.0**13], "002102" + "00000080" + "00000000"),
            ("exact sum", [float("nan"), float("inf")], "030000"),
            ("ordered", [True, False], "00" + "02" + "0100"),
        ]:
            self.assertEqual(bytes_of(fold(name, inputs)).hex(), expected, (name, inputs))
        self.assertEqual(bytes_of(Map[str, Ordered[Streaks]].initial()).hex(), "0100")

    def test_malformed_parts_are_named(self):
        for made, data, what in [
            (Mean[int], "01" + "00" * 23, "a mean of nothing with a sum"),
            (Set[str], "0201620161", "a set that does not ascend"),
            (Set[str], "0201610161", "a set that does not ascend"),
            (TopK[str, 3], "02016200016100", "counted values that do not ascend"),
            (TopK[str, 3], "010161ffffffffffffffffff01", "a count of 2\\^64"),
            (Map[str, Count], "020162" + "00" * 8 + "0161" + "00" * 8, "keys that do not ascend"),
            (LastN[str, 1], "02" + ("00" * 16 + "00") * 2, "more values than the last ones"),
            (Distinct[str, 4], "02" + "010001" + "010001", "keys that do not ascend"),
            (Distinct[str, 4], "01" + "100001", "a register that no hash sets"),
            (Distinct[str, 4], "01" + "010000", "a register that no hash sets"),
            (Distinct[str, 4], "05" + "00" * 12, "another number of registers"),
            (Quantiles[int], "010100", "a bucket that no number is in"),
            (ExactSum, "080000", "unknown flags"),
            (ExactSum, "00010100000000", "needless digits"),
            (ExactSum, "000102" + "01000000" + "00000000", "needless digits"),
            (ExactSum, "000100", "needless digits"),
            (ExactSum, "004601" + "01000000", "too many digits"),
            (Ordered[Streaks], "02", "neither an anchored nor a floating state"),
            (Ordered[Streaks], "000102", "a boolean other than 0 and 1"),
        ]:
            with self.assertRaisesRegex(DecodeError, what, msg=(made, data)):
                read(made, bytes.fromhex(data))


class Answers(unittest.TestCase):
    def test_sums_hold_128_bits_and_are_out_of_range_only_when_shown(self):
        part = fold("sum of decimals", [2**63 - 1, 2**63 - 1])
        with self.assertRaisesRegex(OutOfRange, r"out of range: 184467440737095516\.14 does not fit a decimal\(2\)"):
            part.present()
        self.assertIsNone(part.get())
        part.subtract(2**63 - 1)
        self.assertEqual(part.present(), 2**63 - 1)

    def test_a_count_stays_at_its_greatest(self):
        part = Count()
        part.add(2**64 - 1)
        part.add(1)
        self.assertEqual(bytes_of(part), b"\xff" * 8)
        with self.assertRaisesRegex(OutOfRange, "18446744073709551615 does not fit a 64-bit integer"):
            part.present()
        with self.assertRaises(ValueError):
            part.add(-1)

    def test_means_are_rounded_once(self):
        for _ in range(300):
            values = [value_of(INT) for _ in range(dice.randrange(1, 20))]
            exact = Fraction(sum(values), len(values))
            self.assertEqual(fold("mean", values).get(), exact.numerator / exact.denominator)
        decimals = Mean[Decimal[2]]()
        decimals.add_all([1000, 500, 1])
        self.assertEqual((decimals.get(), Mean[int]().get()), (Fraction(1501, 300).__float__(), None))

    def test_exact_sums_are_those_of_fractions(self):
        for _ in range(300):
            values = [dice.choice(FLOATS) for _ in range(dice.randrange(12))]
            exact = sum(map(Fraction, values), Fraction())
            try:
                expected = exact.numerator / exact.denominator
            except OverflowError:
                expected = None
            part = fold("exact sum", values)
            self.assertEqual(part.get(), expected)
            if expected is None:
                self.assertRaisesRegex(OutOfRange, "out of range: a sum beyond", part.present)
        self.assertTrue(math.isnan(fold("exact sum", [float("inf"), float("-inf")]).get()))
        self.assertEqual(fold("exact sum", [float("inf"), 1.0]).get(), float("inf"))

    def test_floats_of_equal_value_are_told_apart(self):
        self.assertEqual(math.copysign(1, fold("min of floats", [0.0, -0.0]).get()), -1)
        self.assertEqual(math.copysign(1, fold("max of floats", [-0.0, 0.0]).get()), 1)
        self.assertTrue(math.isnan(fold("max of floats", [float("nan"), float("inf")]).get()))
        self.assertEqual(fold("min of floats", [float("nan"), float("inf")]).get(), float("inf"))
        self.assertEqual(len(fold("set of floats", [0.0, -0.0, float("nan"), -float("nan")])), 3)

    def test_lists_are_shown_in_their_order(self):
        self.assertEqual(fold("top k", [*"abbcccddddeeeee"]).present(), '[["e",5],["d",4],["c",3]]')
        self.assertEqual(fold("top k", [*"ba"]).present(), '[["a",1],["b",1]]')
        last = fold("last n", [(3, 0, 3.0), (1, 0, 1.0), (2, 0, 2.5), (0, 0, 0.0), (2, 0, 2.5)])
        self.assertEqual(last.present(), "[3.0,2.5,2.5]")
        self.assertEqual(fold("map", [*"ba"]).present(), '{"a":1,"b":1}')
        self.assertEqual(fold("map of states", [1]).present(), '[[1,{"count":1,"last":"1"}]]')
        self.assertEqual(fold("set", [*"ba"]).list(), '["a","b"]')

    def test_first_and_last_go_by_time_then_offset_then_value(self):
        seen = [(5, 1, "b"), (5, 1, "a"), (5, 0, "z"), (4, 9, "y")]
        self.assertEqual(fold("first", seen).get(), "y")
        last = Last[str]()
        for one in seen:
            last.see(*one)
        self.assertEqual((last.get(), last.time(), last.offset()), ("b", 5, 1))

    def test_quantiles_are_within_their_error(self):
        for _ in range(100):
            values = [dice.randrange(-(10 ** dice.randrange(1, 18)), 10**6) for _ in range(dice.randrange(1, 80))]
            part = fold("quantiles", values)
            for q in (0.0, 0.5, 0.95, 1.0):
                exact = sorted(values)[max(math.ceil(Fraction(str(q)) * len(values)), 1) - 1]
                self.assertLessEqual(abs(part.quantile(q) - exact), abs(exact) / 256, (values, q))
        self.assertEqual(fold("quantiles", range(1, 101)).present(), '{"count":100,"p50":50,"p90":90,"p95":95,"p99":99}')
        self.assertIsNone(Quantiles[int]().present())
        floats = fold("quantiles of floats", [1.0, 2.0, 1e-310, float("inf")])
        self.assertAlmostEqual(floats.quantile(0.5), 1.0, delta=1 / 256)
        self.assertEqual(floats.quantile(1.0), float("inf"))
        for value in (2**63 - 1, -(2**63), 0, 1, 255):
            part = fold("quantiles", [value])
            self.assertLessEqual(abs(part.quantile(0.5) - value), abs(value) / 256)
            read(Quantiles[int], bytes_of(part))

    def test_distinct_values_are_estimated_within_the_error(self):
        for number in (0, 1, 10, 1000, 20_000):
            part = Distinct[str]()
            part.add_all(f"user {i}" for i in range(number))
            self.assertLessEqual(abs(part.estimate() - number), 4 * 1.04 / 64 * number, number)
        self.assertEqual(len(bytes_of(part)), 2 + 4096 * 6 // 8)

    def test_bulk_is_one_by_one(self):
        for name, (made, make, apply) in PARTS.items():
            bulk = getattr(made, "add_all", None) or getattr(made, "see_all", None)
            if bulk:
                inputs = [make() for _ in range(30)]
                part = made()
                if made is Count:
                    continue
                bulk(part, inputs)
                self.assertEqual(bytes_of(part), bytes_of(fold(name, inputs)), name)


class Machines(unittest.TestCase):
    def test_a_machine_runs_however_its_inputs_are_cut(self):
        inputs = [dice.random() < 0.5 for _ in range(200)]
        by_hand = Streaks()
        for late in inputs:
            by_hand.step(late)
        state, at = Ordered[Streaks].initial(), 0
        while at < len(inputs):
            to = at + dice.randrange(1, 30)
            state.merge(fold("ordered", inputs[at:to]))
            at = to
        self.assertEqual(state.machine(), by_hand)
        self.assertEqual(fold("ordered", inputs).machine(), by_hand)
        self.assertEqual(state.present(), by_hand.longest)
        self.assertTrue(state.is_anchored())

    def test_nothing_merges_onto_an_anchored_right_side(self):
        for made in (Ordered[Streaks], Map[str, Ordered[Streaks]]):
            with self.assertRaisesRegex(MergeError, "the later state is anchored"):
                made().merge(made.initial())

    def test_an_anchored_map_gives_machines_at_their_beginning(self):
        state = Map[str, Ordered[Streaks]].initial()
        state.merge(fold("map of machines", [*"abab"]))
        self.assertTrue(state["a"].is_anchored())
        self.assertTrue(state["new"].is_anchored())


if __name__ == "__main__":
    unittest.main()
