"""The scripts of this folder against rows computed here, event by event, from a slice of the sample of
real flights: right rows pass, and each planted error is found.

    tests/duckdb/python -m unittest discover tests/duckdb
"""

import json
import math
import random
import subprocess
import sys
import tempfile
import unittest
from datetime import datetime, timezone
from pathlib import Path

import duckdb
import zstandard

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent / "real-data" / "flights-sample.ndjson.zst"
SLICE = 6_000


def sample():
    with zstandard.open(SAMPLE, "rt") as lines:
        flights = [json.loads(line) for line, _ in zip(lines, range(SLICE))]
    # The data has no cancelled flight and few early ones beyond 255 minutes: make some of both.
    dice = random.Random(1)
    for flight in flights:
        choice = dice.random()
        if choice < 0.02:
            flight["delay"] = None
        elif choice < 0.03:
            del flight["delay"]
        elif choice < 0.06:
            flight["delay"] = dice.randrange(-5000, 5000)
    # An airport where no flight departs.
    return flights + [{"date": "2001-02-23T01:02:03", "origin": "XXX", "destination": "ORD", "distance": 1}]


def time_of(flight):
    return datetime.fromisoformat(flight["date"]).replace(tzinfo=timezone.utc).timestamp()


def cells_of(flights, seconds):
    cells = {}
    for offset, flight in enumerate(flights):
        start = time_of(flight) // seconds * seconds
        window = datetime.fromtimestamp(start, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        cells.setdefault((flight["origin"], window), []).append((time_of(flight), offset, flight.get("delay")))
    return sorted(cells.items())


def bucketed(delay):
    """The answer of a bucket of 7 bits, by shifting the integer."""
    magnitude = abs(delay)
    shift = max(magnitude.bit_length() - 8, 0)
    answer = (magnitude >> shift << shift) + ((1 << shift) - 1) // 2
    return answer if delay >= 0 else -answer


def rows_of_flights(flights):
    for (origin, window), cell in cells_of(flights, 3600):
        delays = sorted(delay for _, _, delay in cell if delay is not None)
        n = len(delays)
        yield {
            "origin": origin,
            "window": window,
            "departures": n,
            "cancelled": len(cell) - n,
            "mean_delay": sum(delays) / n if n else None,
            "p95_delay": bucketed(delays[math.ceil(n * 95 / 100) - 1]) if n else None,
        }


def rows_of_sequence(flights):
    for (origin, window), cell in cells_of(flights, 86400):
        cell = [flight for flight in cell if flight[2] is not None]
        if not cell:
            continue
        streak = run = crossings = 0
        before = None
        for _, _, delay in cell:
            run = run + 1 if delay > 15 else 0
            streak = max(streak, run)
            crossings += before is not None and before <= 15 < delay
            before = delay
        yield {
            "origin": origin,
            "window": window,
            "first": min(cell)[2],
            "last": max(cell)[2],
            "first_seen": cell[0][2],
            "last_seen": cell[-1][2],
            "streak": streak,
            "crossings": crossings,
        }


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.flights = sample()
        cls.file = cls.write("flights.ndjson", cls.flights)

    @classmethod
    def write(cls, name, rows):
        path = Path(cls.folder.name) / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    def run_script(self, script, flights, rows):
        ran = subprocess.run([sys.executable, HERE / script, flights, rows], capture_output=True, text=True)
        return ran.returncode, ran.stdout + ran.stderr

    def check(self, script, rows, code, *said, flights=None):
        rows = rows if isinstance(rows, str) else self.write("rows.ndjson", rows)
        found, output = self.run_script(script, flights or self.file, rows)
        self.assertEqual(found, code, output)
        for text in said:
            self.assertIn(text, output)

    def check_planted(self, script, rows, outputs):
        """Each value changed in one row, a row missing, one too many, one twice."""
        at = len(rows) // 2
        name = f"origin={rows[at]['origin']}, window_ms={rows[at]['window']}"
        for output in outputs:
            for value in (rows[at][output] + 1, None):
                wrong = [*rows[:at], rows[at] | {output: value}, *rows[at + 1 :]]
                self.check(script, wrong, 1, f"{output}: 1 rows", name)
        self.check(script, rows[:at] + rows[at + 1 :], 1, "missing: 1 rows", name)
        self.check(script, rows + [rows[at] | {"origin": "ZZZ"}], 1, "extra: 1 rows", "origin=ZZZ")
        self.check(script, rows + [rows[at]], 1, "twice: 1 rows", name)
        self.check(script, [], 1, f"missing: {len(rows):,} rows")

    def test_right_rows_of_flights_pass_as_ndjson_and_as_parquet(self):
        rows = list(rows_of_flights(self.flights))
        self.assertTrue(any(row["departures"] == 0 for row in rows))
        self.check("flights.py", rows, 0, f"{len(rows):,} cells", "all as they must be")
        source, parquet = self.as_parquet("flights"), self.as_parquet("rows")
        self.check("flights.py", parquet, 0, "all as they must be", flights=source)

    def test_right_rows_of_sequence_pass_as_ndjson_and_as_parquet(self):
        rows = list(rows_of_sequence(self.flights))
        self.assertTrue(any(row["first"] != row["first_seen"] and row["last"] != row["last_seen"] for row in rows))
        self.assertTrue(any(row["streak"] > 1 and row["crossings"] > 1 for row in rows))
        self.check("windows.py", rows, 0, f"{len(rows):,} cells", "all as they must be")
        source, parquet = self.as_parquet("flights"), self.as_parquet("rows")
        self.check("windows.py", parquet, 0, "all as they must be", flights=source)

    def as_parquet(self, name):
        path = str(Path(self.folder.name) / name)
        columns = {"flights": "date::TIMESTAMP as date", "rows": '"window"::TIMESTAMP_MS as "window"'}[name]
        without = {"flights": "date", "rows": '"window"'}[name]
        duckdb.execute(
            f"copy (select {columns}, * exclude ({without}) from read_json('{path}.ndjson')) to '{path}.parquet'"
        )
        return f"{path}.parquet"

    def test_an_error_planted_in_the_rows_of_flights_is_found(self):
        rows = list(rows_of_flights(self.flights))
        at = len(rows) // 2
        self.assertTrue(rows[at]["departures"])
        self.check_planted("flights.py", rows, ["departures", "cancelled", "mean_delay", "p95_delay"])
        least = rows[at] | {"mean_delay": math.nextafter(rows[at]["mean_delay"], math.inf)}
        self.check("flights.py", [*rows[:at], least, *rows[at + 1 :]], 1, "mean_delay: 1 rows")

    def test_an_error_planted_in_the_rows_of_sequence_is_found(self):
        outputs = ["first", "last", "first_seen", "last_seen", "streak", "crossings"]
        self.check_planted("windows.py", list(rows_of_sequence(self.flights)), outputs)

    def test_flights_in_another_order_are_another_sequence(self):
        rows = list(rows_of_sequence(self.flights))
        turned = self.write("turned.ndjson", self.flights[::-1])
        self.check("windows.py", rows, 1, "first_seen: ", "last_seen: ", flights=turned)
        self.check("flights.py", list(rows_of_flights(self.flights)), 0, flights=turned)

    def test_a_file_without_flights_proves_nothing(self):
        nothing = self.write("nothing.ndjson", [])
        self.check("windows.py", [], 1, "nothing was compared", flights=nothing)


if __name__ == "__main__":
    unittest.main()
