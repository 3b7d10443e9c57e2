"""Exact decimal numbers with a fixed number of digits after the point."""

from __future__ import annotations

from .codec import I64_MAX, I64_MIN
from .kinds import decimal_kind


class Decimal(int):
    """`Decimal[2]`: a number with two digits after the point, as the integer *value x 10^2* in 64 bits.

    In events, keys, states and outputs `Decimal[n]` names the kind and values are plain `int`s in units of
    10^-n: 1182.50 is 118250. They add and compare exactly, and no float is ever involved.
    `str(Decimal[2](118250))` is `1182.50`; `Decimal[2].parse("1182.5")` is 118250.
    """

    __slots__ = ()
    digits: int | None = None
    SCALE: int
    _of: dict[int, type[Decimal]] = {}

    def __class_getitem__(cls, digits: int) -> type[Decimal]:
        if digits not in cls._of:
            decimal_kind(digits)
            members = {"__slots__": (), "__module__": __name__, "digits": digits, "SCALE": 10**digits}
            cls._of[digits] = type(f"Decimal[{digits}]", (Decimal,), members)
        return cls._of[digits]

    def __str__(self) -> str:
        return write_decimal(int(self), self.digits or 0)

    @classmethod
    def parse(cls, text: str) -> int:
        """Units of the number that `text` writes; `ValueError` if it is none with so few digits."""
        return parse_decimal(text, cls.digits or 0)


def write_decimal(units: int, digits: int) -> str:
    """All digits: `1182.50`, `-0.05`, and no point if there are none after it."""
    whole, fraction = divmod(abs(units), 10**digits)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{fraction:0{digits}d}" if digits else f"{sign}{whole}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def parse_decimal(text: str, digits: int) -> int:
    """The rule by which the host extracts decimals: read from the characters, never through a float."""
    negative = text.startswith("-")
    whole, point, fraction = text[negative:].partition(".")
    if not point:
        fraction = "0"
    if not _is_number(whole) or not _is_number(fraction):
        raise ValueError("not a decimal number")
    if fraction[digits:].strip("0"):
        raise ValueError("more digits after the point than the decimal holds")
    # A host takes as many leading zeros as there are; a number of more than 64 bits is none.
    whole = whole.lstrip("0") or "0"
    units = int(whole + fraction[:digits].ljust(digits, "0")) if len(whole) <= 20 else I64_MAX + 1
    units = -units if negative else units
    if not I64_MIN <= units <= I64_MAX:
        raise ValueError("does not fit a decimal of 64 bits")
    return units
