"""Lines for the host's log. They never change a result; natively they go to standard error."""

from __future__ import annotations

import sys

LEVELS = ("trace", "debug", "info", "warn", "error")


def _native(level: str, message: str) -> None:
    print(f"{level}: {message}", file=sys.stderr)


_write = _native


def write_by(write) -> None:
    """Sends lines elsewhere: `write(level, message)`. The component sends them to its host."""
    global _write
    _write = write


def log(level: str, message: object) -> None:
    """Writes a line; `level` is one of trace, debug, info, warn, error."""
    if level not in LEVELS:
        raise ValueError(f"{level} is no level of {', '.join(LEVELS)}")
    _write(level, str(message))


def debug(message: object) -> None:
    log("debug", message)


def info(message: object) -> None:
    log("info", message)


def warn(message: object) -> None:
    log("warn", message)


def error(message: object) -> None:
    log("error", message)
