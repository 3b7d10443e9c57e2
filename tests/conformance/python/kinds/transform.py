"""Every kind of input, key and output, each of them optional, in one global window."""

from bifocal import Cells, Decimal, Json, Last, Timestamp, event, key, path, state, transform


@event
class Thing:
    boolean: bool | None
    integer: int | None
    float: float | None
    text: str | None
    binary: bytes | None
    timestamp: Timestamp | None
    decimal: Decimal[3] | None = path("inner.decimal")
    json: Json | None = path("/inner/a~1b/0")
    time: Timestamp = path("@time")
    offset: int = path("@offset")


@key
class Parts:
    boolean: bool | None
    integer: int | None
    text: str | None
    binary: bytes | None
    timestamp: Timestamp | None
    decimal: Decimal[3] | None


@state
class Last8:
    last_boolean: Last[bool]
    last_integer: Last[int]
    last_float: Last[float]
    last_text: Last[str]
    last_binary: Last[bytes]
    last_timestamp: Last[Timestamp]
    last_decimal: Last[Decimal[3]]
    last_json: Last[Json]


@transform(time="at")
def kinds(thing: Thing, cells: Cells[Parts, Last8]) -> None:
    """The last value of every kind, by a key of every kind."""
    cell = cells[thing.boolean, thing.integer, thing.text, thing.binary, thing.timestamp, thing.decimal]
    for value, last in (
        (thing.boolean, cell.last_boolean),
        (thing.integer, cell.last_integer),
        (thing.float, cell.last_float),
        (thing.text, cell.last_text),
        (thing.binary, cell.last_binary),
        (thing.timestamp, cell.last_timestamp),
        (thing.decimal, cell.last_decimal),
        (thing.json, cell.last_json),
    ):
        if value is not None:
            last.see(thing.time, thing.offset, value)
