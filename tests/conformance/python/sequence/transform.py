"""Flights of an origin one after the other, by day: a machine that must see them in the order of the log, beside
parts that go by event time or need no order."""

from bifocal import (
    Cells,
    First,
    FirstSeen,
    Last,
    LastSeen,
    Ordered,
    Timestamp,
    event,
    key,
    machine,
    output,
    path,
    state,
    transform,
)

LATE_MINUTES = 15  # above which a flight is late


@event
class Flight:
    origin: str
    delay: int | None
    time: Timestamp = path("@time")
    offset: int = path("@offset")


@key
class Origin:
    origin: str


@machine
class Streaks:
    begun: bool  # whether any flight came before
    now: int
    longest: int
    crossings: int

    def step(self, late: bool) -> None:
        self.crossings += self.begun and late and self.now == 0
        self.begun = True
        self.now = self.now + 1 if late else 0
        self.longest = max(self.longest, self.now)


@state
class Sequence:
    first: First[int]
    last: Last[int]
    first_seen: FirstSeen[int]
    last_seen: LastSeen[int]
    streaks: Ordered[Streaks]


@output
class Shown:
    first: int | None
    last: int | None
    first_seen: int | None
    last_seen: int | None
    streak: int
    crossings: int


def shown(cell: Sequence) -> Shown:
    streaks = cell.streaks.machine()
    return Shown(
        first=cell.first.get(),
        last=cell.last.get(),
        first_seen=cell.first_seen.get(),
        last_seen=cell.last_seen.get(),
        streak=streaks.longest,
        crossings=streaks.crossings,
    )


@transform(window="1d", present=shown, time="date")
def sequence(flight: Flight, cells: Cells[Origin, Sequence]) -> None:
    if flight.delay is None:
        return
    cell = cells[flight.origin]
    cell.first.see(flight.time, flight.offset, flight.delay)
    cell.last.see(flight.time, flight.offset, flight.delay)
    cell.first_seen.see(flight.delay)
    cell.last_seen.see(flight.delay)
    cell.streaks.push(flight.delay > LATE_MINUTES)
