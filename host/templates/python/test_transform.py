"""Runs natively: `python3 -m unittest`. No host, no WebAssembly."""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "bifocal-sdk"))

from bifocal.testing import Bench, check_fixtures  # noqa: E402
from transform import {{function}}  # noqa: E402


class Tests(unittest.TestCase):
    def test_visits_add_up(self):
        bench = Bench({{function}})
        bench.append(at="2026-01-01T10:05:00Z", page="/", seconds=12)
        bench.append(at="2026-01-01T10:50:00Z", page="/", seconds=30)
        bench.append(at="2026-01-01T10:55:00Z", page="/", seconds=-1)
        row = '{"page":"/","window":"2026-01-01T10:00:00Z","visits":2,"seconds":42,"longest":30}'
        self.assertEqual(bench.rows(), [row])
        self.assertEqual(bench.rejected(), [(2, "a visit cannot be shorter than nothing")])
        bench.check_laws()

    def test_fixtures_hold(self):
        check_fixtures({{function}}, HERE / "fixtures")


if __name__ == "__main__":
    unittest.main()
