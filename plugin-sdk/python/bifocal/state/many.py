"""Many values of a cell: the last n, the distinct ones, how often each, a state for each.

Entries are in dictionaries while a chunk is folded and are written in the canonical order of their keys:
no order of Python's reaches the bytes.
"""

from __future__ import annotations

from bisect import insort
from struct import Struct, error as StructError

from .. import kinds
from ..codec import I64_MAX, U64_MAX, DecodeError, put_varint, short, take_length, take_varint
from ..jsontext import write_json, write_list
from ..kinds import OutOfRange
from ..values import type_of, value_type
from .part import MergeError, Part, distinct

_PLACE = Struct("<qq")


def _positive(number, what: str) -> int:
    if type(number) is not int or number < 1:
        raise TypeError(f"{what} is at least 1, not {number!r}")
    return number


class LastN(Part):
    """`LastN[V, n]`, the n last values: `recent.push(event.time, event.offset, event.page)`. Last by (event
    time, offset), however late they arrive, so order-free; presents as json, a list, the last one first.

    Values of one event, which have one place, are taken in their own order, the greatest last; a value
    that comes twice is kept twice. Bytes: the number of values; for each, first to last, time, offset and
    value.
    """

    __slots__ = ("_entries",)
    kind = kinds.JSON
    defaults = (10,)

    def __init__(self):
        self._entries = []  # (time, offset, key of the value), ascending

    @classmethod
    def bind(cls, of, n):
        return {"of": value_type(of), "n": _positive(n, "the number of last values")}

    def push(self, time: int, offset: int, value) -> None:
        self._insert((time, offset, self.of.key(value)))

    def _insert(self, entry) -> None:
        entries = self._entries
        if len(entries) < self.n:
            insort(entries, entry)
        elif entry > entries[0]:
            del entries[0]
            insort(entries, entry)

    def values(self) -> list:
        """The values that are kept, the last one first."""
        return [self.of.value(key) for _, _, key in reversed(self._entries)]

    def __len__(self) -> int:
        return len(self._entries)

    def encode(self, out):
        put_varint(len(self._entries), out)
        for time, offset, key in self._entries:
            out += _PLACE.pack(time, offset)
            self.of.encode(self.of.value(key), out)

    @classmethod
    def decode(cls, data, at):
        length, at = take_length(data, at)
        if length > cls.n:
            raise DecodeError("more values than the last ones that are kept")
        part = cls()
        for _ in range(length):
            try:
                time, offset = _PLACE.unpack_from(data, at)
            except StructError:
                raise short() from None
            value, at = cls.of.decode(data, at + _PLACE.size)
            entry = (time, offset, cls.of.key(value))
            if part._entries and part._entries[-1] > entry:
                raise DecodeError("last values that do not ascend")
            part._entries.append(entry)
        return part, at

    def merge(self, right):
        for entry in right._entries:
            self._insert(entry)

    def present(self):
        return write_list(map(self.of.json, self.values()))


def _decode_ascending(of, decode, data, at, malformed: str) -> tuple[dict, int]:
    """A length, then keys in their order, each followed by what `decode` reads."""
    length, at = take_length(data, at)
    entries, last = {}, None
    for i in range(length):
        value, at = of.decode(data, at)
        key = of.key(value)
        if i and not last < key:
            raise DecodeError(malformed)
        entries[key], at = decode(data, at)
        last = key
    return entries, at


class Set(Part):
    """The distinct values, exactly: `customers.add(order.customer_id)`. Order-free; bytes grow with the
    number of distinct values (a length, then the values in their order); presents as that number.

    To present the values themselves, give the transform a `present` and use `list`.
    """

    __slots__ = ("_entries",)
    kind = kinds.INTEGER

    def __init__(self):
        self._entries = {}

    @classmethod
    def bind(cls, of):
        return {"of": value_type(of)}

    def add(self, value) -> None:
        of = self.of
        self._entries[value if of.plain else of.key(value)] = None

    def add_all(self, values) -> None:
        """Adds many at once."""
        self._entries |= distinct(values if self.of.plain else map(self.of.key, values))

    def __contains__(self, value) -> bool:
        return self.of.key(value) in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def values(self) -> list:
        """In their order."""
        return list(map(self.of.value, sorted(self._entries)))

    def list(self) -> str:
        """The values as a JSON list, in their order."""
        return write_list(map(self.of.json, self.values()))

    def encode(self, out):
        put_varint(len(self._entries), out)
        for value in self.values():
            self.of.encode(value, out)

    @classmethod
    def decode(cls, data, at):
        part = cls()
        nothing = lambda data, at: (None, at)  # noqa: E731
        part._entries, at = _decode_ascending(cls.of, nothing, data, at, "a set that does not ascend")
        return part, at

    def merge(self, right):
        self._entries |= right._entries

    def present(self):
        return len(self._entries)


class TopK(Part):
    """`TopK[V, k]`, how often each value was added, and of these the k most frequent: `pages.add(view.page)`.
    Order-free; presents as json, a list of `[value, count]`, most frequent first, of equal counts the lesser
    value first.

    Exact: every value is counted and k only cuts what is shown, so bytes grow with the number of distinct
    values. Counts stay at 2^64 - 1 rather than wrap. Bytes: the number of values; for each, ascending, the
    value and its count less 1 (LEB128).
    """

    __slots__ = ("_counts",)
    kind = kinds.JSON
    defaults = (10,)

    def __init__(self):
        self._counts = {}

    @classmethod
    def bind(cls, of, k):
        return {"of": value_type(of), "k": _positive(k, "the number of most frequent values")}

    def add(self, value, times: int = 1) -> None:
        """Counts `value` so many times."""
        self._count(self.of.key(value), times)

    def add_all(self, values) -> None:
        """Counts many at once."""
        for value in values:
            self.add(value)

    def _count(self, key, times: int) -> None:
        if times < 0:
            raise ValueError(f"a count does not go back: {times} is below 0")
        if times:
            self._counts[key] = min(self._counts.get(key, 0) + times, U64_MAX)

    def count(self, value) -> int:
        """How often `value` was added."""
        return self._counts.get(self.of.key(value), 0)

    def __len__(self) -> int:
        return len(self._counts)

    def items(self) -> list[tuple]:
        """All values with their counts, in the order of the values."""
        return [(self.of.value(key), count) for key, count in sorted(self._counts.items())]

    def top(self) -> list[tuple]:
        """The k most frequent values with their counts, most frequent first."""
        return sorted(self.items(), key=lambda item: -item[1])[: self.k]

    def encode(self, out):
        put_varint(len(self._counts), out)
        for value, count in self.items():
            self.of.encode(value, out)
            put_varint(count - 1, out)

    @classmethod
    def decode(cls, data, at):
        part = cls()
        malformed = "counted values that do not ascend"
        part._counts, at = _decode_ascending(cls.of, take_count, data, at, malformed)
        return part, at

    def merge(self, right):
        for key, count in right._counts.items():
            self._count(key, count)

    def present(self):
        return write_list(f"[{self.of.json(value)},{_shown(count)}]" for value, count in self.top())


def take_count(data: bytes, at: int) -> tuple[int, int]:
    """A count, written less 1."""
    less, at = take_varint(data, at)
    if less == U64_MAX:
        raise DecodeError("a count of 2^64")
    return less + 1, at


def _shown(count: int) -> str:
    if count > I64_MAX:
        raise OutOfRange(count, kinds.INTEGER)
    return write_json(kinds.INTEGER, count)


class Map(Part):
    """`Map[K, S]`, a state for each key: `by_status[order.status].add(1)` for a `Map[str, Count]`. Order-free if
    `S` is; presents as json: an object for text keys, else a list of `[key, state]`.

    Bytes: a length, then keys and states in the order of the keys. With anchored states (`Ordered`) the map
    is anchored itself, which a byte in front says: in an anchored map a missing key stands for a state at its
    beginning.
    """

    __slots__ = ("_entries", "_anchored")
    kind = kinds.JSON
    of_state: type[Part]

    def __init__(self):
        self._entries = {}
        self._anchored = False

    @classmethod
    def bind(cls, of, state):
        if not (isinstance(state, type) and hasattr(state, "merge")):
            raise TypeError(f"a map holds states, not {state!r}")
        order_free, anchored = state.order_free, state.anchored
        return {"of": value_type(of), "of_state": state, "order_free": order_free, "anchored": anchored}

    def __getitem__(self, key):
        """The state of `key`; a fresh one if the key is new."""
        return self._entry(key if self.of.plain else self.of.key(key))

    def _entry(self, key):
        state = self._entries.get(key)
        if state is None:
            state = self._entries[key] = self.of_state.initial() if self._anchored else self.of_state()
        return state

    def get(self, key):
        """The state of `key`; None if there is none."""
        return self._entries.get(self.of.key(key))

    def __len__(self) -> int:
        return len(self._entries)

    def items(self) -> list[tuple]:
        """Keys and states in the order of the keys."""
        return [(self.of.value(key), self._entries[key]) for key in sorted(self._entries)]

    def encode(self, out):
        if self.anchored:
            out.append(self._anchored)
        put_varint(len(self._entries), out)
        for key, state in self.items():
            self.of.encode(key, out)
            state.encode(out)

    @classmethod
    def decode(cls, data, at):
        part = cls()
        if cls.anchored:
            part._anchored, at = type_of(bool).decode(data, at)
        part._entries, at = _decode_ascending(cls.of, cls.of_state.decode, data, at, "keys that do not ascend")
        return part, at

    def merge(self, right):
        if right._anchored:
            raise MergeError(ANCHORED_RIGHT)
        for key, state in right._entries.items():
            self._entry(key).merge(state)

    @classmethod
    def initial(cls):
        part = cls()
        part._anchored = cls.anchored
        return part

    def present(self):
        shown = [(self.of.json(key), write_json(state.kind, state.present())) for key, state in self.items()]
        if self.of.kind is kinds.TEXT:
            return "{" + ",".join(f"{key}:{state}" for key, state in shown) + "}"
        return write_list(f"[{key},{state}]" for key, state in shown)


ANCHORED_RIGHT = (
    "the later state is anchored: it has run from the beginning of its cell; merge floating states onto it"
)
