"""Random values for tests. The seed is printed; SEED=… repeats a run."""

import os
import random
import time

from bifocal import Json
from bifocal.values import (
    Binary,
    Boolean,
    Float,
    JsonText,
    Number,
    Optional,
    Text,
    Tuple,
)

SEED = int(os.environ.get("SEED") or time.time_ns() % 2**31)
print(f"SEED={SEED}")
dice = random.Random(SEED)

TEXTS = ["", "a", "b", "ab", "märz", "商店", "🏪", "\uffff", "a\0b", '"\\\n\x07', "null", "x" * 200]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.1, 1e300, -1e300, 5e-324, -5e-324, 2.0**-1022, 1.7976931348623157e308]
SPECIAL = [float("inf"), float("-inf"), float("nan"), -float("nan")]


def value_of(held):
    """A value of a type, often one of the few that make trouble."""
    if isinstance(held, Boolean):
        return dice.random() < 0.5
    if isinstance(held, Number):
        if dice.random() < 0.5:
            return dice.choice([held.least, held.greatest, 0, 1, held.least + 1])
        return dice.randrange(held.least, held.greatest + 1) >> dice.randrange(64)
    if isinstance(held, Float):
        return dice.choice(FLOATS + SPECIAL) if dice.random() < 0.5 else dice.uniform(-1000, 1000)
    if isinstance(held, JsonText):
        return Json(dice.choice(["1", "[1, {}]", '"a"', "null"]))
    if isinstance(held, Text):
        return dice.choice(TEXTS)
    if isinstance(held, Binary):
        return dice.randbytes(dice.choice([0, 1, 3, 200]))
    if isinstance(held, Optional):
        return None if dice.random() < 0.3 else value_of(held.of)
    if isinstance(held, Tuple):
        return tuple(map(value_of, held.parts))
    raise TypeError(held)
