"""Writes the events of the conformance vectors: vectors/TRANSFORM/CASE/events.ndjson.

What a case is for is in its name; all of it is drawn from one seed, so that running this again writes
the same bytes. What is expected of the events is written by the tests (see README.md).
"""

import json
import random
from pathlib import Path

VECTORS = Path(__file__).parent / "vectors"
HOUR_MS = 3_600_000
START_MS = 1_764_000_000_000  # 2025-11-24T16:00:00Z

INTEGERS = [0, 1, -1, 7, 255, 256, -256, 2**31, -(2**31), 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1]
LIMITS = [2**63 - 1, -(2**63), 2**63 - 2, -(2**63) + 1, 2**62, -(2**62)]
DECIMALS = ["0", "0.00", "-0.01", "0.01", "12.5", "-99.99", "1e", "90071992547409.93", "123456789.01"]
DECIMAL_LIMITS = ["92233720368547758.07", "-92233720368547758.08"]
FLOATS = [
    "0.0", "-0.0", "1.0", "-1.0", "0.1", "0.2", "0.3", "1e-320", "5e-324", "-5e-324", "2.2250738585072014e-308",
    "1.7976931348623157e308", "-1.7976931348623157e308", "1e16", "-1e16", "123456.789", "1e21", "1e-7", "3",
    "9007199254740993", "0.30000000000000004", "1e100", "-1e100", "1.5e-5",
]  # fmt: skip
TEXTS = ["", "a", "b", "aa", "ä", "z", "é", "e\u0301", "商店", "\ufb01", "🏪", "\U0010ffff", "\uffff", "a\u0000b", '"\\/', "\u2028", "null"]


def line(**fields):
    """One event; a value that is a `Raw` stands as it is."""
    parts = (f"{json.dumps(name)}:{value if isinstance(value, Raw) else json.dumps(value)}" for name, value in fields.items())
    return "{" + ",".join(parts) + "}"


class Raw(str):
    """Text of JSON."""


def write(transform, case, lines):
    folder = VECTORS / transform / case
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.ndjson").write_bytes("".join(line + "\n" for line in lines).encode())


def time(ms):
    seconds, ms = divmod(ms, 1000)
    from datetime import datetime, timezone

    text = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ms:03d}Z"


def readings(dice, events, integers, decimals, wild):
    """For `algebras`; `wild` mixes in events that nobody can read, and refused ones."""
    for _ in range(events):
        fields = {"at": time(START_MS + dice.randrange(3 * HOUR_MS)), "key": dice.choice(["k", "ключ", "", "🔑"])}
        if dice.random() < 0.8:
            fields["n"] = dice.choice(integers)
        if dice.random() < 0.8:
            fields["d"] = Raw(dice.choice(decimals))
        if dice.random() < 0.8:
            fields["f"] = Raw(dice.choice(FLOATS))
        if dice.random() < 0.8:
            fields["t"] = dice.choice(TEXTS)
        if wild and dice.random() < 0.1:
            fields["refuse"] = dice.random() < 0.7
        if wild and dice.random() < 0.1:
            fields |= dice.choice(
                [{"n": 1.5}, {"n": "7"}, {"d": Raw("0.001")}, {"f": "x"}, {"t": 7}, {"key": None}, {"n": None}, {"n": 2**63}]
            )
        yield line(**fields)


def algebras(dice):
    plain = [decimal for decimal in DECIMALS if decimal != "1e"]
    write("algebras", "empty", [])
    write("algebras", "one", [line(at=time(START_MS), key="only")])
    write("algebras", "integers", readings(dice, 120, INTEGERS, plain, False))
    write("algebras", "limits", readings(dice, 60, LIMITS[:2], DECIMAL_LIMITS, False))
    write("algebras", "out-of-range", readings(dice, 60, LIMITS, DECIMAL_LIMITS[:1], False))
    write("algebras", "wrong", readings(dice, 200, INTEGERS, [*plain, '"3.50"', '"x"'], True))
    twice = list(readings(dice, 50, INTEGERS, plain, True))
    write("algebras", "duplicates", [*twice, *twice])
    same = time(START_MS)
    ties = [line(at=same, key="k", t=dice.choice(TEXTS), n=dice.choice(INTEGERS)) for _ in range(60)]
    write("algebras", "ties", ties)
    many = [line(at=time(START_MS + i), key="k", n=i * i % 5003, t=f"user-{i % 3001}", f=i / 7) for i in range(4000)]
    write("algebras", "many", many)


def kinds(dice):
    values = {
        "boolean": [True, False],
        "integer": [*INTEGERS, *LIMITS],
        "float": [Raw(text) for text in FLOATS],
        "text": TEXTS,
        "binary": ["", "AA==", "AAECAwQ=", "//79", "w6Q="],
        "timestamp": [time(START_MS), "1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "2025-11-24T16:00:00.001+01:00", 0, -1, 1764000000000],
    }
    inner = [Raw("{}"), Raw('{"decimal":1.005}'), Raw('{"decimal":"-0.001","a/b":[7]}'), Raw('{"a/b":[{"x":[1, 2.50]},2]}'), Raw('{"a/b":[null]}'), Raw('{"decimal":9223372036854775.807,"a/b":["\\u00e4"]}')]  # fmt: skip

    def things(events, wild):
        for _ in range(events):
            fields = {"at": time(START_MS + dice.randrange(1000))}
            for name, choices in values.items():
                if dice.random() < 0.6:
                    fields[name] = dice.choice(choices[:2] if not wild else choices)
                elif dice.random() < 0.2:
                    fields[name] = None
            if dice.random() < 0.8:
                fields["inner"] = dice.choice(inner)
            if wild and dice.random() < 0.1:
                fields |= dice.choice([{"boolean": 0}, {"binary": "?"}, {"timestamp": "noon"}, {"inner": Raw('{"decimal":0.0001}')}])
            yield line(**fields)

    write("kinds", "empty", [])
    write("kinds", "absent", [line(at=time(START_MS)), line(at=time(START_MS + 1), boolean=None)])
    write("kinds", "few", things(60, False))
    write("kinds", "all", things(150, True))


def sequence(dice):
    def flights(events):
        for _ in range(events):
            fields = {"date": time(START_MS + dice.randrange(48) * HOUR_MS), "origin": dice.choice(["ATL", "ORD", "København"])}
            if dice.random() < 0.9:
                fields["delay"] = dice.choice([0, -5, 15, 16, 90, 16, -(2**63), 2**63 - 1])
            yield line(**fields)

    write("sequence", "empty", [])
    write("sequence", "one", flights(1))
    write("sequence", "days", flights(150))


def hopping(dice):
    def orders(events):
        for _ in range(events):
            fields = {"ts": time(START_MS + dice.choice([dice.randrange(4 * HOUR_MS), 900_000 * dice.randrange(16)]))}
            if dice.random() < 0.8:
                fields["merchant_id"] = dice.choice(["m-1", "märz", ""])
            fields["amount"] = Raw(dice.choice(["0", "0.00", "12.50", "-3.10", "99.99", "1.001", *DECIMAL_LIMITS]))
            fields["status"] = dice.choice(["completed", "completed", "refunded", "pending", 7])
            yield line(**fields)

    write("hopping", "empty", [])
    write("hopping", "before-1970", [line(ts="1969-12-31T23:59:59.999Z", amount=1, status="completed"), line(ts="1970-01-01T00:00:00Z", amount=2, status="refunded")])  # fmt: skip
    write("hopping", "orders", orders(150))


for write_cases in (algebras, kinds, sequence, hopping):
    write_cases(random.Random(write_cases.__name__))
