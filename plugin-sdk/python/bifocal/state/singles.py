"""One value of many: the least, the greatest; the first, the last, by event time and by the log."""

from __future__ import annotations

from struct import Struct, error as StructError

from ..codec import DecodeError, short, take_byte
from ..values import Number, Type, value_type
from .flat import present_or_zero
from .part import Part

_PLACE = Struct("<qq")


def _members(of, front: str) -> dict:
    """Members of a class for these values, which follow `front` in its bytes: numbers have a layout."""
    held: Type = value_type(of)
    return {"of": held, "kind": held.kind, "layout": front + held.layout if isinstance(held, Number) else ""}


class _One(Part):
    """A value, or none yet: a byte and the value; presents as its kind, null if nothing was seen."""

    __slots__ = ("_seen", "_value")
    held = ("_value",)

    def __init__(self):
        self._seen = False
        self._value = None

    @classmethod
    def bind(cls, of):
        return _members(of, "B")

    def get(self):
        """None if nothing was seen."""
        return self._value

    def encode(self, out):
        if self._seen:
            out.append(1)
            self.of.encode(self._value, out)
        else:
            out.append(0)

    @classmethod
    def decode(cls, data, at):
        part = cls()
        byte = take_byte(data, at)
        if byte > 1:
            raise DecodeError("an option other than 0 and 1")
        at += 1
        if byte:
            part._value, at = cls.of.decode(data, at)
            part._seen = True
        return part, at

    def merge(self, right):
        if right._seen:
            self.see(right._value)

    def present(self):
        return self.of.present(self._value) if self._seen else None

    @classmethod
    def gather(cls, values):
        values, seen = present_or_zero(values)
        return [seen, values]

    @classmethod
    def merge_all(cls, left, right):
        return [left[0], cls.choose_all(left[1], right[1])]

    @classmethod
    def choose_all(cls, left: list, right: list) -> list:
        """Of each pair of values the one that is kept."""
        raise NotImplementedError

    @classmethod
    def present_all(cls, columns):
        return list(map(cls.of.present, columns[1]))


class Min(_One):
    """The least value seen: `smallest.see(order.amount)`. Order-free.

    By the canonical order: text by bytes; of floats -0 is below 0 and NaN above all, so a NaN is kept only
    if there is nothing else.
    """

    __slots__ = ()

    @classmethod
    def bind(cls, of):
        members = super().bind(of)
        # Bound at once to how these values compare: what follows runs for every event.
        members["see"] = cls._see_plain if members["of"].plain else cls._see_by_key
        return members

    def _see_plain(self, value):
        if not self._seen:
            self._value, self._seen = value, True
        elif value < self._value:
            self._value = value

    def _see_by_key(self, value):
        if not self._seen:
            self._value, self._seen = value, True
        elif self.of.key(value) < self.of.key(self._value):
            self._value = value

    def see_all(self, values) -> None:
        """Sees many at once, as the column interface has them."""
        if values:
            self.see(min(values) if self.of.plain else min(values, key=self.of.key))

    @classmethod
    def choose_all(cls, left, right):
        return list(map(min, left, right))


class Max(_One):
    """The greatest value seen: `largest.see(order.amount)`. Order-free.

    By the canonical order: text by bytes; of floats 0 is above -0 and NaN above all, so one NaN is kept for
    good. Test with `math.isnan` before `see` to leave them out.
    """

    __slots__ = ()

    @classmethod
    def bind(cls, of):
        members = super().bind(of)
        members["see"] = cls._see_plain if members["of"].plain else cls._see_by_key
        return members

    def _see_plain(self, value):
        if not self._seen:
            self._value, self._seen = value, True
        elif value > self._value:
            self._value = value

    def _see_by_key(self, value):
        if not self._seen:
            self._value, self._seen = value, True
        elif self.of.key(value) > self.of.key(self._value):
            self._value = value

    def see_all(self, values) -> None:
        """Sees many at once, as the column interface has them."""
        if values:
            self.see(max(values) if self.of.plain else max(values, key=self.of.key))

    @classmethod
    def choose_all(cls, left, right):
        return list(map(max, left, right))


class FirstSeen(_One):
    """The value that came first in the log, whatever its time: `first.see(order.status)`. Not order-free."""

    __slots__ = ()
    order_free = False

    def see(self, value) -> None:
        if not self._seen:
            self._value, self._seen = value, True

    @classmethod
    def choose_all(cls, left, right):
        return left


class LastSeen(_One):
    """The value that came last in the log, whatever its time: `last.see(order.status)`. Not order-free."""

    __slots__ = ()
    order_free = False

    def see(self, value) -> None:
        self._value, self._seen = value, True

    @classmethod
    def choose_all(cls, left, right):
        return right


class _ByTime(Part):
    """A value with its place: a byte, and 16 bytes and the value; presents as its kind, null if nothing was seen."""

    __slots__ = ("_place", "_value")
    held = ("_place", "_value")

    def __init__(self):
        self._place = None
        self._value = None

    @classmethod
    def bind(cls, of):
        return _members(of, "Bqq")

    def get(self):
        """None if nothing was seen."""
        return self._value

    def time(self) -> int | None:
        """The event time of the value that is kept, in milliseconds UTC."""
        return self._place and self._place[0]

    def offset(self) -> int | None:
        """The offset of the value that is kept."""
        return self._place and self._place[1]

    def encode(self, out):
        if self._place is None:
            out.append(0)
        else:
            out.append(1)
            out += _PLACE.pack(*self._place)
            self.of.encode(self._value, out)

    @classmethod
    def decode(cls, data, at):
        part = cls()
        byte = take_byte(data, at)
        if byte > 1:
            raise DecodeError("an option other than 0 and 1")
        at += 1
        if byte:
            try:
                part._place = _PLACE.unpack_from(data, at)
            except StructError:
                raise short() from None
            part._value, at = cls.of.decode(data, at + _PLACE.size)
        return part, at

    def merge(self, right):
        if right._place is not None:
            self.see(*right._place, right._value)

    def present(self):
        return None if self._place is None else self.of.present(self._value)

    @classmethod
    def gather(cls, places, values):
        values, seen = present_or_zero(values)
        return [seen, *([place[i] if place else 0 for place in places] for i in (0, 1)), values]

    @classmethod
    def merge_all(cls, left, right):
        # A value with its place compares as the contract wants it: by time, offset, value.
        kept = list(map(cls.choose, zip(*left[1:]), zip(*right[1:])))
        return [left[0], *([entry[i] for entry in kept] for i in range(3))]

    @classmethod
    def present_all(cls, columns):
        return list(map(cls.of.present, columns[3]))


class First(_ByTime):
    """The value of the event with the least (event time, offset):
    `first.see(event.time, event.offset, event.status)`, inputs of the paths `@time` and `@offset`. Order-free.

    Of two values with the same time and offset, that is of one event, the lesser is kept.
    """

    __slots__ = ()
    choose = min

    def see(self, time: int, offset: int, value) -> None:
        place, kept = (time, offset), self._place
        if kept is None or place < kept or place == kept and self.of.key(value) < self.of.key(self._value):
            self._place, self._value = place, value


class Last(_ByTime):
    """The value of the event with the greatest (event time, offset):
    `last.see(event.time, event.offset, event.status)`, inputs of the paths `@time` and `@offset`. Order-free.

    Of two values with the same time and offset, that is of one event, the greater is kept.
    """

    __slots__ = ()
    choose = max

    def see(self, time: int, offset: int, value) -> None:
        place, kept = (time, offset), self._place
        if kept is None or place > kept or place == kept and self.of.key(value) > self.of.key(self._value):
            self._place, self._value = place, value
