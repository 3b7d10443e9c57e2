"""JSON as text: presented values by the rules of the host's own JSON, and what a json field holds."""

from __future__ import annotations

import re
from base64 import b64encode
from json import JSONDecodeError, JSONDecoder
from math import isfinite

from .codec import I64_MAX, I64_MIN
from .decimals import parse_decimal, write_decimal
from .kinds import Kind
from .reject import Reject
from .times import rfc3339

# Beyond these a double, which is all that many readers of JSON have, no longer tells neighbours apart.
_EXACT_MAX = 2**53

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


def _escape(match: re.Match) -> str:
    character = match[0]
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"


def write_text(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def write_float(value: float) -> str:
    """The shortest text that reads back as the same number; null if it is not finite."""
    if not isfinite(value):
        return "null"
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}e{int(power)}" if exponent else mantissa


def write_json(kind: Kind, value) -> str:
    """A presented value of a column of this kind, None being absent."""
    name = kind.name
    if value is None:
        return "null"
    if name == "boolean":
        return "true" if value else "false"
    if name == "integer":
        return f'"{value:d}"' if abs(value) > _EXACT_MAX else f"{value:d}"
    if name == "decimal":
        return write_decimal(value, kind.digits)
    if name == "timestamp":
        return f'"{rfc3339(value)}"'
    if name == "float":
        return write_float(value)
    if name == "text":
        return write_text(value)
    if name == "binary":
        return f'"{b64encode(value).decode("ascii")}"'
    return str(value)  # json


def write_list(elements) -> str:
    return f"[{','.join(elements)}]"


def write_object(members) -> str:
    """Of (name, JSON text) pairs."""
    return "{" + ",".join(f"{write_text(name)}:{text}" for name, text in members) + "}"


class JsonError(Reject):
    """What a json field does not hold. Not caught, it is the reason why the event is rejected."""

    def within(self, name: str) -> JsonError:
        """The same error of a part: says where it was found."""
        return JsonError(f"{name}: {self}")


_SHOWN_MAX = 40
_BLANKS = " \t\n\r"
_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def _not_json(text: str):
    raise ValueError(text)


# Numbers stay as they stand: Python refuses to make an integer of more digits than a few thousand.
_DECODER = JSONDecoder(parse_int=str, parse_float=str, parse_constant=_not_json)


class Json(str):
    """The text of one JSON value as it stands in the payload.

    It is a `str`, so `json.loads` takes it. The methods read what the text holds by the rules of a field's
    kind, and raise `JsonError`, which rejects the event, for what does not fit::

        units = 0
        for item in basket.list(100):
            quantity = item.member("quantity")
            units += 1 if quantity is None else quantity.integer()
    """

    __slots__ = ()

    def list(self, most: int) -> list[Json]:
        """The elements of a list, at most `most` of them: more are an error, so that what one event costs
        is bounded by the transform and not by who sends it."""
        elements = self._parts("[", "a list")
        if len(elements) > most:
            raise self._unfit(f"a list of at most {most}")
        return elements

    def member(self, name: str) -> Json | None:
        """The member `name` of an object, of several the last one; None if it is missing or null."""
        parts = self._parts("{", "an object")
        found = None
        for member, value in zip(parts[::2], parts[1::2]):
            if member.text() == name:
                found = value
        return None if found is None or found.is_null() else found

    def required(self, name: str) -> Json:
        """The member `name` of an object, which must be there and not null."""
        found = self.member(name)
        if found is None:
            raise self._unfit(f"a member '{name}'")
        return found

    def text(self) -> str:
        try:
            text = _DECODER.decode(self) if self.lstrip(_BLANKS).startswith('"') else None
        except ValueError:
            text = None
        # A half of a surrogate pair is no character, so it cannot be kept.
        if text is None or not _is_unicode(text):
            raise self._unfit("a text")
        return text

    def integer(self) -> int:
        """An integer of 64 bits, without fraction or exponent."""
        number = _NUMBER.fullmatch(self._trimmed())
        if number and not number[1] and not number[2] and len(number[0]) <= 20:
            value = int(number[0])
            if I64_MIN <= value <= I64_MAX:
                return value
        raise self._unfit("an integer of 64 bits")

    def float(self) -> float:
        """The double nearest to a number."""
        number = _NUMBER.fullmatch(self._trimmed())
        value = float(number[0]) if number else None
        if value is None or not isfinite(value):
            raise self._unfit("a number")
        return value

    def decimal(self, digits: int) -> int:
        """A decimal in units of 10^-digits, from the characters of a number or of a text."""
        try:
            text = self._trimmed()
            return parse_decimal(self.text() if text.startswith('"') else text, digits)
        except (ValueError, JsonError):
            raise self._unfit(f"a decimal with at most {digits} digits after the point") from None

    def boolean(self) -> bool:
        text = self._trimmed()
        if text not in ("true", "false"):
            raise self._unfit("true or false")
        return text == "true"

    def is_null(self) -> bool:
        return self._trimmed() == "null"

    def _trimmed(self) -> str:
        return self.strip(_BLANKS)

    def _unfit(self, expected: str) -> JsonError:
        found = self._trimmed()
        shown = found[:_SHOWN_MAX] + "…" if len(found) > _SHOWN_MAX else found
        return JsonError(f"expected {expected}, found {shown}")

    def _parts(self, opening: str, expected: str) -> list[Json]:
        """What stands between the brackets: elements, or names and values by turns."""
        text = self._trimmed()
        try:
            _DECODER.decode(text)
        except (ValueError, RecursionError):
            raise self._unfit(expected) from None
        if not text.startswith(opening):
            raise self._unfit(expected)
        parts, at, end = [], _BLANK.match(text, 1).end(), len(text) - 1
        while at < end:
            past = _DECODER.raw_decode(text, at)[1]
            parts.append(Json(text[at:past]))
            # The whole is JSON, so what follows is blanks, a comma or a colon, and blanks.
            at = _BLANK.match(text, _BLANK.match(text, past).end() + 1).end()
        return parts


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def is_json(text: str) -> bool:
    try:
        _DECODER.decode(text)
    except (JSONDecodeError, ValueError, RecursionError):
        return False
    return True
