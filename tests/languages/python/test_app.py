"""The guest against a straight loop over events, without a component or a host (see ../test).

The seed is printed; SEED=… repeats a run.
"""

import os
import random
import struct
import time
import unittest

from app import Transform
from componentize_py_types import Err
from wit_world.exports import transform as wit

HOUR_MS = 3_600_000
SEED = int(os.environ.get("SEED") or time.time_ns() % 2**31)
print(f"SEED={SEED}")
dice = random.Random(SEED)

MERCHANTS = ["m_1", "m_2", "", "märz", "商店", "🏪", "completed", "a\0b", "null"]
CURRENCIES = ["EUR", "USD", ""]
STATUSES = ["completed", "completed", "pending", "refunded", "complete", "Completed", "completed "]
MIN, MAX = -(2**63), 2**63 - 1
AMOUNTS = [0, -1, 1, 2**32, 2**32 - 1, -(2**32), 2**53 + 1, MIN, MAX, 2**62]
TIMES = [0, -1, HOUR_MS, HOUR_MS - 1, -HOUR_MS, 2**52, -(2**52) - 1, 2**53 + 1, MAX, MIN + HOUR_MS, HOUR_MS * 2**40 - 1]
GUEST = Transform()


def random_event(wild):
    """(time, merchant, currency, amount, status)"""
    return (
        dice.choice(TIMES) if wild and dice.random() < 0.25 else 982_800_000_000 + dice.randrange(3 * HOUR_MS),
        f"m_{dice.randrange(5000)}" if dice.random() < 0.05 else dice.choice(MERCHANTS),
        f"c_{dice.randrange(5000)}" if wild and dice.random() < 0.05 else dice.choice(CURRENCIES),
        dice.choice(AMOUNTS) if wild and dice.random() < 0.25 else dice.randrange(1_000_000) - 1000,
        dice.choice(STATUSES),
    )


def random_events(count, wild):
    return [random_event(wild) for _ in range(count)]


def blobs(values):
    ends, end = [], 0
    for value in values:
        end += len(value)
        ends.append(end)
    return wit.Blobs(struct.pack(f"<{len(ends)}I", *ends), b"".join(values))


def text_column(values):
    distinct = list({*values, *(["nobody", "completed?"] if dice.random() < 0.5 else [])})
    dice.shuffle(distinct)
    codes = {value: code for code, value in enumerate(distinct)}
    return wit.Column(
        struct.pack(f"<{len(values)}I", *map(codes.get, values)),
        blobs([value.encode() for value in distinct]),
        b"" if dice.random() < 0.5 else b"\xff" * ((len(values) + 7) // 8),
    )


def s64_column(values):
    return wit.Column(struct.pack(f"<{len(values)}q", *values), wit.Blobs(b"", b""), b"")


def chunk_of(events):
    times, merchants, currencies, amounts, statuses = zip(*events) if events else [()] * 5
    return wit.Events(
        struct.pack(f"<{len(times)}q", *times),
        [text_column(merchants), text_column(currencies), s64_column(amounts), text_column(statuses)],
    )


def texts_of(column):
    ends = (0,) + struct.unpack(f"<{len(column.heap.ends) // 4}I", column.heap.ends)
    codes = struct.unpack(f"<{len(column.fixed) // 4}I", column.fixed)
    return [column.heap.bytes[ends[code] : ends[code + 1]].decode() for code in codes]


def s64s_of(buffer):
    return list(struct.unpack(f"<{len(buffer) // 8}q", buffer))


def cells_of(folded):
    """A fold's cells: (merchant, currency, window) -> the state's bytes."""
    assert folded.rejected == []
    keys = list(zip(*map(texts_of, folded.cells.keys), s64s_of(folded.cells.windows)))
    assert len(set(keys)) == len(keys), "a cell is there twice"
    states = folded.cells.states
    assert len(states.ends) == 4 * len(keys) and len(states.bytes) == 32 * len(keys)
    return {key: states.bytes[32 * i : 32 * i + 32] for i, key in enumerate(keys)}


def fold(events):
    return cells_of(GUEST.fold(chunk_of(events)))


def state(total, orders, largest):
    return total.to_bytes(16, "little", signed=True) + struct.pack("<Qq", orders, largest)


def straight_loop(events):
    """What `fold(events)` must be, one event at a time."""
    cells = {}
    for time_ms, merchant, currency, amount, status in events:
        if status == "completed":
            key = (merchant, currency, time_ms - time_ms % HOUR_MS)
            total, orders, largest = cells.get(key, (0, 0, MIN))
            cells[key] = (total + amount, orders + 1, max(largest, amount))
    return {key: state(*cell) for key, cell in cells.items()}


def merge(left, right):
    both = [key for key in left if key in right]
    merged = GUEST.merge(blobs([left[key] for key in both]), blobs([right[key] for key in both]))
    return {**left, **right, **{key: merged.bytes[32 * i : 32 * i + 32] for i, key in enumerate(both)}}


def present(states):
    return [s64s_of(column.fixed) for column in GUEST.present([], b"", blobs(list(states)))]


class Revenue(unittest.TestCase):
    def test_fold_is_a_straight_loop_over_the_events(self):
        for case in range(400):
            events = random_events(dice.randrange(200), case % 2 == 1)
            self.assertEqual(fold(events), straight_loop(events))

    def test_a_chunk_cut_in_two_gives_the_cells_of_the_whole_in_either_order(self):
        for case in range(400):
            events = random_events(dice.randrange(1, 100), case % 2 == 1)
            cut = dice.randrange(len(events) + 1)
            left, right, whole = fold(events[:cut]), fold(events[cut:]), fold(events)
            self.assertEqual(merge(left, right), whole)
            self.assertEqual(merge(right, left), whole)

    def test_merge_adds_sums_of_128_bits(self):
        wide = lambda: dice.getrandbits(127) - 2**126 >> dice.randrange(127)
        pairs = [(wide(), wide()) for _ in range(2000)]
        left, right = (blobs([state(pair[side], 1, 0) for pair in pairs]) for side in (0, 1))
        self.assertEqual(GUEST.merge(left, right).bytes, b"".join(state(sum(pair), 2, 0) for pair in pairs))
        with self.assertRaises(Err):
            most = blobs([state(2**127 - 1, 1, 0)])
            GUEST.merge(most, most)

    def test_present_reads_what_the_states_hold(self):
        cells = [(dice.choice(AMOUNTS), dice.randrange(1, 9), dice.choice(AMOUNTS)) for _ in range(50)]
        self.assertEqual(present(state(*cell) for cell in cells), [list(column) for column in zip(*cells)])
        self.assertEqual(present([]), [[], [], []])

    def test_a_sum_beyond_64_bits_lives_in_the_state_and_fails_only_when_presented(self):
        of = lambda *amounts: fold([(0, "m", "c", amount, "completed") for amount in amounts])
        high = of(2**62, 2**62)
        with self.assertRaises(Err) as raised:
            present(high.values())
        self.assertEqual(raised.exception.value, "OverflowError: amount is out of range: it does not fit in 64 bits")
        self.assertEqual(present(merge(high, of(-(2**62))).values()), [[2**62], [3], [2**62]])
        with self.assertRaises(Err):
            present(of(MIN, -1).values())

    def test_what_is_malformed_is_an_error_with_a_text(self):
        short, whole = blobs([b"x" * 31]), blobs([state(1, 1, 1)])
        chunk = chunk_of(random_events(9, False))
        chunk.columns[2].validity = b"\xff\x00"
        for call, pattern in [
            (lambda: GUEST.merge(short, whole), "a state is not 32 bytes long"),
            (lambda: GUEST.merge(whole, blobs([])), "not of one length"),
            (lambda: GUEST.present([], b"", short), "a state is not 32 bytes long"),
            (lambda: GUEST.fold(wit.Events(b"x" * 8, [])), "ValueError: ."),
            (lambda: GUEST.fold(chunk), "amount is required and absent from a row"),
        ]:
            with self.assertRaises(Err) as raised:
                call()
            self.assertRegex(raised.exception.value, pattern)

    def test_describe_names_the_columns_of_the_contract(self):
        described = GUEST.describe()
        self.assertEqual(
            [(field.name, type(field.kind), field.required) for field in described.inputs],
            [
                ("merchant_id", wit.Kind_Text, True),
                ("currency", wit.Kind_Text, True),
                ("amount", wit.Kind_Decimal, True),
                ("status", wit.Kind_Text, True),
            ],
        )
        self.assertEqual([field.name for field in described.outputs], ["amount", "orders", "largest"])
        self.assertEqual(described.order, wit.Order.NONE)


if __name__ == "__main__":
    unittest.main()
