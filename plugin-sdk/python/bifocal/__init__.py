"""Write Bifocal transforms in Python.

A *transform* is business logic that a Bifocal host runs twice over one log of events: on each event moments
after it is durable, and again over the whole log, to the same bytes. An author says what an event looks
like, what cells are keyed by, what a cell holds, and what one event does. See README.md for a guide.

A transform is a function of the event and the settings alone: no clock, randomness, environment or memory of
an earlier event. What it adds to a state must not depend on what the state holds; logic that needs its
events one after the other is a machine in `Ordered`. A host checks this (`bifocal check`).
"""

from . import log
from .bulk import Columns, Groups, Mask
from .cells import Cells
from .codec import DecodeError
from .decimals import Decimal
from .description import Window
from .events import event, path
from .jsontext import Json, JsonError
from .keys import key
from .kinds import OutOfRange
from .output import output
from .plugin import Transform, transform
from .records import machine, record, state
from .reject import Reject, reject
from .settings import settings
from .state import (
    Count,
    Distinct,
    ExactSum,
    First,
    FirstSeen,
    Last,
    LastN,
    LastSeen,
    Map,
    Max,
    Mean,
    MergeError,
    Min,
    Ordered,
    Quantiles,
    Set,
    Sum,
    TopK,
)
from .times import Timestamp, rfc3339
from .values import I8, I16, I32, I64, U8, U16, U32, U64

__all__ = [
    "Cells",
    "Columns",
    "Count",
    "Decimal",
    "DecodeError",
    "Distinct",
    "event",
    "ExactSum",
    "First",
    "FirstSeen",
    "Groups",
    "I16",
    "I32",
    "I64",
    "I8",
    "Json",
    "JsonError",
    "key",
    "Last",
    "LastN",
    "LastSeen",
    "log",
    "machine",
    "Map",
    "Mask",
    "Max",
    "Mean",
    "MergeError",
    "Min",
    "Ordered",
    "OutOfRange",
    "output",
    "path",
    "Quantiles",
    "record",
    "Reject",
    "reject",
    "rfc3339",
    "Set",
    "settings",
    "state",
    "Sum",
    "Timestamp",
    "TopK",
    "Transform",
    "transform",
    "U16",
    "U32",
    "U64",
    "U8",
    "Window",
]
