"""Revenue per merchant, currency and hour of completed orders: a transform in Python, written from
`wit/transform.wit` alone.

What touches every row runs inside `map`, `zip` and `compress`, so that the interpreter executes no
bytecode for a single row.

A state is 32 bytes, little-endian: the sum of the amounts (two's complement, 16), the number of
orders (unsigned, 8), the largest amount (signed, 8).
"""

from array import array
from collections import defaultdict, deque
from functools import wraps
from itertools import compress, repeat
from operator import add, and_, floordiv, rshift
from struct import Struct

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import transform as wit

HOUR_MS = 3_600_000
STATE = Struct("<QqQq")  # low and high half of the sum, orders, largest
LOW_HALF = 2**64 - 1
NOTHING = wit.Blobs(b"", b"")


def told(function):
    """Makes every exception an error with its text: one that leaves a component is a trap without a word."""

    @wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except Err:
            raise
        except Exception as error:
            raise Err(f"{type(error).__name__}: {error}") from error

    return call


def text(name):
    return wit.Field(name, name, wit.Kind_Text(), True)


def decimal(name):
    return wit.Field(name, name, wit.Kind_Decimal(2), True)


def u32s(buffer):
    return memoryview(buffer).cast("I")


def s64s(buffer):
    return memoryview(buffer).cast("q")


def require_present(field, column, rows):
    """Guards a promise of the host: events without a required input do not come here."""
    every_row = (1 << rows) - 1
    if column.validity and int.from_bytes(column.validity, "little") & every_row != every_row:
        raise ValueError(f"{field} is required and absent from a row")


def code_of(heap, value):
    """The index of `value` in a text heap, or -1, which no row has."""
    start = 0
    for code, end in enumerate(u32s(heap.ends)):
        if heap.bytes[start:end] == value:
            return code
        start = end
    return -1


def fields_of(states):
    """The four fields of all states, one sequence each."""
    count = len(states.ends) // 4
    if states.ends != ends_of(count) or len(states.bytes) != count * STATE.size:
        raise ValueError(f"a state is not {STATE.size} bytes long")
    unsigned, signed = memoryview(states.bytes).cast("Q"), memoryview(states.bytes).cast("q")
    return unsigned[0::4], signed[1::4], unsigned[2::4], signed[3::4]


def ends_of(count):
    return array("I", range(STATE.size, STATE.size * (count + 1), STATE.size)).tobytes()


class Transform(exports.Transform):
    @told
    def describe(self):
        return wit.Description(
            name="revenue",
            summary="Hourly revenue per merchant and currency of completed orders",
            inputs=[text("merchant_id"), text("currency"), decimal("amount"), text("status")],
            keys=[text("merchant_id"), text("currency")],
            outputs=[decimal("amount"), wit.Field("orders", "orders", wit.Kind_Integer(), True), decimal("largest")],
            only=None,
            window=wit.Window(HOUR_MS, HOUR_MS),
            order=wit.Order.NONE,
            initial=None,
            annotations=[("time", "ts")],
        )

    @told
    def fold(self, events):
        merchants, currencies, amounts, statuses = events.columns
        rows = len(events.times) // 8
        for field, column in zip(("merchant_id", "currency", "amount", "status"), events.columns):
            require_present(field, column, rows)

        completed = code_of(statuses.heap, b"completed")
        wanted = bytes(map(completed.__eq__, u32s(statuses.fixed)))
        hours = map(floordiv, compress(s64s(events.times), wanted), repeat(HOUR_MS))
        keys = zip(hours, compress(u32s(merchants.fixed), wanted), compress(u32s(currencies.fixed), wanted))
        cells = defaultdict(list)
        appends = map(list.append, map(cells.__getitem__, keys), compress(s64s(amounts.fixed), wanted))
        deque(appends, maxlen=0)  # runs them, keeps nothing

        sums = list(map(sum, cells.values()))
        states = map(
            STATE.pack,
            map(and_, sums, repeat(LOW_HALF)),
            map(rshift, sums, repeat(64)),
            map(len, cells.values()),
            map(max, cells.values()),
        )
        return wit.Folded(
            wit.Cells(
                keys=[
                    wit.Column(array("I", [key[1] for key in cells]).tobytes(), merchants.heap, b""),
                    wit.Column(array("I", [key[2] for key in cells]).tobytes(), currencies.heap, b""),
                ],
                windows=array("q", [key[0] * HOUR_MS for key in cells]).tobytes(),
                states=wit.Blobs(ends_of(len(cells)), b"".join(states)),
            ),
            rejected=[],
        )

    @told
    def merge(self, left, right):
        low, high, orders, largest = map(zip, fields_of(left), fields_of(right))
        if left.ends != right.ends:
            raise ValueError("left and right are not of one length")
        low = list(map(sum, low))
        high = map(add, map(sum, high), map(rshift, low, repeat(64)))
        states = map(STATE.pack, map(and_, low, repeat(LOW_HALF)), high, map(sum, orders), map(max, largest))
        return wit.Blobs(left.ends, b"".join(states))

    @told
    def present(self, keys, windows, states):
        low, high, orders, largest = fields_of(states)
        amounts = (upper << 64 | lower for upper, lower in zip(high, low))
        columns = []
        for output, values in (("amount", amounts), ("orders", orders), ("largest", largest)):
            try:
                columns.append(wit.Column(array("q", values).tobytes(), NOTHING, b""))
            except OverflowError as error:
                raise OverflowError(f"{output} is out of range: it does not fit in 64 bits") from error
        return columns
