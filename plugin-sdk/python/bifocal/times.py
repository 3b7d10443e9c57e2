"""Points in time."""

from __future__ import annotations

_DAY_MS = 86_400_000
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": _DAY_MS}


class Timestamp(int):
    """Milliseconds since 1970-01-01T00:00Z, without leap seconds.

    In events, keys, states and outputs `Timestamp` names the kind and values are plain `int`s, so that
    reading them costs nothing; `str(Timestamp(ms))` is RFC 3339.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return rfc3339(self)


def rfc3339(ms: int) -> str:
    """RFC 3339 with Z, milliseconds only if they are not 0: `2001-01-03T13:05:00Z`.

    Years beyond four digits, which RFC 3339 lacks, have as many as they need.
    """
    day, ms = divmod(int(ms), _DAY_MS)
    year, month, of_month = _civil(day)
    second, ms = divmod(ms, 1000)
    text = f"{year:04d}-{month:02d}-{of_month:02d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"{text}.{ms:03d}Z" if ms else f"{text}Z"


def _civil(day: int) -> tuple[int, int, int]:
    """Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.

    Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`. The `datetime`
    module ends at the year 9999.
    """
    era, day = divmod(day + 719_468, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    from_march = (5 * day + 2) // 153
    month = from_march + 3 if from_march < 10 else from_march - 9
    return era * 400 + year + (month <= 2), month, day - (153 * from_march + 2) // 5 + 1


def duration_ms(text: str) -> int:
    """`"1h"`, `"15m"`, `"30s"`, `"500ms"`, `"1d"` in milliseconds."""
    digits = len(text) - len(text.lstrip("0123456789"))
    unit_ms = _UNITS_MS.get(text[digits:])
    if not digits or unit_ms is None:
        raise ValueError(f"'{text}' is not a length of time; write \"1h\", with one of ms, s, m, h, d")
    ms = int(text[:digits]) * unit_ms
    if not 0 < ms < 2**63:
        raise ValueError(f"'{text}' is not a length of time above 0 that fits 64 bits")
    return ms
