"""The transforms in Python, natively: the fixtures of the same plugins in Rust, and the common vectors with the
bytes of every state. Run by `python3 -m unittest` in this folder, with the SDK on PYTHONPATH.
"""

import importlib.util
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SDK = ROOT / "plugin-sdk" / "python"
VECTORS = HERE.parent / "vectors"
NAMES = sorted(path.parent.name for path in HERE.glob("*/transform.py"))

sys.path.insert(0, str(SDK))
sys.dont_write_bytecode = True

from bifocal import Transform  # noqa: E402
from bifocal.columns import Blobs  # noqa: E402
from bifocal.testing import Bench, check_fixtures, lines  # noqa: E402


def load(name: str) -> Transform:
    """The transform of a folder."""
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", HERE / name / "transform.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    (found,) = (member for member in vars(module).values() if isinstance(member, Transform))
    return found


def reference(name: str) -> str:
    """The transform in Rust that a folder is about: some are written in two ways."""
    return name.partition("-")[0]


def bench(name: str, case: Path) -> Bench:
    transform = load(name)
    filled = Bench(transform, time=None if dict(transform.describe().annotations) else "ts")
    for line in lines(case / "events.ndjson"):
        filled.append(line)
    return filled


def whole_states(filled: Bench) -> list[str]:
    """The bytes of every cell as a host has them: floating states merged onto the initial one."""
    states, initial = list(filled.states().values()), filled.description.initial
    if initial is not None:
        states = filled.transform.merge(Blobs.join([initial] * len(states)), Blobs.join(states)).cut()
    return sorted(state.hex() for state in states)


class Revenue(unittest.TestCase):
    def test_completed_orders_count_and_no_others(self):
        bench = Bench(load("revenue"))
        for minute, amount, status in (4, 12.50, "completed"), (41, 99.00, "pending"), (59, 3.10, "completed"):
            ts = f"2026-11-20T21:{minute:02}:00Z"
            bench.append(ts=ts, merchant_id="m-17", currency="EUR", amount=amount, status=status)
        merchant = '"merchant_id":"m-17","currency":"EUR","window":"2026-11-20T21:00:00Z"'
        self.assertEqual(bench.rows(), [f'{{{merchant},"amount":15.60,"orders":2,"largest":12.50}}'])
        bench.check_laws()


class Conformance(unittest.TestCase):
    def test_the_code_of_the_guide_is_that_of_files_that_are_tested(self):
        tested = [path.read_text() for path in [*HERE.glob("*/transform.py"), Path(__file__)]]
        blocks = (SDK / "README.md").read_text().split("```python\n")[1:]
        self.assertEqual(len(blocks), 4)
        for block in blocks:
            code = block.partition("```")[0]
            self.assertTrue(any(code in text for text in tested), code)

    def test_the_fixtures_of_the_plugins_hold(self):
        for name in NAMES:
            fixtures = ROOT / "plugins" / reference(name) / "fixtures"
            if fixtures.exists():
                with self.subTest(name):
                    check_fixtures(load(name), fixtures)

    def test_rows_rejections_and_states_are_those_of_the_vectors(self):
        for name in NAMES:
            for case in sorted((VECTORS / reference(name)).glob("*")):
                with self.subTest(f"{name}/{case.name}"):
                    filled = bench(name, case)
                    expected = [json.loads(line) for line in lines(case / "states.ndjson")]
                    self.assertEqual(whole_states(filled), sorted(one["state"] for one in expected))
                    rejected = [json.loads(line)["offset"] for line in lines(case / "rejected.ndjson")]
                    self.assertEqual([offset for offset, _ in filled.rejected()], rejected)
                    rows = [json.loads(row) for row in filled.rows(without_broken=True)]
                    self.assertEqual(rows, [json.loads(row) for row in lines(case / "expected.ndjson")])

    def test_the_seed_of_hashes_decides_nothing(self):
        """Sets and dictionaries of Python have another order, or other collisions, for each seed."""
        script = (
            "from test_conformance import *\n"
            "for name in NAMES:\n"
            "    for case in sorted((VECTORS / reference(name)).glob('*')) or sorted((ROOT / 'plugins' / reference(name)).glob('fixtures/*')):\n"
            "        filled = bench(name, case)\n"
            "        folded = filled.transform.fold(filled.events())\n"
            "        print(name, case.name, folded, filled.rows(without_broken=True))\n"
        )
        seen = set()
        for seed in ("0", "1", "2026"):
            environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(HERE)}
            command = [sys.executable, "-B", "-c", script]
            seen.add(subprocess.run(command, env=environment, cwd=HERE, check=True, capture_output=True).stdout)
        self.assertEqual(len(seen), 1)
        self.assertGreater(len(seen.pop()), 1000)


if __name__ == "__main__":
    unittest.main()
