"""The component's side, without a component: stand-ins for what componentize-py generates."""

import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = '''
import enum, sys, types
from dataclasses import make_dataclass

class Err(Exception):
    def __init__(self, value):
        self.value = value

logged = []
types_module = types.ModuleType("componentize_py_types"); types_module.Err = Err
world, exports, wire = (types.ModuleType(name) for name in ("wit_world", "wit_world.exports", "wit_world.exports.transform"))
imports, host = types.ModuleType("wit_world.imports"), types.ModuleType("wit_world.imports.host")
exports.Transform = object; exports.transform = wire; imports.host = host
host.Level = enum.Enum("Level", ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"])
host.settings = lambda: "{}"
host.log = lambda level, message: logged.append((level.name, message))
for name, fields in dict(Blobs="ends bytes", Column="fixed heap validity", Cells="keys windows states",
                         Folded="cells rejected", Rejection="row reason").items():
    setattr(wire, name, make_dataclass(name, fields.split()))
for module in (types_module, world, exports, wire, imports, host):
    sys.modules[module.__name__] = module

from bifocal.component import export, prepare, transform_of
from bifocal.columns import build
from bifocal.kinds import TEXT
from bifocal.testing import Events
prepare()
sys.path.insert(0, sys.argv[1])
import transform
Transform = export(transform_of(transform))
for what in ("fine", "time", "random", "urandom", "seeded", "raise", "exit", "deep", "file", "print"):
    try:
        folded = Transform().fold(Events(bytes(8), [build(TEXT, [what])]))
        sys.__stdout__.write(f"{what} {folded.cells.states.bytes.hex()}\\n")
    except Err as error:
        sys.__stdout__.write(f"{what} {error.value.splitlines()[0]} {[line.strip() for line in error.value.splitlines()[1:3]][1:]}\\n")
sys.__stdout__.write(f"{[message for level, message in logged if level == 'INFO']}\\n")
'''

TRANSFORM = '''
import os, random, time
from bifocal import Cells, LastSeen, event, state, transform

@event
class Ask:
    what: str

@state
class Answer:
    answer: LastSeen[str]

def deep(n):
    return deep(n + 1) + 1

@transform()
def asked(ask: Ask, cells: Cells[None, Answer]) -> None:
    if ask.what == "time":
        time.time()
    if ask.what == "random":
        random.random()
    if ask.what == "urandom":
        os.urandom(4)
    if ask.what == "seeded":
        random.Random(7).random()
    if ask.what == "raise":
        raise KeyError("why")
    if ask.what == "exit":
        raise SystemExit(3)
    if ask.what == "deep":
        deep(0)
    if ask.what == "file":
        open("settings.json")
    if ask.what == "print":
        print("hello,", "log")
    cells[()].answer.see("yes")
'''

EXPECTED = """fine 0103796573
time Unavailable: time.time: a transform has no clock: use the event's time ['time.time()']
random Unavailable: random.random: a transform has no random numbers ['random.random()']
urandom Unavailable: os.urandom: a transform has no random numbers ['os.urandom(4)']
seeded 0103796573
raise KeyError: 'why' ['raise KeyError("why")']
exit SystemExit: 3 ['raise SystemExit(3)']
deep RecursionError: maximum recursion depth exceeded ['deep(0)']
file Unavailable: open: a transform has no files ['open("settings.json")']
print 0103796573
['hello, log']
"""


class Component(unittest.TestCase):
    def test_every_exception_is_told_and_what_is_not_there_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "transform.py"), "w") as file:
                file.write(TRANSFORM)
            command = [sys.executable, "-B", "-c", SCRIPT, folder]
            ran = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((ran.stdout, ran.stderr), (EXPECTED, ""))


if __name__ == "__main__":
    unittest.main()
