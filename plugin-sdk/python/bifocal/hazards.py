"""What a transform must not use, made to fail with a sentence instead of a trap, or of an answer that was drawn when
the component was built. Called in a component only, before the author's module is imported: so neither that module
nor a constant in it can hold a time or a random number of the build.
"""

from __future__ import annotations

import builtins
import io
import os
import random
import sys
import time

from . import log

_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "sleep")
_GENERATORS = tuple(name for name, member in vars(random).items() if getattr(member, "__self__", None) is random._inst)


class Unavailable(RuntimeError):
    """A transform asked for something that is not a function of its events and settings."""


def forbid() -> None:
    """Takes clocks, random numbers and files away. `random.Random(seed)`, which has only its seed, stays."""
    for name in _CLOCKS:
        setattr(time, name, _refusal(f"time.{name}", "no clock: use the event's time"))
    for name in _GENERATORS:
        setattr(random, name, _refusal(f"random.{name}", "no random numbers"))
    builtins.open = io.open = _refusal("open", "no files")
    os.urandom = random._urandom = _refusal("os.urandom", "no random numbers")


def _refusal(function: str, why: str):
    def refused(*_, **__):
        raise Unavailable(f"{function}: a transform has {why}")

    return refused


class LogStream:
    """Takes what is printed, line by line, to the host's log."""

    encoding = "utf-8"

    def __init__(self, level: str):
        self._level = level
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            log.log(self._level, line)
        return len(text)

    def flush(self) -> None:
        """A line is logged when it ends."""


def print_to_log() -> None:
    sys.stdout, sys.stderr = LogStream("info"), LogStream("warn")
